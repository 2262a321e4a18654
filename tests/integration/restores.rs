//! Kind: `REPLICATOR_ON_TARGET_CHANGE=restore` puts a changed replica back once, and names the version that it covered.
//!
//! Neighbours: an unchanged and a changed source, an encrypted one, one of two targets; by sweep, by name and by event;
//! a plan, which only shows it; a source that is gone or excluded; a second change, which does not take; what is no
//! change of a replica of the hub's (a copy with its tags, a parameter without them); a write that comes between the
//! hub's read and its put; the report, which stays quiet once the replica is the source's again.

use aws_sdk_ssm::Client;

use crate::support::{
    Call, Conflict, LONG_AGO, PROVENANCE, SOURCE, TARGET, World, assert_equal, assert_named,
    assert_no_value, assert_stands, assert_tells_version, count, create_tagged, delete, put,
    put_event, put_secure, set_tags, with,
};

const OREGON: &str = "us-west-2";
const OURS: &str = "canary of the source";
const THEIRS: &str = "canary of the failover Region";
const RESTORE: [(&str, &str); 1] = [("ON_TARGET_CHANGE", "restore")];

async fn put_all(ssm: &Client, names: &[&str], value: &str) {
    for name in names {
        put(ssm, name, value).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_replica_is_put_back_once_and_the_version_that_was_covered_is_named() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    let names = ["/r/event", "/r/moved", "/r/named", "/r/same"];
    put_all(&source, &names, OURS).await;
    put_secure(&source, "/r/secret", OURS, "alias/aws/ssm").await;
    let hub = world.hub(&RESTORE).await;
    world.sweep(&hub).await;
    put_all(&target, &names, THEIRS).await;
    put_secure(&target, "/r/secret", THEIRS, "alias/aws/ssm").await;
    put(&source, "/r/moved", "canary of another day").await;

    let before = world.both_regions().await;
    let plan = world.ask(&hub, &with(world.all(), "plan", true)).await;
    assert_eq!(plan["steps"].as_array().map(Vec::len), Some(5), "{plan:#}");
    assert_no_value(&plan.to_string());
    assert_eq!(world.both_regions().await, before, "a plan writes nothing");

    let named = world.ask(&hub, &with(world.one("/r/named", "sync"), "region", SOURCE)).await;
    assert_tells_version(&named, "/r/named", 2);
    let event = put_event(world.account(0), LONG_AGO, "/r/event", 1);
    assert_tells_version(&world.ask(&hub, &event).await, "/r/event", 2);
    let swept = world.sweep(&hub).await;
    assert_eq!(count(&swept, "parameters", "restored"), 3, "{swept:#}");
    for name in ["/r/moved", "/r/same", "/r/secret"] {
        assert_tells_version(&swept, name, 2);
    }
    assert_no_value(&swept.to_string());
    assert_equal(&world, 0, TARGET).await;
    for name in names {
        let history = world.history(0, TARGET, name).await;
        assert_eq!((history.len(), &history[1].value[..]), (3, THEIRS), "{name}: {history:?}");
        assert!(history[2].is_the_hubs(), "{name}");
    }
    assert_stands(&world, &hub, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_change_does_not_take_and_is_left_to_a_person() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    put_all(&source, &["/r/again", "/r/moved"], OURS).await;
    let hub = world.hub(&RESTORE).await;
    world.sweep(&hub).await;
    put_all(&target, &["/r/again", "/r/moved"], THEIRS).await;
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "restored"), 2);
    put_all(&target, &["/r/again", "/r/moved"], THEIRS).await;
    put(&source, "/r/moved", "canary of another day").await;
    let expected = ["/r/again", "/r/moved"].map(|name| Conflict::new("does_not_take", name, 4));
    assert_stands(&world, &hub, &expected).await;
    // What the replica's own tag remembers, no new process forgets.
    assert_stands(&world, &world.hub(&RESTORE).await, &expected).await;
    assert_eq!(world.seen(0, TARGET).await["/r/again"].value, THEIRS);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_source_to_be_put_back_from_is_kept_and_named() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    let names = ["/r/excluded", "/r/gone", "/r/removed"];
    put_all(&source, &names, OURS).await;
    let hub = world.hub(&RESTORE).await;
    world.sweep(&hub).await;
    put_all(&target, &names, THEIRS).await;
    delete(&source, &["/r/gone"]).await;
    set_tags(&source, "/r/removed", &[("failover-replicator", "remove")]).await;
    set_tags(&source, "/r/excluded", &[("failover-replicator", "exclude")]).await;
    let expected =
        ["/r/gone", "/r/removed"].map(|name| Conflict::new("changed_in_target", name, 2));
    assert_stands(&world, &hub, &expected).await;
    let seen = world.seen(0, TARGET).await;
    assert!(seen.len() == 3 && seen.values().all(|replica| replica.value == THEIRS), "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn only_a_change_of_the_hub_s_own_replica_is_undone() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    put_all(&source, &["/r/recreated", "/r/retaken"], OURS).await;
    let hub = world.hub(&RESTORE).await;
    world.sweep(&hub).await;
    let tags = world.seen(0, TARGET).await["/r/recreated"].tags.clone();
    delete(&target, &["/r/recreated", "/r/retaken"]).await;
    create_tagged(&target, "/r/recreated", THEIRS, &tags).await;
    put(&target, "/r/recreated", THEIRS).await;
    put(&target, "/r/retaken", THEIRS).await;
    let expected = [
        Conflict::new("claimed", "/r/recreated", 2).or(1),
        Conflict::new("unmarked", "/r/retaken", 1),
    ];
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn one_changed_target_is_put_back_and_the_other_is_not_written() {
    let world = World::new(1);
    let settings = [RESTORE[0], ("ROUTES", "us-east-2=us-east-1,us-west-2")];
    let hub = world.hub(&settings).await;
    put(&world.ssm(0, SOURCE).await, "/r/both", OURS).await;
    world.sweep(&hub).await;
    put(&world.ssm(0, OREGON).await, "/r/both", THEIRS).await;
    let elsewhere = world.seen(0, TARGET).await;
    let swept = world.sweep(&hub).await;
    assert_eq!(count(&swept, "parameters", "restored"), 1, "{swept:#}");
    assert_tells_version(&swept, "/r/both", 2);
    assert_equal(&world, 0, OREGON).await;
    assert_eq!(world.seen(0, TARGET).await, elsewhere);
    let provenance = world.seen(0, OREGON).await["/r/both"].tags[PROVENANCE].clone();
    assert!(provenance.contains("replica=3 "), "{provenance}");
    assert_named(&world.sweep(&hub).await, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_comes_while_the_hub_restores_is_named_and_the_cover_is_not_stamped() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    put(&source, "/r/race", OURS).await;
    let hub = world.hub(&RESTORE).await;
    world.sweep(&hub).await;
    put(&target, "/r/race", THEIRS).await;
    let stranger = target.clone();
    let is_put = |call: &Call| call.action == "ssm:PutParameter" && call.region == TARGET;
    world.wire.before(is_put, async move {
        put(&stranger, "/r/race", "canary of a second day").await;
    });
    world.sweep(&hub).await;
    let history = world.history(0, TARGET, "/r/race").await;
    assert_eq!(history.len(), 4, "{history:?}");
    let expected = [Conflict::new("written_over", "/r/race", 3).or(2)];
    assert_stands(&world, &hub, &expected).await;
}
