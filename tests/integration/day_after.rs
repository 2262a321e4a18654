//! Kind: the day after a failover. A value was changed and a parameter created in the failover Region; then the source
//! Region returns with changes of its own. Ten sweeps and all late events later both are still there, and every report
//! names them.
//!
//! Neighbours: plain and encrypted values; a source that changed, stayed, was deleted, or was recreated; a parameter
//! that the source's owners created too, or did not; two targets, opposite routes, every setting that decides what is
//! overwritten; new processes and `hubctl` for every sweep; events in every order, alone and in batches; a plan, a
//! verification and the table for a person. What nobody touched meanwhile is equal again.

use serde_json::{Value, json};

use crate::support::{
    Conflict, LONG_AGO, SOURCE, TARGET, World, assert_named, assert_no_value, batch, delete,
    delete_event, late_events, put, put_event, put_secure, set_tags, with,
};

const OREGON: &str = "us-west-2";
const THEIRS: &str = "canary of the failover Region";
const CHANGED: [&str; 4] = ["/day/changed", "/day/gone", "/day/recreated", "/day/secret"];
const CREATED: [&str; 2] = ["/day/created", "/day/created-secret"];
const UNTOUCHED: [&str; 2] = ["/day/quiet", "/day/quiet-moves"];

/// The day before, and the day itself: what the workload writes where it runs then.
async fn failed_over(settings: &[(&str, &str)]) -> World {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    for name in CHANGED.iter().chain(&UNTOUCHED).filter(|name| !name.ends_with("secret")) {
        put(&source, name, "canary of the day before").await;
    }
    put_secure(&source, "/day/secret", "canary of the day before", "alias/aws/ssm").await;
    let response = world.sweep(&world.hub(settings).await).await;
    assert_named(&response, &[]);
    let target = world.ssm(0, TARGET).await;
    for name in CHANGED.iter().chain(&CREATED) {
        if name.ends_with("secret") {
            put_secure(&target, name, THEIRS, "alias/aws/ssm").await;
        } else {
            put(&target, name, THEIRS).await;
        }
    }
    world
}

/// The source Region is back, and its own deployments run.
async fn returned(world: &World) {
    let source = world.ssm(0, SOURCE).await;
    for name in ["/day/changed", "/day/quiet-moves", "/day/created"] {
        put(&source, name, "canary of the return").await;
    }
    put_secure(&source, "/day/created-secret", "canary of the return", "alias/aws/ssm").await;
    set_tags(&source, "/day/secret", &[("team", "shop")]).await;
    delete(&source, &["/day/gone", "/day/recreated"]).await;
    put(&source, "/day/recreated", "canary of the return").await;
}

fn expected() -> Vec<Conflict> {
    let changed = CHANGED.map(|name| Conflict::new("changed_in_target", name, 2));
    let created = CREATED.map(|name| Conflict::new("unmarked", name, 1));
    changed.into_iter().chain(created).collect()
}

/// Everything that may still be told of either day, the latest first in every other round.
fn events(world: &World, round: usize) -> Vec<Value> {
    let account = world.account(0);
    let names = CHANGED.iter().chain(&CREATED).chain(&UNTOUCHED);
    let mut events: Vec<Value> = names
        .flat_map(|name| {
            let mut of_one = late_events(account, name);
            of_one.push(put_event(account, LONG_AGO, name, 2));
            of_one.push(delete_event(account, "2026-01-01T00:00:00Z", name));
            of_one
        })
        .collect();
    let many = events.len();
    events.rotate_left(round * 7 % many);
    if round % 2 == 1 {
        events.reverse();
    }
    events
}

async fn assert_theirs_are_there(world: &World) {
    let seen = world.seen(0, TARGET).await;
    for name in CHANGED.iter().chain(&CREATED) {
        assert_eq!(seen.get(*name).map(|replica| &replica.value[..]), Some(THEIRS), "{name}");
    }
}

/// Ten sweeps, each by a new process, and all events after each of them.
async fn ten_sweeps(world: &World, settings: &[(&str, &str)]) {
    for round in 0..10 {
        let hub = world.hub(settings).await;
        let response = world.sweep(&hub).await;
        assert_named(&response, &expected());
        assert_theirs_are_there(world).await;
        let all = events(world, round);
        let batches = if round % 2 == 0 { 10 } else { all.len() };
        for events in all.chunks(batches) {
            let messages = events.iter().cloned().enumerate();
            let messages = messages.map(|(n, event)| (n.to_string(), event));
            world.ask(&hub, &batch(messages)).await;
        }
        assert_theirs_are_there(world).await;
    }
    let hub = world.hub(settings).await;
    let plan = with(world.all(), "plan", true);
    for pass in [plan.clone(), with(plan, "trust", false), with(world.all(), "trust", false)] {
        assert_named(&world.ask(&hub, &pass).await, &expected());
    }
    let (source, target) = (world.seen(0, SOURCE).await, world.seen(0, TARGET).await);
    for name in UNTOUCHED {
        assert_eq!(source[name].value, target[name].value, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_or_created_there_is_there_after_ten_sweeps_and_all_late_events() {
    let world = failed_over(&[]).await;
    returned(&world).await;
    ten_sweeps(&world, &[]).await;
    let hubctl = world.hubctl();
    let table = hubctl.run(&["sweep"]).await;
    table.ended(4);
    for name in CHANGED.iter().chain(&CREATED) {
        assert!(table.stdout.contains(name), "{name}: {table:#?}");
    }
    assert!(table.stdout.contains("hubctl resolve"), "{table:#?}");
    assert_no_value(&table.stdout);
    assert_no_value(&table.stderr);
}

#[tokio::test(start_paused = true)]
async fn no_setting_of_the_day_before_takes_it_away() {
    for settings in [
        &[("ON_CONFLICT", "adopt"), ("MAX_DELETES", "100%")][..],
        &[("DELETE_GRACE_DAYS", "1"), ("TRUSTED_WRITERS", "some-role")],
    ] {
        let world = failed_over(settings).await;
        returned(&world).await;
        ten_sweeps(&world, settings).await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_target_follows_the_source_while_the_first_keeps_what_was_written_there() {
    let settings = [("ROUTES", "us-east-2=us-east-1,us-west-2")];
    let world = failed_over(&settings).await;
    returned(&world).await;
    ten_sweeps(&world, &settings).await;
    crate::support::assert_equal(&world, 0, OREGON).await;
}

#[tokio::test(start_paused = true)]
async fn an_opposite_route_carries_neither_back_over_the_source() {
    let settings = [("ROUTES", "us-east-2=us-east-1;us-east-1=us-east-2")];
    let world = failed_over(&settings).await;
    // The way back finds what was created there, and copies it home, before the source's owners create it too.
    let hub = world.hub(&settings).await;
    for _ in 0..10 {
        world.sweep(&hub).await;
        assert_theirs_are_there(&world).await;
        let source = world.seen(0, SOURCE).await;
        for name in CREATED {
            assert_eq!(source[name].value, THEIRS, "{name}");
        }
        for name in CHANGED {
            assert_eq!(source[name].value, "canary of the day before", "{name}");
        }
    }
    let source = world.ssm(0, SOURCE).await;
    put(&source, "/day/created", "canary of the return").await;
    delete(&source, &["/day/gone"]).await;
    for _ in 0..10 {
        let response = world.sweep(&hub).await;
        assert_eq!(response["status"], json!("failed"), "{response:#}");
        let told = crate::support::classes(&response);
        for name in CHANGED {
            assert!(told.contains(&format!("changed_in_target {name} {TARGET}")), "{told:?}");
        }
        assert!(told.contains(&format!("changed_in_target /day/created {SOURCE}")), "{told:?}");
        assert_theirs_are_there(&world).await;
        let there = world.seen(0, SOURCE).await;
        assert_eq!(there["/day/created"].value, "canary of the return");
        assert!(!there.contains_key("/day/gone"));
    }
}
