//! The allowance of deletions in the table: all processes share it.

use aws_sim::{Effect, Fault};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use super::stage::{ROUTE, Stage, ask, number, put};
use crate::support::{LONG_AGO, SOURCE, TARGET, batch, delete_event, returned};

const NONE: [&str; 0] = [];

/// A stage with this many replicas, whose first sources are deleted.
async fn stage(replicas: usize, deleted: usize, settings: &[(&'static str, &str)]) -> Stage {
    let stage = Stage::new(1, settings).await;
    for n in 0..replicas {
        put(&stage, 0, &name(n), "1");
    }
    stage.sweep("daily-0").await;
    // Longer ago than the least age of a source whose absence is believed.
    tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    for n in 0..deleted {
        stage.sim.account(&stage.accounts[0]).region(SOURCE).delete(&name(n));
    }
    stage
}

fn name(n: usize) -> String {
    format!("/{n:03}")
}

/// The events of these deletions, at a process of the hub.
async fn events(stage: &Stage, hub: &Hub, deleted: std::ops::Range<usize>) -> Value {
    let messages =
        deleted.map(|n| (n.to_string(), delete_event(&stage.accounts[0], LONG_AGO, &name(n))));
    ask(hub, &batch(messages), Deadline::never()).await.0
}

fn replicas(stage: &Stage) -> usize {
    stage.sim.account(&stage.accounts[0]).region(TARGET).parameters().len()
}

#[tokio::test(start_paused = true)]
async fn two_processes_share_the_allowance_of_a_day() {
    let stage = stage(100, 16, &[]).await;
    let other = stage.other_hub().await;
    let (one, two) =
        futures::join!(events(&stage, &stage.hub, 0..8), events(&stage, &other, 8..16));
    assert_eq!((returned(&one), returned(&two)), (NONE.to_vec(), NONE.to_vec()));
    // A tenth of 100 replicas; the others have a tombstone.
    assert_eq!(replicas(&stage), 90);
    let day = stage.only(&format!("deletes#{}#{TARGET}", stage.accounts[0]));
    assert_eq!((number(&day, "used"), number(&day, "allowance")), (10, 10));
    // The next day has its own.
    tokio::time::sleep(std::time::Duration::from_hours(24)).await;
    stage.sim.account(&stage.accounts[0]).region(SOURCE).delete(&name(16));
    events(&stage, &other, 16..17).await;
    assert_eq!(replicas(&stage), 89);
    assert_eq!(stage.keys(&format!("deletes#{}#{TARGET}", stage.accounts[0])).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn deletions_that_did_not_happen_are_given_back() {
    let stage = stage(20, 3, &[]).await;
    let fault = stage.sim.fault(Fault::new(Effect::AccessDenied).operation("ssm:DeleteParameters"));
    events(&stage, &stage.hub, 0..3).await;
    assert!(stage.sim.hits(fault) > 0);
    let day = stage.only(&format!("deletes#{}#{TARGET}", stage.accounts[0]));
    assert_eq!((number(&day, "used"), replicas(&stage)), (0, 20));
    stage.sim.mend(fault);
    events(&stage, &stage.hub, 0..3).await;
    let day = stage.only(&format!("deletes#{}#{TARGET}", stage.accounts[0]));
    assert_eq!((number(&day, "used"), replicas(&stage)), (3, 17));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_counts_too_much_and_never_too_little() {
    for (operation, at_least) in [("dynamodb:PutItem", 4), ("dynamodb:UpdateItem", 4)] {
        for effect in aws_sim::LOST_ANSWERS {
            let stage = stage(100, 4, &[]).await;
            events(&stage, &stage.hub, 0..1).await;
            if operation.ends_with("PutItem") {
                let day = stage.keys(&format!("deletes#{}#{TARGET}", stage.accounts[0]));
                stage.table().delete(&format!("deletes#{}#{TARGET}", stage.accounts[0]), &day[0]);
            }
            let fault = Fault::new(effect).operation(operation).first(1).after_execution();
            let fault = stage.sim.fault(fault);
            events(&stage, &stage.hub, 1..4).await;
            assert_eq!(stage.sim.hits(fault), 1, "{operation}");
            let day = stage.only(&format!("deletes#{}#{TARGET}", stage.accounts[0]));
            let used = number(&day, "used");
            let deleted = if operation.ends_with("PutItem") { 3 } else { at_least };
            assert!((deleted..=deleted + 3).contains(&used), "{operation} {effect:?}: {used}");
            assert_eq!(replicas(&stage), 96);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_that_cannot_be_counted_deletes_nothing_and_says_why() {
    for operation in ["dynamodb:GetItem", "dynamodb:PutItem"] {
        let stage = stage(20, 2, &[]).await;
        stage.sim.fault(Fault::new(Effect::AccessDenied).operation(operation));
        let answer = events(&stage, &stage.hub, 0..2).await;
        assert_eq!(returned(&answer), NONE, "a refusal is not repaired by a repetition");
        assert_eq!(replicas(&stage), 20, "{operation}");
        let digests = stage.digests();
        let (_, text) = digests.last().expect("a digest");
        assert!(text.contains("cannot count today's deletions in us-east-1"), "{text}");
        assert!(text.contains(operation) && !text.contains("internal error"), "{text}");
        let replica = stage.sim.account(&stage.accounts[0]).region(TARGET).parameters();
        assert!(replica["/000"].tags["ReplicationSource"].contains("gone="));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_and_a_run_with_its_own_limit_use_nothing_of_the_day() {
    let stage = stage(20, 2, &[("DELETE_GRACE_DAYS", "0")]).await;
    let account = stage.accounts[0].clone();
    let plan =
        json!({"account": account, "plan": true, "detail": {"name": "all", "operation": "sync"}});
    let planned = stage.ask(&plan).await;
    let deletes = planned["steps"].as_array().expect("steps");
    assert_eq!(deletes.iter().filter(|step| step["change"] == "delete").count(), 2, "{planned}");
    let sweep = json!({"account": account, "max_deletes": 7, "detail": {"name": "all", "operation": "sync"}});
    stage.ask(&sweep).await;
    assert_eq!(replicas(&stage), 18);
    assert_eq!(stage.keys(&format!("deletes#{account}#{TARGET}")), NONE);
    assert_eq!(stage.keys(&format!("last#{ROUTE}")), [account]);
}
