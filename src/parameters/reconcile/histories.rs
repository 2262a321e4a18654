//! Reads histories where ownership depends on them: of replicas whose present version provenance does not name, and of
//! what a write went over.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::execute::withdrawn;
use crate::concurrency::in_parallel;
use crate::domain::{Cause, ParameterName, Region, Version};
use crate::ownership::{
    JudgeContext, Ownership, PastVersion, VersionsBetween, judge, versions_between,
};
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::candidate::Candidate;
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::plan::{Decision, decide};
use crate::parameters::results::{PassResult, RetryReason};
use crate::parameters::store::{ByName, numbered_versions, past_versions};

/// What came of reading a history.
pub(in crate::parameters) enum Read {
    /// It was read.
    Yes,
    /// The replica is another by now.
    Moved,
}

/// Gives the candidates the histories that decide whose their replicas are. What cannot be read ends here.
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
            Ok(Read::Yes) => drop(candidate.replicas.insert(target, Some(replica))),
            Ok(Read::Moved) => {
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

/// Gives a replica its history. Values are compared only where that can clear a version of the suspicion that another
/// value lies under it.
///
/// # Errors
/// What AWS answered.
pub(in crate::parameters) async fn with_history(
    context: &RouteContext<'_>,
    source: &Region,
    target: &Region,
    replica: &mut Observed,
) -> Result<Read, Cause> {
    for decrypt in [false, true] {
        let parameter = &replica.parameter;
        let (name, version) = (&parameter.name, parameter.version());
        let read = past_versions(context.session, target, name, version, decrypt).await?;
        let Some(rows) = read else { return Ok(Read::Moved) };
        let undecided = rows.iter().rev().skip(1).any(|row| row.same_as_next.is_none());
        replica.history = Some(rows);
        let judge_context = JudgeContext {
            source,
            only_route: context.policy.routes.sources_into(target).count() <= 1,
            writers: &context.policy.writers,
            now: context.session.now(),
        };
        let judged = judge(replica.evidence(context.session.account(), target), judge_context);
        let has_covered = match judged {
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
    Ok(Read::Yes)
}

/// Looks under what was written over and read back: provenance may follow only if the version below is the one that was
/// decided on, or everything between is the hub's.
pub(in crate::parameters) async fn look_underneath(
    context: &RouteContext<'_>,
    attempts: &[WriteAttempt],
    state: Vec<WriteState>,
) -> Vec<WriteState> {
    let mut below: BTreeMap<Region, Vec<(ParameterName, i64)>> = BTreeMap::new();
    for (attempt, state) in attempts.iter().zip(&state) {
        if let WriteState::Verified(version) = state
            && let Some(decided) = attempt.written_over()
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
    let looked = attempts.iter().zip(state).map(|(attempt, state)| {
        let below =
            read.get(&attempt.target).and_then(|read| read.get(&attempt.write.desired.name));
        async move {
            match state {
                WriteState::Verified(version) => under(context, attempt, version, below).await,
                state => state,
            }
        }
    });
    in_parallel(looked).await
}

async fn under(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    written: Version,
    below: Option<&Result<Option<Version>, Cause>>,
) -> WriteState {
    let decided = attempt.written_over();
    match (decided, below) {
        // Version 1 after a write over: it was deleted meanwhile, and nothing lies under it.
        (Some(_), _) if written.number == 1 => return WriteState::Recreated(written),
        // Created in this run, with nothing before it.
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
        Ok(Some(rows)) => match judged(context, attempt, written, decided, &rows) {
            Ok(state) => state,
            Err(covered) => withdrawn(context, attempt, covered).await,
        },
        Ok(None) => WriteState::Superseded(attempt.write.change.done()),
        Err(cause) => WriteState::Failed(cause),
    }
}

fn judged(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    written: Version,
    decided: Option<Version>,
    rows: &Arc<[PastVersion]>,
) -> Result<WriteState, Cause> {
    let (account, writers) = (context.session.account(), &context.policy.writers);
    match versions_between(rows, decided, account, writers) {
        VersionsBetween::OnlyHub => Ok(WriteState::Verified(written)),
        VersionsBetween::Recreated => Ok(WriteState::Recreated(written)),
        VersionsBetween::Foreign(under) => {
            Err(crate::parameters::plan::covered(attempt.case(context), under))
        }
    }
}
