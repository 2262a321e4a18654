//! Limits the listed items in memory, over all accounts, to the setting `ITEMS_IN_FLIGHT`.
//!
//! The size of an account is unknown until it is listed. Accounts that each hold a part of the budget could therefore
//! wait for each other for ever. To prevent this, one account at a time may exceed the budget: the real limit is the
//! setting plus one account.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// The budget that all accounts share.
#[derive(Clone, Debug)]
pub(super) struct MemoryBudget {
    items: Arc<Semaphore>,
    over_budget: Arc<Mutex<()>>,
}

/// The part of the budget that one account holds until this value is dropped.
#[derive(Debug, Default)]
pub(super) struct BudgetShare {
    items: Option<OwnedSemaphorePermit>,
    over_budget: Option<OwnedMutexGuard<()>>,
}

impl MemoryBudget {
    pub(super) fn new(items: usize) -> Self {
        let items = Arc::new(Semaphore::new(items.min(Semaphore::MAX_PERMITS)));
        Self { items, over_budget: Arc::default() }
    }

    /// Adds room for `items` to `share`, and waits until there is enough.
    pub(super) async fn reserve(&self, share: &mut BudgetShare, items: usize) {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        if share.over_budget.is_some() || items == 0 {
            return;
        }
        tokio::select! {
            biased;
            permit = Arc::clone(&self.items).acquire_many_owned(items) => {
                // The semaphore is never closed.
                if let Ok(permit) = permit {
                    match &mut share.items {
                        Some(share) => share.merge(permit),
                        None => share.items = Some(permit),
                    }
                }
            }
            over_budget = Arc::clone(&self.over_budget).lock_owned() => share.over_budget = Some(over_budget),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Whether `items` more fit without another account returning its share.
    async fn fits(memory_budget: &MemoryBudget, share: &mut BudgetShare, items: usize) -> bool {
        tokio::time::timeout(Duration::from_secs(1), memory_budget.reserve(share, items))
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn one_account_exceeds_the_budget_and_the_others_wait() {
        let memory_budget = MemoryBudget::new(100);
        let [mut first, mut second, mut third] =
            [BudgetShare::default(), BudgetShare::default(), BudgetShare::default()];
        assert!(fits(&memory_budget, &mut first, 60).await);
        assert!(fits(&memory_budget, &mut second, 40).await);
        assert!(
            fits(&memory_budget, &mut first, 1000).await,
            "the first account that finds the budget used up"
        );
        assert!(fits(&memory_budget, &mut first, 1000).await);
        assert!(!fits(&memory_budget, &mut second, 1).await);
        assert!(!fits(&memory_budget, &mut third, 1).await);
        drop(second);
        assert!(
            fits(&memory_budget, &mut third, 40).await,
            "the second account returned its share"
        );
        assert!(!fits(&memory_budget, &mut BudgetShare::default(), 1).await);
        drop(first);
        assert!(fits(&memory_budget, &mut third, 60).await, "the first account returned its share");
        assert!(
            fits(&memory_budget, &mut BudgetShare::default(), 5000).await,
            "another account may exceed the budget"
        );
    }
}
