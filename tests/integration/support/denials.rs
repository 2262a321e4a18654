//! The two denials of the spoke role's policy, which the simulator does not hold: which of the hub's writes they refuse.

use std::collections::{BTreeMap, BTreeSet};

use aws_sim::{Sim, Write};
use serde_json::Value;

use super::MARK;

/// The names that carry the mark in one target, as the writes go on.
#[derive(Clone)]
pub(crate) struct Denials {
    account: String,
    region: String,
    marked: BTreeSet<String>,
}

impl Denials {
    /// As the target is now.
    pub(crate) fn from_now(sim: &Sim, account: &str, region: &str) -> Self {
        let parameters = sim.account(account).region(region).parameters();
        let is_marked =
            |tags: &BTreeMap<String, String>| tags.get(MARK.0).is_some_and(|value| value == MARK.1);
        let marked = parameters.into_iter().filter(|(_, view)| is_marked(&view.tags));
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            marked: marked.map(|(name, _)| name).collect(),
        }
    }

    /// As if nothing in the target carried the mark.
    pub(crate) fn without_marks(mut self) -> Self {
        self.marked.clear();
        self
    }

    /// The writes to this target that IAM refuses, as operation and name; the writes are in their order.
    pub(crate) fn refused(mut self, writes: &[Write]) -> Vec<String> {
        let mut refused = Vec::new();
        for write in writes {
            if write.account != self.account || write.region != self.region {
                continue;
            }
            for name in names(&write.request) {
                if self.denies(&write.operation, &name, &write.request) {
                    refused.push(format!("{} {name}", write.operation));
                } else if write.refused.is_none() {
                    self.follow(&write.operation, name, &write.request);
                }
            }
        }
        refused
    }

    fn denies(&self, operation: &str, name: &str, request: &Value) -> bool {
        let is_marked = self.marked.contains(name);
        match operation {
            "ssm:DeleteParameters" | "ssm:RemoveTagsFromResource" => !is_marked,
            "ssm:AddTagsToResource" => !is_marked && sent_mark(request) != Some(true),
            // A put with tags needs the permission to tag, too.
            "ssm:PutParameter" => {
                request.get("Tags").is_some() && !is_marked && sent_mark(request) != Some(true)
            }
            _ => false,
        }
    }

    fn follow(&mut self, operation: &str, name: String, request: &Value) {
        let mark_goes = match operation {
            "ssm:DeleteParameters" => true,
            "ssm:RemoveTagsFromResource" => texts(&request["TagKeys"]).any(|key| key == MARK.0),
            _ => sent_mark(request) == Some(false),
        };
        if mark_goes {
            self.marked.remove(&name);
        } else if sent_mark(request) == Some(true) {
            self.marked.insert(name);
        }
    }
}

/// Whether the tags of a request hold the mark with its value; `None` where its key is not among them.
fn sent_mark(request: &Value) -> Option<bool> {
    let mut tags = request["Tags"].as_array().into_iter().flatten();
    tags.find(|tag| tag["Key"] == MARK.0).map(|tag| tag["Value"] == MARK.1)
}

/// The parameters that a request of Systems Manager names.
fn names(request: &Value) -> Vec<String> {
    let one = [&request["Name"], &request["ResourceId"]].into_iter().filter_map(Value::as_str);
    one.chain(texts(&request["Names"])).map(str::to_owned).collect()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
