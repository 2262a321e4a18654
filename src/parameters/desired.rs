//! What a replica is to be, less its value: the source's attributes, its key mapped, its tags as far as they go.

use sha2::{Digest, Sha256};

use super::model::{IMAGE, Parameter, TEXT, Tier, ValueType};
use super::provenance::Form;
use crate::domain::{
    Cause, DEFAULT_PARAMETER_KEY, FailureKind, KmsKeys, MARK_KEY, OVERRIDE_TAG_PREFIX,
    PROVENANCE_KEY, ParameterName, Region, TAG_LIMIT, Tags,
};

/// The number of the rules by which `form` is made. A new one makes every replica be written once more.
const FORM_SCHEMA: u8 = 1;

/// A replica as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Its name: spelled as the source's, or as it is there already.
    pub name: ParameterName,
    /// Its type.
    pub value_type: ValueType,
    /// Its tier.
    pub tier: Tier,
    /// Its description.
    pub description: Option<Box<str>>,
    /// Its allowed pattern.
    pub pattern: Option<Box<str>>,
    /// Its data type.
    pub data_type: Box<str>,
    /// The key in the target, of a `SecureString`.
    pub key: Option<String>,
    /// The source's tags that are copied: none of AWS's own (`aws:`), none of the hub's two.
    pub tags: Tags,
    /// How many of the source's tags did not fit beside the hub's two.
    pub tags_left_out: usize,
    /// The hash of all this but name and tags.
    pub form: Form,
}

/// The replica in `target` that `original` asks for.
///
/// # Errors
/// Why it cannot be replicated: no key in the target is known (`missing_key`), or it has what the hub does not copy
/// yet (`unsupported`).
pub fn desired(
    original: &Parameter,
    tags: &Tags,
    kms_keys: &KmsKeys,
    source: &Region,
    target: &Region,
) -> Result<Desired, Cause> {
    if let Some(cause) = not_yet(original, tags) {
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
    let mut desired = Desired {
        name: original.name.clone(),
        value_type: original.value_type,
        tier: original.tier,
        description: original.description.clone(),
        pattern: original.pattern.clone(),
        data_type: original.data_type.clone(),
        key,
        tags,
        tags_left_out,
        form: Form(0),
    };
    desired.form = form(&desired);
    Ok(desired)
}

/// What the hub cannot replicate yet, never done by halves.
fn not_yet(original: &Parameter, tags: &Tags) -> Option<Cause> {
    let unsupported = |message: String, remedy: &str| {
        Some(Cause::new(FailureKind::Unsupported, message).mended_by(remedy))
    };
    if original.value_type == ValueType::Unknown {
        return unsupported(
            "the parameter is of a type that this release does not know".to_owned(),
            "update the hub, or tag the source `failover-replicator=exclude`",
        );
    }
    if original.has_policies {
        return unsupported(
            "the parameter has policies, which are not replicated yet".to_owned(),
            "keep its replica by hand, or tag the source `failover-replicator=exclude`",
        );
    }
    if &*original.data_type == IMAGE {
        return unsupported(
            format!(
                "the parameter holds the id of a machine image ({IMAGE}), which is another one in each Region"
            ),
            "put the target Region's image id there by hand, and tag the source `failover-replicator=exclude`",
        );
    }
    if let Some(key) = tags.keys().find(|key| key.starts_with(OVERRIDE_TAG_PREFIX)) {
        return unsupported(
            format!(
                "the source's tag `{key}` asks for another value in the target, which is not replicated yet"
            ),
            "keep its replica by hand, and tag the source `failover-replicator=exclude`",
        );
    }
    None
}

/// The tags that a replica is to have beside the hub's two, and how many of the source's do not fit. The hub's come
/// first in the 50 that AWS allows: the source's last by key are left out.
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

fn form(desired: &Desired) -> Form {
    let Desired {
        name: _,
        value_type,
        tier,
        description,
        pattern,
        data_type,
        key,
        tags: _,
        tags_left_out: _,
        form: _,
    } = desired;
    let mut hash = Sha256::new();
    hash.update([FORM_SCHEMA]);
    // Each part with its length before it, absent apart from empty, so that no two lists of parts read the same.
    let parts = [
        Some(value_type.word()),
        Some(tier.word()),
        key.as_deref(),
        description.as_deref(),
        pattern.as_deref(),
        Some(data_type),
    ];
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
    Form(u32::from_be_bytes([a, b, c, d]))
}

/// The data type to send: only a plain `String` has another than text, and some partitions refuse it beside others.
pub fn data_type_to_send(desired: &Desired) -> Option<&str> {
    (desired.value_type == ValueType::String).then_some(if desired.data_type.is_empty() {
        TEXT
    } else {
        &desired.data_type
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{parameter, region};
    use super::*;

    fn wanted(original: &Parameter, tags: &Tags) -> Result<Desired, Cause> {
        desired(original, tags, &KmsKeys::default(), &region("us-east-2"), &region("us-east-1"))
    }

    #[test]
    fn form_moves_with_everything_that_is_sent_but_value_and_tags() {
        let original = parameter("/a");
        let plain = wanted(&original, &Tags::new()).expect("desired");
        let tagged = wanted(&original, &Tags::from([("a".into(), "b".into())])).expect("desired");
        assert_eq!(plain.form, tagged.form);
        let mut forms = vec![plain.form];
        let changes: [fn(&mut Parameter); 6] = [
            |p| p.value_type = ValueType::StringList,
            |p| p.value_type = ValueType::SecureString,
            |p| p.tier = Tier::Advanced,
            |p| p.description = Some("d".into()),
            |p| p.pattern = Some("d".into()),
            |p| p.data_type = "aws:ssm:integration".into(),
        ];
        for change in changes {
            let mut changed = original.clone();
            change(&mut changed);
            let form = wanted(&changed, &Tags::new()).expect("desired").form;
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
    fn what_is_not_replicated_yet_says_so_with_a_remedy() {
        let changes: [fn(&mut Parameter, &mut Tags); 3] = [
            |p, _| p.has_policies = true,
            |p, _| p.data_type = IMAGE.into(),
            |_, t| drop(t.insert("failover-replicator:value/us-east-1".into(), "x".into())),
        ];
        for change in changes {
            let (mut original, mut tags) = (parameter("/a"), Tags::new());
            change(&mut original, &mut tags);
            let cause = wanted(&original, &tags).expect_err("not yet");
            assert_eq!(cause.kind, FailureKind::Unsupported);
            assert!(cause.remedy().contains("exclude"));
        }
    }
}
