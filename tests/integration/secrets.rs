//! Secrets on the emulator: managed replication is asked for where it is missing, and nothing else is touched.

mod rules;
mod worlds;

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, Tag};
use serde_json::{Value, json};

use crate::support::{World, count, failures};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

async fn create(client: &Client, name: &str, value: &str) {
    client.create_secret().name(name).secret_string(value).send().await.expect("the owner may");
}

async fn described(client: &Client, name: &str) -> Option<DescribeSecretOutput> {
    client.describe_secret().secret_id(name).send().await.ok()
}

/// All that is shown of a secret, for comparing two moments.
fn shown(secret: &DescribeSecretOutput) -> (Option<&str>, BTreeMap<&str, &str>, Vec<&String>) {
    let versions = secret.version_ids_to_stages.iter().flatten().map(|(version, _)| version);
    (secret.arn(), tags(secret), versions.collect())
}

async fn value(client: &Client, name: &str) -> String {
    let answer = client.get_secret_value().secret_id(name).send().await.expect("a value");
    answer.secret_string.unwrap_or_default()
}

/// The target's replica: a secret whose primary is the source's.
async fn replica(client: &Client, name: &str) -> DescribeSecretOutput {
    let replica = described(client, name).await.unwrap_or_else(|| panic!("{name} is replicated"));
    assert_eq!(replica.primary_region.as_deref(), Some(SOURCE), "{name}");
    replica
}

fn tags(secret: &DescribeSecretOutput) -> BTreeMap<&str, &str> {
    secret
        .tags()
        .iter()
        .map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default()))
        .collect()
}

fn secret(response: &Value, outcome: &str) -> u64 {
    count(response, "secrets", outcome)
}

fn sync(world: &World, name: &str) -> Value {
    json!({"account": world.account(0), "region": SOURCE,
        "detail": {"kind": "secret", "name": name, "operation": "sync"}})
}

#[tokio::test]
async fn a_secret_gets_its_replica_with_tags_and_a_mapped_key_and_follows_its_primary() {
    let world =
        World::furnished(&["--regions", SOURCE, TARGET, "--alias", "alias/app", "alias/standby"]);
    let (source, target) = (world.secrets(0, SOURCE).await, world.secrets(0, TARGET).await);
    create(&source, "plain", "one").await;
    let tagged =
        source.create_secret().name("db/main").secret_string("two").kms_key_id("alias/app");
    let tagged = tagged.tags(Tag::builder().key("team").value("shop").build());
    tagged.send().await.expect("the owner may");

    let hub = world.hub(&[("KMS_KEYS", r#"{"alias/app":"alias/standby"}"#)]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    assert_eq!(response["totals"]["secrets"], json!({"replicated": 2}), "{response:#}");
    let db = replica(&target, "db/main").await;
    assert_eq!(db.kms_key_id.as_deref(), Some("alias/standby"));
    assert_eq!(tags(&db), BTreeMap::from([("team", "shop")]), "no tag of the hub's own");
    let key = replica(&target, "plain").await.kms_key_id;
    assert!(key.as_deref().is_none_or(|key| key == DEFAULT_KEY), "{key:?}");
    let calls = world.wire.take();
    let asked: Vec<&Value> = calls
        .iter()
        .filter(|call| call.action == "secretsmanager:ReplicateSecretToRegions")
        .map(|call| &call.request)
        .collect();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| request["ForceOverwriteReplicaSecret"] == false));

    // Secrets Manager takes a new value over by itself: there is nothing to do, and two lists tell so.
    source
        .put_secret_value()
        .secret_id("db/main")
        .secret_string("three")
        .send()
        .await
        .expect("put");
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "in_sync", "{response:#}");
    assert_eq!(response["totals"]["secrets"], json!({"in_sync": 2}));
    assert_eq!(value(&target, "db/main").await, "three");
    let counts = world.wire.counts();
    let secrets: BTreeMap<&str, usize> = counts
        .iter()
        .filter(|(action, _)| action.starts_with("secretsmanager"))
        .map(|(action, count)| (action.as_str(), *count))
        .collect();
    assert_eq!(secrets, BTreeMap::from([("secretsmanager:ListSecrets", 2)]));
}

#[tokio::test]
async fn a_secret_of_its_own_in_the_target_is_a_conflict_and_stays_as_it_is() {
    let world = World::new(1);
    let (source, target) = (world.secrets(0, SOURCE).await, world.secrets(0, TARGET).await);
    create(&source, "taken", "the source's").await;
    create(&source, "free", "x").await;
    create(&target, "taken", "the owner's").await;
    let before = described(&target, "taken").await.expect("the owner's");

    let hub = world.hub(&[]).await;
    let by_name = sync(&world, "taken");
    for payload in [json!({"detail": {"name": "all", "operation": "sync"}}), by_name] {
        let response = world.ask(&hub, &payload).await;
        let conflict = ("conflict".to_owned(), "taken".to_owned());
        assert_eq!(failures(&response), [conflict], "{response:#}");
        assert_eq!(secret(&response, "conflict"), 1);
        let text = |field: &str| response["failures"][0][field].as_str().unwrap_or_default();
        assert!(text("message").contains(TARGET), "{response:#}");
        assert!(text("remedy").contains("rename or delete"), "{response:#}");
        let after = described(&target, "taken").await.expect("the owner's");
        assert_eq!(shown(&after), shown(&before));
        assert_eq!(after.primary_region, None);
        assert_eq!(value(&target, "taken").await, "the owner's");
    }
    replica(&target, "free").await;
    let primary = described(&source, "taken").await.expect("the source's");
    assert!(primary.replication_status().is_empty(), "it was not even asked for");
}

#[tokio::test]
async fn what_a_service_owns_and_what_is_being_deleted_is_skipped() {
    let world = World::new(1);
    let (source, target) = (world.secrets(0, SOURCE).await, world.secrets(0, TARGET).await);
    let owned = Tag::builder().key("aws:secretsmanager:owningService").value("rds").build();
    let owned = source.create_secret().name("rds!db").secret_string("x").tags(owned);
    owned.send().await.expect("the emulator lets a test do what only RDS may");
    create(&source, "goes", "x").await;
    source
        .delete_secret()
        .secret_id("goes")
        .recovery_window_in_days(7)
        .send()
        .await
        .expect("delete");
    create(&source, "stays", "x").await;

    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(
        response["totals"]["secrets"],
        json!({"replicated": 1, "skipped": 2}),
        "{response:#}"
    );
    assert_eq!(response["status"], "changed");
    for name in ["rds!db", "goes"] {
        let response = world.ask(&hub, &sync(&world, name)).await;
        assert_eq!(response["totals"]["secrets"], json!({"skipped": 1}), "{name}: {response:#}");
        assert!(described(&target, name).await.is_none(), "{name}");
    }
}

#[tokio::test]
async fn what_goes_while_it_is_looked_at_is_no_failure() {
    let world = World::new(1);
    let source = world.secrets(0, SOURCE).await;
    for name in ["goes", "stays"] {
        create(&source, name, "x").await;
    }
    let hub = world.hub(&[]).await;
    // Listed, and gone by the time that it is described.
    world.wire.before(
        |call| call.action == "secretsmanager:DescribeSecret" && call.request["SecretId"] == "goes",
        async move {
            let delete =
                source.delete_secret().secret_id("goes").force_delete_without_recovery(true);
            delete.send().await.expect("the owner may");
        },
    );
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [], "{response:#}");
    assert_eq!(response["totals"]["secrets"], json!({"absent": 1, "replicated": 1}));
}

#[tokio::test]
async fn a_replica_is_no_source_of_the_opposite_route() {
    let world = World::new(1);
    let (east, west) = (world.secrets(0, SOURCE).await, world.secrets(0, "us-west-2").await);
    create(&east, "of-the-east", "x").await;
    create(&west, "of-the-west", "x").await;
    let hub = world.hub(&[("ROUTES", "us-east-2=us-west-2;us-west-2=us-east-2")]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(secret(&response, "replicated"), 2, "{response:#}");
    world.wire.take();
    for _ in 0..2 {
        let response = world.sweep(&hub).await;
        assert_eq!(response["status"], "in_sync", "{response:#}");
        assert_eq!(response["totals"]["secrets"], json!({"in_sync": 2, "skipped": 2}));
    }
    assert!(!world.wire.counts().contains_key("secretsmanager:ReplicateSecretToRegions"));
    let replica = described(&west, "of-the-east").await.expect("replicated");
    assert_eq!(replica.primary_region.as_deref(), Some(SOURCE));
    let replica = described(&east, "of-the-west").await.expect("replicated");
    assert_eq!(replica.primary_region.as_deref(), Some("us-west-2"));
}

#[tokio::test]
async fn a_named_secret_is_replicated_and_no_other() {
    let world = World::new(1);
    let (source, target) = (world.secrets(0, SOURCE).await, world.secrets(0, TARGET).await);
    for name in ["named", "other", "by-arn"] {
        create(&source, name, "x").await;
    }
    let arn = described(&source, "by-arn").await.and_then(|secret| secret.arn).expect("an ARN");
    let hub = world.hub(&[]).await;
    for name in ["named", &arn] {
        let response = world.ask(&hub, &sync(&world, name)).await;
        assert_eq!(response["totals"]["secrets"], json!({"replicated": 1}), "{response:#}");
        assert_eq!(response["totals"].get("parameters"), Some(&json!({})), "{response:#}");
        let response = world.ask(&hub, &sync(&world, name)).await;
        assert_eq!(response["totals"]["secrets"], json!({"in_sync": 1}), "{response:#}");
    }
    replica(&target, "named").await;
    replica(&target, "by-arn").await;
    assert!(described(&target, "other").await.is_none());
    let response = world.ask(&hub, &sync(&world, "nobodys")).await;
    assert_eq!(response["totals"]["secrets"], json!({"absent": 1}), "{response:#}");
}

#[tokio::test]
async fn a_replica_whose_key_is_missing_is_not_asked_for_and_one_that_failed_is_asked_for_again() {
    let world = World::furnished(&["--regions", SOURCE, "--alias", "alias/app"]);
    let (source, target) = (world.secrets(0, SOURCE).await, world.secrets(0, TARGET).await);
    let request = source.create_secret().name("s").secret_string("x").kms_key_id("alias/app");
    request.send().await.expect("the owner may");
    // Its owner asked for a replica over a name that was taken then, and is free now.
    create(&source, "t", "x").await;
    create(&target, "t", "y").await;
    let wanted = ReplicaRegionType::builder().region(TARGET).build();
    let asked = source.replicate_secret_to_regions().secret_id("t").add_replica_regions(wanted);
    asked.send().await.expect("the owner may");
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    let failed = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    assert_eq!(failures(&response), [failed("missing_key", "s"), failed("conflict", "t")]);
    let delete = target.delete_secret().secret_id("t").force_delete_without_recovery(true);
    delete.send().await.expect("the owner may");
    world.wire.take();
    for replicated in [1, 0] {
        let response = world.sweep(&hub).await;
        assert_eq!(failures(&response), [failed("missing_key", "s")]);
        let failure = &response["failures"][0];
        let text = |field: &str| failure[field].as_str().unwrap_or_default();
        assert!(text("message").contains("the key alias/app in "), "{failure:#}");
        assert!(text("remedy").contains("REPLICATOR_KMS_KEYS"), "{failure:#}");
        assert_eq!((secret(&response, "failed"), secret(&response, "replicated")), (1, replicated));
    }
    assert_eq!(world.wire.counts()["secretsmanager:ReplicateSecretToRegions"], 1);
    replica(&target, "t").await;
    assert!(described(&source, "s").await.expect("the source's").replication_status().is_empty());
}

#[tokio::test]
async fn no_value_of_a_secret_is_ever_asked_for() {
    let world = World::furnished(&["--regions", SOURCE, "--alias", "alias/app"]);
    let (source, target) = (world.secrets(0, SOURCE).await, world.secrets(0, TARGET).await);
    for name in ["fine", "taken"] {
        create(&source, name, "x").await;
    }
    let request = source.create_secret().name("keyless").secret_string("x").kms_key_id("alias/app");
    request.send().await.expect("the owner may");
    create(&target, "taken", "y").await;
    let hub = world.hub(&[]).await;
    let all = json!({"account": world.account(0), "detail": {"name": "all", "operation": "sync"}});
    let with = |field: &str, value: bool| {
        let mut payload = all.clone();
        payload[field] = value.into();
        payload
    };
    let mut payloads = vec![with("plan", true), all.clone(), with("trust", false)];
    payloads.extend(["fine", "taken", "keyless"].map(|name| sync(&world, name)));
    for payload in payloads {
        world.ask(&hub, &payload).await;
    }
    let counts = world.wire.counts();
    let asked: Vec<&str> = counts.keys().map(String::as_str).collect();
    assert!(asked.contains(&"secretsmanager:DescribeSecret"), "{asked:?}");
    assert!(asked.iter().all(|action| !action.contains("SecretValue")), "{asked:?}");
}
