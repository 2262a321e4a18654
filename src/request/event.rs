//! An `EventBridge` event → where to look, or why it is ignored.
//!
//! Only the envelope's `account` and `region` are trusted: `EventBridge` sets them and keeps them from bus to bus. What
//! the detail says of them must agree, and every name in it is a user's text.

use serde_json::Value;

use super::{arn, cloudtrail, native};
use crate::domain::{
    AccountId, Expectation, Item, Kind, Location, ParameterName, Region, SecretName, Timestamp,
    Wanted, shown,
};

/// An event that names something of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The envelope's account and Region; the Region may be no route's source, which `work` ignores.
    pub location: Location,
    /// The API call, or the detail type of an event that is of none; for the log.
    pub name: String,
    /// When it happened, where it says so.
    pub at: Option<Timestamp>,
    /// What it is about.
    pub asks: Asks,
    /// Names in it that are passed over, and why.
    pub passed_over: Vec<Ignored>,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Items to look at; at least one.
    Items(Vec<Wanted>),
    /// The deletion of this secret that AWS refused, perhaps for its replicas: an owner is to be told how to go on.
    RefusedDelete(SecretName),
}

/// Why there is nothing to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Ignored(String);

impl Ignored {
    /// From the reason, for a person.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The reason, for a person.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

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

/// When the event happened: the call's own time, else the envelope's.
pub(super) fn time(event: &Value) -> Option<Timestamp> {
    [&event["detail"]["eventTime"], &event["time"]]
        .into_iter()
        .find_map(|time| Timestamp::parse(time.as_str()?))
}

/// The event `name` that asks to look at `names`, each with `expect`.
pub(super) fn looks_at<'a>(
    event: &Value,
    location: Location,
    name: &str,
    kind: Kind,
    names: impl IntoIterator<Item = &'a str>,
    expect: Option<&Expectation>,
) -> Result<Event, Ignored> {
    let mut items: Vec<Wanted> = Vec::new();
    let mut passed_over = Vec::new();
    for text in names {
        match item(kind, text, &location) {
            Ok(item) => items.push(Wanted { item, expect: expect.cloned().into_iter().collect() }),
            Err(reason) => passed_over.push(reason),
        }
    }
    if items.is_empty() {
        let none = || Ignored::new(format!("{} names no {kind}", shown(name)));
        return Err(passed_over.into_iter().next().unwrap_or_else(none));
    }
    let (name, at) = (name.to_owned(), time(event));
    Ok(Event { location, name, at, asks: Asks::Items(items), passed_over })
}

/// The item that a name or an ARN in an event means.
pub(super) fn item(kind: Kind, text: &str, location: &Location) -> Result<Item, Ignored> {
    // AWS takes names with blanks around them and cuts those off.
    let text = text.trim_matches(' ');
    if text.starts_with("arn:") {
        let arn = arn::parse(text).map_err(|error| Ignored::new(error.to_string()))?;
        if arn.item.kind() != kind {
            return Err(Ignored::new(format!("`{}` is not the ARN of a {kind}", shown(text))));
        }
        if arn.account != location.account || arn.region != location.region {
            let text = shown(text);
            return Err(Ignored::new(format!(
                "`{text}` is of another place than the event, {location}"
            )));
        }
        return no_path(arn.item);
    }
    let item = match kind {
        Kind::Parameter => ParameterName::parse(text).map(Item::Parameter),
        Kind::Secret => SecretName::parse(text).map(Item::Secret),
    };
    no_path(item.map_err(|error| Ignored::new(error.to_string()))?)
}

/// `item`, unless it is a parameter whose name would climb about in a tree of files.
fn no_path(item: Item) -> Result<Item, Ignored> {
    let climbs = item.name().split('/').any(|part| part == "." || part == "..");
    if item.kind() == Kind::Parameter && climbs {
        let name = shown(item.name());
        return Err(Ignored::new(format!("`{name}` looks like a path: it is left to the sweep")));
    }
    Ok(item)
}
