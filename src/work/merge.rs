//! Merges the expectations of several events about one item into those that can all be met.
//!
//! A later event replaces an earlier one that contradicts it: no later read can show both.

use crate::domain::{Expectation, Timestamp};

/// An expectation with the time of its event.
#[derive(Clone, Debug)]
pub(super) struct DatedExpectation {
    pub(super) at: Option<Timestamp>,
    pub(super) expect: Expectation,
}

impl DatedExpectation {
    /// Both times are known and this one is later. `CloudTrail`'s times are whole seconds: of two events in the same
    /// second neither is later.
    fn is_after(&self, other: &Self) -> bool {
        matches!((self.at, other.at), (Some(this), Some(that)) if this > that)
    }

    /// Whether the event sets or removes this tag.
    fn names_tag(&self, key: &str) -> bool {
        self.expect.tags_gone.contains(key) || self.expect.tags_set.iter().any(|(k, _)| k == key)
    }
}

/// The expectations that remain, without duplicates, in the order of `all`.
pub(super) fn merge_expectations(all: &[DatedExpectation]) -> Vec<Expectation> {
    let mut merged: Vec<Expectation> = Vec::new();
    for one in all {
        let later = || all.iter().filter(|other| other.is_after(one));
        // A write or a tag event expects that the item exists, a deletion that it does not.
        if later().any(|other| other.expect.absent != one.expect.absent) {
            continue;
        }
        let mut expect = one.expect.clone();
        expect.tags_set.retain(|(key, _)| !later().any(|other| other.names_tag(key)));
        expect.tags_gone.retain(|key| !later().any(|other| other.names_tag(key)));
        if expect != Expectation::default() && !merged.contains(&expect) {
            merged.push(expect);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(second: i64, expect: Expectation) -> DatedExpectation {
        DatedExpectation { at: Some(Timestamp::from_millis(second * 1000)), expect }
    }

    fn version(version: i64) -> Expectation {
        Expectation { version: Some(version), ..Expectation::default() }
    }

    fn absent() -> Expectation {
        Expectation { absent: true, ..Expectation::default() }
    }

    fn set(key: &str, value: &str) -> Expectation {
        let tags_set = vec![(key.to_owned(), value.to_owned())];
        Expectation { tags_set, ..Expectation::default() }
    }

    fn gone(key: &str) -> Expectation {
        Expectation { tags_gone: BTreeSet::from([key.to_owned()]), ..Expectation::default() }
    }

    #[test]
    fn writes_are_all_kept_and_duplicates_removed() {
        let all = vec![at(1, version(1)), at(2, version(2)), at(2, version(2))];
        assert_eq!(merge_expectations(&all), [version(1), version(2)]);
        assert_eq!(merge_expectations(&[]), []);
    }

    #[test]
    fn a_later_deletion_replaces_earlier_events_and_a_later_write_the_deletion() {
        let before = [at(1, version(1)), at(2, set("a", "1"))];
        let deleted = [before.to_vec(), vec![at(3, absent())]].concat();
        assert_eq!(merge_expectations(&deleted), [absent()]);
        let again = [vec![at(4, version(1))], deleted].concat();
        assert_eq!(merge_expectations(&again), [version(1)]);
    }

    #[test]
    fn the_last_event_decides_a_tag() {
        let all = vec![
            at(1, set("a", "1")),
            at(3, gone("a")),
            at(2, set("a", "2")),
            at(1, set("b", "1")),
        ];
        assert_eq!(merge_expectations(&all), [gone("a"), set("b", "1")]);
    }

    #[test]
    fn without_an_order_every_expectation_is_kept() {
        let same_second = vec![at(1, version(1)), at(1, absent())];
        assert_eq!(merge_expectations(&same_second).len(), 2);
        let undated = vec![at(1, version(1)), DatedExpectation { at: None, expect: absent() }];
        assert_eq!(merge_expectations(&undated).len(), 2);
    }
}
