//! A parameter and its versions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock::{Millis, json_date};
use crate::identity::without_session;

/// The number of versions that AWS keeps (FACTS 29).
pub(crate) const VERSIONS_KEPT: usize = 100;

/// A parameter policy with its JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) kind: String,
    pub(crate) text: String,
    /// The time at which the policy acts, if the policy's text alone determines the time.
    pub(crate) at: Option<Millis>,
}

/// A version of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) number: i64,
    pub(crate) value: String,
    pub(crate) kind: String,
    pub(crate) tier: &'static str,
    pub(crate) description: String,
    pub(crate) pattern: String,
    pub(crate) data_type: String,
    /// The key as the request named it.
    pub(crate) key: Option<String>,
    /// The id of the key that encrypted the value.
    pub(crate) encrypted_under: Option<String>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) modified: Millis,
    /// The ARN of the caller that wrote this version (FACTS 36).
    pub(crate) user: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    /// The name as the first writer spelled it.
    pub(crate) name: String,
    /// The versions, oldest first; never empty.
    pub(crate) versions: Vec<Arc<Version>>,
    /// The version number of each label.
    pub(crate) labels: BTreeMap<String, i64>,
    pub(crate) tags: BTreeMap<String, String>,
    /// Whether the parameter ever had a tag.
    pub(crate) was_tagged: bool,
    /// Reads by name do not see the parameter before this time, because the create followed a deletion too soon.
    pub(crate) unseen_until: Millis,
}

impl Parameter {
    /// The newest version.
    pub(crate) fn latest(&self) -> &Arc<Version> {
        self.versions.last().expect("a parameter has a version")
    }

    /// The labels of a version.
    pub(crate) fn labels_of(&self, version: i64) -> BTreeSet<&str> {
        self.labels
            .iter()
            .filter(|(_, on)| **on == version)
            .map(|(label, _)| label.as_str())
            .collect()
    }

    /// The parameter in `DescribeParameters`: without value, tags and labels.
    pub(crate) fn described(&self, arn: &str, with_session: bool, now: Millis) -> Value {
        let mut shown = self.latest().attributes(&self.name, with_session, now);
        shown["ARN"] = arn.into();
        shown
    }
}

impl Version {
    /// The members that `DescribeParameters` and `GetParameterHistory` share, without empty strings.
    pub(crate) fn attributes(&self, name: &str, with_session: bool, now: Millis) -> Value {
        let user = if with_session { &self.user } else { without_session(&self.user) };
        let mut shown = json!({
            "Name": name,
            "Type": self.kind,
            "LastModifiedDate": json_date(self.modified),
            "LastModifiedUser": user,
            "Version": self.number,
            "Tier": self.tier,
            "Policies": self.policies.iter().map(|policy| policy.to_json(now)).collect::<Vec<_>>(),
            "DataType": self.data_type,
        });
        if let Some(key) = &self.key {
            shown["KeyId"] = key.as_str().into();
        }
        if !self.description.is_empty() {
            shown["Description"] = self.description.as_str().into();
        }
        if !self.pattern.is_empty() {
            shown["AllowedPattern"] = self.pattern.as_str().into();
        }
        shown
    }
}

impl Policy {
    /// The policy in an answer (FACTS 41).
    fn to_json(&self, now: Millis) -> Value {
        let status = if self.at.is_some_and(|at| at <= now) { "Finished" } else { "Pending" };
        json!({"PolicyText": self.text, "PolicyType": self.kind, "PolicyStatus": status})
    }
}
