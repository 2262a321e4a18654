//! The breaker: a source Region that does not answer costs seconds, whatever the number of accounts.
//!
//! A sweep asks the same source Region for every account. If the Region is lost, each account alone would wait for all
//! attempts of a call. The accounts therefore share what they learn. After [`BreakerLimits::accounts`] different accounts
//! could not reach a service of a source Region, without an answer in between, the breaker opens: further requests there
//! fail at once. One account at a time probes, with one request to each service. The first answer closes the breaker.
//!
//! Every response but a server error is an answer: a refusal or a throttle shows that the Region works. One account that
//! alone is refused, throttled or cut off therefore never opens the breaker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_async::time::SharedTimeSource;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use crate::aws::moment::Moment;
use crate::domain::{AccountId, Region};

/// When the hub gives a source Region up for the other accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerLimits {
    /// The number of accounts that could not reach the Region before the breaker opens.
    pub accounts: usize,
    /// The pause between the end of one probe and the begin of the next.
    pub probe_interval: Duration,
    /// How long failures count. After an idle time the breaker begins again.
    pub memory: Duration,
    /// How long a Region may leave all requests of that number of accounts without an answer before an account that only waits
    /// for it gives up its slot in the sweep.
    pub silence: Duration,
}

impl BreakerLimits {
    /// A breaker that never opens.
    pub const NEVER: Self = Self {
        accounts: usize::MAX,
        probe_interval: Duration::ZERO,
        memory: Duration::ZERO,
        silence: Duration::MAX,
    };
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self {
            accounts: 3,
            probe_interval: Duration::from_secs(5),
            memory: Duration::from_secs(30),
            silence: Duration::from_millis(300),
        }
    }
}

/// The breaker refused a request: its Region does not answer.
///
/// The text names neither the account nor the operation: the failures of all accounts have one cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{region} does not answer: {accounts} accounts could not reach it (the last error: {error}); until it answers, the hub sends it one probe each {} s",
    probe_interval.as_secs()
)]
pub(in crate::aws) struct RegionSilent {
    region: Region,
    accounts: usize,
    error: String,
    probe_interval: Duration,
}

/// The breaker of all source Regions.
#[derive(Debug)]
pub(in crate::aws) struct Breaker {
    limits: BreakerLimits,
    clock: SharedTimeSource,
    regions: Mutex<BTreeMap<Region, RegionHealth>>,
    opened: Notify,
    /// Several accounts wait for a first answer.
    crowded: Notify,
}

#[derive(Debug, Default)]
struct RegionHealth {
    circuits: BTreeMap<&'static str, Circuit>,
    /// The error that opened the first circuit.
    error: String,
    probes: Probes,
}

/// What is known of one service in one Region.
#[derive(Debug, Default)]
struct Circuit {
    is_open: bool,
    /// The accounts that could not reach the service since its last answer.
    failed: BTreeSet<AccountId>,
    failed_at: Option<Moment>,
    answered_at: Option<Instant>,
    /// The accounts that sent requests since the last answer.
    unanswered: BTreeSet<AccountId>,
    /// When the first of these requests was sent.
    unanswered_since: Option<Instant>,
}

/// Whether a Region leaves all requests without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// It does.
    Now,
    /// It does if no answer comes until then.
    At(Instant),
    /// Too few accounts wait to tell.
    Few,
}

/// The account that probes a Region. Its requests to the services of the Region go together: a list of parameters needs
/// two services.
#[derive(Debug, Default)]
struct Probes {
    account: Option<AccountId>,
    services: BTreeSet<&'static str>,
    under_way: usize,
    /// The end of the last probe, or the opening of the breaker.
    ended: Option<Moment>,
}

/// A probe under way. No other account probes the Region until this value is dropped.
#[derive(Debug)]
pub(super) struct Probe {
    breaker: Arc<Breaker>,
    region: Region,
}

impl Breaker {
    pub(in crate::aws) fn new(limits: BreakerLimits, clock: SharedTimeSource) -> Arc<Self> {
        let (regions, opened, crowded) = <_>::default();
        Arc::new(Self { limits, clock, regions, opened, crowded })
    }

    /// Whether the account may send a request: as a probe if the breaker is open.
    ///
    /// # Errors
    /// The Region does not answer, and another account probes it. A repeated request is no probe: its account has waited
    /// long enough.
    pub(super) fn ask(
        self: &Arc<Self>,
        (region, service): (&Region, &'static str),
        account: &AccountId,
        is_repeated: bool,
    ) -> Result<Option<Probe>, RegionSilent> {
        let now = self.now();
        let mut regions = self.regions();
        let Some(health) = regions.get_mut(region) else { return Ok(None) };
        health.forget(now, self.limits.memory);
        let Some(circuit) = health.circuits.get(service).filter(|circuit| circuit.is_open) else {
            return Ok(None);
        };
        let accounts = circuit.failed.len();
        let probe_interval = self.limits.probe_interval;
        if !is_repeated && health.probes.begin(account, service, now, probe_interval) {
            return Ok(Some(Probe { breaker: Arc::clone(self), region: region.clone() }));
        }
        let error = health.error.clone();
        Err(RegionSilent { region: region.clone(), accounts, error, probe_interval })
    }

    /// Completes when the breaker opens for some Region after this call.
    pub(super) fn opens(&self) -> Notified<'_> {
        self.opened.notified()
    }

    /// The account sends a request now.
    pub(super) fn sent(&self, (region, service): (&Region, &'static str), account: &AccountId) {
        let now = Instant::now();
        let mut regions = self.regions();
        let circuit = circuit(&mut regions, region, service);
        // A request that was dropped never gets an answer, so an old one says nothing.
        let is_old = |since: Instant| now.duration_since(since) >= self.limits.memory;
        if circuit.unanswered_since.is_none_or(is_old) {
            circuit.unanswered.clear();
            circuit.unanswered_since = Some(now);
        }
        let is_new = circuit.unanswered.insert(account.clone());
        if is_new && circuit.unanswered.len() == self.limits.accounts {
            self.crowded.notify_waiters();
        }
    }

    /// The service answered.
    pub(super) fn answered(&self, region: &Region, service: &'static str) {
        let mut regions = self.regions();
        let circuit = circuit(&mut regions, region, service);
        circuit.answered_at = Some(Instant::now());
        circuit.unanswered.clear();
        circuit.unanswered_since = None;
        circuit.failed.clear();
        if std::mem::take(&mut circuit.is_open) {
            tracing::info!(%region, service, "the Region answers again");
        }
    }

    /// A request that was sent at this time got no answer. It says nothing if another request got one since.
    pub(super) fn failed(
        &self,
        (region, service): (&Region, &'static str),
        account: &AccountId,
        sent: Instant,
        error: &str,
    ) {
        let now = self.now();
        let mut regions = self.regions();
        circuit(&mut regions, region, service);
        let Some(health) = regions.get_mut(region) else { return };
        health.forget(now, self.limits.memory);
        let is_first = health.circuits.values().all(|circuit| !circuit.is_open);
        let Some(circuit) = health.circuits.get_mut(service) else { return };
        if circuit.answered_at.is_some_and(|at| at > sent) {
            return;
        }
        circuit.failed.insert(account.clone());
        circuit.failed_at = Some(now);
        if circuit.is_open || circuit.failed.len() < self.limits.accounts {
            return;
        }
        circuit.is_open = true;
        let accounts = circuit.failed.len();
        tracing::warn!(%region, service, accounts, error, "the Region does not answer; further requests fail at once");
        if is_first {
            health.error = format!("{service}: {error}");
            health.probes.ended = Some(now);
        }
        self.opened.notify_waiters();
    }

    /// Whether the service leaves all requests without an answer. A few accounts that wait prove nothing.
    fn silence(&self, region: &Region, service: &'static str) -> Silence {
        let now = Instant::now();
        let mut regions = self.regions();
        let circuit = circuit(&mut regions, region, service);
        if circuit.is_open {
            return Silence::Now;
        }
        let are_many = circuit.unanswered.len() >= self.limits.accounts;
        let since = circuit.unanswered_since.filter(|_| are_many);
        match since.and_then(|since| since.checked_add(self.limits.silence)) {
            None => Silence::Few,
            Some(at) if at <= now => Silence::Now,
            Some(at) => Silence::At(at),
        }
    }

    /// Completes when the service leaves all requests without an answer.
    pub(super) async fn is_silent(&self, region: &Region, service: &'static str) {
        // Most answers come within this time. Only a request that waits longer asks who else waits.
        if self.silence(region, service) == Silence::Few {
            tokio::time::sleep(self.limits.silence).await;
        }
        loop {
            // Before the question, so that no change is missed.
            let changes = (self.crowded.notified(), self.opened.notified());
            match self.silence(region, service) {
                Silence::Now => return,
                Silence::At(at) => tokio::time::sleep_until(at).await,
                Silence::Few => tokio::select! {
                    () = changes.0 => {}
                    () = changes.1 => {}
                },
            }
        }
    }

    fn now(&self) -> Moment {
        Moment::now(&self.clock)
    }

    fn regions(&self) -> MutexGuard<'_, BTreeMap<Region, RegionHealth>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn circuit<'a>(
    regions: &'a mut BTreeMap<Region, RegionHealth>,
    region: &Region,
    service: &'static str,
) -> &'a mut Circuit {
    regions.entry(region.clone()).or_default().circuits.entry(service).or_default()
}

impl RegionHealth {
    /// Forgets old failures.
    fn forget(&mut self, now: Moment, memory: Duration) {
        for circuit in self.circuits.values_mut() {
            if circuit.failed_at.is_some_and(|at| at.age(now).is_none_or(|age| age >= memory)) {
                circuit.failed.clear();
                circuit.failed_at = None;
                circuit.is_open = false;
            }
        }
    }
}

impl Probes {
    /// Begins a probe if it is the account's turn.
    fn begin(
        &mut self,
        account: &AccountId,
        service: &'static str,
        now: Moment,
        interval: Duration,
    ) -> bool {
        if self.account.as_ref() != Some(account) || self.services.contains(service) {
            let is_due =
                |ended: Moment| ended.age(now).is_none_or(|since_then| since_then >= interval);
            if self.under_way > 0 || !self.ended.is_none_or(is_due) {
                return false;
            }
            self.account = Some(account.clone());
            self.services.clear();
        }
        self.services.insert(service);
        self.under_way += 1;
        true
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let now = self.breaker.now();
        if let Some(health) = self.breaker.regions().get_mut(&self.region) {
            health.probes.under_way = health.probes.under_way.saturating_sub(1);
            health.probes.ended = Some(now);
        }
    }
}

#[cfg(test)]
mod tests;
