//! Decides one item for one target, from what was read of its source and of its replica. Pure.
//!
//! In sync means no step. What is not this route's own by [`crate::ownership`] is never a step's target, unless a setting
//! or a person says so: the name is then vacant, or a conflict.

mod consent;
pub mod desired;
mod diff;
mod refused;
mod removal;
mod write;

use self::consent::consent;
use self::desired::desired;
use self::removal::{decide_absent, opted_out};
use self::write::{Comparison, Takeover};
use super::model::Observed;
use crate::domain::{
    AccountId, Cause, ConflictClass, FailureKind, KmsKeys, NameFilter, OutcomeKind, Reason, Region,
    Routes, Timestamp, Writers,
};
use crate::guard::Claim;
use crate::ownership::{
    ConflictContext, ForeignVersion, FoundBy, JudgeContext, Ownership, Provenance, does_not_take,
    is_marked, is_released, judge, last, objection,
};

pub(super) use refused::retry_remedy;
pub use removal::{DeletePolicy, Disposal, Removal, wants_removal};
pub use write::{MarkTiming, PlannedWrite};
pub(super) use write::{with_both, with_mark};

/// What decides whether an owned replica equals its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// Provenance: no value is read of an item in sync.
    ByProvenance,
    /// The values themselves, and only differences are written.
    ByValue,
    /// Nothing that was read: the source moved meanwhile, so that value and tags are written again, whatever the
    /// replica's own say.
    Rewrite,
}

/// The settings that decide, and how far provenance is trusted.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting or an option of its own")]
pub struct PlanPolicy<'a> {
    /// Which names are in scope.
    pub names: &'a NameFilter,
    /// Source key → target key.
    pub kms_keys: &'a KmsKeys,
    /// Whose versions are the hub's.
    pub writers: &'a Writers,
    /// What decides parity.
    pub parity: Parity,
    /// Whether an equal parameter with neither tag is adopted.
    pub adopt: bool,
    /// Whether a person wants the source in the place of whatever is in the way.
    pub take: bool,
    /// Whether a replica that was changed in the target is written over once.
    pub restore: bool,
    /// Whether replicas that depend on trusted writers are written once more.
    pub take_over: bool,
    /// Whether what AWS refused for good is tried again: a person named the item.
    pub retry_refused: bool,
    /// What becomes of replicas without a source.
    pub deletes: DeletePolicy,
    /// The present.
    pub now: Timestamp,
}

/// One item and one target.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The Region of the source.
    pub source: &'a Region,
    /// The Region of the replica.
    pub target: &'a Region,
    /// All routes of the settings.
    pub routes: &'a Routes,
    /// What holds the name in the source Region.
    pub original: Option<&'a Observed>,
    /// What holds the name in the target Region.
    pub replica: Option<&'a Observed>,
    /// The parameter that holds the value for this target by the source's tag, where it is there.
    pub referenced: Option<&'a Observed>,
    /// What said that the source is gone, where it is: an event of its deletion, or a sweep's list; `None`: it is found
    /// absent by the way.
    pub found_by: Option<FoundBy>,
}

impl<'a> Case<'a> {
    /// From where what holds the name in the target is judged.
    pub fn viewpoint(&self, policy: PlanPolicy<'a>) -> JudgeContext<'a> {
        let only_route = self.routes.sources_into(self.target).count() == 1;
        let PlanPolicy { writers, now, .. } = policy;
        JudgeContext { source: self.source, only_route, writers, now }
    }

    /// Whose it is that holds the name in the target.
    pub fn ownership(&self, policy: PlanPolicy<'a>) -> Ownership {
        match self.replica {
            None => Ownership::Vacant,
            Some(replica) => {
                judge(replica.evidence(self.account, self.target), self.viewpoint(policy))
            }
        }
    }

    /// Whether this route reports what no route's source wants: the first that leads into the target.
    fn reports_leftovers(&self) -> bool {
        self.routes.sources_into(self.target).next() == Some(self.source)
    }

    /// Whether a route leads from the target back to the source.
    fn leads_back(&self) -> bool {
        let back = self.routes.from_source(self.target);
        back.is_some_and(|route| route.targets.contains(self.source))
    }

    /// What `report` makes of this place; `None` where nothing holds the name.
    fn reported(&self, report: impl FnOnce(ConflictContext<'_>) -> Option<Cause>) -> Option<Cause> {
        let replica = self.replica?;
        report(ConflictContext {
            account: self.account,
            source: self.source,
            target: self.target,
            name: &replica.parameter.name,
            source_exists: self.original.is_some(),
            held: &replica.evidence(self.account, self.target).present(),
        })
    }

    /// Why what holds the name is left alone.
    fn cause(&self, ownership: &Ownership) -> Cause {
        self.reported(|site| objection(ownership, site)).unwrap_or_else(|| {
            Cause::new(FailureKind::Bug, "internal error: a conflict over a name that is free")
        })
    }

    fn conflict(&self, ownership: &Ownership) -> Decision {
        Decision::Conflict(self.cause(ownership))
    }
}

/// What is to be done about one item in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing here is this route's concern.
    Nothing,
    /// The replica's history decides, and was not read.
    ReadHistory,
    /// Equal; with the number of the source's tags that do not fit beside the hub's.
    InSync {
        /// See [`Desired::tags_left_out`](desired::Desired::tags_left_out).
        tags_left_out: usize,
    },
    /// Left alone, and counted as this.
    Leave(OutcomeKind),
    /// The parameter is no longer a source, and it is not a replica of this route. It counts as skipped, and the report names
    /// the reason.
    Skip(Cause),
    /// It has a tombstone, and may be deleted from this time on.
    Wait(Timestamp),
    /// The name is held in the target by something that is not this route's.
    Conflict(Cause),
    /// It cannot be replicated, for what the source is or asks for.
    Refuse(Cause),
    /// The replica is this route's and stays as it is, for a reason that is the target's.
    Keep(Cause),
    /// Write.
    Write(PlannedWrite),
    /// Compare the values: `update` if they differ, else `retag`, or nothing if there is nothing to retag.
    Compare(PlannedWrite),
    /// The replica is this route's, and by what was read so far it is not to be there.
    Remove(Removal),
}

/// Decides.
pub fn decide<'a>(case: Case<'a>, policy: PlanPolicy<'a>) -> Decision {
    let ownership = case.ownership(policy);
    match (&ownership, case.original) {
        (Ownership::NeedsHistory, _) => Decision::ReadHistory,
        // Whatever the source is or asks for: a version of another writer's is named until a person decides.
        (Ownership::WrittenOver(_), _) if !policy.take => case.conflict(&ownership),
        (_, Some(original)) => decide_present(case, original, ownership, policy),
        (_, None) => decide_absent(case, &ownership, policy),
    }
}

fn decide_present(
    case: Case<'_>,
    original: &Observed,
    ownership: Ownership,
    policy: PlanPolicy<'_>,
) -> Decision {
    if let Some(decision) = not_a_source(case, original, policy) {
        return decision;
    }
    if !policy.names.matches(original.parameter.name.as_str()) {
        return Decision::Leave(OutcomeKind::OutOfScope);
    }
    if let Some(decision) = opted_out(case, original, &ownership, policy) {
        return decision;
    }
    let disposal = match write_right(case, &ownership, policy) {
        Ok(disposal) => disposal,
        Err(decision) => return *decision,
    };
    let (source, target) = (case.source, case.target);
    let referenced = case.referenced.map(|referenced| referenced.parameter.version());
    let desired = desired(original, referenced, policy.kms_keys, source, target)
        .and_then(|desired| consent(case, policy, &desired).map(|()| desired));
    let desired = match desired {
        Ok(desired) => desired,
        Err(cause) => return Decision::Refuse(cause),
    };
    let Some(replica) = case.replica else {
        // AWS is about to delete an expired source, as it did with its replica.
        return if original.parameter.policies.expired(policy.now) {
            Decision::Skip(expired())
        } else {
            Decision::Write(PlannedWrite::creation(desired, policy.now))
        };
    };
    let comparison = Comparison::new(original, replica, desired, policy);
    match (disposal, ownership) {
        (WriteRight::Owned, Ownership::Owned { provenance, by_trusted }) => {
            refused::owned(case, comparison, (&provenance, by_trusted && policy.take_over), policy)
        }
        (WriteRight::Adopt, _) => match comparison.adoption() {
            Ok(write) => Decision::Compare(write),
            Err(different) => Decision::Conflict(not_adopted(case, &differs_in(different))),
        },
        (WriteRight::Take(takeover), ownership) => {
            comparison.taken(&takeover, policy).unwrap_or_else(|attribute| {
                let mut cause = case.cause(&ownership);
                cause.message = format!(
                    "{}; it is not taken over: its {} differs, which only a deletion changes",
                    cause.message,
                    Reason::attributes(&[attribute])
                );
                Decision::Conflict(cause.mended_by(
                "delete it by hand: the next sweep creates the replica; or rename one of the two",
            ))
            })
        }
        (WriteRight::Owned, _) => Decision::Nothing,
    }
}

/// Why an expired source has no replica.
fn expired() -> Cause {
    let message =
        "its policies let it expire, and AWS is about to delete it, so it gets no replica";
    let remedy = "nothing, or move the date of its Expiration policy if it is still needed";
    Cause::new(FailureKind::Invalid, message).mended_by(remedy)
}

/// By what the name in the target may be written.
enum WriteRight {
    /// It is vacant or owned.
    Owned,
    /// An equal one with neither tag.
    Adopt,
    /// It is written over and becomes owned.
    Take(Takeover),
}

/// By what the name may be written, or what is decided where it may not.
fn write_right(
    case: Case<'_>,
    ownership: &Ownership,
    policy: PlanPolicy<'_>,
) -> Result<WriteRight, Box<Decision>> {
    let take = |because, marking, claim: Option<Claim>| {
        let class = ownership.class();
        let tags_suffice = claim.is_none();
        Ok(WriteRight::Take(Takeover { because, marking, claim, class, tags_suffice }))
    };
    match ownership {
        Ownership::Vacant | Ownership::Owned { .. } => Ok(WriteRight::Owned),
        Ownership::MarkOnly { trusted: true } => {
            take(Reason::Provenance, MarkTiming::Never, Some(Claim::TakeOver))
        }
        Ownership::UntaggedCreate { fresh: true } => {
            take(Reason::Provenance, MarkTiming::BeforeWrite, None)
        }
        held if policy.take && held.may_be_taken() => {
            take(Reason::Conflict, MarkTiming::BeforeWrite, Some(Claim::Take))
        }
        Ownership::ChangedInTarget { change, restored_before, covered: None, restorable: true }
            if policy.restore =>
        {
            if *restored_before {
                let cause = case.reported(|site| Some(does_not_take(change, site)));
                return Err(cause.map_or(Decision::Nothing, Decision::Conflict).into());
            }
            take(Reason::ChangedInTarget, MarkTiming::Never, Some(Claim::Restore))
        }
        Ownership::Unmarked if policy.adopt && !case.leads_back() => Ok(WriteRight::Adopt),
        Ownership::Unmarked if policy.adopt => {
            let why = "a route leads from there back to the source";
            Err(Decision::Conflict(not_adopted(case, why)).into())
        }
        Ownership::Released { excluded: true, .. } => {
            Err(Decision::Leave(OutcomeKind::Excluded).into())
        }
        held => Err(case.conflict(held).into()),
    }
}

fn differs_in(attribute: Reason) -> String {
    format!("it differs in its {}", Reason::attributes(&[attribute]))
}

/// Why a parameter with neither tag is not adopted though the settings ask for it.
pub(super) fn not_adopted(case: Case<'_>, why: &str) -> Cause {
    let mut cause = case.cause(&Ownership::Unmarked);
    cause.message = format!("{}; it is not adopted: {why}", cause.message);
    cause
}

/// What carries the mark of a replica, or is a create of the hub's without its tags, is no source.
fn not_a_source(case: Case<'_>, original: &Observed, policy: PlanPolicy<'_>) -> Option<Decision> {
    let parameter = &original.parameter;
    let (source, name) = (case.source, &parameter.name);
    if is_marked(&original.tags) {
        let is_replica_here = Provenance::of(&original.tags).is_some_and(|provenance| {
            let route = case.routes.from_source(&provenance.region);
            route.is_some_and(|route| route.targets.contains(source))
                && provenance.is_of(case.account, source, name)
        });
        if is_replica_here {
            return Some(Decision::Leave(OutcomeKind::Skipped));
        }
        let message = format!(
            "the parameter in {source} carries the mark of a replica, so it is not replicated ({})",
            last(&original.evidence(case.account, source).present())
        );
        let remedy = format!(
            "if it is a source, take the tags `{}` and `{}` off it",
            crate::domain::MARK_KEY,
            crate::domain::PROVENANCE_KEY
        );
        return Some(Decision::Refuse(
            Cause::conflict(ConflictClass::MarkedSource, message).mended_by(remedy),
        ));
    }
    if is_released(&original.tags) {
        return None;
    }
    let evidence = original.evidence(case.account, source);
    let viewpoint = case.viewpoint(policy);
    let is_untagged = matches!(judge(evidence, viewpoint), Ownership::UntaggedCreate { .. });
    is_untagged.then(|| {
        let message = format!(
            "the hub wrote the parameter in {source}, and it carries neither of the hub's tags, so it is not replicated ({})",
            last(&evidence.present())
        );
        let remedy = format!(
            "if it is a source, set the tag `{}=released` on it; if it is a leftover, delete it",
            crate::domain::EXCLUDE_TAG
        );
        Decision::Refuse(
            Cause::conflict(ConflictClass::UntaggedCreate, message).mended_by(remedy),
        )
    })
}

/// The conflict over a replica whose version covers one of another writer's.
pub(super) fn covered(case: Case<'_>, under: ForeignVersion) -> Cause {
    case.cause(&Ownership::WrittenOver(under))
}

/// The conflict over a replica that was released while it was written.
pub(super) fn released_meanwhile(case: Case<'_>) -> Cause {
    case.cause(&Ownership::Released { excluded: false, covered: None })
}

#[cfg(test)]
mod tests;
