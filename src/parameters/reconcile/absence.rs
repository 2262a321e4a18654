//! Replicas that a sweep found without a source and without a witness: nothing becomes of them before all accounts were
//! looked at, since many accounts that lose sources at once are more likely a fault than a wish.

use std::collections::BTreeSet;

use super::brake::{ListedByTarget, hold};
use super::orphans::{ByTarget, Orphan};
use super::removal::take_away;
use crate::aws::Session;
use crate::domain::{AccountId, AccountOutcome, Cause, FailureKind, OutcomeKind, Region, Scope};
use crate::parameters::context::RouteContext;
use crate::parameters::results::{ItemResult, ItemResults, PassResult};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// The fewest accounts of a sweep of which a share says anything.
const ACCOUNTS: usize = 10;
/// The share of them, in percent, that may show new absences.
const PERCENT: usize = 10;

/// What one account's routes lost without a witness.
#[derive(Debug, Default)]
pub struct Absent {
    routes: Vec<OfRoute>,
    /// Whether a whole route lost its sources: that is held already, and counts among the accounts.
    lost_everything: bool,
}

#[derive(Debug)]
struct OfRoute {
    source: Region,
    orphans: ByTarget,
    listed: ListedByTarget,
}

impl Absent {
    /// Whether nothing is absent.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty() && !self.lost_everything
    }

    /// Whether some of it has no tombstone of an earlier sweep.
    pub fn has_new(&self) -> bool {
        let is_new = |route: &OfRoute| route.orphans.values().flatten().any(Orphan::is_new);
        self.lost_everything || self.routes.iter().any(is_new)
    }

    /// What it comes to where no time is left for it: all of it is pending.
    pub fn left(&self, account: &AccountId) -> AccountOutcome {
        let mut outcome = AccountOutcome::new(account.clone());
        for OfRoute { source: _, orphans, listed: _ } in &self.routes {
            let mut results = ItemResults::default();
            for (target, replicas) in orphans {
                for one in replicas {
                    results.end(&one.name, target, ItemResult::Counted(OutcomeKind::Pending));
                }
            }
            outcome.merge(results.into_outcome(account));
        }
        outcome
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.routes.extend(other.routes);
        self.lost_everything |= other.lost_everything;
    }

    pub(super) fn lost_everything(&mut self) {
        self.lost_everything = true;
    }

    pub(super) fn add(&mut self, source: &Region, orphans: ByTarget, listed: ListedByTarget) {
        if orphans.values().any(|replicas| !replicas.is_empty()) {
            self.routes.push(OfRoute { source: source.clone(), orphans, listed });
        }
    }
}

/// Sources that are missing in too many accounts of one sweep to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MassAbsence {
    /// Accounts with new absences.
    with_new: usize,
    /// Accounts of the sweep.
    accounts: usize,
}

impl MassAbsence {
    /// Of so many accounts with new absences among all; `None` where they are few enough.
    pub fn of(with_new: usize, accounts: usize) -> Option<Self> {
        let is_mass = accounts >= ACCOUNTS && with_new * 100 > accounts * PERCENT;
        is_mass.then_some(Self { with_new, accounts })
    }

    fn cause(self, account: &AccountId) -> Cause {
        let Self { with_new, accounts } = self;
        let message = format!(
            "its source is gone without an event of the deletion, as in {with_new} of the {accounts} accounts of this sweep: nothing is deleted in any of them"
        );
        Cause::new(FailureKind::TooManyDeletes, message).mended_by(format!(
            "if the deletions are meant, run `hubctl sweep --account {account} --max-deletes 100%`; if not, restore the sources"
        ))
    }
}

/// Removes what is still absent, or holds it back where `mass` says so.
pub async fn remove_absent(
    session: &Session,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    absent: Absent,
    mass: Option<MassAbsence>,
) -> AccountOutcome {
    let account = session.account();
    let mut outcome = AccountOutcome::new(account.clone());
    let routes =
        absent.routes.into_iter().map(|OfRoute { source, mut orphans, listed }| async move {
            let context = RouteContext::new(session, policy, recent, &source, &Scope::Everything);
            let mut pass = PassResult::default();
            if let Some(mass) = mass {
                let cause = mass.cause(account);
                for (target, replicas) in &mut orphans {
                    hold(replicas, target, &cause, &mut pass);
                }
            }
            take_away(&context, orphans, Some(&listed), &mut pass).await;
            let mut results = ItemResults::default();
            results.absorb(pass.results);
            context.once_more(pass.retries, &BTreeSet::new(), results).await
        });
    for results in futures::future::join_all(routes).await {
        outcome.merge(results.into_outcome(account));
    }
    outcome
}
