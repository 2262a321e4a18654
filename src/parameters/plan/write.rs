//! The write that makes a replica what it is to be.

use super::desired::{Desired, data_type_to_send};
use super::diff::{different_attributes, needs_recreation, tag_difference};
use super::{Decision, Parity, PlanPolicy};
use crate::domain::{
    Change, ConflictClass, MARK_KEY, MARK_VALUE, PROVENANCE_KEY, Reason, Tags, Timestamp, Version,
};
use crate::guard::Claim;
use crate::ownership::{Fingerprint, Provenance};
use crate::parameters::model::{Observed, TEXT, Tier};
use crate::parameters::policies::Policies;

/// When a write puts the mark on what does not carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkTiming {
    /// Never: an update of a replica writes provenance alone, so that a release meanwhile stands.
    Never,
    /// Before anything else, since AWS is told to refuse other tags on what is not marked.
    BeforeWrite,
    /// With the provenance, once the value has been read back.
    WithProvenance,
}

/// The write that a decision asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedWrite {
    /// `create`, `update`, `retag` or `recreate`.
    pub change: Change,
    /// Why.
    pub because: Vec<Reason>,
    /// The replica as it is to be.
    pub desired: Desired,
    /// The tier to send: a replica that is advanced stays so.
    pub tier: Tier,
    /// The allowed pattern to send: an empty one takes the replica's away, none leaves it as it is.
    pub pattern_to_send: Option<Box<str>>,
    /// The data type to send: none leaves the replica's as it is.
    pub data_type_to_send: Option<Box<str>>,
    /// The policies to send: an empty one takes the replica's away, none leaves them as they are.
    pub policies_to_send: Option<String>,
    /// Whether the replica only stays advanced since AWS turns no tier back.
    pub tier_stays: bool,
    /// Tags to add or change on the replica; neither of the hub's own is among them.
    pub set_tags: Tags,
    /// Keys of tags to take off the replica.
    pub remove_tags: Vec<String>,
    /// Whether a retag writes provenance for the version that it was decided on. Creates and updates always write it.
    pub renew_provenance: bool,
    /// The provenance that a retag writes as it is, where the replica's present one holds but for that.
    pub provenance: Option<Provenance>,
    /// Whether the replica was adopted; later writes keep that.
    pub adopted: bool,
    /// When the mark is put on.
    pub marking: MarkTiming,
    /// By what the write may take what is not owned.
    pub claim: Option<Claim>,
    /// What it takes.
    pub class: Option<ConflictClass>,
    /// What another release's provenance says beside what this one knows.
    pub unknown: String,
}

impl PlannedWrite {
    /// Whether this is the write that adopts a parameter: only if its value is equal.
    pub fn adopts(&self) -> bool {
        self.claim == Some(Claim::Adopt)
    }

    /// Whether there is nothing in it but a comparison.
    pub fn is_empty(&self) -> bool {
        self.set_tags.is_empty()
            && self.remove_tags.is_empty()
            && !self.renew_provenance
            && self.provenance.is_none()
    }

    /// A hash over the tags that it moves.
    fn tag_change(&self) -> Fingerprint {
        Fingerprint::of_tag_change(&self.set_tags, &self.remove_tags)
    }

    /// The write that creates `desired`.
    pub(super) fn creation(desired: Desired, now: Timestamp) -> Self {
        Self {
            change: Change::Create,
            because: explained(vec![Reason::Missing], &desired),
            tier: desired.tier,
            pattern_to_send: desired.pattern.clone(),
            data_type_to_send: data_type_to_send(&desired, TEXT),
            policies_to_send: desired.policies.to_send(&Policies::default(), now),
            tier_stays: false,
            set_tags: Tags::new(),
            remove_tags: Vec::new(),
            renew_provenance: true,
            provenance: None,
            adopted: false,
            marking: MarkTiming::Never,
            claim: None,
            class: None,
            unknown: String::new(),
            desired,
        }
    }
}

/// By what something that is not owned is taken over, and how.
pub(super) struct Takeover {
    pub(super) because: Reason,
    pub(super) marking: MarkTiming,
    pub(super) claim: Option<Claim>,
    pub(super) class: Option<ConflictClass>,
    /// Whether an equal one needs no more than its tags: only what the hub wrote itself.
    pub(super) tags_suffice: bool,
}

/// A replica, its source's wish, and how the two differ.
pub(super) struct Comparison<'a> {
    pub(super) original: &'a Observed,
    pub(super) replica: &'a Observed,
    pub(super) desired: Desired,
    pub(super) set_tags: Tags,
    pub(super) remove_tags: Vec<String>,
    pub(super) recreation: Option<Reason>,
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
        // It is written under the name that it has: a root name has two spellings.
        desired.name.clone_from(&replica.parameter.name);
        let (set_tags, remove_tags) = tag_difference(&desired.tags, &replica.tags);
        // Tags that were written over meanwhile may still be read.
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

    fn write(self, change: Change, because: Vec<Reason>) -> PlannedWrite {
        let Self { replica, desired, set_tags, remove_tags, recreation, now, .. } = self;
        let held = &replica.parameter;
        let tier_stays = (held.tier, desired.tier) == (Tier::Advanced, Tier::Standard);
        // What is created anew has no policies to take away.
        let none = Policies::default();
        let policies = if recreation.is_some() { &none } else { &held.policies };
        let held_data_type = if recreation.is_some() { TEXT } else { &held.data_type };
        let pattern = || held.pattern.as_ref().map(|_| "".into());
        PlannedWrite {
            change,
            // Reported once, when it comes to be so.
            tier_stays: tier_stays && because.contains(&Reason::Form),
            because: if change == Change::Retag { because } else { explained(because, &desired) },
            tier: if held.tier == Tier::Advanced { Tier::Advanced } else { desired.tier },
            pattern_to_send: desired.pattern.clone().or_else(pattern),
            data_type_to_send: data_type_to_send(&desired, held_data_type),
            policies_to_send: desired.policies.to_send(policies, now),
            set_tags,
            remove_tags,
            renew_provenance: true,
            provenance: None,
            adopted: false,
            marking: MarkTiming::Never,
            claim: None,
            class: None,
            unknown: String::new(),
            desired,
        }
    }

    /// What makes an owned replica equal.
    pub(super) fn owned(
        self,
        provenance: &Provenance,
        policy: PlanPolicy<'_>,
        taken: bool,
    ) -> Decision {
        let (adopted, unknown) = (provenance.adopted, provenance.unknown.clone());
        let kept = |write: PlannedWrite| PlannedWrite { adopted, unknown, ..write };
        if let Some(attribute) = self.recreation {
            return Decision::Write(kept(self.write(Change::Recreate, vec![attribute])));
        }
        let mut because = self.unproven_by(provenance);
        let present = self.replica.parameter.version();
        // What did not take is written again only where a person wants it.
        if because.is_empty() && policy.retry_refused {
            because.extend(&self.attributes);
        }
        let is_proven = because.is_empty();
        if !self.set_tags.is_empty() || !self.remove_tags.is_empty() {
            because.push(Reason::Tags);
        }
        if provenance.gone.is_some() {
            because.push(Reason::SourceReturned);
        }
        if taken {
            because.push(Reason::TakenOver);
        }
        match policy.parity {
            Parity::Rewrite => {
                Decision::Write(kept(self.write(Change::Update, vec![Reason::Moved])))
            }
            _ if taken => Decision::Write(kept(self.write(Change::Update, because))),
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

    /// What of the value and what is sent with it provenance does not prove equal.
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

    /// Only the tags, of a replica whose attributes are left as they are.
    pub(super) fn only_tags(self, provenance: &Provenance) -> Decision {
        let (adopted, unknown) = (provenance.adopted, provenance.unknown.clone());
        let present = self.replica.parameter.version();
        let write =
            retagged(self.write(Change::Retag, vec![Reason::Tags]), true, provenance, present);
        Decision::Write(PlannedWrite { adopted, unknown, ..write })
    }

    /// What makes the route's own what is not owned yet: the hub writes the value once more, so that the last writer
    /// proves it.
    ///
    /// # Errors
    /// The attribute that PutParameter does not change: another writer's parameter is never deleted for it.
    pub(super) fn taken(
        self,
        takeover: &Takeover,
        policy: PlanPolicy<'_>,
    ) -> Result<Decision, Reason> {
        let Takeover { because, marking, claim, class, tags_suffice } = *takeover;
        let taken = |write: PlannedWrite| PlannedWrite { marking, claim, class, ..write };
        let mut because = vec![because];
        if let Some(attribute) = self.recreation {
            if claim.is_some() {
                return Err(attribute);
            }
            because.push(attribute);
            return Ok(Decision::Write(taken(self.write(Change::Recreate, because))));
        }
        because.extend(self.attributes.iter());
        // Attributes that differ are written with the value, which then need not be compared.
        if tags_suffice && self.attributes.is_empty() && policy.parity != Parity::Rewrite {
            return Ok(Decision::Compare(taken(self.write(Change::Retag, because))));
        }
        Ok(Decision::Write(taken(self.write(Change::Update, because))))
    }

    /// The write that adopts the replica, if but for its value, which is still to be compared, it is as desired;
    /// otherwise in what it differs.
    pub(super) fn adoption(self) -> Result<PlannedWrite, Reason> {
        if let Some(attribute) = self.recreation.or_else(|| self.attributes.first().copied()) {
            return Err(attribute);
        }
        if !self.set_tags.is_empty() || !self.remove_tags.is_empty() {
            return Err(Reason::Tags);
        }
        Ok(PlannedWrite {
            adopted: true,
            marking: MarkTiming::WithProvenance,
            claim: Some(Claim::Adopt),
            class: Some(ConflictClass::Unmarked),
            ..self.write(Change::Update, vec![Reason::Adopt])
        })
    }
}

/// A retag of an owned replica: its provenance follows only where it does not hold any more, or says what is over.
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
    let is_as_it_should = provenance.gone.is_none() && !has_tags;
    let provenance = (!is_as_it_should).then_some(now);
    PlannedWrite { renew_provenance: false, provenance, ..write }
}

/// The reasons, with that the value is not the source's own where it is not.
fn explained(mut because: Vec<Reason>, desired: &Desired) -> Vec<Reason> {
    if desired.value_override.is_some() {
        because.push(Reason::Override);
    }
    because
}

/// Tags, with the mark.
pub(in crate::parameters) fn with_mark(mut tags: Tags) -> Tags {
    tags.insert(MARK_KEY.to_owned(), MARK_VALUE.to_owned());
    tags
}

/// Tags, with the mark and this provenance.
pub(in crate::parameters) fn with_both(tags: Tags, provenance: &Provenance) -> Tags {
    let mut tags = with_mark(tags);
    tags.insert(PROVENANCE_KEY.to_owned(), provenance.to_string());
    tags
}
