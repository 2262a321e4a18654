//! The last question before a write: may this request begin now?
//!
//! A call names what it needs ([`WriteIntent`]): the account, the routes and the reason of the write. The interceptor
//! attaches the intent to every attempt, and the connector asks the gate when the request is signed and has passed its
//! rate limit, immediately before the connection. A write without an intent is an internal error and is not sent.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use futures::future::BoxFuture;

use crate::domain::{AccountId, Cause, Need, RoutePair};

/// What a request that writes needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteIntent {
    /// The account that the request changes.
    pub account: AccountId,
    /// The routes that the request serves; all of them must allow the request.
    pub routes: Vec<RoutePair>,
    /// The reason of the write.
    pub need: Need,
}

/// Decides whether a write may begin now. The only implementation outside tests reads the states of the routes.
pub trait WriteGate: fmt::Debug + Send + Sync {
    /// Completes when the request may begin: nothing may happen between this and the connection.
    ///
    /// # Errors
    /// Why the request must not begin.
    fn admit<'a>(&'a self, intent: &'a WriteIntent) -> BoxFuture<'a, Result<(), Cause>>;
}

/// An intent with the gate that judges it. Without a gate every route is active (`REPLICATOR_TABLE=none`).
#[derive(Clone, Debug)]
pub(super) struct GatedWrite {
    pub(super) intent: WriteIntent,
    pub(super) gate: Option<Arc<dyn WriteGate>>,
}

impl GatedWrite {
    /// Completes when the request may begin.
    ///
    /// # Errors
    /// Why the request must not begin.
    pub(super) async fn admit(&self) -> Result<(), Cause> {
        match &self.gate {
            Some(gate) => gate.admit(&self.intent).await,
            None => Ok(()),
        }
    }
}

/// Attaches the intent to every attempt of one call.
#[derive(Debug)]
pub struct WriteIntentInterceptor(pub(super) GatedWrite);

#[dyn_dispatch_hint]
impl Intercept for WriteIntentInterceptor {
    fn name(&self) -> &'static str {
        "WriteIntentInterceptor"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().add_extension(self.0.clone());
        Ok(())
    }
}
