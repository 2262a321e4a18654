//! What a report says of a parameter that is not the hub's to write.

use super::{ForeignVersion, InvalidClaim, Ownership};
use crate::domain::{
    AccountId, Cause, ConflictClass, EXCLUDE_TAG, MARK_KEY, ParameterName, Region, shown,
};

/// Where a conflict is.
#[derive(Clone, Copy, Debug)]
pub struct ConflictContext<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The source Region of the route.
    pub source: &'a Region,
    /// The target Region.
    pub target: &'a Region,
    /// The parameter's name.
    pub name: &'a ParameterName,
    /// Whether the source is there.
    pub source_exists: bool,
    /// What holds the name: its present version.
    pub held: &'a ForeignVersion,
}

impl ConflictContext<'_> {
    /// The command that ends the conflict in favour of one side.
    pub fn resolve(&self, side: &str) -> String {
        let Self { account, source, target, name, .. } = self;
        let name = name.as_str();
        format!(
            "`hubctl resolve {name} --account {account} --region {source} --target {target} --take {side}`"
        )
    }

    fn keep(&self) -> String {
        format!("{} declares it its owner's", self.resolve("target"))
    }

    fn decide(&self) -> String {
        if self.source_exists {
            format!("{} writes the source over it; {}", self.resolve("source"), self.keep())
        } else {
            format!("{}; or delete it by hand", self.keep())
        }
    }
}

/// Why what holds the name is left alone; `None` of what the hub may write.
pub fn objection(ownership: &Ownership, site: ConflictContext<'_>) -> Option<Cause> {
    let class = ownership.class()?;
    let ConflictContext { target, .. } = site;
    let (message, remedy) = match ownership {
        Ownership::Vacant | Ownership::Owned { .. } | Ownership::NeedsHistory => return None,
        Ownership::ChangedInTarget { change, covered, .. } => {
            (changed(change, covered.as_ref(), target), changed_remedy(site))
        }
        Ownership::WrittenOver(under) => (written_over(under, target), site.decide()),
        Ownership::Claimed(why) => (claimed(why, target), claimed_remedy(why, site)),
        Ownership::Unmarked => (
            format!(
                "a parameter in {target} holds this name and does not carry the mark of a replica"
            ),
            format!(
                "{} writes the source over it; or rename it; or set the tag `{EXCLUDE_TAG}=exclude` on the source",
                site.resolve("source")
            ),
        ),
        Ownership::Released { covered, .. } => (
            released(covered.as_ref(), target),
            format!(
                "set the tag `{EXCLUDE_TAG}=exclude` on the parameter in {target} to keep it without this report; {} writes the source over it",
                site.resolve("source")
            ),
        ),
        Ownership::OtherRoute(region) => (
            format!("the parameter in {target} is the replica of the one in {region}"),
            format!(
                "keep one of the two sources, rename the other, or set the tag `{EXCLUDE_TAG}=exclude` on it"
            ),
        ),
        Ownership::AmbiguousRoute => (
            format!(
                "the parameter in {target} carries the mark of a replica and no readable provenance, and several routes lead to {target}"
            ),
            site.decide(),
        ),
        Ownership::MarkOnly { trusted } => (mark_only(*trusted, site), mark_only_remedy(site)),
        Ownership::UntaggedCreate { .. } => (
            format!(
                "the hub wrote the parameter in {target}, and it carries neither of the hub's tags: an invocation ended before it tagged it, or somebody took the tags off"
            ),
            site.decide(),
        ),
    };
    // These name the version that matters themselves.
    let names_version = matches!(
        ownership,
        Ownership::ChangedInTarget { .. }
            | Ownership::WrittenOver(_)
            | Ownership::Claimed(InvalidClaim::OtherWriter(_))
    );
    let message = if names_version { message } else { format!("{message} ({})", last(site.held)) };
    Some(Cause::conflict(class, message).mended_by(remedy))
}

/// The present version and its writer.
pub fn last(held: &ForeignVersion) -> String {
    format!("version {}, last written by {}", held.number, by(held))
}

/// A step was carried out once, and its reason is there again.
pub fn does_not_take(change: &ForeignVersion, site: ConflictContext<'_>) -> Cause {
    let message = format!(
        "{}; the hub restored this replica once already, so it is kept now",
        changed(change, None, site.target)
    );
    Cause::conflict(ConflictClass::DoesNotTake, message).mended_by(site.decide())
}

/// A change in the target was written over, since the settings say so.
pub fn restored(change: &ForeignVersion, target: &Region) -> Cause {
    let message = format!(
        "version {} in {target}, written by {}, was written over with the source's value, as REPLICATOR_ON_TARGET_CHANGE=restore says; its value is in the history",
        change.number,
        by(change)
    );
    Cause::conflict(ConflictClass::ChangedInTarget, message).mended_by(
        "nothing if the source is right; otherwise write the value to the source, or set REPLICATOR_ON_TARGET_CHANGE=report",
    )
}

/// What else lies in the history, after the rest of a message.
fn also_covered(covered: Option<&ForeignVersion>) -> String {
    covered.map_or_else(String::new, |covered| {
        let (number, writer) = (covered.number, by(covered));
        format!("; version {number}, written by {writer}, lies under a version of the hub's")
    })
}

fn by(foreign: &ForeignVersion) -> String {
    foreign.writer.as_deref().map_or_else(|| "a writer that AWS does not name".to_owned(), shown)
}

fn changed(change: &ForeignVersion, covered: Option<&ForeignVersion>, target: &Region) -> String {
    let message = format!(
        "the replica in {target} was changed there: version {} was written by {}, and it is kept",
        change.number,
        by(change)
    );
    message + &also_covered(covered)
}

fn changed_remedy(site: ConflictContext<'_>) -> String {
    let remedy = site.decide();
    if site.source_exists {
        format!(
            "{remedy}; REPLICATOR_ON_TARGET_CHANGE=restore writes the source over such a change once"
        )
    } else {
        remedy
    }
}

/// A version of another writer's lies under one of the hub's.
fn written_over(under: &ForeignVersion, target: &Region) -> String {
    format!(
        "version {} in {target}, written by {}, lies directly under a version of the hub's: its value is in the history",
        under.number,
        by(under)
    )
}

fn released(covered: Option<&ForeignVersion>, target: &Region) -> String {
    let message = format!(
        "the parameter in {target} was released: it no longer carries the mark of a replica"
    );
    message + &also_covered(covered)
}

fn claimed(why: &InvalidClaim, target: &Region) -> String {
    let why = match why {
        InvalidClaim::OtherParameter => "they belong to another parameter".to_owned(),
        InvalidClaim::OtherWriter(foreign) => {
            format!("version {}, which they name, was written by {}", foreign.number, by(foreign))
        }
        InvalidClaim::NoSuchVersion => {
            "the version that they name is not in its history, or not with that date".to_owned()
        }
    };
    format!("the parameter in {target} carries the hub's tags, but the hub did not write it: {why}")
}

fn claimed_remedy(why: &InvalidClaim, site: ConflictContext<'_>) -> String {
    let decide = site.decide();
    match why {
        InvalidClaim::OtherWriter(_) => format!(
            "{decide}; if that role was the hub's once, name it in REPLICATOR_TRUSTED_WRITERS"
        ),
        InvalidClaim::OtherParameter | InvalidClaim::NoSuchVersion => decide,
    }
}

fn mark_only(
    trusted: bool,
    ConflictContext { source, target, source_exists, .. }: ConflictContext<'_>,
) -> String {
    let who = if trusted { "" } else { ", and the hub did not write it" };
    let gone = if source_exists {
        String::new()
    } else {
        format!(", and {source} has no parameter of this name")
    };
    format!(
        "the parameter in {target} carries the mark of a replica and no readable provenance{who}{gone}"
    )
}

fn mark_only_remedy(site: ConflictContext<'_>) -> String {
    if site.source_exists {
        format!(
            "if a former replicator made it, name its role in REPLICATOR_TRUSTED_WRITERS; {}",
            site.decide()
        )
    } else {
        format!(
            "delete it by hand if it is a leftover; or take its tag `{MARK_KEY}` off if it is yours; {}",
            site.keep()
        )
    }
}
