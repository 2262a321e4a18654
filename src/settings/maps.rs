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
                        return Err(format!(
                            "the key of `{}` in {region} is no text",
                            shown(&source)
                        ));
                    };
                    keys.insert(region, kms_key(&key)?);
                }
                TargetKey::ByRegion(keys)
            }
            _ => {
                return Err(format!(
                    "`{}` has neither a key nor an object of Regions",
                    shown(&source)
                ));
            }
        };
        keys.insert(kms_key(&source)?, target);
    }
    Ok(keys)
}

/// The first Region of `keys` that is not among the routes' `targets`: a key for it would never be used, and the one
/// that was meant would be taken from elsewhere.
pub(super) fn region_out_of_place<'a>(
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
        .map(|(place, rate)| quota(&place, &rate).map_err(|e| format!("`{}`: {e}", shown(&place))))
        .collect()
}

fn quota(place: &str, rate: &Value) -> Result<QuotaOverride, String> {
    let parts: Vec<&str> = place.split('/').map(str::trim).collect();
    let [account, region, bucket] = parts.as_slice() else {
        return Err("not of the form `account/region/bucket`".to_owned());
    };
    let per_second = rate.as_f64().filter(|rate| rate.is_finite() && *rate > 0.0);
    Ok(QuotaOverride {
        account: unless_any(account, AccountId::parse)?,
        region: unless_any(region, Region::parse)?,
        bucket: unless_any(bucket, known_bucket)?,
        calls_per_second: per_second.ok_or("the calls a second are no number over 0")?,
    })
}

/// `None` for `*`.
fn unless_any<T, E: fmt::Display>(
    part: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, String> {
    if part == "*" { Ok(None) } else { parse(part).map(Some).map_err(|error| error.to_string()) }
}

fn known_bucket(name: &str) -> Result<Bucket, String> {
    Bucket::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Bucket::ALL.iter().map(|bucket| bucket.word()).collect();
        format!("`{}` is no bucket; they are {}", shown(name), known.join(", "))
    })
}

/// The shape that KMS and Parameter Store ask of a key: an id, an alias, or an ARN of either.
fn kms_key(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ":/_-".contains(c);
    if text.is_empty() || text.len() > 2048 || !text.chars().all(fits) {
        return Err(format!("`{}` is not a key's id, alias or ARN", shown(text)));
    }
    Ok(text.to_owned())
}

fn entries(text: &str) -> Result<Vec<(String, Value)>, String> {
    let Entries(entries) = serde_json::from_str(text).map_err(|error| match error.classify() {
        // Its own words would have in them what stands in the object's place, as long as it is.
        Category::Data => "not such a JSON object: expected an object".to_owned(),
        _ => format!("not such a JSON object: {error}"),
    })?;
    for (index, (name, _)) in entries.iter().enumerate() {
        if entries[..index].iter().any(|(other, _)| other == name) {
            return Err(format!("`{}` stands twice", shown(name)));
        }
    }
    Ok(entries)
}

/// An object's entries as they were written: a map would keep the last of two and say nothing.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_all_targets_or_by_region() {
        let keys = kms_keys(r#"{"alias/a":"alias/b","alias/c":{"us-east-1":"alias/d"}}"#);
        let region = Region::parse("us-east-1").expect("a Region");
        let by_region =
            TargetKey::ByRegion(BTreeMap::from([(region.clone(), "alias/d".to_owned())]));
        let keys = keys.expect("keys");
        assert_eq!(keys["alias/a"], TargetKey::Everywhere("alias/b".to_owned()));
        assert_eq!(keys["alias/c"], by_region);
        let west = Region::parse("us-west-2").expect("a Region");
        assert_eq!(region_out_of_place(&keys, &[&west]), Some(&region));
        assert_eq!(region_out_of_place(&keys, &[&west, &region]), None);
    }

    #[test]
    fn a_quota_may_name_account_region_and_bucket_or_leave_each_open() {
        let text = r#"{"*/*/*":1,"*/*/ssm.read":2,"*/us-east-2/*":3,"111122223333/*/*":4,
                       "*/us-east-2/ssm.read":5,"111122223333/us-east-2/ssm.read":6.5}"#;
        let rates: Vec<f64> =
            quotas(text).expect("quotas").iter().map(|quota| quota.calls_per_second).collect();
        assert_eq!(rates, [1.0, 2.0, 3.0, 4.0, 5.0, 6.5]);
    }

    #[test]
    fn what_is_no_such_map_says_why() {
        for (text, why) in [
            ("", "not such a JSON object: EOF while parsing a value at line 1 column 0"),
            ("[]", "expected an object"),
            (&format!("{:?}", "x".repeat(500)), "not such a JSON object: expected an object"),
            (r#"{"alias/a":"alias/b","alias/a":"alias/c"}"#, "`alias/a` stands twice"),
            (r#"{"alias/a":7}"#, "`alias/a` has neither a key nor an object of Regions"),
            (r#"{"alias/a":{}}"#, "`alias/a` has neither a key nor an object of Regions"),
            (r#"{"alias/a":{"virginia":"alias/b"}}"#, "`virginia` is not the name of a Region"),
            (r#"{"alias/a":{"us-east-1":null}}"#, "the key of `alias/a` in us-east-1 is no text"),
            (r#"{"alias/a":"b c"}"#, "`b c` is not a key's id, alias or ARN"),
            (r#"{"":"alias/b"}"#, "`` is not a key's id, alias or ARN"),
        ] {
            let error = kms_keys(text).expect_err(text);
            assert!(error.contains(why) && error.len() < 200, "{text}: {error}");
        }
        for (text, why) in [
            (r#"{"ssm.read":1}"#, "`ssm.read`: not of the form `account/region/bucket`"),
            (r#"{"1/*/ssm.read":1}"#, "`1` is not an account id"),
            (r#"{"*/x/ssm.read":1}"#, "`x` is not the name of a Region"),
            (r#"{"*/*/ssm.put":1}"#, "`ssm.put` is no bucket; they are ssm.read, ssm.control"),
            (r#"{"*/*/ssm.read":0}"#, "the calls a second are no number over 0"),
            (r#"{"*/*/ssm.read":"10"}"#, "the calls a second are no number over 0"),
        ] {
            let error = quotas(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
