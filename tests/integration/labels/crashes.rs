//! A hub that ends in the middle of a labelled write: visibly out of sync, and mended by the next sweep.

use aws_sim::{Effect, Fault};
use serde_json::json;

use super::stage::Stage;
use crate::support::{SOURCE, TARGET, told};

const NAME: &str = "/labelled";

/// Three labelled versions among five, the current one among them.
async fn with_five_versions() -> Stage {
    let stage = Stage::new(&[]).await;
    for n in 1..=5 {
        stage.put(NAME, &format!("value {n}"));
    }
    stage.label(SOURCE, NAME, 2, &["old", "older"]);
    stage.label(SOURCE, NAME, 4, &["stable"]);
    stage.label(SOURCE, NAME, 5, &["live"]);
    stage
}

/// Breaks the hub's way to the target from the n-th call on, whatever it does then, and lets it run into that; whether
/// it did.
async fn broken_off(stage: &Stage, n: u64) -> bool {
    let broken =
        stage.sim.fault(Fault::new(Effect::Reset).account(&stage.account).region(TARGET).from(n));
    stage.sweep().await;
    let hits = stage.sim.hits(broken);
    stage.sim.mend_all();
    hits > 0
}

/// Whatever was left, it is seen and mended.
async fn assert_mended(stage: &Stage, n: u64) {
    let plan = stage.run(&json!({"plan": true})).await;
    if plan["status"] == "in_sync" {
        // Only what comes after the provenance was broken off: the look whether the replica was released meanwhile.
        stage.assert_same(TARGET, NAME);
        assert_eq!(stage.verify().await["status"], "in_sync", "broken off at call {n}");
        return;
    }
    assert_eq!(plan["status"], "drift", "broken off at call {n}: {plan:#}");
    let swept = stage.sweep().await;
    assert_eq!(told(&swept), [""; 0], "broken off at call {n}");
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.verify().await["status"], "in_sync", "broken off at call {n}");
}

#[tokio::test(start_paused = true)]
async fn a_labelled_create_that_is_broken_off_anywhere_is_out_of_sync_until_a_sweep_mends_it() {
    let mut half_done = 0;
    for n in 1.. {
        assert!(n < 100, "a create has fewer calls");
        let stage = with_five_versions().await;
        if !broken_off(&stage, n).await {
            stage.assert_same(TARGET, NAME);
            let versions = stage.region(TARGET).parameters()[NAME].version;
            assert_eq!(versions, 3, "the labelled values alone");
            break;
        }
        half_done += usize::from(stage.region(TARGET).parameters().contains_key(NAME));
        assert_mended(&stage, n).await;
    }
    assert!(half_done >= 6, "it was broken off after its first write too: {half_done}");
}

#[tokio::test(start_paused = true)]
async fn a_labelled_update_that_is_broken_off_anywhere_is_out_of_sync_until_a_sweep_mends_it() {
    let mut half_done = 0;
    for n in 1.. {
        assert!(n < 100, "an update has fewer calls");
        let stage = with_five_versions().await;
        stage.sweep().await;
        stage.put(NAME, "value 6");
        stage.label(SOURCE, NAME, 6, &["live"]);
        stage.label(SOURCE, NAME, 5, &["stable"]);
        if !broken_off(&stage, n).await {
            stage.assert_same(TARGET, NAME);
            break;
        }
        half_done += usize::from(stage.region(TARGET).parameters()[NAME].version > 3);
        assert_mended(&stage, n).await;
    }
    assert!(half_done >= 3, "it was broken off after its write too: {half_done}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_meets_a_create_left_unfinished_finishes_it() {
    let stage = with_five_versions().await;
    // The first write gets through; no sweep comes between.
    let broken = Fault::new(Effect::Reset).operation("ssm:PutParameter").region(TARGET).from(2);
    stage.sim.fault(broken);
    stage.sweep().await;
    stage.sim.mend_all();
    let left = &stage.region(TARGET).parameters()[NAME];
    assert_eq!((left.value.as_str(), left.version), ("value 2", 1));
    assert!(left.tags["ReplicationSource"].contains(" replica=0 "), "{:?}", left.tags);

    stage.event(&stage.put_event(NAME, 5)).await;
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.labels(TARGET, NAME).len(), 4);
}
