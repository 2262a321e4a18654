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
use crate::service::Reply;
use crate::sim::Sim;

impl HttpClient for Sim {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            sim: self.clone(),
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    sim: Sim,
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
        let (sim, limit) = (self.sim.clone(), self.read_timeout);
        HttpConnectorFuture::new(async move {
            let answer = async {
                match sim.answer(&request).await {
                    Reply::Never => std::future::pending().await,
                    reply => reply,
                }
            };
            let reply = match limit {
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .map_err(|late| ConnectorError::timeout(late.into()))?,
                None => answer.await,
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
