//! Which key a replica is encrypted with (always a KMS key here).

use std::collections::BTreeMap;

use super::failure::{Cause, FailureKind};
use super::location::Region;

/// The key that Parameter Store takes when none is named.
pub const DEFAULT_PARAMETER_KEY: &str = "alias/aws/ssm";
/// The key that Secrets Manager takes when none is named.
pub const DEFAULT_SECRET_KEY: &str = "alias/aws/secretsmanager";

/// The target key of one entry of `KMS_KEYS`: the same in every target Region, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKey {
    /// For every target Region.
    Everywhere(String),
    /// By target Region.
    ByRegion(BTreeMap<Region, String>),
}

/// The setting `KMS_KEYS`: source key → target key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KmsKeys(BTreeMap<String, TargetKey>);

impl KmsKeys {
    /// From source keys, spelled as Parameter Store and Secrets Manager show them, to target keys.
    pub fn new(entries: BTreeMap<String, TargetKey>) -> Self {
        Self(entries)
    }

    /// The key in `target` for what `source_key` encrypts in `source`: the setting first; then an alias by its name,
    /// the default key among them; then a multi-Region key by its id, which is the same in every Region.
    ///
    /// # Errors
    /// `missing_key` for a key that exists in its own Region only and that the setting does not name: a weaker key is
    /// never taken in silence.
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
        // An ARN names its Region, and the account too, which may be another one's: only the Region is replaced.
        let name = source_key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4));
        let name = name.unwrap_or(source_key);
        if name.starts_with("alias/")
            || name.strip_prefix("key/").unwrap_or(name).starts_with("mrk-")
        {
            return Ok(source_key.replacen(&format!(":{source}:"), &format!(":{target}:"), 1));
        }
        // An alias of that key helps nobody: Parameter Store and Secrets Manager show the key as it was named to them.
        let message = format!("no key in {target} is known for the source's key {source_key}");
        let remedy = match self.0.get(source_key) {
            Some(_) => format!(
                "add `\"{target}\":\"alias/NAME\"`, with the alias of a key in {target}, to the entry of {source_key} in REPLICATOR_KMS_KEYS"
            ),
            None => format!(
                "add the entry `\"{source_key}\":\"alias/NAME\"` to the JSON object of REPLICATOR_KMS_KEYS, with an alias that a key has in each target Region"
            ),
        };
        Err(Cause::new(FailureKind::MissingKey, message).mended_by(remedy))
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
    fn a_key_that_is_mapped_for_another_region_only_is_to_be_added_to_its_entry() {
        let by_region = BTreeMap::from([(region("us-east-1"), "alias/d".to_owned())]);
        let entries = BTreeMap::from([("1234".to_owned(), TargetKey::ByRegion(by_region))]);
        let cause = KmsKeys::new(entries)
            .target_key("1234", &region("us-east-2"), &region("us-west-2"))
            .expect_err("no key in us-west-2");
        assert!(cause.remedy().starts_with(r#"add `"us-west-2":"alias/NAME"`"#), "{cause}");
        assert!(cause.remedy().contains("the entry of 1234"), "{}", cause.remedy());
    }
}
