//! Digests, as a queue gets them that subscribes to the topic: one for a run, new failures only, never a value; and
//! what could not be told is not lost.

use aws_sdk_ssm::types::ParameterType;
use serde_json::{Value, json};

use crate::support::{
    Call, Fault, LONG_AGO, SOURCE, TARGET, Topic, World, batch, failures, put_event, returned,
};

/// In every source's value, and in no message.
const CANARY: &str = "canary-3f9c2e";

fn publishes(calls: &[Call]) -> usize {
    calls.iter().filter(|call| call.action == "sns:Publish").count()
}

/// A parameter of an account whose name somebody else holds in the target.
async fn hold(world: &World, account: usize, name: &str) {
    world.put(account, SOURCE, name, CANARY).await;
    world.put(account, TARGET, name, "the failover Region's own").await;
}

#[tokio::test(start_paused = true)]
async fn failures_of_several_accounts_are_one_message_by_cause_without_a_value() {
    let mut world = World::new(3);
    world.accounts.extend(World::furnished(&["--without-role"]).accounts);
    for account in 0..2 {
        hold(&world, account, "/held").await;
        hold(&world, account, "/held/too").await;
        world.put(account, SOURCE, "/fine", CANARY).await;
    }
    // Refused once the value was read and sent, and without a key to send it under.
    world.put(2, SOURCE, "/refused", CANARY).await;
    let ssm = world.ssm(2, SOURCE).await;
    let keyless = ssm.put_parameter().name("/keyless").value(CANARY).key_id("alias/only-here");
    world.emulator.aside(&["key", world.account(2), SOURCE, "alias/only-here"]);
    keyless.r#type(ParameterType::SecureString).send().await.expect("put");
    world.wire.faults(|call| {
        (call.action == "ssm:PutParameter" && call.request["Name"] == "/refused")
            .then_some(Fault::Refused("ValidationException"))
    });

    let topic = Topic::new(world.emulator, &json!({}));
    let hub = world.hub(&[("SNS_TOPIC_ARN", &topic.arn)]).await;
    let payload =
        json!({"accounts": world.accounts, "detail": {"name": "all", "operation": "sync"}});
    let response = world.ask(&hub, &payload).await;
    assert_eq!(response["status"], "failed");
    assert_eq!(failures(&response).len(), 7, "{response:#}");

    let told = topic.take();
    let [message] = told.as_slice() else { panic!("one message, not {}", told.len()) };
    let subject = message["Subject"].as_str().expect("a subject");
    assert!(subject.is_ascii() && subject.len() < 100, "{subject}");
    assert!(subject.starts_with("failover-replicator failed: 4 conflict"), "{subject}");
    let attribute = |name: &str| message["MessageAttributes"][name]["Value"].as_str().unwrap();
    assert_eq!(attribute("status"), "failed");
    let listed = |name| serde_json::from_str::<Vec<String>>(attribute(name)).expect("a list");
    let mut kinds = listed("error_kinds");
    kinds.sort();
    assert_eq!(kinds, ["conflict", "invalid", "missing_key", "no_spoke_role"]);
    let mut accounts = world.accounts.clone();
    accounts.sort();
    assert_eq!(listed("accounts"), accounts);

    let digest: Value =
        serde_json::from_str(message["Message"].as_str().expect("a text")).expect("JSON");
    let causes = digest["causes"].as_array().expect("causes");
    let shape: Vec<(&str, u64, u64)> = causes
        .iter()
        .map(|cause| {
            let number = |field: &str| cause[field].as_u64().expect("a number");
            let kind = cause["error_kind"].as_str().expect("a word");
            (kind, number("failures"), number("accounts"))
        })
        .collect();
    // What fails a whole account comes first, then the most frequent.
    assert_eq!(shape[..2], [("no_spoke_role", 1, 1), ("conflict", 4, 2)], "{shape:?}");
    assert_eq!(shape.len(), 4, "{shape:?}");
    let told = digest["failures"].as_array().expect("failures");
    assert_eq!((told.len(), &digest["failures_cut"]), (7, &json!(0)));
    for failure in told.iter().chain(causes) {
        let remedy = failure["remedy"].as_str().unwrap_or_default();
        assert!(remedy.len() > 10, "{failure}");
    }

    let calls = world.wire.take();
    let published: Vec<String> = calls
        .iter()
        .filter(|call| call.action == "sns:Publish")
        .map(|call| String::from_utf8_lossy(&call.bytes).into_owned())
        .collect();
    let sent = |call: &Call| String::from_utf8_lossy(&call.bytes).contains(CANARY);
    assert!(calls.iter().any(sent), "the canary was read and sent to the replicas");
    for text in [message.to_string(), response.to_string(), published.concat()] {
        assert!(!text.contains(CANARY));
    }
    // A person's part of the message says what to do about each cause.
    assert_eq!(published.concat().matches("What%20to%20do%3A").count(), 4);
}

#[tokio::test(start_paused = true)]
async fn subscriptions_filter_by_the_attributes() {
    let world = World::new(2);
    for account in 0..2 {
        hold(&world, account, "/held").await;
    }
    let topic = Topic::new(
        world.emulator,
        &json!({"accounts": [world.account(1)], "error_kinds": ["conflict", "missing_key"]}),
    );
    let hub = world.hub(&[("SNS_TOPIC_ARN", &topic.arn)]).await;
    for (account, notifications) in [(0, 0), (1, 1)] {
        let payload = json!({"account": world.account(account),
            "detail": {"name": "all", "operation": "sync"}});
        world.ask(&hub, &payload).await;
        assert_eq!(publishes(&world.wire.take()), 1);
        assert_eq!(topic.take().len(), notifications, "of account {account}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_to_tell_is_no_message_and_a_plan_tells_nothing() {
    let world = World::new(1);
    world.put(0, SOURCE, "/fine", CANARY).await;
    let topic = Topic::new(world.emulator, &json!({}));
    let hub = world.hub(&[("SNS_TOPIC_ARN", &topic.arn)]).await;
    for status in ["changed", "in_sync"] {
        assert_eq!(world.sweep(&hub).await["status"], status);
    }
    hold(&world, 0, "/held").await;
    let plan = json!({"account": world.account(0), "plan": true,
        "detail": {"name": "all", "operation": "sync"}});
    let response = world.ask(&hub, &plan).await;
    assert_eq!(failures(&response), [("conflict".to_owned(), "/held".to_owned())]);
    assert_eq!(publishes(&world.wire.take()), 0);
    // The plan is not remembered as told either.
    world.sweep(&hub).await;
    assert_eq!(topic.take().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_in_the_hour_and_a_new_one_at_once() {
    let world = World::new(1);
    hold(&world, 0, "/held").await;
    let topic = Topic::new(world.emulator, &json!({}));
    let hub = world.hub(&[("SNS_TOPIC_ARN", &topic.arn)]).await;
    let event = |name| put_event(world.account(0), LONG_AGO, name, 1);
    for _ in 0..2 {
        assert_eq!(world.sweep(&hub).await["status"], "failed");
        assert_eq!(world.ask(&hub, &event("/held")).await["status"], "failed");
        assert_eq!(returned(&world.ask(&hub, &batch([("1", event("/held"))])).await), [""; 0]);
    }
    assert_eq!(publishes(&world.wire.take()), 1);
    assert_eq!(topic.take().len(), 1);

    hold(&world, 0, "/new").await;
    assert_eq!(world.sweep(&hub).await["status"], "failed");
    let told = topic.take();
    let digest: Value =
        serde_json::from_str(told[0]["Message"].as_str().expect("a text")).expect("JSON");
    let names: Vec<&Value> =
        digest["failures"].as_array().expect("a list").iter().map(|f| &f["name"]).collect();
    assert_eq!((names, &digest["failures_repeated"]), (vec![&json!("/new")], &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn with_the_topic_down_nothing_is_lost() {
    let world = World::new(1);
    hold(&world, 0, "/held").await;
    world.put(0, SOURCE, "/fine", CANARY).await;
    let topic = Topic::new(world.emulator, &json!({}));
    let hub = world.hub(&[("SNS_TOPIC_ARN", &topic.arn)]).await;
    let event = |name| put_event(world.account(0), LONG_AGO, name, 1);
    let messages = || batch([("held", event("/held")), ("fine", event("/fine"))]);

    world.wire.faults(|call| (call.action == "sns:Publish").then_some(Fault::Lost));
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "failed");
    let kinds: Vec<&Value> =
        response["failures"].as_array().expect("a list").iter().map(|f| &f["kind"]).collect();
    assert!(kinds.contains(&&json!("hub")) && kinds.contains(&&json!("parameter")), "{kinds:?}");
    let hub_failure = response["failures"].as_array().expect("a list").iter();
    let hub_failure = hub_failure.clone().find(|failure| failure["kind"] == "hub").expect("it");
    assert_eq!(hub_failure["error_kind"], "unavailable");
    assert!(hub_failure["remedy"].as_str().is_some_and(|r| r.contains("REPLICATOR_SNS_TOPIC_ARN")));

    // The queue keeps what nobody was told of: a conflict would otherwise not come back.
    assert_eq!(returned(&world.ask(&hub, &messages()).await), ["held"]);
    assert_eq!(topic.take().len(), 0);

    world.wire.faults(|_| None);
    assert_eq!(returned(&world.ask(&hub, &messages()).await), [""; 0]);
    assert_eq!(topic.take().len(), 1);
}
