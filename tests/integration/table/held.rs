//! Events of routes that are not active: they are recorded, and their messages are done only then.

use std::time::Duration;

use aws_sim::{Effect, Fault};
use serde_json::json;

use super::stage::{FAR, FAR_ROUTE, ROUTE, Stage, TWO_TARGETS, number, put, text};
use crate::support::{batch, call, put_event, returned};

const NONE: [&str; 0] = [];

#[tokio::test(start_paused = true)]
async fn an_event_of_a_frozen_route_is_recorded_and_its_message_is_done() {
    let stage = Stage::new(1, &[]).await;
    put(&stage, 0, "/a", "1");
    stage.sweep("daily-1").await;
    stage.freeze(ROUTE).await;
    let account = &stage.accounts[0];
    put(&stage, 0, "/a", "2");
    stage.sim.forget_calls();
    let secret = call(
        account,
        "2026-11-28T10:00:07Z",
        "UpdateSecret",
        &json!({"secretId": "db/main"}),
        &json!({"name": "db/main"}),
    );
    let messages = [
        ("1", put_event(account, "2026-11-28T10:00:05Z", "/a", 2)),
        ("2", put_event(account, "2026-11-28T10:00:06Z", "/a", 3)),
        ("3", secret),
    ];
    let answer = stage.ask(&batch(messages)).await;
    assert_eq!(returned(&answer), NONE);
    let partition = format!("held#{ROUTE}");
    let keys = stage.keys(&partition);
    assert_eq!(keys, [format!("{account}#parameter#a"), format!("{account}#secret#db/main")]);
    let item = stage.table().item(&partition, &keys[0]).expect("an item");
    let texts = ["account", "kind", "name", "operation", "at", "why"].map(|name| text(&item, name));
    let expected = [account, "parameter", "/a", "PutParameter", "2026-11-28T10:00:06Z", "frozen"];
    assert_eq!(texts, expected);
    let kept = number(&item, "ttl") - stage.sim.now() / 1000;
    assert!((30 * 86_400 - 60..=30 * 86_400).contains(&kept), "{kept}");
    // One read of the state and one batch; no call to the account.
    let calls: Vec<String> = stage.sim.counts().into_keys().collect();
    assert_eq!(calls, ["dynamodb:BatchWriteItem", "dynamodb:Query"]);
    // A later event of the same item replaces the record.
    let deleted = call(
        account,
        "2026-11-28T11:00:00Z",
        "DeleteParameter",
        &json!({"name": "/a"}),
        &json!(null),
    );
    assert_eq!(returned(&stage.ask(&batch([("4", deleted)])).await), NONE);
    let item = stage.table().item(&partition, &keys[0]).expect("an item");
    let texts = ["operation", "at"].map(|name| text(&item, name));
    assert_eq!(texts, ["DeleteParameter", "2026-11-28T11:00:00Z"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_record_cannot_be_written_returns_to_the_queue() {
    let stage = Stage::new(2, &[]).await;
    stage.freeze(ROUTE).await;
    let faults = [
        Fault::new(Effect::AccessDenied),
        Fault::new(Effect::ServerError),
        Fault::new(Effect::Unprocessed),
        Fault::new(Effect::TimeOut),
    ];
    for fault in faults {
        let fault = stage.sim.fault(fault.operation("dynamodb:BatchWriteItem"));
        let messages = [("1", stage.event(0, "/a")), ("2", stage.event(1, "/b"))];
        let answer = stage.ask(&batch(messages)).await;
        let hits = stage.sim.hits(fault);
        assert_eq!(returned(&answer), ["1", "2"], "after {hits} faults");
        stage.sim.mend(fault);
    }
    let digests = stage.digests();
    assert!(
        digests.iter().any(|(_, text)| text.contains("their messages return to the queue")),
        "{digests:?}"
    );
    let messages = [("1", stage.event(0, "/a")), ("2", stage.event(1, "/b"))];
    assert_eq!(returned(&stage.ask(&batch(messages)).await), NONE);
    assert_eq!(stage.keys(&format!("held#{ROUTE}")).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_item_with_two_targets_is_done_when_one_is_written_and_the_other_recorded() {
    let stage = Stage::new(1, &[TWO_TARGETS]).await;
    stage.freeze(FAR_ROUTE).await;
    put(&stage, 0, "/a", "1");
    let event = || batch([("1", stage.event(0, "/a"))]);
    let replica = |region| stage.sim.account(&stage.accounts[0]).region(region).parameters().len();
    let fault =
        stage.sim.fault(Fault::new(Effect::AccessDenied).operation("dynamodb:BatchWriteItem"));
    assert_eq!(returned(&stage.ask(&event()).await), ["1"], "the record is missing");
    assert_eq!((replica("us-east-1"), replica(FAR)), (1, 0));
    stage.sim.mend(fault);
    put(&stage, 0, "/a", "2");
    let fault = stage.sim.fault(Fault::new(Effect::ServerError).operation("ssm:PutParameter"));
    assert_eq!(returned(&stage.ask(&event()).await), ["1"], "the write fails");
    stage.sim.mend(fault);
    assert_eq!(returned(&stage.ask(&event()).await), NONE);
    assert_eq!(stage.keys(&format!("held#{FAR_ROUTE}")).len(), 1);
    assert_eq!(stage.keys(&format!("held#{ROUTE}")), NONE);
    assert_eq!(replica(FAR), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_an_unreadable_state_returns_and_nothing_is_recorded() {
    let stage = Stage::new(1, &[]).await;
    put(&stage, 0, "/a", "1");
    stage.sim.forget_calls();
    let fault = stage.sim.fault(Fault::new(Effect::ServerError).operation("dynamodb:Query"));
    let answer = stage.ask(&batch([("1", stage.event(0, "/a"))])).await;
    assert_eq!(returned(&answer), ["1"]);
    assert_eq!(stage.sim.hits(fault), 5, "one read, repeated by the SDK");
    assert_eq!(stage.sim.table_writes().len(), 0);
    let writes = stage.sim.writes();
    assert!(writes.iter().all(|write| write.operation == "sns:Publish"), "{writes:?}");
    stage.sim.forget_calls();
    stage.sim.mend(fault);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(returned(&stage.ask(&batch([("1", stage.event(0, "/a"))])).await), NONE);
    assert_eq!(stage.sim.writes().len(), 1);
    assert_eq!(stage.keys(&format!("held#{ROUTE}")), NONE);
}
