//! The work of one account: a route, and the items to reconcile on that route.

use std::collections::BTreeSet;

use super::item::Item;
use super::route::Route;
use super::timestamp::Timestamp;

/// What a read should show once AWS has applied the change that an event reports. The hub waits for it, within limits, but
/// never decides from it what to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// A write: at least this version, if the event names a version.
    pub version: Option<i64>,
    /// The time of the event, in whole seconds. A write without a version: a date at most two seconds earlier. A write
    /// with a version: a lower version only with a later date, because a delete and a create restart the numbers. A
    /// deletion: absent, or a later date.
    pub at: Option<Timestamp>,
    /// A deletion: the item is absent.
    pub absent: bool,
    /// A tag event: these tags are present with these values.
    pub tags_set: Vec<(String, String)>,
    /// A tag event: these keys are absent.
    pub tags_gone: BTreeSet<String>,
    /// A label event: no version and no list shows labels, so there is nothing to wait for.
    pub labels: bool,
}

/// An item that an event, a payload or a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The parameter or secret.
    pub item: Item,
    /// What to wait for before the read counts; empty for a payload or a command.
    pub expect: Vec<Expectation>,
}

/// The items of a route that a run reconciles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All items, as a sweep does.
    Everything,
    /// Only these items, each once.
    Items(Vec<Wanted>),
}

/// A route of an account and the items to reconcile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The source Region and its targets.
    pub route: Route,
    /// All items, or some.
    pub scope: Scope,
}
