//! Value overrides that reference another parameter: what its owner must consent to, and what else must hold.

use std::collections::BTreeMap;

use super::*;
use crate::domain::{Cause, LENDS_TO_TAG, TargetKey};

const FROM: &str = "failover-replicator:value-from";

/// A source that takes its value from `/lender`.
fn borrower(name: &str) -> Observed {
    observed(parameter(name), &[(FROM, "/lender")])
}

/// `/lender`, with these tags.
fn lender(tags: &[(&str, &str)]) -> Observed {
    observed(parameter("/lender"), tags)
}

fn lending() -> Observed {
    lender(&[(LENDS_TO_TAG, "/a")])
}

fn encrypted(mut observed: Observed, key: &str) -> Observed {
    observed.parameter.value_type = ValueType::SecureString;
    observed.parameter.key = Some(key.into());
    observed
}

impl World {
    /// Decides about the replica of `original`, which is not there yet; `None` where it is written.
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
        let cause = self.refusal(original, referenced).unwrap_or_else(|| panic!("lent: {words}"));
        assert_eq!(cause.kind, FailureKind::Invalid, "{cause:?}");
        assert!(cause.message.contains(words), "{}", cause.message);
        assert!(cause.message.contains("/lender"), "{}", cause.message);
        assert!(!cause.remedy().is_empty());
        cause
    }

    fn lends(&self, original: &Observed, referenced: &Observed) {
        assert_eq!(self.refusal(original, Some(referenced)), None);
    }
}

#[test]
fn a_lender_names_the_borrower_or_lends_nothing() {
    let world = World::new();
    let borrower = borrower("/shop/db/url");
    let cause = world.refused(
        &borrower,
        Some(&lender(&[])),
        "does not have the tag `failover-replicator:lends-to`",
    );
    assert!(
        cause
            .remedy()
            .contains("set the tag `failover-replicator:lends-to=/shop/db/url` on /lender"),
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
        world.lends(&borrower, &lender(&[(LENDS_TO_TAG, lends_to)]));
    }
    for lends_to in
        ["", " , ", "/shop", "/shop/db", "/shop/db/url/", "shop/db/url", "/SHOP/*", "/shop/db/urls"]
    {
        let lender = lender(&[(LENDS_TO_TAG, lends_to)]);
        let cause = world.refused(&borrower, Some(&lender), "does not name /shop/db/url");
        assert!(cause.remedy().contains("add `/shop/db/url` to the tag"), "{}", cause.remedy());
    }
    for near in
        ["failover-replicator:lend-to", "failover-replicator:lends-to/us-east-1", "Lends-To"]
    {
        world.refused(&borrower, Some(&lender(&[(near, "*")])), "does not have the tag");
    }
}

#[test]
fn a_name_at_the_root_is_one_with_and_without_its_slash() {
    let world = World::new();
    for name in ["/a", "a"] {
        for lends_to in ["/a", "a", "/?", "/", "*"] {
            world.lends(&borrower(name), &lender(&[(LENDS_TO_TAG, lends_to)]));
        }
        let of_another = lender(&[(LENDS_TO_TAG, "/b b /a/b")]);
        world.refused(&borrower(name), Some(&of_another), "does not name");
    }
    for name in ["/lender", "lender"] {
        let itself = observed(parameter(name), &[(FROM, "/lender"), (LENDS_TO_TAG, "*")]);
        world.refused(&itself, Some(&itself), "is the source itself");
    }
}

#[test]
fn a_glob_that_does_not_compile_names_the_lenders_tag_and_not_its_text() {
    let world = World::new();
    for lends_to in ["[canary", "/a [canary", "{canary", "/a{b"] {
        let lender = lender(&[(LENDS_TO_TAG, lends_to)]);
        let cause = world.refused(
            &borrower("/a"),
            Some(&lender),
            "whose tag `failover-replicator:lends-to` is invalid: its entry",
        );
        assert!(cause.remedy().contains("the tag `failover-replicator:lends-to` of /lender"));
        assert!(!format!("{cause:?}").contains("canary"));
    }
}

#[test]
fn a_lender_that_is_not_there_is_named_with_its_region() {
    let cause = World::new().refused(&borrower("/a"), None, "no such parameter in us-east-2");
    assert!(cause.remedy().contains("create /lender"));
}

#[test]
fn a_lender_out_of_scope_lends_nothing() {
    let mut world = World::new();
    for (include, exclude) in [(&["/a"][..], &[][..]), (&[], &["/lend*"])] {
        let filter = NameFilter::new(include.iter().copied(), exclude.iter().copied());
        world.names = filter.expect("globs");
        let cause = world.refused(&borrower("/a"), Some(&lending()), "name filters");
        assert!(cause.remedy().contains("REPLICATOR_EXCLUDE_NAMES"));
    }
    world.names = NameFilter::new(["/*"], ["/lender/*"]).expect("globs");
    world.lends(&borrower("/a"), &lending());
}

#[test]
fn a_lender_that_opted_out_lends_nothing() {
    let world = World::new();
    for opt_out in ["exclude", "EXCLUDE", "remove", "Remove"] {
        let lender = lender(&[(LENDS_TO_TAG, "/a"), (EXCLUDE_TAG, opt_out)]);
        let cause = world.refused(&borrower("/a"), Some(&lender), "takes out of replication");
        assert!(cause.remedy().contains("remove the tag `failover-replicator` from /lender"));
    }
    let invalid = lender(&[(LENDS_TO_TAG, "/a"), (EXCLUDE_TAG, "yes")]);
    world.refused(&borrower("/a"), Some(&invalid), "unknown value `yes`");
    world.lends(&borrower("/a"), &lender(&[(LENDS_TO_TAG, "/a"), (EXCLUDE_TAG, "Released")]));
    world.lends(&borrower("/a"), &lender(&[(LENDS_TO_TAG, "/a"), ("failover", "exclude")]));
}

#[test]
fn a_replica_lends_nothing() {
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
        let lender = lender(&[(LENDS_TO_TAG, "/a"), tag]);
        let cause = world.refused(&borrower("/a"), Some(&lender), words);
        assert!(cause.remedy().contains("`ReplicationSource` from /lender"), "{}", cause.remedy());
    }
    world.lends(&borrower("/a"), &lender(&[(LENDS_TO_TAG, "/a"), (MARK_KEY, "other")]));
    let mut created = lending();
    created.parameter.version = 1;
    created.parameter.writer = Some(HUB.into());
    let cause = world.refused(&borrower("/a"), Some(&created), "which the hub wrote");
    assert!(cause.remedy().contains("`failover-replicator=released`"));
    created.tags.insert(EXCLUDE_TAG.to_owned(), "released".to_owned());
    world.lends(&borrower("/a"), &created);
}

#[test]
fn plain_text_and_a_key_are_never_the_same_key() {
    let world = World::new();
    let mut list = lending();
    list.parameter.value_type = ValueType::StringList;
    world.lends(&borrower("/a"), &list);
    for key in ["alias/aws/ssm", "alias/app"] {
        let secure = encrypted(lending(), key);
        let cause = world.refused(
            &borrower("/a"),
            Some(&secure),
            &format!("is encrypted with {key} in us-east-1, and the replica is plain text"),
        );
        assert!(cause.remedy().contains("of the same type and key as /a"));
        let borrower = encrypted(borrower("/a"), key);
        world.refused(
            &borrower,
            Some(&lending()),
            "is plain text in us-east-1, and the replica is encrypted",
        );
        world.lends(&borrower, &secure);
    }
    let mut unknown = lending();
    unknown.parameter.value_type = ValueType::Unknown;
    world.refused(&borrower("/a"), Some(&unknown), "of a type that this release does not know");
}

#[test]
fn the_mapped_keys_are_compared_whatever_their_spelling() {
    let mut world = World::new();
    let default_key = encrypted(borrower("/a"), "alias/aws/ssm");
    let mut unnamed = encrypted(lending(), "x");
    unnamed.parameter.key = None;
    world.lends(&default_key, &unnamed);
    world.refused(
        &default_key,
        Some(&encrypted(lending(), "alias/team-b")),
        "encrypted with alias/team-b",
    );
    let no_counterpart = encrypted(lending(), "1234abcd-12ab");
    world.refused(
        &default_key,
        Some(&no_counterpart),
        "whose key 1234abcd-12ab has no counterpart in us-east-1",
    );
    let multi_region = "arn:aws:kms:us-east-2:111122223333:key/mrk-12";
    let in_another_account = "arn:aws:kms:us-east-2:444455556666:key/mrk-12";
    let borrower = encrypted(borrower("/a"), "mrk-12");
    world.lends(&borrower, &encrypted(lending(), multi_region));
    world.refused(&borrower, Some(&encrypted(lending(), in_another_account)), "444455556666");
    world.refused(&borrower, Some(&encrypted(lending(), "mrk-13")), "mrk-13");
    let alias = "arn:aws:kms:us-east-2:111122223333:alias/app";
    world.lends(&encrypted(borrower.clone(), "alias/app"), &encrypted(lending(), alias));
    // An alias may be moved to another key: an alias and an id are the same key only by the setting.
    world.refused(&borrower, Some(&encrypted(lending(), "alias/app")), "alias/app");
    let target_key = |key: &str| TargetKey::Everywhere(key.to_owned());
    world.keys = KmsKeys::new(BTreeMap::from([
        ("mrk-12".to_owned(), target_key("alias/standby")),
        ("alias/app".to_owned(), target_key("alias/standby")),
        ("alias/weak".to_owned(), target_key("alias/aws/ssm")),
    ]));
    world.lends(&borrower, &encrypted(lending(), "alias/app"));
    world.refused(&borrower, Some(&encrypted(lending(), "alias/weak")), "alias/aws/ssm");
}

#[test]
fn a_replica_stays_as_it_is_when_consent_ends_and_a_source_without_override_needs_none() {
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
        "its own consent is not its concern"
    );
    let original = borrower("/a");
    let replica = world.replica_of(&original);
    let (lending, silent) = (lending(), lender(&[]));
    let decided = decide(&original, Some(&lending), &replica);
    assert_eq!(because(&decided).0, Change::Update);
    let decided = decide(&original, Some(&silent), &replica);
    assert!(matches!(decided, Decision::Refuse(_)), "{decided:?}");
}
