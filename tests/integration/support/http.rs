//! HTTP as plain as it gets, for what has no SDK here: the keys of an account, and the proxy that makes faults.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// Sends one request and gives the answer's JSON, null where it is none.
pub(crate) fn send(
    url: &str,
    request_line: &str,
    headers: &[(&str, String)],
    body: &Value,
) -> Value {
    let address = url.strip_prefix("http://").expect("an address");
    let body = body.to_string();
    let headers: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let text = format!(
        "{request_line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{body}",
        headers.concat(),
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(text.as_bytes()).expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    assert!(head.starts_with("HTTP/1.1 2"), "{request_line}: {answer}");
    serde_json::from_str(body).unwrap_or(Value::Null)
}
