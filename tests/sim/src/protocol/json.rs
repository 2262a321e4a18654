//! The JSON protocols.

use serde_json::{Value, json};

use super::Response;
use crate::dynamodb;
use crate::error::AwsError;

/// `DynamoDB` has version 1.0 of the protocol, the other services 1.1.
fn content_type(operation: &str) -> &'static str {
    if is_dynamodb(operation) { "application/x-amz-json-1.0" } else { "application/x-amz-json-1.1" }
}

fn is_dynamodb(operation: &str) -> bool {
    operation.starts_with("dynamodb:")
}

/// A successful answer.
pub(super) fn answer(operation: &str, output: &Value) -> Response {
    Response { status: 200, content_type: content_type(operation), body: output.to_string() }
}

/// An error.
pub(super) fn refusal(operation: &str, error: &AwsError) -> Response {
    let code =
        if is_dynamodb(operation) { dynamodb::qualified(&error.code) } else { error.code.clone() };
    // The services format this member differently; the SDK reads both spellings.
    let body = json!({"__type": code, "message": error.message, "Message": error.message});
    let content_type = content_type(operation);
    Response { status: error.status, content_type, body: body.to_string() }
}
