//! Whether a parameter that a value override references may be copied into the replica of another one.
//!
//! The tag `failover-replicator:value-from` is set by whoever may tag the source, and the hub reads with its own rights: so
//! its owner's word alone would show anyone the secret of another team, under a weaker key. The referenced parameter must
//! be one that is replicated itself, its owner must name the source in the tag `failover-replicator:lends-to`, and both
//! must have the same key in the target.

use super::desired::Desired;
use super::{Case, PlanPolicy, not_a_source};
use crate::domain::{
    Cause, DEFAULT_PARAMETER_KEY, EXCLUDE_TAG, FailureKind, LENDS_TO_TAG, MARK_KEY, NameFilter,
    OVERRIDE_TAG_PREFIX, OptOut, PROVENANCE_KEY, ParameterName, split_globs,
};
use crate::ownership::is_marked;
use crate::parameters::model::{Observed, ValueType};
use crate::parameters::value_override::ValueOverride;

/// Why not, for a person, and what changes it.
struct Objection {
    why: String,
    remedy: String,
}

impl Objection {
    fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { why: why.into(), remedy: remedy.into() }
    }
}

/// Whether the value that `desired` references may be copied.
///
/// # Errors
/// `invalid`, with the tag or the setting that stands in the way, and on which parameter.
pub(super) fn consent<'a>(
    case: Case<'a>,
    policy: PlanPolicy<'a>,
    desired: &Desired,
) -> Result<(), Cause> {
    let Some(ValueOverride::FromParameter(name)) = &desired.value_override else { return Ok(()) };
    let (source, target) = (case.source, case.target);
    let refuse = |Objection { why, remedy }| {
        let message = format!("the value for {target} is to come from {name}, {why}");
        Cause::new(FailureKind::Invalid, message).mended_by(remedy)
    };
    if *name == desired.name {
        return Err(refuse(Objection::new(
            "which is the source itself",
            format!(
                "remove the tag `{OVERRIDE_TAG_PREFIX}-from` from the source, or name another parameter in it"
            ),
        )));
    }
    let Some(referenced) = case.referenced else {
        return Err(refuse(Objection::new(
            format!("and there is no such parameter in {source}"),
            format!(
                "create {name}, or name another parameter in the source's tag `{OVERRIDE_TAG_PREFIX}-from`"
            ),
        )));
    };
    is_replicated(case, policy, referenced)
        .and_then(|()| is_lent(referenced, &desired.name))
        .and_then(|()| has_the_same_key(case, policy, referenced, desired))
        .map_err(refuse)
}

/// Whether the referenced parameter is a source that is replicated itself: a value that its owner or the settings keep out
/// of the target does not go there under another name.
fn is_replicated<'a>(
    case: Case<'a>,
    policy: PlanPolicy<'a>,
    referenced: &Observed,
) -> Result<(), Objection> {
    let (name, tags) = (&referenced.parameter.name, &referenced.tags);
    if !policy.names.matches(name.as_str()) {
        return Err(Objection::new(
            "which the name filters of the settings leave out",
            format!(
                "name a parameter that is in scope in the source's tag, or admit {name} by REPLICATOR_INCLUDE_NAMES and REPLICATOR_EXCLUDE_NAMES"
            ),
        ));
    }
    match OptOut::of(tags) {
        Ok(None | Some(OptOut::Released)) => {}
        Ok(Some(OptOut::Exclude | OptOut::Remove)) => {
            return Err(Objection::new(
                format!("which the tag `{EXCLUDE_TAG}` takes out of replication"),
                format!(
                    "name another parameter in the source's tag; or, if the owner of {name} agrees, remove the tag `{EXCLUDE_TAG}` from {name}"
                ),
            ));
        }
        Err(cause) => {
            return Err(Objection::new(
                format!("which is not replicated itself: {}", cause.message),
                format!("on {name}, {}", cause.remedy()),
            ));
        }
    }
    let ours = [(MARK_KEY, is_marked(tags)), (PROVENANCE_KEY, tags.contains_key(PROVENANCE_KEY))];
    if let Some((key, _)) = ours.into_iter().find(|(_, is_there)| *is_there) {
        return Err(Objection::new(
            format!("which carries the tag `{key}` of a replica"),
            format!(
                "name a source in the source's tag; or, if {name} is one, remove the tags `{MARK_KEY}` and `{PROVENANCE_KEY}` from {name}"
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

/// Whether the owner of the referenced parameter names the borrower. AWS allows neither `*` nor `,` in the value of a tag,
/// so an entry that ends in `/` stands for everything below it, and a space may separate entries.
fn is_lent(referenced: &Observed, borrower: &ParameterName) -> Result<(), Objection> {
    let name = &referenced.parameter.name;
    let Some(text) = referenced.tags.get(LENDS_TO_TAG) else {
        return Err(Objection::new(
            format!("which does not have the tag `{LENDS_TO_TAG}`"),
            format!(
                "if the owner of {name} agrees, set the tag `{LENDS_TO_TAG}={borrower}` on {name}"
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
                    "whose tag `{LENDS_TO_TAG}` is invalid: its entry {number} is not a glob: {}",
                    error.kind()
                ),
                format!(
                    "correct the tag `{LENDS_TO_TAG}` of {name}: names or globs with a space between them, such as `/shop/db /web/`, where `/web/` stands for everything below it"
                ),
            )
        })?;
        is_named |= names.matches(borrower.as_str());
    }
    if is_named {
        return Ok(());
    }
    Err(Objection::new(
        format!("whose tag `{LENDS_TO_TAG}` does not name {borrower}"),
        format!(
            "if the owner of {name} agrees, add `{borrower}` to the tag `{LENDS_TO_TAG}` of {name}, with a space in front"
        ),
    ))
}

/// Whether who may decrypt the replica may decrypt the referenced parameter's own: plain text has no key, and that is a
/// key of its own.
fn has_the_same_key(
    case: Case<'_>,
    policy: PlanPolicy<'_>,
    referenced: &Observed,
    desired: &Desired,
) -> Result<(), Objection> {
    let (name, target) = (&referenced.parameter.name, case.target);
    let same_key = format!(
        "name a parameter of the same type and key as {} in the source's tag, or write one of the two anew with the key of the other",
        desired.name
    );
    let theirs = match referenced.parameter.value_type {
        ValueType::Unknown => {
            return Err(Objection::new(
                "which is of a type that this release does not know",
                format!("name another parameter in the source's tag than {name}"),
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

/// A key's id or alias, without what the ARN of a key of this account and target has in front.
fn key_id(case: Case<'_>, key: &str) -> String {
    let place = format!(":kms:{}:{}:", case.target, case.account);
    let name = key.strip_prefix("arn:").and_then(|arn| arn.split_once(&place));
    let name = name.map_or(key, |(_, name)| name);
    name.strip_prefix("key/").unwrap_or(name).to_owned()
}
