//! What was asked of the simulator: counters of every call, and each write in its order.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clock::Millis;

/// How calls of one operation, account and Region ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All attempts.
    pub calls: u64,
    /// Those that did what they asked for.
    pub done: u64,
    /// Those that a rule of AWS's refused.
    pub refused: u64,
    /// Those over quota.
    pub throttled: u64,
    /// Those that a fault befell, whether their work was done or not.
    pub faulted: u64,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.done += other.done;
        self.refused += other.refused;
        self.throttled += other.throttled;
        self.faulted += other.faulted;
    }
}

/// A call that may change something, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// When.
    pub at: Millis,
    /// `ssm:PutParameter`.
    pub operation: String,
    /// Whose state.
    pub account: String,
    /// Where.
    pub region: String,
    /// The caller's ARN.
    pub caller: String,
    /// As it was asked for.
    pub request: Value,
    /// `None` where it was done, else AWS's code.
    pub refused: Option<String>,
}

/// The record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    counts: BTreeMap<(String, String, String), Count>,
    pub(crate) writes: Vec<Write>,
}

impl Journal {
    pub(crate) fn count(&mut self, operation: &str, account: &str, region: &str) -> &mut Count {
        let place = (operation.to_owned(), account.to_owned(), region.to_owned());
        self.counts.entry(place).or_default()
    }

    /// The sum over all that fits; an empty text fits everything.
    pub(crate) fn sum(&self, operation: &str, account: &str, region: &str) -> Count {
        let fits = |wanted: &str, given: &str| wanted.is_empty() || wanted == given;
        let mut sum = Count::default();
        for ((o, a, r), count) in &self.counts {
            if fits(operation, o) && fits(account, a) && fits(region, r) {
                sum.add(count);
            }
        }
        sum
    }

    /// Calls by operation.
    pub(crate) fn by_operation(&self) -> BTreeMap<String, Count> {
        let mut sums: BTreeMap<String, Count> = BTreeMap::new();
        for ((operation, ..), count) in &self.counts {
            sums.entry(operation.clone()).or_default().add(count);
        }
        sums
    }

    pub(crate) fn clear(&mut self) {
        self.counts.clear();
        self.writes.clear();
    }
}

/// Whether an operation may change something.
pub(crate) fn writes(operation: &str) -> bool {
    let name = operation.split_once(':').map_or(operation, |(_, name)| name);
    !["Get", "List", "Describe", "Assume"].iter().any(|read| name.starts_with(read))
}
