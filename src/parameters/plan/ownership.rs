//! Whether the hub may write the name in the target, and why not.

use super::write::{MarkTiming, Takeover};
use super::{Case, Decision, PlanPolicy};
use crate::domain::{Cause, OutcomeKind, Reason};
use crate::guard::Claim;
use crate::ownership::{ForeignVersion, Ownership, does_not_take};

/// Why the hub may write the name in the target.
pub(super) enum WriteRight {
    /// The name is vacant, or the hub owns the replica.
    VacantOrOwned,
    /// The parameter has neither of the hub's tags, and the settings ask for adoption.
    Adopt,
    /// The hub overwrites the parameter and owns it then.
    TakeOver(Takeover),
}

/// Why the hub may write the name in the target.
///
/// # Errors
/// The decision if the hub may not write the name.
pub(super) fn write_right(
    case: Case<'_>,
    ownership: &Ownership,
    policy: PlanPolicy<'_>,
) -> Result<WriteRight, Box<Decision>> {
    match ownership {
        Ownership::Vacant | Ownership::Owned { .. } => Ok(WriteRight::VacantOrOwned),
        Ownership::MarkOnly { trusted: true } => {
            Ok(take_over(ownership, Reason::Provenance, MarkTiming::Never, Some(Claim::TakeOver)))
        }
        Ownership::UntaggedCreate { fresh: true } => {
            Ok(take_over(ownership, Reason::Provenance, MarkTiming::BeforeWrite, None))
        }
        held if policy.take && held.may_be_taken() => {
            Ok(take_over(held, Reason::Conflict, MarkTiming::BeforeWrite, Some(Claim::Take)))
        }
        Ownership::ChangedInTarget { change, restored_before, covered: None, restorable: true }
            if policy.restore =>
        {
            if *restored_before {
                let cause = case.reported(|context| Some(does_not_take(change, context)));
                return Err(cause.map_or(Decision::Nothing, Decision::Conflict).into());
            }
            let claim = Some(Claim::Restore);
            Ok(take_over(ownership, Reason::ChangedInTarget, MarkTiming::Never, claim))
        }
        Ownership::Unmarked if policy.adopt => adopt(case),
        Ownership::Released { excluded: true, .. } => {
            Err(Decision::Leave(OutcomeKind::Excluded).into())
        }
        held => Err(case.conflict(held).into()),
    }
}

fn take_over(
    ownership: &Ownership,
    because: Reason,
    mark_timing: MarkTiming,
    claim: Option<Claim>,
) -> WriteRight {
    let class = ownership.class();
    let tags_suffice = claim.is_none();
    WriteRight::TakeOver(Takeover { because, mark_timing, claim, class, tags_suffice })
}

/// Adoption, except where a route leads back: the hub would make a source of the opposite route its replica.
fn adopt(case: Case<'_>) -> Result<WriteRight, Box<Decision>> {
    if case.leads_back() {
        let why = format!("a route leads from {} back to {}", case.target, case.source);
        return Err(Decision::Conflict(not_adopted(case, &why)).into());
    }
    Ok(WriteRight::Adopt)
}

/// Why the hub does not adopt a parameter although the settings ask for adoption.
pub(in crate::parameters) fn not_adopted(case: Case<'_>, why: &str) -> Cause {
    let mut cause = case.cause(&Ownership::Unmarked);
    cause.message = format!("{}; the hub does not adopt the parameter: {why}", cause.message);
    cause
}

/// The conflict over a replica: a version of the hub covers a version of another writer.
pub(in crate::parameters) fn covered(case: Case<'_>, under: ForeignVersion) -> Cause {
    case.cause(&Ownership::WrittenOver(under))
}

/// The conflict over a replica whose owner released it during a write.
pub(in crate::parameters) fn released_meanwhile(case: Case<'_>) -> Cause {
    case.cause(&Ownership::Released { excluded: false, covered: None })
}
