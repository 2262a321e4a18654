//! The wire between the hub's SDK and the emulator: every attempt is recorded here, and faults are put in here.
//!
//! The SDK resolves AWS's own endpoints; the wire sends what it is given to the emulator instead, so that a call's
//! Region can be read off its host.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, mpsc};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

/// One attempt, as it went over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// `ssm:PutParameter`, as IAM spells it.
    pub(crate) action: String,
    pub(crate) region: String,
    /// The request of a JSON protocol; null of another.
    pub(crate) request: Value,
    /// The bytes of the request, for canaries.
    pub(crate) bytes: Vec<u8>,
}

/// What happens to a call instead of its answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The call is refused with this code, and status 400.
    Refused(&'static str),
    /// The same with a message.
    RefusedSaying(&'static str, String),
    /// The connection is lost before the call got through.
    Lost,
    /// The call is done, and its answer lost.
    AnswerLost,
    /// The call is answered with status 200 and nothing in it.
    Empty,
}

type Judge = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;
type When = Box<dyn FnMut(&Call) -> bool + Send>;

/// The wire of one hub.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Inner>);

struct Inner {
    url: String,
    http: SharedHttpClient,
    calls: Mutex<Vec<Call>>,
    judge: Mutex<Option<Judge>>,
    before: Mutex<Option<(When, BoxFuture<'static, ()>)>>,
}

impl Wire {
    /// A wire to the emulator at `url`.
    pub(crate) fn to(url: &str) -> Self {
        Self(Arc::new(Inner {
            url: url.to_owned(),
            http: aws_smithy_http_client::Builder::new().build_http(),
            calls: Mutex::default(),
            judge: Mutex::default(),
            before: Mutex::default(),
        }))
    }

    /// As the SDK takes it.
    pub(crate) fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Faults from now on: `judge` sees each call before it is sent.
    pub(crate) fn faults(&self, judge: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        *self.0.judge.lock().expect("no panic holds it") = Some(Box::new(judge));
    }

    /// Lets `meanwhile` happen just before the first call for which `when` is true is sent.
    pub(crate) fn before(
        &self,
        when: impl FnMut(&Call) -> bool + Send + 'static,
        meanwhile: impl Future<Output = ()> + Send + 'static,
    ) {
        *self.0.before.lock().expect("no panic holds it") =
            Some((Box::new(when), meanwhile.boxed()));
    }

    /// All calls so far, and forgets them.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.calls.lock().expect("no panic holds it"))
    }

    /// How many calls of each action so far, and forgets them.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.take() {
            *counts.entry(call.action).or_default() += 1;
        }
        counts
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.0.http.http_connector(settings, components);
        SharedHttpConnector::new(Connector { wire: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Connector {
    wire: Wire,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let call = described(&request);
        let (wire, inner) = (self.wire.clone(), self.inner.clone());
        wire.0.calls.lock().expect("no panic holds it").push(call.clone());
        let fault =
            wire.0.judge.lock().expect("no panic holds it").as_mut().and_then(|judge| judge(&call));
        let meanwhile = {
            let mut before = wire.0.before.lock().expect("no panic holds it");
            let hit = before.as_mut().is_some_and(|(when, _)| when(&call));
            if hit { before.take().map(|(_, meanwhile)| meanwhile) } else { None }
        };
        HttpConnectorFuture::new(async move {
            let lost = || ConnectorError::io("the connection was lost".into());
            match &fault {
                Some(Fault::Refused(code)) => {
                    // AWS's messages may quote what they refuse, a value too.
                    let value = call.request["Value"].as_str().unwrap_or_default();
                    return Ok(refused(&call, code, &format!("{code}, says the test: {value}")));
                }
                Some(Fault::RefusedSaying(code, message)) => {
                    return Ok(refused(&call, code, message));
                }
                Some(Fault::Lost) => return Err(lost()),
                Some(Fault::Empty) => {
                    let ok = StatusCode::try_from(200).expect("a status");
                    return Ok(HttpResponse::new(ok, SdkBody::from("")));
                }
                Some(Fault::AnswerLost) | None => {}
            }
            if let Some(meanwhile) = meanwhile {
                meanwhile.await;
            }
            let path = request.uri().splitn(4, '/').nth(3).unwrap_or_default().to_owned();
            request
                .set_uri(format!("{}/{path}", wire.0.url))
                .map_err(|error| ConnectorError::user(error.into()))?;
            let _clock = ClockStands::new();
            let mut answer = inner.call(request).await?;
            let body = ByteStream::new(answer.take_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?;
            *answer.body_mut() = SdkBody::from(body.into_bytes());
            if matches!(fault, Some(Fault::AnswerLost)) { Err(lost()) } else { Ok(answer) }
        })
    }
}

fn described(request: &HttpRequest) -> Call {
    let bytes = request.body().bytes().unwrap_or_default().to_vec();
    let host = request.uri().split('/').nth(2).unwrap_or_default().to_owned();
    let region = host.split('.').nth(1).unwrap_or_default().to_owned();
    let target = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
    let action = if let Some((service, operation)) = target {
        let service = match service {
            "AmazonSSM" => "ssm",
            "TrentService" => "kms",
            "secretsmanager" => "secretsmanager",
            service if service.starts_with("ResourceGroupsTagging") => "tag",
            service if service.starts_with("AWSOrganizations") => "organizations",
            other => other,
        };
        format!("{service}:{operation}")
    } else {
        let form = String::from_utf8_lossy(&bytes).into_owned();
        let operation =
            form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default();
        format!("{}:{operation}", host.split('.').next().unwrap_or_default())
    };
    Call { action, region, request: serde_json::from_slice(&bytes).unwrap_or(Value::Null), bytes }
}

/// A refusal in the call's own protocol: STS and SNS speak the query protocol, the others JSON.
fn refused(call: &Call, code: &str, message: &str) -> HttpResponse {
    let body = if call.request.is_null() {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    } else {
        serde_json::json!({"__type": code, "message": message}).to_string()
    };
    let mut response =
        HttpResponse::new(StatusCode::try_from(400).expect("a status"), SdkBody::from(body));
    response.headers_mut().insert("x-amzn-errortype", code.to_owned());
    response
}

/// While it lives, a clock that a test paused (`start_paused = true`) stands still. Such a clock jumps to the next timer
/// whenever nothing is to be done: the hub's waits then cost no time, but time-outs would lapse while the emulator works.
struct ClockStands(#[expect(dead_code, reason = "dropped, it ends the task")] mpsc::Sender<()>);

impl ClockStands {
    fn new() -> Self {
        let (end, ended) = mpsc::channel();
        // A paused clock does not move while a blocking task runs.
        drop(tokio::task::spawn_blocking(move || ended.recv()));
        Self(end)
    }
}
