//! Waits until the source shows what an event reports, because reads lag behind writes.
//!
//! A timeout is not a failure: the pass continues with the last read, and confirmation and sweep correct what it missed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::deadline::reserve;
use crate::domain::{Expectation, Item, ParameterName, Tags, Version, Wanted};
use crate::parameters::context::RouteContext;
use crate::parameters::store::{ByName, tags_of, versions};

/// The first pause between two reads. Each later pause is longer by the same amount.
const PAUSE: Duration = Duration::from_millis(500);
/// The time of an event is cut to whole seconds.
const WHOLE_SECOND: Duration = Duration::from_secs(1);
/// The time of an event has whole seconds and comes from a different clock.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);

/// Reads the versions of all wanted parameters in the source until each meets the expectations of its events.
pub(super) async fn await_events(context: &RouteContext<'_>, wanted: &[Wanted]) -> ByName<Version> {
    let mut waiting: BTreeMap<ParameterName, &[Expectation]> = wanted
        .iter()
        .filter_map(|wanted| match &wanted.item {
            Item::Parameter(name) => Some((name.clone(), wanted.expect.as_slice())),
            Item::Secret(_) => None,
        })
        .collect();
    let mut latest = ByName::new();
    let (mut waited, mut pause) = (Duration::ZERO, PAUSE);
    loop {
        let names: Vec<ParameterName> = waiting.keys().cloned().collect();
        let of_tags: Vec<ParameterName> = waiting
            .iter()
            .filter(|(_, expect)| expect.iter().any(names_tags))
            .map(|(name, _)| name.clone())
            .collect();
        let (read, tags) = futures::join!(
            versions(context.session, context.source, &names),
            tags_of(context.session, context.source, &of_tags)
        );
        for (name, version) in read {
            let expect = waiting.get(&name).copied().unwrap_or_default();
            let tags = tags.get(&name).and_then(|tags| tags.as_ref().ok()).and_then(Option::as_ref);
            if version.as_ref().map_or(true, |version| all_met(expect, *version, tags)) {
                waiting.remove(&name);
            }
            latest.remove(&name);
            latest.insert(name, version);
        }
        let timed_out = waited + pause > reserve::EVENT_WAIT
            || !context.policy.deadline.leaves(reserve::EVENT_WAIT);
        if waiting.is_empty() || timed_out {
            return latest;
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause += PAUSE;
    }
}

/// Whether a read meets all expectations of one parameter.
fn all_met(expect: &[Expectation], read: Option<Version>, tags: Option<&Tags>) -> bool {
    // An absent source meets a deletion event, whatever writes other events report.
    let is_deleted = read.is_none() && expect.iter().any(|expectation| expectation.absent);
    is_deleted || expect.iter().all(|expectation| is_met(expectation, read, tags))
}

fn names_tags(expectation: &Expectation) -> bool {
    !expectation.tags_set.is_empty() || !expectation.tags_gone.is_empty()
}

/// Whether a read shows what the event reports, or something newer.
fn is_met(expectation: &Expectation, read: Option<Version>, tags: Option<&Tags>) -> bool {
    let Expectation { version, at, absent, tags_set, tags_gone, labels: _ } = expectation;
    let Some(read) = read else {
        // The source is absent: only a write that does not appear yet is worth waiting for.
        return *absent || version.is_none() && at.is_none();
    };
    let not_before = |slack: Duration| at.is_some_and(|at| read.modified.plus(slack) >= at);
    if *absent {
        // A version written in the second of the deletion may be the deleted one.
        return at.is_some_and(|at| read.modified >= at.plus(WHOLE_SECOND));
    }
    let written = match version {
        // An earlier version of the same second must not count as this one.
        Some(version) => {
            read.number >= *version || at.is_some_and(|at| read.modified >= at.plus(CLOCKS_DIFFER))
        }
        None => at.is_none() || names_tags(expectation) || not_before(CLOCKS_DIFFER),
    };
    let tagged = !names_tags(expectation)
        || tags.is_none_or(|tags| {
            tags_set.iter().all(|(key, value)| tags.get(key) == Some(value))
                && tags_gone.iter().all(|key| !tags.contains_key(key))
        });
    written && tagged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::Timestamp;

    fn is_met_by(expectation: &Expectation, number: i64, millis: i64) -> bool {
        is_met(
            expectation,
            Some(Version { number, modified: Timestamp::from_millis(millis) }),
            None,
        )
    }

    #[test]
    fn a_write_is_met_by_its_version_or_a_later_date() {
        let write = Expectation {
            version: Some(5),
            at: Some(Timestamp::from_millis(100_000)),
            ..Expectation::default()
        };
        assert!(is_met_by(&write, 5, 0));
        assert!(!is_met_by(&write, 4, 100_900));
        // The source was deleted and created again meanwhile.
        assert!(is_met_by(&write, 1, 102_000));
        assert!(!is_met(&write, None, None));
        let undated = Expectation { version: None, ..write };
        assert!(is_met_by(&undated, 1, 98_000));
        assert!(!is_met_by(&undated, 9, 97_999));
    }

    #[test]
    fn a_deletion_is_met_by_absence_or_a_later_date() {
        let deletion = Expectation {
            absent: true,
            at: Some(Timestamp::from_millis(100_000)),
            ..Expectation::default()
        };
        assert!(is_met(&deletion, None, None));
        assert!(!is_met_by(&deletion, 5, 99_000));
        assert!(!is_met_by(&deletion, 5, 100_999));
        assert!(is_met_by(&deletion, 1, 101_000));
    }

    #[test]
    fn a_tag_event_is_met_by_the_tags_that_it_names() {
        let tagged = Expectation {
            at: Some(Timestamp::from_millis(100_000)),
            tags_set: vec![("team".into(), "a".into())],
            tags_gone: BTreeSet::from(["old".into()]),
            ..Expectation::default()
        };
        let tags = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Tags>()
        };
        assert!(is_met(
            &tagged,
            Some(Version { number: 1, modified: Timestamp::from_millis(0) }),
            Some(&tags(&[("team", "a"), ("x", "y")]))
        ));
        assert!(!is_met(
            &tagged,
            Some(Version { number: 1, modified: Timestamp::from_millis(0) }),
            Some(&tags(&[("team", "b")]))
        ));
        assert!(!is_met(
            &tagged,
            Some(Version { number: 1, modified: Timestamp::from_millis(0) }),
            Some(&tags(&[("team", "a"), ("old", "")]))
        ));
        assert!(is_met_by(&Expectation::default(), 1, 0));
    }
}
