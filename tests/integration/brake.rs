//! The brake: many sources that vanish at once may be a fault, so their replicas stay until a person says so, or until
//! reports have named them for a week.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::support::{
    Clock, LONG_AGO, World, assert_replicated, batch, count, delete, delete_event, failures, put,
    returned, with,
};

const OHIO: &str = "us-east-2";
const VIRGINIA: &str = "us-east-1";
const OREGON: &str = "us-west-2";
const HELD_BACK: u8 = 5;
const DAY: Duration = Duration::from_hours(24);

/// A world with so many sources, each with its replicas, and their names.
async fn replicated(parameters: usize, settings: &[(&str, &str)]) -> (World, Vec<String>) {
    let world = World::new(1);
    let names: Vec<String> = (0..parameters).map(|n| format!("/brake/{n:02}")).collect();
    let ssm = world.ssm(0, OHIO).await;
    for name in &names {
        put(&ssm, name, "v").await;
    }
    let response = world.sweep(&world.hub(settings).await).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    (world, names)
}

async fn vanish(world: &World, names: &[String]) {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    delete(&world.ssm(0, OHIO).await, &names).await;
}

/// A queue's batch with the events of these deletions.
fn events(world: &World, names: &[String]) -> Value {
    let event = |name: &String| delete_event(world.account(0), LONG_AGO, name);
    batch(names.iter().map(|name| (name.clone(), event(name))))
}

/// The names that the brake's failures tell of in a Region, with this in each message.
fn held(response: &Value, region: &str, words: &str) -> BTreeSet<String> {
    let failures = response["failures"].as_array().expect("failures").iter();
    let held = failures.filter(|failure| failure["error_kind"] == "too_many_deletes");
    held.map(|failure| {
        assert_eq!((&failure["kind"], &failure["region"]), (&"parameter".into(), &region.into()));
        let message = failure["message"].as_str().expect("a message");
        assert!(message.contains(words), "{message}");
        failure["name"].as_str().expect("a name").to_owned()
    })
    .collect()
}

fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

/// The names whose replicas have a tombstone.
async fn tombstones(world: &World, region: &str) -> BTreeSet<String> {
    let seen = world.seen(0, region).await.into_iter();
    seen.filter(|(_, held)| held.tags["ReplicationSource"].contains(" gone="))
        .map(|(name, _)| name)
        .collect()
}

#[tokio::test]
async fn forty_of_forty_are_kept_by_name_while_all_else_is_done_and_go_when_a_person_says_so() {
    let (world, names) = replicated(40, &[]).await;
    let before = world.seen(0, VIRGINIA).await;
    vanish(&world, &names).await;
    let secrets = world.secrets(0, OHIO).await;
    secrets.create_secret().name("new").secret_string("s").send().await.expect("a secret");

    let hub = world.hub(&[]).await;
    let plan = with(world.all(), "plan", true);
    let payload = with(world.all(), "max_deletes", "100%");
    for (request, is_plan) in [(plan, true), (world.all(), false), (payload, false)] {
        let (response, code) = world.ask_for_code(&hub, &request).await;
        assert_eq!(held(&response, VIRGINIA, "has a source in"), set(&names));
        assert_eq!(count(&response, "parameters", "held"), 40);
        assert_eq!(code, HELD_BACK, "{response:#}");
        if is_plan {
            assert_eq!(response["steps"].as_array().map(Vec::len), Some(1), "{response:#}");
        }
    }
    assert_eq!(world.seen(0, VIRGINIA).await, before, "none of the forty was touched");

    let hubctl = world.hubctl();
    let table = hubctl.run(&["plan"]).await;
    table.ended(HELD_BACK.into());
    assert!(
        table.stdout.contains("40 held") && table.stdout.contains("/brake/00"),
        "{}",
        table.stdout
    );
    let account = world.account(0);
    let person = ["sweep", "--account", account, "--max-deletes", "100%", "--format", "json"];
    let said = hubctl.run(&person).await;
    said.ended(0);
    assert_eq!(count(&said.json(), "parameters", "deleted"), 40);
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}

#[tokio::test]
async fn a_day_deletes_what_events_witness_within_its_allowance_and_the_rest_in_a_week() {
    let (world, names) = replicated(30, &[]).await;
    let clock = Clock::default();
    let hub = world.hub_at(Some(&clock), &[("DELETE_GRACE_DAYS", "1")]).await;
    vanish(&world, &names[..9]).await;
    for some in names[..9].chunks(3) {
        let answer = world.ask(&hub, &events(&world, some)).await;
        assert_eq!(returned(&answer), Vec::<&str>::new());
    }
    // Of thirty, five: ten percent would be three.
    assert_eq!(world.seen(0, VIRGINIA).await.len(), 25);
    assert_eq!(tombstones(&world, VIRGINIA).await, set(&names[5..9]));
    for pass in 0..2 {
        let (response, code) = world.ask_for_code(&hub, &world.all()).await;
        let counted = |outcome| count(&response, "parameters", outcome);
        assert_eq!((counted("tombstoned"), counted("in_sync"), code), (4, 21, 0), "{response:#}");
        let again = world.ask(&hub, &events(&world, &names[5..9])).await;
        assert_eq!(returned(&again), Vec::<&str>::new());
        assert_eq!(world.seen(0, VIRGINIA).await.len(), 25, "pass {pass}");
        clock.forward(DAY);
    }
    world.put(0, OHIO, &names[5], "back").await;
    let (response, _) = world.ask_for_code(&hub, &world.all()).await;
    assert_eq!(count(&response, "parameters", "updated"), 1, "{response:#}");
    assert_eq!(tombstones(&world, VIRGINIA).await, set(&names[6..9]));
    clock.forward(6 * DAY);
    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    assert_eq!((count(&response, "parameters", "deleted"), code), (3, 0), "{response:#}");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}

#[tokio::test]
async fn what_a_sweep_alone_misses_waits_a_day() {
    let (world, names) = replicated(12, &[]).await;
    let clock = Clock::default();
    let hub = world.hub_at(Some(&clock), &[("DELETE_GRACE_DAYS", "1")]).await;
    vanish(&world, &names[..9]).await;
    let named = world.ask(&hub, &world.one(&names[0], "delete")).await;
    assert_eq!(count(&named, "parameters", "tombstoned"), 1, "a payload is no witness: {named:#}");
    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    assert_eq!((count(&response, "parameters", "tombstoned"), code), (9, 0), "{response:#}");
    assert_eq!(failures(&response), []);
    clock.forward(DAY);
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "deleted"), 9, "{response:#}");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}

#[tokio::test]
async fn each_target_has_its_own_allowance_and_batches_share_it() {
    let settings = [("ROUTES", "us-east-2=us-east-1,us-west-2"), ("MAX_DELETES", "2")];
    let (world, names) = replicated(6, &settings).await;
    vanish(&world, &names[..3]).await;
    // In one target a person was there before.
    delete(&world.ssm(0, OREGON).await, &[&names[0]]).await;
    let hub = world.hub(&settings).await;
    for name in &names[..3] {
        let answer = world.ask(&hub, &events(&world, std::slice::from_ref(name))).await;
        assert_eq!(returned(&answer), Vec::<&str>::new());
    }
    assert_eq!(tombstones(&world, VIRGINIA).await, set(&names[2..3]));
    assert_eq!(world.seen(0, VIRGINIA).await.len(), 4);
    assert_replicated(&world, 0, OHIO, OREGON).await;
}

#[tokio::test]
async fn an_owners_remove_tag_is_a_witness_within_the_allowance() {
    let settings = [("MAX_DELETES", "1")];
    let (world, names) = replicated(3, &settings).await;
    let ssm = world.ssm(0, OHIO).await;
    for name in &names[..2] {
        crate::support::set_tags(&ssm, name, &[("failover-replicator", "remove")]).await;
    }
    let hub = world.hub(&settings).await;
    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    let counted = |outcome| count(&response, "parameters", outcome);
    assert_eq!((counted("deleted"), counted("tombstoned"), code), (1, 1, HELD_BACK));
    assert_eq!(held(&response, VIRGINIA, "REPLICATOR_MAX_DELETES (1)").len(), 1);
}

#[tokio::test]
async fn no_deletes_at_all_holds_even_one_that_is_witnessed_and_is_no_failure() {
    let settings = [("MAX_DELETES", "0")];
    let (world, names) = replicated(2, &settings).await;
    vanish(&world, &names[..1]).await;
    let hub = world.hub(&settings).await;
    let answer = world.ask(&hub, &events(&world, &names[..1])).await;
    assert_eq!(returned(&answer), Vec::<&str>::new());
    for payload in [world.one(&names[0], "delete"), world.all()] {
        let (response, code) = world.ask_for_code(&hub, &payload).await;
        assert_eq!((count(&response, "parameters", "held"), code), (1, 0), "{response:#}");
        assert_eq!(failures(&response), []);
    }
    assert_eq!(world.seen(0, VIRGINIA).await.len(), 2);
    assert_eq!(tombstones(&world, VIRGINIA).await, set(&[]));
}
