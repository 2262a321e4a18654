//! Value overrides: tags of the source that give the replica another value, such as an address that differs by Region.
//!
//! `failover-replicator:value` contains the text. `failover-replicator:value-from` contains the name of another parameter of
//! the source Region, whose owner must consent (`plan::consent`). A key that ends in `/<region>` counts only for that
//! target and overrides the key for all targets.

use crate::domain::{
    Cause, FailureKind, InvalidName, OVERRIDE_TAG_PREFIX, ParameterName, Region, SecretText, Tags,
    is_in_hub_tree,
};

/// Where the value of a replica comes from, if not from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOverride {
    /// The text of the tag.
    Literal(SecretText),
    /// Another parameter of the source Region.
    FromParameter(ParameterName),
}

/// The end of a key whose text names another parameter.
const FROM: &str = "-from";

/// Where the value for `target` comes from; `None` if it is the source's value. A tag for one Region overrides the tag for
/// all Regions.
///
/// # Errors
/// `invalid`: an unknown key, an empty text, an invalid reference, or two tags that contradict each other.
pub fn value_override(tags: &Tags, target: &Region) -> Result<Option<ValueOverride>, Cause> {
    let (mut regional, mut general) = (None, None);
    for (key, text) in tags {
        let Some(rest) = key.strip_prefix(OVERRIDE_TAG_PREFIX) else { continue };
        let (region, is_name) = match rest.strip_prefix(FROM) {
            Some(region) => (region, true),
            None => (rest, false),
        };
        let place = match parse_region(key, region)? {
            None => &mut general,
            Some(region) if region == *target => &mut regional,
            Some(_) => continue,
        };
        let read = read(key, text, is_name)?;
        if let Some((other, _)) = place.replace((key, read)) {
            return Err(invalid(
                format!("the source's tags `{other}` and `{key}` each give {target} a value"),
                "remove one of the two tags from the source".to_owned(),
            ));
        }
    }
    Ok(regional.or(general).map(|(_, value_override)| value_override))
}

/// The Region at the end of a key; `None` for all Regions.
fn parse_region(key: &str, text: &str) -> Result<Option<Region>, Cause> {
    if text.is_empty() {
        return Ok(None);
    }
    let region = text.strip_prefix('/').and_then(|region| Region::parse(region).ok());
    region.map(Some).ok_or_else(|| {
        invalid(
            format!("the source has the unknown tag `{key}`"),
            format!(
                "rename the tag to `{OVERRIDE_TAG_PREFIX}` or `{OVERRIDE_TAG_PREFIX}{FROM}`, each optionally with `/` and a Region at its end"
            ),
        )
    })
}

fn read(key: &str, text: &str, is_name: bool) -> Result<ValueOverride, Cause> {
    if text.is_empty() {
        return Err(invalid(
            format!("the source's tag `{key}` is empty"),
            format!("set a value in the tag `{key}`, or remove the tag"),
        ));
    }
    if is_name {
        reference(key, text).map(ValueOverride::FromParameter)
    } else {
        Ok(ValueOverride::Literal(SecretText::new(text.to_owned())))
    }
}

/// The parameter that the text of the tag names. Messages do not show an invalid text, because it may be a value in the wrong
/// tag.
fn reference(key: &str, text: &str) -> Result<ParameterName, Cause> {
    let why = match ParameterName::parse(text) {
        Ok(name) if is_in_hub_tree(name.as_str()) => {
            "references one of the hub's own parameters, which are never copied".to_owned()
        }
        Ok(name) => return Ok(name),
        Err(InvalidName::ReservedByAws(_)) => {
            "references a public parameter of AWS, which exists in every Region".to_owned()
        }
        Err(_) if text.starts_with("arn:") => "contains an ARN".to_owned(),
        Err(InvalidName::Character { character: ':', .. }) => {
            "selects a version or a label of a parameter".to_owned()
        }
        Err(InvalidName::NotFullyQualified(_)) => {
            "contains a name with `/` that does not begin with `/`".to_owned()
        }
        Err(error) => format!("contains no parameter name: {error}"),
    };
    Err(invalid(
        format!("the source's tag `{key}` {why}"),
        format!(
            "set the tag `{key}` to the name of a parameter in the source's account and Region, such as `/a/b`, or remove it"
        ),
    ))
}

fn invalid(message: String, remedy: String) -> Cause {
    Cause::new(FailureKind::Invalid, message).with_remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::region;
    use super::*;

    fn of(tags: &[(&str, &str)]) -> Result<Option<ValueOverride>, Cause> {
        let tag = |(key, value): &(&str, &str)| {
            (format!("failover-replicator:{key}"), (*value).to_owned())
        };
        value_override(&tags.iter().map(tag).collect(), &region("us-east-1"))
    }

    #[test]
    fn a_tag_for_one_region_overrides_the_tag_for_all() {
        let text = |text: &str| Ok(Some(ValueOverride::Literal(SecretText::new(text.to_owned()))));
        let from = |name| Ok(Some(ValueOverride::FromParameter(ParameterName::new(name))));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("value", "a")]), text("a"));
        assert_eq!(of(&[("value-from", "/b")]), from("/b"));
        assert_eq!(of(&[("value", "a"), ("value/us-east-1", "b")]), text("b"));
        assert_eq!(of(&[("value", "a"), ("value-from/us-east-1", "/b")]), from("/b"));
        assert_eq!(of(&[("value-from", "/b"), ("value/us-east-1", "a")]), text("a"));
        assert_eq!(of(&[("value/eu-west-1", "a")]), Ok(None));
        assert_eq!(of(&[("value", "a"), ("value-from/eu-west-1", "/b")]), text("a"));
    }

    #[test]
    fn an_invalid_or_contradictory_tag_is_refused_without_its_text() {
        for (tags, words) in [
            (&[("values", "canary")][..], "has the unknown tag"),
            (&[("value-form", "canary")], "has the unknown tag"),
            (&[("value/", "canary")], "has the unknown tag"),
            (&[("value/somewhere", "canary")], "has the unknown tag"),
            (&[("value", "")], "is empty"),
            (&[("value", "canary"), ("value-from", "/canary")], "each give us-east-1 a value"),
            (&[("value-from", "/canary:3")], "selects a version or a label"),
            (&[("value-from", "canary:live")], "selects a version or a label"),
            (
                &[("value-from", "arn:aws:ssm:us-east-2:444455556666:parameter/canary")],
                "contains an ARN",
            ),
            (&[("value-from/us-east-1", "/aws/service/canary")], "a public parameter of AWS"),
            (&[("value-from", "/failover-replicator/canary")], "the hub's own parameters"),
            (&[("value-from", "canary/x")], "a name with `/` that does not begin with `/`"),
            (
                &[("value-from", "canary@x")],
                "no parameter name: the name contains the character '@'",
            ),
            (&[("value-from", "/")], "no parameter name: the name is empty"),
        ] {
            let cause = of(tags).expect_err("refused");
            assert_eq!(cause.kind, FailureKind::Invalid);
            assert!(cause.message.contains(words), "{}", cause.message);
            assert!(!format!("{cause:?}").contains("canary"));
            let key = format!("`failover-replicator:{}`", tags[tags.len() - 1].0);
            assert!(cause.message.contains(&key), "{}", cause.message);
        }
        // The tag for another target is not read here, and `lends-to` is no override.
        assert_eq!(of(&[("value-from/eu-west-1", "/a:3"), ("lends-to", "/a")]), Ok(None));
        assert!(of(&[("value-from", "/failover-replicator")]).is_ok());
    }
}
