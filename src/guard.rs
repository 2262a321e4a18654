//! The last check before a write: no step may change what this route does not own, and no step may write during a plan.
//!
//! The guard judges the evidence itself and does not trust the plan, so a fault in a plan ends here. Pure: the time is an
//! argument.

use crate::domain::{Cause, Change, FailureKind, Purpose, Region, Take, Timestamp};
use crate::ownership::{Evidence, JudgeContext, Ownership, judge};
use crate::run_policy::{RunPolicy, Writing};
use crate::settings::{OnConflict, OnTargetChange};

/// A step that is about to be carried out.
#[derive(Clone, Debug)]
pub struct Proposal<'a> {
    /// The source Region.
    pub source: &'a Region,
    /// The target Region.
    pub target: &'a Region,
    /// The change of the step.
    pub change: Change,
    /// What holds the name in the target.
    pub occupant: Occupant<'a>,
    /// Why the step may change what the hub does not own.
    pub claim: Option<Claim>,
}

/// What holds a name in the target.
#[derive(Clone, Copy, Debug)]
pub enum Occupant<'a> {
    /// A read by name found nothing.
    Nothing,
    /// A parameter, with everything that was read of it.
    Parameter(Evidence<'a>),
    /// A replica of a secret, by the list of its primary. Only Secrets Manager writes such a replica.
    SecretReplica,
    /// Another secret.
    OtherSecret,
}

/// Why a step may change what the hub does not own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The parameter equals the source and has neither of the hub's tags, and `ON_CONFLICT` is `adopt`.
    Adopt,
    /// An operator ran `resolve --take source`.
    Take,
    /// The parameter carries the mark, and the hub or a trusted writer wrote it.
    TakeOver,
    /// Another writer changed the replica, and `ON_TARGET_CHANGE` is `restore`.
    Restore,
    /// A command releases the replica, or an adopted replica has lost its source: the hub's tags are removed.
    Release,
}

/// The guard's answer to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Carry out the step.
    Proceed,
    /// Only report the step.
    ReportOnly,
    /// The step is forbidden.
    Refused(Cause),
}

impl RunPolicy {
    /// Whether a step may be carried out.
    pub fn judge(&self, proposal: &Proposal<'_>, now: Timestamp) -> Ruling {
        if !self.is_on_route(proposal) || !self.fits(proposal, now) {
            let Proposal { target, change, .. } = proposal;
            let message = format!(
                "internal error: the guard refused a planned step: {} in {target}",
                change.word()
            );
            return Ruling::Refused(Cause::new(FailureKind::Bug, message));
        }
        match self.writing {
            Writing::Apply => Ruling::Proceed,
            Writing::PlanOnly => Ruling::ReportOnly,
        }
    }

    /// Whether the settings have the route. `prune` also removes replicas of former routes.
    fn is_on_route(&self, Proposal { source, target, change, .. }: &Proposal<'_>) -> bool {
        let prunes = matches!(self.purpose, Purpose::Pruning(_))
            && matches!(change, Change::Delete | Change::Retag);
        prunes
            || self.routes.from_source(source).is_some_and(|route| route.targets.contains(target))
    }

    /// Whether the change fits what holds the name.
    fn fits(&self, proposal: &Proposal<'_>, now: Timestamp) -> bool {
        let Proposal { source, target, change, occupant, claim } = proposal;
        match (change, occupant) {
            // Secrets Manager repeats the replication of a failed replica without force: the replica keeps its content.
            (Change::Replicate, Occupant::SecretReplica) => claim.is_none(),
            (Change::Create | Change::Replicate, occupant) => {
                matches!(occupant, Occupant::Nothing)
            }
            (Change::Delete, Occupant::SecretReplica) => self.purpose == Purpose::Releasing,
            (_, Occupant::Nothing | Occupant::SecretReplica | Occupant::OtherSecret) => false,
            (change, Occupant::Parameter(evidence)) => {
                let context = JudgeContext {
                    source,
                    active_since: self.active_since(evidence.account, source, target),
                    only_route: self.routes.sources_into(target).count() <= 1,
                    writers: &self.writers,
                    now,
                };
                let ownership = judge(*evidence, context);
                match claim {
                    None => may_write_owned(*change, &ownership),
                    Some(claim) => self.may_claim(*change, *claim, &ownership),
                }
            }
        }
    }

    /// Whether the claim allows the change.
    fn may_claim(&self, change: Change, claim: Claim, held: &Ownership) -> bool {
        match claim {
            Claim::Adopt => {
                change == Change::Update
                    && *held == Ownership::Unmarked
                    && self.on_conflict == OnConflict::Adopt
            }
            Claim::Take => {
                change == Change::Update
                    && self.purpose == Purpose::Resolving(Take::Source)
                    && held.may_be_taken()
            }
            Claim::TakeOver => {
                change == Change::Update && matches!(held, Ownership::MarkOnly { trusted: true })
            }
            Claim::Restore => {
                let is_first = matches!(
                    held,
                    Ownership::ChangedInTarget {
                        restorable: true,
                        restored_before: false,
                        covered: None,
                        ..
                    }
                );
                change == Change::Update
                    && is_first
                    && self.on_target_change == OnTargetChange::Restore
            }
            Claim::Release => {
                let is_asked =
                    matches!(self.purpose, Purpose::Resolving(Take::Target) | Purpose::Releasing);
                let was_adopted =
                    matches!(held, Ownership::Owned { provenance, .. } if provenance.adopted);
                change == Change::Retag && (was_adopted || is_asked && held.may_be_released())
            }
        }
    }
}

/// Whether a step without a claim may make the change: the hub owns the parameter, or just created it without tags.
fn may_write_owned(change: Change, ownership: &Ownership) -> bool {
    match ownership {
        Ownership::Owned { .. } => !matches!(change, Change::Create | Change::Replicate),
        Ownership::UntaggedCreate { fresh: true } => {
            matches!(change, Change::Update | Change::Recreate | Change::Retag)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
