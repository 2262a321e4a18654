//! The parsed event: the items to read and the changes to wait for, or the reason to ignore the event.

use serde_json::Value;

use super::arn;
use crate::domain::{
    Expectation, Item, Kind, Location, ParameterName, SecretName, Timestamp, Wanted, shown,
};

/// An event that the hub handles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The account and Region of the envelope. `work` ignores the event if no route begins in the Region.
    pub location: Location,
    /// The API call, or the detail type of a native event, for the log.
    pub name: String,
    /// The time of the event, if the event contains it.
    pub at: Option<Timestamp>,
    /// The items or the refused deletion.
    pub subject: EventSubject,
    /// The names in the event that the hub skips, with the reasons.
    pub skipped: Vec<Ignored>,
}

/// The subject of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject {
    /// The items to reconcile; at least one.
    Items(Vec<Wanted>),
    /// AWS refused to delete this secret, perhaps because of its replicas. The owner needs a report.
    RefusedDelete(SecretName),
}

/// The reason to ignore an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Ignored(String);

impl Ignored {
    /// Creates a reason for the log and for operators.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The text of the reason.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

/// The time of the API call, or otherwise the time in the envelope.
pub(super) fn time(event: &Value) -> Option<Timestamp> {
    [&event["detail"]["eventTime"], &event["time"]]
        .into_iter()
        .find_map(|time| Timestamp::parse(time.as_str()?))
}

/// Creates the event `name` about the items `names`, each with the expectation `expect`.
pub(super) fn event_about<'a>(
    event: &Value,
    location: Location,
    name: &str,
    kind: Kind,
    names: impl IntoIterator<Item = &'a str>,
    expect: Option<&Expectation>,
) -> Result<Event, Ignored> {
    let mut items: Vec<Wanted> = Vec::new();
    let mut skipped = Vec::new();
    for text in names {
        match item(kind, text, &location) {
            Ok(item) => items.push(Wanted { item, expect: expect.cloned().into_iter().collect() }),
            Err(reason) => skipped.push(reason),
        }
    }
    if items.is_empty() {
        let no_name = || Ignored::new(format!("{} names no {kind}", shown(name)));
        return Err(skipped.into_iter().next().unwrap_or_else(no_name));
    }
    let (name, at) = (name.to_owned(), time(event));
    Ok(Event { location, name, at, subject: EventSubject::Items(items), skipped })
}

/// Parses a name or an ARN in an event.
pub(super) fn item(kind: Kind, text: &str, location: &Location) -> Result<Item, Ignored> {
    // AWS accepts names with leading or trailing spaces and removes the spaces.
    let text = text.trim_matches(' ');
    if text.starts_with("arn:") {
        let arn = arn::parse(text).map_err(|error| Ignored::new(error.to_string()))?;
        if arn.item.kind() != kind {
            return Err(Ignored::new(format!("`{}` is not the ARN of a {kind}", shown(text))));
        }
        if arn.account != location.account || arn.region != location.region {
            let text = shown(text);
            return Err(Ignored::new(format!(
                "`{text}` is not in the account and Region of the event, {location}"
            )));
        }
        return without_dot_segments(arn.item);
    }
    let item = match kind {
        Kind::Parameter => ParameterName::parse(text).map(Item::Parameter),
        Kind::Secret => SecretName::parse(text).map(Item::Secret),
    };
    without_dot_segments(item.map_err(|error| Ignored::new(error.to_string()))?)
}

/// Refuses a parameter with the path segment `.` or `..`, which clients of AWS may resolve like the path of a file.
fn without_dot_segments(item: Item) -> Result<Item, Ignored> {
    let has_dot_segment = item.name().split('/').any(|part| part == "." || part == "..");
    if item.kind() == Kind::Parameter && has_dot_segment {
        let name = shown(item.name());
        return Err(Ignored::new(format!(
            "`{name}` has the path segment `.` or `..`; the sweep handles it"
        )));
    }
    Ok(item)
}
