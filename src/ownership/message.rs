//! The messages and remedies of conflicts over parameters. Each message says what the hub found, in which Region, and what
//! the hub did; each remedy names a command, a tag or a setting.

use super::{ForeignVersion, InvalidClaim, Ownership};
use crate::domain::{
    AccountId, Cause, ConflictClass, EXCLUDE_TAG, MARK_KEY, ParameterName, Region, shown,
};

/// The item of a conflict.
#[derive(Clone, Copy, Debug)]
pub struct ConflictContext<'a> {
    /// The account of source and target.
    pub account: &'a AccountId,
    /// The source Region of the route.
    pub source: &'a Region,
    /// The target Region.
    pub target: &'a Region,
    /// The parameter's name.
    pub name: &'a ParameterName,
    /// Whether the source exists.
    pub source_exists: bool,
    /// The present version in the target.
    pub held: &'a ForeignVersion,
}

impl ConflictContext<'_> {
    /// The command that resolves the conflict in favour of `side`.
    pub fn resolve(&self, side: &str) -> String {
        let Self { account, source, target, name, .. } = self;
        let name = name.as_str();
        format!(
            "`hubctl resolve {name} --account {account} --region {source} --target {target} --take {side}`"
        )
    }

    fn overwrite(&self) -> String {
        format!("{} overwrites it with the source", self.resolve("source"))
    }

    fn keep(&self) -> String {
        format!("{} releases it to its owner", self.resolve("target"))
    }

    fn decide(&self) -> String {
        if self.source_exists {
            format!("{}; {}", self.overwrite(), self.keep())
        } else {
            format!("{}; or delete it in {}", self.keep(), self.target)
        }
    }
}

/// The conflict over a parameter that the hub may not write; `None` if the hub may.
pub fn objection(ownership: &Ownership, context: ConflictContext<'_>) -> Option<Cause> {
    let class = ownership.class()?;
    let (message, remedy) = explained(ownership, context)?;
    // The messages of these name the decisive version themselves.
    let names_version = matches!(
        ownership,
        Ownership::ChangedInTarget { .. }
            | Ownership::WrittenOver(_)
            | Ownership::Claimed(InvalidClaim::OtherWriter(_))
    );
    let message =
        if names_version { message } else { format!("{message} ({})", last(context.held)) };
    Some(Cause::conflict(class, message).with_remedy(remedy))
}

/// Message and remedy.
fn explained(ownership: &Ownership, context: ConflictContext<'_>) -> Option<(String, String)> {
    let ConflictContext { target, .. } = context;
    Some(match ownership {
        Ownership::Vacant | Ownership::Owned { .. } | Ownership::NeedsHistory => return None,
        Ownership::ChangedInTarget { change, covered, .. } => {
            (changed(change, covered.as_ref(), target), changed_remedy(context))
        }
        Ownership::WrittenOver(under) => (written_over(under, target), context.decide()),
        Ownership::Claimed(why) => (claimed(why, target), claimed_remedy(why, context)),
        Ownership::Unmarked => (
            format!(
                "a parameter in {target} holds this name and does not carry the mark of a replica; the hub left it unchanged"
            ),
            format!(
                "{}; or rename one of the two parameters; or set the tag `{EXCLUDE_TAG}=exclude` on the source",
                context.overwrite()
            ),
        ),
        Ownership::Released { covered, .. } => (
            released(covered.as_ref(), target),
            format!(
                "to keep the parameter without this report, set the tag `{EXCLUDE_TAG}=exclude` on it in {target}; {}",
                context.overwrite()
            ),
        ),
        Ownership::OtherRoute(region) => (
            format!(
                "the parameter in {target} is the replica of the one in {region}; the hub left it unchanged"
            ),
            format!(
                "rename one of the two sources, or set the tag `{EXCLUDE_TAG}=exclude` on one of them"
            ),
        ),
        Ownership::AmbiguousRoute => (
            format!(
                "the parameter in {target} carries the mark of a replica and no readable provenance, and several routes lead to {target}; the hub left it unchanged"
            ),
            context.decide(),
        ),
        Ownership::MarkOnly { trusted } => {
            (mark_only(*trusted, context), mark_only_remedy(context))
        }
        Ownership::UntaggedCreate { .. } => (
            format!(
                "the hub wrote the parameter in {target}, and the parameter carries neither of the hub's tags: an invocation ended before it set the tags, or another role removed them; the hub left it unchanged"
            ),
            context.decide(),
        ),
    })
}

/// A version and its writer.
pub fn last(held: &ForeignVersion) -> String {
    format!("version {}, last written by {}", held.number, by(held))
}

/// The conflict over a replica that was changed again after the hub restored it.
pub fn does_not_take(change: &ForeignVersion, context: ConflictContext<'_>) -> Cause {
    let message = format!(
        "{}; the hub already restored this replica once and does not restore it again",
        changed(change, None, context.target)
    );
    Cause::conflict(ConflictClass::DoesNotTake, message).with_remedy(context.decide())
}

/// The report of a restored replica: the hub overwrote a change in the target.
pub fn restored(change: &ForeignVersion, target: &Region) -> Cause {
    let message = format!(
        "the hub overwrote version {} in {target}, written by {}, with the source's value (REPLICATOR_ON_TARGET_CHANGE=restore); the overwritten value is in the history",
        change.number,
        by(change)
    );
    Cause::conflict(ConflictClass::ChangedInTarget, message).with_remedy(
        "none needed if the source is right; otherwise write the value to the source, or set REPLICATOR_ON_TARGET_CHANGE=report",
    )
}

/// The end of a message: a further version of another writer.
fn also_covered(covered: Option<&ForeignVersion>) -> String {
    covered.map_or_else(String::new, |covered| {
        let (number, writer) = (covered.number, by(covered));
        format!("; version {number}, written by {writer}, lies under a version of the hub")
    })
}

fn by(foreign: &ForeignVersion) -> String {
    foreign.writer.as_deref().map_or_else(|| "a writer that AWS does not name".to_owned(), shown)
}

fn changed(change: &ForeignVersion, covered: Option<&ForeignVersion>, target: &Region) -> String {
    let message = format!(
        "another writer changed the replica in {target}: version {} was written by {}, and the hub keeps that version",
        change.number,
        by(change)
    );
    message + &also_covered(covered)
}

fn changed_remedy(context: ConflictContext<'_>) -> String {
    let remedy = context.decide();
    if context.source_exists {
        format!(
            "{remedy}; REPLICATOR_ON_TARGET_CHANGE=restore overwrites such a change once with the source"
        )
    } else {
        remedy
    }
}

fn written_over(under: &ForeignVersion, target: &Region) -> String {
    format!(
        "version {} in {target}, written by {}, lies directly under a version of the hub; the hub keeps the replica, and the covered value is in the history",
        under.number,
        by(under)
    )
}

fn released(covered: Option<&ForeignVersion>, target: &Region) -> String {
    let message = format!(
        "the parameter in {target} was released: it no longer carries the mark of a replica, and the hub left it unchanged"
    );
    message + &also_covered(covered)
}

fn claimed(why: &InvalidClaim, target: &Region) -> String {
    let why = match why {
        InvalidClaim::OtherParameter => "the tags belong to another parameter".to_owned(),
        InvalidClaim::OtherWriter(foreign) => format!(
            "version {}, which the tags name, was written by {}",
            foreign.number,
            by(foreign)
        ),
        InvalidClaim::NoSuchVersion => {
            "the history does not have the version and date that the tags name".to_owned()
        }
    };
    format!(
        "the parameter in {target} carries the hub's tags, but the hub did not write it: {why}; the hub left it unchanged"
    )
}

fn claimed_remedy(why: &InvalidClaim, context: ConflictContext<'_>) -> String {
    let decide = context.decide();
    match why {
        InvalidClaim::OtherWriter(_) => format!(
            "{decide}; if that role is a former role of the hub, name it in REPLICATOR_TRUSTED_WRITERS"
        ),
        InvalidClaim::OtherParameter | InvalidClaim::NoSuchVersion => decide,
    }
}

fn mark_only(
    trusted: bool,
    ConflictContext { source, target, source_exists, .. }: ConflictContext<'_>,
) -> String {
    let writer = if trusted { "" } else { ", and the hub did not write it" };
    let gone = if source_exists {
        String::new()
    } else {
        format!(", and {source} has no parameter of this name")
    };
    format!(
        "the parameter in {target} carries the mark of a replica and no readable provenance{writer}{gone}; the hub left it unchanged"
    )
}

fn mark_only_remedy(context: ConflictContext<'_>) -> String {
    if context.source_exists {
        format!(
            "if a former replicator made it, name its role in REPLICATOR_TRUSTED_WRITERS; {}",
            context.decide()
        )
    } else {
        format!(
            "if the parameter is a leftover, delete it in {}; if its owner needs it, remove the tag `{MARK_KEY}` from it; or {}",
            context.target,
            context.keep()
        )
    }
}
