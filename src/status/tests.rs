//! What is rare: parts that cannot be read, more than an answer holds, and accounts that left.

use serde_json::{Value, json};
use tokio::time::Duration;

use super::*;
use crate::aws::fake::{FakeResponse, Sent, json_error, query_error};
use crate::domain::{Failure, FailureKind, Item, ParameterName, Transition, TransitionRequest};
use crate::report::RESPONSE_LIMIT;
use crate::table::memory::MemoryTable;
use crate::table::{HeldWhy, KnownAccount, StandingFailures, Table};

fn pair(text: &str) -> RoutePair {
    RoutePair::parse(text).expect("a pair")
}

fn account(n: u64) -> AccountId {
    AccountId::parse(&format!("{n:012}")).expect("an account")
}

fn listed(n: u64, seen: Timestamp) -> KnownAccount {
    KnownAccount {
        account: account(n),
        name: format!("shop-{n}"),
        path: String::new(),
        seen,
        execution: ExecutionName::parse("daily-1").expect("a name"),
    }
}

/// A table with one active route and one listed account.
async fn stage(
    fails: impl Fn(&Sent) -> Option<FakeResponse> + Send + Sync + 'static,
) -> (MemoryTable, Table) {
    let memory = MemoryTable::new(move |sent| match sent.operation.as_str() {
        // The account of the heading is not needed.
        "GetCallerIdentity" => Some(query_error(403, "AccessDenied")),
        _ => fails(sent),
    });
    let table = memory.table().await;
    let request = TransitionRequest {
        accounts: Vec::new(),
        by: "arn:ann".to_owned(),
        reason: String::new(),
        now: table.connection().now(),
    };
    let absent = crate::domain::RouteRecord::absent(0);
    let Ok(Transition::Next(record)) = absent.thaw(&request, 0) else { panic!("a new route") };
    table.put_state(&pair("us-east-2=us-east-1"), &record, "x").await.expect("written");
    table.put_accounts(&[listed(1, request.now)]).await.expect("written");
    (memory, table)
}

/// Writes failures of an account, as a sweep does.
async fn fail(table: &Table, n: u64, names: impl Iterator<Item = String>) {
    let now = table.connection().now();
    let failures: Vec<Failure> = names
        .map(|name| {
            let item = Item::Parameter(ParameterName::new(&name));
            let cause = Cause::new(FailureKind::Invalid, format!("{name} {}", "x".repeat(300)));
            Failure::of_item(&account(n), item, cause)
        })
        .collect();
    let writes = StandingFailures::of(&failures).writes(Vec::new(), now, |_| true);
    table.write_all(writes).await.expect("written");
}

async fn status(table: &Table) -> HubStatus {
    read(table, &[pair("us-east-2=us-east-1")], true).await.expect("a status")
}

fn of_partition(sent: &Sent, partition: &str) -> bool {
    sent.operation == "Query" && sent.body.contains(&format!("\"{partition}"))
}

#[tokio::test(start_paused = true)]
async fn a_part_that_cannot_be_read_is_named_and_the_others_are_shown() {
    for (partition, what) in [
        ("fail#", "known failures cannot be read"),
        ("last#", "the last sweeps of us-east-2=us-east-1 cannot be read"),
        ("held#", "the held events of us-east-2=us-east-1 cannot be read"),
        ("accounts", "the accounts cannot be read"),
        ("sweep#", "the sweep daily-1 cannot be read"),
    ] {
        let refuse = move |sent: &Sent| {
            of_partition(sent, partition).then(|| json_error(400, "AccessDeniedException"))
        };
        let (_, table) = stage(refuse).await;
        let status = status(&table).await;
        assert_eq!(status.routes[0].entry().map(|entry| entry.state), Some(RouteState::Active));
        let [cause] = status.unreadable.as_slice() else { panic!("{:?}", status.unreadable) };
        assert!(cause.message.starts_with(what), "{}", cause.message);
        assert!(!status.is_clean());
        assert_eq!(status.whole()["unreadable"][0]["error_kind"], "access_denied");
        #[cfg(feature = "cli")]
        {
            let text = text(&status, crate::report::View::Plain);
            assert!(
                text.contains(what) && text.contains("1 part of the table unreadable"),
                "{text}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_read_is_shown_beside_the_others_and_none_at_all_is_an_error() {
    let refuse = |sent: &Sent| {
        of_partition(sent, "state#eu-west-1").then(|| json_error(400, "AccessDeniedException"))
    };
    let (_, table) = stage(refuse).await;
    let (good, bad) = (pair("us-east-2=us-east-1"), pair("eu-west-1=eu-central-1"));
    let status = read(&table, &[good, bad.clone()], true).await.expect("one state is readable");
    assert!(status.routes[0].state.is_ok() && status.routes[1].state.is_err());
    let json = status.whole();
    assert_eq!(json["routes"][1]["state"], Value::Null);
    assert_eq!(json["routes"][1]["unreadable"]["error_kind"], "access_denied");
    #[cfg(feature = "cli")]
    {
        let text = text(&status, crate::report::View::Plain);
        assert!(text.contains("eu-west-1=eu-central-1  unreadable"), "{text}");
        assert!(text.contains("the state cannot be read, so the hub writes nothing"), "{text}");
    }
    let cause = read(&table, &[bad], false).await.expect_err("no state is readable");
    assert_eq!(cause.kind, FailureKind::AccessDenied);
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_lambda_has_as_many_failures_as_fit_and_hubctl_has_all() {
    let (_, table) = stage(|_| None).await;
    fail(&table, 1, (0..600).map(|n| format!("/shop/{n:04}"))).await;
    let status = status(&table).await;
    assert_eq!(status.failures_total(), 600);
    let answer = serde_json::to_string(&status).expect("JSON");
    assert!(answer.len() <= RESPONSE_LIMIT && answer.len() > RESPONSE_LIMIT - 1_000);
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let shown = answer["failures"].as_array().map_or(0, Vec::len);
    assert!((100..600).contains(&shown), "{shown}");
    assert_eq!(answer["failures_total"], 600);
    assert_eq!(status.whole()["failures"].as_array().map(Vec::len), Some(600));
    assert_eq!(status.whole()["failures"][0]["account_name"], "shop-1");
}

#[tokio::test(start_paused = true)]
async fn held_names_are_the_latest_hundred_and_a_total() {
    let (_, table) = stage(|_| None).await;
    let route = pair("us-east-2=us-east-1");
    let now = table.connection().now();
    let held = (0..130).map(|n| HeldItem {
        pair: route.clone(),
        account: account(1),
        item: Item::Parameter(ParameterName::new(&format!("/shop/{n:03}"))),
        at: now.plus(Duration::from_secs(n)),
        operation: "PutParameter".to_owned(),
        why: if n == 129 { HeldWhy::GivenUp } else { HeldWhy::Frozen },
    });
    table.put_held(&held.collect::<Vec<_>>(), now).await.expect("written");
    let json = status(&table).await.whole();
    let route = &json["routes"][0];
    assert_eq!(route["held_total"], 130);
    assert_eq!(route["held"].as_array().map(Vec::len), Some(100));
    let first = ["name", "why"].map(|field| route["held"][0][field].clone());
    assert_eq!(first, [json!("/shop/129"), json!("given_up")]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_left_the_organisation_needs_nobody() {
    let (_, table) = stage(|_| None).await;
    tokio::time::sleep(Duration::from_hours(49)).await;
    fail(&table, 1, std::iter::once("/shop/a".to_owned())).await;
    fail(&table, 2, std::iter::once("/shop/b".to_owned())).await;
    let now = table.connection().now();
    table.put_accounts(&[listed(2, now)]).await.expect("written");
    let status = status(&table).await;
    assert_eq!(status.in_scope, [account(2)].into());
    let names: Vec<_> = status.failures.iter().filter_map(|one| one.name.as_deref()).collect();
    assert_eq!(names, ["/shop/b"], "the failures of the account that left are not shown");
    assert_eq!(status.routes[0].never_swept, [account(2)]);
}
