//! What a stranger does in a target: whoever else may write there, a person, a deployment or the application after a
//! failover. Each act is one step, which may fall between any two calls of the hub.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::history::{OPT_OUT, SOURCE};
use super::store::{Store, Who};
use crate::support::{MARK, PROVENANCE};

/// Every value of a stranger's begins so; nothing else of a case does.
pub(super) const VALUE: &str = "a stranger's ";

/// An act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Act {
    /// Another value over what is there.
    Write,
    /// Takes a name that nobody holds.
    Create,
    Delete,
    /// Deletes what is there, and creates a parameter of his own without the hub's tags.
    Recreate,
    /// The same, with all tags of what stood there.
    RecreateWithTags,
    /// The same, with mark and provenance of another item's replica.
    RecreateWithCopiedTags,
    /// The same, with mark and provenance of another route's replica.
    RecreateOfAnotherRoute,
    /// The same, with the mark alone.
    RecreateWithMark,
    /// The same, with the provenance of what stood there alone.
    RecreateWithProvenance,
    /// The same, with the tag that declares it released.
    RecreateReleased,
    /// Takes a name that nobody holds, with mark and provenance of another item's replica.
    CopyTags,
    /// Takes a name that nobody holds, with the mark and the provenance of the replica that stood there before.
    CopyOldTags,
    /// Gives a parameter of his own that is there mark and provenance of another item's replica.
    Claim,
    /// Gives a replica the provenance of another item's in the place of its own.
    TagLikeAnother,
    /// Gives the tag of the source another value.
    Retag,
    /// Takes provenance off, and leaves the mark.
    Unprove,
    /// Takes the mark off, and leaves provenance.
    Release,
    /// Another value over what is there, and the mark off.
    WriteAndRelease,
    /// Another value over what is there, and provenance off.
    WriteAndUnprove,
}

impl Act {
    pub(super) const ALL: [Self; 19] = [
        Self::Write,
        Self::Create,
        Self::Delete,
        Self::Recreate,
        Self::RecreateWithTags,
        Self::RecreateWithCopiedTags,
        Self::RecreateOfAnotherRoute,
        Self::RecreateWithMark,
        Self::RecreateWithProvenance,
        Self::RecreateReleased,
        Self::CopyTags,
        Self::CopyOldTags,
        Self::Claim,
        Self::TagLikeAnother,
        Self::Retag,
        Self::Unprove,
        Self::Release,
        Self::WriteAndRelease,
        Self::WriteAndUnprove,
    ];

    /// One of each sort: what is tried beside two invocations.
    pub(super) const SOME: [Self; 7] = [
        Self::Write,
        Self::Delete,
        Self::Recreate,
        Self::RecreateWithTags,
        Self::CopyOldTags,
        Self::Unprove,
        Self::Release,
    ];

    /// Whether there is something to do it to.
    pub(super) fn fits(self, store: &Store, place: Place<'_>) -> bool {
        let held = store.parameter(place.region, place.name);
        let is_there = held.is_some();
        let has = |key: &str| held.as_ref().is_some_and(|held| held.tags.contains_key(key));
        match self {
            Self::Write
            | Self::Delete
            | Self::Recreate
            | Self::RecreateWithMark
            | Self::RecreateReleased => is_there,
            Self::RecreateWithTags | Self::Release | Self::WriteAndRelease => has(MARK.0),
            Self::RecreateOfAnotherRoute
            | Self::RecreateWithProvenance
            | Self::Unprove
            | Self::WriteAndUnprove => has(PROVENANCE),
            Self::RecreateWithCopiedTags => is_there && copied(store, place).is_some(),
            Self::TagLikeAnother => has(PROVENANCE) && copied(store, place).is_some(),
            Self::Retag => has(TEAM),
            Self::Create => !is_there,
            Self::CopyTags => !is_there && copied(store, place).is_some(),
            Self::CopyOldTags => !is_there && old(store, place).is_some(),
            Self::Claim => {
                is_there && !has(MARK.0) && !has(PROVENANCE) && copied(store, place).is_some()
            }
        }
    }

    /// Does it, the `nth` act of a schedule.
    pub(super) fn happen(self, store: &mut Store, place: Place<'_>, nth: usize) {
        let new_tags = self.new_tags(store, place);
        let mut world = World { store, place, value: format!("{VALUE}{self:?} {nth}") };
        match self {
            Self::Write => world.write(),
            Self::Create | Self::CopyTags | Self::CopyOldTags => world.create(&new_tags),
            Self::Delete => world.delete(),
            Self::Recreate
            | Self::RecreateWithTags
            | Self::RecreateWithCopiedTags
            | Self::RecreateOfAnotherRoute
            | Self::RecreateWithMark
            | Self::RecreateWithProvenance
            | Self::RecreateReleased => {
                world.delete();
                world.create(&new_tags);
            }
            Self::Claim | Self::TagLikeAnother => world.tag(&new_tags),
            Self::Retag => world.tag(&BTreeMap::from([(TEAM.to_owned(), "a-stranger".to_owned())])),
            Self::Unprove => world.untag(PROVENANCE),
            Self::Release => world.untag(MARK.0),
            Self::WriteAndRelease => {
                world.write();
                world.untag(MARK.0);
            }
            Self::WriteAndUnprove => {
                world.write();
                world.untag(PROVENANCE);
            }
        }
    }

    /// The tags of what he creates, or claims.
    fn new_tags(self, store: &Store, place: Place<'_>) -> BTreeMap<String, String> {
        let held = store.parameter(place.region, place.name);
        let held = held.map(|held| held.tags).unwrap_or_default();
        let mut tags = match self {
            Self::RecreateReleased => return tagged([(OPT_OUT, "released")]),
            Self::RecreateWithMark => return tagged([MARK]),
            Self::RecreateWithTags => return held,
            Self::RecreateWithProvenance | Self::RecreateOfAnotherRoute => held,
            Self::RecreateWithCopiedTags | Self::CopyTags | Self::Claim | Self::TagLikeAnother => {
                return copied(store, place).unwrap_or_default();
            }
            Self::CopyOldTags => return old(store, place).unwrap_or_default(),
            _ => return BTreeMap::new(),
        };
        let provenance = tags.remove(PROVENANCE).unwrap_or_default();
        if self == Self::RecreateWithProvenance {
            return tagged([(PROVENANCE, &provenance)]);
        }
        let of_another = provenance.replace(SOURCE, "eu-west-1");
        tagged([MARK, (PROVENANCE, &of_another)])
    }
}

/// A tag of every source.
const TEAM: &str = "team";

/// Where he acts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) region: &'a str,
    pub(super) name: &'a str,
    /// Another item, whose replica's tags he copies.
    pub(super) another: &'a str,
}

/// Mark and provenance, where both are there.
fn both(tags: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let ours = [MARK.0, PROVENANCE];
    let tags: BTreeMap<_, _> =
        tags.into_iter().filter(|(key, _)| ours.contains(&key.as_str())).collect();
    (tags.len() == ours.len()).then_some(tags)
}

/// The tags of another item's replica.
fn copied(
    store: &Store,
    Place { region, another, .. }: Place<'_>,
) -> Option<BTreeMap<String, String>> {
    both(store.parameter(region, another)?.tags)
}

fn tagged<const N: usize>(tags: [(&str, &str); N]) -> BTreeMap<String, String> {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// The tags of the replica that stood there before.
fn old(store: &Store, Place { region, name, .. }: Place<'_>) -> Option<BTreeMap<String, String>> {
    let provenance = store.record(region, name)?.last_provenance()?;
    Some(tagged([MARK, (PROVENANCE, provenance)]))
}

struct World<'a, 'b> {
    store: &'a mut Store,
    place: Place<'b>,
    value: String,
}

impl World<'_, '_> {
    fn write(&mut self) {
        let request = json!({"Name": self.place.name, "Value": self.value, "Type": "String", "Overwrite": true});
        self.must("ssm:PutParameter", &request);
    }

    fn create(&mut self, tags: &BTreeMap<String, String>) {
        self.store.pause();
        let tags = listed(tags);
        let request =
            json!({"Name": self.place.name, "Value": self.value, "Type": "String", "Tags": tags});
        self.must("ssm:PutParameter", &request);
    }

    fn delete(&mut self) {
        self.must("ssm:DeleteParameter", &json!({ "Name": self.place.name }));
    }

    fn tag(&mut self, tags: &BTreeMap<String, String>) {
        let request = json!({"ResourceType": "Parameter", "ResourceId": self.place.name, "Tags": listed(tags)});
        self.must("ssm:AddTagsToResource", &request);
    }

    fn untag(&mut self, key: &str) {
        let request =
            json!({"ResourceType": "Parameter", "ResourceId": self.place.name, "TagKeys": [key]});
        self.must("ssm:RemoveTagsFromResource", &request);
    }

    fn must(&mut self, operation: &str, request: &Value) {
        self.store.must(Who::Stranger, self.place.region, operation, request);
    }
}

fn listed(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}
