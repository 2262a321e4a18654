//! What `status` says on a day with sweeps, failures, a freeze and events, from the table alone.

use std::time::Duration;

use aws_sim::Sim;
use failover_replicator::domain::Timestamp;
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use super::{ROUTE, SOURCE, asked, freeze, operator, stage, status, thaw};
use crate::support::{batch, native_event};

const TARGET: &str = super::HUB_REGION;

/// What the state machine sends: the list, a sweep of the accounts, and the end.
async fn sweep(hub: &Hub, execution: &str, accounts: &[String]) {
    let list = json!({"detail": {"name": "accounts", "operation": "list"}, "execution": execution});
    asked(hub, &list).await.expect("a list");
    sweep_of(hub, execution, accounts).await;
    let finish =
        json!({"detail": {"name": "sweep", "operation": "finish"}, "execution": execution});
    asked(hub, &finish).await.expect("an end");
}

async fn sweep_of(hub: &Hub, execution: &str, accounts: &[String]) {
    let sync = json!({
        "accounts": accounts, "execution": execution, "detail": {"name": "all", "operation": "sync"},
    });
    asked(hub, &sync).await.expect("a sweep");
}

async fn shown(hub: &Hub) -> Value {
    asked(hub, &status()).await.expect("a status")
}

/// A route that an operator started, with a source in each account.
async fn begun(seed: u64, accounts: u64) -> (Sim, Vec<String>, Hub) {
    let (sim, accounts) = stage(seed, accounts);
    for account in &accounts {
        sim.account(account).region(SOURCE).put("/shop/db/url", "a canary value");
    }
    let hub = operator("ann", &sim).await;
    asked(&hub, &thaw(0, "first deployment")).await.expect("active");
    (sim, accounts, hub)
}

fn fields<const N: usize>(of: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| of[name].clone())
}

const COUNTS: [&str; 4] = ["accounts", "in_sync", "failed", "not_swept"];

#[tokio::test(start_paused = true)]
async fn a_new_table_says_that_the_route_is_new_and_that_no_sweep_was_recorded() {
    let (sim, _) = stage(1, 1);
    let hub = operator("ann", &sim).await;
    let shown = shown(&hub).await;
    assert_eq!(
        fields(&shown, ["format", "clean", "failures_total"]),
        [json!(1), json!(false), json!(0)]
    );
    assert_eq!(shown["hub"], json!({"account": super::MANAGEMENT, "region": TARGET}));
    let route = &shown["routes"][0];
    let names = ["route", "state", "serial", "last_sweep", "oldest_copy", "held", "held_total"];
    let expected =
        [json!(ROUTE), json!("new"), json!(0), json!(null), json!(null), json!([]), json!(0)];
    assert_eq!(fields(route, names), expected);
    assert!(route.get("since").is_none(), "{route:#}");
}

#[tokio::test(start_paused = true)]
async fn after_a_sweep_everything_is_clean_and_after_two_days_without_one_it_is_not() {
    let (sim, accounts, hub) = begun(2, 3).await;
    let before = shown(&hub).await;
    assert_eq!(before["clean"], false, "no sweep has looked: {before:#}");
    sweep(&hub, "daily-1", &accounts).await;
    let clean = shown(&hub).await;
    assert_eq!(clean["clean"], true, "{clean:#}");
    let last = &clean["routes"][0]["last_sweep"];
    assert_eq!(fields(last, COUNTS), [3, 3, 0, 0].map(|n| json!(n)));
    assert_eq!(fields(last, ["execution", "under_way"]), [json!("daily-1"), json!(false)]);
    assert!(last["finished"].is_string() && clean["routes"][0]["oldest_copy"].is_string());
    tokio::time::sleep(Duration::from_hours(49)).await;
    assert_eq!(shown(&hub).await["clean"], false, "the copies are old");
    sweep(&hub, "daily-3", &accounts).await;
    assert_eq!(shown(&hub).await["clean"], true);
    drop(sim);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_named_with_its_account_until_a_later_sweep_no_longer_finds_it() {
    let (sim, accounts, hub) = begun(3, 3).await;
    let held = sim.account(&accounts[1]).region(TARGET);
    held.put("/shop/db/url", "the owner's");
    sweep(&hub, "daily-1", &accounts).await;
    let first = shown(&hub).await;
    assert_eq!(fields(&first, ["clean", "failures_total"]), [json!(false), json!(1)]);
    let last = &first["routes"][0]["last_sweep"];
    assert_eq!(fields(last, COUNTS), [3, 2, 1, 0].map(|n| json!(n)));
    let failure = &first["failures"][0];
    let names = ["account", "region", "kind", "name", "error_kind", "class"];
    let expected =
        [accounts[1].as_str(), TARGET, "parameter", "/shop/db/url", "conflict", "unmarked"];
    assert_eq!(fields(failure, names), expected.map(|text| json!(text)));
    assert!(failure["account_name"].as_str().is_some_and(|name| !name.is_empty()), "{failure:#}");
    assert!(failure["remedy"].as_str().expect("a remedy").contains("hubctl resolve"));
    let since = failure["since"].clone();
    tokio::time::sleep(Duration::from_hours(24)).await;
    sweep(&hub, "daily-2", &accounts).await;
    let second = shown(&hub).await;
    assert_eq!(second["failures"][0]["since"], since, "known since the first sweep");
    // The owner gives way, and a person sweeps this account alone.
    held.delete("/shop/db/url");
    tokio::time::sleep(Duration::from_mins(1)).await;
    sweep_of(&hub, "by-hand", &accounts[1..2]).await;
    let mended = shown(&hub).await;
    assert_eq!(mended["clean"], true, "{mended:#}");
    let last = &mended["routes"][0]["last_sweep"];
    assert_eq!(last["execution"], "daily-2", "the last sweep of the organisation");
    assert_eq!(fields(last, COUNTS), [3, 3, 0, 0].map(|n| json!(n)));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_a_sweep_did_not_reach_is_counted_and_named() {
    let (sim, accounts, hub) = begun(4, 3).await;
    let list = json!({"detail": {"name": "accounts", "operation": "list"}, "execution": "daily-1"});
    asked(&hub, &list).await.expect("a list");
    sweep_of(&hub, "daily-1", &accounts[..2]).await;
    let under_way = shown(&hub).await;
    let route = &under_way["routes"][0];
    let last = &route["last_sweep"];
    assert_eq!(fields(last, COUNTS), [3, 2, 0, 1].map(|n| json!(n)));
    assert_eq!(fields(last, ["finished", "under_way"]), [json!(null), json!(true)]);
    assert_eq!(route["never_swept"], json!([accounts[2]]));
    assert_eq!(fields(route, ["oldest_copy", "clean"]), [json!(null), json!(false)]);
    sweep_of(&hub, "daily-1", &accounts[2..]).await;
    let done = shown(&hub).await;
    assert_eq!(done["clean"], true, "every account has a result: {done:#}");
    // The next sweep dies before its first account.
    tokio::time::sleep(Duration::from_hours(24)).await;
    let list = json!({"detail": {"name": "accounts", "operation": "list"}, "execution": "daily-2"});
    asked(&hub, &list).await.expect("a list");
    let begins = shown(&hub).await;
    assert_eq!(begins["clean"], true, "it has just begun: {begins:#}");
    tokio::time::sleep(Duration::from_hours(23) + Duration::from_mins(58)).await;
    assert_eq!(shown(&hub).await["clean"], true);
    tokio::time::sleep(Duration::from_mins(4)).await;
    let dead = shown(&hub).await;
    let last = &dead["routes"][0]["last_sweep"];
    assert_eq!(fields(last, COUNTS), [3, 0, 0, 3].map(|n| json!(n)));
    assert_eq!(fields(last, ["finished", "under_way"]), [json!(null), json!(false)]);
    assert_eq!(dead["clean"], false);
    drop(sim);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_lists_the_organisation_itself_names_an_account_without_a_role() {
    const WITHOUT_ROLE: &str = "300000000000";
    let (sim, _, hub) = begun(6, 2).await;
    sim.account(WITHOUT_ROLE);
    let all = json!({"execution": "hubctl-1", "detail": {"name": "all", "operation": "sync"}});
    asked(&hub, &all).await.expect("a sweep");
    let shown = shown(&hub).await;
    let last = &shown["routes"][0]["last_sweep"];
    assert_eq!(fields(last, COUNTS), [3, 2, 1, 0].map(|n| json!(n)), "{shown:#}");
    let failure = &shown["failures"][0];
    assert_eq!(failure["account"], WITHOUT_ROLE, "{shown:#}");
    assert_eq!(failure["error_kind"], "no_spoke_role", "{shown:#}");
    assert_eq!(shown["clean"], false);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_frozen_route_is_held_by_name_until_a_sweep_has_compared_the_account() {
    let (sim, accounts, hub) = begun(5, 2).await;
    sweep(&hub, "daily-1", &accounts).await;
    asked(&hub, &freeze("us-east-2 is failing")).await.expect("frozen");
    let source = sim.account(&accounts[0]).region(SOURCE);
    source.put("/shop/db/url", "another canary value");
    let now = i64::try_from(sim.now()).expect("a time");
    let at = Timestamp::from_millis(now).to_string();
    let event = native_event(&accounts[0], &at, "/shop/db/url", "Update");
    asked(&hub, &batch([("1", event)])).await.expect("a batch");
    let frozen = shown(&hub).await;
    let route = &frozen["routes"][0];
    assert_eq!(fields(route, ["state", "held_total"]), [json!("frozen"), json!(1)]);
    assert_eq!(fields(route, ["serial", "reason"]), [json!(2), json!("us-east-2 is failing")]);
    let names = ["account", "kind", "name", "why"];
    let expected = [accounts[0].as_str(), "parameter", "/shop/db/url", "frozen"];
    assert_eq!(fields(&route["held"][0], names), expected.map(|text| json!(text)));
    assert!(!frozen.to_string().contains("canary"), "no value: {frozen:#}");
    // A sweep leaves the route alone, and says so.
    sweep(&hub, "daily-2", &accounts).await;
    let left = shown(&hub).await;
    let last = &left["routes"][0]["last_sweep"];
    assert_eq!(fields(last, COUNTS), [2, 0, 0, 2].map(|n| json!(n)));
    assert_eq!(left["routes"][0]["held_total"], 1);
    asked(&hub, &thaw(2, "it is back")).await.expect("active");
    assert_eq!(shown(&hub).await["clean"], false, "nothing has compared the accounts yet");
    // An event that waited in a queue: a sweep has compared its item since.
    sweep(&hub, "daily-3", &accounts).await;
    let after = shown(&hub).await;
    assert_eq!(fields(&after["routes"][0], ["state", "held_total"]), [json!("active"), json!(0)]);
    assert_eq!(after["clean"], true, "{after:#}");
}

#[tokio::test(start_paused = true)]
async fn an_account_with_another_state_is_named_and_a_clean_route_has_none() {
    let (sim, accounts, hub) = begun(6, 2).await;
    sweep(&hub, "daily-1", &accounts).await;
    let mut one = freeze("this account moves");
    one["failover"]["account"] = json!(accounts[1]);
    asked(&hub, &one).await.expect("frozen");
    let shown = shown(&hub).await;
    let route = &shown["routes"][0];
    assert_eq!(fields(route, ["state", "clean"]), [json!("active"), json!(false)]);
    let own = &route["accounts"][0];
    let names = ["account", "state", "reason"];
    let expected = [accounts[1].as_str(), "frozen", "this account moves"];
    assert_eq!(fields(own, names), expected.map(|text| json!(text)));
    let only = json!({"failover": {"action": "status", "route": ROUTE}});
    let of_one = asked(&hub, &only).await.expect("a status");
    assert_eq!(of_one["routes"].as_array().map(Vec::len), Some(1));
    drop(sim);
}
