//! Whose a parameter in a target is, judged from evidence alone. Pure.
//!
//! A tag is a claim; the writer that AWS records with each version is the proof. A replica is owned if it carries mark
//! and provenance of this route, the tag belongs to it, the hub wrote the version that provenance names, and the hub
//! wrote every version after that one. Where provenance names the present version, the writer of the list's row proves
//! it; otherwise the history does, and a judgement without it is [`Ownership::NeedsHistory`].

mod fingerprint;
mod history;
mod message;
mod provenance;

use std::time::Duration;

use crate::domain::{
    AccountId, ConflictClass, EXCLUDE_TAG, MARK_KEY, MARK_VALUE, OptOut, PROVENANCE_KEY,
    ParameterName, Region, Tags, Timestamp, Version, Writer, Writers, assumed_role,
};

pub use fingerprint::Fingerprint;
use history::WriterHistory;
pub use history::{ForeignVersion, PastVersion};
pub use message::{ConflictContext, does_not_take, last, objection, restored};
pub use provenance::{FoundBy, Provenance, RefusedForm, Tombstone};

/// For so long after its write a create of the hub's that has neither tag gets them again: the invocation that made it
/// has died.
const UNTAGGED_CREATE_IS_FRESH: Duration = Duration::from_hours(1);

/// What was read of a parameter in a target.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Its account.
    pub account: &'a AccountId,
    /// Its Region.
    pub target: &'a Region,
    /// Its name.
    pub name: &'a ParameterName,
    /// All its tags.
    pub tags: &'a Tags,
    /// Its present version.
    pub version: Version,
    /// The ARN of that version's writer, where AWS names one.
    pub writer: Option<&'a str>,
    /// Its versions, the oldest that AWS keeps first and the present one last, where they were read.
    pub history: Option<&'a [PastVersion]>,
}

/// From where it is judged.
#[derive(Clone, Copy, Debug)]
pub struct JudgeContext<'a> {
    /// The source Region of the route.
    pub source: &'a Region,
    /// Whether no other route leads into the target.
    pub only_route: bool,
    /// Whose versions are the hub's.
    pub writers: &'a Writers,
    /// The present.
    pub now: Timestamp,
}

/// Whose a parameter in a target is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Nothing holds the name.
    Vacant,
    /// The hub's, as the replica of this route's source.
    Owned {
        /// What its tag says.
        provenance: Provenance,
        /// Whether a trusted writer, and not the hub, wrote the version that provenance names.
        by_trusted: bool,
    },
    /// The evidence lacks the history that decides it.
    NeedsHistory,
    /// The hub's, but another writer wrote the present version.
    ChangedInTarget {
        /// The present version.
        change: ForeignVersion,
        /// An earlier version of another writer's that lies directly under one of the hub's.
        covered: Option<ForeignVersion>,
        /// Whether the version that provenance names was itself written over another writer's, with another value.
        restored_before: bool,
        /// Whether the hub wrote the version that provenance names, and the replica was not adopted.
        restorable: bool,
    },
    /// A version of another writer's lies directly under one of the hub's, with another value.
    WrittenOver(ForeignVersion),
    /// The hub's tags, but it never wrote the version that they name.
    Claimed(InvalidClaim),
    /// Neither tag.
    Unmarked,
    /// A replica whose mark was taken off, or what its owner declared to be released.
    Released {
        /// Whether its own tag says `exclude`.
        excluded: bool,
        /// A version of another writer's that lies directly under one of the hub's.
        covered: Option<ForeignVersion>,
    },
    /// The replica of another Region's source.
    OtherRoute(Region),
    /// The mark, no readable provenance, and several routes lead here.
    AmbiguousRoute,
    /// The mark and no readable provenance.
    MarkOnly {
        /// Whether the hub or a trusted writer wrote the present version.
        trusted: bool,
    },
    /// Written by the hub alone, with neither tag.
    UntaggedCreate {
        /// Whether it is version 1 and so young that it gets its tags again.
        fresh: bool,
    },
}

/// Why tags prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidClaim {
    /// The tag belongs to another parameter.
    OtherParameter,
    /// Another writer wrote the version that provenance names.
    OtherWriter(ForeignVersion),
    /// AWS keeps no such version as provenance names.
    NoSuchVersion,
}

impl Ownership {
    /// The class of the conflict that it is; `None` of what the hub may write.
    pub fn class(&self) -> Option<ConflictClass> {
        match self {
            Self::Vacant | Self::Owned { .. } | Self::NeedsHistory => None,
            Self::ChangedInTarget { .. } => Some(ConflictClass::ChangedInTarget),
            Self::WrittenOver(_) => Some(ConflictClass::WrittenOver),
            Self::Claimed(_) => Some(ConflictClass::Claimed),
            Self::Unmarked => Some(ConflictClass::Unmarked),
            Self::Released { .. } => Some(ConflictClass::Released),
            Self::OtherRoute(_) => Some(ConflictClass::OtherRoute),
            Self::AmbiguousRoute => Some(ConflictClass::Ambiguous),
            Self::MarkOnly { .. } => Some(ConflictClass::MarkOnly),
            Self::UntaggedCreate { .. } => Some(ConflictClass::UntaggedCreate),
        }
    }

    /// Whether a person's word makes it this route's.
    pub fn may_be_taken(&self) -> bool {
        match self {
            Self::Vacant | Self::Owned { .. } | Self::NeedsHistory | Self::OtherRoute(_) => false,
            Self::ChangedInTarget { .. }
            | Self::WrittenOver(_)
            | Self::Claimed(_)
            | Self::Unmarked
            | Self::Released { .. }
            | Self::AmbiguousRoute
            | Self::MarkOnly { .. }
            | Self::UntaggedCreate { .. } => true,
        }
    }

    /// Whether the hub's tags may be taken off it at a person's word.
    pub fn may_be_released(&self) -> bool {
        !matches!(self, Self::Vacant | Self::Unmarked | Self::OtherRoute(_))
    }
}

/// Whether the mark is among the tags.
pub fn is_marked(tags: &Tags) -> bool {
    tags.get(MARK_KEY).is_some_and(|value| value == MARK_VALUE)
}

/// Whether a tag of the parameter itself declares it its owner's.
pub fn is_released(tags: &Tags) -> bool {
    OptOut::of(tags) == Ok(Some(OptOut::Released))
}

impl Evidence<'_> {
    /// Its present version, as reports name it.
    pub fn present(&self) -> ForeignVersion {
        ForeignVersion { number: self.version.number, writer: self.writer.map(Into::into) }
    }
}

/// Whose the parameter is. The history of the evidence, where it is there, ends with the present version.
pub fn judge(evidence: Evidence<'_>, viewpoint: JudgeContext<'_>) -> Ownership {
    let Evidence { account, version, writer, tags, .. } = evidence;
    let JudgeContext { source, only_route, writers, now } = viewpoint;
    let by = writers.of(account, writer);
    let history = evidence.history.map(|rows| WriterHistory::new(rows, account, writers));
    let provenance = Provenance::of(tags);
    match (is_marked(tags), provenance) {
        (true, Some(named)) if named.region != *source => {
            let region = named.region.clone();
            judge_unnamed(history, &named, by, version, || Ownership::OtherRoute(region))
        }
        (true, Some(provenance)) => judge_claim(provenance, evidence, by, history),
        (true, None) if by == Writer::Hub && version.number > 1 => {
            judge_covered(history, || mark_only(only_route, true))
        }
        (true, None) => mark_only(only_route, by != Writer::Other),
        (false, provenance) if tags.contains_key(PROVENANCE_KEY) => {
            let released = || Ownership::Released { excluded: excludes(tags), covered: None };
            match provenance {
                Some(named) => judge_unnamed(history, &named, by, version, released),
                None => released(),
            }
        }
        // Its owner wants no report of what was the hub's once.
        (false, _) if excludes(tags) && by == Writer::Hub => {
            Ownership::Released { excluded: true, covered: None }
        }
        // Its owner may have declared it so before a write of the hub's went over it.
        (false, _) if is_released(tags) && by == Writer::Hub && version.number > 1 => history
            .map_or(Ownership::NeedsHistory, |rows| Ownership::Released {
                excluded: false,
                covered: rows.last_covered(),
            }),
        (false, _) if is_released(tags) => Ownership::Released { excluded: false, covered: None },
        (false, _) if by == Writer::Hub && version.number == 1 => {
            let fresh = now.since(version.modified) < UNTAGGED_CREATE_IS_FRESH;
            Ownership::UntaggedCreate { fresh }
        }
        (false, _) if by == Writer::Hub => match &history {
            None => Ownership::NeedsHistory,
            Some(rows) => match (rows.last_covered(), rows.first_foreign()) {
                (Some(covered), _) => Ownership::WrittenOver(covered),
                (None, None) if rows.is_complete() => Ownership::UntaggedCreate { fresh: false },
                (None, _) => Ownership::Unmarked,
            },
        },
        (false, _) => Ownership::Unmarked,
    }
}

fn mark_only(only_route: bool, trusted: bool) -> Ownership {
    if only_route { Ownership::MarkOnly { trusted } } else { Ownership::AmbiguousRoute }
}

fn excludes(tags: &Tags) -> bool {
    tags.get(EXCLUDE_TAG).is_some_and(|wish| wish.eq_ignore_ascii_case("exclude"))
}

/// A version of another writer's under one of the hub's goes before anything else that could be said.
fn judge_covered(
    history: Option<WriterHistory<'_>>,
    otherwise: impl FnOnce() -> Ownership,
) -> Ownership {
    match history.map(|rows| rows.last_covered()) {
        None => Ownership::NeedsHistory,
        Some(Some(covered)) => Ownership::WrittenOver(covered),
        Some(None) => otherwise(),
    }
}

/// The same of what is not this route's by its tags: one of the hub's writes may have gone over it before they were there.
fn judge_unnamed(
    history: Option<WriterHistory<'_>>,
    named: &Provenance,
    by: Writer,
    present: Version,
    otherwise: impl FnOnce() -> Ownership,
) -> Ownership {
    if by == Writer::Hub && !named.names_replica(present) {
        judge_covered(history.map(|rows| after_named(&rows, named)), otherwise)
    } else {
        otherwise()
    }
}

/// The versions that provenance does not vouch for: all of them where it names none that is kept, or another writer's.
fn after_named<'a>(rows: &WriterHistory<'a>, named: &Provenance) -> WriterHistory<'a> {
    let at = rows.position(|row| named.names_replica(row.version));
    let at = at.filter(|at| rows.writer(*at) != Some(Writer::Other));
    rows.from(at.map_or(0, |at| at + 1))
}

/// Whose it is by mark and provenance of this route.
fn judge_claim(
    provenance: Provenance,
    evidence: Evidence<'_>,
    by: Writer,
    history: Option<WriterHistory<'_>>,
) -> Ownership {
    let Evidence { account, target, name, version, .. } = evidence;
    if !provenance.is_of(account, target, name) {
        let claimed = || Ownership::Claimed(InvalidClaim::OtherParameter);
        return judge_unnamed(history, &provenance, by, version, claimed);
    }
    if provenance.names_replica(version) {
        return match by {
            Writer::Other => Ownership::Claimed(InvalidClaim::OtherWriter(evidence.present())),
            by => Ownership::Owned { provenance, by_trusted: by == Writer::Trusted },
        };
    }
    let Some(rows) = history else { return Ownership::NeedsHistory };
    let named = rows.position(|row| provenance.names_replica(row.version));
    let named_by = named.and_then(|at| rows.writer(at));
    if named_by == Some(Writer::Other) {
        if by == Writer::Hub
            && let Some(covered) = after_named(&rows, &provenance).last_covered()
        {
            return Ownership::WrittenOver(covered);
        }
        let number = provenance.replica;
        let of_named = named.and_then(|at| rows.from(at).first_foreign());
        let foreign = of_named.unwrap_or(ForeignVersion { number, writer: None });
        return Ownership::Claimed(InvalidClaim::OtherWriter(foreign));
    }
    // A replica that is still being created is named in none of its versions, and one that was deleted and created
    // again since then is another: each of its versions must be the hub's.
    if named.is_none() && !rows.is_complete() {
        return Ownership::Claimed(InvalidClaim::NoSuchVersion);
    }
    let after = rows.from(named.map_or(0, |at| at + 1));
    let covered = after.last_covered();
    match (by, covered) {
        (Writer::Hub, Some(covered)) => Ownership::WrittenOver(covered),
        (Writer::Hub, None) => {
            let by_trusted = named_by == Some(Writer::Trusted);
            Ownership::Owned { provenance, by_trusted }
        }
        _ if named.is_none() => Ownership::Claimed(InvalidClaim::NoSuchVersion),
        (_, covered) => {
            let under_named = named.and_then(|at| at.checked_sub(1));
            let restored_before = under_named.is_some_and(|at| rows.is_covered(at));
            let restorable = named_by == Some(Writer::Hub) && !provenance.adopted;
            Ownership::ChangedInTarget {
                change: evidence.present(),
                covered,
                restored_before,
                restorable,
            }
        }
    }
}

/// What lies between the version that a write was decided on and the version that the write made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionsBetween {
    /// Nothing but versions of the hub's.
    OnlyHub,
    /// The parameter was deleted and created again meanwhile, by the hub alone.
    Recreated,
    /// A version of another writer's.
    Foreign(ForeignVersion),
}

/// What a write went over: `rows` is the history with the written version last, `decided` the version that was read
/// before, `None` where the write belongs to a create of the same invocation.
pub fn versions_between(
    rows: &[PastVersion],
    decided: Option<Version>,
    account: &AccountId,
    writers: &Writers,
) -> VersionsBetween {
    let rows = WriterHistory::new(rows, account, writers);
    let at = decided.and_then(|decided| rows.position(|row| row.version == decided));
    let foreign = rows.from(at.map_or(0, |at| at + 1)).last_covered();
    match (foreign, decided, at) {
        (Some(foreign), ..) => VersionsBetween::Foreign(foreign),
        (None, Some(_), None) if rows.is_complete() => VersionsBetween::Recreated,
        (None, ..) => VersionsBetween::OnlyHub,
    }
}

/// The role that wrote the version that the tags of this route name, where that is not the hub's: what a changed name of
/// the spoke role looks like.
pub fn other_role<'a>(evidence: Evidence<'a>, viewpoint: JudgeContext<'_>) -> Option<&'a str> {
    let provenance = Provenance::of(evidence.tags).filter(|_| is_marked(evidence.tags))?;
    let is_named = provenance.region == *viewpoint.source
        && provenance.is_of(evidence.account, evidence.target, evidence.name)
        && provenance.names_replica(evidence.version);
    let writer = evidence.writer?;
    let JudgeContext { writers, .. } = viewpoint;
    let is_other = writers.of(evidence.account, Some(writer)) == Writer::Other;
    let role = (is_named && is_other).then(|| assumed_role(evidence.account, writer)).flatten();
    // What failover commands wrote is no sign of another name of the spoke role.
    role.filter(|role| *role != writers.failover_role)
}

#[cfg(test)]
mod tests;
