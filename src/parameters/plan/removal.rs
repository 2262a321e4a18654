//! How a replica goes whose source is gone, or does not want it.

use super::{Case, Decision, PlanPolicy};
use crate::domain::{Change, OptOut, OutcomeKind, Reason, Timestamp};
use crate::ownership::{FoundBy, Ownership, Provenance, Tombstone};
use crate::parameters::model::Observed;

/// The settings that decide what becomes of a replica without a source.
#[derive(Clone, Copy, Debug)]
pub struct DeletePolicy {
    /// Whether nothing is ever deleted.
    pub never: bool,
    /// Whether a person at a terminal wants what misses its source deleted at once.
    pub at_once: bool,
    /// Until when a replica is kept that no witness called an orphan; `None`: it is deleted at once.
    pub keep_until: Option<Timestamp>,
    /// The latest time that a tombstone may name.
    pub latest_due: Timestamp,
}

/// How a replica goes that has no source any more, or whose source does not want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// How.
    pub disposal: Disposal,
    /// What its tag says now.
    pub provenance: Provenance,
    /// Why.
    pub because: Reason,
}

/// The ways in which a replica goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// It is deleted, within the day's allowance.
    Delete,
    /// It is deleted: reports have named its tombstone for the whole term.
    DeleteDue,
    /// It stays for a while, and its provenance says so.
    Tombstone(Tombstone),
    /// It was adopted: the hub's tags are taken off, and it stays for good.
    Release,
}

impl Disposal {
    /// Whether the replica is deleted.
    pub const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteDue)
    }

    /// The change that this is.
    pub const fn change(self) -> Change {
        match self {
            Self::Delete | Self::DeleteDue => Change::Delete,
            Self::Tombstone(_) => Change::Tombstone,
            Self::Release => Change::Retag,
        }
    }
}

pub(super) fn decide_absent(
    case: Case<'_>,
    ownership: &Ownership,
    policy: PlanPolicy<'_>,
) -> Decision {
    let Some(replica) = case.replica else { return Decision::Nothing };
    let in_scope = policy.names.matches(replica.parameter.name.as_str());
    match ownership {
        // Leaving scope never deletes.
        Ownership::Owned { .. } | Ownership::ChangedInTarget { .. } | Ownership::Claimed(_)
            if !in_scope =>
        {
            Decision::Leave(OutcomeKind::OutOfScope)
        }
        Ownership::Owned { provenance, .. } => {
            let provenance = provenance.clone().dated(replica.parameter.version());
            departing(&provenance, case.found_by, Reason::SourceGone, policy)
        }
        Ownership::ChangedInTarget { .. }
        | Ownership::Claimed(_)
        | Ownership::WrittenOver(_)
        | Ownership::Released { covered: Some(_), .. } => case.conflict(ownership),
        Ownership::MarkOnly { .. }
        | Ownership::AmbiguousRoute
        | Ownership::UntaggedCreate { .. }
            if case.reports_leftovers() =>
        {
            case.conflict(ownership)
        }
        Ownership::OtherRoute(region) => {
            let route = case.routes.from_source(region);
            let is_configured = route.is_some_and(|route| route.targets.contains(case.target));
            if is_configured || !case.reports_leftovers() {
                Decision::Nothing
            } else {
                Decision::Leave(OutcomeKind::OutOfScope)
            }
        }
        Ownership::Vacant
        | Ownership::NeedsHistory
        | Ownership::MarkOnly { .. }
        | Ownership::AmbiguousRoute
        | Ownership::UntaggedCreate { .. }
        | Ownership::Unmarked
        | Ownership::Released { .. } => Decision::Nothing,
    }
}

/// How an owned replica goes whose source is gone, or does not want it.
fn departing(
    provenance: &Provenance,
    found_by: Option<FoundBy>,
    because: Reason,
    policy: PlanPolicy<'_>,
) -> Decision {
    let DeletePolicy { never, at_once, keep_until, latest_due } = policy.deletes;
    let remove =
        |disposal| Decision::Remove(Removal { disposal, provenance: provenance.clone(), because });
    if provenance.adopted {
        return remove(Disposal::Release);
    }
    if never {
        return Decision::Leave(OutcomeKind::Held);
    }
    match (provenance.gone, found_by) {
        (_, Some(FoundBy::List)) if at_once => remove(Disposal::Delete),
        (Some(Tombstone { due, by }), _) if due > latest_due => {
            remove(Disposal::Tombstone(Tombstone { due: latest_due, by }))
        }
        (Some(Tombstone { due, .. }), Some(_)) if due <= policy.now => remove(Disposal::DeleteDue),
        // A witness, also one who comes after the sweep.
        (None | Some(Tombstone { by: FoundBy::List, .. }), Some(FoundBy::Event)) => {
            remove(Disposal::Delete)
        }
        // What is due goes when a sweep misses its source again.
        (Some(Tombstone { due, .. }), _) => Decision::Wait(due),
        (None, _) => remove(keep_until.map_or(Disposal::Delete, |due| {
            Disposal::Tombstone(Tombstone { due, by: FoundBy::List })
        })),
    }
}

/// What the source's own tag asks for. What is only about to become owned is first made so, as any other, and goes at the
/// next look.
pub(super) fn opted_out(
    case: Case<'_>,
    original: &Observed,
    ownership: &Ownership,
    policy: PlanPolicy<'_>,
) -> Option<Decision> {
    match OptOut::of(&original.tags) {
        Err(cause) => Some(Decision::Refuse(cause)),
        Ok(None | Some(OptOut::Released)) => None,
        Ok(Some(OptOut::Exclude)) => Some(Decision::Leave(OutcomeKind::Excluded)),
        Ok(Some(OptOut::Remove)) => match (ownership, case.replica) {
            (Ownership::Owned { provenance, .. }, Some(replica)) => {
                let provenance = provenance.clone().dated(replica.parameter.version());
                // The owner's tag, read twice, is a witness as good as an event.
                Some(departing(&provenance, Some(FoundBy::Event), Reason::RemoveTag, policy))
            }
            (
                Ownership::MarkOnly { trusted: true } | Ownership::UntaggedCreate { fresh: true },
                _,
            ) => None,
            (Ownership::ChangedInTarget { .. } | Ownership::Claimed(_), _) => {
                Some(case.conflict(ownership))
            }
            _ => Some(Decision::Leave(OutcomeKind::Excluded)),
        },
    }
}

/// Whether a source's tags ask for the removal of its replicas.
pub fn wants_removal(tags: &crate::domain::Tags) -> bool {
    OptOut::of(tags) == Ok(Some(OptOut::Remove))
}
