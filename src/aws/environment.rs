//! Replacements for the network, the clock and the credentials.

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::throttle::BreakerLimits;

/// What a test replaces. In production every field is `None`.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Replaces the HTTP client.
    pub http_client: Option<SharedHttpClient>,
    /// Replaces the system clock for credentials and signatures. The rate limits always use tokio's clock.
    pub time_source: Option<SharedTimeSource>,
    /// Replaces the credentials that the SDK's default chain finds.
    pub credentials: Option<SharedCredentialsProvider>,
    /// Replaces the limits of the breaker.
    pub breaker: Option<BreakerLimits>,
}
