//! Decides one item for one target, from what was read of its source and of its replica. Pure.
//!
//! In sync means no step. Nothing that is not this route's replica is ever a step's target: the name is then vacant,
//! or a conflict.

use super::desired::{Desired, desired};
use super::model::{Lender, Observed, Parameter, Tier};
use super::policies::Policies;
use super::provenance::Provenance;
use crate::domain::{
    Cause, Change, EXCLUDE_TAG, FailureKind, KmsKeys, MARK_KEY, MARK_VALUE, NameFilter,
    OutcomeKind, PROVENANCE_KEY, Region, Tags, Timestamp,
};

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
pub struct Policy<'a> {
    /// Which names are in scope.
    pub names: &'a NameFilter,
    /// Source key → target key.
    pub kms_keys: &'a KmsKeys,
    /// What decides parity.
    pub parity: Parity,
    /// Whether an equal parameter of somebody's in the way is to be adopted.
    pub adopt: bool,
    /// Whether a person wants the source in the place of whatever is in the way.
    pub take: bool,
    /// Until when a replica is kept whose source is gone; none: it is deleted at once.
    pub keep_until: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
}

/// One item and one target.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The Region of the source.
    pub source: &'a Region,
    /// The Region of the replica.
    pub target: &'a Region,
    /// Whether no other route leads into the target: only then is a replica without provenance surely this one's.
    pub only_route: bool,
    /// What holds the name in the source Region.
    pub original: Option<&'a Observed>,
    /// What holds the name in the target Region.
    pub replica: Option<&'a Observed>,
    /// The parameter that holds the value for this target by the source's tag, where it is there.
    pub lender: Option<Lender>,
}

/// What holds the name in the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nothing.
    Vacant,
    /// This route's replica, by mark and provenance.
    Ours(Provenance),
    /// This route's replica by its mark alone: the predecessor wrote no provenance.
    Unproven,
    /// A create of ours that lost its tags: an update met a deletion.
    Newborn,
    /// A parameter with neither of the hub's tags: somebody's own.
    Unmarked,
    /// A replica that a person released: its mark was taken off.
    Released,
    /// A replica of no one knows which route: the predecessor wrote no provenance, and more than one leads here.
    Unclear,
    /// The replica of another Region's source.
    Another(Region),
}

impl Holder {
    /// Why it is in the way; `None` of what is not.
    pub fn objection(&self) -> Option<String> {
        match self {
            Self::Vacant | Self::Ours(_) | Self::Unproven | Self::Newborn => None,
            Self::Unmarked => Some("it does not carry the mark of a replica".to_owned()),
            Self::Released => Some("its mark was taken off, which releases it".to_owned()),
            Self::Unclear => Some("it is marked as a replica, but not of which Region".to_owned()),
            Self::Another(region) => Some(format!("it is the replica of {region}'s")),
        }
    }

    /// Whether a person's word makes it this route's.
    fn may_be_taken(&self) -> bool {
        matches!(self, Self::Unmarked | Self::Released | Self::Unclear)
    }
}

/// The write that a decision asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// `create`, `update`, `retag` or `recreate`.
    pub change: Change,
    /// Why.
    pub because: Vec<&'static str>,
    /// The replica as it is to be.
    pub desired: Desired,
    /// The tier to send: a replica that is advanced stays so.
    pub tier: Tier,
    /// The allowed pattern to send: an empty one takes the replica's away, none leaves it as it is.
    pub pattern_to_send: Option<Box<str>>,
    /// The policies to send: an empty one takes the replica's away, none leaves them as they are.
    pub policies_to_send: Option<String>,
    /// Whether the replica only stays advanced since AWS turns no tier back.
    pub tier_stays: bool,
    /// Tags to add or change on the replica; the provenance of an update or a create is not among them.
    pub set_tags: Tags,
    /// Keys of tags to take off the replica.
    pub remove_tags: Vec<String>,
    /// Whether a retag writes provenance too. Creates and updates always do.
    pub renew_provenance: bool,
    /// Whether the replica was adopted; later writes keep that.
    pub adopted: bool,
}

impl Write {
    /// Whether this is the write that adopts a parameter: only if its value is equal.
    pub fn adopts(&self) -> bool {
        self.adopted && self.set_tags.contains_key(MARK_KEY)
    }
}

/// How a replica goes that has no source any more, or whose source does not want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// How.
    pub way: Way,
    /// What its tag says now.
    pub provenance: Provenance,
    /// Why.
    pub because: &'static str,
}

/// The ways in which a replica goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is deleted.
    Delete,
    /// It stays until this time, which is written to its provenance.
    Tombstone(Timestamp),
    /// It was adopted: the hub's tags are taken off, and it stays for good.
    Release,
}

impl Way {
    /// The change that this is.
    pub const fn change(self) -> Change {
        match self {
            Self::Delete => Change::Delete,
            Self::Tombstone(_) => Change::Tombstone,
            Self::Release => Change::Retag,
        }
    }
}

/// What is to be done about one item in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing here is this route's concern.
    Nothing,
    /// Equal; with the number of the source's tags that do not fit beside the hub's.
    InSync {
        /// See [`Desired::tags_left_out`].
        tags_left_out: usize,
    },
    /// Left alone, and counted as this.
    Leave(OutcomeKind),
    /// The name is somebody else's.
    Conflict(Cause),
    /// It cannot be replicated, for what the source is or asks for.
    Refuse(Cause),
    /// It stays as it is, for what the replica is.
    Keep(Cause),
    /// Write.
    Write(Write),
    /// Compare the values: `update` if they differ, else `retag`, or nothing if there is nothing to retag.
    Compare(Write),
    /// The replica is this route's, and by what was read so far it is not to be there.
    Remove(Removal),
}

/// Decides.
pub fn decide(case: Case<'_>, policy: Policy<'_>) -> Decision {
    match case.original {
        Some(original) => decide_present(case, original, policy),
        None => decide_absent(case, policy),
    }
}

/// Who holds the name in the target.
pub fn holder(case: Case<'_>) -> Holder {
    let Some(Observed { parameter, tags }) = case.replica else { return Holder::Vacant };
    let marked = is_marked(tags);
    match (marked, Provenance::of(tags)) {
        (true, Some(provenance)) if provenance.region == *case.source => Holder::Ours(provenance),
        (true, Some(provenance)) => Holder::Another(provenance.region),
        (true, None) if case.only_route => Holder::Unproven,
        (true, None) => Holder::Unclear,
        (false, None) if !tags.contains_key(PROVENANCE_KEY) => {
            if parameter.version == 1 && parameter.written_by_spoke {
                Holder::Newborn
            } else {
                Holder::Unmarked
            }
        }
        (false, _) => Holder::Released,
    }
}

/// Whether the mark is among the tags. What is marked is never a source.
pub fn is_marked(tags: &Tags) -> bool {
    tags.get(MARK_KEY).is_some_and(|value| value == MARK_VALUE)
}

fn decide_absent(case: Case<'_>, policy: Policy<'_>) -> Decision {
    let Some(replica) = case.replica else { return Decision::Nothing };
    match holder(case) {
        // Leaving scope never deletes.
        Holder::Ours(_) if !policy.names.matches(replica.parameter.name.as_str()) => {
            Decision::Leave(OutcomeKind::OutOfScope)
        }
        Holder::Ours(provenance) => {
            let way = match (provenance.gone, policy.keep_until) {
                _ if provenance.adopted => Way::Release,
                (Some(due), _) if policy.now < due => {
                    return Decision::Leave(OutcomeKind::Tombstoned);
                }
                (Some(_), _) | (None, None) => Way::Delete,
                (None, Some(until)) => Way::Tombstone(until),
            };
            Decision::Remove(Removal { way, provenance, because: "source_gone" })
        }
        Holder::Unproven => Decision::Conflict(
            Cause::new(
                FailureKind::Conflict,
                format!("it is marked as a replica but not of what, and {} has no parameter of this name", case.source),
            )
            .mended_by(format!("delete it by hand if it is a leftover, or take its tag {MARK_KEY} off if it is yours")),
        ),
        Holder::Vacant
        | Holder::Newborn
        | Holder::Unmarked
        | Holder::Released
        | Holder::Unclear
        | Holder::Another(_) => Decision::Nothing,
    }
}

fn decide_present(case: Case<'_>, original: &Observed, policy: Policy<'_>) -> Decision {
    if is_marked(&original.tags) {
        return Decision::Leave(OutcomeKind::Skipped);
    }
    if !policy.names.matches(original.parameter.name.as_str()) {
        return Decision::Leave(OutcomeKind::OutOfScope);
    }
    let holder = holder(case);
    if let Some(decision) = opt_out(&original.tags, &holder) {
        return decision;
    }
    let conflict = |why: &str| {
        let message = format!("{} holds this name already: {why}", case.target);
        Decision::Conflict(Cause::new(FailureKind::Conflict, message))
    };
    let takes = policy.take && holder.may_be_taken();
    let adopts = !takes && policy.adopt && holder == Holder::Unmarked;
    if let Some(why) = holder.objection()
        && !takes
        && !adopts
    {
        return conflict(&why);
    }
    let (source, target) = (case.source, case.target);
    let desired = match desired(original, case.lender, policy.kms_keys, source, target) {
        Ok(desired) => desired,
        Err(cause) => return Decision::Refuse(cause),
    };
    match case.replica {
        Some(replica) if adopts => match adoption(replica, desired, policy.now) {
            Ok(write) => Decision::Compare(write),
            Err(different) => conflict(&format!(
                "it does not carry the mark of a replica, and is not adopted since it differs in its {}",
                different.replace('_', " ")
            )),
        },
        Some(replica) => decide_replica(original, replica, holder, desired, policy),
        // AWS is about to delete it, as it did with its replica.
        None if original.parameter.policies.expired(policy.now) => {
            Decision::Leave(OutcomeKind::Skipped)
        }
        None => Decision::Write(Write {
            change: Change::Create,
            because: explained(vec!["missing"], &desired),
            tier: desired.tier,
            pattern_to_send: desired.pattern.clone(),
            policies_to_send: desired.policies.to_send(&Policies::default(), policy.now),
            tier_stays: false,
            set_tags: Tags::new(),
            remove_tags: Vec::new(),
            renew_provenance: true,
            adopted: false,
            desired,
        }),
    }
}

/// What the source's own tag asks for. A replica that is not proved ours yet is first given its provenance, as any
/// other, and goes at the next look.
fn opt_out(tags: &Tags, holder: &Holder) -> Option<Decision> {
    let wish = tags.get(EXCLUDE_TAG)?;
    if wish.eq_ignore_ascii_case("exclude") {
        return Some(Decision::Leave(OutcomeKind::Excluded));
    }
    if !wants_removal(tags) {
        let message = format!("the source's tag `{EXCLUDE_TAG}` is neither `exclude` nor `remove`");
        let remedy = format!("set the tag {EXCLUDE_TAG} to `exclude` or `remove`, or take it off");
        let cause = Cause::new(FailureKind::Invalid, message).mended_by(remedy);
        return Some(Decision::Refuse(cause));
    }
    match holder {
        Holder::Ours(provenance) => Some(Decision::Remove(Removal {
            way: if provenance.adopted { Way::Release } else { Way::Delete },
            provenance: provenance.clone(),
            because: "remove_tag",
        })),
        Holder::Unproven | Holder::Newborn => None,
        Holder::Vacant
        | Holder::Unmarked
        | Holder::Released
        | Holder::Unclear
        | Holder::Another(_) => Some(Decision::Leave(OutcomeKind::Excluded)),
    }
}

/// Whether a source's tags ask for the removal of its replicas.
pub fn wants_removal(tags: &Tags) -> bool {
    tags.get(EXCLUDE_TAG).is_some_and(|wish| wish.eq_ignore_ascii_case("remove"))
}

/// The write that adopts `replica`, if but for its value, which is still to be compared, it is as `desired`; otherwise
/// in what it differs.
fn adoption(
    replica: &Observed,
    mut desired: Desired,
    now: Timestamp,
) -> Result<Write, &'static str> {
    desired.name.clone_from(&replica.parameter.name);
    if let Some(attribute) = needs_recreation(&desired, &replica.parameter) {
        return Err(attribute);
    }
    if let Some(attribute) = different_attributes(&desired, &replica.parameter, now).first() {
        return Err(attribute);
    }
    let (mut set_tags, remove_tags) = tag_difference(&desired.tags, &replica.tags);
    if !set_tags.is_empty() || !remove_tags.is_empty() {
        return Err("tags");
    }
    set_tags.insert(MARK_KEY.to_owned(), MARK_VALUE.to_owned());
    Ok(Write {
        change: Change::Retag,
        because: vec!["adopt"],
        tier: replica.parameter.tier,
        pattern_to_send: None,
        policies_to_send: None,
        tier_stays: false,
        set_tags,
        remove_tags,
        renew_provenance: true,
        adopted: true,
        desired,
    })
}

fn decide_replica(
    original: &Observed,
    replica: &Observed,
    holder: Holder,
    mut desired: Desired,
    Policy { parity, now, .. }: Policy<'_>,
) -> Decision {
    // It is written under the name that it has: a root name has two spellings.
    desired.name.clone_from(&replica.parameter.name);
    let recreation = needs_recreation(&desired, &replica.parameter);
    let (tags_left_out, form) = (desired.tags_left_out, desired.form);
    let (mut set_tags, remove_tags) = tag_difference(&desired.tags, &replica.tags);
    let tags_differ = !set_tags.is_empty() || !remove_tags.is_empty();
    if parity == Parity::Rewrite {
        // Tags that were written over meanwhile may still be read.
        set_tags.clone_from(&desired.tags);
    }
    let attributes = different_attributes(&desired, &replica.parameter, now);
    // What is created anew has none to take away.
    let none = Policies::default();
    let held = if recreation.is_some() { &none } else { &replica.parameter.policies };
    let policies_to_send = desired.policies.to_send(held, now);
    let tier_stays = (replica.parameter.tier, desired.tier) == (Tier::Advanced, Tier::Standard);
    let tier = match (replica.parameter.tier, desired.tier) {
        (Tier::Advanced, _) => Tier::Advanced,
        (_, tier) => tier,
    };
    let pattern_to_send =
        desired.pattern.clone().or_else(|| replica.parameter.pattern.as_ref().map(|_| "".into()));
    let write = |change, because: Vec<&'static str>, set_tags, renew_provenance, adopted| Write {
        change,
        // Said once, when it comes to be so.
        tier_stays: tier_stays && because.contains(&"form"),
        because: if change == Change::Retag { because } else { explained(because, &desired) },
        desired,
        tier,
        pattern_to_send,
        policies_to_send,
        set_tags,
        remove_tags,
        renew_provenance,
        adopted,
    };
    let Holder::Ours(provenance) = holder else {
        // The predecessor's, one that lost its tags, or one that a person wants taken.
        if !is_marked(&replica.tags) {
            set_tags.insert(MARK_KEY.to_owned(), MARK_VALUE.to_owned());
        }
        let mut because =
            vec![if holder.objection().is_some() { "conflict" } else { "provenance" }];
        if recreation.is_some() {
            // It is first given its provenance: what is not proved ours is never deleted.
            return Decision::Write(write(Change::Retag, because, set_tags, true, false));
        }
        because.extend(attributes.iter());
        // Attributes that differ are written with the value, which then need not be compared.
        return if attributes.is_empty() && parity != Parity::Rewrite {
            Decision::Compare(write(Change::Retag, because, set_tags, true, false))
        } else {
            Decision::Write(write(Change::Update, because, set_tags, true, false))
        };
    };
    let adopted = provenance.adopted;
    let mut because = Vec::new();
    if let Some(attribute) = recreation {
        because.push(attribute);
        return Decision::Write(write(Change::Recreate, because, set_tags, true, adopted));
    }
    if provenance.source != original.parameter.version() {
        because.push("source_version");
    }
    if !provenance.names_replica(replica.parameter.version()) {
        because.push("replica_version");
    }
    if provenance.form != form {
        because.push("form");
    }
    let proven = because.is_empty();
    if tags_differ {
        because.push("tags");
    }
    if provenance.gone.is_some() {
        because.push("source_returned");
        if proven {
            let returned = Provenance { gone: None, ..provenance };
            set_tags.insert(PROVENANCE_KEY.to_owned(), returned.to_string());
        }
    }
    match parity {
        Parity::Rewrite => {
            Decision::Write(write(Change::Update, vec!["moved"], set_tags, true, adopted))
        }
        Parity::ByValue if attributes.is_empty() => {
            Decision::Compare(write(Change::Retag, because, set_tags, !proven, adopted))
        }
        Parity::ByValue => {
            Decision::Write(write(Change::Update, attributes, set_tags, true, adopted))
        }
        Parity::ByProvenance if because.is_empty() => Decision::InSync { tags_left_out },
        Parity::ByProvenance if proven => {
            Decision::Write(write(Change::Retag, because, set_tags, false, adopted))
        }
        Parity::ByProvenance => {
            Decision::Write(write(Change::Update, because, set_tags, true, adopted))
        }
    }
}

/// What differs that PutParameter does not change.
fn needs_recreation(desired: &Desired, replica: &Parameter) -> Option<&'static str> {
    if replica.value_type != desired.value_type {
        return Some("type");
    }
    (replica.data_type != desired.data_type).then_some("data_type")
}

/// The reasons, with that the value is not the source's own where it is not.
fn explained(mut because: Vec<&'static str>, desired: &Desired) -> Vec<&'static str> {
    if desired.supply.is_some() {
        because.push("override");
    }
    because
}

/// The attributes in which the replica differs from what it is to be, by name. A replica that is advanced where its
/// source is standard does not: AWS never turns the tier back.
fn different_attributes(
    desired: &Desired,
    replica: &Parameter,
    now: Timestamp,
) -> Vec<&'static str> {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let mut different = Vec::new();
    if text(&desired.description) != text(&replica.description) {
        different.push("description");
    }
    if text(&desired.pattern) != text(&replica.pattern) {
        different.push("pattern");
    }
    if desired.tier == Tier::Advanced && replica.tier == Tier::Standard {
        different.push("tier");
    }
    if desired.key.is_some() && desired.key.as_deref() != replica.key.as_deref() {
        different.push("key");
    }
    if !desired.policies.are_on(&replica.policies, now) {
        different.push("policies");
    }
    different
}

/// What to set and what to take off, so that the replica's tags, less the hub's and AWS's own, are the desired ones.
fn tag_difference(desired: &Tags, replica: &Tags) -> (Tags, Vec<String>) {
    let set = desired
        .iter()
        .filter(|(key, value)| replica.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let is_others =
        |key: &&String| !key.starts_with("aws:") && *key != MARK_KEY && *key != PROVENANCE_KEY;
    let remove = replica
        .keys()
        .filter(is_others)
        .filter(|key| !desired.contains_key(*key))
        .cloned()
        .collect();
    (set, remove)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
