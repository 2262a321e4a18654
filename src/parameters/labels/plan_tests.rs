//! The plan, checked against a model of AWS's rules.

use proptest::prelude::*;

use super::*;
use crate::domain::{SecretText, Timestamp, Version};

/// A history with versions from 1: each has a value, and labels separated by spaces.
fn history(versions: &[(&str, &str)]) -> LabelHistory {
    let kept = versions.iter().zip(1..).map(|((value, labels), number)| KeptVersion {
        version: Version { number, modified: Timestamp::from_millis(number) },
        value: Some(SecretText::new((*value).to_owned())),
        labels: labels.split_whitespace().map(str::to_owned).collect(),
    });
    LabelHistory::new(kept.collect())
}

/// The history without its values.
fn sealed(history: &LabelHistory) -> LabelHistory {
    let sealed = |kept: &KeptVersion| KeptVersion { value: None, ..kept.clone() };
    LabelHistory::new(history.versions().iter().map(sealed).collect())
}

/// The replica's labels after the steps. Asserts AWS's rules at each step.
fn carried_out(replica: &LabelHistory, steps: &[LabelStep]) -> BTreeMap<String, i64> {
    let labels = replica.labels();
    let mut now: BTreeMap<String, i64> =
        labels.into_iter().map(|(label, version)| (label.to_owned(), version)).collect();
    for step in steps {
        match step {
            LabelStep::Attach { version, labels } => {
                assert!((1..=10).contains(&labels.len()), "{step:?}");
                assert!(replica.versions().iter().any(|kept| kept.version.number == *version));
                now.extend(labels.iter().map(|label| (label.clone(), *version)));
                let there = now.values().filter(|at| *at == version).count();
                assert!(there <= LABELS_PER_VERSION, "{there} labels on version {version}");
            }
            LabelStep::Detach { version, labels } => {
                assert!((1..=10).contains(&labels.len()), "{step:?}");
                for label in labels {
                    assert_eq!(now.remove(label), Some(*version), "{label} is not there");
                }
            }
        }
    }
    now
}

fn value(history: &LabelHistory, version: i64) -> &SecretText {
    let kept = history.versions().iter().find(|kept| kept.version.number == version);
    kept.and_then(|kept| kept.value.as_ref()).expect("a version with its value")
}

fn attach(version: i64, label: &str) -> LabelStep {
    LabelStep::Attach { version, labels: vec![label.to_owned()] }
}

fn detach(version: i64, label: &str) -> LabelStep {
    LabelStep::Detach { version, labels: vec![label.to_owned()] }
}

/// Ten labels with consecutive numbers.
fn ten(from: usize) -> String {
    (from..from + 10).map(|n| format!("l{n:02}")).collect::<Vec<_>>().join(" ")
}

fn names(labels: &str) -> BTreeSet<String> {
    labels.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn equal_labels_need_no_step() {
    let source = history(&[("a", "old"), ("b", ""), ("c", "live")]);
    let replica = history(&[("a", "old"), ("c", "live")]);
    assert_eq!(plan(&source, &replica), LabelPlan::default());
    assert_eq!(plan(&LabelHistory::default(), &LabelHistory::default()), LabelPlan::default());
}

#[test]
fn a_label_goes_to_the_newest_version_of_its_value_and_stays_on_a_right_one() {
    let source = history(&[("a", "old"), ("b", "mid"), ("a", "live"), ("c", "now")]);
    let replica = history(&[("a", "live"), ("a", ""), ("b", "now"), ("b", ""), ("c", "")]);
    let planned = plan(&source, &replica);
    assert_eq!(planned.steps, [attach(2, "old"), attach(4, "mid"), attach(5, "now")]);
    // Without values, only the current version is known to be a copy.
    let (source, replica) = (history(&[("a", "now")]), history(&[("a", "now"), ("a", "")]));
    assert_eq!(plan(&source, &replica).steps, []);
    assert_eq!(plan(&sealed(&source), &sealed(&replica)).steps, [attach(2, "now")]);
}

#[test]
fn a_label_that_the_source_lacks_or_whose_value_is_missing_is_detached() {
    let source = history(&[("a", "lost"), ("b", "")]);
    let replica = history(&[("b", "theirs"), ("b", "lost")]);
    let planned = plan(&source, &replica);
    assert_eq!(planned.steps, [detach(1, "theirs"), detach(2, "lost")]);
    assert_eq!(planned.without_version, names("lost"));
    // A right label on the same version is not written again.
    let replica = history(&[("a", "lost theirs"), ("b", "")]);
    assert_eq!(plan(&source, &replica).steps, [detach(1, "theirs")]);
}

#[test]
fn two_full_versions_of_one_value_fill_two_of_the_replica_and_other_labels_have_no_room() {
    let source = history(&[("a", &ten(0)), ("a", &ten(10)), ("b", "")]);
    let roomy = history(&[("a", ""), ("a", ""), ("b", "")]);
    let planned = plan(&source, &roomy);
    assert_eq!(carried_out(&roomy, &planned.steps).len(), 20);
    assert_eq!(planned.no_room, names(""));
    let narrow = history(&[("a", ""), ("b", "")]);
    let planned = plan(&source, &narrow);
    assert_eq!(carried_out(&narrow, &planned.steps).len(), 10);
    assert_eq!(planned.no_room, names(&ten(0)));
}

#[test]
fn two_full_versions_exchange_their_labels() {
    let source = history(&[("a", &ten(10)), ("b", &ten(0))]);
    let replica = history(&[("a", &ten(0)), ("b", &ten(10))]);
    let planned = plan(&source, &replica);
    let expected: BTreeMap<String, i64> =
        source.labels().into_iter().map(|(label, version)| (label.to_owned(), version)).collect();
    assert_eq!(carried_out(&replica, &planned.steps), expected);
}

#[test]
fn without_values_older_labels_stay_as_they_are_and_the_current_ones_follow() {
    let source = history(&[("a", "old older"), ("b", "live")]);
    let replica = history(&[("a", "old live theirs"), ("b", "")]);
    // Values of one side alone do not help.
    for (source, replica) in [
        (&sealed(&source), &sealed(&replica)),
        (&source, &sealed(&replica)),
        (&sealed(&source), &replica),
    ] {
        let planned = plan(source, replica);
        assert_eq!(planned.steps, [detach(1, "theirs"), attach(2, "live")]);
        assert_eq!(planned.unknown, names("old older"));
        assert_eq!(planned.without_version, names(""));
    }
}

#[test]
fn labels_that_stay_because_of_unknown_values_take_room() {
    let source = sealed(&history(&[("a", "u1 u2 u3 u4 u5 u6"), ("b", "n1 n2 n3 n4 n5")]));
    let replica = sealed(&history(&[("b", "u1 u2 u3 u4 u5 u6")]));
    let planned = plan(&source, &replica);
    assert_eq!(carried_out(&replica, &planned.steps).len(), 10);
    assert_eq!(planned.no_room, names("n5"));
    assert_eq!(planned.unknown, names("u1 u2 u3 u4 u5 u6"));
}

#[test]
fn a_moving_label_is_detached_first_only_if_its_version_would_be_too_full() {
    let replica = history(&[("a", "l1 l2 l3 l4 l5 stays"), ("b", "")]);
    let planned = |incoming: &str| {
        let there = format!("stays {incoming}");
        plan(&history(&[("a", &there), ("b", "l1 l2 l3 l4 l5")]), &replica).steps
    };
    let of = |labels: &str| labels.split_whitespace().map(str::to_owned).collect();
    let attached = |version, labels| LabelStep::Attach { version, labels: of(labels) };
    let leaving = attached(2, "l1 l2 l3 l4 l5");
    assert_eq!(planned("m1 m2 m3 m4"), [attached(1, "m1 m2 m3 m4"), leaving.clone()]);
    let room = LabelStep::Detach { version: 1, labels: of("l1 l2 l3 l4 l5") };
    assert_eq!(
        planned("m1 m2 m3 m4 m5"),
        [room, attached(1, "m1 m2 m3 m4 m5"), leaving],
        "a label that stays is not touched"
    );
}

#[test]
fn a_needless_label_on_the_oldest_version_is_detached() {
    let replica = history(&[("a", "old"), ("b", "")]);
    let of = |source: &[(&str, &str)]| free_oldest(&history(source), &replica);
    assert_eq!(of(&[("a", "old"), ("c", "")]), []);
    for gone in [
        // At the source: on the current version, on a version of another value, and on no version.
        &[("a", ""), ("c", "old")][..],
        &[("a", ""), ("b", "old"), ("c", "")],
        &[("a", ""), ("c", "")],
    ] {
        assert_eq!(of(gone), [detach(1, "old")]);
    }
    let source = history(&[("a", "old"), ("c", "")]);
    let twice = history(&[("a", "old gone"), ("a", ""), ("b", "")]);
    assert_eq!(free_oldest(&source, &twice), [detach(1, "gone"), attach(2, "old")]);
    for (source, replica) in [
        (&sealed(&source), &replica),
        (&source, &sealed(&replica)),
        (&sealed(&source), &sealed(&replica)),
    ] {
        assert_eq!(free_oldest(source, replica), [], "a label that is not known to be wrong stays");
    }
    assert_eq!(free_oldest(&source, &sealed(&twice)), [detach(1, "gone")]);
    assert_eq!(free_oldest(&source, &history(&[("a", "")])), []);
}

#[test]
fn labels_leave_the_oldest_version_only_for_versions_with_room() {
    let source = history(&[("a", "old older"), ("c", "")]);
    let nine = "n1 n2 n3 n4 n5 n6 n7 n8 n9";
    let of = |newer: &[(&str, &str)]| {
        let versions: Vec<_> = [("a", "old older")].iter().chain(newer).copied().collect();
        free_oldest(&source, &history(&versions))
    };
    assert_eq!(of(&[("a", &ten(0)), ("c", "")]), []);
    assert_eq!(of(&[("a", nine), ("c", "")]), [attach(2, "old")]);
    // The newest version fills up first.
    assert_eq!(of(&[("a", ""), ("a", nine), ("c", "")]), [attach(2, "older"), attach(3, "old")]);
    let both = LabelStep::Attach { version: 2, labels: vec!["old".into(), "older".into()] };
    assert_eq!(of(&[("a", "n1 n2 n3 n4 n5 n6 n7 n8"), ("c", "")]), [both]);
}

/// A history of a few values, with at most 10 labels on each version: many versions, or few crowded ones.
fn any_history(labels: &'static [&'static str]) -> impl Strategy<Value = LabelHistory> {
    prop_oneof![any_history_of(9, labels), any_history_of(3, labels)]
}

fn any_history_of(
    versions: usize,
    labels: &'static [&'static str],
) -> impl Strategy<Value = LabelHistory> {
    let values = proptest::collection::vec("[abc]", 1..=versions);
    let places = proptest::collection::vec(proptest::option::of(0..versions), labels.len());
    (values, places).prop_map(move |(values, places)| {
        let mut on: Vec<Vec<&str>> = vec![Vec::new(); values.len()];
        for (label, place) in labels.iter().zip(places) {
            if let Some(there) = place.and_then(|place| on.get_mut(place))
                && there.len() < LABELS_PER_VERSION
            {
                there.push(label);
            }
        }
        let on: Vec<String> = on.into_iter().map(|labels| labels.join(" ")).collect();
        let versions: Vec<(&str, &str)> =
            values.iter().map(String::as_str).zip(on.iter().map(String::as_str)).collect();
        history(&versions)
    })
}

const MANY: &[&str] = &[
    "l01", "l02", "l03", "l04", "l05", "l06", "l07", "l08", "l09", "l10", "l11", "l12", "l13",
    "l14", "l15", "l16", "l17", "l18", "l19", "l20", "l21", "l22", "l23", "l24",
];

proptest! {
    #[test]
    fn every_label_gives_the_sources_value_or_is_reported_as_missing(
        source in any_history(MANY), replica in any_history(MANY)
    ) {
        // The replica's current version copies the source's current version.
        let copy = KeptVersion {
            version: Version { number: 99, modified: Timestamp::from_millis(99) },
            value: source.current().and_then(|kept| kept.value.clone()),
            labels: BTreeSet::new(),
        };
        let replica = LabelHistory::new(replica.versions().iter().cloned().chain([copy]).collect());
        let planned = plan(&source, &replica);
        let labels = carried_out(&replica, &planned.steps);
        let reported = planned.without_version.len() + planned.no_room.len();
        prop_assert_eq!(labels.len() + reported, source.labels().len());
        for (label, version) in source.labels() {
            match labels.get(label) {
                Some(there) => prop_assert!(value(&replica, *there) == value(&source, version)),
                None => prop_assert!(
                    planned.no_room.contains(label)
                        || planned.without_version.contains(label) && !replica.has_value(value(&source, version))
                ),
            }
        }
        prop_assert_eq!(&planned.unknown, &names(""));
        // A second plan after the steps is empty.
        let relabelled = replica.versions().iter().map(|kept| KeptVersion {
            labels: labels.iter().filter(|(_, at)| **at == kept.version.number).map(|(l, _)| l.clone()).collect(),
            ..kept.clone()
        });
        prop_assert_eq!(plan(&source, &LabelHistory::new(relabelled.collect())).steps, []);
    }

    #[test]
    fn without_values_no_older_label_moves_and_no_version_is_overfilled(
        source in any_history(MANY), replica in any_history(MANY), which in 0..3
    ) {
        let source = if which == 1 { source } else { sealed(&source) };
        let replica = if which == 2 { replica } else { sealed(&replica) };
        let planned = plan(&source, &replica);
        let (labels, before) = (carried_out(&replica, &planned.steps), replica.labels());
        for label in &planned.unknown {
            prop_assert_eq!(labels.get(label), before.get(label.as_str()));
        }
        let current = source.current().map(|kept| kept.labels.clone()).unwrap_or_default();
        for label in &current {
            prop_assert!(labels.contains_key(label) || planned.no_room.contains(label));
        }
        for label in labels.keys() {
            prop_assert!(current.contains(label) || planned.unknown.contains(label));
        }
    }
}
