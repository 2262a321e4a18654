//! Messages that the queue delivers for the last time: their items are recorded before the queue gives them up.

use std::fs;
use std::path::Path;

use aws_sim::{Effect, Fault};
use failover_replicator::request::DELIVERIES;
use serde_json::json;

use super::stage::{FAR_ROUTE, ROUTE, Stage, TWO_TARGETS, delivered, put, text};
use crate::support::{LONG_AGO, call, returned};

const NONE: [&str; 0] = [];

#[test]
fn the_last_delivery_is_that_of_the_template() {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacksets/hub.yaml");
    let template = fs::read_to_string(template).expect("the template");
    let counts: Vec<u64> = template
        .split("maxReceiveCount: ")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default())
        .map(|digits| digits.parse().expect("a number"))
        .collect();
    assert_eq!(counts, [DELIVERIES]);
}

#[tokio::test(start_paused = true)]
async fn an_item_is_recorded_when_its_message_returns_for_the_last_time() {
    let stage = Stage::new(1, &[TWO_TARGETS]).await;
    let account = stage.accounts[0].clone();
    for name in ["/a", "/b", "/fine"] {
        put(&stage, 0, name, "1");
    }
    let names = ["/a", "/b"];
    for name in names {
        stage.sim.fault(Fault::new(Effect::ServerError).operation("ssm:PutParameter").naming(name));
    }
    let messages = || {
        let deleted =
            call(&account, LONG_AGO, "DeleteParameters", &json!({"names": names}), &json!(null));
        [("both", deleted), ("fine", stage.event(0, "/fine")), ("bad", json!("no event"))]
    };
    for time in 1..DELIVERIES {
        assert_eq!(returned(&stage.ask(&delivered(time, messages())).await), ["bad", "both"]);
        assert_eq!(stage.keys(&format!("held#{ROUTE}")), NONE, "delivery {time}");
    }
    let answer = stage.ask(&delivered(DELIVERIES, messages())).await;
    assert_eq!(returned(&answer), ["bad", "both"], "the queue moves them to the dead-letter queue");
    for route in [ROUTE, FAR_ROUTE] {
        let held = stage.table().partition(&format!("held#{route}"));
        let shown: Vec<_> = held
            .iter()
            .map(|item| ["name", "why", "operation"].map(|name| text(item, name)))
            .collect();
        assert_eq!(
            shown,
            [
                ["/a", "given_up", "DeleteParameters"].map(str::to_owned),
                ["/b", "given_up", "DeleteParameters"].map(str::to_owned)
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_returns_because_no_digest_was_published_is_recorded_too() {
    let stage = Stage::new(1, &[]).await;
    put(&stage, 0, "/held", "1");
    stage.sim.account(&stage.accounts[0]).region("us-east-1").put("/held", "theirs");
    let message = || [("1", stage.event(0, "/held"))];
    let fault = stage.sim.fault(Fault::new(Effect::AccessDenied).operation("sns:Publish"));
    assert_eq!(returned(&stage.ask(&delivered(DELIVERIES, message())).await), ["1"]);
    assert_eq!(text(&stage.only(&format!("held#{ROUTE}")), "why"), "given_up");
    stage.sim.mend(fault);
    stage.table().delete(&format!("held#{ROUTE}"), &stage.keys(&format!("held#{ROUTE}"))[0]);
    // A conflict that was reported is done, and is not given up.
    assert_eq!(returned(&stage.ask(&delivered(DELIVERIES, message())).await), NONE);
    assert_eq!(stage.keys(&format!("held#{ROUTE}")), NONE);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_route_holds_a_last_delivery_and_gives_up_nothing() {
    let stage = Stage::new(1, &[TWO_TARGETS]).await;
    stage.freeze(FAR_ROUTE).await;
    put(&stage, 0, "/a", "1");
    let fault = stage.sim.fault(Fault::new(Effect::ServerError).operation("ssm:PutParameter"));
    let message = [("1", stage.event(0, "/a"))];
    assert_eq!(returned(&stage.ask(&delivered(DELIVERIES, message)).await), ["1"]);
    assert!(stage.sim.hits(fault) > 0);
    let why = |route: &str| text(&stage.only(&format!("held#{route}")), "why");
    assert_eq!((why(ROUTE), why(FAR_ROUTE)), ("given_up".to_owned(), "frozen".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_record_of_the_last_delivery_that_cannot_be_written_is_a_failure_of_the_hub() {
    let stage = Stage::new(1, &[]).await;
    put(&stage, 0, "/a", "1");
    for operation in ["ssm:PutParameter", "dynamodb:BatchWriteItem"] {
        stage.sim.fault(Fault::new(Effect::ServerError).operation(operation));
    }
    let batch = delivered(DELIVERIES, [("1", stage.event(0, "/a"))]);
    let request = failover_replicator::request::from_value(&batch).expect("a batch");
    let deadline = failover_replicator::deadline::Deadline::never();
    let run = stage.hub.perform(request, <_>::default(), deadline, &|_| ()).await.expect("a run");
    let failover_replicator::hub::Answer::Batch(answer, response) = run.answer else {
        panic!("{:?}", run.answer);
    };
    assert_eq!(returned(&answer), ["1"]);
    let messages: Vec<&str> =
        response.failures.iter().map(|failure| failure.cause.message.as_str()).collect();
    assert!(
        messages.iter().any(|text| text.contains("dead-letter queue could not be recorded")),
        "{messages:?}"
    );
}
