//! The books of a sweep: how many sources each list showed, and how many of them came to an outcome.
//!
//! The two numbers are counted apart from each other, the first from the list and the second from the outcomes: what is
//! dropped on the way between them shows as a difference, and is never taken for parity.

use std::collections::BTreeMap;

use super::failure::{Cause, FailureKind};
use super::item::Kind;
use super::location::Region;

/// What is counted together: sources of one kind, on the way from one Region to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerKey {
    /// Parameters or secrets.
    pub kind: Kind,
    /// The Region that was listed.
    pub source: Region,
    /// The Region of the replicas.
    pub target: Region,
}

/// Sources, and outcomes of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Sources that the list showed.
    pub listed: u64,
    /// Those that came to an outcome.
    pub ended: u64,
}

/// The sums of one account's sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger(BTreeMap<LedgerKey, LedgerCounts>);

impl Ledger {
    /// A list showed so many sources.
    pub fn list(&mut self, kind: Kind, source: &Region, target: &Region, sources: usize) {
        self.sums(kind, source, target).listed += sources as u64;
    }

    /// So many of them came to an outcome.
    pub fn end(&mut self, kind: Kind, source: &Region, target: &Region, sources: u64) {
        self.sums(kind, source, target).ended += sources;
    }

    /// Takes another part of the same account's books in.
    pub fn merge(&mut self, other: Self) {
        for (LedgerKey { kind, source, target }, sums) in other.0 {
            let own = self.sums(kind, &source, &target);
            own.listed += sums.listed;
            own.ended += sums.ended;
        }
    }

    /// The pages and their sums.
    pub fn iter(&self) -> impl Iterator<Item = (&LedgerKey, LedgerCounts)> {
        self.0.iter().map(|(page, sums)| (page, *sums))
    }

    /// An internal error for each page whose two sums differ.
    pub fn differences(&self) -> impl Iterator<Item = (&Region, Cause)> {
        self.iter().filter(|(_, sums)| sums.listed != sums.ended).map(|(page, sums)| {
            let LedgerKey { kind, source, target } = page;
            let LedgerCounts { listed, ended } = sums;
            let message = format!(
                "internal error: {source} has {listed} {kind}s to be replicated to {target}, and {ended} of them have an outcome"
            );
            (target, Cause::new(FailureKind::Bug, message))
        })
    }

    fn sums(&mut self, kind: Kind, source: &Region, target: &Region) -> &mut LedgerCounts {
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
    fn equal_sums_are_no_difference_and_unequal_ones_name_both() {
        let (source, target) = (region("us-east-2"), region("us-west-2"));
        let mut ledger = Ledger::default();
        ledger.list(Kind::Secret, &source, &target, 12);
        let mut other = Ledger::default();
        other.end(Kind::Secret, &source, &target, 11);
        ledger.merge(other);
        let told: Vec<_> = ledger.differences().collect();
        let [(at, cause)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((*at, cause.kind), (&target, FailureKind::Bug));
        assert_eq!(
            cause.message,
            "internal error: us-east-2 has 12 secrets to be replicated to us-west-2, and 11 of them have an outcome"
        );
        ledger.end(Kind::Secret, &source, &target, 1);
        assert_eq!(ledger.differences().count(), 0);
        ledger.end(Kind::Parameter, &source, &target, 1);
        assert_eq!(ledger.differences().count(), 1, "an outcome without a source");
    }
}
