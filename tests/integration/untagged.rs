//! Kind: version 1 of a parameter in a target, written by the hub's role, with neither of its tags (`untagged_create`):
//! an update met a deletion, and the process ended before it tagged what its put had made.
//!
//! Neighbours: within an hour of the write and later; with its source, a changed, an encrypted, an excluded one, and
//! without; in one of two targets; a sweep, a plan, each operation by name, late events, `prune`; in a Region that is a
//! source too, with and without the word `released`; a second version, another writer, other tags; both ways of
//! `resolve`; and the real thing: the process that loses its connection between the put and the tags.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Call, Clock, Conflict, Fault, HUB_ROLE, LONG_AGO, MARK, PROVENANCE, SOURCE, TARGET, World,
    assert_equal, assert_named, assert_replicated, assert_stands, classes, count, delete,
    delete_event, put, put_secure, remove_tags, set_tags, steps,
};

const OREGON: &str = "us-west-2";
const CLASS: &str = "untagged_create";
const HOUR: Duration = Duration::from_hours(1);

fn conflict(name: &str) -> Conflict {
    Conflict::new(CLASS, name, 1).by(HUB_ROLE)
}

#[tokio::test(start_paused = true)]
async fn within_an_hour_of_its_write_it_gets_its_tags_again() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    let hub_role = world.ssm_as(0, TARGET, HUB_ROLE).await;
    for name in ["/fresh/equal", "/fresh/behind", "/fresh/tagged"] {
        put(&hub_role, name, "canary 1").await;
        put(&source, name, "canary 1").await;
    }
    put(&source, "/fresh/behind", "canary 2").await;
    set_tags(&source, "/fresh/tagged", &[("team", "shop")]).await;
    put_secure(&hub_role, "/fresh/secret", "canary 1", "alias/aws/ssm").await;
    put_secure(&source, "/fresh/secret", "canary 1", "alias/aws/ssm").await;
    let clock = Clock::default();
    clock.forward(Duration::from_mins(55));
    let hub = world.hub_at(Some(&clock), &[]).await;
    let response = world.sweep(&hub).await;
    assert_named(&response, &[]);
    assert_equal(&world, 0, TARGET).await;
    assert_stands(&world, &hub, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn later_it_is_left_to_a_person_with_its_source_or_without() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    let hub_role = world.ssm_as(0, TARGET, HUB_ROLE).await;
    for name in ["/late/behind", "/late/equal", "/late/gone"] {
        put(&hub_role, name, "canary 1").await;
        put(&source, name, "canary 1").await;
    }
    put(&source, "/late/behind", "canary 2").await;
    let clock = Clock::default();
    clock.forward(HOUR + Duration::from_mins(1));
    let hub = world.hub_at(Some(&clock), &[("ON_CONFLICT", "adopt")]).await;
    let expected = ["/late/behind", "/late/equal", "/late/gone"].map(conflict);
    assert_stands(&world, &hub, &expected).await;
    delete(&source, &["/late/gone"]).await;
    assert_stands(&world, &hub, &expected).await;
    set_tags(&source, "/late/equal", &[("failover-replicator", "exclude")]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "excluded"), 1, "{response:#}");
    assert_eq!(world.seen(0, TARGET).await["/late/equal"].tags.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_source_it_is_a_conflict_at_once_and_nothing_deletes_it() {
    let world = World::new(1);
    let hub_role = world.ssm_as(0, TARGET, HUB_ROLE).await;
    put_secure(&hub_role, "/orphan/secret", "canary 1", "alias/aws/ssm").await;
    put(&hub_role, "/orphan/text", "canary 1").await;
    put(&world.ssm_as(0, OREGON, HUB_ROLE).await, "/orphan/text", "canary 1").await;
    let hub = world.hub(&[]).await;
    let expected = ["/orphan/secret", "/orphan/text"].map(conflict);
    assert_stands(&world, &hub, &expected).await;
    let two = world.hub(&[("ROUTES", "us-east-2=us-east-1,us-west-2")]).await;
    let mut everywhere = expected.to_vec();
    everywhere.push(conflict("/orphan/text").in_region(OREGON));
    assert_named(&world.sweep(&two).await, &everywhere);
    let hubctl = world.hubctl().with("REPLICATOR_EXCLUDE_NAMES", "/orphan/*");
    let plan = hubctl.run(&["prune", "--format", "json"]).await.json();
    assert_eq!(steps(&plan), Vec::<String>::new(), "{plan:#}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_after_its_put_leaves_one_that_is_reported_until_it_is_mended() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    for name in ["/died/gone", "/died/kept"] {
        put(&source, name, "canary 1").await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    let target = world.ssm(0, TARGET).await;
    for name in ["/died/gone", "/died/kept"] {
        put(&source, name, "canary 2").await;
        // The replica goes just before the put, and nothing of the process gets through after it.
        let stranger = target.clone();
        let is_put =
            move |call: &Call| call.action == "ssm:PutParameter" && call.request["Name"] == name;
        world.wire.before(is_put, async move { delete(&stranger, &[name]).await });
        let mut dead = false;
        world.wire.faults(move |call| {
            let fault = if dead { Some(Fault::Lost) } else { None };
            let is_last = is_put(call);
            dead |= is_last;
            fault.or_else(|| is_last.then_some(Fault::AnswerLost))
        });
        let payload = crate::support::with(world.one(name, "update"), "region", SOURCE);
        world.ask(&hub, &payload).await;
        world.wire.faults(|_| None);
        let left = &world.seen(0, TARGET).await[name];
        assert_eq!((&left.value[..], left.version, left.tags.len()), ("canary 2", 1, 0));
    }
    delete(&source, &["/died/gone"]).await;
    let event = delete_event(world.account(0), LONG_AGO, "/died/gone");
    let fresh = world.hub(&[]).await;
    assert_named(&world.ask(&fresh, &event).await, &[conflict("/died/gone")]);
    assert_named(&world.sweep(&fresh).await, &[conflict("/died/gone")]);
    let seen = world.seen(0, TARGET).await;
    assert_eq!(seen["/died/kept"].tags[MARK.0], MARK.1, "its source is there: {seen:#?}");
    assert_stands(&world, &fresh, &[conflict("/died/gone")]).await;
}

#[tokio::test(start_paused = true)]
async fn in_a_region_that_is_a_source_too_it_is_no_source_unless_it_was_released() {
    let world = World::new(1);
    let routes = format!("{SOURCE}={TARGET};{TARGET}={SOURCE}");
    let hub_role = world.ssm_as(0, TARGET, HUB_ROLE).await;
    for name in ["/made/left", "/made/released"] {
        put(&hub_role, name, "canary 1").await;
    }
    set_tags(&hub_role, "/made/released", &[("failover-replicator", "released")]).await;
    put(&world.ssm(0, TARGET).await, "/made/theirs", "canary 1").await;
    for later in [Duration::ZERO, HOUR * 2] {
        let clock = Clock::default();
        clock.forward(later);
        let hub = world.hub_at(Some(&clock), &[("ROUTES", &routes)]).await;
        for _ in 0..2 {
            let told = classes(&world.sweep(&hub).await);
            assert!(told.contains(&format!("{CLASS} /made/left {TARGET}")), "{told:?}");
            let copied = world.seen(0, SOURCE).await;
            assert_eq!(copied.keys().collect::<Vec<_>>(), ["/made/released", "/made/theirs"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_version_another_writer_or_another_tag_gets_no_tags_again() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    let hub_role = world.ssm_as(0, TARGET, HUB_ROLE).await;
    let names = ["/not/first", "/not/released", "/not/theirs"];
    for name in names {
        put(&source, name, "canary 1").await;
    }
    for _ in 0..2 {
        put(&hub_role, "/not/first", "canary 1").await;
    }
    put(&hub_role, "/not/released", "canary 1").await;
    set_tags(&hub_role, "/not/released", &[("failover-replicator", "released")]).await;
    put(&world.ssm(0, TARGET).await, "/not/theirs", "canary 1").await;
    let expected = [
        Conflict::new("unmarked|untagged_create", "/not/first", 2).by(HUB_ROLE),
        Conflict::new("released", "/not/released", 1).by(HUB_ROLE),
        Conflict::new("unmarked", "/not/theirs", 1),
    ];
    assert_stands(&world, &world.hub(&[]).await, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_person_takes_the_source_or_releases_it() {
    let world = World::new(1);
    let (source, hub_role) = (world.ssm(0, SOURCE).await, world.ssm_as(0, TARGET, HUB_ROLE).await);
    for name in ["/take/gone", "/take/source", "/take/target"] {
        put(&hub_role, name, "canary 1").await;
    }
    put(&source, "/take/source", "canary 2").await;
    put(&source, "/take/target", "canary 2").await;
    let hubctl = world.hubctl();
    for (name, take) in
        [("/take/gone", "target"), ("/take/source", "source"), ("/take/target", "target")]
    {
        let place = ["--account", world.account(0), "--region", SOURCE];
        hubctl
            .run(&[&["resolve", name, "--yes", "--take", take][..], &place].concat())
            .await
            .ended(0);
    }
    let seen = world.seen(0, TARGET).await;
    assert_eq!((&seen["/take/source"].value[..], seen["/take/source"].version), ("canary 2", 2));
    for name in ["/take/gone", "/take/target"] {
        assert_eq!(seen[name].tags["failover-replicator"], "released", "{name}");
        assert_eq!((&seen[name].value[..], seen[name].version), ("canary 1", 1));
    }
    let response = world.sweep(&world.hub(&[]).await).await;
    assert!(classes(&response).iter().all(|line| !line.starts_with(CLASS)), "{response:#}");
    assert_eq!(response["totals"]["parameters"]["in_sync"], json!(1));

    // Whoever takes both tags off a fresh replica without the word gets them back: `hubctl release` sets it first.
    let target = world.ssm(0, TARGET).await;
    delete(&target, &["/take/gone", "/take/target"]).await;
    world.sweep(&world.hub(&[]).await).await;
    remove_tags(&target, "/take/target", &[MARK.0, PROVENANCE]).await;
    assert_named(&world.sweep(&world.hub(&[]).await).await, &[]);
    assert_replicated(&world, 0, SOURCE, TARGET).await;
}
