//! What one run may do, and what it decides by: the settings and options that hold for a whole invocation.

use std::time::Duration;

use crate::aws::Deadline;
use crate::domain::{KmsKeys, NameFilter, Purpose, Routes, Timestamp, Writers};
use crate::settings::{MaxDeletes, OnConflict, OnTargetChange};

/// Whether steps are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Steps are carried out.
    Apply,
    /// Steps are only reported.
    PlanOnly,
    /// Nothing may be written at present; steps are only reported.
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
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct RunPolicy {
    /// Whether steps are carried out.
    pub writing: Writing,
    /// Whether provenance proves parity; if not, values are compared.
    pub trust: bool,
    /// Whether the labels of every item are read, not only of those that are written.
    pub labels: bool,
    /// Whether replicas that depend on `REPLICATOR_TRUSTED_WRITERS` are written once more by the hub.
    pub take_over: bool,
    /// How many replicas may be deleted.
    pub max_deletes: MaxDeletes,
    /// Whether a person at a terminal gave that number for this run.
    pub lifts_brake: bool,
    /// Whether events asked. They do not come again, as a sweep does: what the brake holds back gets a tombstone.
    pub from_events: bool,
    /// Days for which an orphaned replica is kept.
    pub delete_grace_days: u32,
    /// What the run is for.
    pub purpose: Purpose,
    /// What becomes of a name that something else holds in the target.
    pub on_conflict: OnConflict,
    /// What becomes of a replica that another writer changed in the target.
    pub on_target_change: OnTargetChange,
    /// Whose versions are the hub's.
    pub writers: Writers,
    /// Which names are in scope.
    pub names: NameFilter,
    /// Source key → target key.
    pub kms_keys: KmsKeys,
    /// All routes of the settings, also those that this run leaves out: they say whose a replica can be.
    pub routes: Routes,
    /// When to stop beginning things.
    pub deadline: Deadline,
}

impl RunPolicy {
    /// Until when a replica is kept whose source is found gone `now`; `None`: it is not kept.
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

#[cfg(test)]
impl RunPolicy {
    /// That of a sweep over `routes`, by the settings' defaults.
    pub(crate) fn of_a_sweep(routes: &str) -> Self {
        Self {
            writing: Writing::Apply,
            trust: true,
            labels: false,
            take_over: false,
            max_deletes: MaxDeletes::Percent(10),
            lifts_brake: false,
            from_events: false,
            delete_grace_days: 0,
            purpose: Purpose::Equality,
            on_conflict: OnConflict::Report,
            on_target_change: OnTargetChange::Report,
            writers: Writers::of_defaults(),
            names: NameFilter::default(),
            kms_keys: KmsKeys::default(),
            routes: Routes::parse(routes).expect("routes"),
            deadline: Deadline::never(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_deletes_are_allowed_however_few_replicas_there_are_but_never_more_than_were_set() {
        let always = |max_deletes| {
            RunPolicy { max_deletes, ..RunPolicy::of_a_sweep("us-east-2=us-east-1") }
                .deletes_always_allowed()
        };
        assert_eq!(always(MaxDeletes::Percent(10)), 5);
        assert_eq!(always(MaxDeletes::Count(0)), 0);
        assert_eq!(always(MaxDeletes::Count(25)), 25);
    }

    #[test]
    fn an_orphan_is_kept_for_the_days_of_the_settings_and_longer_where_the_brake_holds_it() {
        let now = Timestamp::parse("2026-11-24T10:00:00Z").expect("a date");
        let week = Duration::from_hours(7 * 24);
        let kept = |delete_grace_days| {
            let policy =
                RunPolicy { delete_grace_days, ..RunPolicy::of_a_sweep("us-east-2=us-east-1") };
            let until = policy.keep_until(now).map(|until| until.to_string());
            (until, policy.keep_for(week, now).to_string())
        };
        let day = |day: u32| format!("2026-12-{day:02}T10:00:00Z");
        assert_eq!(kept(0), (None, day(1)));
        assert_eq!(kept(1), (Some("2026-11-25T10:00:00Z".to_owned()), day(1)));
        assert_eq!(kept(30), (Some(day(24)), day(24)));
    }
}
