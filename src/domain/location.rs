//! Accounts, Regions and locations (an account and a Region).

use std::fmt;
use std::sync::Arc;

use super::shown::shown;

/// Why a text is not an account id or the name of a Region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocation {
    /// An account id has exactly twelve digits.
    #[error("`{0}` is not an account id; expected twelve digits, such as `111122223333`")]
    Account(String),
    /// See [`Region::parse`] for the accepted shape.
    #[error("`{0}` is not the name of a Region; expected a name such as `us-east-2`")]
    Region(String),
}

/// The id of an AWS account: twelve digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// Accepts exactly twelve digits.
    pub fn parse(text: &str) -> Result<Self, InvalidLocation> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidLocation::Account(shown(text)))
        }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an AWS Region. Only the shape of the name is checked, because a new Region must not need a new release.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Arc<str>);

impl Region {
    /// Accepts lower-case words and a number at the end: `us-east-2`, `us-gov-west-1`, `ap-southeast-1`.
    pub fn parse(text: &str) -> Result<Self, InvalidLocation> {
        let words: Vec<&str> = text.split('-').collect();
        let shaped = match words.as_slice() {
            [area, middle @ .., number] if !middle.is_empty() => {
                (2..=4).contains(&area.len())
                    && middle.len() <= 3
                    && std::iter::once(area)
                        .chain(middle)
                        .all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()))
                    && (1..=2).contains(&number.len())
                    && number.bytes().all(|b| b.is_ascii_digit())
            }
            _ => false,
        };
        if shaped && text.len() <= 32 {
            Ok(Self(text.into()))
        } else {
            Err(InvalidLocation::Region(shown(text)))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The Region's partition, as ARNs spell the partition. The prefixes come from the SDK's table (`partitions.json`).
    pub fn partition(&self) -> &'static str {
        const PARTITIONS: [(&str, &str); 7] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("eusc-", "aws-eusc"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-isof-", "aws-iso-f"),
        ];
        let found = PARTITIONS.iter().find(|(prefix, _)| self.0.starts_with(prefix));
        found.map_or("aws", |(_, partition)| partition)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One Region of one account. Quotas and lists belong to a location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// `111122223333`.
    pub account: AccountId,
    /// `us-east-2`.
    pub region: Region,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_twelve_digits() {
        assert_eq!(
            AccountId::parse("012345678901").expect("twelve digits").as_str(),
            "012345678901"
        );
        for wrong in ["", "12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢"]
        {
            assert!(AccountId::parse(wrong).is_err(), "{wrong}");
        }
        let two_lines =
            AccountId::parse("111122223333\n444455556666").expect_err("two").to_string();
        assert!(two_lines.starts_with("`111122223333 444455556666` is not an account id"));
    }

    #[test]
    fn a_region_is_known_by_its_shape() {
        for right in [
            "us-east-2",
            "eu-central-1",
            "us-gov-west-1",
            "ap-southeast-10",
            "mx-central-1",
            "cn-north-1",
        ] {
            assert!(Region::parse(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "us",
            "us-east",
            "us-east-",
            "US-EAST-1",
            "us_east_1",
            "us-east-1a",
            "-east-1",
            "a-b-1",
        ] {
            assert!(Region::parse(wrong).is_err(), "{wrong}");
        }
        let long = Region::parse(&"x\n".repeat(500)).expect_err("no Region").to_string();
        assert!(!long.contains('\n') && long.len() < 200, "{long}");
        for (region, partition) in [
            ("us-east-2", "aws"),
            ("eu-central-1", "aws"),
            ("us-gov-west-1", "aws-us-gov"),
            ("cn-north-1", "aws-cn"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
        ] {
            assert_eq!(Region::parse(region).expect("a Region").partition(), partition);
        }
    }
}
