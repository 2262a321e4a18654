//! An item: a parameter or a secret, by its name.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::shown::shown;

/// The two kinds of item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A parameter of Systems Manager Parameter Store.
    Parameter,
    /// A secret of Secrets Manager.
    Secret,
}

impl Kind {
    /// The word in payloads, logs and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Parameter => "parameter",
            Self::Secret => "secret",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a name is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// No character at all.
    #[error("the name is empty")]
    Empty,
    /// More characters than AWS accepts.
    #[error("the name has {length} characters; the name of a {kind} has at most {limit}")]
    TooLong {
        /// The kind of item.
        kind: Kind,
        /// Characters in the name.
        length: usize,
        /// The largest number of characters that AWS accepts.
        limit: usize,
    },
    /// A character that AWS does not accept.
    #[error(
        "the name contains the character {character:?}; the name of a {kind} contains only {allowed}"
    )]
    Character {
        /// The kind of item.
        kind: Kind,
        /// The first character that is not allowed.
        character: char,
        /// The allowed characters, for the message.
        allowed: &'static str,
    },
    /// A public parameter of AWS.
    #[error("the name `{}` is reserved for AWS's public parameters, which exist in every Region", shown(.0))]
    ReservedByAws(String),
    /// A name in a hierarchy must begin with `/`.
    #[error("the name `{name}` contains `/` but does not begin with `/`; write `/{name}`", name = shown(.0))]
    NotFullyQualified(String),
}

/// The name of a parameter.
///
/// `/Foo` and `Foo` are one parameter: both have the ARN `…:parameter/Foo`. Names therefore compare, sort and hash without
/// the leading slash. The spelling is kept, because the replica gets the same spelling.
#[derive(Clone)]
pub struct ParameterName(Arc<str>);

impl ParameterName {
    /// The longest name in characters. AWS's limit of 2,048 counts the prefix of the ARN too.
    pub const LIMIT: usize = 1011;

    /// A name from an answer of AWS, not checked.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// A name from a person or an event: letters, digits, `_.-`, and `/` for hierarchies.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let kind = Kind::Parameter;
        let length = name.chars().count();
        if name.is_empty() || name == "/" {
            return Err(InvalidName::Empty);
        }
        if length > Self::LIMIT {
            return Err(InvalidName::TooLong { kind, length, limit: Self::LIMIT });
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
        if let Some(character) = name.chars().find(|c| !fits(*c)) {
            let allowed = "letters, digits and `_.-/`";
            return Err(InvalidName::Character { kind, character, allowed });
        }
        if name.contains('/') && !name.starts_with('/') {
            return Err(InvalidName::NotFullyQualified(name.to_owned()));
        }
        let first = name.split('/').nth(1).unwrap_or_default();
        if first.eq_ignore_ascii_case("aws") || first.eq_ignore_ascii_case("ssm") {
            return Err(InvalidName::ReservedByAws(name.to_owned()));
        }
        Ok(Self::new(name))
    }

    /// The name as the caller spelled it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without a leading slash, as in the ARN. Both spellings of a root name have the same key.
    pub fn key(&self) -> &str {
        self.0.strip_prefix('/').unwrap_or(&self.0)
    }
}

impl PartialEq for ParameterName {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ParameterName {}

impl PartialOrd for ParameterName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ParameterName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}

impl Hash for ParameterName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The name or the ARN of a secret. An event carries what the caller passed to AWS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Arc<str>);

impl SecretName {
    /// The longest name in characters.
    pub const LIMIT: usize = 512;
    /// The longest `SecretId` that Secrets Manager accepts, which may be an ARN.
    pub const ARN_LIMIT: usize = 2048;

    /// A name from an answer of AWS, not checked.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// A name or an ARN from a person or an event: letters, digits and `/_+=.@-`. ARNs also contain `:`, and names of
    /// service-owned secrets contain `!`.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let kind = Kind::Secret;
        let length = name.chars().count();
        let limit = if name.starts_with("arn:") { Self::ARN_LIMIT } else { Self::LIMIT };
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        if length > limit {
            return Err(InvalidName::TooLong { kind, length, limit });
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-:!".contains(c);
        if let Some(character) = name.chars().find(|c| !fits(*c)) {
            let allowed = "letters, digits and `/_+=.@-`";
            return Err(InvalidName::Character { kind, character, allowed });
        }
        Ok(Self::new(name))
    }

    /// The name, or the ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A parameter or a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// By the name in Parameter Store.
    Parameter(ParameterName),
    /// By the name in Secrets Manager.
    Secret(SecretName),
}

impl Item {
    /// Parameter or secret.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Parameter(_) => Kind::Parameter,
            Self::Secret(_) => Kind::Secret,
        }
    }

    /// Whether both may name the same item. An ARN of a secret ends with random characters, so the ARN may belong to any
    /// secret whose name it contains.
    pub fn may_name_same_item(&self, other: &Self) -> bool {
        let holds = |arn: &str, name: &str| {
            arn.starts_with("arn:") && arn.contains(&format!(":secret:{name}"))
        };
        match (self, other) {
            (Self::Secret(one), Self::Secret(two)) => {
                one == two || holds(one.as_str(), two.as_str()) || holds(two.as_str(), one.as_str())
            }
            _ => self == other,
        }
    }

    /// The name as the caller spelled it.
    pub fn name(&self) -> &str {
        match self {
            Self::Parameter(name) => name.as_str(),
            Self::Secret(name) => name.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_root_name_is_the_same_with_and_without_its_slash() {
        let name = |text| ParameterName::parse(text).expect("a name");
        assert_eq!(name("/Foo"), name("Foo"));
        assert_eq!(BTreeSet::from([name("/Foo"), name("Foo"), name("/foo")]).len(), 2);
        assert_eq!(name("/Foo").as_str(), "/Foo");
        assert_eq!(name("/a/b").key(), "a/b");
    }

    #[test]
    fn a_name_that_aws_would_refuse_says_why() {
        let error = |text: &str| ParameterName::parse(text).expect_err(text).to_string();
        assert_eq!(error(""), "the name is empty");
        assert_eq!(
            error("a/b"),
            "the name `a/b` contains `/` but does not begin with `/`; write `/a/b`"
        );
        assert!(error("/aws/service/x").contains("AWS's public parameters"));
        assert!(ParameterName::parse("/awsome/x").is_ok());
        assert!(error("/a b").contains("the character ' '"));
        assert!(error("/a\u{0}").contains("'\\0'"));
        assert_eq!(
            error(&"x".repeat(1012)),
            "the name has 1012 characters; the name of a parameter has at most 1011"
        );
        for long in [format!("{}/y", "x".repeat(1000)), format!("/aws/{}", "x".repeat(1000))] {
            assert!(error(&long).len() < 300, "{long}");
        }
        assert!(SecretName::parse(&"x".repeat(513)).is_err());
        assert!(
            SecretName::parse(
                "arn:aws:secretsmanager:us-east-2:111122223333:secret:db/main-a1b2c3"
            )
            .is_ok()
        );
        assert!(SecretName::parse("db main").is_err());
    }
}
