//! The requests of one account that wait for their turn or for an answer.
//!
//! A sweep works on a limited number of accounts at a time. An account that only waits for a Region that does not answer
//! gives its place to the next account, so that such a Region does not hold up the routes from other Regions.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts the pending requests of one account.
#[derive(Debug, Default)]
pub(super) struct PendingRequests(watch::Sender<PendingCounts>);

#[derive(Clone, Copy, Debug, Default)]
struct PendingCounts {
    all: usize,
    /// Those to Regions that do not answer.
    silent: usize,
}

impl PendingCounts {
    const fn are_all_silent(self) -> bool {
        self.all > 0 && self.silent == self.all
    }
}

/// One pending request.
#[derive(Debug)]
pub(super) struct PendingRequest {
    account: Arc<PendingRequests>,
    is_silent: bool,
}

impl PendingRequests {
    /// Counts a request until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> PendingRequest {
        self.change(|counts| counts.all += 1);
        PendingRequest { account: Arc::clone(self), is_silent: false }
    }

    /// Completes when requests are pending, and all of them to Regions that do not answer.
    pub(super) async fn all_silent(&self) {
        // The sender lives as long as `self`, so the wait does not fail.
        let _ = self.0.subscribe().wait_for(|counts| counts.are_all_silent()).await;
    }

    /// Only the count that completes a wait wakes the account's task.
    fn change(&self, change: impl FnOnce(&mut PendingCounts)) {
        self.0.send_if_modified(|counts| {
            change(counts);
            counts.are_all_silent()
        });
    }
}

impl PendingRequest {
    /// The Region of this request does not answer.
    pub(super) fn is_silent(&mut self) {
        if !std::mem::replace(&mut self.is_silent, true) {
            self.account.change(|counts| counts.silent += 1);
        }
    }
}

impl Drop for PendingRequest {
    fn drop(&mut self) {
        let silent = usize::from(self.is_silent);
        self.account.change(|counts| {
            counts.all = counts.all.saturating_sub(1);
            counts.silent = counts.silent.saturating_sub(silent);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_account_only_waits_if_each_of_its_requests_is_to_a_silent_region() {
        let account = Arc::new(PendingRequests::default());
        let mut wait = Box::pin(account.all_silent());
        assert!(futures::poll!(&mut wait).is_pending(), "nothing is pending");
        let (mut lost, other) = (account.begin(), account.begin());
        lost.is_silent();
        lost.is_silent();
        assert!(futures::poll!(&mut wait).is_pending(), "the other request may be answered");
        drop(other);
        let next = account.begin();
        assert!(futures::poll!(&mut wait).is_pending(), "the account goes on");
        drop(next);
        wait.await;
        drop(lost);
        assert!(futures::poll!(Box::pin(account.all_silent())).is_pending());
    }
}
