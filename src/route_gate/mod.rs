//! The gate in front of every write: the state of the route allows the write, and the state is fresh.
//!
//! A write begins at most 10 s after a consistent read of the state *was sent*, by the clock that advanced further, so
//! that a state that changed is obeyed after 10 s. A request of a living process ends within 3.1 s to connect and 10 s
//! for an answer: 24 s after a freeze no request is under way.
//!
//! A run has one gate, and no read outlives the run. The gate reads each route once when the run begins, and again when a
//! write finds the read older than 5 s. Concurrent writes share one read.

mod division;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::aws::{Moment, WriteGate, WriteIntent};
use crate::domain::{
    AccountId, Cause, FailureKind, RoutePair, RouteRecord, RouteState, Routes, StateEntry,
    Timestamp,
};
use crate::table::{StateRead, Table};

pub use division::Division;

/// The oldest read of the state that a write may rely on.
pub const MAX_AGE: Duration = Duration::from_secs(10);
/// The age after which a write reads the state again.
const REFRESH_AFTER: Duration = Duration::from_secs(5);

/// The state of one route as it was read.
#[derive(Clone, Debug)]
struct Known {
    /// When the read was sent.
    sent: Moment,
    state: Arc<Result<StateRead, Cause>>,
}

/// One route: the last successful read and the last failed one, and the lock of the read under way.
#[derive(Debug, Default)]
struct Slot {
    known: Mutex<Option<Known>>,
    failed: Mutex<Option<Known>>,
    reading: tokio::sync::Mutex<()>,
}

/// The states of the routes during one run.
#[derive(Debug)]
pub struct RouteGate {
    table: Table,
    /// The routes of the settings. A former route without a record was never frozen.
    routes: Routes,
    slots: Mutex<BTreeMap<RoutePair, Arc<Slot>>>,
}

/// What a run may do on one route of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Reconcile the route.
    Write,
    /// Only plan: the table has no record of the route.
    Plan(StateEntry),
    /// Leave the route alone, its source included.
    Leave(StateEntry),
    /// The state is unreadable: leave the route alone.
    Unreadable(Cause),
}

impl RouteGate {
    /// A gate that has read nothing yet.
    pub fn new(table: Table, routes: Routes) -> Self {
        Self { table, routes, slots: Mutex::default() }
    }

    /// What a run may do on a route of an account, by a read that is at most [`MAX_AGE`] old.
    pub async fn permission(&self, account: &AccountId, pair: &RoutePair) -> Permission {
        let known = self.read(pair, MAX_AGE).await;
        match &*known.state {
            Err(cause) => Permission::Unreadable(unreadable(pair, cause)),
            Ok(read) => {
                let entry = read.record.of(account).clone();
                match entry.state {
                    RouteState::Active => Permission::Write,
                    RouteState::New => Permission::Plan(entry),
                    _ => Permission::Leave(entry),
                }
            }
        }
    }

    /// Since when the route is active for the account, by the last read; `None` if it is not active or was not read.
    pub fn active_since(&self, account: &AccountId, pair: &RoutePair) -> Option<Timestamp> {
        let slot = self.slot(pair);
        let known = lock(&slot.known).clone()?;
        let entry = known.state.as_ref().as_ref().ok()?.record.of(account);
        (entry.state == RouteState::Active).then_some(entry.since).flatten()
    }

    /// The last read of each route.
    pub fn reads(&self) -> Vec<(RoutePair, Result<StateRead, Cause>)> {
        let slots = lock(&self.slots).clone();
        let last = |slot: &Slot| {
            let (known, failed) = (lock(&slot.known).clone(), lock(&slot.failed).clone());
            known.or(failed).map(|known| (*known.state).clone())
        };
        slots.into_iter().filter_map(|(pair, slot)| Some((pair, last(&slot)?))).collect()
    }

    /// The state of a route, by a read that is at most `max_age` old. A failed read is repeated only after as long.
    async fn read(&self, pair: &RoutePair, max_age: Duration) -> Known {
        let slot = self.slot(pair);
        if let Some(known) = self.fresh(&slot.known, max_age) {
            return known;
        }
        let _reading = slot.reading.lock().await;
        if let Some(known) =
            self.fresh(&slot.known, max_age).or_else(|| self.fresh(&slot.failed, REFRESH_AFTER))
        {
            return known;
        }
        let sent = self.table.connection().moment();
        let known = Known { sent, state: Arc::new(self.table.state(pair).await) };
        let kept = if known.state.is_ok() { &slot.known } else { &slot.failed };
        *lock(kept) = Some(known.clone());
        known
    }

    fn fresh(&self, known: &Mutex<Option<Known>>, max_age: Duration) -> Option<Known> {
        let known = lock(known).clone()?;
        self.is_fresh(&known, max_age).then_some(known)
    }

    fn is_fresh(&self, known: &Known, max_age: Duration) -> bool {
        let now = self.table.connection().moment();
        known.sent.age(now).is_some_and(|age| age <= max_age)
    }

    fn slot(&self, pair: &RoutePair) -> Arc<Slot> {
        Arc::clone(lock(&self.slots).entry(pair.clone()).or_default())
    }

    /// Whether the intent may begin, judged from the last reads.
    fn judge(&self, intent: &WriteIntent) -> Result<(), Cause> {
        if intent.routes.is_empty() {
            let message = "internal error: a write names no route";
            return Err(Cause::new(FailureKind::Bug, message));
        }
        for pair in &intent.routes {
            let slot = self.slot(pair);
            let Some(known) = self.fresh(&slot.known, MAX_AGE) else {
                let failed = lock(&slot.failed).clone();
                let cause = failed.as_ref().and_then(|known| known.state.as_ref().as_ref().err());
                return Err(cause.map_or_else(|| too_old(pair), |cause| unreadable(pair, cause)));
            };
            let read = known.state.as_ref().as_ref().map_err(|cause| unreadable(pair, cause))?;
            self.allows(intent, pair, &read.record)?;
        }
        Ok(())
    }

    fn allows(
        &self,
        intent: &WriteIntent,
        pair: &RoutePair,
        record: &RouteRecord,
    ) -> Result<(), Cause> {
        let entry = record.of(&intent.account);
        let is_former = self
            .routes
            .from_source(&pair.source)
            .is_none_or(|route| !route.targets.contains(&pair.target));
        if intent.need.is_allowed_in(entry.state) || is_former && record.serial == 0 {
            return Ok(());
        }
        let message = format!(
            "the route {pair} is {entry} for the account {}: the hub began no request to {}",
            intent.account,
            intent.need.word()
        );
        Err(Cause::new(FailureKind::Frozen, message))
    }
}

impl WriteGate for RouteGate {
    fn admit<'a>(&'a self, intent: &'a WriteIntent) -> BoxFuture<'a, Result<(), Cause>> {
        Box::pin(async move {
            for pair in &intent.routes {
                self.read(pair, REFRESH_AFTER).await;
            }
            // The last question, without a wait after it: a read of several routes may have taken long.
            self.judge(intent)
        })
    }
}

fn too_old(pair: &RoutePair) -> Cause {
    let message = format!("the state of the route {pair} was read too long ago to write");
    Cause::new(FailureKind::Frozen, message).with_remedy("no action now: the next run tries again")
}

/// A state that cannot be read allows nothing.
pub(crate) fn unreadable(pair: &RoutePair, cause: &Cause) -> Cause {
    let message = format!(
        "the state of the route {pair} cannot be read, so the hub writes nothing: {}",
        cause.message
    );
    Cause::new(FailureKind::Frozen, message).with_remedy(cause.remedy())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
