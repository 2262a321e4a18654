//! Attaches a permit to every attempt, including the SDK's retries, and reports AWS's answers to the limiter.
//!
//! An interceptor knows the operation of an attempt but cannot wait; the HTTP client can wait but does not know the
//! operation. The permit carries the one to the other.

use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::breaker::RegionSilent;
use super::buckets::bucket_of;
use super::limiter::{Limiter, WaitedTooLong};
use super::pending::PendingRequest;
use super::registry::{AccountLimiters, CallCounts};
use super::source_read::{AdmittedRead, SentRead, SourceRead};
use crate::aws::errors::classify::is_throttle;
use crate::aws::errors::wire::error_code;
use crate::aws::writes;
use crate::domain::Region;
use crate::settings::Bucket;

/// The slowest bucket, for an operation that is missing from [`super::ACTIONS`]. The missing entry is a bug.
const UNKNOWN: Bucket = Bucket::SsmControl;

/// What the HTTP client needs to wait for one request's turn, and to count and log the request.
#[derive(Clone, Debug)]
pub(in crate::aws) struct Permit {
    action: String,
    limiters: Arc<AccountLimiters>,
    region: Region,
    limiter: Arc<Limiter>,
    calls: Arc<CallCounts>,
    /// The request if it reads a source Region.
    source_read: Option<SourceRead>,
}

/// Why a request was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotSent {
    WaitedTooLong(WaitedTooLong),
    RegionSilent(RegionSilent),
}

impl Permit {
    /// The action as IAM spells it.
    pub(super) fn action(&self) -> &str {
        &self.action
    }

    /// Whether the request changes a member account.
    pub(super) fn is_write(&self) -> bool {
        writes::is_write(&self.action)
    }

    /// Logs the request if it is a write.
    pub(in crate::aws) fn log_write(&self, request: &HttpRequest) {
        if self.is_write() {
            let account = self.limiters.account.as_ref();
            writes::log(&self.action, account, &self.region, request.body().bytes());
        }
    }

    /// Counts the request among those of its account until the returned value is dropped.
    pub(super) fn pending(&self) -> PendingRequest {
        self.limiters.pending.begin()
    }

    /// Waits until the limiter lets the request pass, and counts the attempt. `None`: the request does not read a source
    /// Region.
    pub(super) async fn wait(&self) -> Result<Option<AdmittedRead>, NotSent> {
        let turn = self.limiter.acquire();
        let (waited, read) = match &self.source_read {
            None => (turn.await, None),
            Some(read) => {
                let (waited, read) = read.in_turn(turn).await.map_err(NotSent::RegionSilent)?;
                (waited, Some(read))
            }
        };
        let waited = waited.map_err(NotSent::WaitedTooLong)?;
        self.calls.count(&self.action, |stats| {
            stats.attempts += 1;
            stats.waited += waited;
        });
        Ok(read)
    }
}

/// The interceptor of one client: one service in one Region.
#[derive(Debug)]
pub(in crate::aws) struct ThrottleInterceptor {
    limiters: Arc<AccountLimiters>,
    region: Region,
    service: &'static str,
}

impl ThrottleInterceptor {
    /// `service` is the prefix of its actions in IAM, such as `ssm`.
    pub(in crate::aws) fn new(
        limiters: &Arc<AccountLimiters>,
        region: &Region,
        service: &'static str,
    ) -> Self {
        Self { limiters: Arc::clone(limiters), region: region.clone(), service }
    }

    fn permit(&self, config: &ConfigBag) -> Permit {
        let operation = config.load::<Metadata>().map_or("unknown", Metadata::name);
        let action = format!("{}:{operation}", self.service);
        let bucket = bucket_of(&action).unwrap_or_else(|| {
            tracing::error!("internal error: {action} is not in the hub's list of actions");
            UNKNOWN
        });
        let limiter = self.limiters.limiter(&self.region, bucket);
        let source_read = self.source_read(&action, config);
        let (limiters, region) = (Arc::clone(&self.limiters), self.region.clone());
        let calls = Arc::clone(&self.limiters.calls);
        Permit { action, limiters, region, limiter, calls, source_read }
    }

    /// The attempt as the breaker sees it; `None` for a write, for the hub's own calls, and in other Regions.
    fn source_read(&self, action: &str, config: &ConfigBag) -> Option<SourceRead> {
        let account = self.limiters.account.clone()?;
        if writes::is_write(action) || !self.limiters.is_source(&self.region) {
            return None;
        }
        let attempts = config.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts);
        Some(SourceRead {
            breaker: Arc::clone(&self.limiters.breaker),
            region: self.region.clone(),
            service: self.service,
            account,
            is_repeated: attempts > 1,
        })
    }
}

#[dyn_dispatch_hint]
impl Intercept for ThrottleInterceptor {
    fn name(&self) -> &'static str {
        "ThrottleInterceptor"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let permit = self.permit(config);
        context.request_mut().add_extension(permit);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(response) = context.response() else { return Ok(()) };
        if let Some(sent) = response.extension::<SentRead>() {
            sent.learn(response);
        }
        let permit = self.permit(config);
        let status = response.status();
        if status.is_success() {
            permit.limiter.succeeded();
        } else if status.as_u16() == 429
            || error_code(response).is_some_and(|code| is_throttle(&code))
        {
            permit.limiter.throttled();
            permit.calls.count(&permit.action, |stats| stats.throttled += 1);
        }
        Ok(())
    }
}
