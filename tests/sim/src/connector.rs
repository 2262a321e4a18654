//! The simulator as the HTTP client of an SDK. The SDK serialises, signs and retries as it does with AWS.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use crate::protocol::Request;
use crate::service::{Dispatched, Reply};
use crate::sim::Sim;

impl HttpClient for Sim {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            sim: self.clone(),
            connect_timeout: settings.connect_timeout(),
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    sim: Sim,
    connect_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).map(str::to_owned);
        let request = Request {
            target: header("x-amz-target"),
            authorization: header("authorization").unwrap_or_default(),
            token: header("x-amz-security-token"),
            date: header("x-amz-date"),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        };
        let (sim, limits) = (self.sim.clone(), (self.connect_timeout, self.read_timeout));
        HttpConnectorFuture::new(async move {
            let reply = match sim.dispatch(&request) {
                Ok(call) => reply(&sim, &call, limits).await?,
                Err(refusal) => refusal,
            };
            let Reply::Answer(answer) = reply else {
                return Err(ConnectorError::io("connection reset by the simulator".into()));
            };
            let status = StatusCode::try_from(answer.status)
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
            response.headers_mut().insert("content-type", answer.content_type);
            Ok(response)
        })
    }
}

/// Connects and waits for the reply, each within its limit. In some clients the second limit includes the time to connect;
/// here a call can take as long as both together.
async fn reply(
    sim: &Sim,
    call: &Dispatched,
    (connect, read): (Option<Duration>, Option<Duration>),
) -> Result<Reply, ConnectorError> {
    within(connect, call.connect()).await?;
    let answer = async {
        match sim.exchange(call).await {
            Reply::Never => std::future::pending().await,
            reply => reply,
        }
    };
    within(read, answer).await
}

async fn within<T>(
    limit: Option<Duration>,
    action: impl Future<Output = T>,
) -> Result<T, ConnectorError> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, action)
            .await
            .map_err(|late| ConnectorError::timeout(late.into())),
        None => Ok(action.await),
    }
}
