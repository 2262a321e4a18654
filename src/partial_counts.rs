//! The counts of an account's work that survive the deadline. At the deadline the sweep drops the account's task with all
//! its results, so the task adds its counts here while it works.
//!
//! The counts are local to the task and are not passed from function to function: they change no decision, and only the
//! sweep reads them, after it dropped the task.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{AccountId, AccountOutcome, Counts, Kind};

tokio::task_local! {
    static COUNTS: PartialCounts;
}

/// The counts of one account's work. Clones share the same counts.
#[derive(Clone, Debug, Default)]
pub struct PartialCounts(Arc<Mutex<[Counts; 2]>>);

impl PartialCounts {
    /// Runs `work` and collects the counts that it [`add`]s.
    pub async fn collect<T>(&self, work: impl Future<Output = T>) -> T {
        COUNTS.scope(self.clone(), work).await
    }

    /// The outcome of an account whose task was dropped at the deadline. A later run does the rest.
    pub fn cut_off(&self, account: AccountId) -> AccountOutcome {
        let mut outcome = AccountOutcome::unfinished(account);
        let [parameters, secrets] = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (kind, counts) in [(Kind::Parameter, parameters), (Kind::Secret, secrets)] {
            for (item_outcome, many) in counts.iter() {
                outcome.count_all(kind, item_outcome, many);
            }
        }
        outcome
    }
}

/// Adds counts of items of `kind`. Outside [`PartialCounts::collect`] this does nothing.
pub fn add(kind: Kind, counts: &Counts) {
    let merge = |partial: &PartialCounts| {
        let mut partial = partial.0.lock().unwrap_or_else(PoisonError::into_inner);
        partial[kind as usize].merge(counts);
    };
    // An error means that no caller collects counts.
    let _ = COUNTS.try_with(merge);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OutcomeKind;

    #[tokio::test]
    async fn counts_before_the_deadline_are_reported_and_the_rest_is_left() {
        let account = AccountId::parse("111122223333").expect("an account");
        let partial_counts = PartialCounts::default();
        let mut counts = Counts::default();
        counts.add(OutcomeKind::Created, 3);
        partial_counts.collect(async { add(Kind::Secret, &counts) }).await;
        add(Kind::Secret, &counts);
        let outcome = partial_counts.cut_off(account);
        assert_eq!(outcome.secrets.get(OutcomeKind::Created), 3);
        assert_eq!(outcome.parameters.total(), 0);
        assert!(outcome.changed && outcome.left && !outcome.complete);
    }
}
