//! The reconcile loop for the secrets of one account: list or describe, plan, describe the undecided secrets, request
//! missing replicas, wait. A failure of one secret, and a failed list, do not stop the other work.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::stream;

use crate::aws::{KeyStates, Session};
use crate::domain::{
    ABSENT, ABSENT_REMEDY, AccountOutcome, Assignment, FailureKind, Item, Kind, OutcomeKind,
    Region, Scope, SecretName, Subject, Wanted,
};
use crate::partial_counts;
use crate::run_policy::RunPolicy;

use super::ask::{KnownHolder, UndecidedSecret, UndecidedTarget, decide_again};
use super::await_replicas::await_replicas;
use super::context::{CALLS, SecretsContext};
use super::key_health::UnusableKeys;
use super::model::SecretListing;
use super::observe;
use super::plan::{SecretDecision, plan};

#[cfg(test)]
mod tests;

/// Reconciles the secrets of these routes of one account. Every secret gets one count per target.
pub async fn reconcile(
    session: &Session,
    policy: &RunPolicy,
    assignments: &[Assignment],
) -> AccountOutcome {
    let keys = KeyStates::default();
    let context = SecretsContext { session, policy, keys: &keys };
    let mut outcome = context.empty_outcome();

    let wholes: Vec<&Assignment> =
        assignments.iter().filter(|one| one.scope == Scope::Everything).collect();
    let lists = context.list(&mut outcome, &wholes).await;
    let pairs: Vec<(&Region, &Region)> = wholes
        .iter()
        .flat_map(|whole| whole.route.targets.iter().map(|target| (&whole.route.source, target)))
        .collect();
    let unusable = context.check_keys(&mut outcome, &pairs, &lists).await;
    let mut undecided = Vec::new();
    for whole in wholes {
        undecided.extend(context.compare(&mut outcome, whole, &lists, &unusable));
    }
    drop(lists);
    partial_counts::add(Kind::Secret, &outcome.secrets);
    for assignment in assignments {
        if let Scope::Items(wanted) = &assignment.scope {
            undecided.extend(context.look_up(&mut outcome, assignment, wanted).await);
        }
    }

    // All replicas are requested before the wait, so the wait covers all of them together.
    let decisions: Vec<_> =
        undecided.into_iter().map(|secret| decide_again(&context, secret)).collect();
    let decided = stream::iter(decisions).buffer_unordered(CALLS);
    let decided = decided.inspect(|(part, _)| partial_counts::add(Kind::Secret, &part.secrets));
    let decided: Vec<_> = decided.collect().await;
    let mut awaited = Vec::new();
    for (part, rest) in decided {
        outcome.merge(part);
        awaited.extend(rest);
    }
    outcome.merge(await_replicas(&context, awaited).await);
    outcome
}

impl SecretsContext<'_> {
    /// Lists every Region of these routes once, all concurrently. A Region with a failed list is reported and omitted.
    async fn list(
        &self,
        outcome: &mut AccountOutcome,
        wholes: &[&Assignment],
    ) -> BTreeMap<Region, SecretListing> {
        let regions: BTreeSet<&Region> = wholes
            .iter()
            .flat_map(|whole| std::iter::once(&whole.route.source).chain(&whole.route.targets))
            .collect();
        let listing: Vec<_> = regions
            .into_iter()
            .map(async |region| {
                (region, observe::list(self.session, region, &self.policy.deadline).await)
            })
            .collect();
        let listed: Vec<_> = stream::iter(listing).buffer_unordered(CALLS).collect().await;
        let mut lists = BTreeMap::new();
        for (region, list) in listed {
            match list {
                Ok(list) => {
                    lists.insert(region.clone(), list);
                }
                Err(cause) if cause.kind == FailureKind::NotInTime => {
                    outcome.complete = false;
                    outcome.left = true;
                }
                Err(cause) => self.fail_region(outcome, region, cause),
            }
        }
        lists
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
        whole: &'a Assignment,
        lists: &BTreeMap<Region, SecretListing>,
        unusable: &UnusableKeys,
    ) -> Vec<UndecidedSecret<'a>> {
        let source = &whole.route.source;
        let Some(secrets) = lists.get(source) else { return Vec::new() };
        let targets: Vec<(&Region, &SecretListing)> = whole
            .route
            .targets
            .iter()
            .filter_map(|target| Some((target, lists.get(target)?)))
            .collect();
        for target in whole.route.targets.iter().filter(|target| !lists.contains_key(*target)) {
            Self::count_unlisted(outcome, source, target, secrets.len());
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
