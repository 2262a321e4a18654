//! Many accounts at once, each failing alone, until the deadline: a stream of finished accounts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};

use crate::aws::{Connection, Session};
use crate::domain::{
    AccountId, AccountOutcome, Assignment, Cause, Failure, FailureKind, Kind, OutcomeKind, Purpose,
    Region, Scope, Subject, Take,
};
use crate::parameters::{Absent, MassAbsence};
use crate::partial_counts::PartialCounts;
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;
use crate::work::Work;
use crate::{parameters, secrets};

/// No account is begun with less than this left.
const ACCOUNT_TIME: Duration = Duration::from_secs(20);
/// What is kept of the deadline for the report and the digest.
const REPORT_TIME: Duration = Duration::from_secs(5);

/// An account that the sweep is through with.
#[derive(Debug)]
pub enum AccountResult {
    /// Begun, whatever came of it, with what it lost without a witness.
    Reconciled(Box<AccountOutcome>, Option<AccountAbsences>),
    /// Not begun before the deadline.
    NotStarted(AccountId),
}

/// What an account lost without a witness, and the session that goes on with it.
#[derive(Debug)]
pub struct AccountAbsences {
    session: Session,
    absent: Absent,
}

impl AccountAbsences {
    /// Whether some of it has no tombstone of an earlier sweep.
    pub fn has_new(&self) -> bool {
        self.absent.has_new()
    }
}

/// Reconciles each account's work, `at_once` accounts at a time, in the order in which they finish.
pub fn sweep(
    connection: &Connection,
    policy: &Arc<RunPolicy>,
    recent: &Arc<RecentDeletes>,
    work: Vec<Work>,
    at_once: usize,
) -> impl Stream<Item = AccountResult> + Send + 'static {
    let (connection, policy, recent) = (connection.clone(), Arc::clone(policy), Arc::clone(recent));
    stream::iter(work)
        .map(move |work| {
            let (connection, policy, recent) =
                (connection.clone(), Arc::clone(&policy), Arc::clone(&recent));
            let account = work.account.clone();
            // A task of its own: accounts use every core, and a panic of one ends there.
            let task =
                tokio::spawn(async move { reconciled(&connection, &policy, &recent, work).await });
            async move {
                task.await.unwrap_or_else(|_| {
                    AccountResult::Reconciled(Box::new(panicked(&account)), None)
                })
            }
        })
        .buffer_unordered(at_once.max(1))
}

async fn reconciled(
    connection: &Connection,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    work: Work,
) -> AccountResult {
    let account = work.account.clone();
    if !policy.deadline.leaves(ACCOUNT_TIME) {
        return AccountResult::NotStarted(account);
    }
    let partial_counts = PartialCounts::default();
    let reconciling = partial_counts.of(reconcile(connection, policy, recent, work));
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
    let none = |outcome| (outcome, None);
    let Work { account, assignments, refused_deletes } = work;
    let session = match connection.session(&account).await {
        Ok(session) => session,
        Err(cause) => return none(failed(&account, cause)),
    };
    match &policy.purpose {
        Purpose::Equality | Purpose::Resolving(Take::Source) => {}
        Purpose::Pruning(leftovers) => {
            return none(
                parameters::prune(&session, policy, recent, leftovers, &assignments).await,
            );
        }
        Purpose::Releasing | Purpose::Resolving(Take::Target) => {
            let mut outcome = parameters::release(&session, policy, recent, &assignments).await;
            outcome.merge(secrets::release(&session, policy, &assignments).await);
            return none(outcome);
        }
    }
    let ((mut outcome, absent), secrets) = futures::join!(
        parameters::reconcile(&session, policy, recent, &assignments),
        secrets::reconcile(&session, policy, &assignments),
    );
    outcome.merge(secrets);
    outcome.merge(secrets::refused_deletes(&session, &refused_deletes).await);
    if !policy.from_events {
        nowhere(&assignments, &mut outcome);
    }
    if absent.is_empty() {
        return (outcome, None);
    }
    session.let_go().await;
    (outcome, Some(AccountAbsences { session, absent }))
}

/// Goes on, once all accounts were looked at, with those that lost something without a witness: each ends with all that
/// came of it.
pub fn remove_absent(
    policy: &Arc<RunPolicy>,
    recent: &Arc<RecentDeletes>,
    accounts: Vec<(AccountOutcome, AccountAbsences)>,
    mass: Option<MassAbsence>,
    at_once: usize,
) -> impl Stream<Item = AccountOutcome> + Send + 'static {
    let (policy, recent) = (Arc::clone(policy), Arc::clone(recent));
    stream::iter(accounts)
        .map(move |(mut outcome, AccountAbsences { session, absent })| {
            let (policy, recent) = (Arc::clone(&policy), Arc::clone(&recent));
            let task = tokio::spawn(async move {
                let left = absent.left(session.account());
                let removed = parameters::remove_absent(&session, &policy, &recent, absent, mass);
                within(&policy, removed).await.unwrap_or(left)
            });
            async move {
                let account = outcome.account.clone();
                outcome.merge(task.await.unwrap_or_else(|_| panicked(&account)));
                outcome
            }
        })
        .buffer_unordered(at_once.max(1))
}

/// What came of the account, where there was time to begin and to end it.
async fn within<T>(policy: &RunPolicy, outcome: impl Future<Output = T>) -> Option<T> {
    if !policy.deadline.leaves(ACCOUNT_TIME) {
        return None;
    }
    match policy.deadline.left() {
        Some(left) => tokio::time::timeout(left.saturating_sub(REPORT_TIME), outcome).await.ok(),
        None => Some(outcome.await),
    }
}

/// Fails an item that a person named and that no route knows. One that a route knows is not absent for the others.
fn nowhere(assignments: &[Assignment], outcome: &mut AccountOutcome) {
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
    let is_known = counts.total() > 0 || !outcome.steps.is_empty() || !outcome.failures.is_empty();
    if is_known || !outcome.complete {
        return;
    }
    counts.add(OutcomeKind::Absent, absent);
    let regions: BTreeSet<&Region> =
        assignments.iter().map(|assignment| &assignment.route.source).collect();
    let listed: Vec<&str> = regions.iter().map(|region| region.as_str()).collect();
    let message = format!(
        "there is no {} of this name in {}, and no replica of one",
        item.kind(),
        listed.join(", ")
    );
    let remedy =
        "check the name, which AWS compares with upper and lower case, and account and Region";
    outcome.fail(Failure {
        account: Some(outcome.account.clone()),
        region: regions.first().filter(|_| regions.len() == 1).map(|region| (*region).clone()),
        subject: Subject::Item(item),
        cause: Cause::new(FailureKind::Invalid, message).mended_by(remedy),
    });
}

fn panicked(account: &AccountId) -> AccountOutcome {
    failed(account, Cause::new(FailureKind::Bug, "the account's task panicked"))
}

fn failed(account: &AccountId, cause: Cause) -> AccountOutcome {
    tracing::warn!(%account, kind = "account", error_kind = %cause.kind, "{}", cause.message);
    let mut outcome = AccountOutcome::new(account.clone());
    outcome.fail(Failure {
        account: Some(account.clone()),
        region: None,
        subject: Subject::Account,
        cause,
    });
    outcome
}
