//! Kind: somebody acts on a replica after the hub found that it is to go, and before it is deleted. What they wrote is
//! kept and reported; the replicas beside it, in the same call, go.
//!
//! Neighbours: an overwrite, a recreation with and without the replica's tags, a release; a source that is gone, found
//! by a sweep and by an event, a source with the tag `remove`, a tombstone that is due, `prune`; a parameter of the
//! source's name in a target that the hub never wrote.

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    Call, Clock, LONG_AGO, MARK, Proxy, Regional, SOURCE, TARGET, World, batch, classes,
    create_tagged, delete, delete_event, plan_id, put, remove_tags, set_tags,
};

const THEIRS: &str = "canary of somebody else";
/// What somebody does to each of them, in the name; the last one they leave alone.
const NAMES: [&str; 5] = ["/del/over", "/del/bare", "/del/tagged", "/del/released", "/del/goes"];

async fn acts(ssm: &aws_sdk_ssm::Client, replicas: &Regional) {
    put(ssm, "/del/over", THEIRS).await;
    delete(ssm, &["/del/bare", "/del/tagged"]).await;
    put(ssm, "/del/bare", THEIRS).await;
    create_tagged(ssm, "/del/tagged", THEIRS, &replicas["/del/tagged"].tags).await;
    remove_tags(ssm, "/del/released", &[MARK.0]).await;
}

async fn replicated(settings: &[(&str, &str)]) -> World {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    // Where every source of a route is gone, a sweep would hold all of them back.
    for name in NAMES.iter().chain(&["/stays"]) {
        put(&source, name, "canary of the source").await;
    }
    world.sweep(&world.hub(settings).await).await;
    assert_eq!(world.seen(0, TARGET).await.len(), NAMES.len() + 1);
    world
}

/// Somebody acts just before the second read that finds the sources as they are: the proof of the targets follows it.
async fn acts_late(world: &World) {
    let (somebody, replicas) = (world.ssm(0, TARGET).await, world.seen(0, TARGET).await);
    let mut reads = 0;
    let second = move |call: &Call| {
        let is_read = ["ssm:GetParameters", "ssm:ListTagsForResource"];
        let hit = is_read.contains(&call.action.as_str()) && call.region == SOURCE;
        reads += usize::from(hit && call.action == "ssm:GetParameters");
        hit && reads == 2
    };
    world.wire.before(second, async move { acts(&somebody, &replicas).await });
}

async fn assert_kept(world: &World) {
    let mut seen = world.seen(0, TARGET).await;
    assert!(seen.remove("/stays").is_some());
    let names: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(names, ["/del/bare", "/del/over", "/del/released", "/del/tagged"], "{seen:#?}");
    for (name, replica) in seen {
        assert_eq!(replica.value == THEIRS, name != "/del/released", "{name}: {replica:?}");
    }
}

fn assert_reported(response: &Value) {
    let told = classes(response);
    for line in ["changed_in_target /del/over us-east-1", "claimed /del/tagged us-east-1"] {
        assert!(told.contains(&line.to_owned()), "{line}: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_misses_the_sources_keeps_what_somebody_wrote_meanwhile() {
    let world = replicated(&[]).await;
    delete(&world.ssm(0, SOURCE).await, &NAMES).await;
    acts_late(&world).await;
    let hub = world.hub(&[("DELETE_GRACE_DAYS", "0")]).await;
    assert_reported(&world.sweep(&hub).await);
    assert_kept(&world).await;
    assert_reported(&world.sweep(&hub).await);
    assert_kept(&world).await;
}

#[tokio::test(start_paused = true)]
async fn events_that_tell_of_deletions_keep_what_somebody_wrote_meanwhile() {
    let world = replicated(&[]).await;
    delete(&world.ssm(0, SOURCE).await, &NAMES).await;
    acts_late(&world).await;
    let hub = world.hub(&[]).await;
    let event = |name| (name, delete_event(world.account(0), LONG_AGO, name));
    world.ask(&hub, &batch(NAMES.map(event))).await;
    assert_kept(&world).await;
    assert_reported(&world.sweep(&hub).await);
    assert_kept(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_due_tombstone_does_not_delete_what_somebody_wrote_since() {
    let settings = [("DELETE_GRACE_DAYS", "1")];
    let world = replicated(&settings).await;
    delete(&world.ssm(0, SOURCE).await, &NAMES).await;
    let clock = Clock::default();
    let hub = world.hub_at(Some(&clock), &settings).await;
    world.sweep(&hub).await;
    assert_eq!(world.seen(0, TARGET).await.len(), NAMES.len() + 1, "tombstones");
    clock.forward(Duration::from_hours(24 * 9));
    acts_late(&world).await;
    assert_reported(&world.sweep(&hub).await);
    assert_kept(&world).await;
}

#[tokio::test(start_paused = true)]
async fn the_tag_remove_does_not_remove_what_somebody_wrote_meanwhile() {
    let world = replicated(&[]).await;
    let source = world.ssm(0, SOURCE).await;
    for name in NAMES {
        set_tags(&source, name, &[("failover-replicator", "remove")]).await;
    }
    let (somebody, replicas) = (world.ssm(0, TARGET).await, world.seen(0, TARGET).await);
    // The sources' tags are read once more, by name, before the proof of the targets.
    let tags = |call: &Call| call.action == "ssm:ListTagsForResource" && call.region == SOURCE;
    world.wire.before(tags, async move { acts(&somebody, &replicas).await });
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    assert_kept(&world).await;
    assert_reported(&world.sweep(&hub).await);
    assert_kept(&world).await;
}

#[tokio::test(start_paused = true)]
async fn prune_does_not_delete_what_somebody_wrote_meanwhile() {
    let world = replicated(&[]).await;
    let proxy = Proxy::to(&world.emulator.url).await;
    let hubctl = world.hubctl().with("REPLICATOR_EXCLUDE_NAMES", "/del/*");
    let id = plan_id(&hubctl.run(&["prune", "--format", "json"]).await.json());
    let hubctl = hubctl.with("AWS_ENDPOINT_URL", &proxy.url);
    let (somebody, replicas) = (world.ssm(0, TARGET).await, world.seen(0, TARGET).await);
    let proof = |call: &Call| {
        let is_read = ["ssm:GetParameters", "ssm:ListTagsForResource"];
        is_read.contains(&call.action.as_str()) && call.region == TARGET
    };
    proxy.before(proof, async move { acts(&somebody, &replicas).await });
    hubctl.run(&["prune", "--yes", "--expect", &id]).await.ended(4);
    assert_kept(&world).await;
}
