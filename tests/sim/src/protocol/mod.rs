//! Requests and answers as bytes: which service, Region and operation a request is for, and in which protocol it is
//! answered (FACTS 1 to 3).

pub(crate) mod json;
pub(crate) mod query;

use serde_json::Value;

use crate::clock::{Millis, parse_compact};
use crate::error::AwsError;

/// A request's parts that the simulator looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) target: Option<String>,
    pub(crate) authorization: String,
    pub(crate) token: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// A request that was read.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) key: String,
    pub(crate) token: Option<String>,
    pub(crate) signed_at: Option<Millis>,
    pub(crate) input: Value,
    pub(crate) is_json: bool,
}

/// An answer's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

/// Reads a request; `None` where it is none of AWS's.
pub(crate) fn read(request: &Request) -> Option<Read> {
    // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
    let scope = request.authorization.split_once("Credential=")?.1.split(',').next()?;
    let mut scope = scope.split('/');
    let (key, _, region, service) = (scope.next()?, scope.next()?, scope.next()?, scope.next()?);
    let (operation, input, is_json) = if let Some(target) = &request.target {
        let (service, name) = target.split_once('.')?;
        let service = match service {
            "AmazonSSM" => "ssm",
            "TrentService" => "kms",
            service if service.starts_with("ResourceGroupsTagging") => "tag",
            service if service.starts_with("AWSOrganizations") => "organizations",
            other => other,
        };
        (format!("{service}:{name}"), serde_json::from_slice(&request.body).ok()?, true)
    } else {
        let (name, input) = query::read(&request.body)?;
        (format!("{service}:{name}"), input, false)
    };
    Some(Read {
        operation,
        region: region.to_owned(),
        key: key.to_owned(),
        token: request.token.clone(),
        signed_at: request.date.as_deref().and_then(parse_compact),
        input,
        is_json,
    })
}

/// An answer in the protocol of its request.
pub(crate) fn respond(read: &Read, answer: &Result<Value, AwsError>, request_id: &str) -> Response {
    match (read.is_json, answer) {
        (true, Ok(output)) => json::answer(output),
        (true, Err(error)) => json::refusal(error),
        (false, Ok(output)) => query::answer(&read.operation, output, request_id),
        (false, Err(error)) => query::refusal(error, request_id),
    }
}

/// An answer that breaks off after a third, but not before it has begun: SDKs take no body at all for an empty answer.
pub(crate) fn broken_off(mut response: Response) -> Response {
    let third = response.body.floor_char_boundary((response.body.len() / 3).max(1));
    response.body.truncate(third);
    response
}
