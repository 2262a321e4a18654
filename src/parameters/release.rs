//! Releases replicas: sets the tag that declares the parameter its owner's, then removes both tags of the hub in one call.
//! The parameter itself stays as it is.

use super::causes::{changed_while_read, not_a_replica, nothing_to_release};
use super::model::Observed;
use super::store::{ByName, Tagged, by_name, mark_released, versions};
use crate::aws::Session;
use crate::domain::{
    AccountOutcome, Assignment, Cause, Change, Item, OutcomeKind, ParameterName, Reason, Region,
    Scope, Wanted,
};
use crate::guard::{Claim, Ruling};
use crate::ownership::Ownership;
use crate::parameters::context::RouteContext;
use crate::parameters::reconcile::histories::{HistoryRead, with_history};
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
        let session = &session.on_route(&route.source, policy.purpose.need());
        let context = RouteContext::new(session, policy, recent, &route.source, scope);
        for Wanted { item, .. } in wanted {
            let Item::Parameter(name) = item else { continue };
            let mut results = ItemResults::default();
            for target in &route.targets {
                let result = if policy.deadline.is_stopped() {
                    Ok(ItemResult::Counted(OutcomeKind::Pending))
                } else {
                    release_in(&context, target, name).await
                };
                match result {
                    Ok(result) => results.record(name, target, result),
                    Err(cause) => results.fail(name, target, target, cause),
                }
            }
            outcome.merge(results.into_outcome(session.account()));
        }
    }
    outcome
}

/// Releases one replica, if the tags of this route and the guard permit it.
async fn release_in(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
) -> Result<ItemResult, Cause> {
    let replica = read(context, target, name).await?.ok_or_else(|| nothing_to_release(target))?;
    let ownership = ownership(context, target, &replica);
    if !ownership.may_be_released() {
        return Err(not_a_replica(target));
    }
    let change = Change::Retag;
    match context.judge_replica(target, change, &replica, Some(Claim::Release)) {
        Ruling::Proceed => {
            match mark_released(context.session, target, &replica.parameter.name).await? {
                Tagged::Yes => Ok(ItemResult::Counted(OutcomeKind::Retagged)),
                Tagged::Gone => Err(nothing_to_release(target)),
            }
        }
        Ruling::ReportOnly => {
            let (because, class) = (vec![Reason::Release], ownership.class());
            Ok(ItemResult::Planned { change, because, class, reported: None })
        }
        Ruling::Refused(cause) => Err(cause),
    }
}

/// Reads the replica, and its history where ownership depends on it.
async fn read(
    context: &RouteContext<'_>,
    target: &Region,
    name: &ParameterName,
) -> Result<Option<Observed>, Cause> {
    let held = versions(context.session, target, std::slice::from_ref(name)).await;
    let mut read: ByName<Observed> = by_name(context.session, target, held).await;
    let Some(mut replica) = read.remove(name).transpose()?.flatten() else { return Ok(None) };
    if ownership(context, target, &replica) == Ownership::NeedsHistory
        && matches!(
            with_history(context, context.source, target, &mut replica).await?,
            HistoryRead::Changed
        )
    {
        return Err(changed_while_read(target));
    }
    Ok(Some(replica))
}

fn ownership(context: &RouteContext<'_>, target: &Region, replica: &Observed) -> Ownership {
    let case = context.case(target, None, Some(replica), None);
    case.ownership(context.plan_policy(context.parity()))
}
