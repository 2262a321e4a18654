//! One invocation of the hub as a process that goes on only when it is told: every call that it makes is held until it
//! is answered, and nothing else moves it.
//!
//! Each process has a runtime, a paused clock and a hub of its own, as each Lambda has a sandbox of its own. Its calls
//! are told apart by operation, Region and body, never by the order in which they came, and the little that is random
//! in the SDK (the jitter of its retries) is seeded. So what it does next is a function of what it was asked and of the
//! answers that it had, and dropping it is a crash: whatever it still had to do is never done.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use failover_replicator::aws::Deadline;
use failover_replicator::hub::{Double, Hub, HubError, Narrow};
use failover_replicator::settings::RawSettings;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Once a call is held, the calls that are made beside it come within this time: pacing spreads them by milliseconds.
const SIBLINGS: Duration = Duration::from_millis(50);
/// No sleep of the hub's is longer than this; who is silent for so long has stopped.
const LONGEST_SILENCE: Duration = Duration::from_mins(10);
/// An hour, as AWS gives a role's credentials at most.
const SESSION: Duration = Duration::from_hours(1);

/// What an invocation is asked, and with which settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Input {
    /// The routes, as the setting has them.
    pub(super) routes: &'static str,
    /// The payload, event or batch.
    pub(super) payload: String,
}

/// A call that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Call {
    /// `ssm:PutParameter`.
    pub(super) operation: String,
    pub(super) region: String,
    pub(super) account: String,
    /// The request's JSON, its members sorted.
    pub(super) body: String,
}

impl Call {
    /// Whether it may change something.
    pub(super) fn writes(&self) -> bool {
        writes(&self.operation)
    }

    /// The request.
    pub(super) fn request(&self) -> Value {
        serde_json::from_str(&self.body).expect("it was JSON when it came")
    }
}

/// Whether an operation may change something.
pub(super) fn writes(operation: &str) -> bool {
    let name = operation.split(':').nth(1).unwrap_or_default();
    !["Get", "List", "Describe"].iter().any(|read| name.starts_with(read))
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.operation, self.region, self.body)
    }
}

/// What a call is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// How an invocation stands once nothing of it moves any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// These calls wait for their answers, sorted.
    Waiting(Vec<Call>),
    /// It is over, with this answer.
    Ended(Value),
}

/// A running invocation.
pub(super) struct Process {
    task: Option<JoinHandle<Result<Value, HubError>>>,
    door: Door,
    clock: Clock,
    /// Last, so that all else is dropped within its life.
    runtime: Runtime,
}

impl Process {
    /// Begins one at `now`, in milliseconds since 1970, and lets it go on to its first calls.
    pub(super) fn start(input: &Input, now: u64) -> (Self, Status) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let (door, clock, task) = {
            let _inside = runtime.enter();
            let clock = Clock::showing(now);
            let door = Door { inside: Arc::default(), clock: clock.clone() };
            let double = Double {
                http_client: Some(SharedHttpClient::new(door.clone())),
                credentials: Some(SharedCredentialsProvider::new(Credentials::new(
                    "AKIAHUB",
                    "secret",
                    None,
                    None,
                    "scheduler",
                ))),
                time_source: Some(SharedTimeSource::new(clock.clone())),
            };
            let (variables, payload) = (variables(input.routes), input.payload.clone());
            let task = tokio::spawn(async move {
                let settings = RawSettings::from_variables(variables).parse().expect("settings");
                let hub = Hub::with(settings, double).await?;
                let answer = hub
                    .run(payload.as_bytes(), Narrow::default(), Deadline::never(), &|_| ())
                    .await?;
                Ok(serde_json::to_value(answer).expect("JSON"))
            });
            (door, clock, task)
        };
        let mut process = Self { task: Some(task), door, clock, runtime };
        let status = process.settle();
        (process, status)
    }

    /// Answers a call that is held, at `now`, and lets the process go on until it waits again.
    pub(super) fn answer(&mut self, call: &Call, answer: Answer, now: u64) -> Status {
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
            return Status::Ended(
                answer.unwrap_or_else(|error| panic!("it is not refused: {error}")),
            );
        }
        let mut held: Vec<Call> =
            self.door.inside().held.iter().map(|(call, _)| call.clone()).collect();
        held.sort();
        Status::Waiting(held)
    }
}

fn variables(routes: &str) -> impl Iterator<Item = (String, String)> {
    [
        ("REPLICATOR_ROUTES", routes),
        ("REPLICATOR_SPOKE_EXTERNAL_ID", "test-external-id"),
        // Pacing has tests of its own; here it would only spread the calls.
        ("REPLICATOR_QUOTAS", r#"{"*/*/*":100000}"#),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
}

/// The process's clock: tokio's paused one, put forward to the world's.
#[derive(Clone, Debug)]
struct Clock {
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

/// Where the network would be: calls come in and are held.
#[derive(Clone, Debug)]
struct Door {
    inside: Arc<Mutex<Inside>>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Inside {
    held: Vec<(Call, oneshot::Sender<Answer>)>,
    called: Arc<Notify>,
}

impl Door {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// STS is answered at once: which account's credentials a call has is no matter of order.
    fn role(&self, form: &str) -> Answer {
        let account = form
            .split_once("iam%3A%3A")
            .and_then(|(_, rest)| rest.split_once("%3A"))
            .map_or("", |(account, _)| account);
        let ends = self.clock.now() + SESSION;
        let ends = aws_smithy_types::DateTime::from(ends)
            .fmt(aws_smithy_types::date_time::Format::DateTime)
            .expect("a date");
        let body = format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{ends}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        );
        Answer { status: 200, body }
    }

    /// Holds a call until it is answered.
    fn hold(&self, call: Call) -> oneshot::Receiver<Answer> {
        let (sender, answer) = oneshot::channel();
        let mut inside = self.inside();
        inside.held.push((call, sender));
        inside.called.notify_one();
        answer
    }
}

impl HttpClient for Door {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let text = String::from_utf8_lossy(body).into_owned();
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let target = header("x-amz-target");
        if target.is_empty() {
            let answer = respond(&self.role(&text));
            return HttpConnectorFuture::ready(answer);
        }
        let answer = self.hold(read(&target, &header("authorization"), &text));
        HttpConnectorFuture::new(async move {
            // Whoever holds the other end has gone: so has this process.
            let Ok(answer) = answer.await else { return std::future::pending().await };
            respond(&answer)
        })
    }
}

/// A request by what the simulator needs to know of it.
fn read(target: &str, authorization: &str, body: &str) -> Call {
    // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
    let scope = authorization.split_once("Credential=").map_or("", |(_, scope)| scope);
    let mut scope = scope.split('/');
    let (key, _, region) = (scope.next(), scope.next(), scope.next());
    let (service, name) = target.split_once('.').expect("a target");
    let service = match service {
        "AmazonSSM" => "ssm",
        service if service.starts_with("ResourceGroupsTagging") => "tag",
        service => service,
    };
    let body: Value = serde_json::from_str(body).expect("JSON");
    Call {
        operation: format!("{service}:{name}"),
        region: region.unwrap_or_default().to_owned(),
        account: key.and_then(|key| key.strip_prefix("ASIA")).unwrap_or_default().to_owned(),
        body: body.to_string(),
    }
}

fn respond(answer: &Answer) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(answer.status)
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(answer.body.clone())))
}
