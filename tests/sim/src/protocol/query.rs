//! The query protocol of STS and SNS: form-encoded requests, answers in XML.

use serde_json::{Map, Value};

use super::Response;
use crate::error::AwsError;

const CONTENT_TYPE: &str = "text/xml";

/// The action and the members of a form.
pub(super) fn parse(body: &[u8]) -> Option<(String, Value)> {
    let form = std::str::from_utf8(body).ok()?;
    let mut members = Map::new();
    for pair in form.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        members.insert(decode(name)?, Value::String(decode(value)?));
    }
    let Some(Value::String(action)) = members.remove("Action") else { return None };
    Some((action, Value::Object(members)))
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A successful answer.
pub(super) fn answer(operation: &str, output: &Value, request_id: &str) -> Response {
    let (service, name) = operation.split_once(':').unwrap_or(("", operation));
    let version = if service == "sts" { "2011-06-15" } else { "2010-03-31" };
    let mut result = String::new();
    element(&mut result, &format!("{name}Result"), output);
    let body = format!(
        "<{name}Response xmlns=\"https://{service}.amazonaws.com/doc/{version}/\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    );
    Response { status: 200, content_type: CONTENT_TYPE, body }
}

/// An error.
pub(super) fn refusal(error: &AwsError, request_id: &str) -> Response {
    let kind = if error.status >= 500 { "Receiver" } else { "Sender" };
    let body = format!(
        "<ErrorResponse><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        escape(&error.code),
        escape(&error.message)
    );
    Response { status: error.status, content_type: CONTENT_TYPE, body }
}

fn element(xml: &mut String, name: &str, value: &Value) {
    xml.extend(["<", name, ">"]);
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                element(xml, name, value);
            }
        }
        Value::String(text) => xml.push_str(&escape(text)),
        other => xml.push_str(&other.to_string()),
    }
    xml.extend(["</", name, ">"]);
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_parsed_and_an_answer_is_xml() {
        let (action, input) =
            parse(b"Action=AssumeRole&RoleArn=arn%3Aaws&A=x+y%C3%A9").expect("a form");
        assert_eq!(
            (action.as_str(), &input["RoleArn"], &input["A"]),
            ("AssumeRole", &"arn:aws".into(), &"x yé".into())
        );
        let answer = answer("sts:GetCallerIdentity", &serde_json::json!({"Arn": "a<b&c"}), "1");
        assert!(answer.body.contains(
            "<GetCallerIdentityResult><Arn>a&lt;b&amp;c</Arn></GetCallerIdentityResult>"
        ));
        assert_eq!(parse(b"no form"), None);
    }
}
