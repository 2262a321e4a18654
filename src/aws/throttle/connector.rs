//! The HTTP client behind every SDK client. It sends a request only when the limiter of the request's bucket allows it,
//! and a write only when the gate allows it. The gate is asked last: nothing happens between its answer and the
//! connection.

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

use super::interceptor::{NotSent, Permit};
use crate::aws::write_gate::GatedWrite;
use crate::domain::{Cause, FailureKind};

/// One HTTP client, with one pool of connections, for all accounts, Regions and services.
///
/// `validate_base_client_config` is not forwarded on purpose: the inner client would read the trust store again for
/// each SDK client, and creating a client would cost four times as much.
#[derive(Debug)]
pub(in crate::aws) struct ThrottledHttpClient(pub(in crate::aws) SharedHttpClient);

impl HttpClient for ThrottledHttpClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(ThrottledConnector(self.0.http_connector(settings, components)))
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
struct ThrottledConnector(SharedHttpConnector);

impl HttpConnector for ThrottledConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // The SDK's own credential calls (single sign-on, a container's role) have no permit, and no quota applies.
        let Some(permit) = request.extension::<Permit>().cloned() else {
            return self.0.call(request);
        };
        let inner = self.0.clone();
        HttpConnectorFuture::new(async move {
            let mut pending = permit.pending();
            let read = permit.wait().await.map_err(not_sent)?;
            may_begin(&permit, &request)
                .await
                .map_err(|cause| ConnectorError::other(cause.into(), None))?;
            permit.log_write(&request);
            match read {
                Some(read) => read.send(&mut pending, || inner.call(request)).await,
                None => inner.call(request).await,
            }
        })
    }
}

fn not_sent(error: NotSent) -> ConnectorError {
    match error {
        // Reported as a transient error, the SDK retries: it signs the request again, which queues again.
        NotSent::WaitedTooLong(error) => {
            ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
        }
        NotSent::RegionSilent(error) => ConnectorError::other(error.into(), None),
    }
}

/// Completes when the request may begin. Reads always may.
async fn may_begin(permit: &Permit, request: &HttpRequest) -> Result<(), Cause> {
    if !permit.is_write() {
        return Ok(());
    }
    let Some(write) = request.extension::<GatedWrite>().cloned() else {
        let message = format!("internal error: {} names no route and no need", permit.action());
        return Err(Cause::new(FailureKind::Bug, message));
    };
    write.admit().await
}
