//! Label events that come early, late, at once, or for what is not the hub's.

use std::time::Duration;

use aws_sim::{Effect, Fault, Lag};
use serde_json::json;

use super::stage::Stage;
use crate::support::{MARK, SOURCE, TARGET, count, returned, told};

const NAME: &str = "/a";

#[tokio::test(start_paused = true)]
async fn a_label_event_before_the_event_of_its_version_copies_both() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "first");
    stage.sweep().await;
    stage.put(NAME, "second");
    stage.label(SOURCE, NAME, 2, &["live"]);
    let early = stage.event(&stage.label_event(NAME)).await;
    assert_eq!(count(&early, "parameters", "updated"), 1, "{early:#}");
    stage.assert_same(TARGET, NAME);

    stage.sim.forget_calls();
    let late = stage.event(&stage.put_event(NAME, 2)).await;
    assert_eq!(late["status"], "in_sync", "{late:#}");
    assert_eq!(stage.sim.writes(), []);
    assert_eq!(stage.sim.count("ssm:GetParameterHistory", "", "").calls, 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_label_that_goes_is_followed_though_a_version_came_with_it() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "first");
    stage.label(SOURCE, NAME, 1, &["live"]);
    stage.sweep().await;
    stage.assert_same(TARGET, NAME);
    stage.put(NAME, "second");
    stage.unlabel(SOURCE, NAME, "live");
    let early = stage.event(&stage.unlabel_event(NAME)).await;
    assert_eq!(count(&early, "parameters", "updated"), 1, "{early:#}");
    assert_eq!(stage.labels(TARGET, NAME).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn histories_that_lag_behind_a_write_are_read_until_they_show_it() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "first");
    stage.label(SOURCE, NAME, 1, &["stable"]);
    stage.sweep().await;
    let seconds = Duration::from_secs(2);
    stage.sim.set_lag(Lag { reads: seconds, lists: seconds, tagging: seconds });
    stage.put(NAME, "second");
    stage.label(SOURCE, NAME, 2, &["live"]);
    stage.events(vec![stage.put_event(NAME, 2)]).await;
    for _ in 0..5 {
        let answer = stage.events(vec![stage.label_event(NAME)]).await;
        if returned(&answer).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.labels(TARGET, NAME).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_label_that_moves_while_it_is_copied_needs_no_second_event() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "first");
    stage.label(SOURCE, NAME, 1, &["old", "live"]);
    stage.sweep().await;
    stage.put(NAME, "second");
    stage.event(&stage.put_event(NAME, 2)).await;
    stage.label(SOURCE, NAME, 2, &["live"]);
    let slow = Effect::Latency(Duration::from_secs(2));
    stage.sim.fault(Fault::new(slow).operation("ssm:LabelParameterVersion").first(1));
    let event = stage.label_event(NAME);
    let (answer, ()) = tokio::join!(stage.event(&event), async {
        while stage.sim.count("ssm:GetParameterHistory", "", TARGET).calls < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(stage.labels(TARGET, NAME)["live"], "first", "it is under way");
        stage.label(SOURCE, NAME, 1, &["live"]);
    });
    assert_eq!(told(&answer), [""; 0]);
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.labels(TARGET, NAME)["live"], "first");
    assert_eq!(stage.sim.count("ssm:LabelParameterVersion", "", TARGET).done, 3, "there and back");
}

#[tokio::test(start_paused = true)]
async fn a_label_event_for_what_is_not_the_hubs_changes_nothing() {
    let stage = Stage::new(&[]).await;
    for name in ["/theirs", "/released", "/excluded"] {
        stage.put(name, "value");
    }
    stage.region(TARGET).put("/theirs", "value");
    stage.region(TARGET).put("/alone", "value");
    stage.sweep().await;
    stage.region(TARGET).untag("/released", MARK.0);
    stage.region(SOURCE).tag("/excluded", "failover-replicator", "exclude");
    let names = ["/theirs", "/released", "/excluded", "/alone", "/nowhere"];
    for name in &names[..3] {
        stage.label(SOURCE, name, 1, &["live"]);
        stage.label(TARGET, name, 1, &["own"]);
    }
    stage.label(TARGET, "/alone", 1, &["own"]);
    let before = stage.region(TARGET).parameters();
    stage.sim.forget_calls();
    stage.events(names.map(|name| stage.label_event(name)).to_vec()).await;
    stage.run(&json!({"labels": true})).await;
    assert_eq!(stage.writes(TARGET), [""; 0]);
    assert_eq!(stage.region(TARGET).parameters(), before);
}

#[tokio::test(start_paused = true)]
async fn a_plan_for_one_parameter_tells_that_its_labels_differ() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "value");
    stage.sweep().await;
    stage.label(SOURCE, NAME, 1, &["live"]);
    let detail = json!({"name": NAME, "operation": "sync"});
    stage.sim.forget_calls();
    let plan = stage.run(&json!({"plan": true, "detail": detail})).await;
    assert_eq!(plan["steps"][0]["because"], json!(["labels"]), "{plan:#}");
    assert_eq!(stage.sim.writes(), []);
    let done = stage.run(&json!({"detail": detail})).await;
    assert_eq!(count(&done, "parameters", "retagged"), 1, "{done:#}");
    stage.assert_same(TARGET, NAME);
}

#[tokio::test(start_paused = true)]
async fn the_event_of_a_write_reads_no_history_but_for_a_replica_that_is_to_be_created_late() {
    let stage = Stage::new(&[]).await;
    let histories = || stage.sim.count("ssm:GetParameterHistory", "", "").calls;
    stage.put(NAME, "first");
    stage.event(&stage.put_event(NAME, 1)).await;
    stage.put(NAME, "second");
    stage.event(&stage.put_event(NAME, 2)).await;
    assert_eq!(histories(), 0);

    stage.put("/late", "first");
    stage.label(SOURCE, "/late", 1, &["old"]);
    stage.put("/late", "second");
    stage.event(&stage.put_event("/late", 2)).await;
    assert!(histories() > 0);
    stage.assert_same(TARGET, "/late");
}
