//! The KMS keys and aliases of a Region, and whether a caller can use them (FACTS 33, 100 to 102).

use std::collections::BTreeMap;

use serde_json::json;

use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The key can be used.
    Enabled,
    /// The key is disabled.
    Disabled,
    /// The key is scheduled for deletion and cannot be used.
    PendingDeletion,
    /// The key is enabled, but its policy denies every use. `DescribeKey` reports `Enabled`.
    Denied,
}

/// The keys of one Region.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRing {
    pub(crate) keys: BTreeMap<String, KeyState>,
    pub(crate) aliases: BTreeMap<String, String>,
}

/// Whether the alias names a key of AWS. Every Region has these keys.
fn is_aws_managed(alias: &str) -> bool {
    matches!(alias, "alias/aws/ssm" | "alias/aws/secretsmanager")
}

/// Resolves a key id, an alias, or the ARN of either to a key id. The alias of an AWS key is its own id.
fn id_of(ring: &KeyRing, account: &str, region: &str, named: &str) -> Option<String> {
    let bare = match named.strip_prefix("arn:aws:kms:") {
        Some(rest) => {
            let rest = rest.strip_prefix(&format!("{region}:{account}:"))?;
            rest.strip_prefix("key/").unwrap_or(rest)
        }
        None => named,
    };
    if is_aws_managed(bare) {
        return Some(bare.to_owned());
    }
    let id = ring.aliases.get(bare).map_or(bare, String::as_str);
    ring.keys.contains_key(id).then(|| id.to_owned())
}

/// The id of a usable key, or the message of KMS that says why the key cannot be used.
pub(crate) fn usable(
    ring: &KeyRing,
    account: &str,
    region: &str,
    named: &str,
) -> Result<String, String> {
    let id = id_of(ring, account, region, named).ok_or_else(|| format!("Invalid keyId {named}"))?;
    let arn = format!("arn:aws:kms:{region}:{account}:key/{id}");
    match ring.keys.get(&id).copied().unwrap_or(KeyState::Enabled) {
        KeyState::Enabled => Ok(id),
        KeyState::Disabled => Err(format!("{arn} is disabled.")),
        KeyState::PendingDeletion => Err(format!("{arn} is pending deletion.")),
        KeyState::Denied => Err(format!(
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access. ({arn})"
        )),
    }
}

/// `DescribeKey`.
pub(crate) fn describe_key(world: &mut World, call: &Call<'_>) -> Answer {
    let named = call.text("KeyId").unwrap_or_default().to_owned();
    let ring = &world.region(&call.account, &call.region).ring;
    let Some(id) = id_of(ring, &call.account, &call.region, &named) else {
        let message = format!("Key '{named}' does not exist");
        return Err(AwsError::new("NotFoundException", message));
    };
    let state = match ring.keys.get(&id).copied().unwrap_or(KeyState::Enabled) {
        KeyState::Enabled | KeyState::Denied => "Enabled",
        KeyState::Disabled => "Disabled",
        KeyState::PendingDeletion => "PendingDeletion",
    };
    Ok(json!({"KeyMetadata": {
        "AWSAccountId": call.account,
        "KeyId": id,
        "Arn": format!("arn:aws:kms:{}:{}:key/{id}", call.region, call.account),
        "Enabled": state == "Enabled",
        "KeyState": state,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "MultiRegion": id.starts_with("mrk-"),
        "KeyManager": if is_aws_managed(&id) { "AWS" } else { "CUSTOMER" },
    }}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usable_key_is_enabled_and_in_the_same_account_and_region() {
        let mut ring = KeyRing::default();
        ring.keys.insert("k1".to_owned(), KeyState::Enabled);
        ring.keys.insert("k2".to_owned(), KeyState::Disabled);
        ring.aliases.insert("alias/app".to_owned(), "k1".to_owned());
        let named = |named: &str| usable(&ring, "1", "us-east-1", named);
        for good in [
            "k1",
            "alias/app",
            "arn:aws:kms:us-east-1:1:key/k1",
            "arn:aws:kms:us-east-1:1:alias/app",
        ] {
            assert_eq!(named(good).as_deref(), Ok("k1"), "{good}");
        }
        assert_eq!(named("alias/aws/ssm").as_deref(), Ok("alias/aws/ssm"));
        assert!(named("arn:aws:kms:us-west-2:1:key/k1").is_err(), "a key of another Region");
        assert!(named("alias/none").unwrap_err().starts_with("Invalid keyId"));
        assert!(named("k2").unwrap_err().ends_with("is disabled."));
    }
}
