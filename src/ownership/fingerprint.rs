//! Short hashes of what is too long for the provenance tag.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::{AccountId, ParameterName, PlanStep, Region, Tags};

/// The first 32 bits of a SHA-256, shown as eight hex digits. Enough to detect a difference, but no protection against an
/// attacker who searches for a collision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub u32);

impl Fingerprint {
    /// The hash over `parts`, by the rules of version `schema`. The hash includes the length of each part and distinguishes
    /// absent from empty parts, so two different lists never have the same bytes.
    pub fn of_parts<'a>(schema: u8, parts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut hash = Sha256::new();
        hash.update([schema]);
        for part in parts {
            match part {
                None => hash.update([0]),
                Some(part) => {
                    hash.update([1]);
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part.as_bytes());
                }
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, ..] = digest;
        Self(u32::from_be_bytes([a, b, c, d]))
    }

    /// The hash over account, target Region and name of a replica: a tag that was copied to another parameter does not
    /// match. `/a` and `a` are the same root name.
    pub fn of_item(account: &AccountId, target: &Region, name: &ParameterName) -> Self {
        const SCHEMA: u8 = 1;
        Self::of_parts(SCHEMA, ["of", account.as_str(), target.as_str(), name.key()].map(Some))
    }

    /// The hash over tags as they were sent.
    pub fn of_tags(tags: &Tags) -> Self {
        const SCHEMA: u8 = 1;
        let pairs = tags.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
        Self::of_parts(SCHEMA, std::iter::once("tags").chain(pairs).map(Some))
    }

    /// The hash over a change of tags: the tags that are set and the keys that are removed. Removed values do not count.
    pub fn of_tag_change(set: &Tags, remove: &[String]) -> Self {
        const SCHEMA: u8 = 1;
        let set = set.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
        let remove = std::iter::once("remove").chain(remove.iter().map(String::as_str));
        Self::of_parts(SCHEMA, std::iter::once("set").chain(set).chain(remove).map(Some))
    }

    /// The hash over the sorted steps of a plan, with names as AWS spells them.
    pub fn of_plan(steps: &BTreeSet<PlanStep>) -> Self {
        const SCHEMA: u8 = 1;
        let parts = steps.iter().flat_map(|PlanStep { account, region, item, change }| {
            let (kind, change) = (item.kind().word(), change.word());
            [account.as_str(), region.as_str(), kind, item.name(), change]
        });
        Self::of_parts(SCHEMA, std::iter::once("plan").chain(parts).map(Some))
    }

    /// Reads eight hex digits; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex.then(|| u32::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change, Item, SecretName};

    #[test]
    fn an_item_is_told_from_every_other_by_account_region_and_name() {
        let of = |account: &str, target: &str, name: &str| {
            let account = AccountId::parse(account).expect("an account");
            let target = Region::parse(target).expect("a Region");
            Fingerprint::of_item(&account, &target, &ParameterName::new(name))
        };
        let item = of("111122223333", "us-east-1", "/db");
        assert_eq!(item, of("111122223333", "us-east-1", "db"), "two spellings of one root name");
        assert_ne!(item, of("444455556666", "us-east-1", "/db"));
        assert_ne!(item, of("111122223333", "us-west-2", "/db"));
        assert_ne!(item, of("111122223333", "us-east-1", "/db-copy"));
    }

    #[test]
    fn tags_count_by_key_and_value_and_the_boundary_between_them_counts() {
        let of = |pairs: &[(&str, &str)]| {
            let tag = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            Fingerprint::of_tags(&pairs.iter().map(tag).collect())
        };
        let all = [of(&[]), of(&[("a", "b")]), of(&[("ab", "")]), of(&[("a", "b"), ("c", "d")])];
        for (place, one) in all.iter().enumerate() {
            assert!(all[place + 1..].iter().all(|other| one != other));
        }
        assert_ne!(Fingerprint::of_parts(1, [None]), Fingerprint::of_parts(1, [Some("")]));
        assert_ne!(Fingerprint::of_parts(1, [Some("a")]), Fingerprint::of_parts(2, [Some("a")]));
    }

    #[test]
    fn the_id_of_a_plan_depends_on_its_steps_and_not_on_their_order() {
        let step = |account: &str, region: &str, item: Item, change| PlanStep {
            account: AccountId::parse(account).expect("an account"),
            region: Region::parse(region).expect("a Region"),
            item,
            change,
        };
        let parameter = |name: &str| Item::Parameter(ParameterName::new(name));
        let one = step("111122223333", "us-east-1", parameter("/a"), Change::Delete);
        let two = step("444455556666", "us-east-1", parameter("/a"), Change::Delete);
        let id = |steps: &[&PlanStep]| {
            Fingerprint::of_plan(&steps.iter().map(|step| (*step).clone()).collect())
        };
        assert_eq!(id(&[&one, &two]), id(&[&two, &one]));
        let others = [
            step("111122223333", "us-east-1", parameter("/a"), Change::Retag),
            step("111122223333", "us-east-1", parameter("/b"), Change::Delete),
            step("111122223333", "us-west-2", parameter("/a"), Change::Delete),
            step("111122223333", "us-east-1", Item::Secret(SecretName::new("/a")), Change::Delete),
        ];
        let mut ids = vec![id(&[]), id(&[&one]), id(&[&two]), id(&[&one, &two])];
        ids.extend(others.iter().flat_map(|other| [id(&[other]), id(&[&one, other])]));
        for (place, one) in ids.iter().enumerate() {
            assert!(ids[place + 1..].iter().all(|other| one != other), "{ids:?}");
        }
    }

    #[test]
    fn eight_hex_digits_read_back_and_nothing_else_does() {
        let one = Fingerprint(0x00ab_cdef);
        assert_eq!(
            (one.to_string().as_str(), Fingerprint::parse("00abcdef")),
            ("00abcdef", Some(one))
        );
        for wrong in ["", "abcdef", "+0abcdef", "00abcdefa", "00abcdeg"] {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
    }
}
