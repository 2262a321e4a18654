//! A parameter without its value, as a list or a read by name shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::policies::Policies;
use crate::domain::{AccountId, ParameterName, Region, Tags, Timestamp, Version};
use crate::ownership::{Evidence, PastVersion};

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Plain text.
    String,
    /// Plain texts, separated by commas.
    StringList,
    /// Text encrypted with a KMS key.
    SecureString,
    /// A type that this release does not know.
    Unknown,
}

impl ValueType {
    /// The spelling of AWS.
    pub const fn word(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
            Self::Unknown => "unknown",
        }
    }
}

/// The tier of a parameter. A write may ask for `IntelligentTiering`; AWS then shows the resulting tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Up to 4 KB; free.
    Standard,
    /// Up to 8 KB, with policies. An advanced parameter never becomes standard again.
    Advanced,
    /// Standard or advanced, as the value requires.
    IntelligentTiering,
}

impl Tier {
    /// The spelling of AWS.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
            Self::IntelligentTiering => "Intelligent-Tiering",
        }
    }
}

/// The data type of a parameter whose value is only text.
pub const TEXT: &str = "text";
/// The data type of a parameter with the id of a machine image, which differs by Region.
pub const IMAGE: &str = "aws:ec2:image";
/// The data type of a `SecureString` that configures a webhook integration.
pub const INTEGRATION: &str = "aws:ssm:integration";

/// Whether PutParameter cannot change a data type to or from this one. It changes all others in place.
pub fn is_fixed_data_type(data_type: &str) -> bool {
    [IMAGE, INTEGRATION].contains(&data_type)
}

/// The attributes of a parameter, as `DescribeParameters` shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name, in the spelling of the Region that was read.
    pub name: ParameterName,
    /// String, list or secure string.
    pub value_type: ValueType,
    /// 1 for the first write, one more for each later one.
    pub version: i64,
    /// The date of that version.
    pub modified: Timestamp,
    /// The ARN of that version's writer, if AWS names one.
    pub writer: Option<Arc<str>>,
    /// Free text, if there is any.
    pub description: Option<Box<str>>,
    /// The regular expression that values must match, if there is one.
    pub pattern: Option<Box<str>>,
    /// Standard or advanced.
    pub tier: Tier,
    /// Expiration and notifications.
    pub policies: Policies,
    /// `text`, or another data type of AWS.
    pub data_type: Box<str>,
    /// The KMS key of a `SecureString`, in the spelling of its writer.
    pub key: Option<Box<str>>,
}

/// A parameter and its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// All attributes.
    pub parameter: Parameter,
    /// All tags.
    pub tags: Tags,
    /// The versions that AWS keeps, the oldest first and the present one last, if ownership depends on them.
    pub history: Option<Arc<[PastVersion]>>,
}

impl Observed {
    /// A parameter with these tags, and without its history.
    pub fn new(parameter: Parameter, tags: Tags) -> Self {
        Self { parameter, tags, history: None }
    }

    /// The evidence for a judgement of ownership.
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

/// The parameters of one location, by name.
pub type Listing = BTreeMap<ParameterName, Observed>;

impl Parameter {
    /// Number and date of the present version.
    pub const fn version(&self) -> Version {
        Version { number: self.version, modified: self.modified }
    }
}
