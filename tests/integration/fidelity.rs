//! Whatever a source is and whatever became of its replica: a sweep, or their events, make them equal in every attribute,
//! and the next plan is empty. Random sources within AWS's limits, on the simulator, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sim::{ParameterView, RegionSide, Settings, Sim};
use failover_replicator::hub::Hub;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, MARK, PROVENANCE, SOURCE, TARGET, answered, batch, count, hub_on, native_event,
    simulated, sweep_all,
};

/// Worlds that are tried, each with several parameters.
const CASES: u32 = 48;
const NAMES: [&str; 6] = ["/app/a", "/app/deep/er/b", "root", "/slashed", "/c.d-e_f", "/app/g"];
/// AWS asks for half a minute between a deletion and a creation of the name.
const AFTER_A_DELETION: Duration = Duration::from_secs(31);
const OTHER_KEY: &str = "alias/app";

/// A request as PutParameter takes it, less name and tags, and the tags.
type Form = (Value, BTreeMap<String, String>);

/// What becomes of a parameter between two sweeps.
#[derive(Clone, Debug)]
enum Fate {
    Stays,
    /// Its source is written over.
    Changes(Form),
    /// Its source is deleted and created anew.
    Anew(Form),
    SourceGoes,
    ReplicaGoes,
    /// Somebody writes over the replica.
    ReplicaWritten,
    /// Somebody tags the replica, or takes a tag off.
    ReplicaTagged,
    /// The hub's provenance is taken off, as the predecessor left its replicas.
    Unproven,
}

fn form() -> impl Strategy<Value = Form> {
    let value = prop_oneof!["[a-z0-9,]{1,20}", "[ -z]{1,60}", Just("é ü ✓".to_owned())];
    let tags = proptest::collection::btree_map(
        "[a-zA-Z0-9 _.:/=+@-]{1,20}",
        "[a-z A-Z_.:/=+@-]{0,20}",
        0..8,
    );
    let policies = proptest::collection::vec(0_usize..3, 0..3);
    let description = proptest::option::of("[ -~]{1,40}");
    (value, 0_u8..4, 0_u8..3, policies, description, any::<bool>(), tags).prop_map(
        |(value, kind, tier, policies, description, pattern, tags)| {
            let value = value.replace("{{", "x").trim().to_owned();
            let value = if value.is_empty() { "x".to_owned() } else { value };
            let mut request = json!({"Value": value});
            match kind {
                0 => request["Type"] = "String".into(),
                1 => request["Type"] = "StringList".into(),
                2 => request["Type"] = "SecureString".into(),
                _ => {
                    request["Type"] = "SecureString".into();
                    request["KeyId"] = OTHER_KEY.into();
                }
            }
            // A parameter with policies is advanced.
            let advanced = tier == 1 || !policies.is_empty();
            request["Tier"] = match (advanced, tier) {
                (true, 2) => "Intelligent-Tiering",
                (true, _) => "Advanced",
                _ => "Standard",
            }
            .into();
            if advanced && !policies.is_empty() {
                let mut texts: Vec<Value> = policies.into_iter().map(policy).collect();
                texts.dedup();
                texts.sort_by_key(ToString::to_string);
                texts.dedup();
                request["Policies"] = Value::from(texts).to_string().into();
            }
            if tier == 1 && policies_free(&request) {
                request["Value"] = "long ".repeat(1_000).into();
            }
            if let Some(description) = description {
                request["Description"] = description.trim().into();
            }
            if pattern {
                request["AllowedPattern"] = "(?s)^.+$".into();
            }
            let tags = tags
                .into_iter()
                .map(|(key, value)| (format!("k{}", key.trim()), value.trim().to_owned()));
            (request, tags.collect())
        },
    )
}

fn policies_free(request: &Value) -> bool {
    request["Policies"].is_null()
}

fn policy(which: usize) -> Value {
    match which {
        0 => {
            json!({"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2099-01-01T00:00:00.000Z"}})
        }
        1 => {
            json!({"Type": "ExpirationNotification", "Version": "1.0", "Attributes": {"Before": "5", "Unit": "Days"}})
        }
        _ => {
            json!({"Type": "NoChangeNotification", "Version": "1.0", "Attributes": {"After": "60", "Unit": "Days"}})
        }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Stays),
        form().prop_map(Fate::Changes),
        form().prop_map(Fate::Anew),
        Just(Fate::SourceGoes),
        Just(Fate::ReplicaGoes),
        Just(Fate::ReplicaWritten),
        Just(Fate::ReplicaTagged),
        Just(Fate::Unproven),
    ]
}

fn create(region: &RegionSide<'_>, name: &str, (request, tags): &Form) {
    let mut request = request.clone();
    request["Name"] = name.into();
    let tags = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
    request["Tags"] = tags.collect();
    region.put_parameter(&request);
}

async fn anew(region: &RegionSide<'_>, name: &str, form: &Form) {
    region.delete(name);
    tokio::time::sleep(AFTER_A_DELETION).await;
    create(region, name, form);
}

/// Makes it happen; a change that AWS refuses of an owner, such as another type, is made by deletion.
async fn befall(sim: &Sim, account: &str, name: &str, fate: &Fate) {
    let (source, target) = (sim.account(account), sim.account(account));
    let (source, target) = (source.region(SOURCE), target.region(TARGET));
    match fate {
        Fate::Stays => {}
        Fate::Changes((request, tags)) => {
            let mut over = request.clone();
            over["Name"] = name.into();
            over["Overwrite"] = true.into();
            if source.call("ssm:PutParameter", &over).is_err() {
                anew(&source, name, &(request.clone(), tags.clone())).await;
                return;
            }
            for (key, value) in tags {
                source.tag(name, key, value);
            }
        }
        Fate::Anew(form) => anew(&source, name, form).await,
        Fate::SourceGoes => source.delete(name),
        Fate::ReplicaGoes => target.delete(name),
        Fate::ReplicaWritten => {
            let held = &target.parameters()[name];
            let over =
                json!({"Name": name, "Value": "somebody's", "Tier": held.tier, "Overwrite": true});
            target.call("ssm:PutParameter", &over).expect("an owner may");
        }
        Fate::ReplicaTagged => {
            target.tag(name, "their own", "tag");
            if let Some(key) = source.parameters()[name].tags.keys().next() {
                target.untag(name, key);
            }
        }
        Fate::Unproven => target.untag(name, PROVENANCE),
    }
}

/// A replica as its source would look.
fn as_source(mut replica: ParameterView, source: &ParameterView) -> ParameterView {
    assert_eq!(replica.tags.remove(MARK.0).as_deref(), Some(MARK.1));
    assert!(replica.tags.remove(PROVENANCE).is_some());
    // AWS turns no tier back.
    if (replica.tier.as_str(), source.tier.as_str()) == ("Advanced", "Standard") {
        replica.tier.clone_from(&source.tier);
    }
    ParameterView {
        version: source.version,
        modified: source.modified,
        user: source.user.clone(),
        policies: sorted(&replica.policies),
        ..replica
    }
}

fn sorted(policies: &[String]) -> Vec<String> {
    let read = |text: &String| serde_json::from_str::<Value>(text).expect("JSON").to_string();
    let mut policies: Vec<String> = policies.iter().map(read).collect();
    policies.sort();
    policies
}

fn assert_equal(sim: &Sim, account: &str) {
    let owner = sim.account(account);
    let (sources, mut replicas) =
        (owner.region(SOURCE).parameters(), owner.region(TARGET).parameters());
    for (name, mut source) in sources {
        let replica = replicas.remove(&name).unwrap_or_else(|| panic!("{name} is replicated"));
        source.policies = sorted(&source.policies);
        assert_eq!(as_source(replica, &source), source, "{name}");
    }
    assert_eq!(replicas, BTreeMap::new(), "no replica is without its source");
}

/// Has everything looked at: by a sweep, or by an event of each item.
async fn looked_at(hub: &Hub, account: &str, by_events: bool) {
    if by_events {
        let events = NAMES.iter().map(|name| {
            let event = native_event(account, LONG_AGO, name, "Update");
            ((*name).to_owned(), event)
        });
        let answer = answered(hub, &batch(events)).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
        return;
    }
    let response = sweep_all(hub).await;
    let failures = response["failures"].as_array().expect("failures").iter();
    let other: Vec<&Value> = failures
        .filter(|failure| failure["error_kind"] != "limit")
        // What was restored is reported with its version, once.
        .filter(|failure| failure["class"] != "changed_in_target")
        .collect();
    assert!(other.is_empty(), "{other:#?}");
}

async fn one_world(forms: Vec<Form>, fates: Vec<Fate>, by_events: bool) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = &accounts[0];
    for region in [SOURCE, TARGET] {
        let owner = sim.account(account);
        let side = owner.region(region);
        side.key("app", aws_sim::KeyState::Enabled).alias(OTHER_KEY, "app");
    }
    for (name, form) in NAMES.iter().zip(&forms) {
        create(&sim.account(account).region(SOURCE), name, form);
    }
    // What others write over a replica is written over once.
    let settings = [
        ("EXCLUDE_ACCOUNTS", "123456789012"),
        ("MAX_DELETES", "100%"),
        ("ON_TARGET_CHANGE", "restore"),
    ];
    let hub = hub_on(&sim, &settings).await;
    let response = sweep_all(&hub).await;
    assert_eq!(count(&response, "parameters", "created"), 6, "{response:#}");
    assert_equal(&sim, account);
    for (name, fate) in NAMES.iter().zip(&fates) {
        befall(&sim, account, name, fate).await;
    }
    tokio::time::sleep(AFTER_A_DELETION).await;
    // One more, for what is first given its provenance and then created anew.
    for _ in 0..2 {
        looked_at(&hub, account, by_events).await;
    }
    assert_equal(&sim, account);
    let plan = json!({"plan": true, "detail": {"name": "all", "operation": "sync"}});
    let plan = answered(&hub, &plan).await;
    assert_eq!((&plan["status"], &plan["steps"]), (&json!("in_sync"), &json!([])), "{plan:#}");
}

#[test]
fn a_sweep_or_events_make_any_replica_equal_to_any_source_in_every_attribute() {
    let six_of = proptest::collection::vec(form(), 6);
    let worlds = (six_of, proptest::collection::vec(fate(), 6), any::<bool>());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) };
    let mut runner = TestRunner::new(config);
    runner
        .run(&worlds, |(forms, fates, by_events)| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .expect("a runtime")
                .block_on(one_world(forms, fates, by_events));
            Ok(())
        })
        .expect("every world ends equal");
}
