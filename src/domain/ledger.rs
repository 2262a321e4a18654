//! A check of every sweep: the number of listed sources must equal the number of sources with an outcome.
//!
//! The two numbers come from different code, the first from the lists and the second from the outcomes. A source that
//! the code loses in between shows as a difference, and the report does not call the account in sync.

use std::collections::BTreeMap;

use super::failure::{Cause, FailureKind};
use super::item::Kind;
use super::location::Region;

/// The sources of one kind on one route to one target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerKey {
    /// Parameters or secrets.
    pub kind: Kind,
    /// The listed Region.
    pub source: Region,
    /// The Region of the replicas.
    pub target: Region,
}

/// Numbers of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Sources in the list.
    pub listed: u64,
    /// Sources with an outcome.
    pub ended: u64,
}

/// The counts of one account's sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger(BTreeMap<LedgerKey, LedgerCounts>);

impl Ledger {
    /// Counts sources of a list.
    pub fn list(&mut self, kind: Kind, source: &Region, target: &Region, sources: usize) {
        self.counts(kind, source, target).listed += sources as u64;
    }

    /// Counts sources with an outcome.
    pub fn end(&mut self, kind: Kind, source: &Region, target: &Region, sources: u64) {
        self.counts(kind, source, target).ended += sources;
    }

    /// Adds the counts of a different part of the same account.
    pub fn merge(&mut self, other: Self) {
        for (LedgerKey { kind, source, target }, more) in other.0 {
            let counts = self.counts(kind, &source, &target);
            counts.listed += more.listed;
            counts.ended += more.ended;
        }
    }

    /// All counts, by kind and Regions.
    pub fn iter(&self) -> impl Iterator<Item = (&LedgerKey, LedgerCounts)> {
        self.0.iter().map(|(key, counts)| (key, *counts))
    }

    /// An internal error for each pair of numbers that differ.
    pub fn differences(&self) -> impl Iterator<Item = (&Region, Cause)> {
        self.iter().filter(|(_, counts)| counts.listed != counts.ended).map(|(key, counts)| {
            let LedgerKey { kind, source, target } = key;
            let LedgerCounts { listed, ended } = counts;
            let message = format!(
                "internal error: {source} has {listed} {kind}s to replicate to {target}, but {ended} of them have an outcome"
            );
            (target, Cause::new(FailureKind::Bug, message))
        })
    }

    fn counts(&mut self, kind: Kind, source: &Region, target: &Region) -> &mut LedgerCounts {
        let (source, target) = (source.clone(), target.clone());
        self.0.entry(LedgerKey { kind, source, target }).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::parse(name).expect("a Region")
    }

    #[test]
    fn different_numbers_are_an_internal_error_that_names_both() {
        let (source, target) = (region("us-east-2"), region("us-west-2"));
        let mut ledger = Ledger::default();
        ledger.list(Kind::Secret, &source, &target, 12);
        let mut other = Ledger::default();
        other.end(Kind::Secret, &source, &target, 11);
        ledger.merge(other);
        let found: Vec<_> = ledger.differences().collect();
        let [(at, cause)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((*at, cause.kind), (&target, FailureKind::Bug));
        assert_eq!(
            cause.message,
            "internal error: us-east-2 has 12 secrets to replicate to us-west-2, but 11 of them have an outcome"
        );
        ledger.end(Kind::Secret, &source, &target, 1);
        assert_eq!(ledger.differences().count(), 0);
        ledger.end(Kind::Parameter, &source, &target, 1);
        assert_eq!(ledger.differences().count(), 1, "an outcome without a source");
    }
}
