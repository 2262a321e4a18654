//! The list of accounts: names, places, and which accounts an execution is meant to sweep.

use std::collections::BTreeSet;

use aws_sim::{Effect, Fault};
use serde_json::{Value, json};

use super::stage::{Stage, text};
use crate::support::MANAGEMENT;

fn list(page: &Value, execution: Option<&str>) -> Value {
    let mut payload =
        json!({"detail": {"name": "accounts", "operation": "list"}, "batch": 100, "page": page});
    if let Some(execution) = execution {
        payload["execution"] = execution.into();
    }
    payload
}

fn expected(stage: &Stage, execution: &str) -> BTreeSet<String> {
    let items = stage.table().partition(&format!("sweep#{execution}"));
    let ids = items.iter().flat_map(|item| item["accounts"]["L"].as_array().expect("a list"));
    ids.map(|id| id["S"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_records_the_accounts_of_all_pages_under_its_execution() {
    let stage = Stage::new(510, &[]).await;
    stage.sim.account(&stage.accounts[3]).place("ACTIVE", "ou-shop");
    let first = stage.ask(&list(&json!(null), Some("daily-1"))).await;
    assert_eq!(first.get("failures"), None, "{first}");
    let second = stage.ask(&list(&first["next"], Some("daily-1"))).await;
    assert_eq!(second.get("next"), None, "{second}");
    let known = stage.table().partition("accounts");
    assert_eq!(known.len(), 510, "without the management account, which is excluded");
    assert!(known.iter().all(|item| text(item, "account") != MANAGEMENT));
    let one = stage.table().item("accounts", &stage.accounts[3]).expect("an account");
    let path = text(&one, "path");
    assert!(
        path.contains("/ou-shop/") && path.ends_with(&format!("{}/", stage.accounts[3])),
        "{path}"
    );
    assert_eq!(text(&one, "execution"), "daily-1");
    assert!(one.contains_key("seen") && one.contains_key("name") && one.contains_key("ttl"));
    let all: BTreeSet<String> = stage.accounts.iter().cloned().collect();
    assert_eq!(expected(&stage, "daily-1"), all);
    // A second execution takes nothing from the first.
    stage.ask(&list(&json!(null), Some("daily-2"))).await;
    assert_eq!(expected(&stage, "daily-1"), all);
    assert!(expected(&stage, "daily-2").len() >= 499);
}

#[tokio::test(start_paused = true)]
async fn without_an_execution_nothing_is_recorded_and_a_failed_record_stops_no_sweep() {
    let stage = Stage::new(2, &[]).await;
    stage.ask(&list(&json!(null), None)).await;
    assert_eq!(stage.sim.table_writes().len(), 0);
    stage.sim.fault(Fault::new(Effect::Throttle).operation("dynamodb:BatchWriteItem"));
    let answer = stage.ask(&list(&json!(null), Some("daily-1"))).await;
    assert_eq!(answer["batches"][0]["accounts"], json!(stage.accounts), "{answer}");
    assert_eq!(answer["failures"][0]["error_kind"], "throttled", "{answer}");
    assert_eq!(stage.digests().len(), 1);
}
