//! The end of an execution: its answer, its digest, its metrics.

use std::time::Duration;

use aws_sim::{Effect, Fault, LOST_ANSWERS};
use failover_replicator::deadline::Deadline;
use serde_json::{Value, json};

use super::stage::{FAR_ROUTE, Stage, TWO_TARGETS, ask, put, try_ask};
use crate::support::TARGET;

const NAME: &str = "daily-2026-11-28";

fn finish() -> Value {
    json!({"detail": {"name": "sweep", "operation": "finish"}, "execution": NAME})
}

/// The list of accounts, and a sweep of these.
async fn execute(stage: &Stage, swept: std::ops::Range<usize>) {
    let list = json!({"detail": {"name": "accounts", "operation": "list"}, "execution": NAME});
    let listed = stage.ask(&list).await;
    assert_eq!(listed.get("failures"), None, "{listed}");
    let accounts = &stage.accounts[swept];
    let sweep = json!({"accounts": accounts, "execution": NAME,
        "detail": {"name": "all", "operation": "sync"}});
    stage.ask(&sweep).await;
}

#[tokio::test(start_paused = true)]
async fn an_execution_in_sync_publishes_nothing_and_emits_metrics_once() {
    let stage = Stage::new(3, &[]).await;
    execute(&stage, 0..3).await;
    let (answer, metrics) = ask(&stage.hub, &finish(), Deadline::never()).await;
    let at = answer["at"].clone();
    assert_eq!(
        answer,
        json!({"format": 1, "at": at, "execution": NAME, "status": "in_sync",
            "accounts": 3, "in_sync": 3, "failed": 0, "withheld": 0,
            "not_swept": [], "not_swept_cut": 0, "routes_not_active": [], "routes_not_active_cut": 0})
    );
    let counted = ["AccountsInSync", "AccountsNotInSync", "RoutesNotActive", "RouteNotActiveHours"]
        .map(|name| metrics[0][name].as_f64());
    assert_eq!(counted, [3.0, 0.0, 0.0, 0.0].map(Some));
    assert_eq!(stage.digests(), []);
    tokio::time::sleep(Duration::from_hours(1)).await;
    let (again, metrics) = ask(&stage.hub, &finish(), Deadline::never()).await;
    assert_eq!((again, metrics.len()), (answer, 0));
}

#[tokio::test(start_paused = true)]
async fn one_digest_names_what_failed_what_was_not_swept_and_what_is_not_active() {
    let stage = Stage::new(5, &[TWO_TARGETS]).await;
    put(&stage, 1, "/held", "1");
    stage.sim.account(&stage.accounts[1]).region(TARGET).put("/held", "theirs");
    stage.freeze(FAR_ROUTE).await;
    execute(&stage, 0..3).await;
    let before = stage.digests().len();
    tokio::time::sleep(Duration::from_hours(30)).await;
    let (answer, metrics) = ask(&stage.hub, &finish(), Deadline::never()).await;
    let counts = ["accounts", "in_sync", "failed", "withheld"].map(|name| answer[name].as_u64());
    assert_eq!(counts, [5, 2, 1, 0].map(Some), "{answer}");
    assert_eq!(answer["not_swept"], json!(stage.accounts[3..5]));
    let [route] = answer["routes_not_active"].as_array().expect("a list").as_slice() else {
        panic!("{answer}");
    };
    assert_eq!(
        (&route["route"], &route["state"], &route["reason"]),
        (&json!(FAR_ROUTE), &json!("frozen"), &json!("us-east-2 fails"))
    );
    assert!(route["by"].as_str().is_some_and(|by| by.starts_with("arn:aws:")), "{route}");
    let hours = metrics[0]["RouteNotActiveHours"].as_f64().expect("a number");
    assert!((30.0..31.0).contains(&hours), "{hours}");
    let digests = stage.digests();
    let [(subject, text)] = &digests[before..] else { panic!("{digests:?}") };
    assert_eq!(
        subject,
        "failover-replicator failed: 1 account not in sync, 2 not swept, 1 route not active"
    );
    for named in
        [&stage.accounts[1], &stage.accounts[3], &stage.accounts[4], FAR_ROUTE, "1 conflict"]
    {
        assert!(text.contains(named), "{named}: {text}");
    }
    // The route is thawed meanwhile: the execution ended as it ended.
    stage.thaw(FAR_ROUTE).await;
    let (again, metrics) = ask(&stage.other_hub().await, &finish(), Deadline::never()).await;
    assert_eq!((again, metrics.len(), stage.digests().len()), (answer, 0, before + 1));
}

#[tokio::test(start_paused = true)]
async fn a_later_round_of_the_same_execution_replaces_the_result() {
    let stage = Stage::new(2, &[]).await;
    put(&stage, 0, "/held", "1");
    let target = stage.sim.account(&stage.accounts[0]).region(TARGET);
    target.put("/held", "theirs");
    execute(&stage, 0..2).await;
    target.delete("/held");
    tokio::time::sleep(Duration::from_mins(1)).await;
    execute(&stage, 0..1).await;
    let answer = stage.ask(&finish()).await;
    assert_eq!((&answer["in_sync"], &answer["failed"]), (&json!(2), &json!(0)), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_execution_without_a_list_knows_the_accounts_of_its_sweeps() {
    let stage = Stage::new(3, &[]).await;
    // The second account has no role; the third is not part of the execution.
    let sweep = json!({"accounts": stage.accounts[..2], "execution": NAME,
        "detail": {"name": "all", "operation": "sync"}});
    stage.sim.account(&stage.accounts[1]).remove_role(crate::support::SPOKE);
    stage.ask(&sweep).await;
    let answer = stage.ask(&finish()).await;
    let counts = ["accounts", "in_sync", "failed"].map(|name| answer[name].as_u64());
    assert_eq!(counts, [2, 1, 1].map(Some), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_swept_nothing_is_not_in_sync() {
    let stage = Stage::new(1, &[]).await;
    let answer = stage.ask(&finish()).await;
    assert_eq!((&answer["accounts"], &answer["status"]), (&json!(0), &json!("incomplete")));
    let digests = stage.digests();
    assert_eq!(digests.len(), 1);
    assert!(digests[0].1.contains("has listed no account"), "{}", digests[0].1);
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_could_not_be_published_is_published_by_the_next_finish() {
    let stage = Stage::new(2, &[]).await;
    execute(&stage, 0..1).await;
    let fault = stage.sim.fault(Fault::new(Effect::AccessDenied).operation("sns:Publish"));
    let (first, metrics) = ask(&stage.hub, &finish(), Deadline::never()).await;
    assert_eq!(first["failures"][0]["error_kind"], "access_denied", "{first}");
    assert_eq!(metrics.len(), 1);
    stage.sim.mend(fault);
    // The second one waits whether the first one is still at work.
    for digests in [1, 1] {
        let (answer, metrics) = ask(&stage.hub, &finish(), Deadline::never()).await;
        assert_eq!((answer.get("failures"), metrics.len()), (None, 0));
        assert_eq!((stage.digests().len(), &answer["not_swept"]), (digests, &first["not_swept"]));
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answers_and_two_at_once_publish_one_digest() {
    for effect in LOST_ANSWERS {
        let stage = Stage::new(2, &[]).await;
        execute(&stage, 0..1).await;
        stage
            .sim
            .fault(Fault::new(effect).operation("dynamodb:PutItem").first(1).after_execution());
        let answer = stage.ask(&finish()).await;
        assert_eq!(
            (stage.digests().len(), &answer["status"]),
            (1, &json!("incomplete")),
            "{effect:?}"
        );
    }
    let stage = Stage::new(2, &[]).await;
    execute(&stage, 0..1).await;
    let other = stage.other_hub().await;
    let request = finish();
    let ((one, _), (two, _)) = futures::join!(
        ask(&stage.hub, &request, Deadline::never()),
        ask(&other, &request, Deadline::never())
    );
    assert_eq!((one["not_swept"].clone(), stage.digests().len()), (two["not_swept"].clone(), 1));
    assert_eq!(one, two, "both answer as the first one did");
}

#[tokio::test(start_paused = true)]
async fn without_the_table_there_is_no_end() {
    let stage = Stage::new(1, &[]).await;
    let fault = stage.sim.fault(Fault::new(Effect::ServerError).operation("dynamodb:Query"));
    let refused = try_ask(&stage.hub, &finish(), Deadline::never()).await.expect_err("no table");
    assert!(refused.to_string().contains("dynamodb:Query"), "{refused}");
    stage.sim.mend(fault);
    let without = crate::support::hub_on(&stage.sim, &[]).await;
    let refused = try_ask(&without, &finish(), Deadline::never()).await.expect_err("no table");
    assert!(refused.to_string().contains("REPLICATOR_TABLE"), "{refused}");
}
