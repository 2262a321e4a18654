//! What a stranger does in a target: whoever else may write there, a person, a deployment or the application after a
//! failover. Each act is one step, which may fall between any two calls of the hub.

use std::collections::BTreeMap;

use serde_json::{Value, json};

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
    /// Takes a name that nobody holds, with mark and provenance of another item's replica.
    CopyTags,
    /// Takes a name that nobody holds, with the mark and the provenance of the replica that stood there before.
    CopyOldTags,
    /// Gives a parameter of his own that is there mark and provenance of another item's replica.
    Claim,
    /// Gives the tag of the source another value.
    Retag,
    /// Takes provenance off, and leaves the mark.
    Unprove,
    /// Takes the mark off, and leaves provenance.
    Release,
    /// Another value over what is there, and the mark off.
    WriteAndRelease,
}

impl Act {
    pub(super) const ALL: [Self; 12] = [
        Self::Write,
        Self::Create,
        Self::Delete,
        Self::Recreate,
        Self::RecreateWithTags,
        Self::CopyTags,
        Self::CopyOldTags,
        Self::Claim,
        Self::Retag,
        Self::Unprove,
        Self::Release,
        Self::WriteAndRelease,
    ];

    /// Whether there is something to do it to.
    pub(super) fn fits(self, store: &Store, place: Place<'_>) -> bool {
        let held = store.parameter(place.region, place.name);
        let is_there = held.is_some();
        let has = |key: &str| held.as_ref().is_some_and(|held| held.tags.contains_key(key));
        match self {
            Self::Write | Self::Delete | Self::Recreate => is_there,
            Self::RecreateWithTags | Self::Release | Self::WriteAndRelease => has(MARK.0),
            Self::Unprove => has(PROVENANCE),
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
        let held = store.parameter(place.region, place.name);
        let new_tags = match self {
            Self::RecreateWithTags => held.map(|held| held.tags).unwrap_or_default(),
            Self::CopyTags | Self::Claim => copied(store, place).unwrap_or_default(),
            Self::CopyOldTags => old(store, place).unwrap_or_default(),
            _ => BTreeMap::new(),
        };
        let mut world = World { store, place, value: format!("{VALUE}{self:?} {nth}") };
        match self {
            Self::Write => world.write(),
            Self::Create | Self::CopyTags | Self::CopyOldTags => world.create(&new_tags),
            Self::Delete => world.delete(),
            Self::Recreate | Self::RecreateWithTags => {
                world.delete();
                world.create(&new_tags);
            }
            Self::Claim => world.tag(&new_tags),
            Self::Retag => world.tag(&BTreeMap::from([(TEAM.to_owned(), "a-stranger".to_owned())])),
            Self::Unprove => world.untag(PROVENANCE),
            Self::Release => world.untag(MARK.0),
            Self::WriteAndRelease => {
                world.write();
                world.untag(MARK.0);
            }
        }
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

/// The tags of the replica that stood there before.
fn old(store: &Store, Place { region, name, .. }: Place<'_>) -> Option<BTreeMap<String, String>> {
    let provenance = store.record(region, name)?.last_provenance()?;
    both(
        [(MARK.0, MARK.1), (PROVENANCE, provenance)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    )
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
