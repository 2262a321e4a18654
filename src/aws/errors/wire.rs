//! The error code in an answer as it came, for where the SDK has not read the answer yet or reads it in another way.

use std::borrow::Cow;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Deserialize;

/// AWS's JSON protocols name the error in `__type`, some services in `code`.
#[derive(Deserialize)]
struct JsonError<'a> {
    #[serde(rename = "__type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
}

/// The code of an answer that is an error, without what surrounds it; `None` where there is none.
pub(in crate::aws) fn error_code(response: &HttpResponse) -> Option<String> {
    if let Some(header) = response.headers().get("x-amzn-errortype") {
        return bare(header);
    }
    let body = response.body().bytes()?;
    if let Ok(JsonError { kind, code }) = serde_json::from_slice(body) {
        return bare(&kind.or(code)?);
    }
    // The query protocol, which STS and SNS speak, answers in XML.
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
    fn every_protocol_names_its_error() {
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
