//! How far an account has come: what its work has counted by the time that the deadline cuts it off. The work itself is
//! dropped then, with everything in it, so it notes its counts here as it goes.
//!
//! The tally belongs to the account's task and is not handed on from function to function: it changes no decision, and
//! nobody reads it but whoever cut the task off.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{AccountId, AccountOutcome, Counts, Kind};

tokio::task_local! {
    static TALLY: PartialCounts;
}

/// The counts of one account's work so far. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct PartialCounts(Arc<Mutex<[Counts; 2]>>);

impl PartialCounts {
    /// Does `work`, and keeps what it [`note`]s.
    pub async fn of<T>(&self, work: impl Future<Output = T>) -> T {
        TALLY.scope(self.clone(), work).await
    }

    /// The outcome of an account that was cut off: its counts so far, and all else is left to a later run.
    pub fn cut_off(&self, account: AccountId) -> AccountOutcome {
        let mut outcome = AccountOutcome::unfinished(account);
        let [parameters, secrets] = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (kind, counts) in [(Kind::Parameter, parameters), (Kind::Secret, secrets)] {
            for (ended, many) in counts.iter() {
                outcome.count_all(kind, ended, many);
            }
        }
        outcome
    }
}

/// Notes that items of `kind` have come to their ends; without a task that keeps a tally, nothing happens.
pub fn note(kind: Kind, counts: &Counts) {
    let merge = |tally: &PartialCounts| {
        let mut tally = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        tally[kind as usize].merge(counts);
    };
    // An error says that nobody keeps a tally here.
    let _ = TALLY.try_with(merge);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OutcomeKind;

    #[tokio::test]
    async fn what_was_counted_before_the_cut_is_told_and_the_rest_is_left() {
        let account = AccountId::parse("111122223333").expect("an account");
        let partial_counts = PartialCounts::default();
        let mut counts = Counts::default();
        counts.add(OutcomeKind::Created, 3);
        partial_counts.of(async { note(Kind::Secret, &counts) }).await;
        note(Kind::Secret, &counts);
        let outcome = partial_counts.cut_off(account);
        assert_eq!(outcome.secrets.get(OutcomeKind::Created), 3);
        assert_eq!(outcome.parameters.total(), 0);
        assert!(outcome.changed && outcome.left && !outcome.complete);
    }
}
