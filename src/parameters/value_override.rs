//! Values that an owner gives a target by tags of the source: an address that differs by Region, the id of an image.
//!
//! `failover-replicator:value` holds the text itself, `failover-replicator:value-from` the name of another parameter of
//! the source Region that holds it, if that one's owner consents (`plan::consent`). With `/<region>` at its end, the key
//! is for that target alone, and goes before the one for all.

use crate::domain::{
    Cause, FailureKind, InvalidName, OVERRIDE_TAG_PREFIX, ParameterName, Region, SecretText, Tags,
    is_in_hub_tree,
};

/// Where a replica's value comes from, if not from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOverride {
    /// The tag's own text.
    Literal(SecretText),
    /// Another parameter of the source Region.
    FromParameter(ParameterName),
}

/// What follows the prefix in the key of a tag that references another parameter.
const FROM: &str = "-from";

/// Where the value for `target` comes from by the source's `tags`; `None` where it is the source's own.
///
/// # Errors
/// `invalid`: a key that means nothing, an empty text, a reference to what can never be lent, or two tags that contradict
/// each other.
pub fn value_override(tags: &Tags, target: &Region) -> Result<Option<ValueOverride>, Cause> {
    let mut found: [Option<(&str, ValueOverride)>; 2] = [None, None];
    for (key, text) in tags {
        let Some(rest) = key.strip_prefix(OVERRIDE_TAG_PREFIX) else { continue };
        let (rest, is_name) = match rest.strip_prefix(FROM) {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let for_all = rest.is_empty();
        if !for_all && rest.strip_prefix('/').is_none_or(|region| Region::parse(region).is_err()) {
            return Err(invalid(
                format!("the source has the unknown tag `{key}`"),
                format!(
                    "`{OVERRIDE_TAG_PREFIX}` and `{OVERRIDE_TAG_PREFIX}{FROM}` are, each also with `/` and a Region at its end"
                ),
            ));
        }
        if !for_all && rest.strip_prefix('/') != Some(target.as_str()) {
            continue;
        }
        if text.is_empty() {
            return Err(invalid(
                format!("the source's tag `{key}` is empty"),
                "give it a value, or take it off".to_owned(),
            ));
        }
        let value_override = if is_name {
            ValueOverride::FromParameter(reference(key, text)?)
        } else {
            ValueOverride::Literal(SecretText::new(text.clone()))
        };
        let place = &mut found[usize::from(for_all)];
        if let Some((other, _)) = place {
            return Err(invalid(
                format!("the source's tags `{other}` and `{key}` each give {target} a value"),
                "take one of the two off".to_owned(),
            ));
        }
        *place = Some((key, value_override));
    }
    let [own, for_all] = found;
    Ok(own.or(for_all).map(|(_, value_override)| value_override))
}

/// The parameter that the tag's text names. The text is not shown where it is no name: it may be a value in the wrong
/// place.
fn reference(key: &str, text: &str) -> Result<ParameterName, Cause> {
    let why = match ParameterName::parse(text) {
        Ok(name) if is_in_hub_tree(name.as_str()) => {
            "references one of the hub's own parameters, which are never copied".to_owned()
        }
        Ok(name) => return Ok(name),
        Err(InvalidName::ReservedByAws(_)) => {
            "references a public parameter of AWS, which exists in every Region".to_owned()
        }
        Err(_) if text.starts_with("arn:") => "holds an ARN".to_owned(),
        Err(InvalidName::Character { character: ':', .. }) => {
            "selects a version or a label of a parameter".to_owned()
        }
        Err(InvalidName::NotFullyQualified(_)) => {
            "holds a name with a `/` inside but none in front".to_owned()
        }
        Err(error) => format!("holds no parameter name: {error}"),
    };
    Err(invalid(
        format!("the source's tag `{key}` {why}"),
        format!(
            "set the tag `{key}` to the name of a parameter in the source's account and Region, such as `/a/b`, or remove it"
        ),
    ))
}

fn invalid(message: String, remedy: String) -> Cause {
    Cause::new(FailureKind::Invalid, message).mended_by(remedy)
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
    fn a_targets_own_tag_goes_before_the_one_for_all() {
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
    fn what_means_nothing_or_two_things_is_refused_without_its_text() {
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
                "holds an ARN",
            ),
            (&[("value-from/us-east-1", "/aws/service/canary")], "a public parameter of AWS"),
            (&[("value-from", "/failover-replicator/canary")], "the hub's own parameters"),
            (&[("value-from", "canary/x")], "a `/` inside but none in front"),
            (&[("value-from", "canary@x")], "no parameter name: the name has the character '@'"),
            (&[("value-from", "/")], "no parameter name: the name is empty"),
        ] {
            let cause = of(tags).expect_err("refused");
            assert_eq!(cause.kind, FailureKind::Invalid);
            assert!(cause.message.contains(words), "{}", cause.message);
            assert!(!format!("{cause:?}").contains("canary"));
            let key = format!("`failover-replicator:{}`", tags[tags.len() - 1].0);
            assert!(cause.message.contains(&key), "{}", cause.message);
        }
        // Another target's tag is judged where it is used, and consent to others is no override.
        assert_eq!(of(&[("value-from/eu-west-1", "/a:3"), ("lends-to", "/a")]), Ok(None));
        assert!(of(&[("value-from", "/failover-replicator")]).is_ok());
    }
}
