//! Every attempt of every call waits at its gate, the SDK's repetitions too, and AWS's answers set the gates' rates.
//!
//! An interceptor knows which operation an attempt belongs to but cannot wait; the HTTP client can wait but does not
//! know. So the interceptor puts a ticket on the request, and the HTTP client waits at the ticket's gate.

use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::buckets::bucket_of;
use super::limiter::Gate;
use super::registry::{Calls, Pacer};
use crate::aws::errors::classify::is_throttle;
use crate::aws::errors::wire::error_code;
use crate::aws::writes;
use crate::domain::Region;
use crate::settings::Bucket;

/// The bucket of an operation that [`super::ACTIONS`] does not have: the slowest. That the list lacks it is a bug.
const UNKNOWN: Bucket = Bucket::SsmControl;

/// A request's place at a gate.
#[derive(Clone, Debug)]
pub(in crate::aws) struct Ticket {
    action: String,
    pacer: Arc<Pacer>,
    region: Region,
    gate: Arc<Gate>,
    calls: Arc<Calls>,
}

impl Ticket {
    /// Logs the request, which is about to be sent, if it is a write.
    pub(in crate::aws) fn log(&self, request: &HttpRequest) {
        if writes::is_write(&self.action) {
            let account = self.pacer.account.as_ref();
            writes::log(&self.action, account, &self.region, request.body().bytes());
        }
    }

    /// Waits for the request's turn and counts the attempt.
    pub(in crate::aws) async fn pass(&self) -> Result<(), super::limiter::WaitedTooLong> {
        let waited = self.gate.pass().await?;
        self.calls.count(&self.action, |stats| {
            stats.attempts += 1;
            stats.waited += waited;
        });
        Ok(())
    }
}

/// What a client of one service in one Region needs to be paced.
#[derive(Debug)]
pub(in crate::aws) struct Paced {
    pacer: Arc<Pacer>,
    region: Region,
    service: &'static str,
}

impl Paced {
    /// `service` is the prefix of its actions in IAM.
    pub(in crate::aws) fn new(pacer: &Arc<Pacer>, region: &Region, service: &'static str) -> Self {
        Self { pacer: Arc::clone(pacer), region: region.clone(), service }
    }

    fn ticket(&self, config: &ConfigBag) -> Ticket {
        let operation = config.load::<Metadata>().map_or("unknown", Metadata::name);
        let action = format!("{}:{operation}", self.service);
        let bucket = bucket_of(&action).unwrap_or_else(|| {
            tracing::error!("{action} is called, which the hub's list of actions lacks");
            UNKNOWN
        });
        let gate = self.pacer.gate(&self.region, bucket);
        let (pacer, region) = (Arc::clone(&self.pacer), self.region.clone());
        Ticket { action, pacer, region, gate, calls: Arc::clone(&self.pacer.calls) }
    }
}

#[dyn_dispatch_hint]
impl Intercept for Paced {
    fn name(&self) -> &'static str {
        "Paced"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let ticket = self.ticket(config);
        context.request_mut().add_extension(ticket);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(response) = context.response() else { return Ok(()) };
        let ticket = self.ticket(config);
        let status = response.status();
        if status.is_success() {
            ticket.gate.succeeded();
        } else if status.as_u16() == 429
            || error_code(response).is_some_and(|code| is_throttle(&code))
        {
            ticket.gate.throttled();
            ticket.calls.count(&ticket.action, |stats| stats.throttled += 1);
        }
        Ok(())
    }
}
