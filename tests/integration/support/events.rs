//! Events as `EventBridge` hands them on from an account's source Region, and a queue's batches of them.

use serde_json::{Value, json};

use super::SOURCE;

/// When a late event happened: what it tells was overtaken or is readable long since, so that nothing is waited for.
pub(crate) const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// An API call, as `CloudTrail` records it.
pub(crate) fn call(
    account: &str,
    time: &str,
    name: &str,
    request: &Value,
    response: &Value,
) -> Value {
    let service = if name.contains("Secret") { "secretsmanager" } else { "ssm" };
    json!({
        "version": "0", "id": "9531985d-5d9d-49f8-9818-e811892f902b",
        "detail-type": "AWS API Call via CloudTrail", "source": format!("aws.{service}"),
        "account": account, "time": time, "region": SOURCE, "resources": [],
        "detail": {
            "eventTime": time, "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
            "awsRegion": SOURCE, "recipientAccountId": account,
            "requestParameters": request, "responseElements": response,
        },
    })
}

/// A parameter was written as this version. The value is masked, as it always is.
pub(crate) fn put_event(account: &str, time: &str, name: &str, version: i64) -> Value {
    let request =
        json!({"name": name, "value": "HIDDEN_DUE_TO_SECURITY_REASONS", "type": "String"});
    call(account, time, "PutParameter", &request, &json!({"version": version, "tier": "Standard"}))
}

/// A parameter was deleted.
pub(crate) fn delete_event(account: &str, time: &str, name: &str) -> Value {
    call(account, time, "DeleteParameter", &json!({"name": name}), &Value::Null)
}

/// A parameter was tagged.
pub(crate) fn tag_event(account: &str, time: &str, name: &str, key: &str, value: &str) -> Value {
    let request = json!({"resourceType": "Parameter", "resourceId": name,
        "tags": [{"key": key, "value": value}]});
    call(account, time, "AddTagsToResource", &request, &Value::Null)
}

/// A parameter changed, as Systems Manager itself tells it.
pub(crate) fn native_event(account: &str, time: &str, name: &str, operation: &str) -> Value {
    json!({
        "version": "0", "id": "153e7c2a-26a2-40bd-bb12-87fff52ddf5d",
        "detail-type": "Parameter Store Change", "source": "aws.ssm",
        "account": account, "time": time, "region": SOURCE,
        "resources": [format!("arn:aws:ssm:{SOURCE}:{account}:parameter{name}")],
        "detail": {"operation": operation, "name": name, "type": "String"},
    })
}

/// Messages of a queue: id and event.
pub(crate) fn batch<I: Into<String>>(messages: impl IntoIterator<Item = (I, Value)>) -> Value {
    let records: Vec<Value> = messages
        .into_iter()
        .map(|(id, event)| json!({"messageId": id.into(), "body": event.to_string()}))
        .collect();
    json!({ "Records": records })
}

/// The ids of the messages that come back.
pub(crate) fn returned(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().expect("the answer to a batch");
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("an id")).collect()
}
