//! The reconcile loop for the secrets of one account: list or describe, plan, describe the undecided secrets, request
//! missing replicas, wait. A failure of one secret, and a failed list, do not stop the other work.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream;

use crate::aws::{KeyStates, Session};
use crate::domain::{
    ABSENT, ABSENT_REMEDY, AccountOutcome, Assignment, FailureKind, Item, Kind, OutcomeKind,
    Region, Route, Scope, SecretName, Subject, Wanted,
};
use crate::partial_counts;
use crate::run_policy::RunPolicy;

use super::ask::{KnownHolder, UndecidedSecret, UndecidedTarget, decide_again};
use super::await_replicas::await_replicas;
use super::context::{CALLS, SecretsContext};
use super::key_health::UnusableKeys;
use super::model::{SecretListing, SecretLists};
use super::observe;
use super::plan::{SecretDecision, plan};

#[cfg(test)]
mod tests;

/// Reconciles the secrets of these routes of one account. Every secret gets one count per target. A route begins when its
/// own lists are read: it never waits for a Region of another route.
pub async fn reconcile(
    session: &Session,
    policy: &RunPolicy,
    assignments: &[Assignment],
) -> AccountOutcome {
    let keys = KeyStates::default();
    let context = SecretsContext { session, policy, keys: &keys };
    let listed = assignments.iter().filter(|one| one.scope == Scope::Everything);
    let lists = SecretLists::new(listed.flat_map(|one| one.route.regions().cloned()));
    let routes: Vec<_> = assignments
        .iter()
        .map(|assignment| {
            let lists = lists.part(assignment.route.regions());
            context.reconcile_route(assignment, lists)
        })
        .collect();
    // From here on each route holds its own lists.
    drop(lists);
    let mut outcome = context.empty_outcome();
    for of_route in futures::future::join_all(routes).await {
        outcome.merge(of_route);
    }
    outcome
}

impl SecretsContext<'_> {
    async fn reconcile_route(self, assignment: &Assignment, lists: SecretLists) -> AccountOutcome {
        let mut outcome = self.empty_outcome();
        let undecided = match &assignment.scope {
            Scope::Everything => self.look_at_lists(&mut outcome, &assignment.route, lists).await,
            Scope::Items(wanted) => self.look_up(&mut outcome, assignment, wanted).await,
        };
        // All replicas are requested before the wait, so the wait covers all of them together.
        let decisions: Vec<_> =
            undecided.into_iter().map(|secret| decide_again(&self, secret)).collect();
        let decided = stream::iter(decisions).buffer_unordered(CALLS);
        let decided = decided.inspect(|(part, _)| partial_counts::add(Kind::Secret, &part.secrets));
        let decided: Vec<_> = decided.collect().await;
        let mut awaited = Vec::new();
        for (part, rest) in decided {
            outcome.merge(part);
            awaited.extend(rest);
        }
        outcome.merge(await_replicas(&self, awaited).await);
        outcome
    }

    /// Reads the lists of a route and records what they decide. Returns the undecided secrets.
    async fn look_at_lists<'a>(
        &self,
        outcome: &mut AccountOutcome,
        route: &'a Route,
        lists: SecretLists,
    ) -> Vec<UndecidedSecret<'a>> {
        let deadline = &self.policy.deadline;
        lists
            .read(|region| async move { observe::list(self.session, &region, deadline).await })
            .await;
        self.report_unlisted(outcome, route, &lists);
        let unusable = self.check_keys(outcome, route, &lists).await;
        let undecided = self.compare(outcome, route, &lists, &unusable);
        partial_counts::add(Kind::Secret, &outcome.secrets);
        undecided
    }

    /// Reports the Regions of a route that could not be listed.
    fn report_unlisted(&self, outcome: &mut AccountOutcome, route: &Route, lists: &SecretLists) {
        for region in route.regions() {
            match lists.get(region) {
                Some(Err(cause)) if cause.kind == FailureKind::NotInTime => {
                    outcome.complete = false;
                    outcome.left = true;
                }
                Some(Err(cause)) => self.fail_region(outcome, region, cause.clone()),
                Some(Ok(_)) | None => {}
            }
        }
    }

    /// Counts the secrets of the source for a target without a list: as failed if the list failed, as pending if the
    /// deadline expired first.
    fn count_unlisted(
        outcome: &mut AccountOutcome,
        source: &Region,
        target: &Region,
        secrets: usize,
    ) {
        let failed = outcome.failures.iter().any(|failure| {
            failure.subject == Subject::Account && failure.region.as_ref() == Some(target)
        });
        let counted = if failed { OutcomeKind::Failed } else { OutcomeKind::Pending };
        outcome.leave(Kind::Secret, counted, secrets as u64);
        outcome.ledger.list(Kind::Secret, source, target, secrets);
        outcome.ledger.end(Kind::Secret, source, target, secrets as u64);
    }

    /// Plans a whole route from its lists. Records the final decisions and returns the undecided secrets.
    fn compare<'a>(
        &self,
        outcome: &mut AccountOutcome,
        route: &'a Route,
        lists: &SecretLists,
        unusable: &UnusableKeys,
    ) -> Vec<UndecidedSecret<'a>> {
        let source = &route.source;
        let listed = |region: &Region| lists.get(region).and_then(|list| list.as_ref().ok());
        let Some(secrets) = listed(source) else { return Vec::new() };
        let mut targets: Vec<(&Region, &SecretListing)> = Vec::new();
        for target in &route.targets {
            match listed(target) {
                Some(list) => targets.push((target, list)),
                None => Self::count_unlisted(outcome, source, target, secrets.len()),
            }
        }
        for (target, _) in &targets {
            outcome.ledger.list(Kind::Secret, source, target, secrets.len());
        }
        let names = secrets.keys().map(SecretName::as_str);
        outcome.matched_includes.extend(self.policy.names.matched_includes(names));
        let mut undecided = Vec::new();
        for (name, secret) in secrets {
            let mut open = Vec::new();
            for (target, list) in &targets {
                let held = list.get(name);
                let decision = plan(&self.question(secret, held, source, target));
                match unusable.with_key_fault(decision, secret, target, held) {
                    decision @ (SecretDecision::Leave(_)
                    | SecretDecision::Report(_)
                    | SecretDecision::ReportAtSource(_)) => {
                        self.record(outcome, secret, (source, *target), decision);
                    }
                    SecretDecision::ReadByName
                    | SecretDecision::AwaitReplica
                    | SecretDecision::AwaitOrReport(_)
                    | SecretDecision::Replicate { .. }
                    | SecretDecision::ReplicateAgain { .. } => {
                        let holder = held.map_or(KnownHolder::Vacant, |held| {
                            KnownHolder::Secret(Box::new(held.clone()))
                        });
                        open.push(UndecidedTarget { target, holder });
                    }
                }
            }
            if !open.is_empty() {
                undecided.push(UndecidedSecret { secret: secret.clone(), source, targets: open });
            }
        }
        // The list is an unordered map; calls and failures of a run are in the order of names.
        undecided.sort_by(|one, two| one.secret.name.cmp(&two.secret.name));
        undecided
    }

    /// Describes the secrets that were requested by name or ARN, each once.
    async fn look_up<'a>(
        &self,
        outcome: &mut AccountOutcome,
        assignment: &'a Assignment,
        wanted: &[Wanted],
    ) -> Vec<UndecidedSecret<'a>> {
        let route = &assignment.route;
        let described = self.describe_wanted(&route.source, wanted).await;
        // By ARN, because one request may contain both the name and the ARN of a secret.
        let mut secrets = BTreeMap::new();
        for (name, answer) in described {
            match answer {
                Ok(Some(secret)) => {
                    secrets.insert(secret.arn.clone(), secret);
                }
                // Secrets Manager deletes the replicas of a deleted primary, so there is no work in the targets.
                Ok(None) => {
                    let absent = OutcomeKind::Absent;
                    outcome.leave(Kind::Secret, absent, route.targets.len() as u64);
                    let item = Item::Secret(name.clone());
                    outcome.note(&route.source, item, absent, ABSENT.into(), ABSENT_REMEDY.into());
                }
                Err(cause) => {
                    for target in &route.targets {
                        outcome.ledger.list(Kind::Secret, &route.source, target, 1);
                    }
                    self.fail_at_source(outcome, &name, &route.source, &route.targets, cause);
                }
            }
        }
        for target in &route.targets {
            outcome.ledger.list(Kind::Secret, &route.source, target, secrets.len());
        }
        secrets
            .into_values()
            .map(|secret| UndecidedSecret {
                secret,
                source: &route.source,
                targets: route
                    .targets
                    .iter()
                    .map(|target| UndecidedTarget { target, holder: KnownHolder::Unread })
                    .collect(),
            })
            .collect()
    }
}
