//! The two settings that are JSON objects: `KMS_KEYS` and `QUOTAS`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::quota::{Bucket, QuotaOverride};
use crate::domain::{AccountId, Region, TargetKey, shown};

/// `{"alias/a":"alias/b","alias/c":{"us-east-1":"alias/d"}}`
pub(super) fn kms_keys(text: &str) -> Result<BTreeMap<String, TargetKey>, String> {
    let mut keys = BTreeMap::new();
    for (source, target) in entries(text)? {
        let target = match target {
            Value::String(key) => TargetKey::Everywhere(kms_key(&key)?),
            Value::Object(by_region) if !by_region.is_empty() => {
                let mut keys = BTreeMap::new();
                for (region, key) in by_region {
                    let region = Region::parse(&region).map_err(|error| error.to_string())?;
                    let Value::String(key) = key else {
                        let source = shown(&source);
                        return Err(format!("the key of `{source}` in {region} is not a string"));
                    };
                    keys.insert(region, kms_key(&key)?);
                }
                TargetKey::ByRegion(keys)
            }
            _ => {
                return Err(format!(
                    "the value of `{}` is neither a key nor an object from Region to key",
                    shown(&source)
                ));
            }
        };
        keys.insert(kms_key(&source)?, target);
    }
    Ok(keys)
}

/// The first Region in `keys` that is not the target of a route. The hub would never use a key for such a Region, and the
/// intended target would silently get another key.
pub(super) fn region_without_route<'a>(
    keys: &'a BTreeMap<String, TargetKey>,
    targets: &[&Region],
) -> Option<&'a Region> {
    keys.values()
        .filter_map(|key| match key {
            TargetKey::ByRegion(keys) => Some(keys.keys()),
            TargetKey::Everywhere(_) => None,
        })
        .flatten()
        .find(|region| !targets.contains(region))
}

/// `{"111122223333/us-east-2/ssm.read":1000}`
pub(super) fn quotas(text: &str) -> Result<Vec<QuotaOverride>, String> {
    entries(text)?
        .into_iter()
        .map(|(place, rate)| {
            quota(&place, &rate)
                .map_err(|problem| format!("invalid entry `{}`: {problem}", shown(&place)))
        })
        .collect()
}

fn quota(place: &str, rate: &Value) -> Result<QuotaOverride, String> {
    let parts: Vec<&str> = place.split('/').map(str::trim).collect();
    let [account, region, bucket] = parts.as_slice() else {
        return Err("expected the form `account/region/bucket`".to_owned());
    };
    let per_second = rate.as_f64().filter(|rate| rate.is_finite() && *rate > 0.0);
    Ok(QuotaOverride {
        account: unless_any(account, AccountId::parse)?,
        region: unless_any(region, Region::parse)?,
        bucket: unless_any(bucket, known_bucket)?,
        calls_per_second: per_second
            .ok_or("expected a number of calls per second greater than 0")?,
    })
}

/// `None` if the part is `*`, which matches everything.
fn unless_any<T, E: fmt::Display>(
    part: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, String> {
    if part == "*" { Ok(None) } else { parse(part).map(Some).map_err(|error| error.to_string()) }
}

fn known_bucket(name: &str) -> Result<Bucket, String> {
    Bucket::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Bucket::ALL.iter().map(|bucket| bucket.word()).collect();
        format!("unknown bucket `{}`; expected one of {}", shown(name), known.join(", "))
    })
}

/// Checks the form that KMS and Parameter Store require: an id, an alias, or the ARN of a key or alias.
fn kms_key(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ":/_-".contains(c);
    if text.is_empty() || text.len() > 2048 || !text.chars().all(fits) {
        return Err(format!("`{}` is not the id, alias or ARN of a key", shown(text)));
    }
    Ok(text.to_owned())
}

fn entries(text: &str) -> Result<Vec<(String, Value)>, String> {
    let ObjectEntries(entries) =
        serde_json::from_str(text).map_err(|error| match error.classify() {
            // The parser's message would contain the whole value, whatever its length.
            Category::Data => "expected a JSON object".to_owned(),
            _ => format!("invalid JSON: {error}"),
        })?;
    for (index, (name, _)) in entries.iter().enumerate() {
        if entries[..index].iter().any(|(other, _)| other == name) {
            return Err(format!("duplicate entry `{}`", shown(name)));
        }
    }
    Ok(entries)
}

/// All entries of an object in their order. A map would silently drop the first of two equal keys.
struct ObjectEntries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for ObjectEntries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = ObjectEntries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ObjectEntries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(ObjectEntries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_valid_for_all_targets_or_by_region() {
        let keys = kms_keys(r#"{"alias/a":"alias/b","alias/c":{"us-east-1":"alias/d"}}"#);
        let region = Region::parse("us-east-1").expect("a Region");
        let by_region =
            TargetKey::ByRegion(BTreeMap::from([(region.clone(), "alias/d".to_owned())]));
        let keys = keys.expect("keys");
        assert_eq!(keys["alias/a"], TargetKey::Everywhere("alias/b".to_owned()));
        assert_eq!(keys["alias/c"], by_region);
        let west = Region::parse("us-west-2").expect("a Region");
        assert_eq!(region_without_route(&keys, &[&west]), Some(&region));
        assert_eq!(region_without_route(&keys, &[&west, &region]), None);
    }

    #[test]
    fn a_quota_may_match_one_or_every_account_region_and_bucket() {
        let text = r#"{"*/*/*":1,"*/*/ssm.read":2,"*/us-east-2/*":3,"111122223333/*/*":4,
                       "*/us-east-2/ssm.read":5,"111122223333/us-east-2/ssm.read":6.5}"#;
        let rates: Vec<f64> =
            quotas(text).expect("quotas").iter().map(|quota| quota.calls_per_second).collect();
        assert_eq!(rates, [1.0, 2.0, 3.0, 4.0, 5.0, 6.5]);
    }

    #[test]
    fn an_invalid_map_reports_the_reason() {
        for (text, why) in [
            ("", "invalid JSON: EOF while parsing a value at line 1 column 0"),
            ("[]", "expected a JSON object"),
            (&format!("{:?}", "x".repeat(500)), "expected a JSON object"),
            (r#"{"alias/a":"alias/b","alias/a":"alias/c"}"#, "duplicate entry `alias/a`"),
            (r#"{"alias/a":7}"#, "the value of `alias/a` is neither a key nor an object"),
            (r#"{"alias/a":{}}"#, "the value of `alias/a` is neither a key nor an object"),
            (r#"{"alias/a":{"virginia":"alias/b"}}"#, "`virginia` is not the name of a Region"),
            (
                r#"{"alias/a":{"us-east-1":null}}"#,
                "the key of `alias/a` in us-east-1 is not a string",
            ),
            (r#"{"alias/a":"b c"}"#, "`b c` is not the id, alias or ARN of a key"),
            (r#"{"":"alias/b"}"#, "`` is not the id, alias or ARN of a key"),
        ] {
            let error = kms_keys(text).expect_err(text);
            assert!(error.contains(why) && error.len() < 200, "{text}: {error}");
        }
        for (text, why) in [
            (
                r#"{"ssm.read":1}"#,
                "invalid entry `ssm.read`: expected the form `account/region/bucket`",
            ),
            (r#"{"1/*/ssm.read":1}"#, "`1` is not an account id"),
            (r#"{"*/x/ssm.read":1}"#, "`x` is not the name of a Region"),
            (
                r#"{"*/*/ssm.put":1}"#,
                "unknown bucket `ssm.put`; expected one of ssm.read, ssm.control",
            ),
            (r#"{"*/*/ssm.read":0}"#, "expected a number of calls per second greater than 0"),
            (r#"{"*/*/ssm.read":"10"}"#, "expected a number of calls per second greater than 0"),
        ] {
            let error = quotas(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
