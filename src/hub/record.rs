//! Writes the results of a sweep into the table while the sweep goes on.
//!
//! A separate task takes the finished accounts, reads the failures that the table knows of each, and writes everything in
//! batches. The sweep waits only if the task is far behind. A record that cannot be written never stops the sweep: the
//! report names the cause, and the account counts as not swept in its execution.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::record_account::{AccountRecord, SweepRun};
use crate::deadline::{Deadline, reserve};
use crate::domain::{AccountId, AccountOutcome, Cause, ExecutionName, Timestamp};
use crate::organization::MemberAccount;
use crate::table::{BATCH, KnownAccount, Table, TableWrite};

/// The finished accounts that may wait for the task.
const WAITING: usize = 64;
/// The accounts whose known failures are read at once.
const READS: usize = 16;
/// The batches that are written at once.
const WRITES: usize = 4;
/// After this number of failed calls in a row, the task tries no further one: the table is out of reach.
const FAILURES_IN_A_ROW: u32 = 3;
/// The longest wait for the last records, however much time is left.
const LAST_RECORDS: Duration = Duration::from_mins(1);

/// Records the accounts of one sweep.
pub(super) struct Recorder {
    table: Table,
    run: SweepRun,
    /// The accounts of the run, until the first record shows that the table is this hub's.
    expected: Vec<AccountId>,
    /// These accounts with their names, if the run listed the organisation itself.
    members: Vec<MemberAccount>,
    records: mpsc::Sender<AccountRecord>,
    task: JoinHandle<()>,
    trouble: Arc<Trouble>,
    deadline: Deadline,
}

/// What the calls of the task met.
#[derive(Debug, Default)]
struct Trouble(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    first: Option<Cause>,
    in_a_row: u32,
}

impl Trouble {
    /// Notes the end of a call, and gives its result.
    fn note<T>(&self, called: Result<T, Cause>) -> Option<T> {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match called {
            Ok(result) => {
                met.in_a_row = 0;
                Some(result)
            }
            Err(cause) => {
                met.in_a_row += 1;
                met.first.get_or_insert(cause);
                None
            }
        }
    }

    /// Whether a call has failed.
    fn is_met(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).first.is_some()
    }

    fn is_out_of_reach(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).in_a_row >= FAILURES_IN_A_ROW
    }

    fn first(&self) -> Option<Cause> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).first.clone()
    }
}

impl Recorder {
    /// Begins to record a sweep of these accounts.
    pub(super) fn begin(
        table: Table,
        run: SweepRun,
        (expected, members): (Vec<AccountId>, Vec<MemberAccount>),
        deadline: Deadline,
    ) -> Self {
        let (records, received) = mpsc::channel(WAITING);
        let trouble = Arc::new(Trouble::default());
        let task = tokio::spawn(write(table.clone(), received, Arc::clone(&trouble)));
        Self { table, run, expected, members, records, task, trouble, deadline }
    }

    /// Takes a finished account.
    pub(super) async fn take(&mut self, outcome: &mut AccountOutcome, finished: Timestamp) {
        let Some(record) = self.run.record(outcome, finished) else { return };
        let expected = std::mem::take(&mut self.expected);
        if let Some(execution) = &self.run.execution
            && !expected.is_empty()
        {
            let put = self.table.put_expected(execution, &expected, self.run.started);
            self.trouble.note(self.in_time(put).await);
            let known = known_accounts(std::mem::take(&mut self.members), execution, finished);
            if !known.is_empty() && !self.trouble.is_met() {
                self.trouble.note(self.in_time(self.table.put_accounts(&known)).await);
            }
        }
        // The task ends early only if it panics, and then `finish` says so.
        let sent = async {
            let _ = self.records.send(record).await;
            Ok(())
        };
        // A record that is handed over says nothing about the table.
        if let Err(late) = self.in_time(sent).await {
            self.trouble.note::<()>(Err(late));
        }
    }

    /// The result of a call, unless it takes the time that the report needs.
    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Cause>>) -> Result<T, Cause> {
        match self.deadline.left().map(|left| left.saturating_sub(reserve::REPORT)) {
            Some(left) => tokio::time::timeout(left, call)
                .await
                .unwrap_or_else(|_| Err(self.table.not_in_time())),
            None => call.await,
        }
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// Why records are missing.
    pub(super) async fn finish(self) -> Result<(), Cause> {
        let Self { records, mut task, trouble, table, deadline, .. } = self;
        drop(records);
        let left = deadline.left().map(|left| left.saturating_sub(reserve::DIGEST));
        let left = left.map_or(LAST_RECORDS, |left| left.min(LAST_RECORDS));
        let ended = tokio::time::timeout(left, &mut task).await;
        let cause = match (ended, trouble.first()) {
            (_, Some(cause)) => cause,
            (Ok(Ok(())), None) => return Ok(()),
            (Ok(Err(_)), None) => panicked(),
            (Err(_), None) => table.not_in_time(),
        };
        task.abort();
        let message = format!(
            "the results of this sweep are not all in the table, so its accounts may count as not swept: {}",
            cause.message
        );
        Err(Cause { message, ..cause })
    }
}

/// The items of listed accounts.
pub(super) fn known_accounts(
    members: Vec<MemberAccount>,
    execution: &ExecutionName,
    seen: Timestamp,
) -> Vec<KnownAccount> {
    let known = |MemberAccount { id, name, path }| KnownAccount {
        account: id,
        name,
        path,
        seen,
        execution: execution.clone(),
    };
    members.into_iter().map(known).collect()
}

fn panicked() -> Cause {
    Cause::new(
        crate::domain::FailureKind::Bug,
        "internal error: the task that records the sweep panicked",
    )
}

/// Writes the records of all accounts.
async fn write(table: Table, mut received: mpsc::Receiver<AccountRecord>, trouble: Arc<Trouble>) {
    let (reading, reads) = (table.clone(), Arc::clone(&trouble));
    stream::poll_fn(move |context| received.poll_recv(context))
        .map(move |record| writes_of(reading.clone(), record, Arc::clone(&reads)))
        .buffer_unordered(READS)
        .flat_map(stream::iter)
        .chunks(BATCH)
        .for_each_concurrent(WRITES, move |batch| {
            let (table, trouble) = (table.clone(), Arc::clone(&trouble));
            async move {
                if !trouble.is_out_of_reach() {
                    trouble.note(table.write_all(batch).await);
                }
            }
        })
        .await;
}

/// The writes of one account: its results, and the changes to its failures.
async fn writes_of(
    table: Table,
    mut record: AccountRecord,
    trouble: Arc<Trouble>,
) -> Vec<TableWrite> {
    let mut writes = std::mem::take(&mut record.results);
    if !trouble.is_out_of_reach()
        && let Some(known) = trouble.note(table.known_failures(&record.account).await)
    {
        writes.extend(record.failures(known));
    }
    writes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::fake::json_error;
    use crate::domain::{ExecutionName, FailureKind, Routes};
    use crate::hub::record_account::pairs_of;
    use crate::report::samples::{account, failure};
    use crate::table::memory::MemoryTable;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    async fn recorder(memory: &MemoryTable, accounts: u64, deadline: Deadline) -> Recorder {
        let routes = Routes::parse("us-east-2=us-east-1").expect("routes");
        let run = SweepRun {
            execution: ExecutionName::parse("daily").ok(),
            started: NOW,
            pairs: pairs_of(&routes),
            routes,
        };
        let expected = (0..accounts).map(account).collect();
        Recorder::begin(memory.table().await, run, (expected, Vec::new()), deadline)
    }

    async fn sweep(recorder: &mut Recorder, accounts: u64) {
        for number in 0..accounts {
            let mut outcome = AccountOutcome::new(account(number));
            outcome.fail(failure(number, "/a", FailureKind::Conflict, "held"));
            recorder.take(&mut outcome, NOW).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_accounts_are_written_in_batches() {
        let memory = MemoryTable::new(|_| None);
        let mut recorder = recorder(&memory, 1_000, Deadline::never()).await;
        sweep(&mut recorder, 1_000).await;
        assert_eq!(recorder.finish().await, Ok(()));
        // Result, last result and failure of each account, and the list of accounts.
        assert_eq!(memory.items().len(), 3_001);
        // Each answer leaves five of twenty-five unprocessed.
        let batches = memory.fake.sent("BatchWriteItem").len();
        assert!((120..=241).contains(&batches), "{batches}");
        assert_eq!(memory.fake.sent("Query").len(), 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_out_of_reach_costs_few_calls_and_is_a_failure() {
        let memory = MemoryTable::new(|_| Some(json_error(400, "AccessDeniedException")));
        let mut recorder = recorder(&memory, 500, Deadline::never()).await;
        sweep(&mut recorder, 500).await;
        let cause = recorder.finish().await.expect_err("nothing is written");
        assert_eq!(cause.kind, FailureKind::AccessDenied);
        assert!(cause.message.contains("may count as not swept"), "{cause}");
        let calls = memory.fake.sent("Query").len() + memory.fake.sent("BatchWriteItem").len();
        assert!(calls < 40, "{calls}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_batch_does_not_stop_the_others() {
        let failed = std::sync::atomic::AtomicBool::default();
        let memory = MemoryTable::new(move |sent| {
            let first = sent.body.contains("111122220030#us-east-2")
                && !failed.swap(true, std::sync::atomic::Ordering::Relaxed);
            first.then(|| json_error(400, "ValidationException"))
        });
        let mut recorder = recorder(&memory, 100, Deadline::never()).await;
        sweep(&mut recorder, 100).await;
        let cause = recorder.finish().await.expect_err("one batch is missing");
        assert_eq!(cause.kind, FailureKind::Invalid);
        assert_eq!(memory.items().len(), 301 - BATCH);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_the_wait_for_a_table_that_hangs() {
        let memory = MemoryTable::new(|_| Some(json_error(500, "InternalServerError")));
        let began = tokio::time::Instant::now();
        let deadline = Deadline::at(began + Duration::from_millis(3_100));
        let mut recorder = recorder(&memory, 1, deadline).await;
        recorder.expected.clear();
        sweep(&mut recorder, 1).await;
        recorder.finish().await.expect_err("nothing is written");
        assert!(began.elapsed() <= Duration::from_millis(200), "{:?}", began.elapsed());
    }
}
