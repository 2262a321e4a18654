//! An `EventBridge` event → where to look, or why it is ignored.
//!
//! Only the envelope's `account` and `region` are trusted: `EventBridge` sets them and keeps them from bus to bus. What
//! the detail says of them must agree, and every name in it is a user's text.

use serde_json::Value;

use super::event::{Event, Ignored};
use super::{cloudtrail, native};
use crate::domain::{AccountId, Kind, Location, Region, shown};

/// Whether `value` is an event, and no person's payload.
pub(super) fn has_its_shape(value: &Value) -> bool {
    value.get("detail-type").is_some() || value.get("source").is_some()
}

/// Reads one envelope.
pub(super) fn read(event: &Value) -> Result<Event, Ignored> {
    let service = match event["source"].as_str() {
        Some("aws.ssm") => Kind::Parameter,
        Some("aws.secretsmanager") => Kind::Secret,
        Some(other) => {
            return Err(Ignored::new(format!("the source `{}` is not ours", shown(other))));
        }
        None => return Err(Ignored::new("the event has no source")),
    };
    let account = event["account"].as_str().and_then(|text| AccountId::parse(text).ok());
    let region = event["region"].as_str().and_then(|text| Region::parse(text).ok());
    let (Some(account), Some(region)) = (account, region) else {
        return Err(Ignored::new("the event's envelope names no account and Region"));
    };
    let location = Location { account, region };
    let detail = &event["detail"];
    agrees(detail, "recipientAccountId", location.account.as_str())?;
    agrees(detail, "awsRegion", location.region.as_str())?;

    match (event["detail-type"].as_str(), service) {
        (Some("AWS API Call via CloudTrail"), _) => cloudtrail::read(event, service, location),
        (Some("Parameter Store Change"), Kind::Parameter) => native::change(event, location),
        (Some("Parameter Store Policy Action"), Kind::Parameter) => native::policy(event, location),
        (Some("Secret Label Updated"), Kind::Secret) => native::label(event, location),
        (Some(other), _) => {
            let other = shown(other);
            Err(Ignored::new(format!("the detail type `{other}` is none that the hub acts on")))
        }
        (None, _) => Err(Ignored::new("the event has no detail type")),
    }
}

fn agrees(detail: &Value, field: &str, envelope: &str) -> Result<(), Ignored> {
    match &detail[field] {
        Value::Null => Ok(()),
        Value::String(text) if text == envelope => Ok(()),
        _ => Err(Ignored::new(format!("`detail.{field}` is not the envelope's, {envelope}"))),
    }
}
