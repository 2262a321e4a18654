//! Items of events that the hub did not handle: `held#us-east-2=us-east-1` / `111122223333#parameter#/shop/db`.
//!
//! The route was not active, or the queue delivered the event for the last time and the hub still failed. A later event
//! of the same item replaces the record. A sweep of the route handles what the events announced, so a record that is older
//! than the account's last complete sweep says nothing more.

use std::time::Duration;

use super::Table;
use super::calls::TableWrite;
use super::items::{
    Item as TableItem, account, keyed, set_text, set_time, set_ttl, sort_key, text, time,
};
use crate::domain::{
    AccountId, Cause, Item, Kind, ParameterName, RoutePair, SecretName, Timestamp,
};

/// A sweep comes each day, and a route that is frozen for longer is compared as a whole.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Why an event of an item was not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldWhy {
    /// The route was not active.
    Frozen,
    /// The queue delivered the event for the last time, and the hub failed again.
    GivenUp,
}

impl HeldWhy {
    /// The word in the table and in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::GivenUp => "given_up",
        }
    }
}

/// The last event of an item that the hub did not handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldItem {
    /// The route.
    pub pair: RoutePair,
    /// The account of the source.
    pub account: AccountId,
    /// The parameter or secret, as the event named it.
    pub item: Item,
    /// The time of the event, or of the record if the event has no time.
    pub at: Timestamp,
    /// The API call, or the kind of a native event.
    pub operation: String,
    /// Why the event was not handled.
    pub why: HeldWhy,
}

impl Table {
    /// Writes the items, each in place of an earlier record of the same item and route. `now` is the time of the record.
    ///
    /// # Errors
    /// The table is unreachable; a part of the items may be written.
    pub async fn put_held(&self, held: &[HeldItem], now: Timestamp) -> Result<(), Cause> {
        let mut writes = std::collections::BTreeMap::new();
        for one in held {
            let item = written(one, now);
            writes.insert((one.pair.clone(), key(one)), TableWrite::Put(item));
        }
        self.write_all(writes.into_values().collect()).await
    }

    /// The items of a route, by account, kind and name. An item in another format is left out.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn held(&self, pair: &RoutePair) -> Result<Vec<HeldItem>, Cause> {
        let items = self.all(&partition(pair)).await?;
        Ok(items.iter().filter_map(|item| read(pair, item)).collect())
    }
}

fn partition(pair: &RoutePair) -> String {
    format!("held#{pair}")
}

fn key(held: &HeldItem) -> String {
    // `/a` and `a` are one parameter.
    let name = match &held.item {
        Item::Parameter(name) => name.key(),
        Item::Secret(name) => name.as_str(),
    };
    sort_key(&[held.account.as_str(), held.item.kind().word(), name])
}

fn written(held: &HeldItem, now: Timestamp) -> TableItem {
    let mut item = keyed(partition(&held.pair), key(held));
    set_text(&mut item, "account", held.account.as_str());
    set_text(&mut item, "kind", held.item.kind().word());
    set_text(&mut item, "name", held.item.name());
    set_time(&mut item, "at", held.at);
    set_text(&mut item, "operation", &held.operation);
    set_text(&mut item, "why", held.why.word());
    set_ttl(&mut item, now, KEPT);
    item
}

fn read(pair: &RoutePair, item: &TableItem) -> Option<HeldItem> {
    let name = text(item, "name")?;
    let kind = [Kind::Parameter, Kind::Secret]
        .into_iter()
        .find(|kind| Some(kind.word()) == text(item, "kind"))?;
    Some(HeldItem {
        pair: pair.clone(),
        account: account(item, "account")?,
        item: match kind {
            Kind::Parameter => Item::Parameter(ParameterName::new(name)),
            Kind::Secret => Item::Secret(SecretName::new(name)),
        },
        at: time(item, "at")?,
        operation: text(item, "operation").unwrap_or_default().to_owned(),
        why: [HeldWhy::Frozen, HeldWhy::GivenUp]
            .into_iter()
            .find(|why| Some(why.word()) == text(item, "why"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryTable;
    use super::*;
    use crate::report::samples::{account, parameter, secret};

    #[tokio::test(start_paused = true)]
    async fn the_last_event_of_an_item_replaces_the_one_before() {
        let memory = MemoryTable::new(|_| None);
        let table = memory.table().await;
        let pair = RoutePair::parse("us-east-2=us-east-1").expect("a pair");
        let now = Timestamp::parse("2026-11-28T10:00:00Z").expect("a time");
        let held = |item: Item, operation: &str, why| HeldItem {
            pair: pair.clone(),
            account: account(1),
            item,
            at: now,
            operation: operation.to_owned(),
            why,
        };
        let first = held(parameter("/Root"), "PutParameter", HeldWhy::Frozen);
        let arn = "arn:aws:secretsmanager:us-east-2:111122220001:secret:db/main-a1b2c3";
        let other = held(secret(arn), "UpdateSecret", HeldWhy::GivenUp);
        table.put_held(&[first.clone(), other.clone()], now).await.expect("written");
        assert_eq!(table.held(&pair).await, Ok(vec![first, other.clone()]));
        // Both spellings of a root name are one parameter, also within one call.
        let once = held(parameter("Root"), "AddTagsToResource", HeldWhy::Frozen);
        let last = held(parameter("/Root"), "DeleteParameter", HeldWhy::Frozen);
        table.put_held(&[once, last.clone()], now).await.expect("written");
        assert_eq!(table.held(&pair).await, Ok(vec![last, other]));
        let item = memory.item("held#us-east-2=us-east-1", "111122220001#parameter#Root");
        assert_eq!(item.expect("an item")["ttl"]["N"], "1798452000", "thirty days later");
    }
}
