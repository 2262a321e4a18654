//! The plan against a model of AWS's rules.

use proptest::prelude::*;

use super::*;
use crate::domain::{SecretText, Timestamp, Version};

/// Versions from 1 on: a value, and labels with spaces between.
fn history(versions: &[(&str, &str)]) -> History {
    let kept = versions.iter().zip(1..).map(|((value, labels), number)| Kept {
        version: Version { number, modified: Timestamp::from_millis(number) },
        value: Some(SecretText::new((*value).to_owned())),
        labels: labels.split_whitespace().map(str::to_owned).collect(),
    });
    History::new(kept.collect())
}

/// The same without its values.
fn sealed(history: &History) -> History {
    let sealed = |kept: &Kept| Kept { value: None, ..kept.clone() };
    History::new(history.versions().iter().map(sealed).collect())
}

/// A replica's labels after the steps; AWS's rules hold at each of them.
fn carried_out(replica: &History, steps: &[LabelStep]) -> BTreeMap<String, i64> {
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
            LabelStep::TakeOff { version, labels } => {
                assert!((1..=10).contains(&labels.len()), "{step:?}");
                for label in labels {
                    assert_eq!(now.remove(label), Some(*version), "{label} is not there");
                }
            }
        }
    }
    now
}

fn value(history: &History, version: i64) -> &SecretText {
    let kept = history.versions().iter().find(|kept| kept.version.number == version);
    kept.and_then(|kept| kept.value.as_ref()).expect("a version with its value")
}

fn attach(version: i64, label: &str) -> LabelStep {
    LabelStep::Attach { version, labels: vec![label.to_owned()] }
}

fn take_off(version: i64, label: &str) -> LabelStep {
    LabelStep::TakeOff { version, labels: vec![label.to_owned()] }
}

/// The labels from `l…` on, ten of them.
fn ten(from: usize) -> String {
    (from..from + 10).map(|n| format!("l{n:02}")).collect::<Vec<_>>().join(" ")
}

fn names(labels: &str) -> BTreeSet<String> {
    labels.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn labels_that_agree_ask_for_nothing() {
    let source = history(&[("a", "old"), ("b", ""), ("c", "live")]);
    let replica = history(&[("a", "old"), ("c", "live")]);
    assert_eq!(plan(&source, &replica), LabelPlan::default());
    assert_eq!(plan(&History::default(), &History::default()), LabelPlan::default());
}

#[test]
fn a_label_goes_where_its_value_is_newest_and_stays_where_its_value_is_right() {
    let source = history(&[("a", "old"), ("b", "mid"), ("a", "live"), ("c", "now")]);
    let replica = history(&[("a", "live"), ("a", ""), ("b", "now"), ("b", ""), ("c", "")]);
    let planned = plan(&source, &replica);
    assert_eq!(planned.steps, [attach(2, "old"), attach(4, "mid"), attach(5, "now")]);
    // Without values only the current version is known to be the copy.
    let (source, replica) = (history(&[("a", "now")]), history(&[("a", "now"), ("a", "")]));
    assert_eq!(plan(&source, &replica).steps, []);
    assert_eq!(plan(&sealed(&source), &sealed(&replica)).steps, [attach(2, "now")]);
}

#[test]
fn a_label_that_the_source_has_not_or_whose_value_is_nowhere_is_taken_off() {
    let source = history(&[("a", "lost"), ("b", "")]);
    let replica = history(&[("b", "theirs"), ("b", "lost")]);
    let planned = plan(&source, &replica);
    assert_eq!(planned.steps, [take_off(1, "theirs"), take_off(2, "lost")]);
    assert_eq!(planned.lacking, names("lost"));
    // What is right beside it is not written once more.
    let replica = history(&[("a", "lost theirs"), ("b", "")]);
    assert_eq!(plan(&source, &replica).steps, [take_off(1, "theirs")]);
}

#[test]
fn two_full_versions_of_one_value_fill_two_of_the_replica_and_the_rest_is_crowded() {
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
fn labels_change_places_between_two_full_versions() {
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
    // Values of one side alone tell no more than none.
    for (source, replica) in [
        (&sealed(&source), &sealed(&replica)),
        (&source, &sealed(&replica)),
        (&sealed(&source), &replica),
    ] {
        let planned = plan(source, replica);
        assert_eq!(planned.steps, [take_off(1, "theirs"), attach(2, "live")]);
        assert_eq!(planned.unknown, names("old older"));
        assert_eq!(planned.lacking, names(""));
    }
}

#[test]
fn labels_that_stay_for_want_of_values_leave_less_room_for_others() {
    let source = sealed(&history(&[("a", "u1 u2 u3 u4 u5 u6"), ("b", "n1 n2 n3 n4 n5")]));
    let replica = sealed(&history(&[("b", "u1 u2 u3 u4 u5 u6")]));
    let planned = plan(&source, &replica);
    assert_eq!(carried_out(&replica, &planned.steps).len(), 10);
    assert_eq!(planned.no_room, names("n5"));
    assert_eq!(planned.unknown, names("u1 u2 u3 u4 u5 u6"));
}

#[test]
fn a_label_that_moves_is_taken_off_before_only_where_its_version_would_be_too_full() {
    let replica = history(&[("a", "l1 l2 l3 l4 l5 stays"), ("b", "")]);
    let planned = |incoming: &str| {
        let there = format!("stays {incoming}");
        plan(&history(&[("a", &there), ("b", "l1 l2 l3 l4 l5")]), &replica).steps
    };
    let of = |labels: &str| labels.split_whitespace().map(str::to_owned).collect();
    let attached = |version, labels| LabelStep::Attach { version, labels: of(labels) };
    let leaving = attached(2, "l1 l2 l3 l4 l5");
    assert_eq!(planned("m1 m2 m3 m4"), [attached(1, "m1 m2 m3 m4"), leaving.clone()]);
    let room = LabelStep::TakeOff { version: 1, labels: of("l1 l2 l3 l4 l5") };
    assert_eq!(
        planned("m1 m2 m3 m4 m5"),
        [room, attached(1, "m1 m2 m3 m4 m5"), leaving],
        "what stays is not touched"
    );
}

#[test]
fn what_keeps_the_oldest_version_and_need_not_be_there_is_taken_away() {
    let replica = history(&[("a", "old"), ("b", "")]);
    let of = |source: &[(&str, &str)]| unblocking(&history(source), &replica);
    assert_eq!(of(&[("a", "old"), ("c", "")]), []);
    for gone in [
        // On the current version, on a version of another value, and nowhere.
        &[("a", ""), ("c", "old")][..],
        &[("a", ""), ("b", "old"), ("c", "")],
        &[("a", ""), ("c", "")],
    ] {
        assert_eq!(of(gone), [take_off(1, "old")]);
    }
    let source = history(&[("a", "old"), ("c", "")]);
    let twice = history(&[("a", "old gone"), ("a", ""), ("b", "")]);
    assert_eq!(unblocking(&source, &twice), [take_off(1, "gone"), attach(2, "old")]);
    for (source, replica) in [
        (&sealed(&source), &replica),
        (&source, &sealed(&replica)),
        (&sealed(&source), &sealed(&replica)),
    ] {
        assert_eq!(unblocking(source, replica), [], "what is not known to be wrong stays");
    }
    assert_eq!(unblocking(&source, &sealed(&twice)), [take_off(1, "gone")]);
    assert_eq!(unblocking(&source, &history(&[("a", "")])), []);
}

#[test]
fn labels_leave_the_oldest_version_only_for_versions_with_room() {
    let source = history(&[("a", "old older"), ("c", "")]);
    let nine = "n1 n2 n3 n4 n5 n6 n7 n8 n9";
    let of = |newer: &[(&str, &str)]| {
        let versions: Vec<_> = [("a", "old older")].iter().chain(newer).copied().collect();
        unblocking(&source, &history(&versions))
    };
    assert_eq!(of(&[("a", &ten(0)), ("c", "")]), []);
    assert_eq!(of(&[("a", nine), ("c", "")]), [attach(2, "old")]);
    // The newest first, and the next one once that is full.
    assert_eq!(of(&[("a", ""), ("a", nine), ("c", "")]), [attach(2, "older"), attach(3, "old")]);
    let both = LabelStep::Attach { version: 2, labels: vec!["old".into(), "older".into()] };
    assert_eq!(of(&[("a", "n1 n2 n3 n4 n5 n6 n7 n8"), ("c", "")]), [both]);
}

/// Values of a few letters, and labels over them, at most 10 on each: spread over many versions, or crowded on few.
fn any_history(labels: &'static [&'static str]) -> impl Strategy<Value = History> {
    prop_oneof![any_history_of(9, labels), any_history_of(3, labels)]
}

fn any_history_of(
    versions: usize,
    labels: &'static [&'static str],
) -> impl Strategy<Value = History> {
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
    fn every_label_gives_the_sources_value_or_none_and_is_told_then(
        source in any_history(MANY), replica in any_history(MANY)
    ) {
        // The replica's current version is the copy of the source's.
        let copy = Kept {
            version: Version { number: 99, modified: Timestamp::from_millis(99) },
            value: source.current().and_then(|kept| kept.value.clone()),
            labels: BTreeSet::new(),
        };
        let replica = History::new(replica.versions().iter().cloned().chain([copy]).collect());
        let planned = plan(&source, &replica);
        let labels = carried_out(&replica, &planned.steps);
        let told = planned.lacking.len() + planned.no_room.len();
        prop_assert_eq!(labels.len() + told, source.labels().len());
        for (label, version) in source.labels() {
            match labels.get(label) {
                Some(there) => prop_assert!(value(&replica, *there) == value(&source, version)),
                None => prop_assert!(
                    planned.no_room.contains(label)
                        || planned.lacking.contains(label) && !replica.has_value(value(&source, version))
                ),
            }
        }
        prop_assert_eq!(&planned.unknown, &names(""));
        // Once carried out, there is nothing more to do.
        let relabelled = replica.versions().iter().map(|kept| Kept {
            labels: labels.iter().filter(|(_, at)| **at == kept.version.number).map(|(l, _)| l.clone()).collect(),
            ..kept.clone()
        });
        prop_assert_eq!(plan(&source, &History::new(relabelled.collect())).steps, []);
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
