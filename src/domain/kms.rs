//! The KMS key of a replica: the setting `REPLICATOR_KMS_KEYS` and the default mapping.

use std::collections::BTreeMap;

use super::failure::{Cause, FailureKind};
use super::location::Region;

/// The key that Parameter Store uses when a `SecureString` names no key.
pub const DEFAULT_PARAMETER_KEY: &str = "alias/aws/ssm";
/// The key that Secrets Manager uses when a secret names no key.
pub const DEFAULT_SECRET_KEY: &str = "alias/aws/secretsmanager";

/// The target key of one entry of `REPLICATOR_KMS_KEYS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKey {
    /// One key for every target Region.
    Everywhere(String),
    /// One key for each target Region.
    ByRegion(BTreeMap<Region, String>),
}

/// The setting `REPLICATOR_KMS_KEYS`: a map from source keys to target keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KmsKeys(BTreeMap<String, TargetKey>);

impl KmsKeys {
    /// The source keys must be spelled as Parameter Store and Secrets Manager show them.
    pub fn new(entries: BTreeMap<String, TargetKey>) -> Self {
        Self(entries)
    }

    /// The key in `target` that corresponds to `source_key` in `source`. An entry of the setting comes first. An alias
    /// (also a default key's) maps to the same alias, and a multi-Region key maps to the same id.
    ///
    /// # Errors
    /// `missing_key` for a single-Region key without an entry. The hub never falls back to a weaker key.
    pub fn target_key(
        &self,
        source_key: &str,
        source: &Region,
        target: &Region,
    ) -> Result<String, Cause> {
        match self.0.get(source_key) {
            Some(TargetKey::Everywhere(key)) => return Ok(key.clone()),
            Some(TargetKey::ByRegion(keys)) => {
                if let Some(key) = keys.get(target) {
                    return Ok(key.clone());
                }
            }
            None => {}
        }
        // Only the Region of an ARN is replaced: the key may belong to a different account.
        let name = source_key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4));
        let name = name.unwrap_or(source_key);
        if name.starts_with("alias/")
            || name.strip_prefix("key/").unwrap_or(name).starts_with("mrk-")
        {
            return Ok(source_key.replacen(&format!(":{source}:"), &format!(":{target}:"), 1));
        }
        let message = format!("no key in {target} is mapped to the source's key {source_key}");
        let remedy = match self.0.get(source_key) {
            Some(_) => format!(
                "add `\"{target}\":\"alias/NAME\"`, with the alias of a key in {target}, to the entry of {source_key} in REPLICATOR_KMS_KEYS"
            ),
            None => format!(
                "add the entry `\"{source_key}\":\"alias/NAME\"` to the JSON object of REPLICATOR_KMS_KEYS, where `alias/NAME` is the alias of a key in each target Region"
            ),
        };
        Err(Cause::new(FailureKind::MissingKey, message).with_remedy(remedy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::parse(name).expect("a Region")
    }

    #[test]
    fn a_key_maps_by_setting_then_alias_then_multi_region_id() {
        let keys = KmsKeys::new(BTreeMap::from([
            ("alias/a".to_owned(), TargetKey::Everywhere("alias/b".to_owned())),
            (
                "alias/c".to_owned(),
                TargetKey::ByRegion(BTreeMap::from([(region("us-east-1"), "alias/d".to_owned())])),
            ),
        ]));
        let map =
            |key: &str, target: &str| keys.target_key(key, &region("us-east-2"), &region(target));
        let mapped = |key: &str, target: &str| map(key, target).expect(key);
        assert_eq!(mapped("alias/a", "us-west-2"), "alias/b");
        assert_eq!(mapped("alias/c", "us-east-1"), "alias/d");
        assert_eq!(mapped("alias/c", "us-west-2"), "alias/c");
        assert_eq!(mapped("alias/aws/ssm", "us-west-2"), "alias/aws/ssm");
        assert_eq!(
            mapped("arn:aws:kms:us-east-2:444455556666:alias/x", "us-west-2"),
            "arn:aws:kms:us-west-2:444455556666:alias/x"
        );
        assert_eq!(
            mapped("arn:aws:kms:us-east-2:111122223333:key/mrk-12", "us-west-2"),
            "arn:aws:kms:us-west-2:111122223333:key/mrk-12"
        );
        assert_eq!(mapped("mrk-12", "us-west-2"), "mrk-12");
        for alone in ["1234abcd-12ab", "arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab"] {
            let cause = map(alone, "us-west-2").expect_err(alone);
            assert_eq!(cause.kind, FailureKind::MissingKey);
            let entry = format!("`\"{alone}\":\"alias/NAME\"`");
            assert!(cause.remedy().contains(&entry), "{}", cause.remedy());
        }
    }

    #[test]
    fn a_key_without_an_entry_for_the_target_region_gets_a_remedy_that_extends_its_entry() {
        let by_region = BTreeMap::from([(region("us-east-1"), "alias/d".to_owned())]);
        let entries = BTreeMap::from([("1234".to_owned(), TargetKey::ByRegion(by_region))]);
        let cause = KmsKeys::new(entries)
            .target_key("1234", &region("us-east-2"), &region("us-west-2"))
            .expect_err("no key in us-west-2");
        assert!(cause.remedy().starts_with(r#"add `"us-west-2":"alias/NAME"`"#), "{cause}");
        assert!(cause.remedy().contains("the entry of 1234"), "{}", cause.remedy());
    }
}
