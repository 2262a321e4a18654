//! Unwitnessed absences: sources that a sweep does not find, without an event of the deletion. The hub acts on them only
//! after it has looked at all accounts, because many accounts that lose sources at once indicate a fault.

use std::collections::BTreeSet;

use super::brake::{ListedByTarget, hold_back};
use super::orphans::{ByTarget, Orphan};
use super::removal::remove_orphans;
use crate::aws::Session;
use crate::domain::{AccountId, AccountOutcome, Cause, OutcomeKind, Region, Scope};
use crate::parameters::causes::mass_absence;
use crate::parameters::context::RouteContext;
use crate::parameters::results::{ItemResult, ItemResults, PassResult};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// With fewer accounts in one invocation, a share of accounts means nothing.
const MIN_ACCOUNTS: usize = 10;
/// The highest share of accounts, in percent, that may show new absences.
const MAX_PERCENT: usize = 10;

/// The unwitnessed absences of one account.
#[derive(Debug, Default)]
pub struct UnwitnessedAbsences {
    routes: Vec<RouteAbsences>,
    /// Whether a whole route lost its sources. Its replicas are held back already; the account still counts in the test for a mass absence.
    has_lost_route: bool,
}

#[derive(Debug)]
struct RouteAbsences {
    source: Region,
    orphans: ByTarget,
    listed: ListedByTarget,
}

impl UnwitnessedAbsences {
    /// Whether the account has no absences.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty() && !self.has_lost_route
    }

    /// Whether this sweep is the first to find some of the absences.
    pub fn has_new(&self) -> bool {
        let is_new = |route: &RouteAbsences| route.orphans.values().flatten().any(Orphan::is_new);
        self.has_lost_route || self.routes.iter().any(is_new)
    }

    /// The outcome if no time is left: everything is pending.
    pub fn pending(&self, account: &AccountId) -> AccountOutcome {
        let mut outcome = AccountOutcome::new(account.clone());
        for RouteAbsences { source: _, orphans, listed: _ } in &self.routes {
            let mut results = ItemResults::default();
            for (target, replicas) in orphans {
                for one in replicas {
                    results.record(&one.name, target, ItemResult::Counted(OutcomeKind::Pending));
                }
            }
            outcome.merge(results.into_outcome(account));
        }
        outcome
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.routes.extend(other.routes);
        self.has_lost_route |= other.has_lost_route;
    }

    pub(super) fn add_lost_route(&mut self) {
        self.has_lost_route = true;
    }

    pub(super) fn add(&mut self, source: &Region, orphans: ByTarget, listed: ListedByTarget) {
        if orphans.values().any(|replicas| !replicas.is_empty()) {
            self.routes.push(RouteAbsences { source: source.clone(), orphans, listed });
        }
    }
}

/// New absences in too many accounts of one sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MassAbsence {
    /// The accounts with new absences.
    with_new: usize,
    /// All accounts of the sweep.
    accounts: usize,
}

impl MassAbsence {
    /// `None` if `with_new` of `accounts` are not too many.
    pub fn of(with_new: usize, accounts: usize) -> Option<Self> {
        let is_mass = accounts >= MIN_ACCOUNTS && with_new * 100 > accounts * MAX_PERCENT;
        is_mass.then_some(Self { with_new, accounts })
    }

    fn cause(self, account: &AccountId) -> Cause {
        mass_absence(account, self.with_new, self.accounts)
    }
}

/// Removes the replicas whose sources are still absent, or holds them back in a mass absence.
pub async fn remove_unwitnessed(
    session: &Session,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    absences: UnwitnessedAbsences,
    mass: Option<MassAbsence>,
) -> AccountOutcome {
    let account = session.account();
    let mut outcome = AccountOutcome::new(account.clone());
    let routes = absences.routes.into_iter().map(|route| async move {
        let RouteAbsences { source, mut orphans, listed } = route;
        let session = session.on_route(&source, policy.purpose.need());
        let context = RouteContext::new(&session, policy, recent, &source, &Scope::Everything);
        let mut pass = PassResult::default();
        if let Some(mass) = mass {
            let cause = mass.cause(account);
            for (target, replicas) in &mut orphans {
                hold_back(replicas, target, &cause, &mut pass);
            }
        }
        remove_orphans(&context, orphans, Some(&listed), &mut pass).await;
        let mut results = ItemResults::default();
        results.absorb(pass.results);
        context.second_pass(pass.retries, &BTreeSet::new(), results).await
    });
    for results in futures::future::join_all(routes).await {
        outcome.merge(results.into_outcome(account));
    }
    outcome
}
