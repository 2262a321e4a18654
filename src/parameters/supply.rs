//! Values that an owner gives a target by tags of the source: an address that differs by Region, the id of an image.
//!
//! `failover-replicator:value` holds the text itself, `failover-replicator:value-from` the name of another parameter of
//! the source Region that holds it. With `/<region>` at its end, the key is for that target alone, and goes before the
//! one for all.

use crate::domain::{
    Cause, FailureKind, OVERRIDE_TAG_PREFIX, ParameterName, Region, SecretText, Tags,
};

/// Where a replica's value comes from, if not from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// The tag itself.
    Text(SecretText),
    /// Another parameter of the source Region.
    Lender(ParameterName),
}

/// What follows the prefix in the key of a tag that names the lender.
const FROM: &str = "-from";

/// Where the value for `target` comes from by the source's `tags`; `None` where it is the source's own.
///
/// # Errors
/// `invalid`: a key that means nothing, an empty text, or two tags that contradict each other.
pub fn supply(tags: &Tags, target: &Region) -> Result<Option<Supply>, Cause> {
    let mut found: [Option<(&str, Supply)>; 2] = [None, None];
    for (key, text) in tags {
        let Some(rest) = key.strip_prefix(OVERRIDE_TAG_PREFIX) else { continue };
        let (rest, is_name) = match rest.strip_prefix(FROM) {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let for_all = rest.is_empty();
        if !for_all && rest.strip_prefix('/').is_none_or(|region| Region::parse(region).is_err()) {
            return Err(invalid(
                format!("the source's tag `{key}` is none that the hub knows"),
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
        let supply = if is_name {
            Supply::Lender(ParameterName::new(text))
        } else {
            Supply::Text(SecretText::new(text.clone()))
        };
        let place = &mut found[usize::from(for_all)];
        if let Some((other, _)) = place {
            return Err(invalid(
                format!("the source's tags `{other}` and `{key}` each give {target} a value"),
                "take one of the two off".to_owned(),
            ));
        }
        *place = Some((key, supply));
    }
    let [own, for_all] = found;
    Ok(own.or(for_all).map(|(_, supply)| supply))
}

fn invalid(message: String, remedy: String) -> Cause {
    Cause::new(FailureKind::Invalid, message).mended_by(remedy)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::region;
    use super::*;

    fn of(tags: &[(&str, &str)]) -> Result<Option<Supply>, Cause> {
        let tag = |(key, value): &(&str, &str)| {
            (format!("failover-replicator:{key}"), (*value).to_owned())
        };
        supply(&tags.iter().map(tag).collect(), &region("us-east-1"))
    }

    #[test]
    fn a_targets_own_tag_goes_before_the_one_for_all() {
        let text = |text: &str| Ok(Some(Supply::Text(SecretText::new(text.to_owned()))));
        let lender = |name| Ok(Some(Supply::Lender(ParameterName::new(name))));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("value", "a")]), text("a"));
        assert_eq!(of(&[("value-from", "/b")]), lender("/b"));
        assert_eq!(of(&[("value", "a"), ("value/us-east-1", "b")]), text("b"));
        assert_eq!(of(&[("value", "a"), ("value-from/us-east-1", "/b")]), lender("/b"));
        assert_eq!(of(&[("value-from", "/b"), ("value/us-east-1", "a")]), text("a"));
        assert_eq!(of(&[("value/eu-west-1", "a")]), Ok(None));
        assert_eq!(of(&[("value", "a"), ("value-from/eu-west-1", "/b")]), text("a"));
    }

    #[test]
    fn what_means_nothing_or_two_things_is_refused_without_its_text() {
        for (tags, words) in [
            (&[("values", "canary")][..], "none that the hub knows"),
            (&[("value-form", "canary")], "none that the hub knows"),
            (&[("value/", "canary")], "none that the hub knows"),
            (&[("value/somewhere", "canary")], "none that the hub knows"),
            (&[("value", "")], "is empty"),
            (&[("value", "canary"), ("value-from", "/canary")], "each give us-east-1 a value"),
        ] {
            let cause = of(tags).expect_err("refused");
            assert_eq!(cause.kind, FailureKind::Invalid);
            assert!(cause.message.contains(words), "{}", cause.message);
            assert!(!format!("{cause:?}").contains("canary"));
        }
    }
}
