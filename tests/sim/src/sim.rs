//! The simulator as a test holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, Millis};
use crate::faults::{Fault, FaultId};
use crate::identity::Keys;
use crate::journal::{Count, Write};
use crate::owner::AccountSide;
use crate::quotas::{Metered, Quota};
use crate::state::{Lag, Settings, World};

/// A simulated AWS. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Sim(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    world: Mutex<World>,
}

impl Sim {
    /// A new one. Its time begins now, within tokio's runtime.
    pub fn new(settings: Settings) -> Self {
        let clock = Clock::starting_at(settings.beginning);
        Self(Arc::new(Inner { clock, world: Mutex::new(World::new(settings)) }))
    }

    /// Another one, which holds what this one holds now; from here on they know nothing of each other.
    #[must_use]
    pub fn fork(&self) -> Self {
        let world = self.world().clone();
        Self(Arc::new(Inner { clock: self.0.clock, world: Mutex::new(world) }))
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.0.clock.now()
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An account as its owner sees it. The first time that it is named it joins the organisation.
    pub fn account(&self, id: &str) -> AccountSide<'_> {
        {
            let mut world = self.world();
            world.organization.join(id);
            world.account(id);
        }
        AccountSide::of(self, id)
    }

    /// Credentials of the management account's own role of this name, without an end.
    pub fn hub_keys(&self, role: &str) -> Keys {
        let mut world = self.world();
        let (seed, account) = (world.settings.seed, world.settings.management.clone());
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/hub");
        world.issued.issue(seed, &account, arn, None)
    }

    /// Lets a member read the organisation.
    pub fn delegate(&self, account: &str) {
        self.world().organization.administrators.insert(account.to_owned());
    }

    /// Changes how this AWS behaves.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.world().settings);
    }

    /// How far reads are behind from now on. What was over before is forgotten as far as the old lag allowed.
    pub fn set_lag(&self, lag: Lag) {
        self.world().settings.lag = lag;
    }

    /// Sets one of an account's quotas in a Region, by its bucket (`ssm.control`).
    pub fn set_quota(&self, account: &str, region: &str, bucket: &str, quota: Quota) {
        self.world().quotas.set(account, region, bucket, quota);
    }

    /// Whether calls over quota are refused. They are measured either way.
    pub fn enforce_quotas(&self, enforce: bool) {
        self.world().quotas.off = !enforce;
    }

    /// What one bucket saw.
    pub fn metered(&self, account: &str, region: &str, bucket: &str) -> Metered {
        self.world().quotas.metered(account, region, bucket)
    }

    /// Lets something go wrong from now on.
    pub fn fault(&self, fault: Fault) -> FaultId {
        self.world().faults.add(fault)
    }

    /// Ends one rule.
    pub fn mend(&self, fault: FaultId) {
        self.world().faults.remove(fault);
    }

    /// Ends all rules.
    pub fn mend_all(&self) {
        self.world().faults.clear();
    }

    /// How often a rule struck.
    pub fn hits(&self, fault: FaultId) -> u64 {
        self.world().faults.hits(fault)
    }

    /// How the calls over the wire ended that fit; an empty text fits everything. `AssumeRole` counts for the account
    /// that it leads into.
    pub fn count(&self, operation: &str, account: &str, region: &str) -> Count {
        self.world().journal.sum(operation, account, region)
    }

    /// The same by operation.
    pub fn counts(&self) -> BTreeMap<String, Count> {
        self.world().journal.by_operation()
    }

    /// Every write that came over the wire, refused ones too, in order.
    pub fn writes(&self) -> Vec<Write> {
        self.world().journal.writes.clone()
    }

    /// Forgets counts and writes, not what they did.
    pub fn forget_calls(&self) {
        self.world().journal.clear();
    }
}
