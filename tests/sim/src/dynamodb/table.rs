//! A table: its items by partition key and sort key, with their earlier states.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::keys::ItemKey;
use super::value::TableItem;
use crate::clock::Millis;
use crate::timeline::Timeline;

type Partition = BTreeMap<String, Timeline<Arc<TableItem>>>;

/// The items of a table. The keys are `pk` and `sk`, and the TTL attribute is `ttl`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table(BTreeMap<String, Partition>);

/// The time whose state a read sees: now for a consistent read, earlier for the others (FACTS 123).
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    Now,
    At(Millis),
}

impl Table {
    /// An item.
    pub(super) fn item(&self, key: &ItemKey, seen: Seen) -> Option<&Arc<TableItem>> {
        state(self.0.get(&key.0)?.get(&key.1)?, seen)
    }

    /// The items of a partition from a sort key on, in the order of their sort keys.
    pub(super) fn partition<'a>(
        &'a self,
        partition: &str,
        from: &str,
        seen: Seen,
    ) -> impl DoubleEndedIterator<Item = (&'a str, &'a Arc<TableItem>)> {
        let items = self.0.get(partition).into_iter().flat_map(move |items| {
            items.range::<str, _>((Bound::Included(from), Bound::Unbounded))
        });
        items.filter_map(move |(sort, timeline)| Some((sort.as_str(), state(timeline, seen)?)))
    }

    /// Puts or deletes an item.
    pub(super) fn set(
        &mut self,
        key: ItemKey,
        item: Option<Arc<TableItem>>,
        now: Millis,
        horizon: Millis,
    ) {
        let partition = self.0.entry(key.0).or_default();
        partition.entry(key.1).or_default().set(now, item, horizon);
    }

    /// The current items by key.
    pub(super) fn items(&self) -> BTreeMap<ItemKey, Arc<TableItem>> {
        let of = |(partition, items): (&String, &Partition)| {
            let held = items.iter().filter_map(|(sort, timeline)| {
                Some(((partition.clone(), sort.clone()), timeline.now()?.clone()))
            });
            held.collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }

    /// A new table with these items, which every read sees.
    pub(super) fn with(items: &BTreeMap<ItemKey, Arc<TableItem>>) -> Self {
        let mut table = Self::default();
        for (key, item) in items {
            table.set(key.clone(), Some(item.clone()), 0, 0);
        }
        table
    }
}

fn state(timeline: &Timeline<Arc<TableItem>>, seen: Seen) -> Option<&Arc<TableItem>> {
    match seen {
        Seen::Now => timeline.now(),
        Seen::At(time) => timeline.at(time),
    }
}
