//! A secret, its versions and its replicas.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::clock::{Millis, json_date};
use crate::state::tag_list;

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";
/// The key for requests that name no key.
pub(crate) const DEFAULT_KEY: &str = "alias/aws/secretsmanager";
/// The length of the suffix of a secret's ARN: a hyphen and six random characters.
const SUFFIX: usize = 7;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretVersion {
    pub(crate) value: String,
    pub(crate) stages: BTreeSet<String>,
}

/// A replica as its primary records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) key: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) description: String,
    /// The key as the request named it; `None` for the default key.
    pub(crate) key: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) was_tagged: bool,
    pub(crate) versions: BTreeMap<String, SecretVersion>,
    /// For a replica, the Region of the primary.
    pub(crate) primary: Option<String>,
    /// For a replica of another account's secret, the ARN of the primary.
    pub(crate) primary_account: Option<String>,
    /// For a primary, the replicas by Region.
    pub(crate) replicas: BTreeMap<String, Replica>,
    pub(crate) owning_service: Option<String>,
    pub(crate) created: Millis,
    pub(crate) changed: Millis,
    /// For a secret that is scheduled for deletion: the time of the request and the time of the deletion.
    pub(crate) deleted: Option<(Millis, Millis)>,
}

/// A replication that Secrets Manager has accepted and not yet executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingReplication {
    pub(crate) at: Millis,
    pub(crate) name: String,
    /// The Region of the primary.
    pub(crate) source: String,
    pub(crate) target: String,
    /// Whether the replica may overwrite an unrelated secret of the same name.
    pub(crate) force: bool,
}

impl Secret {
    /// The hyphen and the six characters at the end of the ARN.
    pub(crate) fn suffix(&self) -> String {
        self.arn.get(self.arn.len().saturating_sub(SUFFIX)..).unwrap_or_default().to_owned()
    }

    /// The ARN of the replica in another Region.
    pub(crate) fn arn_in(&self, source: &str, target: &str) -> String {
        self.arn.replacen(&format!(":{source}:"), &format!(":{target}:"), 1)
    }

    /// Adds a version as `AWSCURRENT`.
    pub(crate) fn make_current(&mut self, id: &str, value: String) {
        for version in self.versions.values_mut() {
            version.stages.remove(PREVIOUS);
            if version.stages.remove(CURRENT) {
                version.stages.insert(PREVIOUS.to_owned());
            }
        }
        self.versions.retain(|_, version| !version.stages.is_empty());
        let stages = [CURRENT.to_owned()].into();
        self.versions.insert(id.to_owned(), SecretVersion { value, stages });
    }

    /// The members that `ListSecrets` and `DescribeSecret` share.
    pub(crate) fn summary(&self, region: &str) -> Value {
        let mut shown = json!({
            "ARN": self.arn,
            "Name": self.name,
            "CreatedDate": json_date(self.created),
            "LastChangedDate": json_date(self.changed),
            "Tags": tag_list(&self.tags),
        });
        if !self.description.is_empty() {
            shown["Description"] = self.description.as_str().into();
        }
        if let Some(key) = &self.key {
            shown["KmsKeyId"] = key.as_str().into();
        }
        if let Some(service) = &self.owning_service {
            shown["OwningService"] = service.as_str().into();
        }
        if let Some((asked, _)) = self.deleted {
            shown["DeletedDate"] = json_date(asked);
        }
        if let Some(arn) = &self.primary_account {
            shown["CrossAccountPrimary"] = json!({ "ARN": arn });
        }
        if let Some(primary) = &self.primary {
            shown["PrimaryRegion"] = primary.as_str().into();
        } else if !self.replicas.is_empty() {
            shown["PrimaryRegion"] = region.into();
        }
        shown
    }

    /// The staging labels by version id; `None` for a secret without a value.
    pub(crate) fn stages(&self) -> Option<Value> {
        let stages: serde_json::Map<String, Value> = self
            .versions
            .iter()
            .map(|(id, version)| (id.clone(), version.stages.iter().map(String::as_str).collect()))
            .collect();
        (!stages.is_empty()).then_some(Value::Object(stages))
    }

    /// The member `ReplicationStatus`.
    pub(crate) fn replication(&self) -> Value {
        self.replicas
            .iter()
            .map(|(region, replica)| {
                let mut shown = json!({
                    "Region": region,
                    "KmsKeyId": replica.key.as_deref().unwrap_or(DEFAULT_KEY),
                    "Status": replica.status,
                });
                if let Some(message) = &replica.message {
                    shown["StatusMessage"] = message.as_str().into();
                }
                shown
            })
            .collect()
    }
}
