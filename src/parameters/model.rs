//! What is known of a parameter without its value: what a list, or a read by name, shows of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::policies::Policies;
use crate::domain::{AccountId, ParameterName, Region, Tags, Timestamp, Version};
use crate::ownership::{Evidence, PastVersion};

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Plain text.
    String,
    /// Plain texts with commas between.
    StringList,
    /// Text encrypted with a KMS key.
    SecureString,
    /// A type that this release does not know.
    Unknown,
}

impl ValueType {
    /// As AWS spells it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
            Self::Unknown => "unknown",
        }
    }
}

/// The tier of a parameter. A write may ask for `IntelligentTiering`; AWS shows what it resolved it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Up to 4 KB; free.
    Standard,
    /// Up to 8 KB, with policies; never turns back into standard.
    Advanced,
    /// Whichever of the two a write needs.
    IntelligentTiering,
}

impl Tier {
    /// As AWS spells it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
            Self::IntelligentTiering => "Intelligent-Tiering",
        }
    }
}

/// The data type of a parameter with no other meaning than its text.
pub const TEXT: &str = "text";
/// The data type of a parameter that holds the id of a machine image, which is regional.
pub const IMAGE: &str = "aws:ec2:image";
/// The data type of a `SecureString` that configures a webhook integration.
pub const INTEGRATION: &str = "aws:ssm:integration";

/// Whether PutParameter cannot change a data type to or from this one; it changes every other in place.
pub fn is_fixed_data_type(data_type: &str) -> bool {
    [IMAGE, INTEGRATION].contains(&data_type)
}

/// A parameter's attributes, as `DescribeParameters` shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, as spelled where it was read.
    pub name: ParameterName,
    /// Its type.
    pub value_type: ValueType,
    /// 1 for the first write, one more for each later one.
    pub version: i64,
    /// When that version was written.
    pub modified: Timestamp,
    /// The ARN of that version's writer, where AWS names one.
    pub writer: Option<Arc<str>>,
    /// Free text, where there is any.
    pub description: Option<Box<str>>,
    /// The regular expression that values must match, where there is one.
    pub pattern: Option<Box<str>>,
    /// Its tier.
    pub tier: Tier,
    /// Its policies: expiration and notifications.
    pub policies: Policies,
    /// `text`, or what else it means to AWS.
    pub data_type: Box<str>,
    /// The KMS key of a `SecureString`, spelled as its writer did.
    pub key: Option<Box<str>>,
}

/// A parameter and its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The attributes.
    pub parameter: Parameter,
    /// All its tags.
    pub tags: Tags,
    /// Its versions, the oldest that AWS keeps first and the present one last, where ownership asked for them.
    pub history: Option<Arc<[PastVersion]>>,
}

impl Observed {
    /// A parameter with these tags, and without its history.
    pub fn new(parameter: Parameter, tags: Tags) -> Self {
        Self { parameter, tags, history: None }
    }

    /// By what it is judged whose this is.
    pub fn evidence<'a>(&'a self, account: &'a AccountId, target: &'a Region) -> Evidence<'a> {
        Evidence {
            account,
            target,
            name: &self.parameter.name,
            tags: &self.tags,
            version: self.parameter.version(),
            writer: self.parameter.writer.as_deref(),
            history: self.history.as_deref(),
        }
    }
}

/// One location's parameters, by name.
pub type Listing = BTreeMap<ParameterName, Observed>;

impl Parameter {
    /// Which version this is.
    pub const fn version(&self) -> Version {
        Version { number: self.version, modified: self.modified }
    }
}
