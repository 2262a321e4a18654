//! The gate in front of writes, with a fake AWS, a paused clock and a wall clock that the test sets.

use std::sync::Mutex;
use std::time::SystemTime;

use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::*;
use crate::aws::fake::{FakeAws, FakeResponse, assumed_role_response, json_error};
use crate::aws::{Options, Session};
use crate::domain::{Need, ParameterName, Region};
use crate::settings::{Bucket, QuotaOverride};

const ACCOUNT: &str = "111122223333";
const HOME: &str = "us-east-1/hub spoke";

/// The wall clock: tokio's clock and an offset in seconds.
#[derive(Clone, Debug)]
struct Wall(Instant, Arc<Mutex<i64>>);

impl TimeSource for Wall {
    fn now(&self) -> SystemTime {
        let base = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000) + self.0.elapsed();
        let offset = *lock(&self.1);
        let by = Duration::from_secs(offset.unsigned_abs());
        if offset < 0 { base - by } else { base + by }
    }
}

/// An account whose parameters the hub writes, and the table with the state of its route.
struct Stage {
    fake: FakeAws,
    /// The answer to each read of the state.
    table: Arc<Mutex<FakeResponse>>,
    /// The answers to writes; later writes succeed.
    answers: Arc<Mutex<Vec<FakeResponse>>>,
    wall: Wall,
    session: Session,
    gate: Arc<RouteGate>,
}

/// The newest record of the table, with this state of the route and of one account.
fn record(state: &str, serial: u64, own: Option<&str>, home: &str) -> FakeResponse {
    let text = |text: &str| json!({ "S": text });
    let number = |number: u64| json!({"N": number.to_string()});
    let since = "2026-11-28T10:00:00Z";
    let mut accounts = serde_json::Map::new();
    if let Some(own) = own {
        let own = json!({"M": {
            "state": text(own), "serial": number(serial), "since": text(since), "by": text("x"),
            "reason": text(""),
        }});
        accounts.insert(ACCOUNT.to_owned(), own);
    }
    let item = json!({
        "pk": text("state#us-east-2=us-east-1"), "sk": text(&format!("{serial:010}")),
        "format": number(1), "home": text(home), "request": text("r"),
        "route_serial": number(serial - 1), "state": text(state), "since": text(since),
        "by": text("arn:ann"), "reason": text("us-east-2 fails"),
        "accounts": {"M": Value::Object(accounts)},
    });
    (200, json!({"Count": 1, "Items": [item]}).to_string())
}

fn state(state: &str) -> FakeResponse {
    record(state, 2, None, HOME)
}

impl Stage {
    async fn new(table: FakeResponse) -> Self {
        Self::with(table, |_| ()).await
    }

    async fn with(table: FakeResponse, change: impl FnOnce(&mut Options)) -> Self {
        let table = Arc::new(Mutex::new(table));
        let answers: Arc<Mutex<Vec<FakeResponse>>> = Arc::default();
        let (reads, writes) = (Arc::clone(&table), Arc::clone(&answers));
        let fake = FakeAws::new(move |sent| match sent.operation.as_str() {
            "AssumeRole" => assumed_role_response(sent),
            "Query" => lock(&reads).clone(),
            _ => {
                let mut answers = lock(&writes);
                if answers.is_empty() { (200, "{}".to_owned()) } else { answers.remove(0) }
            }
        });
        let wall = Wall(Instant::now(), Arc::default());
        let connection = fake
            .connect(|options| {
                options.environment.time_source = Some(SharedTimeSource::new(wall.clone()));
                change(options);
            })
            .await;
        let routes = Routes::parse("us-east-2=us-east-1").expect("routes");
        let gate = Arc::new(RouteGate::new(Table::new(connection.clone(), "hub", "spoke"), routes));
        let account = AccountId::parse(ACCOUNT).expect("an account");
        let session = connection.session(&account).await.expect("a session");
        let session = session.with_gate(Some(Arc::clone(&gate) as _));
        let session = session.on_route(&region("us-east-2"), Need::Replicate);
        Self { fake, table, answers, wall, session, gate }
    }

    /// Sends a write to the target.
    async fn write(&self) -> Result<(), Cause> {
        let target = region("us-east-1");
        let call = self.session.ssm(&target).add_tags_to_resource();
        let call = call
            .resource_type(aws_sdk_ssm::types::ResourceTypeForTagging::Parameter)
            .resource_id(ParameterName::new("/a").as_str())
            .set_tags(Some(Vec::new()))
            .customize()
            .interceptor(self.session.writes_to([&target]));
        let place = self.session.location(&target);
        let sent = call.send().await;
        sent.map(drop).map_err(|error| crate::aws::cause("ssm:AddTagsToResource", &place, &error))
    }

    fn set(&self, table: FakeResponse) {
        *lock(&self.table) = table;
    }

    fn reads(&self) -> usize {
        self.fake.sent("Query").len()
    }

    fn writes(&self) -> usize {
        self.fake.sent("AddTagsToResource").len()
    }

    async fn refused(&self) -> Cause {
        let before = self.writes();
        let cause = self.write().await.expect_err("refused");
        assert_eq!(self.writes(), before, "nothing was sent");
        assert_eq!(cause.kind, FailureKind::Frozen, "{cause}");
        cause
    }
}

fn region(name: &str) -> Region {
    Region::parse(name).expect("a Region")
}

async fn pass(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn only_an_active_route_is_written_and_the_refusal_says_who_stopped_it() {
    let stage = Stage::new(state("active")).await;
    stage.write().await.expect("active");
    for other in ["frozen", "failed_over", "failing_back", "retired"] {
        let stage = Stage::new(state(other)).await;
        let cause = stage.refused().await;
        for part in ["us-east-2=us-east-1", other, "2026-11-28", "arn:ann", "us-east-2 fails"] {
            assert!(cause.message.contains(part), "{part}: {cause}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_table_and_a_copied_record_mean_new_and_another_hub_is_refused() {
    let empty = (200, r#"{"Count":0,"Items":[]}"#.to_owned());
    let copied = record("active", 2, None, "us-east-1/before-the-restore spoke");
    for new in [empty, copied] {
        let stage = Stage::new(new).await;
        assert!(stage.refused().await.message.contains("is new"));
    }
    let stage = Stage::new(record("active", 2, None, "us-east-1/hub their-spoke")).await;
    assert!(stage.refused().await.message.contains("belongs to another hub"));
    let newer = (200, state("active").1.replace(r#""format":{"N":"1"}"#, r#""format":{"N":"2"}"#));
    assert!(Stage::new(newer).await.refused().await.message.contains("another format"));
}

#[tokio::test(start_paused = true)]
async fn the_state_of_the_account_counts() {
    let stage = Stage::new(record("active", 2, Some("frozen"), HOME)).await;
    stage.refused().await;
    let stage = Stage::new(record("frozen", 2, Some("active"), HOME)).await;
    stage.write().await.expect("the account became active after the route was frozen");
}

#[tokio::test(start_paused = true)]
async fn writes_share_a_read_for_five_seconds_and_then_obey_a_new_state() {
    let stage = Stage::new(state("active")).await;
    for _ in 0..5 {
        stage.write().await.expect("active");
        pass(900).await;
    }
    assert_eq!((stage.writes(), stage.reads()), (5, 1));
    stage.set(state("frozen"));
    pass(600).await;
    stage.refused().await;
    assert_eq!(stage.reads(), 2);
    let writes = futures::future::join_all((0..10).map(|_| stage.write())).await;
    assert!(writes.iter().all(Result::is_err));
    assert_eq!(stage.reads(), 2, "many writes share one read");
}

#[tokio::test(start_paused = true)]
async fn the_gate_is_asked_after_the_wait_for_the_limiter() {
    let slow = QuotaOverride {
        account: None,
        region: None,
        bucket: Some(Bucket::SsmTags),
        calls_per_second: 0.03,
    };
    let stage = Stage::with(state("active"), |options| options.quotas.overrides = vec![slow]).await;
    stage.write().await.expect("the first write passes at once");
    let (waiting, ()) = futures::future::join(stage.write(), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.set(state("frozen"));
    })
    .await;
    assert_eq!(waiting.expect_err("frozen meanwhile").kind, FailureKind::Frozen);
    assert_eq!(stage.writes(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_judged_anew() {
    let stage = Stage::new(state("active")).await;
    lock(&stage.answers).extend(vec![json_error(400, "ThrottlingException"); 5]);
    let (retried, ()) = futures::future::join(stage.write(), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.set(state("frozen"));
        // The state of the last read is obeyed as long as it is fresh; make it old for the next attempt.
        *lock(&stage.wall.1) = 6;
    })
    .await;
    assert_eq!(retried.expect_err("frozen before the second attempt").kind, FailureKind::Frozen);
    assert_eq!(stage.writes(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_state_allows_nothing_once_the_last_read_is_ten_seconds_old() {
    let stage = Stage::new(json_error(400, "AccessDeniedException")).await;
    assert!(stage.refused().await.message.contains("cannot be read"));
    let stage = Stage::new(state("active")).await;
    stage.write().await.expect("active");
    stage.set(json_error(400, "AccessDeniedException"));
    pass(6_000).await;
    stage.write().await.expect("the last read is six seconds old");
    pass(4_100).await;
    assert!(stage.refused().await.message.contains("AccessDenied"));
    pass(6_000).await;
    stage.set(state("active"));
    stage.write().await.expect("readable again");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_slept_or_whose_clock_went_back_reads_again() {
    for offset in [60, -60] {
        let stage = Stage::new(state("active")).await;
        stage.write().await.expect("active");
        stage.set(state("frozen"));
        *lock(&stage.wall.1) = offset;
        stage.refused().await;
        assert_eq!(stage.reads(), 2, "{offset}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_without_a_route_is_an_internal_error() {
    let stage = Stage::new(state("active")).await;
    let account = stage.session.account().clone();
    let intent = WriteIntent { account, routes: Vec::new(), need: Need::Delete };
    assert_eq!(stage.gate.admit(&intent).await.map_err(|cause| cause.kind), Err(FailureKind::Bug));
}
