//! Reads the error code from a raw response, before the SDK parses it or where the SDK parses it differently.

use std::borrow::Cow;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Deserialize;

/// AWS's JSON protocols put the error code in `__type`; some services use `code`.
#[derive(Deserialize)]
struct JsonError<'a> {
    #[serde(rename = "__type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
}

/// The bare error code of a response; `None` if the response has none.
pub(in crate::aws) fn error_code(response: &HttpResponse) -> Option<String> {
    if let Some(header) = response.headers().get("x-amzn-errortype") {
        return bare(header);
    }
    let body = response.body().bytes()?;
    if let Ok(JsonError { kind, code }) = serde_json::from_slice(body) {
        return bare(&kind.or(code)?);
    }
    // STS and SNS use the query protocol, which responds in XML.
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    bare(rest.split_once("</Code>")?.0)
}

/// `com.amazonaws.ssm#TooManyUpdates:http://…` is `TooManyUpdates`.
fn bare(code: &str) -> Option<String> {
    let code = code.split(':').next()?;
    let code = code.rsplit('#').next()?.trim();
    (!code.is_empty()).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn code_of(header: Option<&'static str>, body: &'static str) -> Option<String> {
        let status = StatusCode::try_from(400).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        if let Some(header) = header {
            response.headers_mut().insert("x-amzn-errortype", header);
        }
        error_code(&response)
    }

    #[test]
    fn the_error_code_of_every_protocol_is_read() {
        let xml = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
        for (header, body, expected) in [
            (
                None,
                r#"{"__type":"ThrottlingException","message":"m"}"#,
                Some("ThrottlingException"),
            ),
            (None, r#"{"__type":"com.amazonaws.ssm#TooManyUpdates"}"#, Some("TooManyUpdates")),
            (None, r#"{"code":"Slow\u0044own"}"#, Some("SlowDown")),
            (None, xml, Some("Throttling")),
            (Some("InvalidKeyId:http://internal"), "{}", Some("InvalidKeyId")),
            (None, "{}", None),
            (None, "<html>", None),
            (None, "", None),
        ] {
            assert_eq!(code_of(header, body).as_deref(), expected, "{header:?} {body}");
        }
    }
}
