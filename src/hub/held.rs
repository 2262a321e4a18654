//! Records the items of events that the hub does not handle: those of routes that are not active, and those that the queue
//! delivered for the last time.
//!
//! A message is done only when the record of its items is written. A message at its last delivery returns all the same,
//! so that the queue moves it to the dead-letter queue; its record says which items it named.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Hub;
use super::record_account::pairs_of_route;
use crate::deadline::{Deadline, reserve};
use crate::domain::{
    AccountOutcome, Cause, Failure, Item, Location, RoutePair, Timestamp, Withheld,
};
use crate::report::Report;
use crate::table::{HeldItem, HeldWhy, Table};
use crate::work::LastEvent;

/// An item of an event, with its account and source Region.
type Named = (Location, Item);

/// The items of a run of events that the hub did not handle.
#[derive(Debug, Default)]
pub(super) struct Unhandled {
    /// The items of routes that are not active.
    held: BTreeSet<(RoutePair, Named)>,
    /// The routes and accounts that were left alone, whatever the reason.
    withheld: BTreeSet<(RoutePair, Location)>,
    /// The items whose messages return to the queue.
    returning: BTreeSet<Named>,
}

impl Unhandled {
    /// Adds the items that an account left alone.
    pub(super) fn add(&mut self, outcome: &AccountOutcome) {
        let location = |pair: &RoutePair| Location {
            account: outcome.account.clone(),
            region: pair.source.clone(),
        };
        self.withheld.extend(outcome.withheld.keys().map(|pair| (pair.clone(), location(pair))));
        for (pair, item) in &outcome.held {
            // An item whose route has an unreadable state is neither handled nor held: its messages return.
            if matches!(outcome.withheld.get(pair), Some(Withheld::State(_))) {
                self.held.insert((pair.clone(), (location(pair), item.clone())));
            }
        }
    }

    /// Adds an item whose messages return to the queue.
    pub(super) fn returns(&mut self, location: &Location, item: &Item) {
        self.returning.insert((location.clone(), item.clone()));
    }
}

impl Hub {
    /// Records the items of routes that are not active. Returns the items whose record could not be written, after adding
    /// the cause to the report.
    pub(super) async fn hold(
        &self,
        unhandled: &Unhandled,
        last_events: &BTreeMap<Named, LastEvent>,
        report: &mut Report,
        deadline: &Deadline,
    ) -> BTreeSet<Named> {
        let (Some(table), now) = (&self.table, self.events.now()) else {
            return BTreeSet::new();
        };
        let items: Vec<HeldItem> = unhandled
            .held
            .iter()
            .map(|(pair, named)| held(pair, named, last_events, HeldWhy::Frozen, now))
            .collect();
        match write(table, &items, now, (deadline, reserve::DIGEST)).await {
            Ok(()) => BTreeSet::new(),
            Err(cause) => {
                let message = format!(
                    "the events of a route that is not active could not be recorded, so their messages return to the queue: {}",
                    cause.message
                );
                self.could_not_hold(Cause { message, ..cause }, report);
                unhandled.held.iter().map(|(_, named)| named.clone()).collect()
            }
        }
    }

    /// Records the items of messages that return for the last time. `is_given_up` says whether a message of the item does.
    pub(super) async fn give_up(
        &self,
        unhandled: &Unhandled,
        last_events: &BTreeMap<Named, LastEvent>,
        is_given_up: impl Fn(&Named) -> bool,
        report: &mut Report,
        deadline: &Deadline,
    ) {
        let (Some(table), now) = (&self.table, self.events.now()) else { return };
        let mut items = Vec::new();
        for named in unhandled.returning.iter().filter(|named| is_given_up(named)) {
            let route = self.settings.routes.from_source(&named.0.region);
            let pairs = route.into_iter().flat_map(pairs_of_route);
            // A route that is not active has its own record, and the table of an unreadable state may be another hub's.
            let pairs =
                pairs.filter(|pair| !unhandled.withheld.contains(&(pair.clone(), named.0.clone())));
            items.extend(pairs.map(|pair| held(&pair, named, last_events, HeldWhy::GivenUp, now)));
        }
        if !items.is_empty() {
            tracing::warn!(
                items = items.len(),
                "the queue gives up messages: the dead-letter queue keeps them"
            );
        }
        // The digest is published already.
        if let Err(cause) = write(table, &items, now, (deadline, reserve::ANSWER)).await {
            let message = format!(
                "the items of messages that move to the dead-letter queue could not be recorded: {}",
                cause.message
            );
            self.could_not_hold(Cause { message, ..cause }, report);
        }
    }

    fn could_not_hold(&self, cause: Cause, report: &mut Report) {
        tracing::error!(error_kind = %cause.kind, "{}", cause.message);
        report.fail(Failure::of_hub(cause).in_region(self.events.region()));
    }
}

fn held(
    pair: &RoutePair,
    named: &Named,
    last_events: &BTreeMap<Named, LastEvent>,
    why: HeldWhy,
    now: Timestamp,
) -> HeldItem {
    let LastEvent { name, at } = last_events.get(named).cloned().unwrap_or_default();
    HeldItem {
        pair: pair.clone(),
        account: named.0.account.clone(),
        item: named.1.clone(),
        at: at.unwrap_or(now),
        operation: name,
        why,
    }
}

async fn write(
    table: &Table,
    items: &[HeldItem],
    now: Timestamp,
    (deadline, kept): (&Deadline, Duration),
) -> Result<(), Cause> {
    if items.is_empty() {
        return Ok(());
    }
    let written = table.put_held(items, now);
    match deadline.left().map(|left| left.saturating_sub(kept)) {
        Some(left) => {
            tokio::time::timeout(left, written).await.unwrap_or_else(|_| Err(table.not_in_time()))
        }
        None => written.await,
    }
}
