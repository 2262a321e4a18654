//! The JSON protocols.

use serde_json::{Value, json};

use super::Response;
use crate::error::AwsError;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// A successful answer.
pub(super) fn answer(output: &Value) -> Response {
    Response { status: 200, content_type: CONTENT_TYPE, body: output.to_string() }
}

/// An error.
pub(super) fn refusal(error: &AwsError) -> Response {
    // The services format this member differently; the SDK reads both spellings.
    let body = json!({"__type": error.code, "message": error.message, "Message": error.message});
    Response { status: error.status, content_type: CONTENT_TYPE, body: body.to_string() }
}
