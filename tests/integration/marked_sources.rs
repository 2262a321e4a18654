//! Kind: the mark of a replica is on a parameter in a source Region (`marked_source`). It is not replicated, and that is
//! reported, unless its provenance proves it the replica of another Region whose route leads there.
//!
//! Neighbours: the mark alone; provenance of its own Region, of a Region without a route, of one whose route leads
//! elsewhere, of another parameter (a wrong `of`), unreadable; with and without a replica in the target, which is kept as
//! it is; by sweep, by name and by event; opposite routes and a chain of routes, where a replica is skipped quietly; a
//! route that was removed; the mark's key with another value, which is no mark; the mark taken off again.

use serde_json::json;

use crate::support::{
    Conflict, HUB_ROLE, MARK, PROVENANCE, SOURCE, TARGET, World, assert_equal, assert_named,
    assert_replicated, assert_stands, count, create_tagged, delete, put, remove_tags, set_tags,
};

const OREGON: &str = "us-west-2";
const CLASS: &str = "marked_source";

fn conflict(name: &str) -> Conflict {
    Conflict::new(CLASS, name, 1).in_region(SOURCE)
}

fn provenance(region: &str) -> String {
    format!(
        "region={region} version=1 modified=2026-11-24T10:00:00.123Z replica=1 form=9c1e20aa of=00000000"
    )
}

#[tokio::test(start_paused = true)]
async fn a_marked_source_is_not_replicated_and_is_reported_whatever_its_provenance_claims() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    let claims = [
        ("/m/alone", None),
        ("/m/another", Some(provenance(TARGET))),
        ("/m/itself", Some(provenance(SOURCE))),
        ("/m/nowhere", Some(provenance("eu-west-1"))),
        ("/m/unreadable", Some("of a later release".to_owned())),
    ];
    let mut expected = Vec::new();
    for (name, claim) in &claims {
        put(&source, name, "canary 1").await;
        set_tags(&source, name, &[MARK]).await;
        if let Some(claim) = claim {
            set_tags(&source, name, &[(PROVENANCE, claim)]).await;
        }
        expected.push(conflict(name));
    }
    put(&source, "/other/mark", "canary 1").await;
    set_tags(&source, "/other/mark", &[(MARK.0, "their own word")]).await;
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_named(&response, &expected);
    for failure in response["failures"].as_array().expect("failures") {
        let message = failure["message"].as_str().unwrap_or_default();
        assert!(message.contains("carries the mark of a replica"), "{failure:#}");
        assert!(message.contains("not replicated"), "{failure:#}");
        assert!(failure["remedy"].as_str().is_some_and(|text| text.contains(MARK.0)));
    }
    assert_eq!(world.seen(0, TARGET).await.keys().collect::<Vec<_>>(), ["/other/mark"]);
    assert_stands(&world, &hub, &expected).await;

    for (name, _) in &claims {
        remove_tags(&source, name, &[MARK.0, PROVENANCE]).await;
    }
    remove_tags(&source, "/other/mark", &[MARK.0]).await;
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "created"), 5);
    assert_equal(&world, 0, TARGET).await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_marked_later_keeps_its_replica_as_it_is() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    for name in ["/later/changed", "/later/same"] {
        put(&source, name, "canary 1").await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    put(&source, "/later/changed", "canary 2").await;
    for name in ["/later/changed", "/later/same"] {
        set_tags(&source, name, &[MARK]).await;
    }
    let expected =
        [Conflict::new(CLASS, "/later/changed", 2).in_region(SOURCE), conflict("/later/same")];
    assert_stands(&world, &hub, &expected).await;
    assert_eq!(world.seen(0, TARGET).await["/later/changed"].value, "canary 1");
    for name in ["/later/changed", "/later/same"] {
        remove_tags(&source, name, &[MARK.0]).await;
    }
    assert_named(&world.sweep(&hub).await, &[]);
    assert_equal(&world, 0, TARGET).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_is_skipped_quietly_where_its_own_route_leads() {
    let world = World::new(1);
    let routes = format!("{SOURCE}={TARGET};{TARGET}={OREGON},{SOURCE}");
    let hub = world.hub(&[("ROUTES", &routes)]).await;
    put(&world.ssm(0, SOURCE).await, "/of/source", "canary 1").await;
    put(&world.ssm(0, TARGET).await, "/of/target", "canary 1").await;
    assert_named(&world.sweep(&hub).await, &[]);
    for _ in 0..2 {
        let response = world.sweep(&hub).await;
        assert_eq!(response["status"], json!("in_sync"), "{response:#}");
        assert_eq!(count(&response, "parameters", "skipped"), 3, "{response:#}");
    }
    assert_eq!(world.seen(0, OREGON).await.keys().collect::<Vec<_>>(), ["/of/target"]);

    // The same tags on a parameter that they do not name prove nothing.
    let (target, seen) = (world.ssm(0, TARGET).await, world.seen(0, TARGET).await);
    create_tagged(&target, "/of/nobody", "canary 2", &seen["/of/source"].tags).await;
    let told = crate::support::classes(&world.sweep(&hub).await);
    assert!(!told.is_empty() && told.iter().all(|line| line.contains(" /of/nobody us-east-1")));
    for region in [SOURCE, OREGON] {
        assert!(!world.seen(0, region).await.contains_key("/of/nobody"), "{region}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_removed_route_left_in_a_source_region_is_reported_and_not_carried_on() {
    let world = World::new(1);
    let before = world.hub(&[("ROUTES", &format!("{OREGON}={SOURCE}"))]).await;
    put(&world.ssm(0, OREGON).await, "/left", "canary 1").await;
    world.sweep(&before).await;
    put(&world.ssm(0, SOURCE).await, "/own", "canary 1").await;
    let hub = world.hub(&[]).await;
    let expected = [Conflict::new(CLASS, "/left", 1).by(HUB_ROLE).in_region(SOURCE)];
    assert_named(&world.sweep(&hub).await, &expected);
    assert_stands(&world, &hub, &expected).await;
    assert_eq!(world.seen(0, TARGET).await.keys().collect::<Vec<_>>(), ["/own"]);
    // With the route back in its place, it is its replica again.
    let both = world.hub(&[("ROUTES", &format!("{OREGON}={SOURCE};{SOURCE}={TARGET}"))]).await;
    assert_named(&world.sweep(&both).await, &[]);
    delete(&world.ssm(0, SOURCE).await, &["/own"]).await;
    assert_named(&world.sweep_by_a_person(&both).await, &[]);
    assert_replicated(&world, 0, OREGON, SOURCE).await;
}
