//! What should be in the report, worked out from what AWS holds before and after a sweep, and from nothing of the hub's.

use std::collections::{BTreeMap, BTreeSet};

use aws_sim::{ParameterView, SecretView, Sim};
use serde_json::Value;

use super::PAIRS;
use crate::support::MARK;

const OPT_OUT: &str = "failover-replicator";
const OWN_VALUE: &str = "failover-replicator:value";
const PROVENANCE: &str = "ReplicationSource";

/// All that an account holds in the routes' Regions.
pub(super) struct Snapshot {
    parameters: BTreeMap<&'static str, BTreeMap<String, ParameterView>>,
    secrets: BTreeMap<&'static str, BTreeMap<String, SecretView>>,
}

impl Snapshot {
    pub(super) fn of(sim: &Sim, account: &str) -> Self {
        let regions: BTreeSet<&str> = PAIRS.iter().flat_map(|(from, to)| [*from, *to]).collect();
        let account = sim.account(account);
        Self {
            parameters: regions.iter().map(|r| (*r, account.region(r).parameters())).collect(),
            secrets: regions.iter().map(|r| (*r, account.region(r).secrets())).collect(),
        }
    }
}

/// What the oracle found.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Parameters that are sources, once for each target.
    pub(super) parameters: u64,
    /// Replicas of parameters without a source, and what claims to be one.
    pub(super) orphans: u64,
    /// Secrets that are sources, once for each target.
    pub(super) secrets: u64,
    pub(super) wrong: Vec<String>,
}

/// What the report names of one account: kind, Region and name.
fn named(account: &str, response: &Value) -> BTreeSet<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ["failures", "notes"]
        .iter()
        .flat_map(|list| response[list].as_array().into_iter().flatten())
        .filter(|one| one["account"] == account)
        .map(|one| (text(&one["kind"]), text(&one["region"]), text(&one["name"])))
        .collect()
}

fn tag(tags: &BTreeMap<String, String>, key: &str) -> Option<String> {
    tags.get(key).map(|value| value.to_ascii_lowercase())
}

/// The tags that a replica is to share with its source.
fn shared(tags: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    let is_shared =
        |key: &str| key != MARK.0 && key != PROVENANCE && !key.starts_with("failover-replicator");
    tags.iter()
        .filter(|(key, _)| is_shared(key))
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

fn is_equal(source: &ParameterView, replica: &ParameterView) -> bool {
    let value = source.tags.get(OWN_VALUE).unwrap_or(&source.value);
    let provenance = replica.tags.get(PROVENANCE).map(String::as_str).unwrap_or_default();
    replica.value == *value
        && replica.kind == source.kind
        && replica.description == source.description
        && replica.pattern == source.pattern
        && replica.data_type == source.data_type
        && replica.policies == source.policies
        && shared(&replica.tags) == shared(&source.tags)
        && replica.tags.get(MARK.0).map(String::as_str) == Some(MARK.1)
        && provenance.contains(&format!("version={} ", source.version))
        && provenance.contains(&format!("replica={} ", replica.version))
}

/// Whether it carries the mark and the provenance of a replica that this Region's route makes.
fn says_replica(parameter: &ParameterView, source: &str) -> bool {
    let provenance = parameter.tags.get(PROVENANCE).map(String::as_str).unwrap_or_default();
    parameter.tags.get(MARK.0).map(String::as_str) == Some(MARK.1)
        && provenance.starts_with(&format!("region={source} version="))
}

fn key(name: &str) -> &str {
    name.strip_prefix('/').filter(|rest| !rest.contains('/')).unwrap_or(name)
}

/// Judges the sweep of one account by what AWS held before and after it.
pub(super) fn judge(
    account: &str,
    before: &Snapshot,
    after: &Snapshot,
    response: &Value,
) -> Judged {
    let named = named(account, response);
    let mut judged = Judged::default();
    for (source, target) in PAIRS {
        parameters(source, target, before, after, &named, &mut judged);
        secrets(source, target, before, after, &named, &mut judged);
    }
    let failures = response["failures"].as_array().into_iter().flatten();
    judged.wrong.extend(
        failures
            .filter(|one| one["account"] == account && one["error_kind"] == "bug")
            .map(|one| format!("an internal error: {one}")),
    );
    judged
}

fn parameters(
    source: &str,
    target: &str,
    before: &Snapshot,
    after: &Snapshot,
    named: &BTreeSet<(String, String, String)>,
    judged: &mut Judged,
) {
    let is_named = |name: &str| {
        [source, target].iter().any(|region| {
            let one = ("parameter".to_owned(), (*region).to_owned(), name.to_owned());
            named.contains(&one) || named.contains(&(one.0, one.1, key(name).to_owned()))
        })
    };
    let originals: BTreeSet<&str> =
        before.parameters[source].keys().map(|name| key(name)).collect();
    for (name, held) in &before.parameters[target] {
        let is_marked = held.tags.get(MARK.0).map(String::as_str) == Some(MARK.1);
        let is_told = held.tags.contains_key(PROVENANCE)
            && named.contains(&("parameter".to_owned(), target.to_owned(), name.clone()));
        judged.orphans += u64::from(!originals.contains(key(name)) && (is_marked || is_told));
    }
    let replicas: BTreeMap<&str, &ParameterView> =
        after.parameters[target].iter().map(|(name, one)| (key(name), one)).collect();
    for (name, original) in &before.parameters[source] {
        judged.parameters += 1;
        let opted_out =
            matches!(tag(&original.tags, OPT_OUT).as_deref(), Some("exclude" | "remove"));
        let opposite = PAIRS.iter().any(|(from, to)| *to == source && says_replica(original, from));
        let is_excluded = opted_out || opposite || name.starts_with("/out/");
        let replica = replicas.get(key(name));
        // Its owner released it and wants it left alone.
        let released = replica.is_some_and(|replica| {
            tag(&replica.tags, OPT_OUT).as_deref() == Some("exclude")
                && replica.tags.contains_key(PROVENANCE)
        });
        let equal = replica.is_some_and(|replica| is_equal(original, replica));
        if !(equal || is_excluded || released || is_named(name)) {
            judged.wrong.push(format!(
                "the parameter {name} of {source} is not equal in {target} and not named: {original:?}, {replica:?}"
            ));
        }
    }
}

fn secrets(
    source: &str,
    target: &str,
    before: &Snapshot,
    after: &Snapshot,
    named: &BTreeSet<(String, String, String)>,
    judged: &mut Judged,
) {
    for (name, original) in &before.secrets[source] {
        judged.secrets += 1;
        let is_named = [source, target].iter().any(|region| {
            named.contains(&("secret".to_owned(), (*region).to_owned(), name.clone()))
        });
        let opted_out =
            matches!(tag(&original.tags, OPT_OUT).as_deref(), Some("exclude" | "remove"));
        let opposite = original.primary.as_deref().is_some_and(|primary| primary != source);
        let equal = after.secrets[target].get(name).is_some_and(|replica| {
            replica.value == original.value
                && replica.primary.as_deref() == Some(source)
                && shared(&replica.tags) == shared(&original.tags)
        });
        if !(equal || is_named || opted_out || opposite || name.starts_with("out/")) {
            judged.wrong.push(format!(
                "the secret {name} of {source} is not equal in {target} and not named: {original:?}"
            ));
        }
    }
}

/// Whether the report's sums are what was counted here; what differs.
pub(super) fn totals(response: &Value, judged: &[Judged]) -> Vec<String> {
    let sum = |of: fn(&Judged) -> u64| judged.iter().map(of).sum::<u64>();
    let mut wrong = Vec::new();
    for (kind, expected) in [
        ("parameters", sum(|one| one.parameters + one.orphans)),
        ("secrets", sum(|one| one.secrets)),
    ] {
        let counts = response["totals"][kind].as_object();
        let told: u64 = counts.into_iter().flatten().filter_map(|(_, many)| many.as_u64()).sum();
        if told != expected {
            let counts = &response["totals"][kind];
            wrong.push(format!("{expected} {kind} are counted here, and {told} there: {counts}"));
        }
    }
    wrong
}
