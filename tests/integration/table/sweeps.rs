//! The records of sweeps: results, last results, and failures.

use std::time::Duration;

use aws_sim::{Effect, Fault};
use failover_replicator::deadline::Deadline;
use serde_json::json;

use super::stage::{FAR, FAR_ROUTE, ROUTE, Stage, TWO_TARGETS, ask, number, put, text};
use crate::support::{SOURCE, TARGET, count, failures};

#[tokio::test(start_paused = true)]
async fn each_account_and_route_has_its_result_and_its_last_one() {
    let stage = Stage::new(30, &[TWO_TARGETS]).await;
    for account in 0..30 {
        put(&stage, account, "/a", "1");
    }
    let began = stage.sim.now();
    let answer = stage.sweep("daily-2026-11-28").await;
    assert_eq!((answer["status"].as_str(), failures(&answer).len()), (Some("changed"), 0));
    let results = stage.table().partition("sweep#daily-2026-11-28");
    // Each account on two routes, and the list of the accounts.
    assert_eq!(results.len(), 61, "{results:#?}");
    let one =
        stage.table().item("sweep#daily-2026-11-28", &format!("{}#{ROUTE}", stage.accounts[7]));
    let one = one.expect("a result");
    let texts =
        ["account", "route", "execution", "status", "route_state"].map(|name| text(&one, name));
    assert_eq!(texts, [&*stage.accounts[7], ROUTE, "daily-2026-11-28", "changed", "active"]);
    assert_eq!(one["parameters"]["M"], json!({"created": {"N": "2"}}), "over both routes");
    assert_eq!((one["complete"]["BOOL"].as_bool(), number(&one, "failures")), (Some(true), 0));
    let kept = number(&one, "ttl") - began / 1000;
    assert!((90 * 86_400..90 * 86_400 + 120).contains(&kept), "{kept}");
    for route in [ROUTE, FAR_ROUTE] {
        let last = stage.table().partition(&format!("last#{route}"));
        assert_eq!(last.len(), 30);
        assert!(last.iter().all(|item| !item.contains_key("ttl")));
    }
    // Results and last results of two routes and the list, and a read of the failures of each account.
    let batches = stage.sim.counts()["dynamodb:BatchWriteItem"].calls;
    assert!(batches <= 8, "{batches} batches for 121 items");
    let again = stage.sweep("daily-2026-11-29").await;
    assert_eq!(again["status"], "in_sync");
    let last = stage.table().item(&format!("last#{ROUTE}"), &stage.accounts[7]).expect("a result");
    let texts = ["execution", "status"].map(|name| text(&last, name));
    assert_eq!(texts, ["daily-2026-11-29", "in_sync"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_has_its_first_time_and_goes_when_it_is_corrected() {
    let stage = Stage::new(1, &[]).await;
    let account = &stage.accounts[0];
    let target = stage.sim.account(account).region(TARGET);
    for name in ["/held", "/fine"] {
        put(&stage, 0, name, "1");
    }
    target.put("/held", "theirs");
    let partition = format!("fail#{account}");
    let mut seen = Vec::new();
    for day in 0..2 {
        stage.sweep(&format!("daily-{day}")).await;
        let item = stage.only(&partition);
        assert_eq!(text(&item, "sk"), "us-east-1#parameter#held#conflict");
        let texts = ["name", "kind", "region", "error_kind", "class"].map(|name| text(&item, name));
        assert_eq!(texts, ["/held", "parameter", "us-east-1", "conflict", "unmarked"]);
        assert!(text(&item, "message").contains("us-east-1") && !text(&item, "remedy").is_empty());
        seen.push((text(&item, "first"), text(&item, "last")));
        tokio::time::sleep(Duration::from_hours(24)).await;
    }
    assert_eq!(seen[0].0, seen[1].0, "the first time stays");
    assert!(seen[1].1 > seen[0].1, "{seen:?}");
    // The source Region does not answer: nothing is known of the failure.
    let fault = Fault::new(Effect::ServerError).operation("ssm:DescribeParameters").region(SOURCE);
    let fault = stage.sim.fault(fault);
    let failed = stage.sweep("daily-2").await;
    assert_eq!(failed["status"], "failed");
    let keys = stage.keys(&partition);
    assert!(keys.contains(&"us-east-1#parameter#held#conflict".to_owned()), "{keys:?}");
    assert_eq!(keys.len(), 2, "the list of the source Region failed: {keys:?}");
    let last =
        stage.table().item(&format!("last#{ROUTE}"), account).expect("the last complete one");
    assert_eq!(text(&last, "execution"), "daily-1");
    stage.sim.mend(fault);
    target.delete("/held");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let corrected = stage.sweep("daily-3").await;
    assert_eq!(count(&corrected, "parameters", "created"), 1, "{corrected}");
    assert_eq!(stage.keys(&partition), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_not_active_keeps_its_last_result_and_its_failures() {
    let stage = Stage::new(1, &[TWO_TARGETS]).await;
    let account = &stage.accounts[0];
    put(&stage, 0, "/held", "1");
    for target in [TARGET, FAR] {
        stage.sim.account(account).region(target).put("/held", "theirs");
    }
    stage.sweep("daily-1").await;
    assert_eq!(stage.keys(&format!("fail#{account}")).len(), 2);
    stage.freeze(FAR_ROUTE).await;
    for target in [TARGET, FAR] {
        stage.sim.account(account).region(target).delete("/held");
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    stage.sweep("daily-2").await;
    assert_eq!(stage.keys(&format!("fail#{account}")), ["us-west-2#parameter#held#conflict"]);
    let result = |route: &str| {
        let item = stage.table().item("sweep#daily-2", &format!("{account}#{route}"));
        let item = item.expect("a result");
        let complete = item["complete"]["BOOL"].as_bool().expect("a boolean");
        (text(&item, "status"), text(&item, "route_state"), complete)
    };
    assert_eq!(result(ROUTE), ("changed".to_owned(), "active".to_owned(), true));
    assert_eq!(result(FAR_ROUTE), ("frozen".to_owned(), "frozen".to_owned(), false));
    let last = |route: &str| {
        let item = stage.table().item(&format!("last#{route}"), account).expect("a result");
        text(&item, "execution")
    };
    assert_eq!((last(ROUTE), last(FAR_ROUTE)), ("daily-2".to_owned(), "daily-1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_the_deadline_cuts_off_has_a_result_that_is_not_complete() {
    let stage = Stage::new(1, &[("QUOTAS", r#"{"*/*/ssm.control":1}"#)]).await;
    for n in 0..60 {
        put(&stage, 0, &format!("/{n:02}"), "1");
    }
    let deadline = Deadline::at(tokio::time::Instant::now() + Duration::from_mins(1));
    let payload = json!({"detail": {"name": "all", "operation": "sync"}, "execution": "daily-1"});
    let (answer, _) = ask(&stage.hub, &payload, deadline).await;
    assert_eq!(answer["remaining"][0], *stage.accounts[0], "{answer}");
    let item = stage.table().item("sweep#daily-1", &format!("{}#{ROUTE}", stage.accounts[0]));
    let item = item.expect("a result");
    assert_eq!(
        (text(&item, "status"), &item["complete"]["BOOL"]),
        ("incomplete".to_owned(), &json!(false))
    );
    assert_eq!(stage.keys(&format!("last#{ROUTE}")), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn plans_named_items_and_parts_of_the_organisation_record_only_what_they_saw() {
    let stage = Stage::new(2, &[TWO_TARGETS]).await;
    put(&stage, 0, "/a", "1");
    let account = stage.accounts[0].clone();
    for (request, records) in [
        (json!({"plan": true, "detail": {"name": "all", "operation": "sync"}}), false),
        (json!({"account": account, "detail": {"name": "/a", "operation": "sync"}}), false),
        (json!({"account": account, "detail": {"name": "all", "operation": "sync"}}), true),
    ] {
        stage.sim.forget_calls();
        stage.ask(&request).await;
        let kinds = |item: &&((String, String), _)| !item.0.0.starts_with("state#");
        let items: Vec<_> = stage.table().items().into_iter().collect();
        let written = items.iter().filter(kinds).count();
        assert_eq!(
            written,
            if records { 2 } else { 0 },
            "{request}: the last result on each route"
        );
    }
    assert_eq!(stage.keys(&format!("last#{ROUTE}")), [account]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_written_fails_the_hub_and_stops_no_account() {
    for operation in ["dynamodb:BatchWriteItem", "dynamodb:Query"] {
        let stage = Stage::new(40, &[]).await;
        for account in 0..40 {
            put(&stage, account, "/a", "1");
        }
        // The states of the routes are the first read.
        let fault = Fault::new(Effect::AccessDenied).operation(operation);
        stage.sim.fault(if operation.ends_with("Query") { fault.from(2) } else { fault });
        let answer = stage.sweep("daily-1").await;
        assert_eq!(count(&answer, "parameters", "created"), 40, "{operation}: {answer}");
        let [failure] = answer["failures"].as_array().expect("a list").as_slice() else {
            panic!("{answer}");
        };
        assert_eq!(
            (&failure["kind"], &failure["error_kind"]),
            (&json!("hub"), &json!("access_denied"))
        );
        let message = failure["message"].as_str().expect("a message");
        assert!(
            message.contains("may count as not swept") && message.contains(operation),
            "{message}"
        );
        let digests = stage.digests();
        assert_eq!(digests.len(), 1, "{digests:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_recorded_in_the_table_of_another_hub() {
    let stage = Stage::new(3, &[]).await;
    put(&stage, 0, "/a", "1");
    for key in stage.keys(&format!("state#{ROUTE}")) {
        let mut item = stage.table().item(&format!("state#{ROUTE}"), &key).expect("a state");
        item.insert(
            "home".to_owned(),
            json!({"S": "arn:aws:dynamodb:us-east-1:999999999999:table/hub other"}),
        );
        stage.table().put(&json!(item));
    }
    let before = stage.table().items();
    stage.sim.forget_calls();
    let answer = stage.sweep("daily-1").await;
    assert!(answer["remaining"].as_array().is_some_and(|left| left.len() == 3), "{answer}");
    let list = json!({"detail": {"name": "accounts", "operation": "list"}, "execution": "daily-1"});
    let listed = stage.ask(&list).await;
    assert!(listed["failures"][0]["message"].as_str().expect("a failure").contains("another hub"));
    assert_eq!(listed["batches"].as_array().map(Vec::len), Some(1), "{listed}");
    stage.ask(&super::stage::delivered(5, [("m", stage.event(0, "/a"))])).await;
    assert_eq!(stage.table().items(), before);
    let writes: Vec<String> = stage.sim.writes().into_iter().map(|write| write.operation).collect();
    assert!(writes.iter().all(|operation| operation == "sns:Publish"), "{writes:?}");
}
