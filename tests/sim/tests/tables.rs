//! Tables, lost answers and connections that take long, as a caller with the real SDK sees them.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, ReturnValue, WriteRequest};
use aws_sim::{Clock, Effect, Fault, LOST_ANSWERS, Settings, Sim, TableSide};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::TimeSource;
use tokio::time::Instant;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
const TABLE: &str = "failover";
const ROUTE: &str = "state#us-east-2=us-east-1";

#[derive(Debug)]
struct Time(Clock);

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0.system_time()
    }
}

fn client(sim: &Sim, attempts: u32) -> Client {
    let keys = sim.account(ACCOUNT).keys();
    let (id, secret) = (keys.access_key_id, keys.secret_access_key);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(3100))
        .read_timeout(Duration::from_secs(10))
        .build();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(id, secret, keys.session_token, None, "owner"))
        .http_client(sim.clone())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(Time(sim.clock()))
        .timeout_config(timeouts)
        // The simulator reads a body at once, which the SDK would take for an upload that stalls.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        .build();
    Client::from_conf(config)
}

fn table(sim: &Sim) -> TableSide<'_> {
    sim.account(ACCOUNT).region(REGION).table(TABLE)
}

/// A simulator with an empty table.
fn world() -> Sim {
    let sim = Sim::new(Settings::default());
    table(&sim);
    sim
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn item(partition: &str, sort: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), text(partition)), ("sk".to_owned(), text(sort))])
}

type Put = Result<(), SdkError<PutItemError>>;

/// Puts the first state of the route, unless another writer has put it.
async fn put_state(client: &Client, request: &str) -> Put {
    let put = client.put_item().table_name(TABLE).set_item(Some(item(ROUTE, "0000000001")));
    let put = put.item("request", text(request)).condition_expression("attribute_not_exists(pk)");
    put.send().await.map(|_| ())
}

fn is_conditional(put: &Put) -> bool {
    let error = put.as_ref().err().and_then(SdkError::as_service_error);
    error.is_some_and(PutItemError::is_conditional_check_failed_exception)
}

#[tokio::test(start_paused = true)]
async fn a_repeated_put_whose_answer_was_lost_fails_on_its_own_item() {
    for effect in LOST_ANSWERS {
        let sim = world();
        sim.fault(Fault::new(effect).operation("dynamodb:PutItem").nth(1).after_execution());
        let put = put_state(&client(&sim, 2), "first").await;
        assert!(is_conditional(&put), "{effect:?}: {put:?}");
        let query = client(&sim, 1)
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(ROUTE))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true);
        let newest = query.send().await.expect("an answer").items.expect("items").remove(0);
        assert_eq!(newest["request"], text("first"), "{effect:?}");
        assert_eq!(sim.table_writes().len(), 2, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_operators_at_once_one_wins() {
    let sim = world();
    let client = client(&sim, 1);
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let puts = names.iter().map(|name| {
        let (client, name) = (client.clone(), name.clone());
        tokio::spawn(async move { put_state(&client, &name).await })
    });
    let mut won = Vec::new();
    for (name, put) in names.iter().zip(puts.collect::<Vec<_>>()) {
        let put = put.await.expect("the put ends");
        if put.is_ok() {
            won.push(name.clone());
        } else {
            assert!(is_conditional(&put), "{put:?}");
        }
    }
    let held = table(&sim).item(ROUTE, "0000000001").expect("the item");
    assert_eq!(won, [held["request"]["S"].as_str().expect("a text")]);
}

#[tokio::test(start_paused = true)]
async fn the_sdk_recognises_the_errors() {
    let put = async |sim: &Sim| put_state(&client(sim, 1), "x").await.expect_err("an error");
    let sim = world();
    sim.fault(Fault::new(Effect::Throttle).service("dynamodb").nth(1));
    sim.fault(Fault::new(Effect::ServerError).service("dynamodb").nth(1));
    sim.fault(Fault::new(Effect::Unavailable).service("dynamodb").nth(1));
    let throttled = put(&sim).await.into_service_error();
    assert!(throttled.is_provisioned_throughput_exceeded_exception(), "{throttled:?}");
    let failed = put(&sim).await.into_service_error();
    assert!(failed.is_internal_server_error(), "{failed:?}");
    let unavailable = put(&sim).await;
    let status = unavailable.raw_response().map(|raw| raw.status().as_u16());
    assert_eq!(status, Some(503), "{unavailable:?}");
    assert!(table(&sim).items().is_empty());
    table(&sim).remove();
    let missing = put(&sim).await.into_service_error();
    assert!(missing.is_resource_not_found_exception(), "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn updates_batches_and_pages_pass_through_the_sdk() {
    let sim = world();
    let client = client(&sim, 1);
    let update = client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(item("deletes#1#us-east-1", "2026-11-28")))
        .update_expression("SET used = if_not_exists(used, :zero) + :n")
        .expression_attribute_values(":zero", AttributeValue::N("0".to_owned()))
        .expression_attribute_values(":n", AttributeValue::N("3".to_owned()))
        .return_values(ReturnValue::AllNew);
    let after = update.send().await.expect("an answer").attributes.expect("attributes");
    assert_eq!(after["used"], AttributeValue::N("3".to_owned()));
    let requests: Vec<WriteRequest> = (0..25)
        .map(|n| {
            let put = PutRequest::builder().set_item(Some(item("p", &format!("{n:02}")))).build();
            WriteRequest::builder().put_request(put.expect("a request")).build()
        })
        .collect();
    sim.fault(Fault::new(Effect::Unprocessed).service("dynamodb").nth(1));
    let mut rest = requests;
    let mut calls = 0;
    while !rest.is_empty() {
        let answer = client.batch_write_item().request_items(TABLE, rest).send().await;
        let unprocessed = answer.expect("an answer").unprocessed_items.unwrap_or_default();
        rest = unprocessed.into_values().flatten().collect();
        calls += 1;
    }
    assert_eq!((calls, table(&sim).partition("p").len()), (2, 25));
    let pages = client
        .query()
        .table_name(TABLE)
        .key_condition_expression("#pk = :pk AND begins_with(sk, :prefix)")
        .expression_attribute_names("#pk", "pk")
        .expression_attribute_values(":pk", text("p"))
        .expression_attribute_values(":prefix", text("1"))
        .limit(4);
    let mut items = pages.into_paginator().items().send();
    let mut sorts = Vec::new();
    while let Some(item) = items.next().await {
        sorts.push(item.expect("an item")["sk"].as_s().expect("a text").clone());
    }
    assert_eq!(sorts, ["10", "11", "12", "13", "14", "15", "16", "17", "18", "19"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_as_long_as_its_limits_and_is_lost_beyond_them() {
    // Seconds to connect and of latency; whether AWS executes the call; whether the caller has an answer; how long the call
    // takes, in milliseconds.
    for (connect, latency, is_executed, is_answered, took) in [
        (Duration::from_secs(3), 9, true, true, 12_010),
        // AWS executes the call after eight seconds, and the caller gives up after 13.
        (Duration::from_secs(3), 10, true, false, 13_000),
        (Duration::from_secs(4), 0, false, false, 3100),
        (Duration::MAX, 0, false, false, 3100),
    ] {
        let sim = world();
        let hit = sim.fault(Fault::new(Effect::Connecting(connect)).region(REGION));
        sim.fault(Fault::new(Effect::Latency(Duration::from_secs(latency))).region(REGION));
        let began = Instant::now();
        let put = put_state(&client(&sim, 1), "x").await;
        let elapsed = u64::try_from(began.elapsed().as_millis()).expect("milliseconds");
        let timed_out = match &put {
            Err(SdkError::DispatchFailure(failure)) => failure.is_timeout(),
            _ => false,
        };
        assert_eq!((put.is_ok(), timed_out), (is_answered, !is_answered), "{put:?}");
        assert!((took..took + 20).contains(&elapsed), "{connect:?} {latency}: {elapsed}");
        assert_eq!(table(&sim).items().len(), usize::from(is_executed), "{connect:?} {latency}");
        assert_eq!(sim.hits(hit), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_region_fails_each_call_and_leaves_the_others_alone() {
    for (effect, longest) in [
        (Effect::Connecting(Duration::MAX), 3110),
        (Effect::TimeOut, 10_010),
        (Effect::Reset, 20),
        (Effect::Unavailable, 20),
    ] {
        let sim = world();
        sim.fault(Fault::new(effect).region(REGION));
        let began = Instant::now();
        put_state(&client(&sim, 1), "x").await.expect_err("the Region is dead");
        assert!(began.elapsed() <= Duration::from_millis(longest), "{effect:?}");
        assert!(table(&sim).items().is_empty(), "{effect:?}");
        sim.mend_all();
        // Spared: an account, or a service.
        for fault in [
            Fault::new(effect).region(REGION).except_account(ACCOUNT),
            Fault::new(effect).region(REGION).service("ssm"),
            Fault::new(effect).region("us-east-2"),
        ] {
            sim.fault(fault);
        }
        put_state(&client(&sim, 1), "x").await.expect("the table works");
    }
}
