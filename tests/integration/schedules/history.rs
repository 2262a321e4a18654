//! What an owner does to one item, one change after the other.

use serde_json::{Value, json};

use super::store::{Store, Who};

/// Where the item is the owner's.
pub(super) const SOURCE: &str = "us-east-2";
/// The item.
pub(super) const NAME: &str = "/app/key";
/// Another item, whose replica is there from the beginning where a stranger copies its tags.
pub(super) const ANOTHER: &str = "/app/another";
/// Every value begins so; nothing else of a case does.
pub(super) const VALUE: &str = "value-of-";

/// A change at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Change {
    /// It is created, with a tag in the same call.
    Create,
    /// Another value.
    Value,
    /// Its tag gets the other of two values, so that it can come back to what it was.
    Tag,
    /// It is tagged as one to leave alone, or no longer so.
    OptOut,
    /// It is deleted.
    Delete,
}

/// How a case begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Start {
    /// Nobody holds the name.
    Nothing,
    /// The source is there, and its replica in every target.
    Replicated,
    /// The source is there, and a stranger holds the name in the targets.
    Taken,
}

/// All histories of so many changes that an owner can make.
pub(super) fn histories(start: Start, length: usize) -> Vec<Vec<Change>> {
    let mut all = vec![(Vec::new(), start != Start::Nothing)];
    for _ in 0..length {
        all = all
            .into_iter()
            .flat_map(|(before, is_there): (Vec<Change>, bool)| {
                let next: &[Change] = if is_there {
                    &[Change::Value, Change::Tag, Change::OptOut, Change::Delete]
                } else {
                    &[Change::Create]
                };
                next.iter().map(move |change| {
                    let history = before.iter().chain([change]).copied().collect();
                    (history, *change != Change::Delete)
                })
            })
            .collect();
    }
    all.into_iter().map(|(history, _)| history).collect()
}

/// A change of `name`, the `nth` of its history, from 1.
pub(super) fn happen(store: &mut Store, name: &str, change: Change, nth: usize) {
    let value = format!("{VALUE}{name}-{nth}");
    let tags = store.parameter(SOURCE, name).map(|held| held.tags).unwrap_or_default();
    let resource = |fields: Value| {
        let mut request = json!({"ResourceType": "Parameter", "ResourceId": name});
        request
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().cloned().unwrap_or_default());
        request
    };
    let tagged = |key: &str, value: &str| resource(json!({"Tags": [{"Key": key, "Value": value}]}));
    let (operation, request) = match change {
        Change::Create => (
            "ssm:PutParameter",
            json!({"Name": name, "Value": value, "Type": "String", "Tags": [{"Key": "team", "Value": "a"}]}),
        ),
        Change::Value => (
            "ssm:PutParameter",
            json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true}),
        ),
        Change::Tag => {
            let other = if tags.get("team").is_some_and(|team| team == "a") { "b" } else { "a" };
            ("ssm:AddTagsToResource", tagged("team", other))
        }
        Change::OptOut if tags.contains_key(OPT_OUT) => {
            ("ssm:RemoveTagsFromResource", resource(json!({"TagKeys": [OPT_OUT]})))
        }
        Change::OptOut => ("ssm:AddTagsToResource", tagged(OPT_OUT, "exclude")),
        Change::Delete => ("ssm:DeleteParameter", json!({"Name": name})),
    };
    store.must(Who::Owner, SOURCE, operation, &request);
}

/// The tag by which an owner has an item left alone.
pub(super) const OPT_OUT: &str = "failover-replicator";
