//! Turns payloads and events, with the configured routes, into [`Work`] for each account, or into a reason for none.
//!
//! If many messages name one item, the item is reconciled once. The messages of each item are kept, so that only they
//! return to the queue if the item fails.

mod merge;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    AccountId, Assignment, Item, Location, Region, Routes, Scope, SecretName, Timestamp, Wanted,
};
use crate::request::{Event, EventSubject, Ignored, Reconcile, Record, RecordContent, Refused};
use crate::settings::AccountFilter;
use merge::{DatedExpectation, merge_expectations};

/// What to reconcile in one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The account.
    pub account: AccountId,
    /// At most one for each route.
    pub assignments: Vec<Assignment>,
    /// Secrets, by Region, whose deletion AWS refused. `DescribeSecret` shows whether their replicas are the reason.
    pub refused_deletes: BTreeSet<(Region, SecretName)>,
}

impl Work {
    /// No work in this account.
    pub fn new(account: AccountId) -> Self {
        Self { account, assignments: Vec::new(), refused_deletes: BTreeSet::new() }
    }
}

/// The work of a batch or of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventWork {
    /// One for each account.
    pub work: Vec<Work>,
    /// The ids of the messages that named each item, including secrets whose deletion was refused.
    pub messages: BTreeMap<(Location, Item), BTreeSet<String>>,
    /// The ids of messages of which a part is ignored, with the reason.
    pub ignored: Vec<(String, Ignored)>,
    /// The ids of unreadable messages, with the reason.
    pub unreadable: Vec<(String, String)>,
    /// The times of the events that led to work, if known.
    pub event_times: Vec<Timestamp>,
    /// The last event of each item, for the record of an item that is not handled.
    pub last_events: BTreeMap<(Location, Item), LastEvent>,
    /// The ids of the messages that the queue delivers for the last time.
    pub last_deliveries: BTreeSet<String>,
}

/// The last event of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEvent {
    /// The API call, or the kind of a native event.
    pub name: String,
    /// The time of the event, if known.
    pub at: Option<Timestamp>,
}

/// The assignments of a payload for each of its accounts: one for each route. An item without a Region is looked up in
/// the source Region of every route.
///
/// # Errors
/// The payload names a Region that is not the source of a route.
pub fn assignments(reconcile: &Reconcile, routes: &Routes) -> Result<Vec<Assignment>, Refused> {
    let scope = match &reconcile.item {
        None => Scope::Everything,
        Some(item) => Scope::Items(vec![Wanted { item: item.clone(), expect: Vec::new() }]),
    };
    let assignments: Vec<Assignment> = routes
        .iter()
        .filter(|route| reconcile.region.as_ref().is_none_or(|region| route.source == *region))
        .map(|route| Assignment { route: route.clone(), scope: scope.clone() })
        .collect();
    match &reconcile.region {
        Some(region) if assignments.is_empty() => {
            let sources: Vec<&str> = routes.iter().map(|route| route.source.as_str()).collect();
            Err(Refused::new(no_source(region), sources.join(", ")))
        }
        _ => Ok(assignments),
    }
}

/// Checks that `accounts`, which a payload or a person names, are in scope by id. An account that the settings exclude
/// stays excluded even if it is named.
///
/// # Errors
/// All excluded accounts, each with the setting that excludes it.
pub fn named_in_scope(accounts: &[AccountId], filter: &AccountFilter) -> Result<(), Refused> {
    /// A longer list would hide the remedy.
    const SHOWN: usize = 5;
    let excluded: Vec<(&AccountId, &str)> = accounts
        .iter()
        .filter_map(|account| Some((account, filter.excluded_by(account)?)))
        .collect();
    let Some((first, _)) = excluded.first() else { return Ok(()) };
    let shown: Vec<String> = excluded
        .iter()
        .take(SHOWN)
        .map(|(account, setting)| format!("{account} ({setting})"))
        .collect();
    let more = match excluded.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Refused::new(
        format!("the settings exclude {}{more}; nothing was done", shown.join(", ")),
        format!(
            "an account that the settings do not exclude; to lift the exclusion for one run: `hubctl plan --account {first} --even-if-excluded`"
        ),
    ))
}

/// The work of `accounts`, with the same assignments for each.
pub fn of_accounts<'a>(
    assignments: &'a [Assignment],
    accounts: impl IntoIterator<Item = AccountId> + 'a,
) -> impl Iterator<Item = Work> + 'a {
    accounts
        .into_iter()
        .map(|account| Work { assignments: assignments.to_vec(), ..Work::new(account) })
}

/// The work of one event that does not come from a queue; its message id is empty.
///
/// # Errors
/// The reason why the event is ignored.
pub fn of_event(
    event: Event,
    routes: &Routes,
    accounts: &AccountFilter,
) -> Result<EventWork, Ignored> {
    let content = RecordContent::Event(event);
    let record = Record { message_id: String::new(), content, is_last_delivery: false };
    let mut event_work = of_batch(vec![record], routes, accounts);
    if event_work.messages.is_empty()
        && let Some((_, ignored)) = event_work.ignored.pop()
    {
        return Err(ignored);
    }
    Ok(event_work)
}

impl EventWork {
    /// Notes that a message names an item, with its event.
    fn note(&mut self, named: (Location, Item), message_id: &str, event: &LastEvent) {
        let last = self.last_events.entry(named.clone()).or_default();
        // An event without a time is as late as any.
        if last.at <= event.at || event.at.is_none() {
            *last = event.clone();
        }
        self.messages.entry(named).or_default().insert(message_id.to_owned());
    }
}

/// The work of a batch from a queue, limited to accounts in scope.
pub fn of_batch(records: Vec<Record>, routes: &Routes, accounts: &AccountFilter) -> EventWork {
    let mut event_work = EventWork::default();
    let mut places: BTreeMap<Location, BTreeMap<Item, Vec<DatedExpectation>>> = BTreeMap::new();
    let mut refused: Vec<(Location, SecretName)> = Vec::new();
    for Record { message_id, content, is_last_delivery } in records {
        if is_last_delivery {
            event_work.last_deliveries.insert(message_id.clone());
        }
        let event = match content {
            RecordContent::Unreadable(why) => {
                event_work.unreadable.push((message_id, why));
                continue;
            }
            RecordContent::Ignored(reason) => {
                event_work.ignored.push((message_id, reason));
                continue;
            }
            RecordContent::Event(event) => event,
        };
        let Event { location, name, at, subject, skipped } = event;
        if routes.from_source(&location.region).is_none() {
            event_work.ignored.push((message_id, Ignored::new(no_source(&location.region))));
            continue;
        }
        if !accounts.names_account(&location.account) {
            let account = &location.account;
            let reason = format!("the account {account} is not in the scope of the settings");
            event_work.ignored.push((message_id, Ignored::new(reason)));
            continue;
        }
        for reason in skipped {
            event_work.ignored.push((message_id.clone(), reason));
        }
        event_work.event_times.extend(at);
        let event = LastEvent { name, at };
        let mut note = |item: Item| event_work.note((location.clone(), item), &message_id, &event);
        match subject {
            EventSubject::RefusedDelete(secret) => {
                note(Item::Secret(secret.clone()));
                refused.push((location.clone(), secret));
            }
            EventSubject::Items(items) => {
                let place = places.entry(location.clone()).or_default();
                for Wanted { item, expect } in items {
                    note(item.clone());
                    let dated = expect.into_iter().map(|expect| DatedExpectation { at, expect });
                    place.entry(item).or_default().extend(dated);
                }
            }
        }
    }
    event_work.work = work(places, refused, routes);
    event_work
}

/// Groups the items by account and route.
fn work(
    places: BTreeMap<Location, BTreeMap<Item, Vec<DatedExpectation>>>,
    refused: Vec<(Location, SecretName)>,
    routes: &Routes,
) -> Vec<Work> {
    let mut work: BTreeMap<AccountId, Work> = BTreeMap::new();
    for (Location { account, region }, items) in places {
        let Some(route) = routes.from_source(&region) else { continue };
        let wanted = items
            .into_iter()
            .map(|(item, expect)| Wanted { item, expect: merge_expectations(&expect) });
        let assignment = Assignment { route: route.clone(), scope: Scope::Items(wanted.collect()) };
        work.entry(account.clone())
            .or_insert_with(|| Work::new(account))
            .assignments
            .push(assignment);
    }
    for (Location { account, region }, secret) in refused {
        let work = work.entry(account.clone()).or_insert_with(|| Work::new(account));
        work.refused_deletes.insert((region, secret));
    }
    work.into_values().collect()
}

fn no_source(region: &Region) -> String {
    format!("no route has the source Region {region}")
}

#[cfg(test)]
mod tests;
