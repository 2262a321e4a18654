//! The limiters of each account, and the counts of all calls.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::breaker::Breaker;
use super::limiter::Limiter;
use super::pending::PendingRequests;
use super::rates::{CallStats, Quotas};
use crate::domain::{AccountId, Region};
use crate::settings::Bucket;

/// Counts of all calls of the process, by action.
#[derive(Debug, Default)]
pub(in crate::aws) struct CallCounts(Mutex<BTreeMap<String, CallStats>>);

impl CallCounts {
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

/// The limiters of one account, or of the hub's own calls (`account` is `None`).
pub(in crate::aws) struct AccountLimiters {
    pub(super) account: Option<AccountId>,
    quotas: Arc<Quotas>,
    pub(super) calls: Arc<CallCounts>,
    pub(super) breaker: Arc<Breaker>,
    pub(super) pending: Arc<PendingRequests>,
    limiters: Mutex<BTreeMap<(Region, Bucket), Arc<Limiter>>>,
}

impl AccountLimiters {
    pub(in crate::aws) fn new(
        account: Option<AccountId>,
        quotas: Arc<Quotas>,
        calls: Arc<CallCounts>,
        breaker: Arc<Breaker>,
    ) -> Arc<Self> {
        let (pending, limiters) = <_>::default();
        Arc::new(Self { account, quotas, calls, breaker, pending, limiters })
    }

    /// Completes when the account only waits for Regions that do not answer.
    pub(in crate::aws) async fn only_waits(&self) {
        self.pending.all_silent().await;
    }

    /// Whether a Region is the source of a route.
    pub(super) fn is_source(&self, region: &Region) -> bool {
        self.quotas.source_regions.contains(region)
    }

    pub(super) fn limiter(&self, region: &Region, bucket: Bucket) -> Arc<Limiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Limiter::new(self.quotas.rate(self.account.as_ref(), region, bucket));
        Arc::clone(limiters.entry((region.clone(), bucket)).or_insert_with(new))
    }

    fn is_idle(&self) -> bool {
        let limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        limiters.values().all(|limiter| limiter.is_idle())
    }
}

/// The limiters of all accounts.
///
/// The limiters of an account outlive its session until they are idle. Otherwise a function that handles many small
/// batches would start each batch with a full burst. Idle limiters are dropped, so memory does not grow with the
/// organisation.
#[derive(Debug, Default)]
pub(in crate::aws) struct LimiterRegistry(Mutex<HashMap<AccountId, Arc<AccountLimiters>>>);

impl LimiterRegistry {
    /// The limiters of `account`; new ones if the registry has none.
    pub(in crate::aws) fn of(
        &self,
        account: &AccountId,
        quotas: &Arc<Quotas>,
        calls: &Arc<CallCounts>,
        breaker: &Arc<Breaker>,
    ) -> Arc<AccountLimiters> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, limiters| Arc::strong_count(limiters) > 1 || !limiters.is_idle());
        let new = || {
            let (quotas, calls, breaker) =
                (Arc::clone(quotas), Arc::clone(calls), Arc::clone(breaker));
            AccountLimiters::new(Some(account.clone()), quotas, calls, breaker)
        };
        Arc::clone(accounts.entry(account.clone()).or_insert_with(new))
    }

    #[cfg(test)]
    pub(in crate::aws) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl fmt::Debug for AccountLimiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountLimiters").field("account", &self.account).finish_non_exhaustive()
    }
}
