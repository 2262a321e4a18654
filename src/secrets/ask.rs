//! What the lists do not settle, one secret at a time: describe it, decide again, and ask for the replicas that are missing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{
    AccountOutcome, Cause, Change, FailureKind, Item, Kind, OutcomeKind, Reason, Region, Step,
};

use crate::guard::{Proposal, Ruling};

use super::look::Looked;
use super::model::Secret;
use super::plan::{Decision, plan};
use super::slice::Slice;
use super::waiting::{Underway, Waiting};
use super::{apply, observe};

/// With less time left no further secret is begun.
const CASE_TIME: Duration = Duration::from_secs(5);

/// A secret, and the targets in which it is not settled.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    /// The secret, listed or described.
    pub(super) secret: Secret,
    /// Its Region.
    pub(super) source: &'a Region,
    /// The targets.
    pub(super) open: Vec<Open<'a>>,
}

/// A target in which a secret is not settled.
#[derive(Clone, Debug)]
pub(super) struct Open<'a> {
    /// The target.
    pub(super) target: &'a Region,
    /// What holds the secret's name there.
    pub(super) held: Held,
}

/// Who holds a secret's name in a target.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// Nobody has looked.
    Unread,
    /// The name is free.
    Nobody,
    /// This secret.
    By(Box<Secret>),
}

/// Replicas that are to be asked for, by target Region with their keys.
type Missing<'a> = BTreeMap<&'a Region, String>;

/// Settles one secret as far as it goes without waiting; what is then under way is the second part.
pub(super) async fn settle<'a>(
    slice: &Slice<'_>,
    Case { secret, source, open }: Case<'a>,
) -> (AccountOutcome, Option<Waiting<'a>>) {
    let mut outcome = slice.nothing();
    if !slice.policy.deadline.leaves(CASE_TIME) {
        outcome.complete = false;
        for Open { target, .. } in open {
            slice.count(&mut outcome, &secret, (source, target), OutcomeKind::Pending);
        }
        return (outcome, None);
    }
    let secret = if secret.is_described() {
        secret
    } else {
        // By name: if it was deleted and made anew since the list, the new one is the source.
        match observe::describe(slice.session, source, secret.name.as_str()).await {
            Ok(Some(secret)) => secret,
            Ok(None) => {
                for Open { target, .. } in open {
                    slice.count(&mut outcome, &secret, (source, target), OutcomeKind::Absent);
                }
                return (outcome, None);
            }
            Err(cause) => {
                let targets = open.iter().map(|open| open.target);
                slice.fail_at_source(&mut outcome, &secret.name, source, targets, cause);
                return (outcome, None);
            }
        }
    };

    let mut missing = Missing::new();
    let mut targets = Vec::new();
    for Open { target, held } in open {
        let Looked { decision, held } =
            slice.decide(&mut outcome, &secret, source, target, held).await;
        match decision {
            Decision::Leave(kind) => slice.count(&mut outcome, &secret, (source, target), kind),
            Decision::Report(cause) => {
                slice.report(&mut outcome, &secret.name, (source, target), cause);
            }
            Decision::Refuse(cause) => {
                slice.fail_at_source(&mut outcome, &secret.name, source, [target], cause);
            }
            Decision::Await if slice.policy.writing.allows() => {
                targets.push(Underway::of_others(target, None));
            }
            Decision::Follow(cause) if slice.policy.writing.allows() => {
                targets.push(Underway::of_others(target, Some(cause)));
            }
            // A plan does not wait for what others began.
            Decision::Await | Decision::Follow(_) | Decision::LookCloser => {
                slice.count(&mut outcome, &secret, (source, target), OutcomeKind::Pending);
            }
            // The event of the hub's own request would ask for ever.
            Decision::AskAgain { failed, .. } if slice.policy.from_events => {
                slice.report(&mut outcome, &secret.name, (source, target), failed);
            }
            Decision::Replicate { kms_key } | Decision::AskAgain { kms_key, .. } => {
                let change = Change::Replicate;
                let proposal = Proposal { source, target, change, held, claim: None };
                match slice.policy.judge(&proposal, slice.session.now()) {
                    Ruling::Proceed => drop(missing.insert(target, kms_key)),
                    Ruling::ReportOnly => {
                        outcome.ledger.end(Kind::Secret, source, target, 1);
                        outcome.steps.push(Step {
                            region: target.clone(),
                            item: Item::Secret(secret.name.clone()),
                            change,
                            because: vec![Reason::Missing],
                            class: None,
                        });
                    }
                    Ruling::Refused(cause) => {
                        slice.report(&mut outcome, &secret.name, (source, target), cause);
                    }
                }
            }
        }
    }
    if !missing.is_empty() {
        targets.extend(ask(slice, &mut outcome, &secret, source, missing).await);
    }
    let rest = (!targets.is_empty()).then_some(Waiting { secret, source, targets });
    (outcome, rest)
}

/// Asks for all missing replicas in one call, and returns those that are then under way.
async fn ask<'a>(
    slice: &Slice<'_>,
    outcome: &mut AccountOutcome,
    secret: &Secret,
    source: &Region,
    missing: Missing<'a>,
) -> Vec<Underway<'a>> {
    let mut underway = Vec::new();
    let mut refused = Vec::new();
    match send(slice, secret, source, &missing).await {
        Ok(()) => underway.extend(missing.keys().copied().map(Underway::asked)),
        // One Region that AWS does not take, say one that the account has not enabled, must not cost the others theirs.
        Err(cause) if missing.len() > 1 && may_be_one_regions(cause.kind) => {
            for (target, key) in missing {
                match send(slice, secret, source, &Missing::from([(target, key)])).await {
                    Ok(()) => underway.push(Underway::asked(target)),
                    Err(cause) => refused.push((target, cause)),
                }
            }
        }
        Err(cause) => {
            refused.extend(missing.into_keys().map(|target| (target, cause.clone())));
        }
    }
    if refused.is_empty() {
        return underway;
    }

    // Somebody may have asked before us, or the answer alone was lost: what the primary says now decides.
    let now = observe::describe(slice.session, source, &secret.arn).await;
    for (target, cause) in refused {
        let decision = match &now {
            Ok(Some(now)) => plan(&slice.question(now, None, source, target)),
            Ok(None) => Decision::Leave(OutcomeKind::Absent),
            Err(_) => Decision::Report(cause.clone()),
        };
        match decision {
            // What the primary calls in sync is looked at in its Region.
            Decision::Await | Decision::Follow(_) | Decision::LookCloser => {
                underway.push(Underway::of_others(target, None));
            }
            Decision::Leave(kind) => slice.count(outcome, secret, (source, target), kind),
            Decision::Report(cause) => {
                slice.report(outcome, &secret.name, (source, target), cause);
            }
            Decision::Refuse(cause) => {
                slice.fail_at_source(outcome, &secret.name, source, [target], cause);
            }
            // Why the replica failed is what a person mends, not that AWS refused to try once more.
            Decision::AskAgain { failed, .. } => {
                let message = format!("{}; asked once more: {}", failed.message, cause.message);
                slice.report(outcome, &secret.name, (source, target), Cause { message, ..failed });
            }
            Decision::Replicate { .. } => {
                slice.report(outcome, &secret.name, (source, target), cause);
            }
        }
    }
    underway
}

async fn send(
    slice: &Slice<'_>,
    secret: &Secret,
    source: &Region,
    missing: &Missing<'_>,
) -> Result<(), Cause> {
    apply::replicate(slice.session, secret, source, missing).await
}

/// Whether a refusal may be about one of several Regions: not one of the caller's rights or of AWS's load.
const fn may_be_one_regions(kind: FailureKind) -> bool {
    !kind.may_pass() && !matches!(kind, FailureKind::AccessDenied)
}
