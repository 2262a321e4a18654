//! Where the network would be: an invocation's calls come in, and are held until they are answered.
//!
//! STS and the topic are answered at once: which credentials a call has, and when a digest is sent, is no matter of
//! order.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_async::time::TimeSource as _;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use super::process::Clock;

/// An hour, as AWS gives a role's credentials at most.
const SESSION: Duration = Duration::from_hours(1);

/// A call that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Call {
    /// `ssm:PutParameter`.
    pub(super) operation: String,
    pub(super) region: String,
    pub(super) account: String,
    /// The request's JSON, its members sorted.
    pub(super) body: String,
}

impl Call {
    /// Whether it may change something.
    pub(super) fn writes(&self) -> bool {
        writes(&self.operation)
    }

    /// The request.
    pub(super) fn request(&self) -> Value {
        serde_json::from_str(&self.body).expect("it was JSON when it came")
    }
}

/// Whether an operation may change something.
pub(super) fn writes(operation: &str) -> bool {
    // The table is not what the hub keeps: records of states and results.
    if operation.starts_with("dynamodb:") {
        return false;
    }
    let name = operation.split(':').nth(1).unwrap_or_default();
    !["Get", "List", "Describe"].iter().any(|read| name.starts_with(read))
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.operation, self.region, self.body)
    }
}

/// What a call is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// AWS did what it was asked, and its answer did not arrive: the caller waits until its own time-out.
    pub(super) fn lost() -> Self {
        Self { status: 0, body: String::new() }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.status == 0
    }
}

/// Where the network would be: calls come in and are held.
#[derive(Clone, Debug)]
pub(super) struct Door {
    inside: Arc<Mutex<Inside>>,
    clock: Clock,
}

#[derive(Debug, Default)]
pub(super) struct Inside {
    pub(super) held: Vec<(Call, oneshot::Sender<Answer>)>,
    pub(super) called: Arc<Notify>,
    /// The digest that was published.
    pub(super) published: Option<Value>,
}

impl Door {
    pub(super) fn new(clock: Clock) -> Self {
        Self { inside: Arc::default(), clock }
    }

    pub(super) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// STS is answered at once: which account's credentials a call has is no matter of order.
    fn role(&self, form: &str) -> Answer {
        let account = form
            .split_once("iam%3A%3A")
            .and_then(|(_, rest)| rest.split_once("%3A"))
            .map_or("", |(account, _)| account);
        let ends = self.clock.now() + SESSION;
        let ends = aws_smithy_types::DateTime::from(ends)
            .fmt(aws_smithy_types::date_time::Format::DateTime)
            .expect("a date");
        let body = format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{ends}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        );
        Answer { status: 200, body }
    }

    /// The topic takes what it is sent at once, too.
    fn topic(&self, form: &str) -> Answer {
        let message = form.split('&').find_map(|pair| pair.strip_prefix("Message="));
        let message: Value = serde_json::from_str(&decoded(message.unwrap_or_default()))
            .expect("one text for each kind of subscriber");
        let digest = message["default"].as_str().expect("the one for programs");
        self.inside().published = Some(serde_json::from_str(digest).expect("JSON"));
        let body = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
        Answer { status: 200, body: body.to_owned() }
    }

    /// Holds a call until it is answered.
    fn hold(&self, call: Call) -> oneshot::Receiver<Answer> {
        let (sender, answer) = oneshot::channel();
        let mut inside = self.inside();
        inside.held.push((call, sender));
        inside.called.notify_one();
        answer
    }
}

impl HttpClient for Door {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let text = String::from_utf8_lossy(body).into_owned();
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let target = header("x-amz-target");
        if target.is_empty() {
            let answer = if text.starts_with("Action=Publish&") {
                self.topic(&text)
            } else if text.starts_with("Action=GetCallerIdentity&") {
                caller()
            } else {
                self.role(&text)
            };
            return HttpConnectorFuture::ready(respond(&answer));
        }
        let answer = self.hold(read(&target, &header("authorization"), &text));
        HttpConnectorFuture::new(async move {
            // Whoever holds the other end has gone: so has this process.
            let Ok(answer) = answer.await else { return std::future::pending().await };
            respond(&answer)
        })
    }
}

/// The operator's name, for the records of states.
fn caller() -> Answer {
    let body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::999988887777:assumed-role/operator/ann</Arn><Account>999988887777</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    Answer { status: 200, body: body.to_owned() }
}

/// A request by what the simulator needs to know of it.
fn read(target: &str, authorization: &str, body: &str) -> Call {
    // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
    let scope = authorization.split_once("Credential=").map_or("", |(_, scope)| scope);
    let mut scope = scope.split('/');
    let (key, _, region) = (scope.next(), scope.next(), scope.next());
    let (service, name) = target.split_once('.').expect("a target");
    let service = match service {
        "AmazonSSM" => "ssm",
        "DynamoDB_20120810" => "dynamodb",
        service if service.starts_with("ResourceGroupsTagging") => "tag",
        service => service,
    };
    let body: Value = serde_json::from_str(body).expect("JSON");
    Call {
        operation: format!("{service}:{name}"),
        region: region.unwrap_or_default().to_owned(),
        account: key.and_then(|key| key.strip_prefix("ASIA")).unwrap_or_default().to_owned(),
        body: body.to_string(),
    }
}

/// A member of a form.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&hex, 16).expect("two digits")
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn respond(answer: &Answer) -> Result<HttpResponse, ConnectorError> {
    if answer.is_lost() {
        return Err(ConnectorError::timeout("no answer in time".into()));
    }
    let status = StatusCode::try_from(answer.status)
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(answer.body.clone())))
}
