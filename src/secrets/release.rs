//! Ends the managed replication of a secret, so that the owner can delete the secret: AWS refuses to delete a secret that
//! has replicas. Only an operator requests a release, by name, because the hub's replicas cannot be distinguished from
//! the owner's replicas.

use super::apply::end_replication;
use super::observe::describe;
use crate::aws::Session;
use crate::domain::{
    AccountOutcome, Assignment, Cause, Change, Failure, FailureKind, Item, Kind, OutcomeKind,
    Reason, Region, Scope, SecretName, Step, Wanted,
};
use crate::guard::{Occupant, Proposal, Ruling};
use crate::run_policy::RunPolicy;

/// Ends the replication of the secrets in `assignments` to the targets of their routes.
pub async fn release(
    session: &Session,
    policy: &RunPolicy,
    assignments: &[Assignment],
) -> AccountOutcome {
    let mut outcome = AccountOutcome::new(session.account().clone());
    for Assignment { route, scope } in assignments {
        let Scope::Items(wanted) = scope else { continue };
        for Wanted { item, .. } in wanted {
            let Item::Secret(name) = item else { continue };
            if policy.deadline.is_stopped() {
                outcome.complete = false;
                outcome.left = true;
                continue;
            }
            let released =
                release_one(session, policy, name, &route.source, &route.targets, &mut outcome);
            if let Err(cause) = released.await {
                outcome.count(Kind::Secret, OutcomeKind::Failed);
                let failure = Failure::of_item(session.account(), item.clone(), cause);
                outcome.fail(failure.in_region(&route.source));
            }
        }
    }
    outcome
}

async fn release_one(
    session: &Session,
    policy: &RunPolicy,
    name: &SecretName,
    source: &Region,
    targets: &[Region],
    outcome: &mut AccountOutcome,
) -> Result<(), Cause> {
    let Some(secret) = describe(session, source, name.as_str()).await? else {
        let message = format!("{source} has no secret with this name");
        let remedy =
            "use the name that Secrets Manager shows, and the Region of the primary secret";
        return Err(Cause::new(FailureKind::Invalid, message).with_remedy(remedy));
    };
    if secret.is_replica_in(source) {
        let message = format!("the secret in {source} is a replica");
        let remedy = "use the Region of the primary secret";
        return Err(Cause::new(FailureKind::Invalid, message).with_remedy(remedy));
    }
    let replicas = secret.replication.as_ref().into_iter().flat_map(|replicas| replicas.keys());
    let mut regions = Vec::new();
    for target in replicas.filter(|region| targets.contains(*region)) {
        let change = Change::Delete;
        let occupant = Occupant::SecretReplica;
        let proposal = Proposal { source, target, change, occupant, claim: None };
        match policy.judge(&proposal, session.now()) {
            Ruling::Proceed => regions.push(target),
            Ruling::ReportOnly => outcome.steps.push(Step {
                region: target.clone(),
                item: Item::Secret(secret.name.clone()),
                change,
                because: vec![Reason::Release],
                class: None,
            }),
            Ruling::Refused(cause) => return Err(cause),
        }
    }
    if !regions.is_empty() {
        end_replication(session, &secret, source, &regions, policy.purpose.need()).await?;
        for _ in regions {
            outcome.count(Kind::Secret, OutcomeKind::Deleted);
        }
    }
    Ok(())
}
