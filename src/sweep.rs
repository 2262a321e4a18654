//! Reconciles many accounts in parallel until the deadline. The failure or panic of one account does not affect the
//! others.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::aws::{Connection, Session};
use crate::deadline::reserve;
use crate::domain::{
    AccountId, AccountOutcome, Assignment, Cause, Failure, FailureKind, Kind, OutcomeKind, Purpose,
    Region, Scope, Take, Withheld,
};
use crate::parameters::{MassAbsence, UnwitnessedAbsences};
use crate::partial_counts::PartialCounts;
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::{RunPolicy, Writing};
use crate::work::Work;
use crate::{parameters, secrets};

/// The result of one account.
#[derive(Debug)]
pub enum AccountResult {
    /// The account was started. Its unwitnessed absences, if any, are still to be removed.
    Reconciled(Box<AccountOutcome>, Option<AccountAbsences>),
    /// The deadline came before the account was started.
    NotStarted(AccountId),
}

/// The replicas of one account whose sources are absent without a witness, and the session that removes them later.
#[derive(Debug)]
pub struct AccountAbsences {
    session: Session,
    absent: UnwitnessedAbsences,
}

impl AccountAbsences {
    /// Whether a replica among them has no tombstone yet.
    pub fn has_new(&self) -> bool {
        self.absent.has_new()
    }
}

/// Reconciles `in_parallel` accounts at a time, and returns the results in the order in which accounts finish. An account
/// that only waits for a Region that does not answer does not count.
pub fn sweep(
    connection: &Connection,
    policy: &Arc<RunPolicy>,
    recent: &Arc<RecentDeletes>,
    work: Vec<Work>,
    in_parallel: usize,
) -> impl Stream<Item = AccountResult> + Send + 'static {
    let (connection, policy, recent) = (connection.clone(), Arc::clone(policy), Arc::clone(recent));
    let slots = Arc::new(Semaphore::new(in_parallel.clamp(1, Semaphore::MAX_PERMITS)));
    let all = work.len().max(1);
    stream::iter(work)
        .map(move |work| {
            let (connection, policy, recent) =
                (connection.clone(), Arc::clone(&policy), Arc::clone(&recent));
            let slots = Arc::clone(&slots);
            async move {
                // The semaphore is never closed, and gives the slots in the order of the accounts.
                let slot = slots.acquire_owned().await.ok();
                let account = work.account.clone();
                let only_waits = connection.only_waits(&account);
                // One task for each account: accounts use every core, and a panic ends only its task.
                let task = tokio::spawn(async move {
                    in_slot(slot, only_waits, account_result(&connection, &policy, &recent, work))
                        .await
                });
                task.await.unwrap_or_else(|_| {
                    AccountResult::Reconciled(Box::new(panicked(&account)), None)
                })
            }
        })
        .buffer_unordered(all)
}

/// The result of an account's work. The next account gets the slot when the work ends, or when this account only waits
/// for source Regions that do not answer.
async fn in_slot<T>(
    slot: Option<OwnedSemaphorePermit>,
    only_waits: impl Future<Output = ()>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        result = &mut work => result,
        () = only_waits => {
            drop(slot);
            work.await
        }
    }
}

async fn account_result(
    connection: &Connection,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    work: Work,
) -> AccountResult {
    let account = work.account.clone();
    if !policy.deadline.leaves(reserve::ACCOUNT) {
        return AccountResult::NotStarted(account);
    }
    let partial_counts = PartialCounts::default();
    let reconciling = partial_counts.collect(reconcile(connection, policy, recent, work));
    match within(policy, Box::pin(reconciling)).await {
        Some((mut outcome, lost)) => {
            outcome.audit();
            AccountResult::Reconciled(Box::new(outcome), lost)
        }
        None => AccountResult::Reconciled(Box::new(partial_counts.cut_off(account)), None),
    }
}

async fn reconcile(
    connection: &Connection,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    work: Work,
) -> (AccountOutcome, Option<AccountAbsences>) {
    let (work, planned, withheld) = divided(policy, work).await;
    let account = withheld.account.clone();
    let is_empty = work.assignments.is_empty() && work.refused_deletes.is_empty();
    if is_empty && planned.is_empty() && !withheld.withheld.is_empty() {
        return (withheld, None);
    }
    let session = match connection.session(&account).await {
        Ok(session) => session.with_gate(policy.gate.clone().map(|gate| gate as _)),
        Err(cause) => return (merged(withheld, failed(&account, cause)), None),
    };
    let of_plan = async {
        if planned.is_empty() {
            return AccountOutcome::new(account.clone());
        }
        let policy = RunPolicy { writing: Writing::PlanOnly, ..policy.clone() };
        let planned = Work { assignments: planned, ..Work::new(account.clone()) };
        Box::pin(reconcile_routes(&session, &policy, recent, planned)).await.0
    };
    let (planned, (reconciled, absences)) =
        futures::join!(of_plan, reconcile_routes(&session, policy, recent, work));
    (merged(merged(withheld, planned), reconciled), absences)
}

async fn reconcile_routes(
    session: &Session,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    work: Work,
) -> (AccountOutcome, Option<AccountAbsences>) {
    let complete = |outcome| (outcome, None);
    let Work { assignments, refused_deletes, .. } = work;
    match &policy.purpose {
        Purpose::Equality | Purpose::Resolving(Take::Source) => {}
        Purpose::Pruning(leftovers) => {
            return complete(
                parameters::prune(session, policy, recent, leftovers, &assignments).await,
            );
        }
        Purpose::Releasing | Purpose::Resolving(Take::Target) => {
            let mut outcome = parameters::release(session, policy, recent, &assignments).await;
            outcome.merge(secrets::release(session, policy, &assignments).await);
            return complete(outcome);
        }
    }
    let ((mut outcome, absent), secrets) = futures::join!(
        parameters::reconcile(session, policy, recent, &assignments),
        secrets::reconcile(session, policy, &assignments),
    );
    outcome.merge(secrets);
    outcome.merge(secrets::refused_deletes(session, &refused_deletes).await);
    if !policy.from_events {
        fail_if_absent(&assignments, &mut outcome);
    }
    if absent.is_empty() {
        return (outcome, None);
    }
    session.release_memory().await;
    (outcome, Some(AccountAbsences { session: session.clone(), absent }))
}

/// Divides the work by the states of the routes: the work to do, the routes that are only planned, and an outcome that
/// names the routes that are left alone. `prune` reads no source, and the gate judges each of its writes.
async fn divided(policy: &RunPolicy, mut work: Work) -> (Work, Vec<Assignment>, AccountOutcome) {
    let mut outcome = AccountOutcome::new(work.account.clone());
    let Some(gate) = &policy.gate else { return (work, Vec::new(), outcome) };
    if matches!(policy.purpose, Purpose::Pruning(_)) {
        return (work, Vec::new(), outcome);
    }
    let assignments = std::mem::take(&mut work.assignments);
    let mut division = gate.divide(&work.account, assignments, policy.from_events).await;
    gate.divide_refused(&work.account, &mut work.refused_deletes, &mut division).await;
    let unreadable = |withheld: &Withheld| matches!(withheld, Withheld::Unreadable(_));
    if division.withheld.values().any(unreadable) {
        outcome.complete = false;
        outcome.left = true;
    }
    outcome.withheld = division.withheld;
    outcome.held = division.held;
    work.assignments = division.write;
    (work, division.plan, outcome)
}

fn merged(mut outcome: AccountOutcome, other: AccountOutcome) -> AccountOutcome {
    outcome.merge(other);
    outcome
}

/// Removes the replicas of unwitnessed absences, after all accounts have been reconciled. Each result is the account's
/// whole outcome.
pub fn remove_absent(
    policy: &Arc<RunPolicy>,
    recent: &Arc<RecentDeletes>,
    accounts: Vec<(AccountOutcome, AccountAbsences)>,
    mass: Option<MassAbsence>,
    in_parallel: usize,
) -> impl Stream<Item = AccountOutcome> + Send + 'static {
    let (policy, recent) = (Arc::clone(policy), Arc::clone(recent));
    stream::iter(accounts)
        .map(move |(mut outcome, AccountAbsences { session, absent })| {
            let (policy, recent) = (Arc::clone(&policy), Arc::clone(&recent));
            let task = tokio::spawn(async move {
                let left = absent.pending(session.account());
                let removed =
                    parameters::remove_unwitnessed(&session, &policy, &recent, absent, mass);
                within(&policy, removed).await.unwrap_or(left)
            });
            async move {
                let account = outcome.account.clone();
                outcome.merge(task.await.unwrap_or_else(|_| panicked(&account)));
                outcome
            }
        })
        .buffer_unordered(in_parallel.max(1))
}

/// The result of `outcome`; `None` if there is too little time to start it or it does not end in time.
async fn within<T>(policy: &RunPolicy, outcome: impl Future<Output = T>) -> Option<T> {
    if !policy.deadline.leaves(reserve::ACCOUNT) {
        return None;
    }
    match policy.deadline.left() {
        Some(left) => {
            tokio::time::timeout(left.saturating_sub(reserve::REPORT), outcome).await.ok()
        }
        None => Some(outcome.await),
    }
}

/// Turns the absence of a named item into a failure if the item exists in no Region of any route. An item that exists
/// for one route does not count as absent for the others.
fn fail_if_absent(assignments: &[Assignment], outcome: &mut AccountOutcome) {
    let named = assignments.iter().find_map(|assignment| match &assignment.scope {
        Scope::Items(wanted) => wanted.first().map(|wanted| wanted.item.clone()),
        Scope::Everything => None,
    });
    let Some(item) = named else { return };
    let counts = match item.kind() {
        Kind::Parameter => &mut outcome.parameters,
        Kind::Secret => &mut outcome.secrets,
    };
    let absent = counts.take(OutcomeKind::Absent);
    if absent == 0 {
        return;
    }
    outcome.notes.retain(|note| note.outcome != Some(OutcomeKind::Absent));
    let exists = counts.total() > 0 || !outcome.steps.is_empty() || !outcome.failures.is_empty();
    if exists || !outcome.complete {
        return;
    }
    counts.add(OutcomeKind::Absent, absent);
    let regions: BTreeSet<&Region> =
        assignments.iter().map(|assignment| &assignment.route.source).collect();
    let listed: Vec<&str> = regions.iter().map(|region| region.as_str()).collect();
    let message = format!(
        "no {} of this name exists in {}, and no replica of one",
        item.kind(),
        listed.join(", ")
    );
    let remedy = "check the name, which is case-sensitive, the account and the Region";
    let cause = Cause::new(FailureKind::Invalid, message).with_remedy(remedy);
    let failure = Failure::of_item(&outcome.account, item, cause);
    outcome.fail(match regions.first() {
        Some(only) if regions.len() == 1 => failure.in_region(only),
        _ => failure,
    });
}

fn panicked(account: &AccountId) -> AccountOutcome {
    failed(
        account,
        Cause::new(FailureKind::Bug, "internal error: the task of the account panicked"),
    )
}

fn failed(account: &AccountId, cause: Cause) -> AccountOutcome {
    tracing::warn!(%account, kind = "account", error_kind = %cause.kind, "{}", cause.message);
    let mut outcome = AccountOutcome::new(account.clone());
    outcome.fail(Failure::of_account(account, cause));
    outcome
}
