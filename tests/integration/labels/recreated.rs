//! A labelled source that is deleted and created anew without its labels, and a labelled create that is cut off.

use std::time::Duration;

use failover_replicator::deadline::Deadline;
use failover_replicator::domain::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::Stage;
use crate::support::{SOURCE, TARGET, call, count, sweep_by};

const NAME: &str = "/a";

/// A replica whose source has the label `live`, by a sweep.
async fn labelled(stage: &Stage) {
    stage.put(NAME, "old");
    stage.label(SOURCE, NAME, 1, &["live"]);
    stage.sweep().await;
    assert_eq!(stage.labels(TARGET, NAME)["live"], "old");
}

fn deleted(stage: &Stage, at: &str) -> Value {
    call(&stage.account, at, "DeleteParameter", &json!({ "name": NAME }), &Value::Null)
}

/// The source is another one, with so many versions; when the one before was deleted.
async fn created_anew(stage: &Stage, versions: usize) -> String {
    let at = i64::try_from(stage.sim.now()).expect("a time");
    stage.region(SOURCE).delete(NAME);
    tokio::time::sleep(Duration::from_secs(31)).await;
    for n in 1..=versions {
        stage.put(NAME, &format!("new {n}"));
    }
    Timestamp::from_millis(at).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_sweep_takes_the_label_of_a_deleted_source_off_whatever_the_number_of_the_new_one() {
    for versions in [1, 2, 5] {
        let stage = Stage::new(&[]).await;
        labelled(&stage).await;
        created_anew(&stage, versions).await;
        let swept = stage.sweep().await;
        assert_eq!(count(&swept, "parameters", "updated"), 1, "{swept:#}");
        assert!(stage.labels(TARGET, NAME).is_empty(), "{versions} versions");
        stage.assert_same(TARGET, NAME);
        assert_eq!(stage.verify().await["status"], "in_sync");
    }
}

#[tokio::test(start_paused = true)]
async fn labels_that_the_new_source_has_are_put_in_their_place() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "old");
    stage.label(SOURCE, NAME, 1, &["live", "stable"]);
    stage.sweep().await;
    created_anew(&stage, 1).await;
    stage.label(SOURCE, NAME, 1, &["stable"]);
    stage.sweep().await;
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.labels(TARGET, NAME).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn events_take_it_off_in_whatever_order_they_come() {
    for (versions, order) in
        [(1, ["deleted", "put"]), (2, ["put", "deleted"]), (2, ["deleted", "put"])]
    {
        let stage = Stage::new(&[]).await;
        labelled(&stage).await;
        let at = created_anew(&stage, versions).await;
        let number = i64::try_from(versions).expect("small");
        for event in order {
            let event =
                if event == "put" { stage.put_event(NAME, number) } else { deleted(&stage, &at) };
            stage.events(vec![event]).await;
        }
        assert!(stage.labels(TARGET, NAME).is_empty(), "{versions} versions, {order:?}");
        stage.assert_same(TARGET, NAME);
    }
}

#[tokio::test(start_paused = true)]
async fn the_event_of_an_ordinary_version_reads_no_history() {
    let stage = Stage::new(&[]).await;
    labelled(&stage).await;
    stage.put(NAME, "next");
    stage.sim.forget_calls();
    // That of the first version comes once more.
    stage.events(vec![stage.put_event(NAME, 1), stage.put_event(NAME, 2)]).await;
    assert_eq!(stage.sim.count("ssm:GetParameterHistory", "", "").calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_labelled_create_that_time_cuts_off_is_not_done_and_is_finished_later() {
    let stage = Stage::new(&[]).await;
    for n in 1..=60 {
        stage.put(NAME, &n.to_string());
        stage.label(SOURCE, NAME, n, &[&format!("l{n}")]);
    }
    stage.put(NAME, "current");
    let cut = sweep_by(&stage.hub, Deadline::at(Instant::now() + Duration::from_secs(40))).await;
    assert_eq!(cut["status"], "incomplete", "{cut:#}");
    assert_eq!(count(&cut, "parameters", "pending"), 1, "{cut:#}");
    for done in ["created", "in_sync", "updated"] {
        assert_eq!(count(&cut, "parameters", done), 0, "{cut:#}");
    }
    let replica = &stage.region(TARGET).parameters()[NAME];
    assert_ne!(replica.value, "current");
    let finished = stage.sweep().await;
    assert_eq!(finished["status"], "changed", "{finished:#}");
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.labels(TARGET, NAME).len(), 60);
    assert_eq!(stage.sweep().await["status"], "in_sync");
}
