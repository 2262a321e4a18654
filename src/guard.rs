//! What no account's steps may do: write while frozen or only planning, touch what is not this route's replica, or
//! delete many replicas at once.
//!
//! It judges steps without asking how they were planned, so that a fault in a plan ends here. Pure: the time is an
//! argument.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::aws::Deadline;
use crate::domain::{
    Cause, Change, FailureKind, KmsKeys, Location, NameFilter, ParameterName, Purpose, Region,
    Routes, Timestamp,
};
use crate::settings::{MaxDeletes, OnConflict};

/// AWS asks for 30 s between the deletion of a parameter and the creation of one with its name.
pub const PAUSE_AFTER_DELETE: Duration = Duration::from_secs(30);

/// Whether steps are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// They are.
    Apply,
    /// They are told only.
    PlanOnly,
    /// Nothing may be written at present; steps are told only.
    Frozen,
}

impl Writing {
    /// Whether steps may be carried out.
    pub fn allows(self) -> bool {
        self == Self::Apply
    }
}

/// What one run may do, and what it decides by.
#[derive(Debug)]
pub struct Rules {
    /// Whether steps are carried out.
    pub writing: Writing,
    /// Whether provenance proves parity; if not, values are compared.
    pub trust: bool,
    /// Whether labels are looked at of every item, not only of what is written.
    pub labels: bool,
    /// How many replicas may be deleted.
    pub max_deletes: MaxDeletes,
    /// Whether events asked. They do not come again, as a sweep does: what the brake holds back gets a tombstone.
    pub from_events: bool,
    /// Days that an orphaned replica is to be kept.
    pub delete_grace_days: u32,
    /// What the run is for.
    pub purpose: Purpose,
    /// What is done about somebody's parameter in the way.
    pub on_conflict: OnConflict,
    /// Which names are in scope.
    pub names: NameFilter,
    /// Source key → target key.
    pub kms_keys: KmsKeys,
    /// All routes of the settings, also those that this run leaves out: they tell whose a replica may be.
    pub routes: Routes,
    /// When to stop beginning things.
    pub deadline: Deadline,
}

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

impl Rules {
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
                self.purpose == Purpose::Resolving
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

    /// Until when a replica is kept whose source is found gone `now`; none: it is not kept.
    pub fn keep_until(&self, now: Timestamp) -> Option<Timestamp> {
        (self.delete_grace_days > 0).then(|| self.keep_for(Duration::ZERO, now))
    }

    /// Until when it is kept if it is to be kept for `least` at least.
    pub fn keep_for(&self, least: Duration, now: Timestamp) -> Timestamp {
        let grace = Duration::from_hours(24 * u64::from(self.delete_grace_days));
        now.plus(grace.max(least))
    }

    /// How many deletes are allowed however few replicas there are.
    pub fn deletes_always_allowed(&self) -> usize {
        usize::try_from(self.max_deletes.allowed(0)).unwrap_or(usize::MAX)
    }
}

/// Which parameters this process deleted a moment ago: a create must wait.
#[derive(Debug, Default)]
pub struct RecentDeletes(Mutex<HashMap<(Location, ParameterName), Timestamp>>);

impl RecentDeletes {
    /// Remembers a deletion.
    pub fn remember(&self, location: Location, name: ParameterName, now: Timestamp) {
        let mut deleted = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        deleted.retain(|_, at| now.since(*at) < PAUSE_AFTER_DELETE);
        deleted.insert((location, name), now);
    }

    /// How long a create of this name must still wait.
    pub fn pause_before_create(
        &self,
        location: &Location,
        name: &ParameterName,
        now: Timestamp,
    ) -> Duration {
        let deleted = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        deleted
            .get(&(location.clone(), name.clone()))
            .map_or(Duration::ZERO, |at| PAUSE_AFTER_DELETE.saturating_sub(now.since(*at)))
    }
}

#[cfg(test)]
impl Rules {
    /// Those of a sweep over `routes`, by the settings' defaults.
    pub(crate) fn of_a_sweep(routes: &str) -> Self {
        Self {
            writing: Writing::Apply,
            trust: true,
            labels: false,
            max_deletes: MaxDeletes::Percent(10),
            from_events: false,
            delete_grace_days: 0,
            purpose: Purpose::Equality,
            on_conflict: OnConflict::Report,
            names: NameFilter::default(),
            kms_keys: KmsKeys::default(),
            routes: Routes::parse(routes).expect("routes"),
            deadline: Deadline::never(),
        }
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

    fn rules(writing: Writing, max_deletes: MaxDeletes) -> Rules {
        Rules { writing, max_deletes, ..Rules::of_a_sweep("us-east-2=us-east-1") }
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
                let rules = Rules { purpose, on_conflict, ..rules(Writing::Apply, max_deletes) };
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

    #[test]
    fn few_deletes_are_allowed_however_few_replicas_there_are_but_never_more_than_were_set() {
        let always = |max_deletes| rules(Writing::Apply, max_deletes).deletes_always_allowed();
        assert_eq!(always(MaxDeletes::Percent(10)), 5);
        assert_eq!(always(MaxDeletes::Count(0)), 0);
        assert_eq!(always(MaxDeletes::Count(25)), 25);
    }

    #[test]
    fn an_orphan_is_kept_for_the_days_of_the_settings_and_longer_where_the_brake_holds_it() {
        let now = Timestamp::parse("2026-11-24T10:00:00Z").expect("a date");
        let week = Duration::from_hours(7 * 24);
        let kept = |delete_grace_days| {
            let rules =
                Rules { delete_grace_days, ..rules(Writing::Apply, MaxDeletes::Percent(10)) };
            let until = rules.keep_until(now).map(|until| until.to_string());
            (until, rules.keep_for(week, now).to_string())
        };
        let day = |day: u32| format!("2026-12-{day:02}T10:00:00Z");
        assert_eq!(kept(0), (None, day(1)));
        assert_eq!(kept(1), (Some("2026-11-25T10:00:00Z".to_owned()), day(1)));
        assert_eq!(kept(30), (Some(day(24)), day(24)));
    }

    #[test]
    fn a_create_waits_until_thirty_seconds_after_our_own_delete() {
        let deletes = RecentDeletes::default();
        let location = Location {
            account: AccountId::parse("111122223333").expect("an id"),
            region: region("us-east-1"),
        };
        let (name, other) = (ParameterName::new("/a"), ParameterName::new("/b"));
        deletes.remember(location.clone(), name.clone(), Timestamp::from_millis(1_000));
        let pause = |name, millis| {
            deletes.pause_before_create(&location, name, Timestamp::from_millis(millis))
        };
        assert_eq!(pause(&name, 11_000), Duration::from_secs(20));
        assert_eq!(pause(&name, 31_000), Duration::ZERO);
        assert_eq!(pause(&other, 1_000), Duration::ZERO);
    }

    #[test]
    fn a_delete_is_remembered_beside_others_for_as_long_as_a_create_must_wait() {
        let deletes = RecentDeletes::default();
        let location = Location {
            account: AccountId::parse("111122223333").expect("an id"),
            region: region("us-east-1"),
        };
        let at = Timestamp::from_millis;
        let [first, second, third] = ["/a", "/b", "/c"].map(ParameterName::new);
        let pause = |name, now| deletes.pause_before_create(&location, name, now);
        deletes.remember(location.clone(), first.clone(), at(0));
        deletes.remember(location.clone(), second.clone(), at(20_000));
        assert_eq!(pause(&first, at(20_000)), Duration::from_secs(10));
        assert_eq!(pause(&second, at(20_000)), PAUSE_AFTER_DELETE);
        // A process that lives for weeks keeps no list of all that it ever deleted.
        deletes.remember(location.clone(), third.clone(), at(30_000));
        assert_eq!(pause(&second, at(30_000)), Duration::from_secs(20));
        assert_eq!(deletes.0.lock().expect("no panic").len(), 2);
    }
}
