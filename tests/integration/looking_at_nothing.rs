//! A sweep of less than was meant is no success: filters that match nothing, names that are nowhere, accounts that the
//! deadline cut off.

use std::time::Duration;

use aws_sim::{Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Answer, Hub, RouteFilter};
use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, MANAGEMENT, SOURCE, answered, batch, call, count, hub_on, native_event, returned,
    simulated, sweep_all, sweep_by, told_of,
};

const HUB_REGION: &str = "us-east-1";
const ALL: &str = "o-simulated1/r-root/";
/// A unit that is mistyped, alone and beside one that is there.
const PORD: &str = "o-simulated1/r-root/ou-pord/";
const PROD_AND_PORD: &str = "o-simulated1/r-root/ou-prod/,o-simulated1/r-root/ou-pord/";

/// An organisation with a topic in the hub's account, by units: `ou-prod/ou-a` and `ou-test`.
fn organisation(accounts: u64) -> (Sim, Vec<String>, String) {
    let (sim, accounts) = simulated(Settings::default(), accounts);
    for (n, account) in accounts.iter().enumerate() {
        let units = if n % 2 == 0 { "ou-prod/ou-a" } else { "ou-test" };
        sim.account(account).place("ACTIVE", units).region(SOURCE).put("/a", "1");
    }
    let topic = sim.account(MANAGEMENT).region(HUB_REGION).topic("shared");
    (sim, accounts, topic)
}

async fn listed(hub: &Hub, page: Option<&str>) -> Value {
    let payload = json!({"detail": {"name": "accounts", "operation": "list"}, "page": page});
    let bytes = payload.to_string();
    let run = hub.run(bytes.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ());
    match run.await.expect("the list") {
        Answer::Accounts(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn messages(sim: &Sim) -> usize {
    sim.account(MANAGEMENT).region(HUB_REGION).messages("shared").len()
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_matches_nothing_fails_the_hub_and_stops_no_other_account() {
    for (filters, sweeps, named) in [
        (vec![("INCLUDE_OUS", PORD)], 0, vec![PORD]),
        (vec![("INCLUDE_OUS", PROD_AND_PORD)], 2, vec![PORD]),
        (vec![("INCLUDE_ACCOUNTS", "999999999999")], 0, vec!["999999999999"]),
        (
            vec![("INCLUDE_ACCOUNTS", "999999999999"), ("INCLUDE_OUS", PROD_AND_PORD)],
            2,
            vec!["999999999999", PORD],
        ),
        (vec![("EXCLUDE_OUS", ALL), ("EXCLUDE_ACCOUNTS", MANAGEMENT)], 0, vec!["admit no account"]),
    ] {
        let (sim, accounts, topic) = organisation(3);
        let what = format!("{filters:?}");
        let mut settings = filters.clone();
        settings.push(("SNS_TOPIC_ARN", &topic));
        for payload in [
            json!({"plan": true, "detail": {"name": "all", "operation": "sync"}}),
            json!({"detail": {"name": "all", "operation": "sync"}}),
        ] {
            let hub = hub_on(&sim, &settings).await;
            let response = answered(&hub, &payload).await;
            assert_eq!(response["status"], "failed", "{what}: {response:#}");
            let failures = response["failures"].as_array().expect("failures");
            assert_eq!(failures.len(), named.len(), "{what}: {response:#}");
            for (failure, named) in failures.iter().zip(&named) {
                assert_eq!(
                    (&failure["kind"], &failure["error_kind"]),
                    (&"hub".into(), &"invalid".into())
                );
                let message = failure["message"].as_str().expect("a message");
                assert!(message.contains(named), "{what}: {message}");
            }
        }
        let replicated = |account: &String| {
            sim.account(account).region("us-east-1").parameters().contains_key("/a")
        };
        assert_eq!(accounts.iter().filter(|account| replicated(account)).count(), sweeps, "{what}");
        assert_eq!(messages(&sim), 1, "{what}: a plan tells nobody");

        let answer = listed(&hub_on(&sim, &settings).await, None).await;
        assert_eq!(answer["failures"].as_array().map(Vec::len), Some(named.len()), "{answer:#}");
        assert_eq!(answer["batches"].as_array().map(Vec::len), Some(sweeps.min(1)), "{answer:#}");
        assert_eq!(messages(&sim), 2, "{what}: the state machine's list tells as well");
    }
}

#[tokio::test(start_paused = true)]
async fn an_include_of_names_that_matches_nothing_anywhere_fails_a_sweep_of_the_organisation() {
    for (names, unmatched) in [
        ("/a", vec![]),
        ("a", vec![]),
        ("/a,/shpo/*", vec!["/shpo/*"]),
        ("/shpo/*,b/*", vec!["/shpo/*", "b/*"]),
    ] {
        let (sim, accounts, topic) = organisation(3);
        let settings =
            [("INCLUDE_NAMES", names), ("EXCLUDE_ACCOUNTS", MANAGEMENT), ("SNS_TOPIC_ARN", &topic)];
        let hub = hub_on(&sim, &settings).await;
        let response = sweep_all(&hub).await;
        let failures = response["failures"].as_array().expect("failures");
        let of_hub: Vec<&Value> = failures.iter().filter(|one| one["kind"] == "hub").collect();
        assert_eq!(of_hub.len(), unmatched.len(), "{names}: {response:#}");
        for glob in &unmatched {
            let is_named =
                |one: &&&Value| one["message"].to_string().contains(&format!("`{glob}`"));
            assert!(of_hub.iter().any(|one| is_named(&one)), "{glob}: {response:#}");
        }
        assert_eq!(messages(&sim), usize::from(!unmatched.is_empty()), "{names}");
        let created = if names.contains('a') && !names.starts_with("/shpo") { 3 } else { 0 };
        assert_eq!(count(&response, "parameters", "created"), created, "{names}");
        // One account need not have what another has.
        let one = json!({"account": accounts[0], "detail": {"name": "all", "operation": "sync"}});
        assert_eq!(answered(&hub, &one).await["failures"], json!([]), "{names}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exclude_that_matches_nothing_is_a_note_and_no_failure() {
    let (sim, _, topic) = organisation(2);
    let excluded = format!("{MANAGEMENT},999999999999");
    let settings = [("EXCLUDE_ACCOUNTS", excluded.as_str()), ("SNS_TOPIC_ARN", &topic)];
    let hub = hub_on(&sim, &settings).await;
    let response = sweep_all(&hub).await;
    assert_eq!((&response["status"], &response["failures"]), (&"changed".into(), &json!([])));
    let notes = response["notes"].as_array().expect("notes");
    assert!(notes[0]["message"].as_str().is_some_and(|text| text.contains("999999999999")));
    assert_eq!((notes.len(), &notes[0]["kind"]), (1, &"hub".into()));
    let answer = listed(&hub, None).await;
    assert_eq!(answer["notes"].as_array().map(Vec::len), Some(1), "{answer:#}");
    assert_eq!((answer.get("failures"), messages(&sim)), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn an_entry_may_match_on_a_later_page_of_the_list() {
    // 26 pages of 20 accounts: more than one call of the list reads.
    let (sim, accounts, topic) = organisation(520);
    let last = accounts.last().expect("accounts").clone();
    for (first, expected) in [(accounts[0].as_str(), 0), ("999999999999", 1)] {
        let include = format!("{first},{last}");
        let settings = [("INCLUDE_ACCOUNTS", include.as_str()), ("SNS_TOPIC_ARN", &topic)];
        let hub = hub_on(&sim, &settings).await;
        let one = listed(&hub, None).await;
        assert_eq!(one.get("failures"), None, "{one:#}");
        let next = one["next"].as_str().expect("a page more");
        let two = listed(&hub, Some(next)).await;
        assert_eq!(two.get("next"), None, "{two:#}");
        assert_eq!(two["failures"].as_array().map_or(0, Vec::len), expected, "{two:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_item_that_is_nowhere_is_absent_and_an_events_is_no_failure() {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = accounts[0].as_str();
    sim.account(account).region(SOURCE).put("/a", "1");
    let routes = "us-east-2=us-east-1;us-west-2=us-east-1";
    let hub = hub_on(&sim, &[("ROUTES", routes), ("EXCLUDE_ACCOUNTS", MANAGEMENT)]).await;
    for (kind, counted, name) in
        [("parameter", "parameters", "/b"), ("secret", "secrets", "db/main")]
    {
        for operation in ["create", "update", "delete", "sync"] {
            let detail = json!({"kind": kind, "name": name, "operation": operation});
            let response = answered(&hub, &json!({"account": account, "detail": detail})).await;
            assert_eq!(response["status"], "failed", "{response:#}");
            assert_eq!(count(&response, counted, "absent"), 2, "once a route: {response:#}");
            let failure = &response["failures"][0];
            assert_eq!(
                (&failure["name"], &failure["error_kind"]),
                (&name.into(), &"invalid".into())
            );
            let message = failure["message"].as_str().expect("a message");
            assert!(message.contains("us-east-2, us-west-2"), "{message}");
        }
    }
    // The second route does not know it, and that is none of its business.
    let known = json!({"account": account, "detail": {"name": "/a", "operation": "sync"}});
    let response = answered(&hub, &known).await;
    assert_eq!((&response["status"], &response["failures"]), (&"changed".into(), &json!([])));
    assert_eq!(count(&response, "parameters", "absent"), 0, "{response:#}");

    let gone = native_event(account, LONG_AGO, "/b", "Update");
    let secret = json!({"name": "db/main"});
    let gone_secret = call(account, LONG_AGO, "UpdateSecret", &secret, &secret);
    let mut failed = native_event(account, LONG_AGO, "/a", "Update");
    failed["detail"]["exception"] = "".into();
    let mut no_error = gone_secret.clone();
    no_error["detail"]["errorCode"] = "".into();
    let messages = [("1", gone.clone()), ("2", gone_secret), ("3", failed), ("4", no_error)];
    assert_eq!(returned(&answered(&hub, &batch(messages)).await), [""; 0]);
    let response = answered(&hub, &gone).await;
    assert_eq!((&response["status"], &response["failures"]), (&"in_sync".into(), &json!([])));
    assert_eq!(count(&response, "parameters", "absent"), 1, "{response:#}");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_cut_off_reports_its_counts_so_far_and_its_messages_come_back() {
    let slow = Settings { latency: Duration::from_millis(400), ..Settings::default() };
    let (sim, accounts) = simulated(slow, 1);
    let source = sim.account(&accounts[0]).region(SOURCE);
    for n in 0..300 {
        source.put(&format!("/many/{n:03}"), "x");
    }
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", MANAGEMENT)]).await;
    let ends = tokio::time::Instant::now() + Duration::from_mins(1);
    let response = sweep_by(&hub, Deadline::at(ends)).await;
    assert!(tokio::time::Instant::now() <= ends);
    let written = sim.account(&accounts[0]).region("us-east-1").parameters().len() as u64;
    let created = count(&response, "parameters", "created");
    assert!(created >= 10 && created <= written, "{created} of {written}: {response:#}");
    assert_eq!(response["remaining"], json!([accounts[0]]), "{response:#}");
    assert_eq!(response["status"], "incomplete", "{response:#}");

    let events = (0..300).map(|n| {
        let name = format!("/many/{n:03}");
        (name.clone(), native_event(&accounts[0], LONG_AGO, &name, "Update"))
    });
    let messages = batch(events.collect::<Vec<_>>());
    let ends = tokio::time::Instant::now() + Duration::from_secs(40);
    let answer = told_of(&hub, &messages, Deadline::at(ends), &|_| ()).await;
    let replicas = sim.account(&accounts[0]).region("us-east-1").parameters();
    let back = returned(&answer);
    for n in 0..300 {
        let name = format!("/many/{n:03}");
        assert!(back.contains(&name.as_str()) || replicas.contains_key(&name), "{name} is lost");
    }
    assert!(!back.is_empty(), "the time was too short for all of them");
}
