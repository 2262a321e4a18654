//! Reads histories where ownership depends on them: those of replicas whose provenance does not name the present version,
//! and those of replicas whose write may cover a version of another writer.

use std::collections::BTreeMap;

use super::execute::handle_refusal;
use crate::concurrency::in_parallel;
use crate::domain::{Cause, ParameterName, Region, Version};
use crate::ownership::{JudgeContext, Ownership, VersionsBetween, judge, versions_between};
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::candidate::Candidate;
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::plan::{Decision, covered, decide};
use crate::parameters::results::{PassResult, RetryReason};
use crate::parameters::store::{ByName, numbered_versions, past_versions};

/// The result of reading a history.
pub(in crate::parameters) enum HistoryRead {
    Done,
    /// The replica has another version now.
    Changed,
}

/// Reads the histories on which the ownership of the candidates' replicas depends. A replica whose history cannot be read
/// gets its result here.
pub(in crate::parameters) async fn read_where_needed(
    context: &RouteContext<'_>,
    candidates: &mut [Candidate],
    pass: &mut PassResult,
) {
    let needs = |candidate: &Candidate, target: &Region, replica: &Observed| {
        let case = context.case(target, candidate.original.as_ref(), Some(replica), None);
        decide(case, context.plan_policy(context.parity())) == Decision::ReadHistory
    };
    let mut wanted = Vec::new();
    for (place, candidate) in candidates.iter().enumerate() {
        for (target, replica) in &candidate.replicas {
            if let Some(replica) = replica
                && needs(candidate, target, replica)
            {
                wanted.push((place, target.clone(), replica.clone()));
            }
        }
    }
    let reads = wanted.into_iter().map(|(place, target, mut replica)| async move {
        let read = with_history(context, context.source, &target, &mut replica).await;
        (place, target, replica, read)
    });
    for (place, target, replica, read) in in_parallel(reads.collect::<Vec<_>>()).await {
        let candidate = &mut candidates[place];
        match read {
            Ok(HistoryRead::Done) => drop(candidate.replicas.insert(target, Some(replica))),
            Ok(HistoryRead::Changed) => {
                candidate.replicas.remove(&target);
                pass.retry(&candidate.name, &target, RetryReason::Unwritten);
            }
            Err(cause) => {
                candidate.replicas.remove(&target);
                pass.results.fail(&candidate.name, &target, &target, cause);
            }
        }
    }
}

/// Reads the history of a replica. Values are read too where they can prove that no version covers a different value of
/// another writer.
///
/// # Errors
/// AWS refused the read.
pub(in crate::parameters) async fn with_history(
    context: &RouteContext<'_>,
    source: &Region,
    target: &Region,
    replica: &mut Observed,
) -> Result<HistoryRead, Cause> {
    for decrypt in [false, true] {
        let parameter = &replica.parameter;
        let (name, version) = (&parameter.name, parameter.version());
        let read = past_versions(context.session, target, name, version, decrypt).await?;
        let Some(rows) = read else { return Ok(HistoryRead::Changed) };
        let undecided = rows.iter().rev().skip(1).any(|row| row.same_as_next.is_none());
        replica.history = Some(rows);
        let account = context.session.account();
        let judge_context = JudgeContext {
            source,
            active_since: context.policy.active_since(account, source, target),
            only_route: context.policy.routes.sources_into(target).count() <= 1,
            writers: &context.policy.writers,
            now: context.session.now(),
        };
        let ownership = judge(replica.evidence(account, target), judge_context);
        let has_covered = match ownership {
            Ownership::WrittenOver(_) => true,
            Ownership::ChangedInTarget { covered, restored_before, .. } => {
                covered.is_some() || restored_before
            }
            _ => false,
        };
        if !has_covered || !undecided {
            break;
        }
    }
    Ok(HistoryRead::Done)
}

/// Checks what the verified writes covered: provenance may follow only if the version below is the one that the decision
/// saw, or if the hub wrote every version between the two.
pub(in crate::parameters) async fn check_overwritten(
    context: &RouteContext<'_>,
    attempts: &mut [WriteAttempt],
) {
    let mut below: BTreeMap<Region, Vec<(ParameterName, i64)>> = BTreeMap::new();
    for attempt in attempts.iter() {
        if let WriteState::Verified(version) = attempt.state
            && let Some(decided) = attempt.overwritten_version()
            && version.number == decided.number + 1
        {
            let name = attempt.write.desired.name.clone();
            below.entry(attempt.target.clone()).or_default().push((name, decided.number));
        }
    }
    let reads = below.into_iter().map(|(target, wanted)| async move {
        let read = numbered_versions(context.session, &target, &wanted).await;
        (target, read)
    });
    let read: BTreeMap<Region, ByName<Version>> =
        futures::future::join_all(reads).await.into_iter().collect();
    let checks = attempts.iter_mut().map(|attempt| {
        let below =
            read.get(&attempt.target).and_then(|read| read.get(&attempt.write.desired.name));
        async move {
            if let WriteState::Verified(version) = attempt.state {
                attempt.state = state_over(context, attempt, version, below).await;
            }
        }
    });
    in_parallel(checks).await;
}

/// The state of an attempt that wrote version `written` over `below`.
async fn state_over(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    written: Version,
    below: Option<&Result<Option<Version>, Cause>>,
) -> WriteState {
    let decided = attempt.overwritten_version();
    match (decided, below) {
        // An update that wrote version 1: the replica was deleted meanwhile, and nothing is covered.
        (Some(_), _) if written.number == 1 => return WriteState::Recreated(written),
        (None, _) if written.number == 1 => return WriteState::Verified(written),
        (Some(decided), Some(Ok(Some(below)))) if *below == decided => {
            return WriteState::Verified(written);
        }
        (_, Some(Err(cause))) => return WriteState::Failed(cause.clone()),
        _ => {}
    }
    let name = &attempt.write.desired.name;
    let rows = past_versions(context.session, &attempt.target, name, written, false).await;
    match rows {
        Ok(Some(rows)) => {
            let (account, writers) = (context.session.account(), &context.policy.writers);
            match versions_between(&rows, decided, account, writers) {
                VersionsBetween::OnlyHub => WriteState::Verified(written),
                VersionsBetween::Recreated => WriteState::Recreated(written),
                VersionsBetween::Foreign(under) => {
                    let conflict = covered(attempt.case(context), under);
                    handle_refusal(context, attempt, conflict).await
                }
            }
        }
        Ok(None) => WriteState::Superseded(attempt.write.change.done()),
        Err(cause) => WriteState::Failed(cause),
    }
}
