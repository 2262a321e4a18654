//! Releases a replica: the tag that declares it its owner's is set first, then the hub's two come off in one call. It
//! stays as it is and belongs to its owner from then on.

use super::model::Observed;
use super::plan::Case;
use super::store::{ByName, Tagged, by_name, mark_released, versions};
use crate::aws::Session;
use crate::domain::{
    AccountOutcome, Assignment, Cause, Change, FailureKind, Item, OutcomeKind, ParameterName,
    Reason, Region, Scope, Wanted,
};
use crate::guard::{Claim, Proposal, Ruling};
use crate::ownership::Ownership;
use crate::parameters::context::RouteContext;
use crate::parameters::reconcile::histories::{Read, with_history};
use crate::parameters::results::{ItemResult, ItemResults};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// Releases the replicas of the parameters that `assignments` name, in the targets of their routes.
pub async fn release(
    session: &Session,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    assignments: &[Assignment],
) -> AccountOutcome {
    let mut outcome = AccountOutcome::new(session.account().clone());
    for Assignment { route, scope } in assignments {
        let Scope::Items(wanted) = scope else { continue };
        let context = RouteContext::new(session, policy, recent, &route.source, scope);
        for Wanted { item, .. } in wanted {
            let Item::Parameter(name) = item else { continue };
            let mut results = ItemResults::default();
            for target in &route.targets {
                if policy.deadline.is_stopped() {
                    let pending = ItemResult::Counted(OutcomeKind::Pending);
                    results.end(name, target, pending);
                    continue;
                }
                release_one(&context, target, name, &mut results).await;
            }
            outcome.merge(results.into_outcome(session.account()));
        }
    }
    outcome
}

async fn release_one(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
    results: &mut ItemResults,
) {
    let ended = match read(context, target, name).await {
        Ok(Some(replica)) => released(context, target, name, &replica, results).await,
        Ok(None) => Err(nothing_there(target)),
        Err(cause) => Err(cause),
    };
    if let Err(cause) = ended {
        results.fail(name, target, target, cause);
    }
}

/// The replica and its history, where that decides whose it is.
async fn read(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
) -> Result<Option<Observed>, Cause> {
    let held = versions(context.session, target, std::slice::from_ref(name)).await;
    let mut read: ByName<Observed> = by_name(context.session, target, held).await;
    let Some(mut replica) = read.remove(name).transpose()?.flatten() else { return Ok(None) };
    if case(context, target, &replica).ownership(context.plan_policy(context.parity()))
        == Ownership::NeedsHistory
        && matches!(with_history(context, context.source, target, &mut replica).await?, Read::Moved)
    {
        let message = format!("the parameter in {target} changed while it was read");
        return Err(Cause::new(FailureKind::Unavailable, message));
    }
    Ok(Some(replica))
}

fn case<'a>(context: &'a RouteContext<'_>, target: &'a Region, replica: &'a Observed) -> Case<'a> {
    context.case(target, None, Some(replica), None)
}

async fn released(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
    replica: &Observed,
    results: &mut ItemResults,
) -> Result<(), Cause> {
    let ownership = case(context, target, replica).ownership(context.plan_policy(context.parity()));
    if !ownership.may_be_released() {
        return Err(not_a_replica(target));
    }
    let change = Change::Retag;
    let evidence = replica.evidence(context.session.account(), target);
    let proposal = Proposal {
        source: context.source,
        target,
        change,
        occupant: crate::guard::Occupant::Parameter(evidence),
        claim: Some(Claim::Release),
    };
    match context.policy.judge(&proposal, context.session.now()) {
        Ruling::Proceed => {
            match mark_released(context.session, target, &replica.parameter.name).await? {
                Tagged::Yes => {
                    results.end(
                        &replica.parameter.name,
                        target,
                        ItemResult::Counted(OutcomeKind::Retagged),
                    );
                    Ok(())
                }
                Tagged::Gone => Err(nothing_there(target)),
            }
        }
        Ruling::ReportOnly => {
            let because = vec![Reason::Release];
            let result =
                ItemResult::Planned { change, because, class: ownership.class(), reported: None };
            results.end(name, target, result);
            Ok(())
        }
        Ruling::Refused(cause) => Err(cause),
    }
}

fn nothing_there(target: &Region) -> Cause {
    let message = format!("there is no parameter of this name in {target}");
    let remedy = "give the name as Parameter Store shows it, and the Region of its source";
    Cause::new(FailureKind::Invalid, message).mended_by(remedy)
}

fn not_a_replica(target: &Region) -> Cause {
    let message =
        format!("the parameter in {target} does not carry the tags of this route's replica");
    let remedy =
        "nothing: it is its owner's already; give the Region of its source if that is another";
    Cause::new(FailureKind::Invalid, message).mended_by(remedy)
}
