//! The wait for what an event told to be readable: reads lag behind writes.
//!
//! A lapse is no failure: what is read then is gone on with, and the confirmation and the sweep see to the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::deadline::reserve;
use crate::domain::{Expectation, Item, ParameterName, Tags, Version, Wanted};
use crate::parameters::context::RouteContext;
use crate::parameters::store::{ByName, tags_of, versions};

/// Between reads; each pause is longer than the one before by this.
const PAUSE: Duration = Duration::from_millis(500);
/// The event's own time is cut to whole seconds.
const WHOLE_SECOND: Duration = Duration::from_secs(1);
/// The event's own time has whole seconds, and its service's clock is another.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);

/// Reads the versions of all wanted parameters in the source, again and again until each reads as its events say.
pub(super) async fn settled(context: &RouteContext<'_>, wanted: &[Wanted]) -> ByName<Version> {
    let mut open: BTreeMap<ParameterName, &[Expectation]> = wanted
        .iter()
        .filter_map(|wanted| match &wanted.item {
            Item::Parameter(name) => Some((name.clone(), wanted.expect.as_slice())),
            Item::Secret(_) => None,
        })
        .collect();
    let mut settled = ByName::new();
    let (mut waited, mut pause) = (Duration::ZERO, PAUSE);
    loop {
        let names: Vec<ParameterName> = open.keys().cloned().collect();
        let of_tags: Vec<ParameterName> = open
            .iter()
            .filter(|(_, expect)| expect.iter().any(names_tags))
            .map(|(name, _)| name.clone())
            .collect();
        let (read, tags) = futures::join!(
            versions(context.session, context.source, &names),
            tags_of(context.session, context.source, &of_tags)
        );
        for (name, version) in read {
            let expect = open.get(&name).copied().unwrap_or_default();
            let stands = match &version {
                Ok(version) => {
                    let tags = tags
                        .get(&name)
                        .and_then(|tags| tags.as_ref().ok())
                        .and_then(Option::as_ref);
                    // Absent after a deletion was told, whatever write was told beside it.
                    let gone =
                        version.is_none() && expect.iter().any(|expectation| expectation.absent);
                    gone || expect.iter().all(|expectation| met(expectation, *version, tags))
                }
                Err(_) => true,
            };
            if stands {
                open.remove(&name);
            }
            settled.remove(&name);
            settled.insert(name, version);
        }
        let over = waited + pause > reserve::EVENT_WAIT
            || !context.policy.deadline.leaves(reserve::EVENT_WAIT);
        if open.is_empty() || over {
            return settled;
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause += PAUSE;
    }
}

fn names_tags(expectation: &Expectation) -> bool {
    !expectation.tags_set.is_empty() || !expectation.tags_gone.is_empty()
}

/// Whether what was read is what the event told, or newer.
fn met(expectation: &Expectation, read: Option<Version>, tags: Option<&Tags>) -> bool {
    let Expectation { version, at, absent, tags_set, tags_gone, labels: _ } = expectation;
    let Some(read) = read else {
        // Nothing to wait for but a write that cannot be read yet.
        return *absent || version.is_none() && at.is_none();
    };
    let not_before = |slack: Duration| at.is_some_and(|at| read.modified.plus(slack) >= at);
    if *absent {
        // What was written in the second of the deletion may be what was deleted.
        return at.is_some_and(|at| read.modified >= at.plus(WHOLE_SECOND));
    }
    let written = match version {
        // A version before this one that was written in the same moment must not pass for it.
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

    fn is_met(expectation: &Expectation, number: i64, millis: i64) -> bool {
        met(expectation, Some(Version { number, modified: Timestamp::from_millis(millis) }), None)
    }

    #[test]
    fn a_write_is_met_by_its_version_or_a_later_date() {
        let write = Expectation {
            version: Some(5),
            at: Some(Timestamp::from_millis(100_000)),
            ..Expectation::default()
        };
        assert!(is_met(&write, 5, 0));
        assert!(!is_met(&write, 4, 100_900));
        // Deleted and created again since.
        assert!(is_met(&write, 1, 102_000));
        assert!(!met(&write, None, None));
        let undated = Expectation { version: None, ..write };
        assert!(is_met(&undated, 1, 98_000));
        assert!(!is_met(&undated, 9, 97_999));
    }

    #[test]
    fn a_deletion_is_met_by_absence_or_a_later_date() {
        let deletion = Expectation {
            absent: true,
            at: Some(Timestamp::from_millis(100_000)),
            ..Expectation::default()
        };
        assert!(met(&deletion, None, None));
        assert!(!is_met(&deletion, 5, 99_000));
        assert!(!is_met(&deletion, 5, 100_999));
        assert!(is_met(&deletion, 1, 101_000));
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
        assert!(met(
            &tagged,
            Some(Version { number: 1, modified: Timestamp::from_millis(0) }),
            Some(&tags(&[("team", "a"), ("x", "y")]))
        ));
        assert!(!met(
            &tagged,
            Some(Version { number: 1, modified: Timestamp::from_millis(0) }),
            Some(&tags(&[("team", "b")]))
        ));
        assert!(!met(
            &tagged,
            Some(Version { number: 1, modified: Timestamp::from_millis(0) }),
            Some(&tags(&[("team", "a"), ("old", "")]))
        ));
        assert!(is_met(&Expectation::default(), 1, 0));
    }
}
