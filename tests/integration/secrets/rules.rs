//! The rules that secrets share with parameters, on the simulator: keys, conflicts, primaries elsewhere.

use std::time::Duration;

use aws_sim::{KeyState, RegionSide, Settings, Sim};
use serde_json::{Value, json};

use crate::support::{SOURCE, TARGET, answered, count, hub_on, simulated, sweep_all};

/// A Region that no route of these tests begins in, if they do not say so.
const ELSEWHERE: &str = "eu-west-1";
/// Lists show what is older, and replicas are there by then.
const A_WHILE: Duration = Duration::from_mins(20);
const SCOPE: (&str, &str) = ("EXCLUDE_ACCOUNTS", "123456789012");

/// One account, and its Regions.
fn world() -> (Sim, String) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = accounts[0].clone();
    (sim, account)
}

fn create(region: &RegionSide<'_>, name: &str, more: &Value) {
    let mut request = json!({"Name": name, "SecretString": "x"});
    for (member, value) in more.as_object().expect("members") {
        request[member] = value.clone();
    }
    region.call("secretsmanager:CreateSecret", &request).expect("the owner may");
}

fn replicate(region: &RegionSide<'_>, name: &str, into: &str) {
    let request = json!({"SecretId": name, "AddReplicaRegions": [{"Region": into}]});
    region.call("secretsmanager:ReplicateSecretToRegions", &request).expect("the owner may");
}

async fn swept(sim: &Sim, settings: &[(&str, &str)]) -> Value {
    let settings = [&[SCOPE], settings].concat();
    sweep_all(&hub_on(sim, &settings).await).await
}

fn only_failure(response: &Value) -> &Value {
    let failures = response["failures"].as_array().expect("failures");
    assert_eq!(failures.len(), 1, "{response:#}");
    &failures[0]
}

fn text<'a>(failure: &'a Value, field: &str) -> &'a str {
    failure[field].as_str().unwrap_or_default()
}

/// What stands in back quotes after the first of these words.
fn quoted<'a>(text: &'a str, after: &str) -> &'a str {
    let rest = text.split_once(after).unwrap_or_else(|| panic!("{text} lacks {after}")).1;
    rest.split('`').nth(1).unwrap_or_else(|| panic!("nothing quoted in {text}"))
}

#[tokio::test(start_paused = true)]
async fn the_remedy_of_a_key_that_is_known_by_id_alone_is_an_entry_that_helps_both_kinds() {
    let (sim, account) = world();
    let arn = format!("arn:aws:kms:{SOURCE}:{account}:key/1234abcd");
    let source = sim.account(&account).region(SOURCE);
    // The alias is there from the beginning, in both Regions, and helps nobody.
    source.key("1234abcd", KeyState::Enabled).alias("alias/app", "1234abcd");
    sim.account(&account).region(TARGET).key("k", KeyState::Enabled).alias("alias/app", "k");
    create(&source, "by/arn", &json!({"KmsKeyId": arn}));
    source.put_parameter(
        &json!({"Name": "/by/arn", "Value": "x", "Type": "SecureString", "KeyId": arn}),
    );
    let response = swept(&sim, &[]).await;
    let failures = response["failures"].as_array().expect("failures");
    assert_eq!(failures.len(), 2, "{response:#}");
    for failure in failures {
        assert_eq!(failure["error_kind"], "missing_key");
        let entry = quoted(text(failure, "remedy"), "add the entry");
        let setting = format!("{{{}}}", entry.replace("alias/NAME", "alias/app"));
        let response = swept(&sim, &[("KMS_KEYS", &setting)]).await;
        assert_eq!(response["failures"], json!([]), "{response:#}");
        sim.forget_calls();
    }
    assert_eq!(sim.account(&account).region(TARGET).parameters().len(), 1);
    let replica = &sim.account(&account).region(TARGET).secrets()["by/arn"];
    assert_eq!(replica.key.as_deref(), Some("alias/app"));
}

#[tokio::test(start_paused = true)]
async fn a_weaker_key_is_mended_by_the_command_that_the_remedy_names() {
    let (sim, account) = world();
    let (source, target) =
        (sim.account(&account).region(SOURCE), sim.account(&account).region(TARGET));
    for (region, key) in [(&source, "k1"), (&target, "k2")] {
        region.key(key, KeyState::Enabled).alias("alias/app", key);
    }
    create(&source, "s", &json!({"KmsKeyId": "alias/app"}));
    replicate(&source, "s", TARGET);
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[]).await;
    let failure = only_failure(&response);
    assert_eq!(failure["error_kind"], "unsupported");
    assert!(text(failure, "message").contains("alias/aws/secretsmanager, not with alias/app"));
    let command = quoted(text(failure, "remedy"), "run");
    assert!(!command.contains("remove"), "{command}");
    let words: Vec<&str> = command.split(' ').collect();
    let ["aws", "secretsmanager", "update-secret", options @ ..] = words.as_slice() else {
        panic!("{command}")
    };
    assert_eq!(options, ["--region", TARGET, "--secret-id", "s", "--kms-key-id", "alias/app"]);
    let update = json!({"SecretId": "s", "KmsKeyId": "alias/app"});
    target.call("secretsmanager:UpdateSecret", &update).expect("a replica's key can be changed");
    for _ in 0..2 {
        let response = swept(&sim, &[]).await;
        assert_eq!(count(&response, "secrets", "in_sync"), 1, "{response:#}");
        tokio::time::sleep(A_WHILE).await;
    }
    assert!(target.secrets().contains_key("s"), "the replica was never removed");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_mended_lets_the_next_sweep_replicate_without_force() {
    let (sim, account) = world();
    let (source, target) =
        (sim.account(&account).region(SOURCE), sim.account(&account).region(TARGET));
    source.key("k", KeyState::Enabled).alias("alias/app", "k");
    target.key("k", KeyState::Denied).alias("alias/app", "k");
    create(&source, "s", &json!({"KmsKeyId": "alias/app"}));
    // KMS calls the key enabled: only Secrets Manager knows better, and says so.
    for _ in 0..2 {
        let response = swept(&sim, &[]).await;
        let failure = only_failure(&response);
        assert!(text(failure, "message").contains("could not replicate `s`"), "{failure:#}");
        assert!(!text(failure, "remedy").contains("remove-regions"), "{failure:#}");
    }
    let asked = sim.count("secretsmanager:ReplicateSecretToRegions", &account, SOURCE).calls;
    assert_eq!(asked, 2, "once a sweep");
    for state in [KeyState::Disabled, KeyState::PendingDeletion] {
        target.key("k", state);
        let response = swept(&sim, &[]).await;
        assert_eq!(only_failure(&response)["error_kind"], "disabled_key", "{response:#}");
    }
    target.key("k", KeyState::Enabled);
    let response = swept(&sim, &[]).await;
    assert_eq!(count(&response, "secrets", "replicated"), 1, "{response:#}");
    let is_forced =
        |request: &Value| request["ForceOverwriteReplicaSecret"].as_bool().unwrap_or_default();
    assert!(sim.writes().iter().all(|write| !is_forced(&write.request)));

    // The key of a replica in sync goes: the lists alone would never show it.
    target.key("k", KeyState::PendingDeletion);
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[]).await;
    let failure = only_failure(&response);
    assert_eq!(
        (&failure["error_kind"], &failure["region"]),
        (&json!("disabled_key"), &json!(TARGET))
    );
}

#[tokio::test(start_paused = true)]
async fn a_primary_without_a_route_is_named_with_its_region_until_a_route_leads_from_there() {
    let (sim, account) = world();
    let far = sim.account(&account).region(ELSEWHERE);
    create(&far, "s", &json!({}));
    replicate(&far, "s", SOURCE);
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[]).await;
    let failure = only_failure(&response);
    assert_eq!(
        (&failure["error_kind"], &failure["class"]),
        (&json!("conflict"), &json!("other_route"))
    );
    assert!(text(failure, "message").contains(ELSEWHERE), "{failure:#}");
    let route = quoted(text(failure, "remedy"), "add the route");
    let routes = format!("{SOURCE}={TARGET};{route}");
    let response = swept(&sim, &[("ROUTES", &routes)]).await;
    assert_eq!(
        response["totals"]["secrets"],
        json!({"replicated": 1, "skipped": 1}),
        "{response:#}"
    );
    // By itself: the replica of that primary is there, whatever the routes.
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[]).await;
    assert_eq!(response["totals"]["secrets"], json!({"in_sync": 1}), "{response:#}");
}

#[tokio::test(start_paused = true)]
async fn a_swapped_secret_counts_in_sync() {
    let (sim, account) = world();
    let target = sim.account(&account).region(TARGET);
    create(&target, "s", &json!({}));
    replicate(&target, "s", SOURCE);
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[]).await;
    assert_eq!(response["totals"]["secrets"], json!({"in_sync": 1}), "{response:#}");
    let named = json!({"account": account, "region": SOURCE,
        "detail": {"kind": "secret", "name": "s", "operation": "sync"}});
    let hub = hub_on(&sim, &[SCOPE]).await;
    let response = answered(&hub, &named).await;
    assert_eq!(response["totals"]["secrets"], json!({"in_sync": 1}), "{response:#}");
    assert_eq!(sim.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn the_replica_of_another_account_is_counted_and_never_asked_for() {
    let (sim, account) = world();
    let (source, target) =
        (sim.account(&account).region(SOURCE), sim.account(&account).region(TARGET));
    let primary = format!("arn:aws:secretsmanager:{SOURCE}:999999999999:secret:s-a1b2c3");
    for (region, name) in [(&source, "theirs"), (&source, "ours"), (&target, "ours")] {
        create(region, name, &json!({}));
    }
    source.of_other_account("theirs", &primary);
    target.of_other_account("ours", &primary);
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[]).await;
    let failure = only_failure(&response);
    assert_eq!((&failure["name"], &failure["class"]), (&json!("ours"), &json!("other_route")));
    assert_eq!(response["totals"]["secrets"], json!({"conflict": 1, "skipped": 1}), "{response:#}");
    assert_eq!(sim.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_promoted_replica_is_the_owners_and_an_excluded_one_is_quiet() {
    let (sim, account) = world();
    let (source, target) =
        (sim.account(&account).region(SOURCE), sim.account(&account).region(TARGET));
    create(&source, "s", &json!({}));
    let response = swept(&sim, &[]).await;
    assert_eq!(count(&response, "secrets", "replicated"), 1, "{response:#}");
    let stop = json!({"SecretId": "s"});
    target.call("secretsmanager:StopReplicationToReplica", &stop).expect("a replica");
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[]).await;
    assert_eq!(only_failure(&response)["class"], "released", "{response:#}");
    let tag =
        json!({"SecretId": "s", "Tags": [{"Key": "failover-replicator", "Value": "Exclude"}]});
    target.call("secretsmanager:TagResource", &tag).expect("a secret of its own");
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[]).await;
    assert_eq!(response["totals"]["secrets"], json!({"excluded": 1}), "{response:#}");
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_means_the_same_for_both_kinds_in_any_case() {
    let (sim, account) = world();
    let source = sim.account(&account).region(SOURCE);
    let values = ["exclude", "EXCLUDE", "Remove", "Released", "true", " exclude", ""];
    for (n, value) in values.iter().enumerate() {
        let tags = json!([{"Key": "failover-replicator", "Value": value}]);
        create(&source, &format!("s{n}"), &json!({"Tags": tags}));
        source.put_parameter(
            &json!({"Name": format!("/p{n}"), "Value": "x", "Type": "String", "Tags": tags}),
        );
    }
    let response = swept(&sim, &[]).await;
    for (kind, done) in [("secrets", "replicated"), ("parameters", "created")] {
        let of = |outcome: &str| count(&response, kind, outcome);
        assert_eq!((of("excluded"), of(done), of("failed")), (3, 1, 3), "{kind}: {response:#}");
    }
    for failure in response["failures"].as_array().expect("failures") {
        assert_eq!(
            (&failure["error_kind"], &failure["region"]),
            (&json!("invalid"), &json!(SOURCE))
        );
        assert!(text(failure, "remedy").contains("`exclude`, `remove` or `released`"));
    }
    let names: Vec<String> = sim.account(&account).region(TARGET).secrets().into_keys().collect();
    assert_eq!(names, ["s3"]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_leaves_the_scope_or_is_opted_out_keeps_its_replica() {
    let (sim, account) = world();
    let source = sim.account(&account).region(SOURCE);
    for name in ["a/leaves", "b/removed"] {
        create(&source, name, &json!({}));
    }
    let response = swept(&sim, &[]).await;
    assert_eq!(count(&response, "secrets", "replicated"), 2, "{response:#}");
    let tag = json!({"SecretId": "b/removed", "Tags": [{"Key": "failover-replicator", "Value": "remove"}]});
    source.call("secretsmanager:TagResource", &tag).expect("the owner may");
    tokio::time::sleep(A_WHILE).await;
    let response = swept(&sim, &[("EXCLUDE_NAMES", "a/*")]).await;
    let expected = json!({"excluded": 1, "out_of_scope": 1});
    assert_eq!(response["totals"]["secrets"], expected, "{response:#}");
    assert_eq!(sim.account(&account).region(TARGET).secrets().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_setting_makes_a_secret_of_its_own_a_replica() {
    let (sim, account) = world();
    for region in [SOURCE, TARGET] {
        create(&sim.account(&account).region(region), "s", &json!({}));
    }
    let settings = [("ON_CONFLICT", "adopt"), ("ON_TARGET_CHANGE", "restore")];
    for _ in 0..2 {
        let response = swept(&sim, &settings).await;
        let failure = only_failure(&response);
        assert_eq!(
            (&failure["error_kind"], &failure["class"]),
            (&json!("conflict"), &json!("unmarked"))
        );
        tokio::time::sleep(A_WHILE).await;
    }
    assert_eq!(sim.writes(), []);
}

#[test]
fn of_a_secret_only_its_replication_is_asked_for_and_ended() {
    let actions = failover_replicator::aws::ACTIONS.iter().map(|(action, _)| *action);
    let of_secrets: Vec<&str> =
        actions.filter_map(|action| action.strip_prefix("secretsmanager:")).collect();
    let expected = [
        "ListSecrets",
        "DescribeSecret",
        "ReplicateSecretToRegions",
        "RemoveRegionsFromReplication",
    ];
    assert_eq!(of_secrets, expected);
}
