//! Requests and answers as bytes. The module finds the service, Region, operation and protocol of a request
//! (FACTS 1 to 3).

pub(crate) mod json;
pub(crate) mod query;

use serde_json::Value;

use crate::clock::{Millis, parse_compact};
use crate::error::AwsError;

/// The parts of an HTTP request that the simulator reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) target: Option<String>,
    pub(crate) authorization: String,
    pub(crate) token: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// A parsed request.
#[derive(Clone, Debug)]
pub(crate) struct ParsedRequest {
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) key: String,
    pub(crate) token: Option<String>,
    pub(crate) signed_at: Option<Millis>,
    pub(crate) input: Value,
    pub(crate) is_json: bool,
}

/// The parts of an HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

/// Parses a request; `None` if the request does not have the form of an AWS request.
pub(crate) fn parse(request: &Request) -> Option<ParsedRequest> {
    // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
    let scope = request.authorization.split_once("Credential=")?.1.split(',').next()?;
    let mut scope = scope.split('/');
    let (key, _, region, service) = (scope.next()?, scope.next()?, scope.next()?, scope.next()?);
    let (operation, input, is_json) = if let Some(target) = &request.target {
        let (service, name) = target.split_once('.')?;
        let service = match service {
            "AmazonSSM" => "ssm",
            "TrentService" => "kms",
            "DynamoDB_20120810" => "dynamodb",
            service if service.starts_with("ResourceGroupsTagging") => "tag",
            service if service.starts_with("AWSOrganizations") => "organizations",
            other => other,
        };
        (format!("{service}:{name}"), serde_json::from_slice(&request.body).ok()?, true)
    } else {
        let (name, input) = query::parse(&request.body)?;
        (format!("{service}:{name}"), input, false)
    };
    Some(ParsedRequest {
        operation,
        region: region.to_owned(),
        key: key.to_owned(),
        token: request.token.clone(),
        signed_at: request.date.as_deref().and_then(parse_compact),
        input,
        is_json,
    })
}

/// Encodes an answer in the protocol of the request.
pub(crate) fn respond(
    request: &ParsedRequest,
    answer: &Result<Value, AwsError>,
    request_id: &str,
) -> Response {
    match (request.is_json, answer) {
        (true, Ok(output)) => json::answer(&request.operation, output),
        (true, Err(error)) => json::refusal(&request.operation, error),
        (false, Ok(output)) => query::answer(&request.operation, output, request_id),
        (false, Err(error)) => query::refusal(error, request_id),
    }
}

/// Truncates an answer to a third of its length, and to at least one byte: SDKs read an empty body as an empty answer.
pub(crate) fn truncated(mut response: Response) -> Response {
    let third = response.body.floor_char_boundary((response.body.len() / 3).max(1));
    response.body.truncate(third);
    response
}
