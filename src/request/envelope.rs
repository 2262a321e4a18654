//! Parses the envelope of an EventBridge event.
//!
//! Only `account` and `region` of the envelope are trusted: EventBridge sets them and keeps them between buses. The same
//! fields in the detail must agree with the envelope. Names in the detail are untrusted text.

use serde_json::Value;

use super::event::{Event, Ignored};
use super::{cloudtrail, native};
use crate::domain::{AccountId, Kind, Location, Region, shown};

/// Whether `value` is an event and not a payload.
pub(super) fn has_its_shape(value: &Value) -> bool {
    value.get("detail-type").is_some() || value.get("source").is_some()
}

/// Parses one event.
pub(super) fn read(event: &Value) -> Result<Event, Ignored> {
    let service = match event["source"].as_str() {
        Some("aws.ssm") => Kind::Parameter,
        Some("aws.secretsmanager") => Kind::Secret,
        Some(other) => {
            return Err(Ignored::new(format!("unknown event source `{}`", shown(other))));
        }
        None => return Err(Ignored::new("the event has no `source`")),
    };
    let account = event["account"].as_str().and_then(|text| AccountId::parse(text).ok());
    let region = event["region"].as_str().and_then(|text| Region::parse(text).ok());
    let (Some(account), Some(region)) = (account, region) else {
        return Err(Ignored::new("the event has no valid `account` and `region`"));
    };
    let location = Location { account, region };
    let detail = &event["detail"];
    check_envelope(detail, "recipientAccountId", location.account.as_str())?;
    check_envelope(detail, "awsRegion", location.region.as_str())?;

    match (event["detail-type"].as_str(), service) {
        (Some("AWS API Call via CloudTrail"), _) => cloudtrail::read(event, service, location),
        (Some("Parameter Store Change"), Kind::Parameter) => native::change(event, location),
        (Some("Parameter Store Policy Action"), Kind::Parameter) => native::policy(event, location),
        (Some("Secret Label Updated"), Kind::Secret) => native::label(event, location),
        (Some(other), _) => {
            let other = shown(other);
            Err(Ignored::new(format!("the hub does not handle the detail type `{other}`")))
        }
        (None, _) => Err(Ignored::new("the event has no `detail-type`")),
    }
}

fn check_envelope(detail: &Value, field: &str, envelope: &str) -> Result<(), Ignored> {
    match &detail[field] {
        Value::Null => Ok(()),
        Value::String(text) if text == envelope => Ok(()),
        _ => Err(Ignored::new(format!("`detail.{field}` differs from {envelope} in the envelope"))),
    }
}
