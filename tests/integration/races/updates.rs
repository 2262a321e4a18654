//! What changes while a replica is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_ssm::Client;
use serde_json::json;

use super::{NAME, OHIO, VIRGINIA, after, assert_mended, is_put, is_read, replicated};
use crate::support::{
    Call, Fault, PROVENANCE, Wire, assert_replicated, count, failures, put, set_tags, with,
};

#[tokio::test]
async fn a_source_that_changes_before_its_value_is_written_is_written_as_it_is_now() {
    let (world, hub, ssm) = replicated().await;
    put(&ssm, NAME, "second").await;
    let owner = ssm.clone();
    world.wire.before(is_put, async move { put(&owner, NAME, "third").await });
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "updated"), 1, "{response:#}");
    assert_eq!(world.seen(0, VIRGINIA).await[NAME].value, "third");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;

    // A create as well.
    put(&ssm, "/race/new", "first").await;
    let owner = ssm.clone();
    world.wire.before(is_put, async move { put(&owner, "/race/new", "second").await });
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    assert_mended(&world, &hub).await;
}

#[tokio::test]
async fn a_source_that_changes_before_its_replica_is_confirmed_is_written_again() {
    let (world, hub, ssm) = replicated().await;
    put(&ssm, NAME, "second").await;
    let owner = ssm.clone();
    let confirm = after(is_put, |call| is_read(call, OHIO, false));
    world.wire.before(confirm, async move { put(&owner, NAME, "third").await });
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "updated"), 1, "{response:#}");
    let replica = &world.seen(0, VIRGINIA).await[NAME];
    assert_eq!((&replica.value[..], replica.version), ("third", 3));
    assert_mended(&world, &hub).await;
}

#[tokio::test]
async fn a_source_whose_tags_change_while_it_is_copied_is_copied_with_them() {
    let (world, hub, ssm) = replicated().await;
    put(&ssm, "/race/new", "v").await;
    let owner = ssm.clone();
    world.wire.before(is_put, async move { set_tags(&owner, "/race/new", &[("team", "a")]).await });
    world.sweep(&hub).await;
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;

    set_tags(&ssm, NAME, &[("team", "b")]).await;
    let owner = ssm.clone();
    world.wire.before(|call| call.action == "ssm:AddTagsToResource", async move {
        set_tags(&owner, NAME, &[("team", "c")]).await;
    });
    world.sweep(&hub).await;
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    assert_mended(&world, &hub).await;
}

#[tokio::test]
async fn a_source_that_never_rests_leaves_its_replica_pending_and_visibly_out_of_sync() {
    fn restless(wire: &Wire, owner: Client, writes: Arc<AtomicUsize>) {
        let again = wire.clone();
        wire.before(is_put, async move {
            let number = writes.fetch_add(1, Ordering::SeqCst);
            put(&owner, NAME, &format!("write {number}")).await;
            restless(&again, owner, writes);
        });
    }
    let (world, hub, ssm) = replicated().await;
    put(&ssm, NAME, "second").await;
    let writes = Arc::new(AtomicUsize::new(0));
    restless(&world.wire, ssm.clone(), Arc::clone(&writes));
    let (response, code) = world.ask_for_code(&hub, &world.all()).await;
    assert_eq!(writes.load(Ordering::SeqCst), 2, "two rounds and no more");
    assert_eq!((&response["status"], code), (&json!("incomplete"), 4), "{response:#}");
    assert_eq!(response["remaining"], json!([world.account(0)]));
    assert_eq!(count(&response, "parameters", "pending"), 1);

    world.wire.before(|_| false, async {});
    let source = world.seen(0, OHIO).await[NAME].clone();
    let replica = world.seen(0, VIRGINIA).await[NAME].clone();
    assert_ne!(source.value, replica.value);
    assert!(!replica.tags[PROVENANCE].contains(&format!("version={} ", source.version)));
    let mended = assert_mended(&world, &hub).await;
    assert_eq!(count(&mended, "parameters", "updated"), 1, "{mended:#}");
}

#[tokio::test]
async fn a_replica_that_others_write_before_its_provenance_is_kept_and_reported() {
    for action in ["the read-back", "ssm:AddTagsToResource"] {
        let (world, hub, ssm) = replicated().await;
        put(&ssm, NAME, "second").await;
        let intruder = world.ssm(0, VIRGINIA).await;
        let is_moment = move |call: &Call| {
            if action == "the read-back" {
                is_read(call, VIRGINIA, true)
            } else {
                call.action == action
            }
        };
        world.wire.before(is_moment, async move {
            put(&intruder, NAME, "an intruder's").await;
        });
        world.sweep(&hub).await;
        for _ in 0..2 {
            let response = world.sweep(&hub).await;
            let failure = &response["failures"][0];
            assert_eq!(failure["class"], "changed_in_target", "{response:#}");
            assert!(failure["message"].as_str().is_some_and(|text| text.contains("version 3 ")));
            let replica = &world.seen(0, VIRGINIA).await[NAME];
            assert_eq!((&replica.value[..], replica.version), ("an intruder's", 3));
        }
    }
}

#[tokio::test]
async fn a_write_that_ends_before_its_provenance_is_visibly_out_of_sync() {
    let (world, hub, ssm) = replicated().await;
    let plan = with(world.all(), "plan", true);
    // Refused at the value, when the tags are written already; and at the provenance, when the value is.
    for (number, refused) in ["ssm:PutParameter", "ssm:AddTagsToResource"].into_iter().enumerate() {
        let value = format!("value {number}");
        put(&ssm, NAME, &value).await;
        set_tags(&ssm, NAME, &[("number", &value)]).await;
        let mut tagged = 0;
        world.wire.faults(move |call| {
            tagged += usize::from(call.action == "ssm:AddTagsToResource");
            let hit = call.action == refused && (tagged > 1 || is_put(call));
            hit.then_some(Fault::Refused("AccessDeniedException"))
        });
        let response = world.sweep(&hub).await;
        assert_eq!(failures(&response), [("access_denied".to_owned(), NAME.to_owned())]);
        world.wire.faults(|_| None);

        let replica = world.seen(0, VIRGINIA).await[NAME].clone();
        assert_eq!(replica.tags["number"], value, "refused at {refused}");
        assert_eq!(replica.value == value, refused == "ssm:AddTagsToResource");
        let planned = world.ask(&hub, &plan).await;
        assert_eq!(planned["steps"][0]["change"], "update", "{planned:#}");
        let mended = assert_mended(&world, &hub).await;
        assert_eq!(count(&mended, "parameters", "updated"), 1, "{mended:#}");
    }
}
