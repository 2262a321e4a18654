//! The desired replica without its value: the attributes of the source, the mapped key, and the tags that fit.

use crate::domain::{
    Cause, DEFAULT_PARAMETER_KEY, FailureKind, KmsKeys, MARK_KEY, OVERRIDE_TAG_PREFIX,
    PROVENANCE_KEY, ParameterName, Region, TAG_LIMIT, Tags, Version,
};
use crate::ownership::Fingerprint;
use crate::parameters::model::{IMAGE, Observed, Parameter, TEXT, Tier, ValueType};
use crate::parameters::policies::Policies;
use crate::parameters::value_override::{ValueOverride, value_override};

/// The version of the rules that make `form`. A new version makes the hub write every replica once more.
const FORM_SCHEMA: u8 = 1;

/// The desired replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The name, in the spelling of the source or of the present replica.
    pub name: ParameterName,
    /// String, list or secure string.
    pub value_type: ValueType,
    /// The tier of the source.
    pub tier: Tier,
    /// Free text, if there is any.
    pub description: Option<Box<str>>,
    /// The regular expression that values must match, if there is one.
    pub pattern: Option<Box<str>>,
    /// `text`, or another data type of AWS.
    pub data_type: Box<str>,
    /// Expiration and notifications.
    pub policies: Policies,
    /// The key in the target, for a `SecureString`.
    pub key: Option<String>,
    /// Where the value comes from, if not from the source.
    pub value_override: Option<ValueOverride>,
    /// The version of the parameter that the value override references, if that parameter exists.
    pub referenced: Option<Version>,
    /// The copied tags of the source: without those of AWS (`aws:`) and the hub's two.
    pub tags: Tags,
    /// The number of the source's tags that did not fit beside the hub's two.
    pub tags_left_out: usize,
    /// A hash over everything except name and tags.
    pub form: Fingerprint,
}

/// The replica in `target` that `original` asks for. `referenced` is the version of the parameter that the value override
/// references; `consent` decides whether its value may be copied.
///
/// # Errors
/// Why the source cannot be replicated: the target has no known key (`missing_key`), the name is too long for the target
/// (`limit`), the value differs by Region and no tag gives the target's value (`unsupported`), or the tags are invalid.
pub fn desired(
    original: &Observed,
    referenced: Option<Version>,
    kms_keys: &KmsKeys,
    source: &Region,
    target: &Region,
) -> Result<Desired, Cause> {
    let Observed { parameter: original, tags, history: _ } = original;
    let value_override = value_override(tags, target)?;
    if let Some(cause) = refusal(original, value_override.as_ref(), target) {
        return Err(cause);
    }
    let key = match original.value_type {
        ValueType::SecureString => Some(kms_keys.target_key(
            original.key.as_deref().unwrap_or(DEFAULT_PARAMETER_KEY),
            source,
            target,
        )?),
        ValueType::String | ValueType::StringList | ValueType::Unknown => None,
    };
    let (tags, tags_left_out) = copied(tags);
    let mut desired =
        Desired { key, value_override, referenced, tags, tags_left_out, ..Desired::like(original) };
    desired.form = form(&desired);
    Ok(desired)
}

impl Desired {
    /// A hash over the copied tags.
    pub fn tags_fingerprint(&self) -> Fingerprint {
        Fingerprint::of_tags(&self.tags)
    }

    /// A parameter with these attributes, including the key, and without tags.
    pub fn like(parameter: &Parameter) -> Self {
        Self {
            name: parameter.name.clone(),
            value_type: parameter.value_type,
            tier: parameter.tier,
            description: parameter.description.clone(),
            pattern: parameter.pattern.clone(),
            data_type: parameter.data_type.clone(),
            policies: parameter.policies.clone(),
            key: parameter.key.as_deref().map(ToOwned::to_owned),
            value_override: None,
            referenced: None,
            tags: Tags::new(),
            tags_left_out: 0,
            form: Fingerprint(0),
        }
    }
}

/// Why the source can have no replica in `target`.
fn refusal(
    original: &Parameter,
    value_override: Option<&ValueOverride>,
    target: &Region,
) -> Option<Cause> {
    if original.value_type == ValueType::Unknown {
        let message = "this release does not know the type of the parameter";
        let remedy = "update the hub, or set the tag `failover-replicator=exclude` on the source";
        return Some(Cause::new(FailureKind::Unsupported, message).with_remedy(remedy));
    }
    let longest = longest_name(target);
    if original.name.as_str().len() > longest {
        let message = format!(
            "the name is longer than the {longest} characters that fit in {target}: SSM limits the length of the ARN, which contains the Region"
        );
        let remedy = "shorten the name, or set the tag `failover-replicator=exclude` on the source";
        return Some(Cause::new(FailureKind::Limit, message).with_remedy(remedy));
    }
    (value_override.is_none() && &*original.data_type == IMAGE).then(|| {
        let message = format!(
            "the parameter holds the id of a machine image ({IMAGE}), which differs by Region, so the hub does not copy the id to {target}"
        );
        let remedy = format!(
            "set the tag `{OVERRIDE_TAG_PREFIX}/{target}` on the source to the id of the image in {target}, or set the tag `failover-replicator=exclude`"
        );
        Cause::new(FailureKind::Unsupported, message).with_remedy(remedy)
    })
}

/// SSM limits the ARN of a parameter to 1,011 characters, so a longer Region leaves less room for the name.
fn longest_name(region: &Region) -> usize {
    const LIMIT: usize = 1011;
    let before = format!("arn:aws:ssm:{region}:111122223333:parameter");
    // The ARN adds a slash to a name without one.
    LIMIT.saturating_sub(before.len())
}

/// The tags to copy, and the number of tags that do not fit. AWS allows 50 tags, the hub's two have priority, and the
/// source's last tags by key are left out.
pub fn copied(tags: &Tags) -> (Tags, usize) {
    let ours = |key: &str| key == MARK_KEY || key == PROVENANCE_KEY;
    let mut copied: Tags = tags
        .iter()
        .filter(|(key, _)| !key.starts_with("aws:") && !ours(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let room = TAG_LIMIT - 2;
    let left_out = copied.len().saturating_sub(room);
    for _ in 0..left_out {
        copied.pop_last();
    }
    (copied, left_out)
}

fn form(desired: &Desired) -> Fingerprint {
    let Desired {
        name: _,
        value_type,
        tier,
        description,
        pattern,
        data_type,
        policies,
        key,
        value_override,
        referenced,
        tags: _,
        tags_left_out: _,
        form: _,
    } = desired;
    // Finished policies are not sent, so the hash ignores them.
    let policies = policies.unfinished_texts();
    let referenced = referenced.map(|Version { number, modified }| format!("{number} {modified}"));
    let (text, referenced_name) = match value_override {
        None => (None, None),
        Some(ValueOverride::Literal(text)) => (Some(text.expose()), None),
        Some(ValueOverride::FromParameter(name)) => (None, Some(name.as_str())),
    };
    // Earlier releases did not send these data types, so their replicas are written once more.
    let is_sent_since =
        (*value_type != ValueType::String && &**data_type != TEXT).then_some("data type sent");
    let parts = [
        Some(value_type.word()),
        Some(tier.word()),
        key.as_deref(),
        description.as_deref(),
        pattern.as_deref(),
        Some(data_type),
        policies.as_deref(),
        text,
        referenced_name,
        referenced.as_deref(),
    ];
    let parts = parts.into_iter().chain(is_sent_since.map(Some));
    Fingerprint::of_parts(FORM_SCHEMA, parts)
}

/// The data type to send to a replica that has the data type `held`. Some partitions refuse `text` beside types other than
/// `String`, so the hub sends `text` there only to replace another data type.
pub(in crate::parameters) fn data_type_to_send(desired: &Desired, held: &str) -> Option<Box<str>> {
    let (is_text, was_text) = (&*desired.data_type == TEXT, held == TEXT);
    let is_needed = desired.value_type == ValueType::String || !is_text || !was_text;
    is_needed.then(|| desired.data_type.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::parameters::fixtures::{parameter, region};

    fn wanted(original: &Parameter, tags: &Tags) -> Result<Desired, Cause> {
        overridden(original, tags, None)
    }

    fn overridden(
        original: &Parameter,
        tags: &Tags,
        referenced: Option<Version>,
    ) -> Result<Desired, Cause> {
        let original = Observed::new(original.clone(), tags.clone());
        let (source, target) = (region("us-east-2"), region("us-east-1"));
        desired(&original, referenced, &KmsKeys::default(), &source, &target)
    }

    fn tag(key: &str, value: &str) -> Tags {
        Tags::from([(key.to_owned(), value.to_owned())])
    }

    const REFERENCED: Version = Version { number: 3, modified: Timestamp::from_millis(5) };

    #[test]
    fn form_changes_with_everything_that_is_sent_except_value_and_tags() {
        let original = parameter("/a");
        let plain = wanted(&original, &Tags::new()).expect("desired");
        let tagged = wanted(&original, &Tags::from([("a".into(), "b".into())])).expect("desired");
        assert_eq!(plain.form, tagged.form);
        let mut forms = vec![plain.form];
        let changes: [fn(&mut Parameter); 7] = [
            |p| p.value_type = ValueType::StringList,
            |p| p.value_type = ValueType::SecureString,
            |p| p.tier = Tier::Advanced,
            |p| p.description = Some("d".into()),
            |p| p.pattern = Some("d".into()),
            |p| p.data_type = "aws:ssm:integration".into(),
            |p| p.policies = Policies::new([("{}", false)]),
        ];
        for change in changes {
            let mut changed = original.clone();
            change(&mut changed);
            let form = wanted(&changed, &Tags::new()).expect("desired").form;
            assert!(!forms.contains(&form));
            forms.push(form);
        }
        let from = |name| tag("failover-replicator:value-from", name);
        let newer = Version { number: 4, ..REFERENCED };
        let again = Version { modified: Timestamp::from_millis(6), ..REFERENCED };
        for (tags, version) in [
            (tag("failover-replicator:value", "x"), None),
            (tag("failover-replicator:value", "y"), None),
            (from("x"), Some(REFERENCED)),
            (from("y"), Some(REFERENCED)),
            (from("x"), Some(newer)),
            (from("x"), Some(again)),
        ] {
            let form = overridden(&original, &tags, version).expect("desired").form;
            assert!(!forms.contains(&form));
            forms.push(form);
        }
    }

    #[test]
    fn of_fifty_tags_the_last_two_by_key_are_left_out() {
        let tags: Tags = (0..50).map(|n| (format!("k{n:02}"), String::new())).collect();
        let (copied, left_out) = copied(&tags);
        assert_eq!((copied.len(), left_out), (48, 2));
        assert!(copied.contains_key("k47") && !copied.contains_key("k48"));
    }

    #[test]
    fn tags_of_aws_and_of_the_hub_are_not_copied() {
        let tags = Tags::from([
            ("aws:cloudformation:stack-name".into(), "s".into()),
            (PROVENANCE_KEY.into(), "x".into()),
            ("Environment".into(), "prod".into()),
        ]);
        assert_eq!(copied(&tags), (Tags::from([("Environment".into(), "prod".into())]), 0));
    }

    #[test]
    fn an_image_is_copied_only_if_a_tag_gives_the_targets_image() {
        let mut original = parameter("/a");
        original.data_type = IMAGE.into();
        let cause = wanted(&original, &Tags::new()).expect_err("differs by Region");
        assert_eq!(cause.kind, FailureKind::Unsupported);
        assert!(cause.remedy().contains("`failover-replicator:value/us-east-1`"));
        assert!(wanted(&original, &tag("failover-replicator:value", "ami-1")).is_ok());
    }

    #[test]
    fn a_name_that_fits_in_one_region_may_be_too_long_in_another() {
        let name = format!("/{}", "a".repeat(longest_name(&region("us-east-1")) - 1));
        assert!(wanted(&parameter(&name), &Tags::new()).is_ok());
        assert_eq!(longest_name(&region("us-east-1")) - longest_name(&region("ap-southeast-2")), 5);
        let longer = parameter(&format!("{name}a"));
        let cause = wanted(&longer, &Tags::new()).expect_err("too long");
        assert_eq!(cause.kind, FailureKind::Limit);
        assert!(
            cause.message.contains("967 characters that fit in us-east-1"),
            "{}",
            cause.message
        );
    }
}
