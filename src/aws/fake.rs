//! AWS for unit tests: a closure answers each request, and the requests are recorded.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use tokio::time::Instant;

use super::configuration::load;
use super::environment::Environment;
use super::{Connection, Lane, Options, Quotas};
use crate::domain::Region;

/// A request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Time since the fake was created.
    pub(crate) at: Duration,
    /// The operation without the service, such as `PutParameter`.
    pub(crate) operation: String,
    /// `hub`, or the account of the role whose credentials signed the request.
    pub(crate) account: String,
    pub(crate) host: String,
    pub(crate) body: String,
}

/// The time until each response, so that calls overlap as they do on AWS.
const LATENCY: Duration = Duration::from_millis(1);

/// The status and body of a response. The status [`NO_ANSWER`] breaks the connection.
pub(crate) type FakeResponse = (u16, String);
/// No status of HTTP: the connection breaks.
pub(crate) const NO_ANSWER: u16 = 0;
type Responder = dyn Fn(&Sent) -> FakeResponse + Send + Sync;

/// Replaces the network.
#[derive(Clone)]
pub(crate) struct FakeAws {
    start: Instant,
    sent: Arc<Mutex<Vec<Sent>>>,
    respond: Arc<Responder>,
}

impl FakeAws {
    pub(crate) fn new(respond: impl Fn(&Sent) -> FakeResponse + Send + Sync + 'static) -> Self {
        Self { start: Instant::now(), sent: Arc::default(), respond: Arc::new(respond) }
    }

    pub(crate) fn answer(&self, sent: &Sent) -> FakeResponse {
        (self.respond)(sent)
    }

    /// The requests of this operation so far, in order.
    pub(crate) fn sent(&self, operation: &str) -> Vec<Sent> {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|sent| sent.operation == operation).cloned().collect()
    }

    /// A connection to this fake in us-east-1, on tokio's clock, with the credentials of `hub`.
    pub(crate) async fn connect(&self, change: impl FnOnce(&mut Options)) -> Connection {
        let mut options = Options {
            region: Some(Region::parse("us-east-1").unwrap()),
            spoke_role_name: "spoke".to_owned(),
            external_id: Some("our-id".to_owned()),
            operator_role_arn: None,
            quotas: Quotas {
                source_share: 1.0,
                target_share: 1.0,
                source_regions: [].into(),
                overrides: Vec::new(),
                lane: Lane::Sweep,
                event_concurrency: 1,
            },
            items_in_flight: 100_000,
            environment: Environment {
                credentials: None,
                http_client: Some(SharedHttpClient::new(self.clone())),
                time_source: Some(SharedTimeSource::new(TokioTime(self.start))),
                breaker: None,
            },
        };
        change(&mut options);
        let own = Credentials::new("ASIAhub", "secret", None, None, "fake");
        // Replaces the Region and the credentials of the machine that runs the test.
        let config = load(&options)
            .await
            .into_builder()
            .region(aws_types::region::Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(own))
            .build();
        Connection::with_config(options, config).unwrap()
    }
}

impl fmt::Debug for FakeAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeAws")
    }
}

impl HttpClient for FakeAws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for FakeAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
        let query = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let target = header("x-amz-target");
        let sent = Sent {
            at: self.start.elapsed(),
            operation: query.or(target.split('.').next_back()).unwrap_or_default().to_owned(),
            account: between(&header("authorization"), "Credential=ASIA", "/").to_owned(),
            host: between(request.uri(), "://", "/").to_owned(),
            body,
        };
        self.sent.lock().unwrap().push(sent.clone());
        let (status, body) = (self.respond)(&sent);
        if status == NO_ANSWER {
            let broken = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            return HttpConnectorFuture::ready(Err(ConnectorError::io(broken.into())));
        }
        let status = StatusCode::try_from(status).unwrap();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(LATENCY).await;
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).map_or("", |(_, rest)| rest);
    rest.split(end).next().unwrap_or_default()
}

/// Tokio's clock, starting in 2026.
#[derive(Clone, Debug)]
struct TokioTime(Instant);

const START: Duration = Duration::from_secs(1_790_000_000);

impl TimeSource for TokioTime {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + START + self.0.elapsed()
    }
}

/// The response of `AssumeRole`: credentials for the role's account, valid for an hour.
pub(crate) fn assumed_role_response(sent: &Sent) -> FakeResponse {
    let account = between(&sent.body, "RoleArn=arn%3Aaws%3Aiam%3A%3A", "%3A");
    let end = START + sent.at + Duration::from_hours(1);
    let end = DateTime::from(SystemTime::UNIX_EPOCH + end).fmt(Format::DateTime).unwrap();
    let body = format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA{account}</AccessKeyId>\
         <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{end}</Expiration>\
         </Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    (200, body)
}

/// An error response of the JSON protocols.
pub(crate) fn json_error(status: u16, code: &str) -> FakeResponse {
    (status, format!(r#"{{"__type":"{code}","message":"a test error"}}"#))
}

/// An error response of the query protocol.
pub(crate) fn query_error(status: u16, code: &str) -> FakeResponse {
    let inner = format!("<Code>{code}</Code><Message>a test error</Message>");
    (status, format!("<ErrorResponse><Error>{inner}</Error></ErrorResponse>"))
}
