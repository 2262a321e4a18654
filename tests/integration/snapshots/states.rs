//! What an operator reads who stops and starts a route: each text as a whole.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sim::{Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::{RoutePair, Timestamp};
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use failover_replicator::report::View;
use failover_replicator::request::{FailoverRequest, Request, ThawPlan, ThawRequest};
use failover_replicator::{failover, status};
use serde_json::{Value, json};

use super::assert_reads;
use crate::support::{MANAGEMENT, SOURCE, TARGET, batch, hub_on, native_event, simulated};

const TERMINAL: View = View::Terminal { width: 100 };
const ROUTE: &str = "us-east-2=us-east-1";
const SETTINGS: [(&str, &str); 3] = [
    ("TABLE", "failover-replicator"),
    ("ROUTES", "us-east-2=us-east-1,us-west-2"),
    ("EXCLUDE_ACCOUNTS", MANAGEMENT),
];

async fn perform(hub: &Hub, request: Request) -> Result<Answer, HubError> {
    let done = hub.perform(request, RouteFilter::default(), Deadline::never(), &|_| ()).await;
    done.map(|done| done.answer)
}

async fn ask(hub: &Hub, payload: &Value) -> Result<Answer, HubError> {
    let request = failover_replicator::request::parse(payload.to_string().as_bytes());
    perform(hub, request?).await
}

fn shown(answer: Result<Answer, HubError>, view: View) -> String {
    match answer {
        Ok(Answer::Failover(answer)) => failover::text(&answer, view),
        Ok(Answer::Status(status)) => status::text(&status, view),
        Ok(other) => panic!("{other:?}"),
        Err(error) => format!("error: {error}"),
    }
}

fn freeze(fields: &Value) -> Value {
    let mut freeze = json!({"route": ROUTE, "action": "freeze", "reason": "us-east-2 is failing"});
    for (name, value) in fields.as_object().expect("fields") {
        freeze[name] = value.clone();
    }
    json!({"failover": freeze})
}

async fn thaw(hub: &Hub, pair: &str, serial: Option<u64>, plan: ThawPlan) -> String {
    let pair = RoutePair::parse(pair).expect("a pair");
    let reason = "us-east-2 is healthy again".to_owned();
    let request = ThawRequest { pair, accounts: Vec::new(), reason, serial, plan };
    let request = Request::Failover(FailoverRequest::Thaw(request));
    shown(perform(hub, request).await, TERMINAL)
}

/// A sweep as the state machine makes it.
async fn sweep(hub: &Hub, execution: &str, accounts: &[String]) {
    let detail = |name: &str, operation: &str| json!({"name": name, "operation": operation});
    for payload in [
        json!({"detail": detail("accounts", "list"), "execution": execution}),
        json!({"detail": detail("all", "sync"), "accounts": accounts, "execution": execution}),
        json!({"detail": detail("sweep", "finish"), "execution": execution}),
    ] {
        ask(hub, &payload).await.expect("it begins");
    }
}

async fn event(sim: &Sim, hub: &Hub, account: &str, name: &str) {
    sim.account(account).region(SOURCE).put(name, "changed");
    let at = Timestamp::from_millis(i64::try_from(sim.now()).expect("a time")).to_string();
    let event = native_event(account, &at, name, "Update");
    ask(hub, &batch([("1", event)])).await.expect("a batch");
}

fn world() -> (Sim, Vec<String>) {
    let (sim, accounts) = simulated(Settings::default(), 4);
    sim.account(MANAGEMENT).region(TARGET).table("failover-replicator");
    for account in &accounts {
        for name in ["/shop/db/host", "/shop/db/url"] {
            sim.account(account).region(SOURCE).put(name, "first");
        }
    }
    for account in [&accounts[1], &accounts[3]] {
        sim.account(account).region(TARGET).put("/shop/db/url", "the owner's");
    }
    (sim, accounts)
}

#[tokio::test(start_paused = true)]
async fn the_day_of_a_route() {
    let (sim, accounts) = world();
    let hub = hub_on(&sim, &SETTINGS).await;
    let status = json!({"failover": {"action": "status"}});
    let mut commands = String::new();
    let mut note = |command: &str, text: &str| {
        writeln!(commands, "$ hubctl {command}\n{text}\n").expect("a text takes it");
    };
    assert_reads("status-new", &shown(ask(&hub, &status).await, TERMINAL));
    note("thaw --route us-east-2=us-east-1 --plan", &thaw(&hub, ROUTE, None, ThawPlan::Only).await);
    note("thaw --route us-east-2=us-east-1", &thaw(&hub, ROUTE, None, ThawPlan::Show).await);
    let other = "us-east-2=us-west-2";
    note("thaw of the other route", &thaw(&hub, other, Some(0), ThawPlan::Skip).await);
    sweep(&hub, "daily-1", &accounts).await;
    tokio::time::sleep(Duration::from_hours(24)).await;
    sweep(&hub, "daily-2", &accounts[..3]).await;

    let one = json!({"account": accounts[2], "wait": false, "reason": "this account moves"});
    note("freeze of an account --no-wait", &shown(ask(&hub, &freeze(&one)).await, TERMINAL));
    note("freeze", &shown(ask(&hub, &freeze(&json!({}))).await, TERMINAL));
    tokio::time::sleep(Duration::from_mins(200)).await;
    note("freeze again", &shown(ask(&hub, &freeze(&json!({}))).await, TERMINAL));
    for account in &accounts[..2] {
        event(&sim, &hub, account, "/shop/db/host").await;
    }
    let frozen = ask(&hub, &status).await;
    if let Ok(Answer::Status(status)) = &frozen {
        let json = serde_json::to_string_pretty(&status.whole()).expect("JSON");
        assert_reads("status-json", &json);
    }
    assert_reads("status-table", &shown(frozen, TERMINAL));
    note("thaw with an old serial", &thaw(&hub, ROUTE, Some(1), ThawPlan::Show).await);
    note("thaw", &thaw(&hub, ROUTE, None, ThawPlan::Skip).await);
    note("thaw again", &thaw(&hub, ROUTE, None, ThawPlan::Show).await);
    assert_reads("freeze-and-thaw", &commands);
}
