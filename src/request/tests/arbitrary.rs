//! Arbitrary input never causes a panic, and the same input always gives the same answer.

use proptest::prelude::*;

use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(word(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Words of requests, so that arbitrary input resembles a request.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Records",
        "messageId",
        "body",
        "detail-type",
        "source",
        "account",
        "accounts",
        "region",
        "detail",
        "name",
        "names",
        "operation",
        "kind",
        "plan",
        "max_deletes",
        "eventName",
        "eventSource",
        "requestParameters",
        "responseElements",
        "resources",
        "ARN",
        "tags",
        "key",
        "value",
        "tagKeys",
        "secretId",
        "resourceId",
        "resourceType",
        "errorCode",
        "version",
        "aws.ssm",
        "aws.secretsmanager",
        "AWS API Call via CloudTrail",
        "Parameter Store Change",
        "Parameter Store Policy Action",
        "Secret Label Updated",
        "PutParameter",
        "DeleteSecret",
        "AddTagsToResource",
        "DeleteParameters",
        "Parameter",
        "111122223333",
        "us-east-2",
        "all",
        "sync",
        "list",
        "arn:aws:ssm:us-east-2:111122223333:parameter/a",
        "/a",
        "batch",
        "page",
        "failover",
        "route",
        "action",
        "reason",
        "wait",
        "serial",
        "freeze",
        "thaw",
        "status",
        "us-east-2=us-east-1",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn bytes_never_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let first = parse(&bytes);
        prop_assert_eq!(first, parse(&bytes));
    }

    #[test]
    fn json_that_resembles_a_request_never_causes_a_panic(value in any_json()) {
        prop_assert_eq!(from_value(&value), parse(value.to_string().as_bytes()));
    }

    #[test]
    fn an_event_with_one_arbitrary_field_never_causes_a_panic(
        event in prop::sample::select(files("payloads/events").into_values().collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let mut event: Value = serde_json::from_slice(&event).expect("a sample");
        let places = places(&event, "");
        *event.pointer_mut(at.get::<String>(&places)).expect("a place of it") = value;
        prop_assert_eq!(from_value(&event), parse(event.to_string().as_bytes()));
    }
}

/// The JSON pointers to every element of `value`.
fn places(value: &Value, here: &str) -> Vec<String> {
    let mut places = vec![here.to_owned()];
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                places.extend(self::places(value, &format!("{here}/{name}")));
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                places.extend(self::places(value, &format!("{here}/{index}")));
            }
        }
        _ => {}
    }
    places
}
