//! Replicas and payloads as the predecessor made them: the mark and one more tag, and no word of what they are copies of.

use std::path::Path;

use aws_sdk_secretsmanager::types::ReplicaRegionType;
use aws_sdk_ssm::types::ParameterType;
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use crate::support::{
    Emulator, MANAGEMENT, MARK, PROVENANCE, World, assert_replicated, count, delete, failures, put,
    set_tags, tag, with,
};

const OHIO: &str = "us-east-2";
const VIRGINIA: &str = "us-east-1";
const IRELAND: &str = "eu-west-1";
const DISASTER: (&str, &str) = ("Environment", "disaster-recovery");

/// The role that wrote as the predecessor.
const TRUSTED: (&str, &str) = ("TRUSTED_WRITERS", "OrganizationAccountAccessRole");

/// A source with a description and tags, and its replica as the predecessor wrote it: value first, then all tags.
async fn copied(world: &World, name: &str, kind: ParameterType, value: &str, replica: &str) {
    let tags = [("team", "shop"), ("Environment", "production")];
    let source = world.ssm(0, OHIO).await.put_parameter().name(name).value(value);
    let source = source.r#type(kind.clone()).description("a description");
    source
        .set_tags(Some(tags.map(|(key, value)| tag(key, value)).into()))
        .send()
        .await
        .expect("put");
    orphan(world, name, kind, replica).await;
}

/// The predecessor's replica alone.
async fn orphan(world: &World, name: &str, kind: ParameterType, value: &str) {
    let ssm = world.ssm(0, VIRGINIA).await;
    let put = ssm.put_parameter().name(name).value(value).r#type(kind).description("a description");
    put.overwrite(true).send().await.expect("put");
    set_tags(&ssm, name, &[("team", "shop"), MARK, DISASTER]).await;
}

fn payload(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("payloads").join(file);
    serde_json::from_slice(&std::fs::read(path).expect("a payload")).expect("JSON")
}

/// A payload of the project's, for the world's account.
fn payload_for(world: &World, file: &str) -> Value {
    with(payload(file), "account", world.account(0))
}

#[tokio::test]
async fn equal_replicas_are_taken_over_by_one_write_each() {
    let world = World::new(1);
    copied(&world, "/p/text", ParameterType::String, "same", "same").await;
    copied(&world, "/p/list", ParameterType::StringList, "a,b", "a,b").await;
    copied(&world, "/p/secret", ParameterType::SecureString, "hidden", "hidden").await;
    let before = world.seen(0, VIRGINIA).await;
    let hub = world.hub(&[TRUSTED]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "updated"), 3, "{response:#}");
    let counts = world.wire.counts();
    assert_eq!(counts["ssm:PutParameter"], 3, "{counts:?}");
    let after = world.seen(0, VIRGINIA).await;
    for (name, seen) in &after {
        assert_eq!((name, seen.version), (name, before[name].version + 1));
        assert_eq!(seen.tags["Environment"], "production", "the predecessor's word is its own");
    }
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;

    // From now on provenance proves them equal, and no value is read.
    let response = world.sweep(&world.hub(&[]).await).await;
    assert_eq!(
        (&response["status"], count(&response, "parameters", "in_sync")),
        (&json!("in_sync"), 3)
    );
    let counts = world.wire.counts();
    assert!(!counts.contains_key("ssm:GetParameters"), "{counts:?}");
    assert_eq!(world.seen(0, VIRGINIA).await, after);
}

#[tokio::test]
async fn different_replicas_are_written_over_once() {
    let world = World::new(1);
    copied(&world, "/p/value", ParameterType::String, "new", "old").await;
    copied(&world, "/p/secret", ParameterType::SecureString, "new", "old").await;
    copied(&world, "/p/description", ParameterType::String, "same", "same").await;
    let ssm = world.ssm(0, OHIO).await;
    let described = ssm.put_parameter().name("/p/description").value("same").overwrite(true);
    described.description("another").send().await.expect("put");
    let hub = world.hub(&[TRUSTED]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "updated"), 3, "{response:#}");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    let replicas = world.seen(0, VIRGINIA).await;
    assert!(replicas.values().all(|replica| replica.version == 2), "{replicas:#?}");
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "in_sync", "{response:#}");
    assert_eq!(world.seen(0, VIRGINIA).await, replicas);
}

#[tokio::test]
async fn orphans_are_told_and_kept_until_a_pass_with_their_source_gave_them_provenance() {
    let world = World::new(1);
    orphan(&world, "/p/orphan", ParameterType::String, "left").await;
    let before = world.seen(0, VIRGINIA).await;
    let hub = world.hub(&[TRUSTED]).await;
    let by_name = world.one("/p/orphan", "delete");
    let all = with(world.all(), "max_deletes", "100%");
    for payload in [&all, &by_name, &all] {
        let response = world.ask(&hub, payload).await;
        assert_eq!(failures(&response), [("conflict".to_owned(), "/p/orphan".to_owned())]);
        let remedy = response["failures"][0]["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains("delete it in us-east-1") && remedy.contains(MARK.0), "{remedy}");
        assert_eq!(world.seen(0, VIRGINIA).await, before, "{payload}");
    }

    let ssm = world.ssm(0, OHIO).await;
    put(&ssm, "/p/orphan", "back").await;
    world.sweep(&hub).await;
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    delete(&ssm, &["/p/orphan"]).await;
    let response = world.sweep_by_a_person(&hub).await;
    assert_eq!(count(&response, "parameters", "deleted"), 1, "{response:#}");
    assert!(world.seen(0, VIRGINIA).await.is_empty());
}

#[tokio::test]
async fn where_two_routes_lead_a_replica_without_provenance_is_neithers() {
    let world = World::new(1);
    copied(&world, "/p/a", ParameterType::String, "same", "same").await;
    let before = world.seen(0, VIRGINIA).await;
    let hub = world.hub(&[("ROUTES", &format!("{OHIO}={VIRGINIA};{IRELAND}={VIRGINIA}"))]).await;
    // Also where only one of the two is asked for.
    let one = with(world.all(), "region", OHIO);
    for payload in [one, world.one("/p/a", "sync")] {
        let response = world.ask(&hub, &payload).await;
        assert_eq!(failures(&response), [("conflict".to_owned(), "/p/a".to_owned())], "{payload}");
        assert_eq!(world.seen(0, VIRGINIA).await, before);
    }
}

#[tokio::test]
async fn secrets_that_the_predecessor_replicated_are_in_sync() {
    let world = World::new(1);
    let secrets = world.secrets(0, OHIO).await;
    secrets.create_secret().name("shop/db").secret_string("s").send().await.expect("a secret");
    let to = ReplicaRegionType::builder().region(VIRGINIA).build();
    let replicate = secrets.replicate_secret_to_regions().secret_id("shop/db");
    let replicate = replicate.add_replica_regions(to).force_overwrite_replica_secret(true);
    replicate.send().await.expect("as the predecessor did");
    let response = world.sweep(&world.hub(&[]).await).await;
    assert_eq!(
        (&response["status"], count(&response, "secrets", "in_sync")),
        (&json!("in_sync"), 1)
    );
    let counts = world.wire.counts();
    assert!(!counts.contains_key("secretsmanager:ReplicateSecretToRegions"), "{counts:?}");
}

const HOST: &str = "/shop/db/host";

/// What `create`, `update` and `delete` do to one parameter, and that the word is no order.
async fn assert_operations(world: &World, hub: &Hub, payload: impl Fn(&str) -> Value) {
    let ssm = world.ssm(0, OHIO).await;
    put(&ssm, HOST, "one").await;
    put(&ssm, "/shop/other", "not asked for").await;
    let created = world.ask(hub, &payload("sync-create.json")).await;
    assert_eq!(count(&created, "parameters", "created"), 1, "{created:#}");
    put(&ssm, HOST, "two").await;
    let updated = world.ask(hub, &payload("sync-update.json")).await;
    assert_eq!(count(&updated, "parameters", "updated"), 1, "{updated:#}");
    let still_there = world.ask(hub, &payload("sync-delete.json")).await;
    assert_eq!(count(&still_there, "parameters", "in_sync"), 1, "{still_there:#}");
    let replicas = world.seen(0, VIRGINIA).await;
    assert_eq!(replicas.keys().collect::<Vec<_>>(), [HOST]);
    assert_eq!(replicas[HOST].value, "two");
    delete(&ssm, &[HOST]).await;
    let deleted = world.ask(hub, &payload("sync-delete.json")).await;
    assert_eq!(count(&deleted, "parameters", "deleted"), 1, "{deleted:#}");
    assert!(world.seen(0, VIRGINIA).await.is_empty());
}

#[tokio::test]
async fn the_payloads_of_one_parameter_do_what_they_say_in_the_account_that_they_name() {
    let world = World::new(1);
    let hub = world.hub(&[]).await;
    assert_operations(&world, &hub, |file| payload_for(&world, file)).await;
    assert!(
        !world.wire.counts().contains_key("sts:GetCallerIdentity"),
        "nobody asked who the hub is"
    );
}

#[tokio::test]
async fn the_bare_payloads_of_one_parameter_mean_the_hubs_own_account() {
    // The management account is one for the whole emulator: it is not to be shared with other tests.
    let world = World::on(Emulator::alone(&[]), &["--management", "--accounts", "1"]);
    assert_eq!(world.account(0), MANAGEMENT);
    world.put(1, OHIO, HOST, "another account's").await;
    let hub = world.hub(&[]).await;
    let bare = |file: &str| {
        let mut bare = payload(file);
        bare.as_object_mut().expect("an object").remove("account");
        bare
    };
    assert_operations(&world, &hub, bare).await;
    assert!(world.seen(1, VIRGINIA).await.is_empty());
    assert_eq!(world.wire.counts()["sts:GetCallerIdentity"], 1, "once in the life of the process");
}

#[tokio::test]
async fn the_payloads_of_a_whole_account_and_of_all_do_what_they_say() {
    let world = World::new(2);
    for account in [0, 1] {
        world.put(account, OHIO, HOST, "h").await;
        let secrets = world.secrets(account, OHIO).await;
        secrets.create_secret().name("shop/db").secret_string("s").send().await.expect("a secret");
    }
    let hub = world.hub(&[]).await;
    let listed = world.ask(&hub, &payload("list-accounts.json")).await;
    let batches = listed["batches"].as_array().expect("batches");
    let accounts: Vec<&Value> =
        batches.iter().flat_map(|batch| batch["accounts"].as_array().expect("accounts")).collect();
    assert_eq!(accounts, [&json!(world.account(0)), &json!(world.account(1))]);

    let planned = world.ask(&hub, &payload_for(&world, "plan-account.json")).await;
    let steps = planned["steps"].as_array().expect("steps");
    let changes: Vec<&Value> = steps.iter().map(|step| &step["change"]).collect();
    assert_eq!(changes, ["create", "replicate"], "{planned:#}");
    assert!(world.seen(0, VIRGINIA).await.is_empty(), "a plan writes nothing");

    let secret = world.ask(&hub, &payload_for(&world, "sync-secret.json")).await;
    assert_eq!(secret["totals"]["secrets"], json!({"replicated": 1}), "{secret:#}");
    let account = world.ask(&hub, &payload_for(&world, "sync-account.json")).await;
    assert_eq!(account["totals"]["parameters"], json!({"created": 1}), "{account:#}");
    assert_eq!(account["totals"]["secrets"], json!({"in_sync": 1}));
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    assert!(world.seen(1, VIRGINIA).await.is_empty(), "it was not named");

    let all = world.ask(&hub, &payload("sync-all.json")).await;
    assert_eq!(all["totals"]["accounts"], json!({"in_sync": 1, "changed": 1}), "{all:#}");
    assert_replicated(&world, 1, OHIO, VIRGINIA).await;
    let provenance = &world.seen(1, VIRGINIA).await[HOST].tags[PROVENANCE];
    assert!(provenance.contains("replica=1"), "{provenance}");
}
