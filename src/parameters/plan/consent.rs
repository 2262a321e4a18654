//! Whether the hub may copy the value of the parameter that a value override references.
//!
//! Anyone who may tag a source can set the tag `failover-replicator:value-from`, and the hub reads with its own rights.
//! Without consent, the tag would expose the secret of another team under a weaker key. The referenced parameter must
//! itself be replicated, its owner must name the source in the tag `failover-replicator:lends-to`, and both must have the
//! same key in the target.

use super::desired::Desired;
use super::source::not_a_source;
use super::{Case, PlanPolicy};
use crate::domain::{
    Cause, DEFAULT_PARAMETER_KEY, EXCLUDE_TAG, FailureKind, LENDS_TO_TAG, MARK_KEY, NameFilter,
    OVERRIDE_TAG_PREFIX, OptOut, PROVENANCE_KEY, ParameterName, split_globs,
};
use crate::ownership::is_marked;
use crate::parameters::model::{Observed, ValueType};
use crate::parameters::value_override::ValueOverride;

/// Why the value may not be copied, as a relative clause about the referenced parameter, and the remedy.
struct Objection {
    why: String,
    remedy: String,
}

impl Objection {
    fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { why: why.into(), remedy: remedy.into() }
    }
}

/// Whether the hub may copy the value that `desired` references.
///
/// # Errors
/// `invalid`, with the tag or the setting that forbids the copy, and the parameter that has it.
pub(super) fn consent<'a>(
    case: Case<'a>,
    policy: PlanPolicy<'a>,
    desired: &Desired,
) -> Result<(), Cause> {
    let Some(ValueOverride::FromParameter(name)) = &desired.value_override else { return Ok(()) };
    referenced_exists(case, name, desired)
        .and_then(|referenced| {
            is_replicated(case, policy, referenced)?;
            names_the_source(referenced, &desired.name)?;
            has_the_same_key(case, policy, referenced, desired)
        })
        .map_err(|Objection { why, remedy }| {
            let message =
                format!("the value override for {} references {name}, {why}", case.target);
            Cause::new(FailureKind::Invalid, message).with_remedy(remedy)
        })
}

/// The referenced parameter, if it exists and is not the source.
fn referenced_exists<'a>(
    case: Case<'a>,
    name: &ParameterName,
    desired: &Desired,
) -> Result<&'a Observed, Objection> {
    if *name == desired.name {
        return Err(Objection::new(
            "which is the source itself",
            format!(
                "remove the tag `{OVERRIDE_TAG_PREFIX}-from` from the source, or name another parameter in the tag"
            ),
        ));
    }
    case.referenced.ok_or_else(|| {
        Objection::new(
            format!("and {} has no such parameter", case.source),
            format!(
                "create {name}, or name another parameter in the source's tag `{OVERRIDE_TAG_PREFIX}-from`"
            ),
        )
    })
}

/// Whether the referenced parameter is itself replicated. The hub does not copy a value under another name if the owner
/// or the settings keep that value out of the target.
fn is_replicated<'a>(
    case: Case<'a>,
    policy: PlanPolicy<'a>,
    referenced: &Observed,
) -> Result<(), Objection> {
    let (name, tags) = (&referenced.parameter.name, &referenced.tags);
    if !policy.names.matches(name.as_str()) {
        return Err(Objection::new(
            "which the name filters exclude",
            format!(
                "name a parameter that is in scope in the source's tag, or include {name} by REPLICATOR_INCLUDE_NAMES and REPLICATOR_EXCLUDE_NAMES"
            ),
        ));
    }
    wants_replication(name, referenced)?;
    let ours = [(MARK_KEY, is_marked(tags)), (PROVENANCE_KEY, tags.contains_key(PROVENANCE_KEY))];
    if let Some((key, _)) = ours.into_iter().find(|(_, is_there)| *is_there) {
        return Err(Objection::new(
            format!("which carries the tag `{key}` of a replica"),
            format!(
                "name a source in the source's tag; or, if {name} is a source, remove the tags `{MARK_KEY}` and `{PROVENANCE_KEY}` from {name}"
            ),
        ));
    }
    if not_a_source(case, referenced, policy).is_some() {
        return Err(Objection::new(
            "which the hub wrote and which carries neither of the hub's tags",
            format!("if {name} is a source, set the tag `{EXCLUDE_TAG}=released` on {name}"),
        ));
    }
    Ok(())
}

/// Whether the referenced parameter has no opt-out tag.
fn wants_replication(name: &ParameterName, referenced: &Observed) -> Result<(), Objection> {
    match OptOut::of(&referenced.tags) {
        Ok(None | Some(OptOut::Released)) => Ok(()),
        Ok(Some(OptOut::Exclude | OptOut::Remove)) => Err(Objection::new(
            format!("which the tag `{EXCLUDE_TAG}` excludes from replication"),
            format!(
                "name another parameter in the source's tag; or, if the owner of {name} agrees, remove the tag `{EXCLUDE_TAG}` from {name}"
            ),
        )),
        Err(cause) => Err(Objection::new(
            format!("which is not replicated itself: {}", cause.message),
            format!("on {name}, {}", cause.remedy()),
        )),
    }
}

/// Whether the owner of the referenced parameter names the source in `lends-to`. AWS allows neither `*` nor `,` in the
/// value of a tag: an entry that ends in `/` therefore means everything below it, and spaces separate entries.
fn names_the_source(referenced: &Observed, source: &ParameterName) -> Result<(), Objection> {
    let name = &referenced.parameter.name;
    let Some(text) = referenced.tags.get(LENDS_TO_TAG) else {
        return Err(Objection::new(
            format!("which does not have the tag `{LENDS_TO_TAG}`"),
            format!(
                "if the owner of {name} agrees, set the tag `{LENDS_TO_TAG}={source}` on {name}"
            ),
        ));
    };
    let entries = split_globs(text, |c| c == ',' || c.is_whitespace());
    let mut is_named = false;
    for (entry, number) in entries.into_iter().zip(1..) {
        let below = if entry.ends_with('/') { "*" } else { "" };
        let glob = format!("{entry}{below}");
        let names = NameFilter::new([glob.as_str()], []).map_err(|error| {
            Objection::new(
                format!(
                    "whose tag `{LENDS_TO_TAG}` is invalid: entry {number} is not a glob: {}",
                    error.kind()
                ),
                format!(
                    "correct the tag `{LENDS_TO_TAG}` of {name}: names or globs with a space between them, such as `/shop/db /web/`, where `/web/` means everything below it"
                ),
            )
        })?;
        is_named |= names.matches(source.as_str());
    }
    if is_named {
        return Ok(());
    }
    Err(Objection::new(
        format!("whose tag `{LENDS_TO_TAG}` does not name {source}"),
        format!(
            "if the owner of {name} agrees, add `{source}` to the tag `{LENDS_TO_TAG}` of {name}, after a space"
        ),
    ))
}

/// Whether the replica has the same key as the replica of the referenced parameter would have. Plain text has no key and
/// is equal only to plain text.
fn has_the_same_key(
    case: Case<'_>,
    policy: PlanPolicy<'_>,
    referenced: &Observed,
    desired: &Desired,
) -> Result<(), Objection> {
    let (name, target) = (&referenced.parameter.name, case.target);
    let same_key = format!(
        "name a parameter with the type and key of {} in the source's tag, or write one of the two parameters again with the key of the other",
        desired.name
    );
    let theirs = match referenced.parameter.value_type {
        ValueType::Unknown => {
            return Err(Objection::new(
                "whose type this release does not know",
                format!("name another parameter than {name} in the source's tag"),
            ));
        }
        ValueType::String | ValueType::StringList => None,
        ValueType::SecureString => {
            let key = referenced.parameter.key.as_deref().unwrap_or(DEFAULT_PARAMETER_KEY);
            let Ok(mapped) = policy.kms_keys.target_key(key, case.source, target) else {
                return Err(Objection::new(
                    format!("whose key {key} has no counterpart in {target}"),
                    same_key,
                ));
            };
            Some(mapped)
        }
    };
    let id = |key: &str| key_id(case, key);
    if theirs.as_deref().map(id) == desired.key.as_deref().map(id) {
        return Ok(());
    }
    let shown = |key: &Option<String>| match key {
        Some(key) => format!("encrypted with {key}"),
        None => "plain text".to_owned(),
    };
    let (theirs, own) = (shown(&theirs), shown(&desired.key));
    Err(Objection::new(
        format!("which is {theirs} in {target}, and the replica is {own}"),
        same_key,
    ))
}

/// The id or alias of a key, without the prefix of an ARN in this account and target.
fn key_id(case: Case<'_>, key: &str) -> String {
    let place = format!(":kms:{}:{}:", case.target, case.account);
    let name = key.strip_prefix("arn:").and_then(|arn| arn.split_once(&place));
    let name = name.map_or(key, |(_, name)| name);
    name.strip_prefix("key/").unwrap_or(name).to_owned()
}
