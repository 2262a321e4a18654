//! API calls that `CloudTrail` recorded, as `EventBridge` hands them on.
//!
//! Shapes: real records of `PutParameter` and `DeleteParameter`, the samples of the Secrets Manager user guide, and for
//! the rest `CloudTrail`'s rule that a member keeps its name with the first letter lowered (`ARN` is `aRN`, in newer
//! records `arn`). Values are masked or absent: an event never carries one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::event::{self, EventSubject, Event, Ignored, looks_at};
use super::says_nothing;
use crate::domain::{Expectation, Item, Kind, Location, shown};

/// What `CloudTrail` writes in the place of a text that it does not show.
const MASK: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Reads `event`, whose envelope is checked.
pub(super) fn read(event: &Value, service: Kind, location: Location) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    let endpoint = match service {
        Kind::Parameter => "ssm.amazonaws.com",
        Kind::Secret => "secretsmanager.amazonaws.com",
    };
    if !detail["eventSource"].is_null() && detail["eventSource"] != endpoint {
        return Err(Ignored::new(format!("`detail.eventSource` is not {endpoint}")));
    }
    let Some(call) = detail["eventName"].as_str() else {
        return Err(Ignored::new("the event names no API call"));
    };
    if !says_nothing(&detail["errorCode"]) {
        return failed(event, service, location, call);
    }
    match service {
        Kind::Parameter => parameter(event, location, call),
        Kind::Secret => secret(event, location, call),
    }
}

fn parameter(event: &Value, location: Location, call: &str) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    let request = &detail["requestParameters"];
    let at = event::time(event);
    let expect = match call {
        "PutParameter" => {
            let version = detail["responseElements"]["version"].as_i64();
            Some(Expectation { version, at, ..Expectation::default() })
        }
        "DeleteParameter" | "DeleteParameters" => {
            Some(Expectation { at, absent: true, ..Expectation::default() })
        }
        "AddTagsToResource" | "RemoveTagsFromResource" => {
            // The call is shared with documents, managed nodes and others.
            match request["resourceType"].as_str() {
                Some("Parameter") => Some(tags(request)),
                Some(other) => {
                    let other = shown(other);
                    return Err(Ignored::new(format!("{call} is of the resource type `{other}`")));
                }
                None => return Err(Ignored::new(format!("{call} names no resource type"))),
            }
        }
        "LabelParameterVersion" | "UnlabelParameterVersion" => {
            Some(Expectation { labels: true, ..Expectation::default() })
        }
        _ => return Err(no_concern(call)),
    };
    let name = match call {
        "AddTagsToResource" | "RemoveTagsFromResource" => &request["resourceId"],
        "DeleteParameters" => &request["names"],
        _ => &request["name"],
    };
    let names = texts(name).or_else(|| resources(detail)).unwrap_or_default();
    let expect = expect.filter(|expect| *expect != Expectation::default());
    looks_at(event, location, call, Kind::Parameter, names, expect.as_ref())
}

fn secret(event: &Value, location: Location, call: &str) -> Result<Event, Ignored> {
    match call {
        "CreateSecret"
        | "UpdateSecret"
        | "RestoreSecret"
        | "DeleteSecret"
        | "TagResource"
        | "UntagResource"
        | "ReplicateSecretToRegions" => {
            let names = secret_names(&event["detail"]).unwrap_or_default();
            // A deletion only overtakes the creation before it: what is scheduled for deletion can be described.
            let at = event::time(event);
            let expect = match call {
                "CreateSecret" if at.is_some() => {
                    Some(Expectation { at, ..Expectation::default() })
                }
                "DeleteSecret" => Some(Expectation { at, absent: true, ..Expectation::default() }),
                _ => None,
            };
            looks_at(event, location, call, Kind::Secret, names, expect.as_ref())
        }
        "RemoveRegionsFromReplication" => Err(Ignored::new(
            "RemoveRegionsFromReplication is left to the sweep: the owner may be deleting the secret",
        )),
        _ => Err(no_concern(call)),
    }
}

/// A failed call changed nothing; but a secret's deletion that AWS refused for its replicas is what the owner of a
/// replicated secret meets.
fn failed(event: &Value, service: Kind, location: Location, call: &str) -> Result<Event, Ignored> {
    let detail = &event["detail"];
    let code = detail["errorCode"].as_str().unwrap_or("an error");
    let refused =
        service == Kind::Secret && call == "DeleteSecret" && code.starts_with("InvalidParameter");
    if !refused {
        let (call, code) = (shown(call), shown(code));
        return Err(Ignored::new(format!("{call} failed with {code}, so it changed nothing")));
    }
    let name = secret_names(detail).unwrap_or_default().into_iter().next();
    let Some(name) = name else {
        return Err(Ignored::new("a refused DeleteSecret names no secret"));
    };
    match event::item(Kind::Secret, name, &location)? {
        Item::Secret(name) => Ok(Event {
            location,
            name: call.to_owned(),
            at: event::time(event),
            subject: EventSubject::RefusedDelete(name),
            skipped: Vec::new(),
        }),
        Item::Parameter(_) => Err(Ignored::new("a refused DeleteSecret names no secret")),
    }
}

fn no_concern(call: &str) -> Ignored {
    Ignored::new(format!("{} is no call that the hub acts on", shown(call)))
}

/// The secret that a call names: by the name that AWS answered, since the caller may have passed any of name, ARN and
/// part of an ARN, and one spelling makes one item of several events; else as the caller named it; else by ARN.
fn secret_names(detail: &Value) -> Option<Vec<&str>> {
    let (request, response) = (&detail["requestParameters"], &detail["responseElements"]);
    [&response["name"], &request["name"], &request["secretId"], &response["arn"], &response["aRN"]]
        .into_iter()
        .find_map(texts)
        .or_else(|| resources(detail))
}

/// A text, or the texts of a list; `None` where there is none.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text.as_str()]),
        Value::Array(values) => Some(values.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
    .filter(|texts: &Vec<&str>| !texts.is_empty())
}

/// The ARNs that the record has beside its parameters, which may be cut off at 100 KB or null.
fn resources(detail: &Value) -> Option<Vec<&str>> {
    let resources = detail["resources"].as_array()?;
    Some(resources.iter().filter_map(|resource| resource["ARN"].as_str()).collect())
}

/// The tags that a call set or took away. A masked value says nothing to wait for.
fn tags(request: &Value) -> Expectation {
    let set = request["tags"].as_array().into_iter().flatten().filter_map(|tag| {
        let (key, value) = (tag["key"].as_str()?, tag["value"].as_str()?);
        (value != MASK).then(|| (key.to_owned(), value.to_owned()))
    });
    let gone: BTreeSet<String> =
        texts(&request["tagKeys"]).into_iter().flatten().map(str::to_owned).collect();
    Expectation { tags_set: set.collect(), tags_gone: gone, ..Expectation::default() }
}
