//! Events and batches: the reasons to ignore an event, and the expectations.

use serde_json::json;

use super::*;

/// A `PutParameter` of `/a` in 111122223333 and us-east-2, with one changed field.
fn event_with(pointer: &str, value: Value) -> Result<Event, Ignored> {
    let mut event = json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.ssm",
        "account": "111122223333", "region": "us-east-2", "time": "2026-11-24T10:00:00Z",
        "detail": {
            "eventSource": "ssm.amazonaws.com", "eventName": "PutParameter",
            "awsRegion": "us-east-2", "recipientAccountId": "111122223333", "errorCode": null,
            "requestParameters": {"name": "/a", "resourceType": "Parameter", "resourceId": "/a"},
            "responseElements": {"version": 3},
        },
    });
    *event.pointer_mut(pointer).expect(pointer) = value;
    match from_value(&event) {
        Ok(Request::Event(event)) => event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unhandled_event_is_ignored_with_a_reason() {
    let elsewhere = "arn:aws:ssm:us-east-2:444455556666:parameter/a";
    let climbing = "arn:aws:ssm:us-east-2:111122223333:parameter/a/../b";
    for (pointer, value, why) in [
        ("/source", json!("com.example"), "unknown event source `com.example`"),
        ("/source", json!(7), "the event has no `source`"),
        ("/detail-type", json!(null), "the event has no `detail-type`"),
        (
            "/detail-type",
            json!("Tag Change on Resource"),
            "the hub does not handle the detail type `Tag Change on Resource`",
        ),
        (
            "/detail-type",
            json!("Secret Label Updated"),
            "the hub does not handle the detail type `Secret Label Updated`",
        ),
        ("/account", json!(111_122_223_333_u64), "has no valid `account` and `region`"),
        ("/region", json!("nowhere"), "has no valid `account` and `region`"),
        ("/detail", json!(null), "the event names no API call"),
        (
            "/detail/recipientAccountId",
            json!("444455556666"),
            "`detail.recipientAccountId` differs from 111122223333 in the envelope",
        ),
        (
            "/detail/recipientAccountId",
            json!(111_122_223_333_u64),
            "`detail.recipientAccountId` differs",
        ),
        (
            "/detail/awsRegion",
            json!("us-east-1"),
            "`detail.awsRegion` differs from us-east-2 in the envelope",
        ),
        (
            "/detail/eventSource",
            json!("kms.amazonaws.com"),
            "`detail.eventSource` is not ssm.amazonaws.com",
        ),
        (
            "/detail/eventName",
            json!("GetParameter"),
            "the hub does not handle the API call GetParameter",
        ),
        ("/detail/eventName", json!(["PutParameter"]), "the event names no API call"),
        ("/detail/errorCode", json!("AccessDenied"), "PutParameter failed with AccessDenied"),
        ("/detail/errorCode", json!({}), "PutParameter failed with an error"),
        ("/detail/requestParameters", json!(null), "PutParameter names no parameter"),
        ("/detail/requestParameters/name", json!({"a": 1}), "PutParameter names no parameter"),
        (
            "/detail/requestParameters/name",
            json!(elsewhere),
            "is not in the account and Region of the event",
        ),
        (
            "/detail/requestParameters/name",
            json!("/a\u{0}b"),
            "the name contains the character '\\0'",
        ),
        ("/detail/requestParameters/name", json!("/a/../b"), "has the path segment"),
        (
            "/detail/requestParameters/name",
            json!(climbing),
            "`/a/../b` has the path segment `.` or `..`",
        ),
        ("/detail/requestParameters/name", json!(""), "the name is empty"),
        (
            "/detail/requestParameters/name",
            json!("x".repeat(1_000_000)),
            "the name has 1000000 characters",
        ),
    ] {
        let ignored = event_with(pointer, value).expect_err(why);
        assert!(ignored.reason().contains(why), "{pointer}: {ignored}");
        assert!(ignored.reason().len() < 300, "{pointer}: {}", ignored.reason().len());
    }
}

#[test]
fn an_event_is_recognised_by_its_source_or_its_detail_type_alone() {
    for (event, why) in [
        (json!({"source": "aws.ssm"}), "the event has no valid `account` and `region`"),
        (json!({"detail-type": "Parameter Store Change"}), "the event has no `source`"),
    ] {
        let request = from_value(&event).expect("an event");
        assert_eq!(line(&request), format!("ignored: {why}"));
    }
}

#[test]
fn an_event_sets_only_its_expectation() {
    let expect = |pointer, value| match event_with(pointer, value).expect("an event").subject {
        EventSubject::Items(items) => items[0].expect.clone(),
        EventSubject::RefusedDelete(_) => panic!("a parameter"),
    };
    assert_eq!(expect("/detail/awsRegion", json!(null))[0].version, Some(3));
    let dated = expect("/detail/responseElements", json!("3"));
    assert_eq!((dated[0].version, dated[0].at.is_some()), (None, true));
    let labels =
        crate::domain::Expectation { labels: true, ..crate::domain::Expectation::default() };
    assert_eq!(expect("/detail/eventName", json!("LabelParameterVersion")), [labels]);
    assert!(expect("/detail/eventName", json!("AddTagsToResource")).is_empty());
    assert!(expect("/detail/eventName", json!("DeleteParameter"))[0].absent);
}

#[test]
fn tags_of_other_resources_are_ignored() {
    let event = |resource_type: Value| {
        json!({
            "detail-type": "AWS API Call via CloudTrail", "source": "aws.ssm",
            "account": "111122223333", "region": "us-east-2",
            "detail": {
                "eventName": "AddTagsToResource",
                "requestParameters": {"resourceType": resource_type, "resourceId": "/a"},
            },
        })
    };
    for (resource_type, why) in [
        (json!("Document"), "AddTagsToResource concerns the resource type `Document`"),
        (json!(null), "AddTagsToResource names no resource type"),
    ] {
        let request = from_value(&event(resource_type)).expect("an event");
        assert_eq!(line(&request), format!("ignored: {why}"));
    }
}

#[test]
fn only_a_deletion_with_invalid_parameters_is_reported() {
    let delete = |call: &str, code: &str, request: Value| {
        let event = json!({
            "detail-type": "AWS API Call via CloudTrail", "source": "aws.secretsmanager",
            "account": "111122223333", "region": "us-east-2",
            "detail": {"eventName": call, "errorCode": code, "requestParameters": request},
        });
        line(&from_value(&event).expect("an event"))
    };
    let (code, named) = ("InvalidParameterException", json!({"secretId": "db"}));
    assert_eq!(
        delete("DeleteSecret", code, named.clone()),
        "DeleteSecret at 111122223333/us-east-2: refused delete of db"
    );
    assert_eq!(
        delete("DeleteSecret", code, json!(null)),
        "ignored: a refused DeleteSecret names no secret"
    );
    assert_eq!(
        delete("DeleteSecret", "AccessDenied", named.clone()),
        "ignored: DeleteSecret failed with AccessDenied, so it changed nothing"
    );
    assert_eq!(
        delete("UpdateSecret", code, named),
        "ignored: UpdateSecret failed with InvalidParameterException, so it changed nothing"
    );
}

#[test]
fn the_subject_of_a_cut_record_is_read_from_its_arns() {
    let event = |source: &str, call: &str, arns: &[&str]| {
        let resources: Vec<Value> = arns.iter().map(|arn| json!({"ARN": arn})).collect();
        let event = json!({
            "detail-type": "AWS API Call via CloudTrail", "source": source,
            "account": "111122223333", "region": "us-east-2",
            "detail": {
                "eventName": call, "requestParameters": null, "responseElements": {"omitted": true},
                "resources": resources,
            },
        });
        line(&from_value(&event).expect("an event"))
    };
    let parameter = "arn:aws:ssm:us-east-2:111122223333:parameter/shop/db/host";
    let secret = "arn:aws:secretsmanager:us-east-2:111122223333:secret:db-a1b2c3";
    assert_eq!(
        event("aws.ssm", "PutParameter", &[parameter]),
        "PutParameter at 111122223333/us-east-2: parameter /shop/db/host []"
    );
    assert_eq!(
        event("aws.ssm", "DeleteParameters", &[parameter, &format!("{parameter}name")]),
        "DeleteParameters at 111122223333/us-east-2: parameter /shop/db/host [\"absent\"], \
         parameter /shop/db/hostname [\"absent\"]"
    );
    assert_eq!(
        event("aws.secretsmanager", "UpdateSecret", &[secret]),
        format!("UpdateSecret at 111122223333/us-east-2: secret {secret} []")
    );
    assert_eq!(event("aws.ssm", "PutParameter", &[]), "ignored: PutParameter names no parameter");
}

#[test]
fn a_masked_tag_is_not_an_expectation() {
    let event = json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.ssm",
        "account": "111122223333", "region": "us-east-2",
        "detail": {"eventName": "AddTagsToResource", "requestParameters": {
            "resourceType": "Parameter", "resourceId": "/a",
            "tags": [{"key": "a", "value": "HIDDEN_DUE_TO_SECURITY_REASONS"}, {"key": "b", "value": "1"}, 7],
        }},
    });
    let request = from_value(&event).expect("an event");
    assert_eq!(
        line(&request),
        "AddTagsToResource at 111122223333/us-east-2: parameter /a [\"b=1\"]"
    );
}

#[test]
fn an_unreadable_message_does_not_affect_the_others() {
    let put = files("payloads/events").remove("put-parameter").expect("the sample");
    let bodies = [
        json!("{\"a\":"),
        json!("{\"detail\":{\"name\":\"all\",\"operation\":\"sync\"}}"),
        json!(null),
        json!(String::from_utf8(put).expect("text")),
    ];
    let records = bodies.iter().map(|body| json!({"messageId": "id", "body": body}));
    let request = from_value(&json!({"Records": records.collect::<Vec<_>>()})).expect("a batch");
    insta::assert_snapshot!(line(&request), @r#"
    unreadable: the message body is not JSON: EOF while parsing a value at line 1 column 5
        unreadable: the message body is not an event
        unreadable: the message body is null
        PutParameter at 111122223333/us-east-2: parameter /shop/db/host ["version 12 2026-11-24T10:00:00Z"]
    "#);
}
