//! The JSON protocols.

use serde_json::{Value, json};

use super::Response;
use crate::error::AwsError;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// What was done.
pub(super) fn answer(output: &Value) -> Response {
    Response { status: 200, content_type: CONTENT_TYPE, body: output.to_string() }
}

/// Why it was not.
pub(super) fn refusal(error: &AwsError) -> Response {
    // Services differ in how they spell the member; the SDK reads both.
    let body = json!({"__type": error.code, "message": error.message, "Message": error.message});
    Response { status: error.status, content_type: CONTENT_TYPE, body: body.to_string() }
}
