//! Freeze and thaw over a fake table with the rule of a conditional put.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::*;
use crate::aws::fake::{FakeAws, FakeResponse, Sent, json_error, query_error};
use crate::deadline::Deadline;
use crate::domain::{AccountId, FailureKind, RoutePair, RouteState, Timestamp};
use crate::request::{FreezeRequest, ThawPlan, ThawRequest};
use crate::table::Table;

const ANN: &str = "arn:aws:sts::999988887777:assumed-role/operator/ann";
const BOB: &str = "arn:aws:sts::999988887777:assumed-role/operator/bob";

/// The records of one route by their sort keys, and what happens before the next put.
#[derive(Default)]
struct FakeTable {
    records: BTreeMap<String, Value>,
    /// Records that other operators write before the next puts, one before each.
    others: Vec<Value>,
    /// Answers in place of the next puts; the put itself is carried out.
    lost: usize,
}

impl FakeTable {
    fn answer(&mut self, sent: &Sent) -> FakeResponse {
        let body: Value = serde_json::from_str(&sent.body).expect("JSON");
        if sent.operation == "Query" {
            let newest: Vec<&Value> = self.records.values().next_back().into_iter().collect();
            return (200, json!({"Count": newest.len(), "Items": newest}).to_string());
        }
        if !self.others.is_empty() {
            self.put(self.others[0].clone());
            self.others.remove(0);
        }
        let is_new = self.put(body["Item"].clone());
        if self.lost > 0 {
            self.lost -= 1;
            return json_error(500, "InternalServerError");
        }
        if is_new {
            (200, "{}".to_owned())
        } else {
            json_error(400, "ConditionalCheckFailedException")
        }
    }

    /// Whether the table had no record with these keys.
    fn put(&mut self, item: Value) -> bool {
        let key = item["sk"]["S"].as_str().expect("a key").to_owned();
        let is_new = !self.records.contains_key(&key);
        if is_new {
            self.records.insert(key, item);
        }
        is_new
    }
}

struct Stage {
    fake: FakeAws,
    table: Table,
    records: Arc<Mutex<FakeTable>>,
    began: Instant,
}

impl Stage {
    async fn new() -> Self {
        Self::with(|_| {
            let caller = format!("<Arn>{ANN}</Arn><Account>999988887777</Account>");
            let result = format!("<GetCallerIdentityResult>{caller}</GetCallerIdentityResult>");
            (200, format!("<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>"))
        })
        .await
    }

    async fn with(sts: impl Fn(&Sent) -> FakeResponse + Send + Sync + 'static) -> Self {
        let records: Arc<Mutex<FakeTable>> = Arc::default();
        let answering = Arc::clone(&records);
        let fake = FakeAws::new(move |sent| match sent.operation.as_str() {
            "GetCallerIdentity" => sts(sent),
            _ => answering.lock().unwrap_or_else(PoisonError::into_inner).answer(sent),
        });
        let connection = fake.connect(|_| ()).await;
        let table = Table::new(connection, "hub", "spoke");
        Self { fake, table, records, began: Instant::now() }
    }

    fn records(&self) -> std::sync::MutexGuard<'_, FakeTable> {
        self.records.lock().expect("no panic")
    }

    /// Queries, puts and calls of STS so far.
    fn calls(&self) -> [usize; 3] {
        ["Query", "PutItem", "GetCallerIdentity"].map(|operation| self.fake.sent(operation).len())
    }

    async fn freeze(&self, accounts: &[&str]) -> Result<FailoverAnswer, FailoverError> {
        let accounts = accounts.iter().map(|id| AccountId::parse(id).expect("an id")).collect();
        let reason = "us-east-2 is failing".to_owned();
        let request = FreezeRequest { pair: pair(), accounts, reason, wait: true };
        freeze(&self.table, &request, &Deadline::never(), &|_| ()).await
    }

    async fn thaw(&self, serial: Option<u64>) -> Result<FailoverAnswer, FailoverError> {
        let request = thaw_request(serial, &[]);
        let begun = begin_thaw(&self.table, &request).await?;
        if begun.changes() {
            begun.put(None, &Deadline::never()).await
        } else {
            Ok(begun.unchanged(None))
        }
    }

    /// A record as another operator writes it.
    fn of_bob(&self, serial: u64, state: &str) -> Value {
        let text = |text: &str| json!({ "S": text });
        let number = |number: u64| json!({"N": number.to_string()});
        json!({
            "pk": text("state#us-east-2=us-east-1"), "sk": text(&format!("{serial:010}")),
            "format": number(1), "home": text("us-east-1/hub spoke"), "request": text("bob's"),
            "route_serial": number(serial), "state": text(state), "by": text(BOB),
            "since": text(&self.table.connection().now().to_string()),
            "reason": text("bob's reason"), "accounts": {"M": {}},
        })
    }
}

fn pair() -> RoutePair {
    RoutePair::parse("us-east-2=us-east-1").expect("a pair")
}

fn thaw_request(serial: Option<u64>, accounts: &[&str]) -> ThawRequest {
    let accounts = accounts.iter().map(|id| AccountId::parse(id).expect("an id")).collect();
    let reason = "it is back".to_owned();
    ThawRequest { pair: pair(), accounts, reason, serial, plan: ThawPlan::Skip }
}

fn state(answer: &FailoverAnswer) -> (RouteState, u64, &str) {
    let record = answer.record.as_ref().expect("a record");
    (record.route.state, record.serial, &record.route.by)
}

fn refused(result: Result<FailoverAnswer, FailoverError>) -> String {
    match result {
        Err(FailoverError::Refused(refused)) => refused.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_freeze_is_one_read_one_put_and_the_caller_and_ends_after_24_seconds() {
    let stage = Stage::new().await;
    stage.thaw(Some(0)).await.expect("active");
    assert_eq!(stage.calls(), [1, 1, 1]);
    let answer = stage.freeze(&[]).await.expect("frozen");
    // The caller is known from the first command.
    assert_eq!(stage.calls(), [2, 2, 1]);
    assert_eq!(state(&answer), (RouteState::Frozen, 2, ANN));
    assert!(answer.is_changed && answer.is_done());
    let passed = stage.began.elapsed();
    assert!((IN_FLIGHT..IN_FLIGHT + Duration::from_secs(1)).contains(&passed), "{passed:?}");
    let json = serde_json::to_value(&answer).expect("JSON");
    for (field, value) in [
        ("format", json!(1)),
        ("route", json!("us-east-2=us-east-1")),
        ("action", json!("freeze")),
        ("state", json!("frozen")),
        ("serial", json!(2)),
        ("by", json!(ANN)),
        ("reason", json!("us-east-2 is failing")),
        ("changed", json!(true)),
        ("done", json!(true)),
        ("remaining", json!([])),
        ("accounts", json!([])),
        ("results", json!([])),
        ("failures", json!([])),
    ] {
        assert_eq!(json[field], value, "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_frozen_route_is_frozen_again_without_a_put_and_without_a_wait_once_it_has_stood() {
    let stage = Stage::new().await;
    stage.freeze(&[]).await.expect("frozen");
    let second = Instant::now();
    let again = stage.freeze(&[]).await.expect("frozen");
    assert_eq!((again.is_changed, stage.calls()), (false, [2, 1, 1]));
    assert_eq!(state(&again), (RouteState::Frozen, 1, ANN));
    assert!(second.elapsed() >= IN_FLIGHT, "the clocks of two operators may differ");
    tokio::time::sleep(Duration::from_mins(10)).await;
    let third = Instant::now();
    assert!(stage.freeze(&[]).await.expect("frozen").is_done());
    assert!(third.elapsed() < Duration::from_secs(1), "{:?}", third.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_route_that_a_freeze_of_an_account_changed_a_moment_ago_has_not_stood() {
    let stage = Stage::new().await;
    stage.freeze(&[]).await.expect("frozen");
    let one = "111122223333";
    let request = thaw_request(None, &[one]);
    let begun = begin_thaw(&stage.table, &request).await.expect("allowed");
    begun.put(None, &Deadline::never()).await.expect("active");
    tokio::time::sleep(Duration::from_mins(10)).await;
    stage.freeze(&[one]).await.expect("frozen");
    let again = Instant::now();
    stage.freeze(&[]).await.expect("frozen");
    assert!(again.elapsed() >= IN_FLIGHT, "the account wrote until a moment ago");
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_and_at_a_deadline_the_answer_says_until_when_requests_may_be_under_way() {
    let stage = Stage::new().await;
    let reason = "us-east-2 is failing".to_owned();
    let request = FreezeRequest { pair: pair(), accounts: Vec::new(), reason, wait: false };
    let answer = freeze(&stage.table, &request, &Deadline::never(), &|_| ()).await.expect("frozen");
    assert!(stage.began.elapsed() < Duration::from_secs(1));
    let FailoverEnd::NotAwaited(until) = answer.end else { panic!("{answer:?}") };
    assert_eq!(until, answer.at.plus(IN_FLIGHT));
    let json = serde_json::to_value(&answer).expect("JSON");
    assert_eq!(
        (&json["done"], &json["in_flight_until"]),
        (&json!(false), &json!(until.to_string()))
    );
    assert!(json["remaining"][0].as_str().expect("a text").contains(&until.to_string()));

    let waits = FreezeRequest { wait: true, ..request };
    let early = Deadline::at(Instant::now() + Duration::from_secs(20));
    let told = Mutex::new(Vec::new());
    let note = |until: Timestamp| told.lock().expect("no panic").push(until);
    let answer = freeze(&stage.table, &waits, &early, &note).await.expect("frozen");
    assert!(matches!(answer.end, FailoverEnd::Interrupted(_)) && !answer.is_done(), "{answer:?}");
    assert_eq!(told.lock().expect("no panic").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_freeze_that_lost_against_another_operator_decides_again() {
    let stage = Stage::new().await;
    let (frozen, active) = (stage.of_bob(1, "frozen"), stage.of_bob(2, "active"));
    stage.records().others = vec![frozen];
    let answer = stage.freeze(&[]).await.expect("bob has frozen it");
    assert_eq!((state(&answer), answer.is_changed), ((RouteState::Frozen, 1, BOB), false));
    stage.records().others = vec![active];
    let answer = stage.freeze(&[]).await.expect("already frozen");
    assert_eq!(state(&answer).1, 1, "no put, so bob's record has no occasion");
    assert_eq!(stage.calls()[1], 1);
}

#[tokio::test(start_paused = true)]
async fn a_thaw_that_lost_is_refused_and_names_who_did_what() {
    let stage = Stage::new().await;
    stage.freeze(&[]).await.expect("frozen");
    let failed_over = stage.of_bob(2, "failed_over");
    stage.records().others = vec![failed_over];
    let why = refused(stage.thaw(None).await);
    for text in ["cannot thaw us-east-2=us-east-1", "failed_over", BOB, "bob's reason"] {
        assert!(why.contains(text), "{text}: {why}");
    }
    assert!(why.contains("nothing was changed; expected `hubctl failback`"), "{why}");
    assert_eq!(stage.records().records.len(), 2, "one record for each serial");
}

#[tokio::test(start_paused = true)]
async fn a_thaw_that_lost_against_a_thaw_finds_the_route_active_and_names_the_other() {
    let stage = Stage::new().await;
    let active = stage.of_bob(1, "active");
    stage.records().others = vec![active];
    let answer = stage.thaw(Some(0)).await.expect("the route is active");
    assert_eq!((state(&answer), answer.is_changed), ((RouteState::Active, 1, BOB), false));
}

#[tokio::test(start_paused = true)]
async fn a_late_repetition_of_a_thaw_does_nothing() {
    let stage = Stage::new().await;
    stage.freeze(&[]).await.expect("frozen");
    stage.thaw(Some(1)).await.expect("active");
    let again = stage.thaw(Some(1)).await.expect("the same thaw twice");
    assert_eq!((state(&again).1, again.is_changed, again.is_done()), (2, false, true));
    stage.freeze(&[]).await.expect("frozen again");
    let why = refused(stage.thaw(Some(1)).await);
    assert!(why.contains("carries the serial 1, and the serial is now 3"), "{why}");
    assert_eq!(stage.records().records.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_put_whose_answer_was_lost_finds_its_own_record() {
    let stage = Stage::new().await;
    stage.records().lost = 1;
    let answer = stage.freeze(&[]).await.expect("frozen");
    assert_eq!((state(&answer), answer.is_changed), ((RouteState::Frozen, 1, ANN), true));
    assert_eq!(stage.calls(), [2, 2, 1], "the repeated put was refused, and the read found it");
}

#[tokio::test(start_paused = true)]
async fn a_freeze_does_not_depend_on_sts_and_a_thaw_does() {
    let stage = Stage::with(|_| query_error(403, "AccessDenied")).await;
    let answer = stage.freeze(&[]).await.expect("frozen");
    let unknown = "an unknown caller (sts:GetCallerIdentity: access_denied)";
    assert_eq!(state(&answer), (RouteState::Frozen, 1, unknown));
    match stage.thaw(None).await {
        Err(FailoverError::Cause(cause)) => assert_eq!(cause.kind, FailureKind::AccessDenied),
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.records().records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_signal_before_the_put_changes_nothing_and_a_signal_in_the_wait_leaves_the_state_set() {
    let stage = Stage::new().await;
    let reason = "us-east-2 is failing".to_owned();
    let request = FreezeRequest { pair: pair(), accounts: Vec::new(), reason, wait: true };
    let (deadline, stop) = Deadline::stoppable();
    stop.stop();
    let answer = freeze(&stage.table, &request, &deadline, &|_| ()).await.expect("an answer");
    assert_eq!((answer.end, answer.record.is_none()), (FailoverEnd::NotBegun, true));
    assert_eq!(stage.calls()[1], 0);

    let (deadline, stop) = Deadline::stoppable();
    let freezing = freeze(&stage.table, &request, &deadline, &|_| ());
    let signal = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        stop.stop();
    };
    let (answer, ()) = futures::join!(freezing, signal);
    let answer = answer.expect("frozen");
    assert!(matches!(answer.end, FailoverEnd::Interrupted(_)), "{answer:?}");
    assert_eq!(state(&answer), (RouteState::Frozen, 1, ANN));
    assert_eq!(stage.began.elapsed().as_secs(), 3);
}
