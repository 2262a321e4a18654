//! The events that Parameter Store and Secrets Manager send by themselves, on a best-effort basis.
//!
//! Shapes: the samples of the AWS Systems Manager user guide ("Parameter Store event examples") and of the Secrets
//! Manager user guide ("Secret Label Updated").

use serde_json::Value;

use super::event::{Event, Ignored, looks_at, time};
use super::says_nothing;
use crate::domain::{Expectation, Kind, Location};

/// `Parameter Store Change`: created, updated, deleted, or a label moved.
pub(super) fn change(event: &Value, location: Location) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    if !says_nothing(&detail["exception"]) {
        return Err(Ignored::new("the event tells of a change that failed"));
    }
    let operation = detail["operation"].as_str().unwrap_or_default().to_ascii_lowercase();
    let at = time(event);
    let expect = match operation.as_str() {
        "create" | "update" => Some(Expectation { at, ..Expectation::default() }),
        "delete" => Some(Expectation { at, absent: true, ..Expectation::default() }),
        "labelparameterversion" | "unlabelparameterversion" => {
            Some(Expectation { labels: true, ..Expectation::default() })
        }
        // What AWS may add: there is something to look at and nothing to wait for.
        _ => None,
    };
    let names = name_or_arn(event, &detail["name"]);
    looks_at(event, location, "Parameter Store Change", Kind::Parameter, names, expect.as_ref())
}

/// `Parameter Store Policy Action`: a parameter expired, or someone is told that it will.
pub(super) fn policy(event: &Value, location: Location) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    let expired = Expectation { at: time(event), absent: true, ..Expectation::default() };
    let expect = (detail["policy-type"] == "Expiration").then_some(expired);
    let names = name_or_arn(event, &detail["parameter-name"]);
    let name = "Parameter Store Policy Action";
    looks_at(event, location, name, Kind::Parameter, names, expect.as_ref())
}

/// `Secret Label Updated`: a staging label other than `AWSPENDING` and `AWSPREVIOUS` moved.
pub(super) fn label(event: &Value, location: Location) -> Result<Event, Ignored> {
    let names = name_or_arn(event, &event["detail"]["name"]);
    looks_at(event, location, "Secret Label Updated", Kind::Secret, names, None)
}

/// The name; without one, what the envelope's `resources` have.
fn name_or_arn<'a>(event: &'a Value, name: &'a Value) -> Vec<&'a str> {
    match name.as_str() {
        Some(name) => vec![name],
        None => {
            event["resources"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
        }
    }
}
