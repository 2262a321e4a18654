//! What was asked for + the routes → distinct [`Work`], or why there is none.
//!
//! However many records name an item, it is looked at once; which record asked for it is kept, so that just that one
//! goes back to the queue when the item could not be done.

mod merge;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    AccountId, Assignment, Item, Location, Region, Routes, Scope, SecretName, Timestamp, Wanted,
};
use crate::request::{Event, EventSubject, Ignored, Reconcile, Record, RecordContent, Refused};
use crate::settings::AccountFilter;
use merge::{Dated, settled};

/// What is to be made equal in one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The account.
    pub account: AccountId,
    /// No two of one route.
    pub assignments: Vec<Assignment>,
    /// Secrets whose deletion AWS refused, by Region; whether for their replicas, a description tells.
    pub refused_deletes: BTreeSet<(Region, SecretName)>,
}

impl Work {
    fn new(account: AccountId) -> Self {
        Self { account, assignments: Vec::new(), refused_deletes: BTreeSet::new() }
    }
}

/// What a queue's batch, or one event, comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// One for each account.
    pub work: Vec<Work>,
    /// The ids of the messages that asked for an item, by where the event was and the item; refused deletes too.
    pub asked: BTreeMap<(Location, Item), BTreeSet<String>>,
    /// The ids of messages of which something is ignored, and why.
    pub ignored: Vec<(String, Ignored)>,
    /// The ids of messages that cannot be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// When the events that ask for something happened, where they say so.
    pub happened: Vec<Timestamp>,
}

/// What a payload asks of each of its accounts: one assignment for each route that it is about. A named item without
/// a Region is looked for in every route's source.
///
/// # Errors
/// A Region that no route begins in.
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

/// Whether `accounts`, which a person or a payload names, are in scope by their ids: an account that the settings exclude
/// stays excluded when it is named.
///
/// # Errors
/// All the accounts that are not, with the setting that leaves each out.
pub fn named_in_scope(accounts: &[AccountId], filter: &AccountFilter) -> Result<(), Refused> {
    /// More would bury the remedy.
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
        format!("the settings exclude {}{more}, so nothing was done", shown.join(", ")),
        format!(
            "an account in the settings' scope; hubctl lifts the exclusion for one run, such as `hubctl plan --account {first} --even-if-excluded`"
        ),
    ))
}

/// The same assignments for each of `accounts`.
pub fn of_accounts<'a>(
    assignments: &'a [Assignment],
    accounts: impl IntoIterator<Item = AccountId> + 'a,
) -> impl Iterator<Item = Work> + 'a {
    accounts
        .into_iter()
        .map(|account| Work { assignments: assignments.to_vec(), ..Work::new(account) })
}

/// The work of one event that no queue handed over; the message ids in it are empty.
///
/// # Errors
/// Why there is none.
pub fn of_event(
    event: Event,
    routes: &Routes,
    accounts: &AccountFilter,
) -> Result<Gathered, Ignored> {
    let record = Record { message_id: String::new(), content: RecordContent::Event(event) };
    let mut gathered = of_batch(vec![record], routes, accounts);
    if gathered.asked.is_empty()
        && let Some((_, ignored)) = gathered.ignored.pop()
    {
        return Err(ignored);
    }
    Ok(gathered)
}

/// The work of a queue's batch, in the accounts that are in scope.
pub fn of_batch(records: Vec<Record>, routes: &Routes, accounts: &AccountFilter) -> Gathered {
    let mut gathered = Gathered::default();
    let mut places: BTreeMap<Location, BTreeMap<Item, Vec<Dated>>> = BTreeMap::new();
    let mut refused: Vec<(Location, SecretName)> = Vec::new();
    for Record { message_id, content } in records {
        let event = match content {
            RecordContent::Unreadable(why) => {
                gathered.unreadable.push((message_id, why));
                continue;
            }
            RecordContent::Ignored(reason) => {
                gathered.ignored.push((message_id, reason));
                continue;
            }
            RecordContent::Event(event) => event,
        };
        let Event { location, at, subject, skipped, .. } = event;
        if routes.from_source(&location.region).is_none() {
            gathered.ignored.push((message_id, Ignored::new(no_source(&location.region))));
            continue;
        }
        if !accounts.names_account(&location.account) {
            let account = &location.account;
            let reason = format!("the account {account} is out of the settings' scope");
            gathered.ignored.push((message_id, Ignored::new(reason)));
            continue;
        }
        for reason in skipped {
            gathered.ignored.push((message_id.clone(), reason));
        }
        gathered.happened.extend(at);
        let mut ask = |item: Item| {
            let asking = gathered.asked.entry((location.clone(), item)).or_default();
            asking.insert(message_id.clone());
        };
        match subject {
            EventSubject::RefusedDelete(secret) => {
                ask(Item::Secret(secret.clone()));
                refused.push((location.clone(), secret));
            }
            EventSubject::Items(items) => {
                let place = places.entry(location.clone()).or_default();
                for Wanted { item, expect } in items {
                    ask(item.clone());
                    let dated = expect.into_iter().map(|expect| Dated { at, expect });
                    place.entry(item).or_default().extend(dated);
                }
            }
        }
    }
    gathered.work = work(places, refused, routes);
    gathered
}

/// One for each account.
fn work(
    places: BTreeMap<Location, BTreeMap<Item, Vec<Dated>>>,
    refused: Vec<(Location, SecretName)>,
    routes: &Routes,
) -> Vec<Work> {
    let mut work: BTreeMap<AccountId, Work> = BTreeMap::new();
    for (Location { account, region }, items) in places {
        let Some(route) = routes.from_source(&region) else { continue };
        let wanted =
            items.into_iter().map(|(item, expect)| Wanted { item, expect: settled(&expect) });
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
    format!("no route begins in {region}")
}

#[cfg(test)]
mod tests;
