//! Decides an item whose source exists.

use super::comparison::Comparison;
use super::consent::consent;
use super::desired::{Desired, desired};
use super::ownership::{WriteRight, not_adopted, write_right};
use super::removal::opted_out;
use super::source::not_a_source;
use super::write::{PlannedWrite, Takeover};
use super::{Case, Decision, PlanPolicy, refused};
use crate::domain::{Cause, FailureKind, OutcomeKind, Reason};
use crate::ownership::Ownership;
use crate::parameters::model::Observed;

/// Asks in order: is it a source, is it in scope, does its owner want a replica, may the hub write the name, can it be
/// replicated. The first "no" decides.
pub(super) fn decide_present(
    case: Case<'_>,
    original: &Observed,
    ownership: &Ownership,
    policy: PlanPolicy<'_>,
) -> Decision {
    if let Some(decision) = not_a_source(case, original, policy) {
        return decision;
    }
    if !policy.names.matches(original.parameter.name.as_str()) {
        return Decision::Leave(OutcomeKind::OutOfScope);
    }
    if let Some(decision) = opted_out(case, original, ownership, policy) {
        return decision;
    }
    let right = match write_right(case, ownership, policy) {
        Ok(right) => right,
        Err(decision) => return *decision,
    };
    let desired = match desired_with_consent(case, original, policy) {
        Ok(desired) => desired,
        Err(cause) => return Decision::Refuse(cause),
    };
    match case.replica {
        None => create(original, desired, policy),
        Some(replica) => {
            let comparison = Comparison::new(original, replica, desired, policy);
            change(case, comparison, right, ownership, policy)
        }
    }
}

/// The replica that the source asks for.
///
/// # Errors
/// The source cannot be replicated, or its value override references a parameter that may not be copied.
fn desired_with_consent(
    case: Case<'_>,
    original: &Observed,
    policy: PlanPolicy<'_>,
) -> Result<Desired, Cause> {
    let referenced = case.referenced.map(|referenced| referenced.parameter.version());
    let desired = desired(original, referenced, policy.kms_keys, case.source, case.target)?;
    consent(case, policy, &desired)?;
    Ok(desired)
}

/// The decision for a vacant name. AWS is about to delete an expired source and deleted its replica already.
fn create(original: &Observed, desired: Desired, policy: PlanPolicy<'_>) -> Decision {
    if original.parameter.policies.expired(policy.now) {
        Decision::Skip(expired())
    } else {
        Decision::Write(PlannedWrite::creation(desired, policy.now))
    }
}

/// The decision for a name that something holds.
fn change(
    case: Case<'_>,
    comparison: Comparison<'_>,
    right: WriteRight,
    ownership: &Ownership,
    policy: PlanPolicy<'_>,
) -> Decision {
    match (right, ownership) {
        (WriteRight::VacantOrOwned, Ownership::Owned { provenance, by_trusted }) => {
            let taken_over = *by_trusted && policy.take_over;
            refused::owned(case, comparison, (provenance, taken_over), policy)
        }
        (WriteRight::VacantOrOwned, _) => Decision::Nothing,
        (WriteRight::Adopt, _) => adopt(case, comparison),
        (WriteRight::TakeOver(takeover), ownership) => {
            take_over(case, comparison, &takeover, ownership, policy)
        }
    }
}

fn adopt(case: Case<'_>, comparison: Comparison<'_>) -> Decision {
    match comparison.adoption() {
        Ok(write) => Decision::Compare(write),
        Err(different) => {
            let why = format!("different {}", Reason::attributes(&[different]));
            Decision::Conflict(not_adopted(case, &why))
        }
    }
}

fn take_over(
    case: Case<'_>,
    comparison: Comparison<'_>,
    takeover: &Takeover,
    ownership: &Ownership,
    policy: PlanPolicy<'_>,
) -> Decision {
    comparison.taken_over(takeover, policy).unwrap_or_else(|attribute| {
        let attribute = Reason::attributes(&[attribute]);
        let mut cause = case.cause(ownership);
        cause.message = format!(
            "{}; the hub does not take the parameter over, because it has a different {attribute}, which only a deletion changes",
            cause.message
        );
        let remedy = format!(
            "delete the parameter in {}; the next sweep creates the replica; or rename one of the two parameters",
            case.target
        );
        Decision::Conflict(cause.with_remedy(remedy))
    })
}

/// Why an expired source has no replica.
fn expired() -> Cause {
    let message = "the Expiration policy of the source has passed: AWS deletes the source soon, and the hub creates no replica";
    let remedy = "none needed; to keep the source, change the time of its Expiration policy";
    Cause::new(FailureKind::Invalid, message).with_remedy(remedy)
}
