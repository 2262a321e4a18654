//! What the lists do not settle, one secret at a time: describe it, decide again, and ask for the replicas that are missing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{
    AccountOutcome, Cause, Change, FailureKind, Item, Kind, OutcomeKind, Region, Step,
};

use crate::guard::{self, Proposal, Ruling};

use super::model::Secret;
use super::plan::{Decision, exemption, plan};
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
    if !slice.rules.deadline.leaves(CASE_TIME) {
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
        let (decision, vacant) = decide(slice, &secret, source, target, held).await;
        match decision {
            Decision::Leave(kind) => slice.count(&mut outcome, &secret, (source, target), kind),
            Decision::Report(cause) => {
                slice.report(&mut outcome, &secret.name, (source, target), cause);
            }
            Decision::Refuse(cause) => {
                slice.fail_at_source(&mut outcome, &secret.name, source, [target], cause);
            }
            Decision::Await if slice.rules.writing.allows() => {
                targets.push(Underway { target, asked: false });
            }
            // A plan does not wait for what others began.
            Decision::Await | Decision::LookCloser => {
                slice.count(&mut outcome, &secret, (source, target), OutcomeKind::Pending);
            }
            Decision::Replicate { kms_key } => {
                let change = Change::Replicate;
                let held = if vacant { guard::Held::Vacant } else { guard::Held::OtherSecret };
                let proposal = Proposal { source, target, change, held, claim: None };
                match slice.rules.judge(&proposal, slice.session.now()) {
                    Ruling::Go => drop(missing.insert(target, kms_key)),
                    Ruling::TellOnly => {
                        outcome.ledger.end(Kind::Secret, source, target, 1);
                        outcome.steps.push(Step {
                            region: target.clone(),
                            item: Item::Secret(secret.name.clone()),
                            change,
                            because: vec!["missing"],
                            class: None,
                        });
                    }
                    Ruling::Held(cause) => {
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

/// Decides one target of a described secret, looking there where that is needed; and whether the name was vacant there.
async fn decide(
    slice: &Slice<'_>,
    secret: &Secret,
    source: &Region,
    target: &Region,
    held: Held,
) -> (Decision, bool) {
    if let Some(decision) = exemption(secret, source, &slice.rules.names) {
        return (decision, false);
    }
    let settle = |held: Option<&Secret>| {
        (plan(&slice.question(secret, held, source, target)), held.is_none())
    };
    let known = match &held {
        Held::Unread => None,
        Held::Nobody => Some(settle(None)),
        Held::By(held) => Some(settle(Some(held))),
    };
    if let Some(known) = known.filter(|(decision, _)| *decision != Decision::LookCloser) {
        return known;
    }
    match observe::describe(slice.session, target, secret.name.as_str()).await {
        Ok(held) => settle(held.as_ref()),
        Err(cause) => (Decision::Report(cause), false),
    }
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
        Ok(()) => underway.extend(missing.keys().map(|target| Underway { target, asked: true })),
        // One Region that AWS does not take, say one that the account has not enabled, must not cost the others theirs.
        Err(cause) if missing.len() > 1 && may_be_one_regions(cause.kind) => {
            for (target, key) in missing {
                match send(slice, secret, source, &Missing::from([(target, key)])).await {
                    Ok(()) => underway.push(Underway { target, asked: true }),
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
            Decision::Await => underway.push(Underway { target, asked: false }),
            Decision::Leave(kind) => slice.count(outcome, secret, (source, target), kind),
            Decision::Report(cause) => {
                slice.report(outcome, &secret.name, (source, target), cause);
            }
            Decision::Refuse(cause) => {
                slice.fail_at_source(outcome, &secret.name, source, [target], cause);
            }
            Decision::Replicate { .. } | Decision::LookCloser => {
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
