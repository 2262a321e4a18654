//! What is no business of the hub's costs no call and is answered with its reason; what is no event at all is a refusal
//! or goes back alone; and nothing is a panic.

use std::collections::BTreeMap;

use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, SOURCE, TARGET, World, batch, call, delete_event, native_event, put_event, returned,
};

/// `event` with one field, by its JSON pointer, as `value`.
fn with(event: &Value, pointer: &str, value: Value) -> Value {
    let mut event = event.clone();
    *event.pointer_mut(pointer).expect("the field") = value;
    event
}

/// Events that the hub ignores, each with a word of its reason.
fn foreign(account: &str) -> Vec<(Value, &'static str)> {
    let put = put_event(account, LONG_AGO, "/a", 1);
    let native = native_event(account, LONG_AGO, "/a", "Create");
    let mut failed = put.clone();
    failed["detail"]["errorCode"] = "AccessDenied".into();
    let mut exception = native.clone();
    exception["detail"]["exception"] = "Unable to Describe Resource".into();
    let tagged = |kind: Value| {
        let request = json!({"resourceType": kind, "resourceId": "a", "tags": []});
        call(account, LONG_AGO, "AddTagsToResource", &request, &Value::Null)
    };
    let elsewhere =
        delete_event(account, LONG_AGO, &format!("arn:aws:ssm:{SOURCE}:999999999999:parameter/a"));
    vec![
        (with(&put, "/source", json!("my.app")), "unknown event source `my.app`"),
        (with(&put, "/source", json!(["aws.ssm"])), "no `source`"),
        (with(&put, "/detail/eventSource", json!("s3.amazonaws.com")), "eventSource"),
        (with(&put, "/detail/recipientAccountId", json!("999999999999")), "recipientAccountId"),
        (with(&put, "/detail/recipientAccountId", json!(7)), "recipientAccountId"),
        (with(&put, "/detail/awsRegion", json!("us-east-1")), "awsRegion"),
        (with(&put, "/account", json!(111_122_223_333_u64)), "no valid `account` and `region`"),
        (with(&put, "/region", json!("nowhere")), "no valid `account` and `region`"),
        (with(&native, "/region", json!("eu-west-1")), "no route has the source Region eu-west-1"),
        (with(&native, "/region", json!(TARGET)), "no route has the source Region us-east-1"),
        (with(&put, "/detail-type", json!("AWS Service Event via CloudTrail")), "detail type"),
        (with(&put, "/detail-type", json!("Secret Label Updated")), "detail type"),
        (with(&put, "/detail-type", Value::Null), "no `detail-type`"),
        (
            with(&put, "/detail/eventName", json!("GetParameter")),
            "does not handle the API call GetParameter",
        ),
        (with(&put, "/detail/eventName", json!(5)), "no API call"),
        (with(&put, "/detail", Value::Null), "no API call"),
        (with(&put, "/detail/requestParameters", Value::Null), "names no parameter"),
        (with(&put, "/detail/requestParameters/name", json!({"a": [[]]})), "names no parameter"),
        (with(&put, "/detail/requestParameters/name", json!("a b")), "the character ' '"),
        (with(&put, "/detail/requestParameters/name", json!("x".repeat(1 << 20))), "1048576"),
        (failed, "PutParameter failed with AccessDenied"),
        (exception, "a failed change"),
        (tagged(json!("Document")), "the resource type `Document`"),
        (tagged(Value::Null), "no resource type"),
        (elsewhere, "not in the account and Region of the event"),
    ]
}

#[tokio::test]
async fn what_is_not_ours_is_ignored_with_its_reason_and_without_a_call() {
    let world = World::new(1);
    world.put(0, SOURCE, "/a", "x").await;
    let hub = world.hub(&[]).await;
    let foreign = foreign(world.account(0));
    for (event, reason) in &foreign {
        let answer = world.ask(&hub, event).await;
        let told = answer["ignored"].as_str().unwrap_or_default();
        assert_eq!(answer["status"], "in_sync", "{reason}");
        assert!(told.contains(reason), "{reason}: {answer}");
        assert!(told.len() < 500, "a reason quotes no megabyte: {} bytes", told.len());
    }
    let messages = foreign.iter().enumerate().map(|(n, (event, _))| (n.to_string(), event.clone()));
    let answer = world.ask(&hub, &batch(messages)).await;
    assert_eq!(returned(&answer), [""; 0], "a retry mends none of them");
    assert_eq!(world.wire.counts(), BTreeMap::new());
    assert!(world.seen(0, TARGET).await.is_empty());
}

#[tokio::test]
async fn an_account_out_of_scope_is_ignored_with_its_reason() {
    let world = World::new(2);
    let (inside, outside) = (world.account(0), world.account(1));
    for account in 0..2 {
        world.put(account, SOURCE, "/a", "x").await;
    }
    for scope in [("EXCLUDE_ACCOUNTS", outside), ("INCLUDE_ACCOUNTS", inside)] {
        let hub = world.hub(&[scope]).await;
        let answer = world.ask(&hub, &put_event(outside, LONG_AGO, "/a", 1)).await;
        assert_eq!(answer["status"], "in_sync");
        let told = answer["ignored"].as_str().unwrap_or_default();
        assert!(told.contains(outside) && told.contains("scope"), "{answer}");
        let answer = world.ask(&hub, &batch([("1", put_event(outside, LONG_AGO, "/a", 1))])).await;
        assert_eq!(returned(&answer), [""; 0]);
        assert_eq!(world.wire.counts(), BTreeMap::new(), "{scope:?}");

        world.ask(&hub, &put_event(inside, LONG_AGO, "/a", 1)).await;
        assert_eq!(world.seen(0, TARGET).await.len(), 1);
        assert!(world.seen(1, TARGET).await.is_empty());
        world.wire.take();
    }
}

async fn raw(hub: &Hub, bytes: &[u8]) -> Result<Answer, HubError> {
    hub.run(bytes, RouteFilter::default(), Deadline::never(), &|_| ()).await
}

/// Texts that are no event.
fn garbage() -> Vec<String> {
    let megabyte = "x".repeat(1 << 20);
    vec![
        String::new(),
        " \n".to_owned(),
        "null".to_owned(),
        "42".to_owned(),
        "-1e999".to_owned(),
        "\"text\"".to_owned(),
        "[]".to_owned(),
        "[{\"source\":\"aws.ssm\"}]".to_owned(),
        "{".to_owned(),
        "{\"detail\":null}".to_owned(),
        "{\"detail\":{\"name\":null,\"operation\":7}}".to_owned(),
        "\u{0}\u{1}".to_owned(),
        megabyte.clone(),
        format!("{{\"detail\":\"{megabyte}\"}}"),
        "[".repeat(1 << 20),
        "{\"detail\":".repeat(1 << 17),
    ]
}

#[tokio::test]
async fn garbage_is_refused_or_goes_back_alone_and_never_a_panic() {
    let world = World::new(1);
    let hub = world.hub(&[]).await;
    for text in garbage() {
        let shown: String = text.chars().take(40).collect();
        match raw(&hub, text.as_bytes()).await {
            Err(HubError::Refused(refused)) => {
                assert!(refused.to_string().len() < 1000, "{shown}");
            }
            other => panic!("{shown}: {other:?}"),
        }
        let records = json!({"Records": [{"messageId": "1", "body": text}]});
        assert_eq!(returned(&world.ask(&hub, &records).await), ["1"], "{shown}");
    }
    // Bytes that are no text, and what is a batch or an event by its shape alone.
    assert!(matches!(raw(&hub, b"{\"a\":\"\xff\"}").await, Err(HubError::Refused(_))));
    for records in [Value::Null, json!(7), json!({}), json!([null]), json!([{"body": "{}"}])] {
        let answer = raw(&hub, json!({"Records": records}).to_string().as_bytes()).await;
        assert!(matches!(answer, Err(HubError::Refused(_))), "{records}: {answer:?}");
    }
    for body in [Value::Null, json!(7), json!([[]]), json!({"source": "aws.ssm"})] {
        let records = json!({"Records": [{"messageId": "1", "body": body}]});
        assert_eq!(returned(&world.ask(&hub, &records).await), ["1"], "{body}");
    }
    for value in [Value::Null, json!(7), json!([[[]]]), json!({"a": {"b": [null]}})] {
        let event = json!({"source": value, "detail-type": value, "account": value,
            "region": value, "detail": value, "resources": value, "time": value});
        let answer = raw(&hub, event.to_string().as_bytes()).await;
        assert!(matches!(answer, Ok(Answer::Ignored(_))), "{event}: {answer:?}");
    }
    assert_eq!(world.wire.counts(), BTreeMap::new());
}
