//! Waits until Secrets Manager has finished the requested replicas of an account. All replicas are awaited together, and
//! the wait ends with the deadline or after [`PATIENCE`].

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;

use crate::deadline::reserve;
use crate::domain::{AccountOutcome, Cause, Kind, OutcomeKind, Region};
use crate::partial_counts;

use super::context::{CALLS, SecretsContext};
use super::model::Secret;
use super::observe;
use super::plan::{SecretDecision, SecretQuestion, plan};

/// The first pause between reads. Each pause is twice as long as the previous one, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A replica that takes longer is left to the next invocation.
const PATIENCE: Duration = Duration::from_mins(1);

/// A secret with unfinished replicas.
#[derive(Clone, Debug)]
pub(super) struct AwaitedSecret<'a> {
    /// The secret as `DescribeSecret` last showed it.
    pub(super) secret: Secret,
    pub(super) source: &'a Region,
    pub(super) replicas: Vec<AwaitedReplica<'a>>,
}

/// An unfinished replica.
#[derive(Clone, Debug)]
pub(super) struct AwaitedReplica<'a> {
    target: &'a Region,
    /// Whether this run requested the replica.
    is_requested: bool,
    /// The report if the replica stays as it is. `None` while Secrets Manager works on the replica.
    difference: Option<Cause>,
}

impl<'a> AwaitedReplica<'a> {
    /// A replica that this run requested.
    pub(super) const fn requested(target: &'a Region) -> Self {
        Self { target, is_requested: true, difference: None }
    }

    /// A replica that another writer requested, or that an earlier run requested.
    pub(super) const fn of_others(target: &'a Region, difference: Option<Cause>) -> Self {
        Self { target, is_requested: false, difference }
    }
}

/// Waits for all secrets concurrently, so the wait is as long as the slowest replica needs.
pub(super) async fn await_replicas(
    context: &SecretsContext<'_>,
    mut awaited: Vec<AwaitedSecret<'_>>,
) -> AccountOutcome {
    let mut outcome = context.empty_outcome();
    let mut pause = FIRST_PAUSE;
    let mut waited = Duration::ZERO;
    while !awaited.is_empty() {
        let in_time = context.policy.deadline.leaves(pause + reserve::REPLICA_READ);
        if !in_time || waited >= PATIENCE {
            give_up(context, &mut outcome, awaited, in_time);
            break;
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST_PAUSE);

        let reads: Vec<_> = awaited.into_iter().map(|one| read_again(context, one)).collect();
        let read = stream::iter(reads).buffer_unordered(CALLS);
        let read = read.inspect(|(part, _)| partial_counts::add(Kind::Secret, &part.secrets));
        let read: Vec<_> = read.collect().await;
        awaited = Vec::new();
        for (part, rest) in read {
            outcome.merge(part);
            awaited.extend(rest);
        }
    }
    outcome
}

/// Ends the wait. A replica with a known difference is reported, unless the deadline cut the wait; all other replicas
/// count as pending.
fn give_up(
    context: &SecretsContext<'_>,
    outcome: &mut AccountOutcome,
    awaited: Vec<AwaitedSecret<'_>>,
    in_time: bool,
) {
    outcome.complete &= in_time;
    for AwaitedSecret { secret, source, replicas } in awaited {
        for replica in replicas {
            let regions = (source, replica.target);
            match replica.difference.filter(|_| in_time) {
                Some(cause) => context.report(outcome, &secret.name, regions, cause),
                None => context.count(outcome, &secret, regions, OutcomeKind::Pending),
            }
        }
    }
}

/// Reads one secret again. Returns the finished replicas as an outcome, and the unfinished ones.
async fn read_again<'a>(
    context: &SecretsContext<'_>,
    awaited: AwaitedSecret<'a>,
) -> (AccountOutcome, Option<AwaitedSecret<'a>>) {
    let mut outcome = context.empty_outcome();
    let AwaitedSecret { secret: last, source, replicas } = awaited;
    let targets = || replicas.iter().map(|replica| replica.target);
    let secret = match observe::describe(context.session, source, &last.arn).await {
        Ok(Some(secret)) => secret,
        Ok(None) => {
            for target in targets() {
                context.count(&mut outcome, &last, (source, target), OutcomeKind::Absent);
            }
            return (outcome, None);
        }
        Err(cause) => {
            context.fail_at_source(&mut outcome, &last.name, source, targets(), cause);
            return (outcome, None);
        }
    };
    let mut unfinished = Vec::new();
    for replica in replicas {
        let regions = (source, replica.target);
        match decide_replica(context, &secret, source, replica.target).await {
            SecretDecision::AwaitReplica => {
                unfinished.push(AwaitedReplica { difference: None, ..replica });
            }
            SecretDecision::AwaitOrReport(cause) => {
                unfinished.push(AwaitedReplica { difference: Some(cause), ..replica });
            }
            SecretDecision::Leave(OutcomeKind::InSync) if replica.is_requested => {
                context.count(&mut outcome, &secret, regions, OutcomeKind::Replicated);
            }
            SecretDecision::ReplicateAgain { failed, .. } => {
                context.report(&mut outcome, &secret.name, regions, failed);
            }
            // A decision to replicate means that the owner removed the Region from the replication. It counts as
            // pending; the next sweep decides again.
            other => context.record(&mut outcome, &secret, regions, other),
        }
    }
    let rest =
        (!unfinished.is_empty()).then_some(AwaitedSecret { secret, source, replicas: unfinished });
    (outcome, rest)
}

/// Decides from the primary. If the primary shows the replica as in sync, the replica is read by name, because the lists
/// of the target are older than the primary's answer.
async fn decide_replica(
    context: &SecretsContext<'_>,
    secret: &Secret,
    source: &Region,
    target: &Region,
) -> SecretDecision {
    let decision = plan(&context.question(secret, None, source, target));
    if decision != SecretDecision::ReadByName {
        return decision;
    }
    match observe::describe(context.session, target, secret.name.as_str()).await {
        Ok(held) => {
            let question = context.question(secret, held.as_ref(), source, target);
            plan(&SecretQuestion { read_by_name: true, ..question })
        }
        Err(cause) => SecretDecision::Report(cause),
    }
}
