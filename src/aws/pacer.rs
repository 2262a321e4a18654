//! Every attempt of every call waits at its gate, the SDK's repetitions too, and AWS's answers set the gates' rates.
//!
//! An interceptor knows which operation an attempt belongs to but cannot wait; the HTTP client can wait but does not
//! know. So the interceptor puts a ticket on the request, and the HTTP client waits at the ticket's gate.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::actions::bucket_of;
use super::class::is_throttle;
use super::gate::Gate;
use super::pacing::{CallStats, Quotas};
use super::wire::error_code;
use super::writes;
use crate::domain::{AccountId, Region};
use crate::settings::Bucket;

/// The bucket of an operation that [`super::ACTIONS`] does not have: the slowest. That the list lacks it is a bug.
const UNKNOWN: Bucket = Bucket::SsmControl;

/// What became of all calls of the process, by action.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<BTreeMap<String, CallStats>>);

impl Calls {
    /// A copy of the counts.
    pub(super) fn snapshot(&self) -> BTreeMap<String, CallStats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, action: &str, change: impl FnOnce(&mut CallStats)) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stats) = calls.get_mut(action) {
            change(stats);
        } else {
            change(calls.entry(action.to_owned()).or_default());
        }
    }
}

/// The gates of one account, or of the hub's own calls.
pub(super) struct Pacer {
    account: Option<AccountId>,
    quotas: Arc<Quotas>,
    calls: Arc<Calls>,
    gates: Mutex<BTreeMap<(Region, Bucket), Arc<Gate>>>,
}

impl Pacer {
    /// For `account`, or for the hub's own calls.
    pub(super) fn new(
        account: Option<AccountId>,
        quotas: Arc<Quotas>,
        calls: Arc<Calls>,
    ) -> Arc<Self> {
        Arc::new(Self { account, quotas, calls, gates: Mutex::new(BTreeMap::new()) })
    }

    fn gate(&self, region: &Region, bucket: Bucket) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || Gate::new(self.quotas.rate(self.account.as_ref(), region, bucket));
        Arc::clone(gates.entry((region.clone(), bucket)).or_insert_with(open))
    }

    fn is_at_rest(&self) -> bool {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.values().all(|gate| gate.is_at_rest())
    }
}

/// The accounts' pacers. One outlives its account's session until its gates are at rest: were it dropped with it, a
/// function that handles one small batch after the other would begin each with full buckets. Then it goes, so that
/// memory does not grow with the organisation.
#[derive(Debug, Default)]
pub(super) struct Pacers(Mutex<HashMap<AccountId, Arc<Pacer>>>);

impl Pacers {
    /// The account's, a new one where none is remembered.
    pub(super) fn of(
        &self,
        account: &AccountId,
        quotas: &Arc<Quotas>,
        calls: &Arc<Calls>,
    ) -> Arc<Pacer> {
        let mut pacers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pacers.retain(|_, pacer| Arc::strong_count(pacer) > 1 || !pacer.is_at_rest());
        let new = || Pacer::new(Some(account.clone()), Arc::clone(quotas), Arc::clone(calls));
        Arc::clone(pacers.entry(account.clone()).or_insert_with(new))
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer").field("account", &self.account).finish_non_exhaustive()
    }
}

/// A request's place at a gate.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    action: String,
    pacer: Arc<Pacer>,
    region: Region,
    gate: Arc<Gate>,
    calls: Arc<Calls>,
}

impl Ticket {
    /// Logs the request, which is about to be sent, if it is a write.
    pub(super) fn log(&self, request: &HttpRequest) {
        if writes::is_write(&self.action) {
            let account = self.pacer.account.as_ref();
            writes::log(&self.action, account, &self.region, request.body().bytes());
        }
    }

    /// Waits for the request's turn and counts the attempt.
    pub(super) async fn pass(&self) -> Result<(), super::gate::WaitedTooLong> {
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
pub(super) struct Paced {
    pacer: Arc<Pacer>,
    region: Region,
    service: &'static str,
}

impl Paced {
    /// `service` is the prefix of its actions in IAM.
    pub(super) fn new(pacer: &Arc<Pacer>, region: &Region, service: &'static str) -> Self {
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
