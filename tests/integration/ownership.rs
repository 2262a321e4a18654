//! What is not this route's replica is never written and never deleted, whatever is asked for, and is told of.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_secretsmanager::types::Tag;
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use crate::support::{
    Call, MARK, PROVENANCE, Seen, World, assert_replicated, count, delete, failures, put,
    remove_tags, set_tags, with,
};

const OHIO: &str = "us-east-2";
const VIRGINIA: &str = "us-east-1";
const SECRET: &str = "standalone/db";
const OPERATIONS: [&str; 4] = ["create", "update", "delete", "sync"];
/// Held in the target by others, with what the conflict says of each.
const FOREIGN: [(&str, &str); 5] = [
    ("/equal", "does not carry the mark"),
    ("/others", "is the replica of the one in eu-west-1"),
    ("/released", "was released"),
    ("/unmarked", "does not carry the mark"),
    (SECRET, "an independent secret holds the name"),
];

/// All that the target holds, the standalone secret with its value, versions and tags among it.
#[derive(Debug, PartialEq)]
struct Target {
    parameters: BTreeMap<String, Seen>,
    secret: (String, String, String, BTreeSet<(String, String)>),
}

async fn target(world: &World) -> Target {
    let secrets = world.secrets(0, VIRGINIA).await;
    let value = secrets.get_secret_value().secret_id(SECRET).send().await.expect("its value");
    let about = secrets.describe_secret().secret_id(SECRET).send().await.expect("it is there");
    assert_eq!(about.replication_status(), [], "it is nobody's primary");
    let tag = |tag: &Tag| {
        (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned())
    };
    Target {
        parameters: world.seen(0, VIRGINIA).await,
        secret: (
            value.arn.expect("an ARN"),
            value.version_id.expect("a version"),
            value.secret_string.expect("a value"),
            about.tags().iter().map(tag).collect(),
        ),
    }
}

/// Sources, and others' things under their names in the target; and one replica of ours, to be told apart.
async fn world_with_others() -> (World, Hub) {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, OHIO).await, world.ssm(0, VIRGINIA).await);
    put(&source, "/ours", "1").await;
    put(&source, "/released", "2").await;
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "created"), 2, "{response:#}");
    remove_tags(&target, "/released", &[MARK.0]).await;

    for name in ["/unmarked", "/others", "/equal"] {
        put(&source, name, "3").await;
    }
    put(&source, "/released", "4").await;
    put(&target, "/unmarked", "theirs").await;
    put(&target, "/others", "theirs").await;
    // An equal one that was written more than once, and never by the hub.
    put(&target, "/equal", "2").await;
    put(&target, "/equal", "3").await;
    set_tags(&target, "/unmarked", &[("owner", "them"), ("ReplicationStatus", "their own word")])
        .await;
    let elsewhere =
        "region=eu-west-1 version=1 modified=2026-11-24T10:00:00.123Z replica=1 form=9c1e20aa";
    set_tags(&target, "/others", &[MARK, (PROVENANCE, elsewhere)]).await;

    let make = world.secrets(0, OHIO).await.create_secret().name(SECRET).secret_string("ours");
    make.send().await.expect("a secret");
    let make = world.secrets(0, VIRGINIA).await.create_secret().name(SECRET);
    let owner = Tag::builder().key("owner").value("them").build();
    make.secret_string("theirs").tags(owner).send().await.expect("a secret");
    (world, hub)
}

/// A payload for a parameter, or for the secret.
fn named(world: &World, name: &str, operation: &str) -> Value {
    let mut payload = with(world.one(name, operation), "region", OHIO);
    payload["detail"]["kind"] = json!(if name == SECRET { "secret" } else { "parameter" });
    payload
}

/// Each of these is told as a conflict in the target, with why and with what to do about it.
fn assert_told(response: &Value, expected: &[(&str, &str)]) {
    let names = |list: Vec<(String, String)>| list.into_iter().collect::<BTreeSet<_>>();
    let conflicts = expected.iter().map(|(name, _)| ("conflict".to_owned(), (*name).to_owned()));
    assert_eq!(names(failures(response)), conflicts.collect(), "{response:#}");
    for failure in response["failures"].as_array().expect("failures") {
        let text = |key: &str| failure[key].as_str().unwrap_or_default();
        let (_, why) = expected.iter().find(|(name, _)| *name == text("name")).expect("expected");
        assert!(text("message").contains(why), "{failure:#}");
        assert!(text("remedy").contains("failover-replicator=exclude"), "{failure:#}");
        assert_eq!(text("region"), VIRGINIA);
    }
    assert_eq!(response["status"], "failed");
}

#[tokio::test]
async fn what_others_hold_survives_every_sweep_and_is_told() {
    let (world, hub) = world_with_others().await;
    let before = target(&world).await;
    for _ in 0..3 {
        let response = world.sweep(&hub).await;
        assert_told(&response, &FOREIGN);
        assert_eq!(target(&world).await, before);
        assert_eq!(count(&response, "parameters", "in_sync"), 1, "ours");
    }
    for (option, value) in
        [("trust", json!(false)), ("max_deletes", json!("100%")), ("plan", json!(true))]
    {
        let response = world.ask(&hub, &with(world.all(), option, value)).await;
        assert_told(&response, &FOREIGN);
        assert_eq!(target(&world).await, before, "{option}");
    }
}

#[tokio::test]
async fn what_others_hold_survives_every_operation_by_name_and_is_told() {
    let (world, hub) = world_with_others().await;
    let before = target(&world).await;
    for operation in OPERATIONS {
        for foreign in FOREIGN {
            let payload = named(&world, foreign.0, operation);
            let response = world.ask(&hub, &payload).await;
            assert_told(&response, &[foreign]);
            assert_eq!(target(&world).await, before, "{payload}");
        }
    }
}

#[tokio::test]
async fn what_others_hold_survives_when_the_sources_are_gone() {
    let (world, hub) = world_with_others().await;
    let before = target(&world).await;
    let parameters: Vec<&str> =
        FOREIGN.iter().map(|(name, _)| *name).filter(|n| *n != SECRET).collect();
    delete(&world.ssm(0, OHIO).await, &parameters).await;
    let secrets = world.secrets(0, OHIO).await;
    let gone = secrets.delete_secret().secret_id(SECRET).force_delete_without_recovery(true);
    gone.send().await.expect("the owner may");

    for _ in 0..3 {
        let response = world.sweep(&hub).await;
        assert_eq!(response["status"], "in_sync", "{response:#}");
        assert_eq!(target(&world).await, before);
    }
    for operation in OPERATIONS {
        for (name, _) in FOREIGN {
            let payload = named(&world, name, operation);
            let response = world.ask(&hub, &payload).await;
            let kind = if name == SECRET { "secrets" } else { "parameters" };
            let counted = &response["totals"][kind];
            // The replica of a route that is not in the settings is out of scope.
            let is_told = ["absent", "out_of_scope"].iter().any(|one| *counted == json!({*one: 1}));
            assert!(is_told, "{response:#}");
            assert_eq!(target(&world).await, before, "{payload}");
        }
    }
}

#[tokio::test]
async fn a_replica_released_between_the_list_and_the_delete_is_kept() {
    let world = World::new(1);
    let ssm = world.ssm(0, OHIO).await;
    for name in ["/goes", "/mark/off", "/both/off", "/stays"] {
        put(&ssm, name, "v").await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    delete(&ssm, &["/goes", "/mark/off", "/both/off"]).await;

    let owner = world.ssm(0, VIRGINIA).await;
    let released = owner.clone();
    // At the second read that finds the sources absent: after it, the tags are read by name.
    let mut reads = 0;
    let second = move |call: &Call| {
        let hit = call.action == "ssm:GetParameters" && call.region == OHIO;
        reads += usize::from(hit);
        hit && reads == 2
    };
    world.wire.before(second, async move {
        remove_tags(&released, "/mark/off", &[MARK.0]).await;
        remove_tags(&released, "/both/off", &[MARK.0, PROVENANCE]).await;
    });
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "deleted"), 1, "{response:#}");
    let conflict = |name: &str| ("conflict".to_owned(), name.to_owned());
    // Without a source a released replica is no conflict any more; what has neither tag was written by the hub.
    assert_eq!(failures(&response), [conflict("/both/off")]);
    let kept = world.seen(0, VIRGINIA).await;
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["/both/off", "/mark/off", "/stays"]);
    assert_eq!((kept["/both/off"].version, kept["/mark/off"].version), (1, 1));
    assert!(kept["/both/off"].tags.is_empty() && !kept["/mark/off"].tags.contains_key(MARK.0));

    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [conflict("/both/off")]);
    assert_eq!(response["failures"][0]["class"], "untagged_create", "{response:#}");
    assert_eq!(world.seen(0, VIRGINIA).await, kept);
    delete(&owner, &["/both/off", "/mark/off"]).await;
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}
