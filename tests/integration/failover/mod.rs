//! `freeze`, `thaw` and `status` over the simulator: what they need, what they cost, and two operators at once.

mod blocked;
mod operators;
mod status;
mod tables;
mod terminal;

use aws_sim::{Settings, Sim};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use failover_replicator::request::{FailoverRequest, Request};
use serde_json::{Value, json};

use crate::support::{hub_of, simulated};

/// The hub's Region is neither us-east-1 nor the source Region.
const HUB_REGION: &str = "us-west-2";
const SOURCE: &str = "us-east-2";
const ROUTE: &str = "us-east-2=us-west-2";
const TABLE: &str = "hub";
const MANAGEMENT: &str = "123456789012";

/// A hub's table without a record, and member accounts.
fn stage(seed: u64, accounts: u64) -> (Sim, Vec<String>) {
    let (sim, accounts) = simulated(Settings { seed, ..Settings::default() }, accounts);
    sim.account(MANAGEMENT).region(HUB_REGION).table(TABLE);
    (sim, accounts)
}

/// The hub as an operator with this name starts it.
async fn operator(name: &str, sim: &Sim) -> Hub {
    let settings = [("ROUTES", ROUTE), ("TABLE", TABLE), ("EXCLUDE_ACCOUNTS", MANAGEMENT)];
    hub_of(name, sim, SharedHttpClient::new(sim.clone()), &settings).await
}

/// What the hub answers to a payload.
async fn asked(hub: &Hub, payload: &Value) -> Result<Value, String> {
    let bytes = payload.to_string();
    let never = Deadline::never();
    let answer = hub.run(bytes.as_bytes(), RouteFilter::default(), never, &|_| ()).await;
    answer.map(|answer| serde_json::to_value(answer).expect("JSON")).map_err(|e| e.to_string())
}

/// What the hub answers to a request that only `hubctl` makes.
async fn performed(hub: &Hub, request: FailoverRequest) -> Result<Answer, HubError> {
    let (request, never) = (Request::Failover(request), Deadline::never());
    let done = hub.perform(request, RouteFilter::default(), never, &|_| ()).await;
    done.map(|done| done.answer)
}

fn freeze(reason: &str) -> Value {
    json!({"failover": {"route": ROUTE, "action": "freeze", "reason": reason}})
}

fn thaw(serial: u64, reason: &str) -> Value {
    json!({"failover": {"route": ROUTE, "action": "thaw", "serial": serial, "reason": reason}})
}

fn status() -> Value {
    json!({"failover": {"action": "status"}})
}

/// The calls so far that were made at all, by operation.
fn calls(sim: &Sim) -> Vec<(String, u64)> {
    let counts = sim.counts().into_iter();
    counts.filter(|(_, count)| count.calls > 0).map(|(name, count)| (name, count.calls)).collect()
}

/// The transitions of the route so far: the serial of each record, and who wrote it.
fn history(sim: &Sim) -> Vec<(u64, String)> {
    let table = sim.account(MANAGEMENT).region(HUB_REGION).table(TABLE);
    let records = table.partition(&format!("state#{ROUTE}"));
    let read = |item: &aws_sim::TableItem| {
        let serial = item["sk"]["S"].as_str().expect("a text").parse().expect("a number");
        let by = item["transition"]["M"]["by"]["S"].as_str().expect("a text").to_owned();
        (serial, by)
    };
    records.iter().map(read).collect()
}
