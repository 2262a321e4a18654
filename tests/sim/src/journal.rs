//! The record of all calls: counters for every call, and the writes in order.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clock::Millis;

/// How the calls of one operation, account and Region ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All calls, retries included.
    pub calls: u64,
    /// Calls that succeeded.
    pub done: u64,
    /// Calls that a rule of AWS refused.
    pub refused: u64,
    /// Calls over quota.
    pub throttled: u64,
    /// Calls that a fault hit, executed or not.
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

/// A call that may change something, and its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The time of the call.
    pub at: Millis,
    /// The operation, such as `ssm:PutParameter`.
    pub operation: String,
    /// The account whose state the call addresses.
    pub account: String,
    /// The Region of the call.
    pub region: String,
    /// The caller's ARN.
    pub caller: String,
    /// The request as the caller sent it.
    pub request: Value,
    /// AWS's error code, or `None` if the call succeeded.
    pub refused: Option<String>,
}

/// The counters and writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    counts: BTreeMap<(String, String, String), Count>,
    /// The writes of all services except `DynamoDB`.
    pub(crate) writes: Vec<Write>,
    /// The writes of `DynamoDB`.
    pub(crate) table_writes: Vec<Write>,
}

impl Journal {
    pub(crate) fn count(&mut self, operation: &str, account: &str, region: &str) -> &mut Count {
        let key = (operation.to_owned(), account.to_owned(), region.to_owned());
        self.counts.entry(key).or_default()
    }

    /// The sum over all matching counters. An empty argument matches everything.
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

    /// The counters by operation.
    pub(crate) fn by_operation(&self) -> BTreeMap<String, Count> {
        let mut sums: BTreeMap<String, Count> = BTreeMap::new();
        for ((operation, ..), count) in &self.counts {
            sums.entry(operation.clone()).or_default().add(count);
        }
        sums
    }

    /// Adds a write to the list of its service.
    pub(crate) fn add(&mut self, write: Write) {
        let is_of_table = write.operation.starts_with("dynamodb:");
        let writes = if is_of_table { &mut self.table_writes } else { &mut self.writes };
        writes.push(write);
    }

    pub(crate) fn clear(&mut self) {
        self.counts.clear();
        self.writes.clear();
        self.table_writes.clear();
    }
}

/// Whether an operation may change something.
pub(crate) fn writes(operation: &str) -> bool {
    let name = operation.split_once(':').map_or(operation, |(_, name)| name);
    !["Get", "List", "Describe", "Assume", "Query"].iter().any(|read| name.starts_with(read))
}
