//! The brake: many sources that vanish at once may be a fault, so their replicas stay until somebody says so.

use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, World, assert_replicated, batch, count, delete, delete_event, failures, put,
    returned, with,
};

const OHIO: &str = "us-east-2";
const VIRGINIA: &str = "us-east-1";
const OREGON: &str = "us-west-2";
const HELD_BACK: u8 = 5;

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

/// The one failure of the brake, for the Region as a whole, with these numbers.
fn assert_held(response: &Value, region: &str, numbers: &str) {
    let held: Vec<&Value> = response["failures"]
        .as_array()
        .expect("failures")
        .iter()
        .filter(|failure| failure["error_kind"] == "too_many_deletes")
        .collect();
    assert_eq!(held.len(), 1, "{response:#}");
    assert_eq!((&held[0]["kind"], &held[0]["region"]), (&json!("account"), &json!(region)));
    assert_eq!(held[0]["name"], Value::Null);
    let message = held[0]["message"].as_str().expect("a message");
    assert!(message.starts_with(numbers), "{message}");
    let remedy = held[0]["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains(r#""max_deletes":"100%""#), "{remedy}");
}

#[tokio::test]
async fn forty_of_forty_are_kept_while_all_else_is_done_and_go_when_a_payload_says_so() {
    let (world, names) = replicated(40, &[]).await;
    let before = world.seen(0, VIRGINIA).await;
    vanish(&world, &names).await;
    world.put(0, OHIO, "/new", "n").await;
    let secrets = world.secrets(0, OHIO).await;
    secrets.create_secret().name("new").secret_string("s").send().await.expect("a secret");

    let hub = world.hub(&[]).await;
    let plan = with(world.all(), "plan", true);
    let (response, code) = world.ask_for_code(&hub, &plan).await;
    assert_held(&response, VIRGINIA, "40 of the 40 replicas");
    let steps = response["steps"].as_array().expect("steps");
    assert!(steps.iter().all(|step| step["change"] != "delete"), "{response:#}");
    assert_eq!((steps.len(), code), (2, HELD_BACK), "{response:#}");

    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    assert_held(&response, VIRGINIA, "40 of the 40 replicas");
    assert_eq!((failures(&response).len(), code), (1, HELD_BACK), "{response:#}");
    let counted = |kind, outcome| count(&response, kind, outcome);
    assert_eq!(counted("parameters", "deleted"), 0);
    assert_eq!((counted("parameters", "created"), counted("parameters", "failed")), (1, 40));
    assert_eq!(counted("secrets", "replicated"), 1);
    let mut now = world.seen(0, VIRGINIA).await;
    assert_eq!(now.remove("/new").map(|new| new.value).as_deref(), Some("n"));
    assert_eq!(now, before, "none of the forty was touched");

    let said = with(world.all(), "max_deletes", "100%");
    let (response, code) = world.ask_for_code(&hub, &said).await;
    assert_eq!((failures(&response), code), (vec![], 0), "{response:#}");
    assert_eq!(count(&response, "parameters", "deleted"), 40);
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}

#[tokio::test]
async fn a_percentage_lets_five_go_however_few_there_are_and_holds_the_sixth() {
    let (world, names) = replicated(40, &[]).await;
    vanish(&world, &names[..6]).await;
    let hub = world.hub(&[]).await;
    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    assert_held(&response, VIRGINIA, "6 of the 40 replicas");
    assert_eq!((count(&response, "parameters", "in_sync"), code), (34, HELD_BACK));
    assert_eq!(world.seen(0, VIRGINIA).await.len(), 40);

    world.put(0, OHIO, &names[0], "back").await;
    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    assert_eq!((failures(&response), code), (vec![], 0), "{response:#}");
    let counted = |outcome| count(&response, "parameters", outcome);
    assert_eq!((counted("deleted"), counted("updated")), (5, 1), "{response:#}");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}

#[tokio::test]
async fn the_brake_counts_each_target_by_itself() {
    let settings = [("ROUTES", "us-east-2=us-east-1,us-west-2"), ("MAX_DELETES", "2")];
    let (world, names) = replicated(6, &settings).await;
    vanish(&world, &names[..3]).await;
    // In one target a person was there before.
    delete(&world.ssm(0, OREGON).await, &[&names[0]]).await;
    let before = world.seen(0, VIRGINIA).await;

    let hub = world.hub(&settings).await;
    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    assert_held(&response, VIRGINIA, "3 of the 6 replicas");
    assert_eq!((count(&response, "parameters", "deleted"), code), (2, HELD_BACK), "{response:#}");
    assert_eq!(world.seen(0, VIRGINIA).await, before);
    assert_replicated(&world, 0, OHIO, OREGON).await;

    // A name at a time is no mass.
    for name in &names[..3] {
        let payload = world.one(name, "delete");
        let (response, code) = world.ask_for_code(&hub, &payload).await;
        assert_eq!((count(&response, "parameters", "deleted"), code), (1, 0), "{response:#}");
    }
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}

#[tokio::test]
async fn deletions_told_by_a_queue_leave_tombstones_where_they_are_too_many() {
    let settings = [("MAX_DELETES", "2")];
    let (world, names) = replicated(4, &settings).await;
    vanish(&world, &names[..3]).await;
    let events = || {
        let event = |name: &String| delete_event(world.account(0), LONG_AGO, name);
        batch(names[..3].iter().map(|name| (name.clone(), event(name))))
    };
    let hub = world.hub(&settings).await;
    for _ in 0..2 {
        let answer = world.ask(&hub, &events()).await;
        assert_eq!(returned(&answer), Vec::<&str>::new());
        let seen = world.seen(0, VIRGINIA).await;
        assert_eq!(seen.len(), 4);
        for name in &names {
            let is_gone = seen[name].tags["ReplicationSource"].contains(" gone=");
            assert_eq!(is_gone, names[..3].contains(name), "{name}");
        }
    }
    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    let counted = |outcome| count(&response, "parameters", outcome);
    assert_eq!((counted("tombstoned"), counted("in_sync"), code), (3, 1, 0), "{response:#}");
    assert_eq!(response["status"], "in_sync", "{response:#}");
    world.put(0, OHIO, &names[0], "back").await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "updated"), 1, "{response:#}");
    assert!(!world.seen(0, VIRGINIA).await[&names[0]].tags["ReplicationSource"].contains("gone="));
}

#[tokio::test]
async fn no_deletes_at_all_holds_even_one_that_is_named() {
    let settings = [("MAX_DELETES", "0")];
    let (world, names) = replicated(2, &settings).await;
    vanish(&world, &names[..1]).await;
    let hub = world.hub(&settings).await;
    let named = world.one(&names[0], "delete");
    for payload in [named, world.all()] {
        let (response, code) = world.ask_for_code(&hub, &payload).await;
        assert_held(&response, VIRGINIA, "1 of the 2 replicas");
        assert_eq!(code, HELD_BACK);
    }
    assert_eq!(world.seen(0, VIRGINIA).await.len(), 2);
}
