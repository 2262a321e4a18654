//! The limiters of each account, kept from one session of an account to its next.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::limiter::Gate;
use super::rates::{CallStats, Quotas};
use crate::domain::{AccountId, Region};
use crate::settings::Bucket;

/// What became of all calls of the process, by action.
#[derive(Debug, Default)]
pub(in crate::aws) struct Calls(Mutex<BTreeMap<String, CallStats>>);

impl Calls {
    /// A copy of the counts.
    pub(in crate::aws) fn snapshot(&self) -> BTreeMap<String, CallStats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn count(&self, action: &str, change: impl FnOnce(&mut CallStats)) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stats) = calls.get_mut(action) {
            change(stats);
        } else {
            change(calls.entry(action.to_owned()).or_default());
        }
    }
}

/// The gates of one account, or of the hub's own calls.
pub(in crate::aws) struct Pacer {
    pub(super) account: Option<AccountId>,
    quotas: Arc<Quotas>,
    pub(super) calls: Arc<Calls>,
    gates: Mutex<BTreeMap<(Region, Bucket), Arc<Gate>>>,
}

impl Pacer {
    /// For `account`, or for the hub's own calls.
    pub(in crate::aws) fn new(
        account: Option<AccountId>,
        quotas: Arc<Quotas>,
        calls: Arc<Calls>,
    ) -> Arc<Self> {
        Arc::new(Self { account, quotas, calls, gates: Mutex::new(BTreeMap::new()) })
    }

    pub(super) fn gate(&self, region: &Region, bucket: Bucket) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || Gate::new(self.quotas.rate(self.account.as_ref(), region, bucket));
        Arc::clone(gates.entry((region.clone(), bucket)).or_insert_with(open))
    }

    fn is_at_rest(&self) -> bool {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.values().all(|gate| gate.is_at_rest())
    }
}

/// The accounts' pacers. One outlives its account's session until its gates are at rest: were it dropped with it, a
/// function that handles one small batch after the other would begin each with full buckets. Then it goes, so that
/// memory does not grow with the organisation.
#[derive(Debug, Default)]
pub(in crate::aws) struct Pacers(Mutex<HashMap<AccountId, Arc<Pacer>>>);

impl Pacers {
    /// The account's, a new one where none is remembered.
    pub(in crate::aws) fn of(
        &self,
        account: &AccountId,
        quotas: &Arc<Quotas>,
        calls: &Arc<Calls>,
    ) -> Arc<Pacer> {
        let mut pacers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pacers.retain(|_, pacer| Arc::strong_count(pacer) > 1 || !pacer.is_at_rest());
        let new = || Pacer::new(Some(account.clone()), Arc::clone(quotas), Arc::clone(calls));
        Arc::clone(pacers.entry(account.clone()).or_insert_with(new))
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(in crate::aws) fn held(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer").field("account", &self.account).finish_non_exhaustive()
    }
}
