//! Random worlds: every secret that a source lists comes to exactly one outcome in each target, and what is not equal is
//! named.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sim::{KeyState, RegionSide, Settings, Sim};
use serde_json::{Value, json};

use crate::support::{SOURCE, TARGET, answered, hub_on, simulated, sweep_all};

const FAR: &str = "us-west-2";
const ELSEWHERE: &str = "eu-west-1";
const WORLDS: u64 = 60;
const SECRETS: u64 = 8;
/// What is named though it is no failure of this account's secrets.
const UNNAMED: [&str; 5] = ["in_sync", "replicated", "excluded", "out_of_scope", "skipped"];

/// Numbers that look random, made of a seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        // Knuth's multiplier; the upper bits are the better ones.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What an owner may be refused is not done.
fn may(region: &RegionSide<'_>, operation: &str, request: &Value) {
    drop(region.call(&format!("secretsmanager:{operation}"), request));
}

fn people(sim: &Sim, account: &str, dice: &mut Dice) {
    let owner = sim.account(account);
    let regions = [SOURCE, TARGET, FAR, ELSEWHERE].map(|name| (name, owner.region(name)));
    for (_, region) in &regions {
        let states =
            [KeyState::Enabled, KeyState::Enabled, KeyState::Disabled, KeyState::PendingDeletion];
        let pick = usize::try_from(dice.throw(4)).expect("small");
        region.key("k", states[pick]).alias("alias/app", "k");
    }
    let place = |dice: &mut Dice| {
        let pick = if dice.throw(3) > 0 { 0 } else { dice.throw(4) };
        &regions[usize::try_from(pick).expect("small")]
    };
    for n in 0..SECRETS {
        let name = format!("s{n}");
        let (_, region) = place(dice);
        let mut request = json!({"Name": name});
        if dice.throw(4) > 0 {
            request["SecretString"] = json!("x");
        }
        if dice.throw(4) == 0 {
            request["KmsKeyId"] = json!(["alias/app", "k"][usize::from(dice.throw(2) == 0)]);
        }
        let values = ["exclude", "Remove", "released", "yes"];
        if dice.throw(4) == 0 {
            let value = values[usize::try_from(dice.throw(4)).expect("small")];
            request["Tags"] = json!([{"Key": "failover-replicator", "Value": value}]);
        }
        may(region, "CreateSecret", &request);
        for _ in 0..dice.throw(3) {
            let (into, other) = place(dice);
            let replicas = json!({"SecretId": name, "AddReplicaRegions": [{"Region": into}]});
            match dice.throw(5) {
                0 => may(region, "ReplicateSecretToRegions", &replicas),
                1 => may(other, "CreateSecret", &json!({"Name": name, "SecretString": "y"})),
                2 => may(other, "StopReplicationToReplica", &json!({"SecretId": name})),
                3 => may(region, "DeleteSecret", &json!({"SecretId": name})),
                _ if region.secrets().contains_key(&name) => region.own_secret(&name, "rds"),
                _ => {}
            }
        }
    }
}

/// How many secrets a response has an outcome or a step of.
fn accounted(response: &Value) -> u64 {
    let counts = response["totals"]["secrets"].as_object().expect("counts");
    let steps = response["steps"].as_array().map_or(0, Vec::len);
    counts.values().filter_map(Value::as_u64).sum::<u64>() + u64::try_from(steps).expect("few")
}

fn assert_accounted(response: &Value, listed: usize, what: &str) {
    let expected = u64::try_from(listed * 2).expect("few");
    assert_eq!(accounted(response), expected, "{what}: {response:#}");
    let named = response["failures"].as_array().expect("failures");
    for failure in named {
        for field in ["message", "remedy", "error_kind", "region"] {
            assert!(failure[field].as_str().is_some_and(|text| !text.is_empty()), "{failure:#}");
        }
        assert_eq!(
            failure["error_kind"] == "conflict",
            failure["class"].is_string(),
            "{failure:#}"
        );
    }
    let counts = response["totals"]["secrets"].as_object().expect("counts");
    let unequal = counts.keys().any(|outcome| !UNNAMED.contains(&outcome.as_str()));
    assert_eq!(
        unequal,
        !named.is_empty() || counts.contains_key("pending"),
        "{what}: {response:#}"
    );
}

async fn one_world(seed: u64) -> BTreeMap<String, u64> {
    let mut dice = Dice(seed);
    let (sim, accounts) = simulated(Settings::default(), 1);
    people(&sim, &accounts[0], &mut dice);
    tokio::time::sleep(Duration::from_mins(15)).await;
    let listed = sim.account(&accounts[0]).region(SOURCE).secrets().len();
    let routes = format!("{SOURCE}={TARGET},{FAR}");
    let hub = hub_on(&sim, &[("ROUTES", &routes), ("EXCLUDE_ACCOUNTS", "123456789012")]).await;
    let plan = json!({"plan": true, "detail": {"name": "all", "operation": "sync"}});
    assert_accounted(&answered(&hub, &plan).await, listed, &format!("plan of {seed}"));
    let mut seen = BTreeMap::new();
    for _ in 0..2 {
        let response = sweep_all(&hub).await;
        assert_accounted(&response, listed, &format!("world {seed}"));
        for (outcome, many) in response["totals"]["secrets"].as_object().expect("counts") {
            *seen.entry(outcome.clone()).or_default() += many.as_u64().unwrap_or_default();
        }
        tokio::time::sleep(Duration::from_mins(15)).await;
    }
    // What is in sync is there, with the value of the source.
    let owner = sim.account(&accounts[0]);
    let (sources, replicas) = (owner.region(SOURCE).secrets(), owner.region(TARGET).secrets());
    let last = sweep_all(&hub).await;
    let in_sync = last["totals"]["secrets"]["in_sync"].as_u64().unwrap_or_default();
    let far = owner.region(FAR).secrets();
    let equal: usize = [&replicas, &far]
        .iter()
        .map(|held| {
            let is_equal =
                |name: &String| held.get(name).map(|r| &r.value) == Some(&sources[name].value);
            sources.keys().filter(|name| is_equal(name)).count()
        })
        .sum();
    assert!(in_sync <= u64::try_from(equal).expect("few"), "{seed}: {last:#}");
    seen
}

#[test]
fn every_listed_secret_comes_to_one_outcome_in_each_target_and_is_named_unless_equal() {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..WORLDS {
        let outcomes = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime")
            .block_on(one_world(seed));
        for (outcome, many) in outcomes {
            *seen.entry(outcome).or_default() += many;
        }
    }
    for outcome in ["in_sync", "replicated", "conflict", "excluded", "skipped", "failed"] {
        assert!(seen.get(outcome).is_some_and(|many| *many > 10), "{outcome} is met: {seen:?}");
    }
}
