//! The configuration that all clients start from: the SDK's sources, and the hub's rules for retries and time-outs.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{AppName, BehaviorVersion};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use super::connection::Options;
use crate::aws::throttle::connector::ThrottledHttpClient;
use crate::domain::{Cause, FailureKind, Region};

/// The time to establish a connection; the same as in Lambda's own clients.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);
/// The time until a response begins. The SDK sets no limit, so a call to a host that never answers would hang.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts of one call, including the first.
const ATTEMPTS: u32 = 5;
/// Part of the user agent, which `CloudTrail` records.
const APP_NAME: &str = "failover-replicator";

/// The configuration that all clients start from: the SDK's environment variables and profile, and the hub's rules.
///
/// There is no time-out for an attempt: it would include the wait at the limiter. The connect and read time-outs do
/// not.
pub(super) async fn load(options: &Options) -> SdkConfig {
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(options.region.as_ref().map(aws_region));
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
    // A request that waits at the limiter sends nothing. After five seconds the SDK would take it for a stalled upload.
    let stalled = StalledStreamProtectionConfig::enabled().upload_enabled(false).build();
    let http_client = options.environment.http_client.clone().unwrap_or_else(network);
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .time_source(clock_of(options))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .http_client(ThrottledHttpClient(http_client))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts.build())
        .stalled_stream_protection(stalled);
    let loader = match options.environment.credentials.clone() {
        Some(credentials) => loader.credentials_provider(credentials),
        None => loader,
    };
    // If the SDK refused the name, only the user agent would lack it.
    match AppName::new(APP_NAME) {
        Ok(name) => loader.app_name(name).load().await,
        Err(_) => loader.load().await,
    }
}

pub(super) fn clock_of(options: &Options) -> SharedTimeSource {
    options
        .environment
        .time_source
        .clone()
        .unwrap_or_else(|| SharedTimeSource::new(SystemTimeSource::new()))
}

fn aws_region(region: &Region) -> aws_types::region::Region {
    aws_types::region::Region::new(region.as_str().to_owned())
}

fn network() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

pub(super) fn own_region(config: &SdkConfig) -> Result<Region, Cause> {
    let invalid = |message: String| {
        Cause::new(FailureKind::Invalid, message)
            .with_remedy("set AWS_REGION to the hub's Region, such as us-east-1")
    };
    let name = config
        .region()
        .ok_or_else(|| invalid("no Region is configured for the hub's own calls".to_owned()))?;
    Region::parse(name.as_ref()).map_err(|error| invalid(error.to_string()))
}
