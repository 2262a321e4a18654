//! Conflicts, as every report has to name them, and the passes that must leave what they are about alone.

use std::collections::BTreeMap;

use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use super::world::{SOURCE, Seen, TARGET, World, with};
use super::writers::OWNER;
use super::{LONG_AGO, call, delete_event, native_event, put_event, tag_event};

/// A Region's parameters by name.
pub(crate) type Regional = BTreeMap<String, Seen>;

/// Every value in the tests of conflicts contains this, and no name does: no report may contain it.
const CANARY: &str = "canary";

/// Classes whose remedy is `hubctl resolve`.
const RESOLVED: [&str; 7] = [
    "changed_in_target",
    "does_not_take",
    "written_over",
    "claimed",
    "unmarked",
    "released",
    "ambiguous",
];
/// Classes that are about a version: what is said of one names it and its writer, whoever else reads the report.
const OF_A_VERSION: [&str; 3] = ["changed_in_target", "does_not_take", "written_over"];
const OPERATIONS: [&str; 4] = ["create", "update", "delete", "sync"];

/// A conflict that a report has to name.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    /// Its class. Where the rules fit two, both, with a bar between them.
    class: &'static str,
    name: String,
    region: String,
    /// The version that is named, or another one that may be.
    versions: Vec<i64>,
    writer: String,
}

impl Conflict {
    /// One in the usual target, about a version that the account's owner wrote.
    pub(crate) fn new(class: &'static str, name: &str, version: i64) -> Self {
        let (region, writer) = (TARGET.to_owned(), OWNER.to_owned());
        Self { class, name: name.to_owned(), region, versions: vec![version], writer }
    }

    /// The same where several versions are somebody else's, and this one may be named as well.
    pub(crate) fn or(mut self, version: i64) -> Self {
        self.versions.push(version);
        self
    }

    /// The same about a version of another writer's.
    pub(crate) fn by(self, writer: &str) -> Self {
        Self { writer: writer.to_owned(), ..self }
    }

    /// The same in another Region.
    pub(crate) fn in_region(self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self }
    }

    fn fits(&self, failure: &Value) -> bool {
        let class = text(failure, "class");
        self.class.split('|').any(|fitting| fitting == class)
            && self.name == text(failure, "name")
            && self.region == text(failure, "region")
    }
}

/// The failures of a response as `class name region`; one that is no conflict has its kind in the class's place.
pub(crate) fn classes(response: &Value) -> Vec<String> {
    let class = |failure: &Value| match failure["class"].as_str() {
        Some(class) => class.to_owned(),
        None => text(failure, "error_kind"),
    };
    let line = |failure: &Value| {
        format!("{} {} {}", class(failure), text(failure, "name"), text(failure, "region"))
    };
    let mut lines: Vec<String> = of_items(response).map(line).collect();
    lines.sort();
    lines
}

/// Each of these is named once, and nothing else failed; each says where it is and what to do, and no value.
pub(crate) fn assert_named(response: &Value, expected: &[Conflict]) {
    assert_no_value(&response.to_string());
    let failures: Vec<&Value> = of_items(response).collect();
    for conflict in expected {
        let named = the_one(response, conflict);
        assert_explained(named, conflict);
        if OF_A_VERSION.contains(&text(named, "class").as_str()) {
            assert_tells_writer(named, conflict);
        }
    }
    assert_eq!(failures.len(), expected.len(), "{response:#}");
    let status = response["status"].as_str().unwrap_or_default();
    assert_eq!(status == "failed", !expected.is_empty(), "{response:#}");
}

/// The same, and each of whatever class names the version that is there, or that is meant, and who wrote it.
pub(crate) fn assert_named_in_full(response: &Value, expected: &[Conflict]) {
    assert_named(response, expected);
    for conflict in expected {
        assert_tells_writer(the_one(response, conflict), conflict);
    }
}

fn the_one<'a>(response: &'a Value, conflict: &Conflict) -> &'a Value {
    let named: Vec<&Value> = of_items(response).filter(|one| conflict.fits(one)).collect();
    assert_eq!(named.len(), 1, "{conflict:?} is named once: {:#?}", classes(response));
    named[0]
}

/// The failures but for the one that says of all together that another role wrote most replicas.
fn of_items(response: &Value) -> impl Iterator<Item = &Value> {
    let of_all = |failure: &&Value| {
        failure["kind"] == "hub" && text(failure, "remedy").contains("REPLICATOR_TRUSTED_WRITERS")
    };
    response["failures"].as_array().expect("failures").iter().filter(move |one| !of_all(one))
}

fn assert_tells_writer(failure: &Value, conflict: &Conflict) {
    let (message, versions) = (text(failure, "message"), &conflict.versions);
    let named = versions.iter().any(|version| names_version(&message, *version));
    assert!(named, "it names version {versions:?}: {failure:#}");
    let writer = &conflict.writer;
    assert!(message.contains(writer.as_str()), "it names {writer}: {failure:#}");
}

fn assert_explained(failure: &Value, conflict: &Conflict) {
    assert_eq!(failure["error_kind"], "conflict", "{failure:#}");
    let (message, remedy) = (text(failure, "message"), text(failure, "remedy"));
    assert!(message.contains(&conflict.region), "it names the Region: {failure:#}");
    let ways = ["hubctl ", "REPLICATOR_", "failover-replicator=", "ReplicationStatus"];
    assert!(ways.iter().any(|way| remedy.contains(way)), "a command or a setting: {failure:#}");
    if RESOLVED.contains(&text(failure, "class").as_str()) {
        assert!(remedy.contains("hubctl resolve"), "{failure:#}");
    }
}

fn names_version(text: &str, version: i64) -> bool {
    let wanted = format!("version {version}");
    text.match_indices(&wanted)
        .any(|(at, found)| !text[at + found.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

/// No value of a parameter is in a text that leaves the hub.
pub(crate) fn assert_no_value(text: &str) {
    assert!(!text.contains(CANARY), "{text}");
}

/// The version of somebody else's that was overwritten on purpose is named, wherever the response does so.
pub(crate) fn assert_tells_version(response: &Value, name: &str, version: i64) {
    let lists = ["failures", "steps", "notes", "restored"];
    let about = lists.iter().filter_map(|list| response[list].as_array()).flatten();
    let mut about = about.filter(|one| one["name"] == name).map(Value::to_string);
    assert!(about.any(|text| names_version(&text, version)), "{version} of {name}: {response:#}");
}

/// Whatever makes the hub look at the first account's items: it leaves both Regions as they are and names just these
/// conflicts.
pub(crate) async fn assert_stands(world: &World, hub: &Hub, expected: &[Conflict]) {
    let before = world.both_regions().await;
    let mut passes = vec![(world.all(), expected.to_vec()), (world.all(), expected.to_vec())];
    let plan = with(world.all(), "plan", true);
    for payload in [
        plan.clone(),
        with(plan, "trust", false),
        with(world.all(), "trust", false),
        with(world.all(), "labels", true),
        with(world.all(), "max_deletes", "100%"),
    ] {
        passes.push((payload, expected.to_vec()));
    }
    let mut names: Vec<&str> = expected.iter().map(|one| one.name.as_str()).collect();
    names.dedup();
    for name in names {
        let its: Vec<Conflict> = expected.iter().filter(|one| one.name == name).cloned().collect();
        for pass in by_name(world, name) {
            passes.push((pass, its.clone()));
        }
    }
    for (pass, its) in passes {
        let response = world.ask(hub, &pass).await;
        assert_named(&response, &its);
        assert_eq!(world.both_regions().await, before, "{pass}");
    }
}

/// Payloads and late events about one parameter.
fn by_name(world: &World, name: &str) -> Vec<Value> {
    let account = world.account(0);
    let payload = |operation| with(world.one(name, operation), "region", SOURCE);
    let mut passes: Vec<Value> = OPERATIONS.into_iter().map(payload).collect();
    passes.extend(late_events(account, name));
    passes
}

/// Events of long ago about one parameter: whatever may have happened to its source.
pub(crate) fn late_events(account: &str, name: &str) -> Vec<Value> {
    let label = json!({"name": name, "labels": ["live"]});
    vec![
        put_event(account, LONG_AGO, name, 1),
        delete_event(account, LONG_AGO, name),
        tag_event(account, LONG_AGO, name, "team", "shop"),
        native_event(account, LONG_AGO, name, "Update"),
        native_event(account, LONG_AGO, name, "Delete"),
        call(account, LONG_AGO, "LabelParameterVersion", &label, &Value::Null),
    ]
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
