//! What goes, or comes back, while a replica is written or deleted.

use std::time::Duration;

use super::{NAME, OHIO, VIRGINIA, after, assert_mended, is_put, is_read, nth, replicated};
use crate::support::{Clock, World, assert_replicated, count, delete, failures, put, set_tags};

#[tokio::test]
async fn a_source_deleted_while_its_replica_is_updated_takes_the_replica_with_it() {
    let (world, hub, ssm) = replicated().await;
    put(&ssm, NAME, "second").await;
    let owner = ssm.clone();
    world.wire.before(is_put, async move { delete(&owner, &[NAME]).await });
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [], "{response:#}");
    assert_eq!(count(&response, "parameters", "deleted"), 1, "{response:#}");
    assert!(world.seen(0, VIRGINIA).await.is_empty());
}

#[tokio::test]
async fn a_source_that_comes_back_before_its_replica_is_deleted_keeps_it() {
    let (world, hub, ssm) = replicated().await;
    delete(&ssm, &[NAME]).await;
    let owner = ssm.clone();
    // Two reads must find it absent: it is back at the second.
    let second = nth(2, |call| is_read(call, OHIO, false));
    world.wire.before(second, async move { put(&owner, NAME, "back").await });
    let response = world.sweep_by_a_person(&hub).await;
    assert_eq!(
        (count(&response, "parameters", "updated"), count(&response, "parameters", "deleted")),
        (1, 0),
        "{response:#}"
    );
    let calls = world.wire.take();
    assert!(calls.iter().all(|call| call.action != "ssm:DeleteParameters"));
    let replica = &world.seen(0, VIRGINIA).await[NAME];
    assert_eq!((&replica.value[..], replica.version), ("back", 2));
    assert_mended(&world, &hub).await;
}

#[tokio::test]
async fn a_source_that_comes_back_while_its_replica_is_deleted_gets_it_again() {
    let world = World::new(1);
    let ssm = world.ssm(0, OHIO).await;
    put(&ssm, NAME, "first").await;
    let clock = Clock::default();
    let hub = world.hub_at(Some(&clock), &[]).await;
    world.sweep(&hub).await;
    delete(&ssm, &[NAME]).await;
    let (owner, clock) = (ssm.clone(), clock.clone());
    // The confirmation is the third read; by then the half minute is over that a create must wait.
    let confirm =
        after(|call| call.action == "ssm:DeleteParameters", |call| is_read(call, OHIO, false));
    world.wire.before(confirm, async move {
        put(&owner, NAME, "back").await;
        clock.forward(Duration::from_secs(31));
    });
    let response = world.sweep_by_a_person(&hub).await;
    assert_eq!(count(&response, "parameters", "created"), 1, "{response:#}");
    let replica = &world.seen(0, VIRGINIA).await[NAME];
    assert_eq!((&replica.value[..], replica.version), ("back", 1));
    assert_mended(&world, &hub).await;
}

#[tokio::test]
async fn a_replica_deleted_by_others_before_it_is_updated_is_marked_again() {
    let (world, hub, ssm) = replicated().await;
    set_tags(&ssm, NAME, &[("team", "a")]).await;
    world.sweep(&hub).await;
    put(&ssm, NAME, "second").await;
    let intruder = world.ssm(0, VIRGINIA).await;
    // The write over then creates, and no tag comes with it, neither the hub's nor the source's.
    world.wire.before(is_put, async move { delete(&intruder, &[NAME]).await });
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [], "{response:#}");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    assert_mended(&world, &hub).await;
}

#[tokio::test]
async fn two_hubs_at_once_over_one_account_end_equal() {
    let world = World::new(1);
    let ssm = world.ssm(0, OHIO).await;
    let named = |what: &str, n: usize| format!("/race/{what}/{n}");
    for n in 0..8 {
        put(&ssm, &named("goes", n), "before").await;
        put(&ssm, &named("changes", n), "before").await;
    }
    let one = world.hub(&[("MAX_DELETES", "0")]).await;
    let two = world.hub(&[("MAX_DELETES", "100%")]).await;
    world.sweep(&one).await;
    for n in 0..8 {
        delete(&ssm, &[&named("goes", n)]).await;
        put(&ssm, &named("changes", n), "after").await;
        put(&ssm, &named("comes", n), "new").await;
    }
    let (first, second) = futures::join!(world.sweep(&one), world.sweep(&two));
    // The one may delete nothing, and tells so if it comes before the other's deletes.
    assert!(failures(&first).iter().all(|(kind, _)| kind == "too_many_deletes"), "{first:#}");
    assert_eq!(failures(&second), [], "{second:#}");
    assert_eq!(count(&second, "parameters", "deleted"), 8);
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    assert_mended(&world, &one).await;
}
