//! What an owner changes, and the events that tell of it.

use aws_sim::RegionSide;
use serde_json::{Value, json};

use crate::support::{LONG_AGO, batch, call, delete_event, put_event, tag_event};

/// The item that the fault is about.
pub(super) const AFFLICTED: &str = "/app/afflicted";
/// One beside it, to which the same is done.
pub(super) const ALSO: &str = "/app/also";
/// Those beside it that nobody changes: parameters, and secrets of the same names.
pub(super) const NEIGHBOURS: [&str; 2] = ["/app/left", "/app/right"];
/// The one in another account, to which the same is done.
pub(super) const OTHER: &str = "/app/other";

/// The way by which the hub hears of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Sweep,
    Events,
}

/// A change of items.
#[derive(Clone, Copy)]
pub(super) struct Flow {
    pub(super) name: &'static str,
    /// What is there before, long since replicated.
    pub(super) before: fn(&RegionSide<'_>, &str),
    pub(super) change: fn(&RegionSide<'_>, &str),
    /// The batch that tells of it, of the afflicted account and the other one.
    pub(super) events: fn(&str, &str) -> Value,
}

pub(super) const FLOWS: [Flow; 5] = [
    Flow {
        name: "create",
        before: |_, _| (),
        change: |source, name| put(source, name),
        events: |account, other| {
            events(account, other, |account, name| put_event(account, LONG_AGO, name, 1))
        },
    },
    Flow {
        name: "update",
        before: |source, name| put(source, name),
        change: |source, name| {
            source.put_parameter(&json!({"Name": name, "Value": "second",
                "Type": "SecureString", "Overwrite": true}));
            source.tag(name, "team", "tools");
        },
        events: |account, other| {
            events(account, other, |account, name| put_event(account, LONG_AGO, name, 2))
        },
    },
    Flow {
        name: "delete",
        before: |source, name| put(source, name),
        change: |source, name| source.delete(name),
        events: |account, other| {
            events(account, other, |account, name| delete_event(account, LONG_AGO, name))
        },
    },
    Flow {
        name: "tag",
        before: |source, name| put(source, name),
        change: |source, name| {
            source.tag(name, "team", "tools");
            source.untag(name, "old");
        },
        events: |account, other| {
            events(account, other, |account, name| {
                tag_event(account, LONG_AGO, name, "team", "tools")
            })
        },
    },
    Flow {
        name: "secret",
        before: |_, _| (),
        change: |source, name| source.create_secret(name.trim_start_matches('/'), "first"),
        events: |account, other| {
            events(account, other, |account, name| {
                let secret = json!({"name": name.trim_start_matches('/')});
                call(account, LONG_AGO, "CreateSecret", &secret, &secret)
            })
        },
    },
];

/// A parameter with tags.
pub(super) fn put(source: &RegionSide<'_>, name: &str) {
    source.put_parameter(&json!({"Name": name, "Value": "first", "Type": "SecureString",
        "Tags": [{"Key": "team", "Value": "shop"}, {"Key": "old", "Value": "1"}]}));
}

fn events(account: &str, other: &str, event: impl Fn(&str, &str) -> Value) -> Value {
    batch([
        (AFFLICTED, event(account, AFFLICTED)),
        (ALSO, event(account, ALSO)),
        (OTHER, event(other, OTHER)),
    ])
}
