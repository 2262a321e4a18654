//! A proxy between `hubctl` and the emulator: it records the calls, and lets something happen, or refuses, just before
//! one of them.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::wire::Call;

type When = Box<dyn FnMut(&Call) -> bool + Send>;

/// A running proxy; it ends when this is dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

struct Inner {
    upstream: String,
    calls: Mutex<Vec<Call>>,
    before: Mutex<Option<(When, BoxFuture<'static, ()>)>>,
    refused: Mutex<When>,
    /// Held while something happens: no call gets past it meanwhile.
    gate: tokio::sync::Mutex<()>,
}

impl Proxy {
    /// One in front of the emulator at `upstream`.
    pub(crate) async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let inner = Arc::new(Inner {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            calls: Mutex::default(),
            before: Mutex::default(),
            refused: Mutex::new(Box::new(|_| false)),
            gate: tokio::sync::Mutex::new(()),
        });
        let served = Arc::clone(&inner);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let inner = Arc::clone(&served);
                // A client that hangs up has its reasons.
                tokio::spawn(async move { drop(inner.serve(client).await) });
            }
        });
        Self { url, inner, task }
    }

    /// Lets `meanwhile` happen just before the first call for which `when` is true is handed on.
    pub(crate) fn before(
        &self,
        when: impl FnMut(&Call) -> bool + Send + 'static,
        meanwhile: impl Future<Output = ()> + Send + 'static,
    ) {
        *self.inner.before.lock().expect("no panic holds it") =
            Some((Box::new(when), meanwhile.boxed()));
    }

    /// From now on the calls for which `which` is true are refused with `AccessDeniedException`.
    pub(crate) fn refuse(&self, which: impl FnMut(&Call) -> bool + Send + 'static) {
        *self.inner.refused.lock().expect("no panic holds it") = Box::new(which);
    }

    /// All calls so far, and forgets them.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.inner.calls.lock().expect("no panic holds it"))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inner {
    /// Answers one request and closes: a client then opens another connection.
    async fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some((head, body)) = request(&mut client).await? else { return Ok(()) };
        let call = described(&head, &body);
        let refused = (self.refused.lock().expect("no panic holds it"))(&call);
        self.pass(call).await;
        if refused {
            return client.write_all(REFUSAL.as_bytes()).await;
        }
        let mut upstream = TcpStream::connect(&self.upstream).await?;
        let lines = head.split("\r\n").filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            !line.is_empty() && !name.eq_ignore_ascii_case("connection")
        });
        let lines: Vec<&str> = lines.chain(["Connection: close", "", ""]).collect();
        upstream.write_all(lines.join("\r\n").as_bytes()).await?;
        upstream.write_all(&body).await?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).await?;
        // Said to the client too, or it would send its next call into a closed connection, which looks like a lost answer.
        let status = answer.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        client.write_all(&answer[..status]).await?;
        client.write_all(b"Connection: close\r\n").await?;
        client.write_all(&answer[status..]).await?;
        client.shutdown().await
    }

    /// Records a call; lets happen what is to happen before it.
    async fn pass(&self, call: Call) {
        let _gate = self.gate.lock().await;
        let meanwhile = {
            let mut before = self.before.lock().expect("no panic holds it");
            let hit = before.as_mut().is_some_and(|(when, _)| when(&call));
            if hit { before.take().map(|(_, meanwhile)| meanwhile) } else { None }
        };
        self.calls.lock().expect("no panic holds it").push(call);
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
    }
}

const REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.1\r\n\
    x-amzn-errortype: AccessDeniedException\r\nConnection: close\r\nContent-Length: 80\r\n\r\n\
    {\"__type\":\"AccessDeniedException\",\"message\":\"the test's policy denies the call\"}";

/// The head and the body of the next request on a connection; none where the client closes it.
async fn request(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let ends = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let body = bytes.split_off(ends);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = body;
    while body.len() < length {
        if client.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some((head, body)))
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    lines
        .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim())
        .next()
}

fn described(head: &str, body: &[u8]) -> Call {
    // Credential=KEY/DATE/REGION/SERVICE/aws4_request
    let scope = header(head, "authorization").and_then(|text| text.split_once("Credential="));
    let region = scope.and_then(|(_, scope)| scope.split('/').nth(2)).unwrap_or_default();
    let target = header(head, "x-amz-target").and_then(|target| target.split_once('.'));
    let action = target.map_or_else(String::new, |(service, operation)| {
        let service = if service == "AmazonSSM" { "ssm" } else { service };
        format!("{service}:{operation}")
    });
    Call {
        action,
        region: region.to_owned(),
        request: serde_json::from_slice(body).unwrap_or(Value::Null),
        bytes: body.to_vec(),
    }
}
