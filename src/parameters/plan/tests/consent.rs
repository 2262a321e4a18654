//! Value overrides that reference another parameter: the consent of its owner, and the other conditions.

use std::collections::BTreeMap;

use super::*;
use crate::domain::{Cause, LENDS_TO_TAG, TargetKey};

const FROM: &str = "failover-replicator:value-from";

/// A source whose value override references `/shared`.
fn source(name: &str) -> Observed {
    observed(parameter(name), &[(FROM, "/shared")])
}

/// `/shared`, with these tags.
fn shared(tags: &[(&str, &str)]) -> Observed {
    observed(parameter("/shared"), tags)
}

fn consenting() -> Observed {
    shared(&[(LENDS_TO_TAG, "/a")])
}

fn encrypted(mut observed: Observed, key: &str) -> Observed {
    observed.parameter.value_type = ValueType::SecureString;
    observed.parameter.key = Some(key.into());
    observed
}

impl World {
    /// Why no replica of `original` is created; `None` if one is.
    fn refusal(&self, original: &Observed, referenced: Option<&Observed>) -> Option<Cause> {
        let case = Case { referenced, ..self.case(Some(original), None) };
        match decide(case, self.plan_policy()) {
            Decision::Write(write) => {
                assert_eq!(write.desired.referenced, referenced.map(|r| r.parameter.version()));
                None
            }
            Decision::Refuse(cause) => Some(cause),
            other => panic!("{other:?}"),
        }
    }

    fn refused(&self, original: &Observed, referenced: Option<&Observed>, words: &str) -> Cause {
        let cause = self.refusal(original, referenced).unwrap_or_else(|| panic!("copied: {words}"));
        assert_eq!(cause.kind, FailureKind::Invalid, "{cause:?}");
        assert!(cause.message.contains(words), "{}", cause.message);
        assert!(cause.message.contains("/shared"), "{}", cause.message);
        assert!(!cause.remedy().is_empty());
        cause
    }

    fn copies(&self, original: &Observed, referenced: &Observed) {
        assert_eq!(self.refusal(original, Some(referenced)), None);
    }
}

#[test]
fn the_referenced_parameter_must_name_the_source() {
    let world = World::new();
    let source = source("/shop/db/url");
    let cause = world.refused(
        &source,
        Some(&shared(&[])),
        "does not have the tag `failover-replicator:lends-to`",
    );
    assert!(
        cause
            .remedy()
            .contains("set the tag `failover-replicator:lends-to=/shop/db/url` on /shared"),
        "{}",
        cause.remedy()
    );
    for lends_to in [
        "/shop/db/url",
        "/shop/*",
        "*",
        "/shop/",
        "/shop/db/",
        "/",
        "/other /shop/db/url",
        "/other,/shop/db/*",
        " /shop/db/ur? ",
        "/{shop,web}/*",
        "/shop/db/[t-v]rl",
    ] {
        world.copies(&source, &shared(&[(LENDS_TO_TAG, lends_to)]));
    }
    for lends_to in
        ["", " , ", "/shop", "/shop/db", "/shop/db/url/", "shop/db/url", "/SHOP/*", "/shop/db/urls"]
    {
        let shared = shared(&[(LENDS_TO_TAG, lends_to)]);
        let cause = world.refused(&source, Some(&shared), "does not name /shop/db/url");
        assert!(cause.remedy().contains("add `/shop/db/url` to the tag"), "{}", cause.remedy());
    }
    for near in
        ["failover-replicator:lend-to", "failover-replicator:lends-to/us-east-1", "Lends-To"]
    {
        world.refused(&source, Some(&shared(&[(near, "*")])), "does not have the tag");
    }
}

#[test]
fn a_name_at_the_root_is_one_with_and_without_its_slash() {
    let world = World::new();
    for name in ["/a", "a"] {
        for lends_to in ["/a", "a", "/?", "/", "*"] {
            world.copies(&source(name), &shared(&[(LENDS_TO_TAG, lends_to)]));
        }
        let of_another = shared(&[(LENDS_TO_TAG, "/b b /a/b")]);
        world.refused(&source(name), Some(&of_another), "does not name");
    }
    for name in ["/shared", "shared"] {
        let itself = observed(parameter(name), &[(FROM, "/shared"), (LENDS_TO_TAG, "*")]);
        world.refused(&itself, Some(&itself), "is the source itself");
    }
}

#[test]
fn an_invalid_glob_is_reported_with_its_tag_and_without_its_text() {
    let world = World::new();
    for lends_to in ["[canary", "/a [canary", "{canary", "/a{b"] {
        let shared = shared(&[(LENDS_TO_TAG, lends_to)]);
        let cause = world.refused(
            &source("/a"),
            Some(&shared),
            "whose tag `failover-replicator:lends-to` is invalid: entry",
        );
        assert!(cause.remedy().contains("the tag `failover-replicator:lends-to` of /shared"));
        assert!(!format!("{cause:?}").contains("canary"));
    }
}

#[test]
fn a_missing_referenced_parameter_is_reported_with_its_region() {
    let cause = World::new().refused(&source("/a"), None, "us-east-2 has no such parameter");
    assert!(cause.remedy().contains("create /shared"));
}

#[test]
fn a_referenced_parameter_out_of_scope_is_not_copied() {
    let mut world = World::new();
    for (include, exclude) in [(&["/a"][..], &[][..]), (&[], &["/shar*"])] {
        let filter = NameFilter::new(include.iter().copied(), exclude.iter().copied());
        world.names = filter.expect("globs");
        let cause = world.refused(&source("/a"), Some(&consenting()), "name filters");
        assert!(cause.remedy().contains("REPLICATOR_EXCLUDE_NAMES"));
    }
    world.names = NameFilter::new(["/*"], ["/shared/*"]).expect("globs");
    world.copies(&source("/a"), &consenting());
}

#[test]
fn a_referenced_parameter_that_opted_out_is_not_copied() {
    let world = World::new();
    for opt_out in ["exclude", "EXCLUDE", "remove", "Remove"] {
        let shared = shared(&[(LENDS_TO_TAG, "/a"), (EXCLUDE_TAG, opt_out)]);
        let cause = world.refused(&source("/a"), Some(&shared), "excludes from replication");
        assert!(cause.remedy().contains("remove the tag `failover-replicator` from /shared"));
    }
    let invalid = shared(&[(LENDS_TO_TAG, "/a"), (EXCLUDE_TAG, "yes")]);
    world.refused(&source("/a"), Some(&invalid), "unknown value `yes`");
    world.copies(&source("/a"), &shared(&[(LENDS_TO_TAG, "/a"), (EXCLUDE_TAG, "Released")]));
    world.copies(&source("/a"), &shared(&[(LENDS_TO_TAG, "/a"), ("failover", "exclude")]));
}

#[test]
fn a_referenced_replica_is_not_copied() {
    let world = World::new();
    let mark = (MARK_KEY, MARK_VALUE);
    for (tag, words) in [
        (mark, "the tag `ReplicationStatus` of a replica"),
        (
            (PROVENANCE_KEY, "region=us-west-2 version=1"),
            "the tag `ReplicationSource` of a replica",
        ),
        ((PROVENANCE_KEY, "unreadable"), "the tag `ReplicationSource` of a replica"),
    ] {
        let shared = shared(&[(LENDS_TO_TAG, "/a"), tag]);
        let cause = world.refused(&source("/a"), Some(&shared), words);
        assert!(cause.remedy().contains("`ReplicationSource` from /shared"), "{}", cause.remedy());
    }
    world.copies(&source("/a"), &shared(&[(LENDS_TO_TAG, "/a"), (MARK_KEY, "other")]));
    let mut created = consenting();
    created.parameter.version = 1;
    created.parameter.writer = Some(HUB.into());
    let cause = world.refused(&source("/a"), Some(&created), "which the hub wrote");
    assert!(cause.remedy().contains("`failover-replicator=released`"));
    created.tags.insert(EXCLUDE_TAG.to_owned(), "released".to_owned());
    world.copies(&source("/a"), &created);
}

#[test]
fn plain_text_and_a_key_are_never_the_same_key() {
    let world = World::new();
    let mut list = consenting();
    list.parameter.value_type = ValueType::StringList;
    world.copies(&source("/a"), &list);
    for key in ["alias/aws/ssm", "alias/app"] {
        let secure = encrypted(consenting(), key);
        let cause = world.refused(
            &source("/a"),
            Some(&secure),
            &format!("is encrypted with {key} in us-east-1, and the replica is plain text"),
        );
        assert!(cause.remedy().contains("with the type and key of /a"));
        let source = encrypted(source("/a"), key);
        world.refused(
            &source,
            Some(&consenting()),
            "is plain text in us-east-1, and the replica is encrypted",
        );
        world.copies(&source, &secure);
    }
    let mut unknown = consenting();
    unknown.parameter.value_type = ValueType::Unknown;
    world.refused(&source("/a"), Some(&unknown), "whose type this release does not know");
}

#[test]
fn the_mapped_keys_are_compared_whatever_their_spelling() {
    let mut world = World::new();
    let default_key = encrypted(source("/a"), "alias/aws/ssm");
    let mut unnamed = encrypted(consenting(), "x");
    unnamed.parameter.key = None;
    world.copies(&default_key, &unnamed);
    world.refused(
        &default_key,
        Some(&encrypted(consenting(), "alias/team-b")),
        "encrypted with alias/team-b",
    );
    let no_counterpart = encrypted(consenting(), "1234abcd-12ab");
    world.refused(
        &default_key,
        Some(&no_counterpart),
        "whose key 1234abcd-12ab has no counterpart in us-east-1",
    );
    let multi_region = "arn:aws:kms:us-east-2:111122223333:key/mrk-12";
    let in_another_account = "arn:aws:kms:us-east-2:444455556666:key/mrk-12";
    let source = encrypted(source("/a"), "mrk-12");
    world.copies(&source, &encrypted(consenting(), multi_region));
    world.refused(&source, Some(&encrypted(consenting(), in_another_account)), "444455556666");
    world.refused(&source, Some(&encrypted(consenting(), "mrk-13")), "mrk-13");
    let alias = "arn:aws:kms:us-east-2:111122223333:alias/app";
    world.copies(&encrypted(source.clone(), "alias/app"), &encrypted(consenting(), alias));
    // An alias may point to another key later: an alias and an id are the same key only if the setting says so.
    world.refused(&source, Some(&encrypted(consenting(), "alias/app")), "alias/app");
    let target_key = |key: &str| TargetKey::Everywhere(key.to_owned());
    world.keys = KmsKeys::new(BTreeMap::from([
        ("mrk-12".to_owned(), target_key("alias/standby")),
        ("alias/app".to_owned(), target_key("alias/standby")),
        ("alias/weak".to_owned(), target_key("alias/aws/ssm")),
    ]));
    world.copies(&source, &encrypted(consenting(), "alias/app"));
    world.refused(&source, Some(&encrypted(consenting(), "alias/weak")), "alias/aws/ssm");
}

#[test]
fn a_replica_stays_when_consent_ends_and_a_source_without_override_needs_no_consent() {
    let world = World::new();
    let decide = |original, referenced, replica| {
        decide(
            Case { referenced, ..world.case(Some(original), Some(replica)) },
            world.plan_policy(),
        )
    };
    let plain = observed(parameter("/a"), &[(LENDS_TO_TAG, "[")]);
    let replica = world.replica_of(&plain);
    let decided = decide(&plain, None, &replica);
    assert_eq!(
        decided,
        Decision::InSync { tags_left_out: 0 },
        "a source without an override needs no consent"
    );
    let original = source("/a");
    let replica = world.replica_of(&original);
    let (consenting, silent) = (consenting(), shared(&[]));
    let decided = decide(&original, Some(&consenting), &replica);
    assert_eq!(because(&decided).0, Change::Update);
    let decided = decide(&original, Some(&silent), &replica);
    assert!(matches!(decided, Decision::Refuse(_)), "{decided:?}");
}
