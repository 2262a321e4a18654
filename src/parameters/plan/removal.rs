//! Removes replicas whose source is gone or asks for the removal.

use std::time::Duration;

use super::{Case, Decision, PlanPolicy};
use crate::domain::{Change, OptOut, OutcomeKind, Reason, Timestamp};
use crate::ownership::{FoundBy, Ownership, Provenance, Tombstone};
use crate::parameters::model::Observed;

/// The settings that decide what becomes of a replica without a source.
#[derive(Clone, Copy, Debug)]
pub struct DeletePolicy {
    /// `MAX_DELETES=0`: nothing is deleted.
    pub never: bool,
    /// An operator gave this run its own brake: replicas without a source are deleted at once.
    pub at_once: bool,
    /// Until when an orphan without a witness is kept; `None`: it is deleted at once.
    pub keep_until: Option<Timestamp>,
    /// The latest time that a tombstone may name.
    pub latest_due: Timestamp,
    /// How long a replica is kept after the route became active: a freeze stops the term of every tombstone.
    pub grace: Duration,
}

/// The removal of a replica whose source is gone or asks for the removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// What happens to the replica.
    pub disposal: Disposal,
    /// The replica's present provenance.
    pub provenance: Provenance,
    /// Why the replica is removed.
    pub because: Reason,
}

/// What happens to a replica that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// Deleted, within the day's allowance.
    Delete,
    /// Deleted beside the allowance, because reports named its tombstone for the whole term.
    DeleteDue,
    /// Kept until the tombstone in its provenance is due.
    Tombstone(Tombstone),
    /// Kept without the hub's tags, because it was adopted.
    Release,
}

impl Disposal {
    /// Whether the replica is deleted.
    pub const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteDue)
    }

    /// The change in plans and logs.
    pub const fn change(self) -> Change {
        match self {
            Self::Delete | Self::DeleteDue => Change::Delete,
            Self::Tombstone(_) => Change::Tombstone,
            Self::Release => Change::Retag,
        }
    }
}

/// Decides an item whose source is gone.
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
            removal(&provenance, case, Reason::SourceGone, policy)
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

/// What happens to an owned replica without a source.
fn removal(
    provenance: &Provenance,
    case: Case<'_>,
    because: Reason,
    policy: PlanPolicy<'_>,
) -> Decision {
    let DeletePolicy { never, at_once, keep_until, latest_due, grace } = policy.deletes;
    let Case { found_by, active_since, .. } = case;
    let is_due = |due: Timestamp| {
        due <= policy.now && active_since.is_none_or(|since| since.plus(grace) <= policy.now)
    };
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
        (Some(Tombstone { due, .. }), Some(_)) if is_due(due) => remove(Disposal::DeleteDue),
        // A witness counts also after a sweep wrote the tombstone.
        (None | Some(Tombstone { by: FoundBy::List, .. }), Some(FoundBy::Event)) => {
            remove(Disposal::Delete)
        }
        // A due tombstone needs another look for the source.
        (Some(Tombstone { due, .. }), _) => {
            Decision::Wait(due.max(active_since.map_or(due, |since| since.plus(grace))))
        }
        (None, _) => remove(keep_until.map_or(Disposal::Delete, |due| {
            Disposal::Tombstone(Tombstone { due, by: FoundBy::List })
        })),
    }
}

/// The decision that the source's opt-out tag asks for. A replica that is not yet proven is first taken over and removed by
/// the next run.
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
                // The owner's tag, read twice, is a witness.
                let case = Case { found_by: Some(FoundBy::Event), ..case };
                Some(removal(&provenance, case, Reason::RemoveTag, policy))
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
