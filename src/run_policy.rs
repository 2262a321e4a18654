//! What one run may do, and what it decides by: the settings and options that hold for a whole invocation.

use std::sync::Arc;
use std::time::Duration;

use crate::allowances::Allowances;
use crate::deadline::Deadline;
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
    /// How many replicas may be deleted in a day, of each account and target.
    pub max_deletes: MaxDeletes,
    /// What of that is left: the process's own memory, or that of this run where it has a brake of its own.
    pub allowances: Arc<Allowances>,
    /// Whether a person at a terminal gave this run its brake: what misses its source is then deleted at once, also where
    /// so much is missing that a fault is likely.
    pub lifts_brake: bool,
    /// Whether events asked.
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

/// What the allowance of a day leaves over is kept so long at least, so that a person has time to look.
const BEYOND_ALLOWANCE: Duration = days(7);

impl RunPolicy {
    /// Until when a replica is kept that a sweep finds without a source `now`; `None`: it is not kept.
    pub fn keep_until(&self, now: Timestamp) -> Option<Timestamp> {
        (self.delete_grace_days > 0).then(|| now.plus(self.grace()))
    }

    /// Until when a replica is kept that the day's allowance leaves over.
    pub fn keep_beyond_allowance(&self, now: Timestamp) -> Timestamp {
        now.plus(self.grace().max(BEYOND_ALLOWANCE))
    }

    /// The latest time that a tombstone may name: whoever may tag could write any.
    pub fn latest_due(&self, now: Timestamp) -> Timestamp {
        now.plus((self.grace() + days(1)).max(BEYOND_ALLOWANCE + days(1)))
    }

    /// Whether nothing is ever deleted.
    pub fn never_deletes(&self) -> bool {
        self.max_deletes == MaxDeletes::Count(0)
    }

    fn grace(&self) -> Duration {
        days(u64::from(self.delete_grace_days))
    }
}

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 60 * 60)
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
            allowances: Arc::default(),
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
    fn an_orphan_is_kept_for_the_days_of_the_settings_and_longer_beyond_the_allowance() {
        let now = Timestamp::parse("2026-11-24T10:00:00Z").expect("a date");
        let kept = |delete_grace_days| {
            let policy =
                RunPolicy { delete_grace_days, ..RunPolicy::of_a_sweep("us-east-2=us-east-1") };
            let until = policy.keep_until(now).map(|until| until.to_string());
            let beyond = policy.keep_beyond_allowance(now).to_string();
            (until, beyond, policy.latest_due(now).to_string())
        };
        let day = |day: u32| format!("2026-12-{day:02}T10:00:00Z");
        assert_eq!(kept(0), (None, day(1), day(2)));
        assert_eq!(kept(1), (Some("2026-11-25T10:00:00Z".to_owned()), day(1), day(2)));
        assert_eq!(kept(30), (Some(day(24)), day(24), day(25)));
    }

    #[test]
    fn only_the_number_zero_means_never() {
        let never = |max_deletes| {
            RunPolicy { max_deletes, ..RunPolicy::of_a_sweep("us-east-2=us-east-1") }
                .never_deletes()
        };
        assert!(never(MaxDeletes::Count(0)));
        assert!(!never(MaxDeletes::Count(1)) && !never(MaxDeletes::Percent(0)));
    }
}
