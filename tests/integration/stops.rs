//! SIGINT and SIGTERM sent to `hubctl` in the middle of a sweep: it finishes what it has begun and says what remains; a
//! second signal ends it at once. Either way the next sweep ends in sync.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Hubctl, SOURCE, TARGET, World, assert_equal, put};

const ACCOUNTS: usize = 3;
const PARAMETERS: usize = 12;

async fn filled() -> World {
    let world = World::new(ACCOUNTS);
    for account in 0..ACCOUNTS {
        let source = world.ssm(account, SOURCE).await;
        for n in 0..PARAMETERS {
            put(&source, &format!("/stop/{n:02}"), "x").await;
        }
    }
    world
}

/// One account at a time, and so many writes a second in the target.
fn slow(world: &World, writes: u32) -> Hubctl {
    let quotas = json!({"*/*/*": 100_000, "*/us-east-1/ssm.control": writes}).to_string();
    world
        .hubctl()
        .with("REPLICATOR_QUOTAS", &quotas)
        .with("REPLICATOR_ACCOUNT_CONCURRENCY", "1")
        .with("RUST_LOG", "info")
}

async fn assert_mended(world: &World) {
    world.hubctl().run(&["sweep"]).await.ended(0);
    let second = world.hubctl().run(&["sweep", "--format", "json"]).await;
    second.ended(0);
    assert_eq!(second.json()["status"], "in_sync");
    for account in 0..ACCOUNTS {
        assert_equal(world, account, TARGET).await;
    }
}

#[tokio::test]
async fn a_signal_ends_a_sweep_with_what_was_done_and_what_remains() {
    let world = filled().await;
    for name in ["INT", "TERM"] {
        let mut sweep = slow(&world, 4).started(&["sweep", "--format", "json"]);
        sweep.says("ssm:PutParameter").await;
        sweep.signal(name).await;
        let ran = sweep.ended().await;
        ran.ended(130);
        assert!(ran.stderr.contains("stopping: no further work starts"), "{ran:#?}");
        let report = ran.json();
        assert_eq!((&report["status"], &report["stopped"]), (&json!("incomplete"), &json!(true)));
        assert_eq!(report["failures"], json!([]), "{report:#}");
        let remaining = report["remaining"].as_array().expect("a list");
        assert!((1..=ACCOUNTS).contains(&remaining.len()), "{report:#}");
        let created = report["totals"]["parameters"]["created"].as_u64().unwrap_or(0);
        assert!((1..36).contains(&created), "{report:#}");
    }
    assert_mended(&world).await;
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let world = filled().await;
    let mut sweep = slow(&world, 1).started(&["sweep", "--format", "json"]);
    sweep.says("ssm:PutParameter").await;
    sweep.signal("TERM").await;
    sweep.says("another signal ends hubctl immediately").await;
    let second = Instant::now();
    sweep.signal("INT").await;
    let ran = sweep.ended().await;
    ran.ended(130);
    assert!(second.elapsed() < Duration::from_secs(5), "{:?}", second.elapsed());
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("the next sweep completes it"), "{ran:#?}");
    assert_mended(&world).await;
}

#[tokio::test]
async fn a_signal_before_anything_was_begun_ends_with_an_empty_report() {
    let world = World::new(1);
    // It waits for its standard input.
    let mut invoke = world.hubctl().with("RUST_LOG", "debug").started(&["invoke", "-"]);
    invoke.says("listening for signals").await;
    invoke.signal("INT").await;
    invoke.says("stopping").await;
    let ran = invoke.ended().await;
    ran.ended(130);
    let report = ran.json();
    assert_eq!((&report["stopped"], &report["status"]), (&json!(true), &json!("incomplete")));
}
