//! The handle that tests use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, Millis};
use crate::faults::{Fault, FaultId};
use crate::identity::Keys;
use crate::journal::{Count, Write};
use crate::owner::AccountSide;
use crate::quotas::{Metered, Quota};
use crate::state::{Lag, Settings, World};

/// A simulated AWS. Clones share the state.
#[derive(Clone, Debug)]
pub struct Sim(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    world: Mutex<World>,
}

impl Sim {
    /// A new simulator. Call this within tokio's runtime: the simulated time starts now.
    pub fn new(settings: Settings) -> Self {
        let clock = Clock::starting_at(settings.beginning);
        Self(Arc::new(Inner { clock, world: Mutex::new(World::new(settings)) }))
    }

    /// An independent copy of the simulator with the same state and time.
    #[must_use]
    pub fn fork(&self) -> Self {
        let world = self.world().clone();
        Self(Arc::new(Inner { clock: self.0.clock.fork(), world: Mutex::new(world) }))
    }

    /// The simulator's clock, which the SDK can use too.
    pub fn clock(&self) -> Clock {
        self.0.clock.clone()
    }

    /// The current simulated time.
    pub fn now(&self) -> Millis {
        self.0.clock.now()
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The owner's view of an account. The first call for an id adds the account to the organisation.
    pub fn account(&self, id: &str) -> AccountSide<'_> {
        {
            let mut world = self.world();
            world.organization.join(id);
            world.account(id);
        }
        AccountSide::of(self, id)
    }

    /// Permanent credentials of a role of this name in the management account.
    pub fn hub_keys(&self, role: &str) -> Keys {
        let mut world = self.world();
        let (seed, account) = (world.settings.seed, world.settings.management.clone());
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/hub");
        world.access_keys.issue(seed, &account, arn, None)
    }

    /// Makes a member account a delegated administrator, which may list the organisation's accounts.
    pub fn delegate(&self, account: &str) {
        self.world().organization.administrators.insert(account.to_owned());
    }

    /// Changes the settings.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.world().settings);
    }

    /// Changes the lag of reads. States that only a longer lag needs may already be dropped.
    pub fn set_lag(&self, lag: Lag) {
        self.world().settings.lag = lag;
    }

    /// Sets the quota of a bucket (such as `ssm.control`) for one account and Region.
    pub fn set_quota(&self, account: &str, region: &str, bucket: &str, quota: Quota) {
        self.world().quotas.set(account, region, bucket, quota);
    }

    /// Sets whether calls over quota are refused. The simulator measures the calls in both cases.
    pub fn enforce_quotas(&self, enforce: bool) {
        self.world().quotas.off = !enforce;
    }

    /// The calls of one bucket.
    pub fn metered(&self, account: &str, region: &str, bucket: &str) -> Metered {
        self.world().quotas.metered(account, region, bucket)
    }

    /// Adds a fault rule.
    pub fn fault(&self, fault: Fault) -> FaultId {
        self.world().faults.add(fault)
    }

    /// Removes a fault rule.
    pub fn mend(&self, fault: FaultId) {
        self.world().faults.remove(fault);
    }

    /// Removes all fault rules.
    pub fn mend_all(&self) {
        self.world().faults.clear();
    }

    /// How many calls a fault rule hit.
    pub fn hits(&self, fault: FaultId) -> u64 {
        self.world().faults.hits(fault)
    }

    /// Counts the matching calls over the wire. An empty argument matches everything. `AssumeRole` counts for the account of
    /// the role.
    pub fn count(&self, operation: &str, account: &str, region: &str) -> Count {
        self.world().journal.sum(operation, account, region)
    }

    /// The counters of the calls over the wire, by operation.
    pub fn counts(&self) -> BTreeMap<String, Count> {
        self.world().journal.by_operation()
    }

    /// All writes over the wire except those of tables, in order, refused writes included.
    pub fn writes(&self) -> Vec<Write> {
        self.world().journal.writes.clone()
    }

    /// All writes of tables over the wire in order, refused writes included.
    pub fn table_writes(&self) -> Vec<Write> {
        self.world().journal.table_writes.clone()
    }

    /// Clears the counters and the lists of writes. The state stays.
    pub fn forget_calls(&self) {
        self.world().journal.clear();
    }
}
