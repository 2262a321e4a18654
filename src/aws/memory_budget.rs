//! How many listed items may be in memory at once, over all accounts: `ITEMS_IN_FLIGHT`.
//!
//! An account does not know how large it is before it is listed, so accounts that share what is left could wait for each
//! other for ever. One of them, whoever is first to find nothing left, may therefore go on without limit: the bound is the
//! setting and one account more.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// What all accounts share.
#[derive(Clone, Debug)]
pub(super) struct Ration {
    items: Arc<Semaphore>,
    beyond: Arc<Mutex<()>>,
}

/// What one account holds, until it is dropped.
#[derive(Debug, Default)]
pub(super) struct Held {
    items: Option<OwnedSemaphorePermit>,
    beyond: Option<OwnedMutexGuard<()>>,
}

impl Ration {
    /// Room for so many items.
    pub(super) fn new(items: usize) -> Self {
        let items = Arc::new(Semaphore::new(items.min(Semaphore::MAX_PERMITS)));
        Self { items, beyond: Arc::default() }
    }

    /// Takes room for `items` more, and waits until there is.
    pub(super) async fn take(&self, held: &mut Held, items: usize) {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        if held.beyond.is_some() || items == 0 {
            return;
        }
        tokio::select! {
            biased;
            permit = Arc::clone(&self.items).acquire_many_owned(items) => {
                // The semaphore is never closed.
                if let Ok(permit) = permit {
                    match &mut held.items {
                        Some(held) => held.merge(permit),
                        None => held.items = Some(permit),
                    }
                }
            }
            beyond = Arc::clone(&self.beyond).lock_owned() => held.beyond = Some(beyond),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Whether `items` more can be taken without anything being given back.
    async fn fits(ration: &Ration, held: &mut Held, items: usize) -> bool {
        tokio::time::timeout(Duration::from_secs(1), ration.take(held, items)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn one_account_goes_beyond_and_the_others_wait_for_room() {
        let ration = Ration::new(100);
        let [mut first, mut second, mut third] =
            [Held::default(), Held::default(), Held::default()];
        assert!(fits(&ration, &mut first, 60).await);
        assert!(fits(&ration, &mut second, 40).await);
        assert!(fits(&ration, &mut first, 1000).await, "the first to find nothing left");
        assert!(fits(&ration, &mut first, 1000).await);
        assert!(!fits(&ration, &mut second, 1).await);
        assert!(!fits(&ration, &mut third, 1).await);
        drop(second);
        assert!(fits(&ration, &mut third, 40).await, "what the second gave back");
        assert!(!fits(&ration, &mut Held::default(), 1).await);
        drop(first);
        assert!(fits(&ration, &mut third, 60).await, "what the first gave back");
        assert!(fits(&ration, &mut Held::default(), 5000).await, "another one goes beyond");
    }
}
