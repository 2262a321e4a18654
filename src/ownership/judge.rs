//! The judgement: from tags, versions and writers to an [`Ownership`].

use std::time::Duration;

use super::history::WriterHistory;
use super::{
    Evidence, ForeignVersion, InvalidClaim, JudgeContext, Ownership, PastVersion, Provenance,
    is_marked, is_released,
};
use crate::domain::{
    AccountId, EXCLUDE_TAG, PROVENANCE_KEY, Tags, Timestamp, Version, Writer, Writers, assumed_role,
};

/// For this long the hub restores the missing tags of a version 1 that it wrote: an invocation may have died before the tags
/// were set.
const UNTAGGED_CREATE_IS_FRESH: Duration = Duration::from_hours(1);

/// Judges who owns the parameter. If the evidence has a history, the history ends with the present version.
pub fn judge(evidence: Evidence<'_>, context: JudgeContext<'_>) -> Ownership {
    let Evidence { account, version, writer, tags, .. } = evidence;
    let by = context.writers.of(account, writer);
    let history = evidence.history.map(|rows| WriterHistory::new(rows, account, context.writers));
    match (is_marked(tags), Provenance::of(tags)) {
        (true, Some(named)) if named.region != *context.source => {
            let region = named.region.clone();
            judge_unnamed(history, &named, by, version, || Ownership::OtherRoute(region))
        }
        (true, Some(provenance)) => {
            judge_claim(provenance, evidence, by, history, context.active_since)
        }
        (true, None) if by == Writer::Hub && version.number > 1 => {
            judge_covered(history, || mark_only(context, true))
        }
        (true, None) => mark_only(context, by != Writer::Other),
        (false, provenance) => judge_unmarked(evidence, context, by, history, provenance),
    }
}

fn mark_only(context: JudgeContext<'_>, trusted: bool) -> Ownership {
    if context.only_route { Ownership::MarkOnly { trusted } } else { Ownership::AmbiguousRoute }
}

/// Judges a parameter without the mark.
fn judge_unmarked(
    evidence: Evidence<'_>,
    context: JudgeContext<'_>,
    by: Writer,
    history: Option<WriterHistory<'_>>,
    provenance: Option<Provenance>,
) -> Ownership {
    let Evidence { tags, version, .. } = evidence;
    if tags.contains_key(PROVENANCE_KEY) {
        let released = || Ownership::Released { excluded: excludes(tags), covered: None };
        return match provenance {
            Some(named) => judge_unnamed(history, &named, by, version, released),
            None => released(),
        };
    }
    // The owner of a former replica asks for no reports.
    if excludes(tags) && by == Writer::Hub {
        return Ownership::Released { excluded: true, covered: None };
    }
    if is_released(tags) {
        // The owner may have set the tag before a version of the hub covered the owner's.
        let covered = match history {
            _ if by != Writer::Hub || version.number <= 1 => None,
            None => return Ownership::NeedsHistory,
            Some(rows) => rows.last_covered(),
        };
        return Ownership::Released { excluded: false, covered };
    }
    match history {
        _ if by != Writer::Hub => Ownership::Unmarked,
        _ if version.number == 1 => {
            let fresh = context.now.since(version.modified) < UNTAGGED_CREATE_IS_FRESH;
            Ownership::UntaggedCreate { fresh }
        }
        None => Ownership::NeedsHistory,
        Some(rows) => match (rows.last_covered(), rows.first_foreign()) {
            (Some(covered), _) => Ownership::WrittenOver(covered),
            (None, None) if rows.is_complete() => Ownership::UntaggedCreate { fresh: false },
            (None, _) => Ownership::Unmarked,
        },
    }
}

fn excludes(tags: &Tags) -> bool {
    tags.get(EXCLUDE_TAG).is_some_and(|wish| wish.eq_ignore_ascii_case("exclude"))
}

/// A covered version decides before everything else.
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

/// Judges a parameter whose tags name another route or parameter. The hub may have covered a version before these tags
/// were set.
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

/// The versions after the one that provenance names. All versions, if the history does not have the named version or
/// another writer wrote it.
fn after_named<'a>(rows: &WriterHistory<'a>, named: &Provenance) -> WriterHistory<'a> {
    let at = rows.position(|row| named.names_replica(row.version));
    let at = at.filter(|at| rows.writer(*at) != Some(Writer::Other));
    rows.from(at.map_or(0, |at| at + 1))
}

/// Judges a parameter with the mark and the provenance of this route.
fn judge_claim(
    provenance: Provenance,
    evidence: Evidence<'_>,
    by: Writer,
    history: Option<WriterHistory<'_>>,
    active_since: Option<Timestamp>,
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
    if named.and_then(|at| rows.writer(at)) == Some(Writer::Other) {
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
    // No version is named while a labelled replica is being created, or after a replica was deleted and created again.
    // Then each version must be the hub's.
    if named.is_none() && !rows.is_complete() {
        return Ownership::Claimed(InvalidClaim::NoSuchVersion);
    }
    judge_later_versions(provenance, evidence, by, &rows, named, active_since)
}

/// Judges the versions after the named one at `named`, which the hub or a trusted writer wrote.
fn judge_later_versions(
    provenance: Provenance,
    evidence: Evidence<'_>,
    by: Writer,
    rows: &WriterHistory<'_>,
    named: Option<usize>,
    active_since: Option<Timestamp>,
) -> Ownership {
    let named_by = named.and_then(|at| rows.writer(at));
    let covered = rows.from(named.map_or(0, |at| at + 1)).last_covered();
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
            let is_recent = active_since.is_none_or(|since| evidence.version.modified >= since);
            let restorable = named_by == Some(Writer::Hub) && !provenance.adopted && is_recent;
            let change = evidence.present();
            Ownership::ChangedInTarget { change, covered, restored_before, restorable }
        }
    }
}

/// The versions between the one that a write was decided on and the one that the write made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionsBetween {
    /// None, or only versions of the hub.
    OnlyHub,
    /// The parameter was deleted and created again, only by the hub.
    Recreated,
    /// A version of another writer.
    Foreign(ForeignVersion),
}

/// What a write covered. `rows` is the history that ends with the written version; `decided` is the version that was read
/// before, or `None` if the write belongs to a create of the same invocation.
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

/// The role that wrote the version that this route's tags name, if that role is not the hub's. Many of them show that the
/// name of the spoke role was changed.
pub fn other_role<'a>(evidence: Evidence<'a>, context: JudgeContext<'_>) -> Option<&'a str> {
    let provenance = Provenance::of(evidence.tags).filter(|_| is_marked(evidence.tags))?;
    let is_named = provenance.region == *context.source
        && provenance.is_of(evidence.account, evidence.target, evidence.name)
        && provenance.names_replica(evidence.version);
    let writer = evidence.writer?;
    let JudgeContext { writers, .. } = context;
    let is_other = writers.of(evidence.account, Some(writer)) == Writer::Other;
    let role = (is_named && is_other).then(|| assumed_role(evidence.account, writer)).flatten();
    // The role of failover commands is no former spoke role.
    role.filter(|role| *role != writers.failover_role)
}
