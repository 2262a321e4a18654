//! What an event is to the hub: where to look and what to wait for, or why it is ignored.

use serde_json::Value;

use super::arn;
use crate::domain::{
    Expectation, Item, Kind, Location, ParameterName, SecretName, Timestamp, Wanted, shown,
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
    pub subject: EventSubject,
    /// Names in it that are passed over, and why.
    pub skipped: Vec<Ignored>,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject {
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
    let mut skipped = Vec::new();
    for text in names {
        match item(kind, text, &location) {
            Ok(item) => items.push(Wanted { item, expect: expect.cloned().into_iter().collect() }),
            Err(reason) => skipped.push(reason),
        }
    }
    if items.is_empty() {
        let none = || Ignored::new(format!("{} names no {kind}", shown(name)));
        return Err(skipped.into_iter().next().unwrap_or_else(none));
    }
    let (name, at) = (name.to_owned(), time(event));
    Ok(Event { location, name, at, subject: EventSubject::Items(items), skipped })
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
