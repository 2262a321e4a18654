//! What no account's steps may do: write while only planning, or touch what is not this route's own.
//!
//! It is handed the evidence and judges by itself whose a parameter is, without asking how a step was planned: a fault in
//! a plan ends here. Pure: the time is an argument.

use crate::domain::{Cause, Change, FailureKind, Purpose, Region, Take, Timestamp};
use crate::ownership::{Evidence, JudgeContext, Ownership, judge};
use crate::run_policy::{RunPolicy, Writing};
use crate::settings::{OnConflict, OnTargetChange};

/// A step, by what decides whether it may be.
#[derive(Clone, Debug)]
pub struct Proposal<'a> {
    /// The Region that was read as the source.
    pub source: &'a Region,
    /// The Region to be written to.
    pub target: &'a Region,
    /// What is to be done.
    pub change: Change,
    /// What holds the name in the target.
    pub held: Occupant<'a>,
    /// By what the step touches what is not owned.
    pub claim: Option<Claim>,
}

/// What holds a name in the target.
#[derive(Clone, Copy, Debug)]
pub enum Occupant<'a> {
    /// Nothing, by a read by name.
    Nothing,
    /// A parameter, with all that was read of it.
    Parameter(Evidence<'a>),
    /// A replica of a secret, by its primary's own list. Secrets Manager writes it, and nobody else can.
    SecretReplica,
    /// Another secret.
    OtherSecret,
}

/// By what a step touches what is not owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is equal to the source, has neither of the hub's tags, and the settings say so.
    Adopt,
    /// A person named it, and wants the source in its place.
    Take,
    /// The hub or a trusted writer wrote it, and it is marked.
    TakeOver,
    /// Another writer changed it, and the settings say that the source is written over such a change.
    Restore,
    /// A person named it, or its source is gone and it was adopted: the hub's tags come off.
    Release,
}

/// What the guard says to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Carry it out.
    Proceed,
    /// Report it, and leave it.
    ReportOnly,
    /// Not this one.
    Refused(Cause),
}

impl RunPolicy {
    /// Whether a step may be carried out.
    pub fn judge(&self, proposal: &Proposal<'_>, now: Timestamp) -> Ruling {
        let Proposal { source, target, change, held, claim } = proposal;
        let prunes = matches!(self.purpose, Purpose::Pruning(_))
            && matches!(change, Change::Delete | Change::Retag);
        let on_route = prunes
            || self.routes.from_source(source).is_some_and(|route| route.targets.contains(target));
        let fits = match (change, held) {
            // A replica that failed is asked for again, never by force: what it still holds stays until it is renewed.
            (Change::Replicate, Occupant::SecretReplica) => claim.is_none(),
            (Change::Create | Change::Replicate, held) => matches!(held, Occupant::Nothing),
            (Change::Delete, Occupant::SecretReplica) => self.purpose == Purpose::Releasing,
            (_, Occupant::Nothing | Occupant::SecretReplica | Occupant::OtherSecret) => false,
            (change, Occupant::Parameter(evidence)) => {
                let viewpoint = JudgeContext {
                    source,
                    only_route: self.routes.sources_into(target).count() <= 1,
                    writers: &self.writers,
                    now,
                };
                self.may_write(*change, *claim, &judge(*evidence, viewpoint))
            }
        };
        if !on_route || !fits {
            let message = format!(
                "internal error: the guard refused a planned step: {} in {target}",
                change.word()
            );
            return Ruling::Refused(Cause::new(FailureKind::Bug, message));
        }
        match self.writing {
            Writing::Apply => Ruling::Proceed,
            Writing::PlanOnly | Writing::Frozen => Ruling::ReportOnly,
        }
    }

    /// Whether a parameter of this ownership may be changed so by this claim.
    fn may_write(&self, change: Change, claim: Option<Claim>, ownership: &Ownership) -> bool {
        match (claim, ownership) {
            (None, Ownership::Owned { .. }) => {
                !matches!(change, Change::Create | Change::Replicate)
            }
            // The hub's own create, which an invocation that has died left without its tags.
            (None, Ownership::UntaggedCreate { fresh: true }) => {
                matches!(change, Change::Update | Change::Recreate | Change::Retag)
            }
            (None, _) => false,
            (Some(Claim::Adopt), held) => {
                change == Change::Update
                    && *held == Ownership::Unmarked
                    && self.on_conflict == OnConflict::Adopt
            }
            (Some(Claim::Take), held) => {
                change == Change::Update
                    && self.purpose == Purpose::Resolving(Take::Source)
                    && held.may_be_taken()
            }
            (Some(Claim::TakeOver), held) => {
                change == Change::Update && matches!(held, Ownership::MarkOnly { trusted: true })
            }
            (Some(Claim::Restore), held) => {
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
            (Some(Claim::Release), held) => {
                let asked =
                    matches!(self.purpose, Purpose::Resolving(Take::Target) | Purpose::Releasing);
                let was_adopted = matches!(
                    held,
                    Ownership::Owned { provenance, .. } if provenance.adopted
                );
                change == Change::Retag && (was_adopted || asked && held.may_be_released())
            }
        }
    }
}

#[cfg(test)]
mod tests;
