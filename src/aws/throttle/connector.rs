//! The HTTP client of all clients: it sends a request when the request's turn has come.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::ErrorKind;

use super::interceptor::Ticket;

/// One HTTP client for all accounts, Regions and services, with one pool of connections.
///
/// `validate_base_client_config` is deliberately not passed on: the inner client would read the trust store anew for each
/// SDK client, which makes it four times as dear.
#[derive(Debug)]
pub(in crate::aws) struct PacedHttpClient(pub(in crate::aws) SharedHttpClient);

impl HttpClient for PacedHttpClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(PacedConnector(self.0.http_connector(settings, components)))
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct PacedConnector(SharedHttpConnector);

impl HttpConnector for PacedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // The SDK's own way to credentials (single sign-on, a container's role) carries no ticket and has no quota.
        let Some(ticket) = request.extension::<Ticket>().cloned() else {
            return self.0.call(request);
        };
        let inner = self.0.clone();
        HttpConnectorFuture::new(async move {
            // As a passing fault it is signed anew by the SDK's retry, and joins the queue again.
            ticket.pass().await.map_err(|error| {
                ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
            })?;
            ticket.log(&request);
            inner.call(request).await
        })
    }
}
