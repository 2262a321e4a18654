//! The loop over an account's secrets: list or describe, plan, look closer where the lists do not settle it, ask, wait.
//! A failure is one item's, a list that failed stops what needs it; neither stops the rest.

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

use super::health::Unusable;
use super::model::Listing;
use super::observe;
use super::plan::{Decision, plan};
use super::slice::{CALLS, Slice};
use super::waiting::wait;
use crate::secrets::ask::{Case, Held, Open, settle};

#[cfg(test)]
mod tests;

/// Makes the secrets of these routes of one account equal, or says why not. Every secret counts once for each target.
pub async fn reconcile(
    session: &Session,
    policy: &RunPolicy,
    assignments: &[Assignment],
) -> AccountOutcome {
    let keys = KeyStates::default();
    let slice = Slice { session, policy, keys: &keys };
    let mut outcome = slice.nothing();

    let wholes: Vec<&Assignment> =
        assignments.iter().filter(|one| one.scope == Scope::Everything).collect();
    let lists = slice.list(&mut outcome, &wholes).await;
    let pairs: Vec<(&Region, &Region)> = wholes
        .iter()
        .flat_map(|whole| whole.route.targets.iter().map(|target| (&whole.route.source, target)))
        .collect();
    let unusable = slice.ask_keys(&mut outcome, &pairs, &lists).await;
    let mut cases = Vec::new();
    for whole in wholes {
        cases.extend(slice.compare(&mut outcome, whole, &lists, &unusable));
    }
    drop(lists);
    partial_counts::add(Kind::Secret, &outcome.secrets);
    for assignment in assignments {
        if let Scope::Items(wanted) = &assignment.scope {
            cases.extend(slice.look_up(&mut outcome, assignment, wanted).await);
        }
    }

    // First everything is asked for, then all of it is waited for together.
    let settling: Vec<_> = cases.into_iter().map(|case| settle(&slice, case)).collect();
    let settled = stream::iter(settling).buffer_unordered(CALLS);
    let settled = settled.inspect(|(part, _)| partial_counts::add(Kind::Secret, &part.secrets));
    let settled: Vec<_> = settled.collect().await;
    let mut waiting = Vec::new();
    for (part, rest) in settled {
        outcome.merge(part);
        waiting.extend(rest);
    }
    outcome.merge(wait(&slice, waiting).await);
    outcome
}

impl Slice<'_> {
    /// Lists every Region of these routes once, all at the same time. A Region whose list failed is left out, and told.
    async fn list(
        &self,
        outcome: &mut AccountOutcome,
        wholes: &[&Assignment],
    ) -> BTreeMap<Region, Listing> {
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

    /// Counts the secrets of a list as failed in a target that could not be listed, or as left to a later run where the
    /// time for its list was over.
    fn unlisted(outcome: &mut AccountOutcome, source: &Region, target: &Region, secrets: usize) {
        let failed = outcome.failures.iter().any(|failure| {
            failure.subject == Subject::Account && failure.region.as_ref() == Some(target)
        });
        let counted = if failed { OutcomeKind::Failed } else { OutcomeKind::Pending };
        outcome.leave(Kind::Secret, counted, secrets as u64);
        outcome.ledger.list(Kind::Secret, source, target, secrets);
        outcome.ledger.end(Kind::Secret, source, target, secrets as u64);
    }

    /// Plans a whole route from its lists: counts what they settle, returns the rest.
    fn compare<'a>(
        &self,
        outcome: &mut AccountOutcome,
        whole: &'a Assignment,
        lists: &BTreeMap<Region, Listing>,
        unusable: &Unusable,
    ) -> Vec<Case<'a>> {
        let source = &whole.route.source;
        let Some(secrets) = lists.get(source) else { return Vec::new() };
        let targets: Vec<(&Region, &Listing)> = whole
            .route
            .targets
            .iter()
            .filter_map(|target| Some((target, lists.get(target)?)))
            .collect();
        for target in whole.route.targets.iter().filter(|target| !lists.contains_key(*target)) {
            Self::unlisted(outcome, source, target, secrets.len());
        }
        for (target, _) in &targets {
            outcome.ledger.list(Kind::Secret, source, target, secrets.len());
        }
        let names = secrets.keys().map(SecretName::as_str);
        outcome.matched_includes.extend(self.policy.names.matched_includes(names));
        let mut cases = Vec::new();
        for (name, secret) in secrets {
            let mut open = Vec::new();
            for (target, list) in &targets {
                let held = list.get(name);
                let decision = plan(&self.question(secret, held, source, target));
                match unusable.considered(decision, secret, target, held) {
                    Decision::Leave(kind) => self.count(outcome, secret, (source, *target), kind),
                    Decision::Report(cause) => self.report(outcome, name, (source, *target), cause),
                    Decision::Refuse(cause) => {
                        self.fail_at_source(outcome, name, source, [*target], cause);
                    }
                    Decision::LookCloser
                    | Decision::Await
                    | Decision::Follow(_)
                    | Decision::Replicate { .. }
                    | Decision::AskAgain { .. } => {
                        let held =
                            held.map_or(Held::Nobody, |held| Held::By(Box::new(held.clone())));
                        open.push(Open { target, held });
                    }
                }
            }
            if !open.is_empty() {
                cases.push(Case { secret: secret.clone(), source, open });
            }
        }
        // A map has no order; a run's calls and failures should have one.
        cases.sort_by(|one, two| one.secret.name.cmp(&two.secret.name));
        cases
    }

    /// Describes secrets that were asked for by name or ARN, each once.
    async fn look_up<'a>(
        &self,
        outcome: &mut AccountOutcome,
        assignment: &'a Assignment,
        wanted: &[Wanted],
    ) -> Vec<Case<'a>> {
        let route = &assignment.route;
        let described = self.describe_wanted(&route.source, wanted).await;
        // By ARN: a secret may be asked for by its name and by its ARN at once.
        let mut secrets = BTreeMap::new();
        for (name, answer) in described {
            match answer {
                Ok(Some(secret)) => {
                    secrets.insert(secret.arn.clone(), secret);
                }
                // There is no source, and a replica cannot outlive its primary.
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
            .map(|secret| Case {
                secret,
                source: &route.source,
                open: route
                    .targets
                    .iter()
                    .map(|target| Open { target, held: Held::Unread })
                    .collect(),
            })
            .collect()
    }
}
