//! The loop over an account's secrets: list or describe, plan, look closer where the lists do not settle it, ask, wait.
//! A failure is one item's, a list that failed stops what needs it; neither stops the rest.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::stream;

use crate::aws::{KeyStates, Session};
use crate::domain::{
    AccountOutcome, Assignment, FailureKind, Kind, OutcomeKind, Region, Scope, Subject, Wanted,
};
use crate::run_policy::RunPolicy;

use super::health::Unusable;
use super::model::Listing;
use super::observe;
use super::plan::{Decision, plan};
use super::settle::{Case, Held, Open, settle};
use super::slice::{CALLS, Slice};
use super::waiting::wait;

#[cfg(test)]
mod tests;

/// Makes the secrets of these routes of one account equal, or says why not. Every secret counts once for each target.
pub async fn reconcile(
    session: &Session,
    rules: &RunPolicy,
    assignments: &[Assignment],
) -> AccountOutcome {
    let keys = KeyStates::default();
    let slice = Slice { session, rules, keys: &keys };
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
    for assignment in assignments {
        if let Scope::Items(wanted) = &assignment.scope {
            cases.extend(slice.look_up(&mut outcome, assignment, wanted).await);
        }
    }

    // First everything is asked for, then all of it is waited for together.
    let settling: Vec<_> = cases.into_iter().map(|case| settle(&slice, case)).collect();
    let settled: Vec<_> = stream::iter(settling).buffer_unordered(CALLS).collect().await;
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
                (region, observe::list(self.session, region, &self.rules.deadline).await)
            })
            .collect();
        let listed: Vec<_> = stream::iter(listing).buffer_unordered(CALLS).collect().await;
        let mut lists = BTreeMap::new();
        for (region, list) in listed {
            match list {
                Ok(list) => {
                    lists.insert(region.clone(), list);
                }
                Err(cause) if cause.kind == FailureKind::NotInTime => outcome.complete = false,
                Err(cause) => self.fail(outcome, Subject::Account, region, cause),
            }
        }
        lists
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
        let mut cases = Vec::new();
        for (name, secret) in secrets {
            let mut open = Vec::new();
            for (target, list) in &targets {
                let held = list.get(name);
                let decision = plan(&self.question(secret, held, source, target));
                match unusable.considered(decision, secret, target, held) {
                    Decision::Leave(kind) => outcome.count(Kind::Secret, kind),
                    Decision::Report(cause) => self.report(outcome, name, target, cause),
                    Decision::Refuse(cause) => self.fail_at_source(outcome, name, source, 1, cause),
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
                    outcome.leave(Kind::Secret, OutcomeKind::Skipped, route.targets.len() as u64);
                }
                Err(cause) => {
                    self.fail_at_source(outcome, &name, &route.source, route.targets.len(), cause);
                }
            }
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
