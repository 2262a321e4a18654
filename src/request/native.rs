//! Native events of Parameter Store and Secrets Manager. AWS sends them on a best-effort basis.
//!
//! The shapes are from the AWS Systems Manager user guide ("Parameter Store event examples") and from the Secrets Manager
//! user guide ("Secret Label Updated").

use serde_json::Value;

use super::event::{Event, Ignored, event_about, time};
use super::is_blank;
use crate::domain::{Expectation, Kind, Location};

/// `Parameter Store Change`: a parameter was created, updated or deleted, or a label moved.
pub(super) fn change(event: &Value, location: Location) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    if !is_blank(&detail["exception"]) {
        return Err(Ignored::new("the event reports a failed change"));
    }
    let operation = detail["operation"].as_str().unwrap_or_default().to_ascii_lowercase();
    let at = time(event);
    let expect = match operation.as_str() {
        "create" | "update" => Some(Expectation { at, ..Expectation::default() }),
        "delete" => Some(Expectation { at, absent: true, ..Expectation::default() }),
        "labelparameterversion" | "unlabelparameterversion" => {
            Some(Expectation { labels: true, ..Expectation::default() })
        }
        // AWS may add operations. The hub then reads the parameter without a wait.
        _ => None,
    };
    let names = name_or_arn(event, &detail["name"]);
    event_about(event, location, "Parameter Store Change", Kind::Parameter, names, expect.as_ref())
}

/// `Parameter Store Policy Action`: a parameter expired, or AWS sent a notification of its policy.
pub(super) fn policy(event: &Value, location: Location) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    let expired = Expectation { at: time(event), absent: true, ..Expectation::default() };
    let expect = (detail["policy-type"] == "Expiration").then_some(expired);
    let names = name_or_arn(event, &detail["parameter-name"]);
    let name = "Parameter Store Policy Action";
    event_about(event, location, name, Kind::Parameter, names, expect.as_ref())
}

/// `Secret Label Updated`: a staging label other than `AWSPENDING` and `AWSPREVIOUS` moved.
pub(super) fn label(event: &Value, location: Location) -> Result<Event, Ignored> {
    let names = name_or_arn(event, &event["detail"]["name"]);
    event_about(event, location, "Secret Label Updated", Kind::Secret, names, None)
}

/// The name in the detail, or otherwise the `resources` of the envelope.
fn name_or_arn<'a>(event: &'a Value, name: &'a Value) -> Vec<&'a str> {
    match name.as_str() {
        Some(name) => vec![name],
        None => {
            event["resources"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
        }
    }
}
