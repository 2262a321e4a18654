//! One invocation of the hub as a process that goes on only when it is told: every call that it makes is held until it
//! is answered, and nothing else moves it.
//!
//! Each process has a runtime, a paused clock and a hub of its own, as each Lambda has a sandbox of its own. Its calls
//! are told apart by operation, Region and body, never by the order in which they came, and the little that is random
//! in the SDK (the jitter of its retries) is seeded. So what it does next is a function of what it was asked and of the
//! answers that it had, and dropping it is a crash: whatever it still had to do is never done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use failover_replicator::aws::Environment;
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Hub, HubError, RouteFilter};
use failover_replicator::settings::RawSettings;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(super) use super::asked::Input;
use super::asked::variables;
use super::door::Door;
pub(super) use super::door::{Answer, Call, writes};

/// Once a call is held, the calls that are made beside it come within this time: pacing spreads them by milliseconds.
const SIBLINGS: Duration = Duration::from_millis(50);
/// No sleep of the hub's is longer than this; who is silent for so long has stopped.
const LONGEST_SILENCE: Duration = Duration::from_mins(10);

/// How an invocation stands once nothing of it moves any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// These calls wait for their answers, sorted.
    Waiting(Vec<Call>),
    /// It is over, with this answer. `published` is what it told the topic, where it did.
    Ended(Value),
}

/// A running invocation.
pub(super) struct Process {
    task: Option<JoinHandle<Result<Value, HubError>>>,
    door: Door,
    clock: Clock,
    /// Answers that it had.
    answers: u64,
    /// Whether it is an operator's command on a state.
    may_be_refused: bool,
    /// Last, so that all else is dropped within its life.
    runtime: Runtime,
}

impl Process {
    /// Begins one at `now`, in milliseconds since 1970, and lets it go on to its first calls.
    pub(super) fn start(input: &Input, now: u64) -> (Self, Status) {
        fastrand::seed(0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let (door, clock, task) = {
            let _inside = runtime.enter();
            let clock = Clock::showing(now);
            let door = Door::new(clock.clone());
            let environment = Environment {
                http_client: Some(SharedHttpClient::new(door.clone())),
                credentials: Some(SharedCredentialsProvider::new(Credentials::new(
                    "AKIAHUB",
                    "secret",
                    None,
                    None,
                    "scheduler",
                ))),
                time_source: Some(SharedTimeSource::new(clock.clone())),
                breaker: None,
            };
            let (variables, request) = (variables(input), input.request());
            let task = tokio::spawn(async move {
                let settings =
                    RawSettings::from_variables(variables.into_iter()).parse().expect("settings");
                let hub = Hub::with(settings, environment).await?;
                let done = hub
                    .perform(request, RouteFilter::default(), Deadline::never(), &|_| ())
                    .await?;
                Ok(serde_json::to_value(done.answer).expect("JSON"))
            });
            (door, clock, task)
        };
        let may_be_refused = input.is_about_states();
        let mut process =
            Self { task: Some(task), door, clock, answers: 0, may_be_refused, runtime };
        let status = process.settle();
        (process, status)
    }

    /// Answers a call that is held, at `now`, and lets the process go on until it waits again.
    pub(super) fn answer(&mut self, call: &Call, answer: Answer, now: u64) -> Status {
        self.answers += 1;
        fastrand::seed(self.answers);
        {
            let _inside = self.runtime.enter();
            self.clock.set(now);
        }
        let sender = {
            let mut inside = self.door.inside();
            let at = inside.held.iter().position(|(held, _)| held == call);
            let at = at.unwrap_or_else(|| panic!("{call} is not held"));
            inside.held.remove(at).1
        };
        // A call whose caller has gone is answered in vain, as on any network.
        drop(sender.send(answer));
        self.settle()
    }

    /// The time on its clock, in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        let _inside = self.runtime.enter();
        self.clock.millis()
    }

    fn settle(&mut self) -> Status {
        let Self { task, door, runtime, .. } = self;
        let ended = runtime.block_on(async {
            let running = task.as_mut().expect("it has not ended");
            let silence = tokio::time::sleep(LONGEST_SILENCE);
            tokio::pin!(silence);
            loop {
                if !door.inside().held.is_empty() {
                    // Its siblings, and whether it ends all the same.
                    return tokio::time::timeout(SIBLINGS, running).await.ok();
                }
                let called = Arc::clone(&door.inside().called);
                tokio::select! {
                    biased;
                    ended = &mut *running => return Some(ended),
                    () = called.notified() => {}
                    () = &mut silence => panic!("an invocation neither calls nor ends"),
                }
            }
        });
        if let Some(answer) = ended {
            self.task = None;
            let answer = answer.expect("no invocation panics");
            // Only an operator's command may be refused: another operator was faster.
            let mut answer = match answer {
                Err(error) if self.may_be_refused => json!({"refused": error.to_string()}),
                answer => answer.unwrap_or_else(|error| panic!("it is not refused: {error}")),
            };
            if let Some(digest) = self.door.inside().published.take() {
                answer["published"] = digest;
            }
            return Status::Ended(answer);
        }
        let mut held: Vec<Call> =
            self.door.inside().held.iter().map(|(call, _)| call.clone()).collect();
        held.sort();
        Status::Waiting(held)
    }
}

/// The process's clock: tokio's paused one, put forward to the world's.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    start: Instant,
    beginning: Arc<AtomicU64>,
}

impl Clock {
    fn showing(now: u64) -> Self {
        Self { start: Instant::now(), beginning: Arc::new(AtomicU64::new(now)) }
    }

    fn millis(&self) -> u64 {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.beginning.load(Ordering::Relaxed) + elapsed
    }

    /// Never back.
    fn set(&self, now: u64) {
        let behind = now.saturating_sub(self.millis());
        self.beginning.fetch_add(behind, Ordering::Relaxed);
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.millis())
    }
}
