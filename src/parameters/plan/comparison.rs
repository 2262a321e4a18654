//! How a replica differs from the desired one, and the write that makes the two equal.

use super::desired::{Desired, data_type_to_send};
use super::diff::{different_attributes, needs_recreation, tag_difference};
use super::write::{MarkTiming, PlannedWrite, Takeover, with_override};
use super::{Decision, Parity, PlanPolicy};
use crate::domain::{Change, ConflictClass, Reason, Tags, Timestamp, Version};
use crate::guard::Claim;
use crate::ownership::Provenance;
use crate::parameters::model::{Observed, TEXT, Tier};
use crate::parameters::policies::Policies;

/// A source, its replica, the desired replica, and the differences.
pub(super) struct Comparison<'a> {
    pub(super) original: &'a Observed,
    pub(super) replica: &'a Observed,
    pub(super) desired: Desired,
    pub(super) set_tags: Tags,
    pub(super) remove_tags: Vec<String>,
    /// The different attribute that only deletion and creation change.
    pub(super) recreation: Option<Reason>,
    /// The different attributes that an update changes.
    pub(super) attributes: Vec<Reason>,
    now: Timestamp,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
        original: &'a Observed,
        replica: &'a Observed,
        mut desired: Desired,
        PlanPolicy { parity, now, .. }: PlanPolicy<'_>,
    ) -> Self {
        // A root name has two spellings; the write uses the replica's.
        desired.name.clone_from(&replica.parameter.name);
        let (set_tags, remove_tags) = tag_difference(&desired.tags, &replica.tags);
        // The tags that were read may be older than those that the hub wrote a moment ago.
        let set_tags = if parity == Parity::Rewrite { desired.tags.clone() } else { set_tags };
        Self {
            recreation: needs_recreation(&desired, &replica.parameter),
            attributes: different_attributes(&desired, &replica.parameter, now),
            original,
            replica,
            desired,
            set_tags,
            remove_tags,
            now,
        }
    }

    /// Whether the replica's tags differ.
    pub(super) fn tags_differ(&self) -> bool {
        !self.set_tags.is_empty() || !self.remove_tags.is_empty()
    }

    fn write(self, change: Change, because: Vec<Reason>) -> PlannedWrite {
        let Self { replica, desired, set_tags, remove_tags, recreation, now, .. } = self;
        let held = &replica.parameter;
        let tier_stays = (held.tier, desired.tier) == (Tier::Advanced, Tier::Standard);
        // A recreated replica has no policies to remove.
        let none = Policies::default();
        let policies = if recreation.is_some() { &none } else { &held.policies };
        let held_data_type = if recreation.is_some() { TEXT } else { &held.data_type };
        let pattern = || held.pattern.as_ref().map(|_| "".into());
        PlannedWrite {
            change,
            // Reported once: when the source's tier changes.
            tier_stays: tier_stays && because.contains(&Reason::Form),
            because: if change == Change::Retag {
                because
            } else {
                with_override(because, &desired)
            },
            tier: if held.tier == Tier::Advanced { Tier::Advanced } else { desired.tier },
            pattern_to_send: desired.pattern.clone().or_else(pattern),
            data_type_to_send: data_type_to_send(&desired, held_data_type),
            policies_to_send: desired.policies.to_send(policies, now),
            set_tags,
            remove_tags,
            renew_provenance: true,
            provenance: None,
            adopted: false,
            mark_timing: MarkTiming::Never,
            claim: None,
            class: None,
            unknown: String::new(),
            desired,
        }
    }

    /// The decision for an owned replica. `taken_over`: the hub writes the value even if nothing differs.
    pub(super) fn owned(
        self,
        provenance: &Provenance,
        policy: PlanPolicy<'_>,
        taken_over: bool,
    ) -> Decision {
        let (adopted, unknown) = (provenance.adopted, provenance.unknown.clone());
        let kept = |write: PlannedWrite| PlannedWrite { adopted, unknown, ..write };
        if let Some(attribute) = self.recreation {
            return Decision::Write(kept(self.write(Change::Recreate, vec![attribute])));
        }
        let mut because = self.unproven_by(provenance);
        let present = self.replica.parameter.version();
        // An operator named the item: the hub writes again what did not take.
        if because.is_empty() && policy.retry_refused {
            because.extend(&self.attributes);
        }
        let is_proven = because.is_empty();
        if self.tags_differ() {
            because.push(Reason::Tags);
        }
        if provenance.gone.is_some() {
            because.push(Reason::SourceReturned);
        }
        if taken_over {
            because.push(Reason::TakenOver);
        }
        match policy.parity {
            Parity::Rewrite => {
                Decision::Write(kept(self.write(Change::Update, vec![Reason::Moved])))
            }
            _ if taken_over => Decision::Write(kept(self.write(Change::Update, because))),
            Parity::ByValue if self.attributes.is_empty() => {
                let write = self.write(Change::Retag, because);
                Decision::Compare(kept(retagged(write, is_proven, provenance, present)))
            }
            Parity::ByValue => {
                let attributes = self.attributes.clone();
                Decision::Write(kept(self.write(Change::Update, attributes)))
            }
            Parity::ByProvenance if because.is_empty() => {
                Decision::InSync { tags_left_out: self.desired.tags_left_out }
            }
            Parity::ByProvenance if is_proven => {
                let write = self.write(Change::Retag, because);
                Decision::Write(kept(retagged(write, true, provenance, present)))
            }
            Parity::ByProvenance => Decision::Write(kept(self.write(Change::Update, because))),
        }
    }

    /// The versions and the form that provenance does not prove equal.
    pub(super) fn unproven_by(&self, provenance: &Provenance) -> Vec<Reason> {
        let mut because = Vec::new();
        if provenance.source != self.original.parameter.version() {
            because.push(Reason::SourceVersion);
        }
        if !provenance.names_replica(self.replica.parameter.version()) {
            because.push(Reason::ReplicaVersion);
        }
        if provenance.form != self.desired.form {
            because.push(Reason::Form);
        }
        because
    }

    /// Writes only the tags and leaves the attributes as they are.
    pub(super) fn only_tags(self, provenance: &Provenance) -> Decision {
        let (adopted, unknown) = (provenance.adopted, provenance.unknown.clone());
        let present = self.replica.parameter.version();
        let write = self.write(Change::Retag, vec![Reason::Tags]);
        let write = retagged(write, true, provenance, present);
        Decision::Write(PlannedWrite { adopted, unknown, ..write })
    }

    /// Takes over a parameter that the hub does not own. The hub writes the value once more: then the last writer
    /// proves the ownership.
    ///
    /// # Errors
    /// The different attribute that only a deletion changes: the hub never deletes another writer's parameter.
    pub(super) fn taken_over(
        self,
        takeover: &Takeover,
        policy: PlanPolicy<'_>,
    ) -> Result<Decision, Reason> {
        let Takeover { because, mark_timing, claim, class, tags_suffice } = *takeover;
        let taken = |write: PlannedWrite| PlannedWrite { mark_timing, claim, class, ..write };
        let mut because = vec![because];
        if let Some(attribute) = self.recreation {
            if claim.is_some() {
                return Err(attribute);
            }
            because.push(attribute);
            return Ok(Decision::Write(taken(self.write(Change::Recreate, because))));
        }
        because.extend(self.attributes.iter());
        // Different attributes are written together with the value, so a comparison of the values is not needed.
        if tags_suffice && self.attributes.is_empty() && policy.parity != Parity::Rewrite {
            return Ok(Decision::Compare(taken(self.write(Change::Retag, because))));
        }
        Ok(Decision::Write(taken(self.write(Change::Update, because))))
    }

    /// The write that adopts the parameter if its value is equal, too.
    ///
    /// # Errors
    /// What differs besides the value.
    pub(super) fn adoption(self) -> Result<PlannedWrite, Reason> {
        if let Some(attribute) = self.recreation.or_else(|| self.attributes.first().copied()) {
            return Err(attribute);
        }
        if self.tags_differ() {
            return Err(Reason::Tags);
        }
        Ok(PlannedWrite {
            adopted: true,
            mark_timing: MarkTiming::WithProvenance,
            claim: Some(Claim::Adopt),
            class: Some(ConflictClass::Unmarked),
            ..self.write(Change::Update, vec![Reason::Adopt])
        })
    }
}

/// A retag of an owned replica. It writes provenance only if the present one is wrong, has a tombstone of a source that
/// returned, or must remember this change of tags.
fn retagged(
    write: PlannedWrite,
    is_proven: bool,
    provenance: &Provenance,
    present: Version,
) -> PlannedWrite {
    if !is_proven {
        return write;
    }
    let tags = Some(write.desired.tags_fingerprint());
    let has_tags = !write.set_tags.is_empty() || !write.remove_tags.is_empty();
    let retagged = match has_tags {
        false => provenance.retagged,
        true if provenance.tags == tags => Some(write.tag_change()),
        true => None,
    };
    let now = Provenance { gone: None, tags, retagged, ..provenance.clone() }.dated(present);
    let is_right = provenance.gone.is_none() && !has_tags;
    let provenance = (!is_right).then_some(now);
    PlannedWrite { renew_provenance: false, provenance, ..write }
}
