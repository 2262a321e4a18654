//! Random histories of labels: first filled, then moved and told by events.

use std::collections::BTreeMap;

use aws_sim::Settings;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::{SOURCE, TARGET, count, told};

const PARAMETERS: usize = 20;
const ROUNDS: usize = 6;
const LABELS: [&str; 6] = ["live", "next", "canary", "known-good", "v1.0", "_old"];

/// What an owner does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// One of few values, so that they come again.
    Put(u8),
    /// Onto one of the versions that can be named, counted back from the current one.
    Label(usize, usize),
    Unlabel(usize),
}

fn deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        2 => (0_u8..4).prop_map(Deed::Put),
        4 => (0..LABELS.len(), 0_usize..8).prop_map(|(label, back)| Deed::Label(label, back)),
        1 => (0..LABELS.len()).prop_map(Deed::Unlabel),
    ];
    proptest::collection::vec(deed, 1..most)
}

fn drawn<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).expect("no strategy here fails").current()
}

/// A parameter of the source, and the versions whose values its replica has.
struct Owned {
    name: String,
    version: i64,
    known: Vec<i64>,
}

impl Owned {
    /// Does a deed, and tells it as an event.
    fn does(&mut self, stage: &Stage, deed: Deed) -> Option<Value> {
        let (source, name) = (stage.region(SOURCE), self.name.as_str());
        match deed {
            Deed::Put(value) => {
                let secure = name.ends_with("secure");
                let request = json!({"Name": name, "Value": format!("value {value}"),
                    "Type": if secure { "SecureString" } else { "String" }, "Overwrite": true});
                source.put_parameter(&request);
                self.version += 1;
                Some(stage.put_event(name, self.version))
            }
            Deed::Label(label, back) => {
                let mut can_be = self.known.clone();
                can_be.push(self.version);
                let version = can_be[can_be.len() - 1 - back % can_be.len()];
                stage.label(SOURCE, name, version, &[LABELS[label]]);
                Some(stage.label_event(name))
            }
            Deed::Unlabel(label) => {
                source.parameters()[name].labels.get(LABELS[label])?;
                stage.unlabel(SOURCE, name, LABELS[label]);
                Some(stage.unlabel_event(name))
            }
        }
    }
}

/// Twenty parameters, each with a random past.
fn twenty(stage: &Stage, runner: &mut TestRunner) -> Vec<Owned> {
    let named =
        |n: usize| format!("/labels/{n:02}{}", if n.is_multiple_of(4) { "-secure" } else { "" });
    (0..PARAMETERS)
        .map(|n| {
            let mut owned = Owned { name: named(n), version: 0, known: Vec::new() };
            let past = drawn(runner, &deeds(16));
            for deed in std::iter::once(Deed::Put(9)).chain(past) {
                owned.does(stage, deed);
                // Everything can be labelled before the first fill.
                owned.known = (1..owned.version).collect();
            }
            owned
        })
        .collect()
}

fn all_labels(stage: &Stage, owned: &[Owned]) -> BTreeMap<String, BTreeMap<String, String>> {
    owned.iter().map(|one| (one.name.clone(), stage.labels(SOURCE, &one.name))).collect()
}

#[tokio::test(start_paused = true)]
async fn twenty_histories_give_the_same_by_label_after_the_first_fill_and_after_every_move() {
    let mut runner = TestRunner::deterministic();
    let routes = "us-east-2=us-east-1,us-west-2";
    let settings = Settings { empty_pages: true, ..Settings::default() };
    let stage = Stage::on(settings, &[("ROUTES", routes)]).await;
    let mut owned = twenty(&stage, &mut runner);
    let older = owned.iter().filter(|one| {
        let seen = &stage.region(SOURCE).parameters()[&one.name];
        seen.labels.values().any(|version| *version < seen.version)
    });
    assert!(older.count() > 10, "most have a label on an older version");

    let response = stage.sweep().await;
    assert_eq!(count(&response, "parameters", "created"), 2 * PARAMETERS as u64, "{response:#}");
    for one in &mut owned {
        for target in [TARGET, "us-west-2"] {
            stage.assert_same(target, &one.name);
        }
        let seen = &stage.region(SOURCE).parameters()[&one.name];
        one.known = seen.labels.values().copied().chain([one.version]).collect();
        one.known.sort_unstable();
        one.known.dedup();
    }
    assert_eq!(stage.verify().await["status"], "in_sync");

    for round in 0..ROUNDS {
        let before = all_labels(&stage, &owned);
        let mut events = Vec::new();
        for one in &mut owned {
            let mut has_put = false;
            for deed in drawn(&mut runner, &deeds(5)) {
                // Of two versions in one batch the hub copies the later alone.
                let is_put = matches!(deed, Deed::Put(_));
                if !(is_put && has_put) {
                    has_put |= is_put;
                    events.extend(one.does(&stage, deed));
                }
            }
        }
        assert_ne!(all_labels(&stage, &owned), before, "labels move in round {round}");
        // Out of order, and in every other round each of them twice.
        let twice = if round % 2 == 0 { events.clone() } else { Vec::new() };
        events.extend(twice);
        let mut events = drawn(&mut runner, &Just::<Vec<Value>>(events).prop_shuffle());
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(10));
            let answer = stage.events(events).await;
            assert_eq!(answer, json!({"batchItemFailures": []}), "round {round}");
            events = rest;
        }
        for one in &mut owned {
            for target in [TARGET, "us-west-2"] {
                stage.assert_same(target, &one.name);
            }
            if one.known.last() != Some(&one.version) {
                one.known.push(one.version);
            }
        }
    }
    let verified = stage.verify().await;
    assert_eq!(verified["status"], "in_sync", "{verified:#}");
    for region in [SOURCE, TARGET, "us-west-2"] {
        let metered = stage.sim.metered(&stage.account, region, "ssm.control");
        assert!(metered.passed.len() > PARAMETERS, "{region}");
        assert!(metered.refused.is_empty(), "the hub keeps within the quota of {region}");
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_histories_with_lost_events_are_found_by_a_verification_and_mended() {
    let mut runner = TestRunner::deterministic();
    let stage = Stage::new(&[]).await;
    let mut owned = twenty(&stage, &mut runner);
    stage.sweep().await;
    for one in &mut owned {
        one.known.clear();
        for deed in drawn(&mut runner, &deeds(6)) {
            if !matches!(deed, Deed::Put(_)) {
                one.does(&stage, deed);
            }
        }
    }
    let differ: Vec<&str> = owned
        .iter()
        .map(|one| one.name.as_str())
        .filter(|name| stage.labels(SOURCE, name) != stage.labels(TARGET, name))
        .collect();
    assert!(differ.len() > 5, "labels moved: {differ:?}");
    assert_eq!(stage.sweep().await["status"], "in_sync", "no list shows labels");

    stage.sim.forget_calls();
    let verified = stage.verify().await;
    assert_eq!(stage.sim.writes(), [], "a verification writes nothing");
    assert_eq!(told(&verified), [""; 0]);
    let steps = verified["steps"].as_array().expect("steps");
    let found: Vec<&str> =
        steps.iter().map(|step| step["name"].as_str().expect("a name")).collect();
    assert_eq!(found, differ);
    for step in steps {
        assert_eq!((&step["change"], &step["because"]), (&json!("retag"), &json!(["labels"])));
    }

    let mended = stage.run(&json!({"labels": true})).await;
    assert_eq!(count(&mended, "parameters", "retagged"), differ.len() as u64, "{mended:#}");
    for one in &owned {
        stage.assert_same(TARGET, &one.name);
    }
    assert_eq!(stage.verify().await["status"], "in_sync");
}
