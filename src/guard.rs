//! What no account's steps may do: write while frozen or only planning, touch what is not this route's replica, or
//! delete many replicas at once.
//!
//! It judges steps without asking how they were planned, so that a fault in a plan ends here. Pure: the time is an
//! argument.

use crate::domain::{Cause, Change, FailureKind, Purpose, Region, Take};
use crate::run_policy::{RunPolicy, Writing};
use crate::settings::OnConflict;

/// A step, by what decides whether it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// The Region that was read as the source.
    pub source: &'a Region,
    /// The Region to be written to.
    pub target: &'a Region,
    /// What is to be done.
    pub change: Change,
    /// Whether the name is vacant in the target by what was read.
    pub vacant: bool,
    /// Whether what holds it is this route's replica by its tags as read by name.
    pub ours: bool,
    /// By what the step makes a parameter the hub's that is somebody's.
    pub claim: Option<Claim>,
}

/// By what a step makes a parameter the hub's that is somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is equal to the source, and the settings say so: it only takes the hub's tags.
    Adopt,
    /// A person named it, and wants the source in its place.
    Take,
}

/// What the guard says to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Carry it out.
    Go,
    /// Tell it, and leave it.
    TellOnly,
    /// Not this one.
    Held(Cause),
}

impl RunPolicy {
    /// Whether a step may be carried out.
    pub fn judge(&self, proposal: &Proposal<'_>) -> Ruling {
        let Proposal { source, target, change, vacant, ours, claim } = proposal;
        let prunes = matches!(self.purpose, Purpose::Pruning(_))
            && matches!(change, Change::Delete | Change::Retag);
        let on_route = prunes
            || self.routes.from_source(source).is_some_and(|route| route.targets.contains(target));
        let fits = match (change, claim) {
            (Change::Create | Change::Replicate, _) => *vacant,
            (Change::Retag, Some(Claim::Adopt)) => self.on_conflict == OnConflict::Adopt,
            (Change::Retag | Change::Update, Some(Claim::Take)) => {
                self.purpose == Purpose::Resolving(Take::Source)
            }
            _ => *ours,
        };
        if !on_route || !fits {
            let message =
                format!("a step was planned that may not be: {} in {target}", change.word());
            return Ruling::Held(Cause::new(FailureKind::Bug, message));
        }
        match self.writing {
            Writing::Apply => Ruling::Go,
            Writing::PlanOnly | Writing::Frozen => Ruling::TellOnly,
        }
    }

    /// Whether `asked` replicas of the `owned` ones that a route has in `target` may be deleted in this run.
    ///
    /// # Errors
    /// `too_many_deletes`: none of them may, all else goes on.
    pub fn judge_deletes(
        &self,
        asked: usize,
        owned: usize,
        source: &Region,
        target: &Region,
    ) -> Result<(), Cause> {
        let (asked, owned) = (asked as u64, owned as u64);
        let allowed = self.max_deletes.allowed(owned);
        if asked <= allowed {
            return Ok(());
        }
        Err(Cause::new(
            FailureKind::TooManyDeletes,
            format!(
                "{asked} of the {owned} replicas in {target} have lost their sources in {source}, more than the {allowed} that may be deleted at once: they are kept, and all else is done"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AccountId, Leftovers};

    fn region(name: &str) -> Region {
        Region::parse(name).expect("a Region")
    }

    fn rules(writing: Writing, max_deletes: MaxDeletes) -> RunPolicy {
        RunPolicy { writing, max_deletes, ..RunPolicy::of_a_sweep("us-east-2=us-east-1") }
    }

    const CHANGES: [Change; 7] = [
        Change::Create,
        Change::Update,
        Change::Retag,
        Change::Recreate,
        Change::Delete,
        Change::Tombstone,
        Change::Replicate,
    ];

    const CLAIMS: [Option<Claim>; 3] = [None, Some(Claim::Adopt), Some(Claim::Take)];

    /// Every step that a plan could propose for the pair of Regions.
    fn proposals<'a>(source: &'a Region, target: &'a Region) -> impl Iterator<Item = Proposal<'a>> {
        CHANGES.into_iter().flat_map(move |change| {
            CLAIMS.into_iter().flat_map(move |claim| {
                [(false, false), (false, true), (true, false), (true, true)]
                    .map(|(vacant, ours)| Proposal { source, target, change, vacant, ours, claim })
            })
        })
    }

    fn purposes() -> [Purpose; 4] {
        let pruning = Purpose::Pruning(Leftovers::default());
        [Purpose::Equality, pruning, Purpose::Resolving, Purpose::Releasing]
    }

    // All of them, not some at random: a hole for one change alone is as bad as one for all.
    #[test]
    fn nothing_passes_that_is_not_vacant_or_ours_or_off_the_route() {
        let (east_2, east_1) = (region("us-east-2"), region("us-east-1"));
        for purpose in purposes() {
            let prunes = matches!(purpose, Purpose::Pruning(_));
            let takes = purpose == Purpose::Resolving;
            for on_conflict in [OnConflict::Report, OnConflict::Adopt] {
                let purpose = purpose.clone();
                let max_deletes = MaxDeletes::Percent(10);
                let rules =
                    RunPolicy { purpose, on_conflict, ..rules(Writing::Apply, max_deletes) };
                let on_route = proposals(&east_2, &east_1).map(|proposal| (proposal, true));
                let backwards = proposals(&east_1, &east_2).map(|proposal| (proposal, false));
                for (proposal, on_route) in on_route.chain(backwards) {
                    let Proposal { change, vacant, ours, claim, .. } = proposal;
                    let fits = match (change, claim) {
                        (Change::Create | Change::Replicate, _) => vacant,
                        (Change::Retag, Some(Claim::Adopt)) => on_conflict == OnConflict::Adopt,
                        (Change::Retag | Change::Update, Some(Claim::Take)) => takes,
                        _ => ours,
                    };
                    let leftover = prunes && matches!(change, Change::Delete | Change::Retag);
                    match rules.judge(&proposal) {
                        Ruling::Go => assert!(fits && (on_route || leftover), "{proposal:?}"),
                        Ruling::Held(cause) => {
                            assert!(!fits || !(on_route || leftover), "{proposal:?}");
                            assert_eq!(cause.kind, FailureKind::Bug);
                        }
                        Ruling::TellOnly => panic!("{proposal:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn a_plan_and_a_freeze_write_nothing_and_still_hold_what_may_not_be() {
        let (east_2, east_1) = (region("us-east-2"), region("us-east-1"));
        let judged = |writing| {
            let rules = rules(writing, MaxDeletes::Percent(10));
            proposals(&east_2, &east_1).map(|proposal| rules.judge(&proposal)).collect::<Vec<_>>()
        };
        let applied = judged(Writing::Apply);
        assert!(Writing::Apply.allows() && applied.contains(&Ruling::Go));
        for writing in [Writing::PlanOnly, Writing::Frozen] {
            assert!(!writing.allows());
            let told = applied.iter().map(|ruling| match ruling {
                Ruling::Go => Ruling::TellOnly,
                held => held.clone(),
            });
            assert_eq!(judged(writing), told.collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn the_brake_holds_whatever_is_asked(asked in 0_usize..200, owned in 0_usize..200, percent in 0_u8..=100) {
            let rules = rules(Writing::Apply, MaxDeletes::Percent(percent));
            let held = rules.judge_deletes(asked, owned, &region("us-east-2"), &region("us-east-1")).is_err();
            prop_assert_eq!(held, asked > (owned * usize::from(percent) / 100).max(5));
        }
    }
}
