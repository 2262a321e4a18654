//! Tests of the simulator: its rules from the owner's view, and calls over the wire with faults and quotas.

mod facts;
mod lost_answers;
mod over_the_wire;
mod rules;
mod table_refusals;
mod tables;
mod versions;

use serde_json::{Value, json};

use crate::protocol::Request;
use crate::service::Reply;
use crate::{Keys, Settings, Sim};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const REGION: &str = "us-east-2";
pub(super) const OTHER: &str = "us-east-1";

/// A request to a service, signed now with these credentials.
fn signed(sim: &Sim, keys: &Keys, service: &str) -> Request {
    let date = crate::clock::format(sim.now());
    let compact: String = date.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    Request {
        authorization: format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0",
            keys.access_key_id
        ),
        token: keys.session_token.clone(),
        date: Some(format!("{compact}Z")),
        ..Request::default()
    }
}

/// Sends a JSON request as an SDK does.
pub(super) async fn send(sim: &Sim, keys: &Keys, target: &str, input: &Value) -> Reply {
    let body = input.to_string().into_bytes();
    let target = Some(target.to_owned());
    sim.answer(&Request { target, body, ..signed(sim, keys, "any") }).await
}

/// Sends a form of the query protocol.
pub(super) async fn send_form(sim: &Sim, keys: &Keys, service: &str, form: &str) -> Reply {
    let body = form.as_bytes().to_vec();
    sim.answer(&Request { body, ..signed(sim, keys, service) }).await
}

/// The error code of a reply, or `ok`.
pub(super) fn code(reply: &Reply) -> String {
    let Reply::Answer(answer) = reply else { return format!("{reply:?}") };
    if answer.status == 200 {
        return "ok".to_owned();
    }
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let kind = body["__type"].as_str().unwrap();
    // DynamoDB's codes have a namespace (FACTS 120).
    kind.rsplit('#').next().unwrap_or(kind).to_owned()
}

/// A simulator with these settings, and credentials of the account's owner.
pub(super) fn world(change: impl FnOnce(&mut Settings)) -> (Sim, Keys) {
    let mut settings = Settings::default();
    change(&mut settings);
    let sim = Sim::new(settings);
    let keys = sim.account(ACCOUNT).keys();
    (sim, keys)
}

/// A request that names a parameter.
pub(super) fn named(name: &str) -> Value {
    json!({ "Name": name })
}
