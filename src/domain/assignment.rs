//! What is to be looked at: an account's assignment for one source Region.

use std::collections::BTreeSet;

use super::item::Item;
use super::route::Route;
use super::timestamp::Timestamp;

/// What an event says will be read once it has settled. A hint for how long to wait, never for what to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// A write: at least this version, where the event names one.
    pub version: Option<i64>,
    /// The event's own time, in whole seconds. A write without a version: a date not over two seconds before this. A
    /// write with one: a lower version only with a later date, since it was deleted and created again. A deletion:
    /// absent, or a later date.
    pub at: Option<Timestamp>,
    /// A deletion.
    pub absent: bool,
    /// A tag event: these tags, with these values.
    pub tags_set: Vec<(String, String)>,
    /// A tag event: not these keys.
    pub tags_gone: BTreeSet<String>,
    /// A label event: labels moved, which no version and no list shows. There is nothing to wait for.
    pub labels: bool,
}

/// An item that was asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The item.
    pub item: Item,
    /// What to wait for before believing what is read; empty for a person's payload.
    pub expect: Vec<Expectation>,
}

/// How much of an account's route is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of it: what a sweep does.
    Everything,
    /// These items, each once.
    Items(Vec<Wanted>),
}

/// A route of an account, and how much of it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The route.
    pub route: Route,
    /// What of it.
    pub scope: Scope,
}
