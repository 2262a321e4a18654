//! A secret, its versions and its replicas.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::clock::{Millis, json_date};
use crate::state::tag_list;

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";
/// What is used where no key is named.
pub(crate) const DEFAULT_KEY: &str = "alias/aws/secretsmanager";
/// Of a name's six random characters, with the hyphen.
const SUFFIX: usize = 7;

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretVersion {
    pub(crate) value: String,
    pub(crate) stages: BTreeSet<String>,
}

/// What a primary knows of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) key: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) message: Option<String>,
}

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) description: String,
    /// As it was named; none is the default key.
    pub(crate) key: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) was_tagged: bool,
    pub(crate) versions: BTreeMap<String, SecretVersion>,
    /// The primary's Region, of a replica.
    pub(crate) primary: Option<String>,
    /// The primary's ARN, of the replica of a secret in another account.
    pub(crate) primary_account: Option<String>,
    /// By Region, of a primary.
    pub(crate) replicas: BTreeMap<String, Replica>,
    pub(crate) owning_service: Option<String>,
    pub(crate) created: Millis,
    pub(crate) changed: Millis,
    /// When its deletion was asked for, and when it is gone.
    pub(crate) deleted: Option<(Millis, Millis)>,
}

/// What Secrets Manager has still to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Millis,
    pub(crate) name: String,
    /// The primary's Region.
    pub(crate) source: String,
    pub(crate) target: String,
    /// Whether it may overwrite a secret that holds the name.
    pub(crate) force: bool,
}

impl Secret {
    /// The hyphen and six characters at its ARN's end.
    pub(crate) fn suffix(&self) -> String {
        self.arn.get(self.arn.len().saturating_sub(SUFFIX)..).unwrap_or_default().to_owned()
    }

    /// Its ARN in another Region.
    pub(crate) fn arn_in(&self, source: &str, target: &str) -> String {
        self.arn.replacen(&format!(":{source}:"), &format!(":{target}:"), 1)
    }

    /// Puts a version in AWSCURRENT's place.
    pub(crate) fn stage(&mut self, id: &str, value: String) {
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

    /// What lists and descriptions show alike.
    pub(crate) fn shown(&self, region: &str) -> Value {
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

    /// Version id to staging labels; `None` of a secret without a value.
    pub(crate) fn stages(&self) -> Option<Value> {
        let stages: serde_json::Map<String, Value> = self
            .versions
            .iter()
            .map(|(id, version)| (id.clone(), version.stages.iter().map(String::as_str).collect()))
            .collect();
        (!stages.is_empty()).then_some(Value::Object(stages))
    }

    /// `ReplicationStatus`, as answers have it.
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
