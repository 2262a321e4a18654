//! `hubctl freeze`, `thaw` and `status` as a person runs them, over the emulator.

use serde_json::{Value, json};

use crate::support::{Emulator, Hubctl, MANAGEMENT, World, steps};

const ROUTE: &str = "us-east-2=us-east-1";
const FREEZE: [&str; 5] = ["freeze", "--route", ROUTE, "--reason", "us-east-2 is failing"];
const THAW: [&str; 3] = ["thaw", "--route", ROUTE];

/// A world with a table for this test alone: other tests change the states of the shared one.
fn stage() -> (World, Hubctl) {
    let world = World::on(Emulator::alone(&[]), &["--accounts", "1"]);
    let hubctl = world.hubctl().with("REPLICATOR_TABLE", "failover-replicator");
    (world, hubctl)
}

async fn run(hubctl: &Hubctl, code: i32, arguments: &[&[&str]]) -> Value {
    let ran = hubctl.run(&[&arguments.concat()[..], &["--format", "json"]].concat()).await;
    ran.ended(code);
    ran.json()
}

#[tokio::test]
async fn a_route_starts_stops_and_starts_again() {
    let (world, hubctl) = stage();
    world.put(0, "us-east-2", "/a", "x").await;
    let new = run(&hubctl, 3, &[&["status"]]).await;
    assert_eq!(new["routes"][0]["state"], "new");
    // The table is new, so a sweep only plans.
    run(&hubctl, 3, &[&["sweep"]]).await;
    assert!(world.seen(0, "us-east-1").await.is_empty());
    let plan = run(&hubctl, 3, &[&THAW, &["--plan"]]).await;
    assert_eq!(steps(&plan["plan"]), ["us-east-1 /a create"]);
    assert_eq!((&plan["state"], &plan["done"]), (&json!("new"), &json!(false)));
    let thawed = hubctl.run(&[&THAW[..], &["--reason", "first deployment"]].concat()).await;
    thawed.ended(0);
    for text in ["/a", "us-east-2=us-east-1 is now active, serial 1", "first deployment"] {
        assert!(thawed.stdout.contains(text), "{text}: {thawed:#?}");
    }
    run(&hubctl, 0, &[&["sweep"]]).await;
    assert_eq!(world.seen(0, "us-east-1").await.len(), 1);

    let frozen = run(&hubctl, 0, &[&FREEZE, &["--no-wait"]]).await;
    assert_eq!((&frozen["state"], &frozen["done"]), (&json!("frozen"), &json!(false)));
    assert!(frozen["in_flight_until"].is_string(), "{frozen:#}");
    let by = frozen["by"].as_str().expect("who");
    assert!(by.starts_with("arn:aws:") && by.contains(MANAGEMENT), "{by}");
    world.put(0, "us-east-2", "/a", "y").await;
    run(&hubctl, 3, &[&["sweep"]]).await;
    assert_eq!(world.seen(0, "us-east-1").await["/a"].value, "x", "the hub left the route alone");
    let again = hubctl.run(&[&FREEZE[..], &["--no-wait"]].concat()).await;
    again.ended(0);
    assert!(again.stdout.contains("was already frozen, serial 2"), "{again:#?}");
    let status = hubctl.run(&["status"]).await;
    status.ended(3);
    for text in ["frozen since", by, "us-east-2 is failing", "hubctl thaw --route"] {
        assert!(status.stdout.contains(text), "{text}: {status:#?}");
    }
    // The serial of an earlier state.
    let late = hubctl.run(&[&THAW[..], &["--serial", "1"]].concat()).await;
    late.ended(2);
    for text in ["cannot thaw", "serial is now 2", by, "nothing was changed; expected the serial"] {
        assert!(late.stderr.contains(text), "{text}: {late:#?}");
    }
    run(&hubctl, 0, &[&THAW, &["--serial", "2"]]).await;
    run(&hubctl, 0, &[&["sweep"]]).await;
    assert_eq!(world.seen(0, "us-east-1").await["/a"].value, "y");
}

#[tokio::test]
async fn a_status_is_saved_for_its_owner_alone() {
    let (_world, hubctl) = stage();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("saved-status");
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir(&folder).expect("a folder");
    let file = folder.join("status.json");
    let file = file.to_str().expect("text");
    let shown = run(&hubctl, 3, &[&["status", "--save", file]]).await;
    let saved = std::fs::read_to_string(file).expect("a file");
    let saved: Value = serde_json::from_str(&saved).expect("JSON");
    assert_eq!(saved["status"]["routes"], shown["routes"]);
    assert!(saved["accounts"].is_array() && saved["format"] == 1, "{saved:#}");
    #[cfg(unix)]
    {
        let mode = std::fs::metadata(file).expect("a file").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 1);
    let nowhere = folder.join("no/such/file");
    let ran = hubctl.run(&["status", "--save", nowhere.to_str().expect("text")]).await;
    ran.ended(4);
    assert!(ran.stderr.starts_with("error: cannot save the status in `"), "{ran:#?}");
    assert!(ran.stdout.contains(ROUTE), "the status is shown all the same: {ran:#?}");
}

#[tokio::test]
async fn a_signal_in_the_wait_leaves_the_route_frozen_and_says_so() {
    let (_world, hubctl) = stage();
    let mut freezing = hubctl.started(&FREEZE);
    freezing.says("us-east-2=us-east-1 is frozen; hubctl returns when").await;
    freezing.signal("INT").await;
    let ran = freezing.ended().await;
    ran.ended(130);
    assert!(ran.stdout.contains("us-east-2=us-east-1 is now frozen, serial 1"), "{ran:#?}");
    assert!(ran.stdout.contains("Requests that began before may be under way until"), "{ran:#?}");
    let status = run(&hubctl, 3, &[&["status"]]).await;
    assert_eq!(status["routes"][0]["state"], "frozen");
}
