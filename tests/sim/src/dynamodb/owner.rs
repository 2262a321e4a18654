//! The owner's view of a table: create, look, change, copy, restore and delete, without latency, quotas, faults or lag.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::keys::{ItemKey, of_item};
use super::table::{Seen, Table};
use super::value::{TableItem, checked_map, number};
use crate::owner::RegionSide;
use crate::sim::Sim;

/// The owner's view of a table.
#[derive(Clone, Debug)]
pub struct TableSide<'a> {
    sim: &'a Sim,
    account: String,
    region: String,
    name: String,
}

/// The content of a table at one time, such as a backup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableCopy(BTreeMap<ItemKey, Arc<TableItem>>);

impl<'a> TableSide<'a> {
    /// The table with this name. A table that does not exist is created empty.
    pub(crate) fn of(sim: &'a Sim, region: &RegionSide<'a>, name: &str) -> Self {
        let (account, region) = region.place();
        let side = Self { sim, account, region, name: name.to_owned() };
        side.with(|_| ());
        side
    }

    fn with<T>(&self, act: impl FnOnce(&mut Table) -> T) -> T {
        let mut world = self.sim.world();
        let tables = &mut world.region(&self.account, &self.region).tables;
        act(tables.entry(self.name.clone()).or_default())
    }

    /// The table's ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:dynamodb:{}:{}:table/{}", self.region, self.account, self.name)
    }

    /// All items by partition key and sort key.
    pub fn items(&self) -> BTreeMap<(String, String), TableItem> {
        let items = self.with(|table| table.items());
        items.into_iter().map(|(key, item)| (key, TableItem::clone(&item))).collect()
    }

    /// One item.
    pub fn item(&self, partition: &str, sort: &str) -> Option<TableItem> {
        let key = (partition.to_owned(), sort.to_owned());
        self.with(|table| table.item(&key, Seen::Now).map(|item| TableItem::clone(item)))
    }

    /// The items of a partition in the order of their sort keys.
    pub fn partition(&self, partition: &str) -> Vec<TableItem> {
        self.with(|table| {
            let items = table.partition(partition, "", Seen::Now);
            items.map(|(_, item)| TableItem::clone(item)).collect()
        })
    }

    /// Puts an item in the JSON form of the API, with its keys `pk` and `sk`.
    ///
    /// # Panics
    /// If `DynamoDB` would refuse the item.
    pub fn put(&self, item: &Value) {
        let item = checked_map(item, "Item").expect("a valid item");
        let key = of_item(&item).expect("a valid key");
        self.set(key, Some(item));
    }

    /// Deletes an item. Returns whether it existed.
    pub fn delete(&self, partition: &str, sort: &str) -> bool {
        let is_there = self.item(partition, sort).is_some();
        if is_there {
            self.set((partition.to_owned(), sort.to_owned()), None);
        }
        is_there
    }

    fn set(&self, key: ItemKey, item: Option<TableItem>) {
        let (now, horizon) = (self.sim.now(), self.sim.world().horizon());
        self.with(|table| table.set(key, item.map(Arc::new), now, horizon));
    }

    /// Deletes the items whose `ttl` has passed. AWS does so at some time within days (FACTS 137). Returns the number of
    /// deleted items.
    pub fn expire(&self) -> usize {
        let now = number_of(self.sim.now() / 1000);
        let has_passed =
            |item: &TableItem| item.get("ttl").and_then(number).is_some_and(|ttl| Some(ttl) < now);
        let items = self.items().into_iter().filter(|(_, item)| has_passed(item));
        let keys: Vec<ItemKey> = items.map(|(key, _)| key).collect();
        for key in &keys {
            self.set(key.clone(), None);
        }
        keys.len()
    }

    /// Deletes all items.
    pub fn clear(&self) {
        self.restore(&TableCopy::default());
    }

    /// A copy of the content, for [`TableSide::restore`].
    pub fn copy(&self) -> TableCopy {
        TableCopy(self.with(|table| table.items()))
    }

    /// Replaces the table by a table with this content, as after a restore from a backup: no read sees the earlier table.
    pub fn restore(&self, copy: &TableCopy) {
        self.with(|table| *table = Table::with(&copy.0));
    }

    /// Deletes the table.
    pub fn remove(self) {
        let mut world = self.sim.world();
        world.region(&self.account, &self.region).tables.remove(&self.name);
    }
}

fn number_of(seconds: u64) -> Option<super::number::Decimal> {
    super::number::Decimal::parse(&seconds.to_string()).ok()
}
