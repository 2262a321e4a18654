//! Handles the secrets that the lists left undecided, one at a time: describes the secret, decides each target again, and
//! requests the missing replicas.

use std::collections::BTreeMap;

use crate::deadline::reserve;
use crate::domain::{
    AccountOutcome, Cause, Change, FailureKind, Item, Kind, OutcomeKind, Reason, Region, Step,
};
use crate::guard::{Occupant, Proposal, Ruling};

use super::await_replicas::{AwaitedReplica, AwaitedSecret};
use super::context::SecretsContext;
use super::decide::TargetDecision;
use super::model::Secret;
use super::plan::{SecretDecision, plan};
use super::{apply, observe};

/// A secret, and the targets in which the lists left it undecided.
#[derive(Clone, Debug)]
pub(super) struct UndecidedSecret<'a> {
    /// The secret, from a list or from `DescribeSecret`.
    pub(super) secret: Secret,
    pub(super) source: &'a Region,
    pub(super) targets: Vec<UndecidedTarget<'a>>,
}

/// A target in which a secret is undecided.
#[derive(Clone, Debug)]
pub(super) struct UndecidedTarget<'a> {
    pub(super) target: &'a Region,
    pub(super) holder: KnownHolder,
}

/// What holds the secret's name in a target, as far as the run knows.
#[derive(Clone, Debug)]
pub(super) enum KnownHolder {
    /// The target was not read.
    Unread,
    /// The name is not in use.
    Vacant,
    Secret(Box<Secret>),
}

/// The keys of the replicas to request, by target Region.
type MissingReplicas<'a> = BTreeMap<&'a Region, String>;

/// Decides one secret again and requests its missing replicas. Returns the unfinished replicas as the second part; the
/// caller waits for them.
pub(super) async fn decide_again<'a>(
    context: &SecretsContext<'_>,
    undecided: UndecidedSecret<'a>,
) -> (AccountOutcome, Option<AwaitedSecret<'a>>) {
    let mut outcome = context.empty_outcome();
    let UndecidedSecret { secret, source, targets } = undecided;
    if !context.policy.deadline.leaves(reserve::SECRET) {
        outcome.complete = false;
        for UndecidedTarget { target, .. } in targets {
            context.count(&mut outcome, &secret, (source, target), OutcomeKind::Pending);
        }
        return (outcome, None);
    }
    let Some(secret) = described(context, &mut outcome, secret, source, &targets).await else {
        return (outcome, None);
    };

    let mut missing = MissingReplicas::new();
    let mut replicas = Vec::new();
    for UndecidedTarget { target, holder } in targets {
        let regions = (source, target);
        let TargetDecision { decision, held } =
            context.decide_target(&mut outcome, &secret, source, target, holder).await;
        match decision {
            SecretDecision::AwaitReplica if context.policy.writing.allows() => {
                replicas.push(AwaitedReplica::of_others(target, None));
            }
            SecretDecision::AwaitOrReport(cause) if context.policy.writing.allows() => {
                replicas.push(AwaitedReplica::of_others(target, Some(cause)));
            }
            // The request causes an event, so a request on each event would never end.
            SecretDecision::ReplicateAgain { failed, .. } if context.policy.from_events => {
                context.report(&mut outcome, &secret.name, regions, failed);
            }
            SecretDecision::Replicate { kms_key }
            | SecretDecision::ReplicateAgain { kms_key, .. } => {
                if may_replicate(context, &mut outcome, &secret, regions, held) {
                    missing.insert(target, kms_key);
                }
            }
            other => context.record(&mut outcome, &secret, regions, other),
        }
    }
    if !missing.is_empty() {
        replicas.extend(request_replicas(context, &mut outcome, &secret, source, missing).await);
    }
    let rest = (!replicas.is_empty()).then_some(AwaitedSecret { secret, source, replicas });
    (outcome, rest)
}

/// The described secret. `None` if the secret is absent or cannot be read; the outcome then has a count for each target.
async fn described(
    context: &SecretsContext<'_>,
    outcome: &mut AccountOutcome,
    secret: Secret,
    source: &Region,
    targets: &[UndecidedTarget<'_>],
) -> Option<Secret> {
    if secret.is_described() {
        return Some(secret);
    }
    // With the name, because a secret that was deleted and created again since the list has another ARN.
    match observe::describe(context.session, source, secret.name.as_str()).await {
        Ok(Some(secret)) => Some(secret),
        Ok(None) => {
            for UndecidedTarget { target, .. } in targets {
                context.count(outcome, &secret, (source, target), OutcomeKind::Absent);
            }
            None
        }
        Err(cause) => {
            let targets = targets.iter().map(|one| one.target);
            context.fail_at_source(outcome, &secret.name, source, targets, cause);
            None
        }
    }
}

/// Whether the guard permits the request for a replica. The outcome gets the planned step or the refusal.
fn may_replicate(
    context: &SecretsContext<'_>,
    outcome: &mut AccountOutcome,
    secret: &Secret,
    (source, target): (&Region, &Region),
    held: Occupant<'static>,
) -> bool {
    let change = Change::Replicate;
    let proposal = Proposal { source, target, change, occupant: held, claim: None };
    match context.policy.judge(&proposal, context.session.now()) {
        Ruling::Proceed => true,
        Ruling::ReportOnly => {
            outcome.ledger.end(Kind::Secret, source, target, 1);
            outcome.steps.push(Step {
                region: target.clone(),
                item: Item::Secret(secret.name.clone()),
                change,
                because: vec![Reason::Missing],
                class: None,
            });
            false
        }
        Ruling::Refused(cause) => {
            context.report(outcome, &secret.name, (source, target), cause);
            false
        }
    }
}

/// Requests all missing replicas in one call. Returns the replicas to wait for.
async fn request_replicas<'a>(
    context: &SecretsContext<'_>,
    outcome: &mut AccountOutcome,
    secret: &Secret,
    source: &Region,
    missing: MissingReplicas<'a>,
) -> Vec<AwaitedReplica<'a>> {
    let mut awaited = Vec::new();
    let mut refused = Vec::new();
    match apply::replicate(context.session, secret, source, &missing).await {
        Ok(()) => awaited.extend(missing.keys().copied().map(AwaitedReplica::requested)),
        // AWS refuses a whole request for one invalid Region, such as a Region that the account has not enabled.
        Err(cause) if missing.len() > 1 && may_concern_one_region(cause.kind) => {
            for (target, key) in missing {
                let one = MissingReplicas::from([(target, key)]);
                match apply::replicate(context.session, secret, source, &one).await {
                    Ok(()) => awaited.push(AwaitedReplica::requested(target)),
                    Err(cause) => refused.push((target, cause)),
                }
            }
        }
        Err(cause) => {
            refused.extend(missing.into_keys().map(|target| (target, cause.clone())));
        }
    }
    if !refused.is_empty() {
        awaited.extend(check_refused(context, outcome, secret, source, refused).await);
    }
    awaited
}

/// Reads the primary after refused requests. Another writer may have requested the replica first, or only the answer was
/// lost. Returns the replicas to wait for.
async fn check_refused<'a>(
    context: &SecretsContext<'_>,
    outcome: &mut AccountOutcome,
    secret: &Secret,
    source: &Region,
    refused: Vec<(&'a Region, Cause)>,
) -> Vec<AwaitedReplica<'a>> {
    let mut awaited = Vec::new();
    let now = observe::describe(context.session, source, &secret.arn).await;
    for (target, cause) in refused {
        let regions = (source, target);
        let decision = match &now {
            Ok(Some(now)) => plan(&context.question(now, None, source, target)),
            Ok(None) => SecretDecision::Leave(OutcomeKind::Absent),
            Err(_) => SecretDecision::Report(cause.clone()),
        };
        match decision {
            SecretDecision::AwaitReplica
            | SecretDecision::AwaitOrReport(_)
            | SecretDecision::ReadByName => awaited.push(AwaitedReplica::of_others(target, None)),
            // The operator has to correct the cause of the failed replica, not the refusal of the new request.
            SecretDecision::ReplicateAgain { failed, .. } => {
                let message = format!("{}; requested again: {}", failed.message, cause.message);
                context.report(outcome, &secret.name, regions, Cause { message, ..failed });
            }
            SecretDecision::Replicate { .. } => {
                context.report(outcome, &secret.name, regions, cause);
            }
            decision => context.record(outcome, secret, regions, decision),
        }
    }
    awaited
}

/// Whether AWS may have refused the request for one of several Regions. Missing permissions and temporary failures
/// concern the whole request.
const fn may_concern_one_region(kind: FailureKind) -> bool {
    !kind.may_succeed_later() && !matches!(kind, FailureKind::AccessDenied)
}
