//! Many accounts at once, each failing alone, until the deadline: a stream of finished accounts.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};

use crate::aws::Connection;
use crate::domain::{
    AccountId, AccountOutcome, Assignment, Cause, Failure, FailureKind, Kind, Purpose, Scope,
    Subject,
};
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
pub enum Finished {
    /// Looked at, whatever came of it.
    Account(Box<AccountOutcome>),
    /// Not begun, or not ended, before the deadline.
    Left(AccountId),
}

/// Reconciles each account's work, `at_once` accounts at a time, in the order in which they finish.
pub fn sweep(
    connection: &Connection,
    rules: &Arc<RunPolicy>,
    recent: &Arc<RecentDeletes>,
    work: Vec<Work>,
    at_once: usize,
) -> impl Stream<Item = Finished> + Send + 'static {
    let (connection, rules, recent) = (connection.clone(), Arc::clone(rules), Arc::clone(recent));
    stream::iter(work)
        .map(move |work| {
            let (connection, rules, recent) =
                (connection.clone(), Arc::clone(&rules), Arc::clone(&recent));
            let account = work.account.clone();
            // A task of its own: accounts use every core, and a panic of one ends there.
            let task =
                tokio::spawn(async move { reconciled(&connection, &rules, &recent, work).await });
            async move {
                task.await.unwrap_or_else(|_| {
                    let cause = Cause::new(FailureKind::Bug, "the account's task panicked");
                    Finished::Account(Box::new(failed(&account, cause)))
                })
            }
        })
        .buffer_unordered(at_once.max(1))
}

async fn reconciled(
    connection: &Connection,
    rules: &RunPolicy,
    recent: &RecentDeletes,
    work: Work,
) -> Finished {
    let account = work.account.clone();
    if !rules.deadline.leaves(ACCOUNT_TIME) {
        return Finished::Left(account);
    }
    let outcome = reconcile(connection, rules, recent, work);
    let ended = match rules.deadline.left() {
        Some(left) => tokio::time::timeout(left.saturating_sub(REPORT_TIME), outcome).await,
        None => Ok(outcome.await),
    };
    match ended {
        Ok(outcome) => Finished::Account(Box::new(outcome)),
        Err(_) => Finished::Left(account),
    }
}

async fn reconcile(
    connection: &Connection,
    rules: &RunPolicy,
    recent: &RecentDeletes,
    work: Work,
) -> AccountOutcome {
    let Work { account, assignments, refused_deletes } = work;
    let session = match connection.session(&account).await {
        Ok(session) => session,
        Err(cause) => return failed(&account, cause),
    };
    match &rules.purpose {
        Purpose::Equality | Purpose::Resolving(_) => {}
        Purpose::Pruning(leftovers) => {
            return parameters::prune(&session, rules, recent, leftovers, &assignments).await;
        }
        Purpose::Releasing => {
            return match released(&assignments) {
                Kind::Parameter => {
                    parameters::reconcile(&session, rules, recent, &assignments).await
                }
                Kind::Secret => secrets::release(&session, rules, &assignments).await,
            };
        }
    }
    let (mut outcome, secrets) = futures::join!(
        parameters::reconcile(&session, rules, recent, &assignments),
        secrets::reconcile(&session, rules, &assignments),
    );
    outcome.merge(secrets);
    outcome.merge(secrets::refused_deletes(&session, &refused_deletes).await);
    outcome
}

/// The kind of the one item that a release names.
fn released(assignments: &[Assignment]) -> Kind {
    let of_a_secret = assignments.iter().any(|assignment| match &assignment.scope {
        Scope::Items(wanted) => wanted.iter().any(|wanted| wanted.item.kind() == Kind::Secret),
        Scope::Everything => false,
    });
    if of_a_secret { Kind::Secret } else { Kind::Parameter }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Item, ParameterName, Routes, SecretName, Wanted};

    #[test]
    fn a_release_is_of_the_kind_that_it_names() {
        let routes = Routes::parse("us-east-2=us-east-1").expect("routes");
        let route = routes.iter().next().expect("a route");
        let of = |item: Item| {
            let wanted = vec![Wanted { item, expect: Vec::new() }];
            released(&[Assignment { route: route.clone(), scope: Scope::Items(wanted) }])
        };
        assert_eq!(of(Item::Parameter(ParameterName::new("/a"))), Kind::Parameter);
        assert_eq!(of(Item::Secret(SecretName::new("a"))), Kind::Secret);
    }
}
