//! The settings and options of one invocation: what the run may do, and how it decides.

use std::sync::Arc;
use std::time::Duration;

use crate::allowances::Allowances;
use crate::deadline::Deadline;
use crate::domain::{
    AccountId, KmsKeys, NameFilter, Purpose, Region, RoutePair, Routes, Timestamp, Writers,
};
use crate::route_gate::RouteGate;
use crate::settings::{MaxDeletes, OnConflict, OnTargetChange};

/// Whether a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Steps are carried out.
    Apply,
    /// Steps are only reported.
    PlanOnly,
}

impl Writing {
    /// Whether steps may be carried out.
    pub fn allows(self) -> bool {
        self == Self::Apply
    }
}

/// The settings and options of one invocation.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate choice")]
pub struct RunPolicy {
    /// Whether the run writes.
    pub writing: Writing,
    /// Whether provenance proves parity; otherwise the hub compares values.
    pub trust: bool,
    /// Whether the hub reads the labels of every item, not only of the items that it writes.
    pub labels: bool,
    /// Whether the hub writes the replicas that depend on `REPLICATOR_TRUSTED_WRITERS` once more.
    pub take_over: bool,
    /// The replicas that may be deleted per day, account and target.
    pub max_deletes: MaxDeletes,
    /// What is left of `max_deletes`: shared by the process, or separate for a run with its own brake.
    pub allowances: Arc<Allowances>,
    /// Whether an operator gave this run its own brake. Replicas without a source are then deleted at once, even after a mass
    /// absence.
    pub lifts_brake: bool,
    /// Whether events started the run.
    pub from_events: bool,
    /// The days for which an orphan is kept.
    pub delete_grace_days: u32,
    /// The purpose of the run.
    pub purpose: Purpose,
    /// What to do if something else holds the name in the target.
    pub on_conflict: OnConflict,
    /// What to do with a replica that another writer changed in the target.
    pub on_target_change: OnTargetChange,
    /// The roles whose versions count as the hub's.
    pub writers: Writers,
    /// The names in scope.
    pub names: NameFilter,
    /// Source key → target key.
    pub kms_keys: KmsKeys,
    /// All routes of the settings, also those that this run skips: ownership depends on all of them.
    pub routes: Routes,
    /// The states of the routes; `None` if every route is active or the run writes nothing.
    pub gate: Option<Arc<RouteGate>>,
    /// The time after which the run starts nothing new.
    pub deadline: Deadline,
}

/// Orphans beyond the day's allowance are kept at least this long, so that an operator has time to look.
const BEYOND_ALLOWANCE: Duration = days(7);

impl RunPolicy {
    /// Until when an orphan that a sweep finds `now` is kept; `None`: it is deleted at once.
    pub fn keep_until(&self, now: Timestamp) -> Option<Timestamp> {
        (self.delete_grace_days > 0).then(|| now.plus(self.grace()))
    }

    /// Until when an orphan beyond the day's allowance is kept.
    pub fn keep_beyond_allowance(&self, now: Timestamp) -> Timestamp {
        now.plus(self.grace().max(BEYOND_ALLOWANCE))
    }

    /// The latest time that a tombstone may name. Any role that may tag the replica could write a later one.
    pub fn latest_due(&self, now: Timestamp) -> Timestamp {
        now.plus((self.grace() + days(1)).max(BEYOND_ALLOWANCE + days(1)))
    }

    /// Since when the route is active for the account; `None` if the states of the routes do not matter.
    pub fn active_since(
        &self,
        account: &AccountId,
        source: &Region,
        target: &Region,
    ) -> Option<Timestamp> {
        self.gate.as_ref()?.active_since(account, &RoutePair::new(source, target))
    }

    /// Whether nothing is ever deleted.
    pub fn never_deletes(&self) -> bool {
        self.max_deletes == MaxDeletes::Count(0)
    }

    /// How long a replica is kept after the deletion of its source.
    pub fn grace(&self) -> Duration {
        days(u64::from(self.delete_grace_days))
    }
}

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 60 * 60)
}

#[cfg(test)]
impl RunPolicy {
    /// The policy of a sweep over `routes` with default settings.
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
            gate: None,
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
