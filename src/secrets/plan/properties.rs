//! What holds whatever was read: nothing of another's is touched, and deciding comes to an end.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{
    ELSEWHERE, IN_SYNC, SOURCE, TARGET, ago, decide, described, exempted, looked, region, replica,
};
use super::*;
use crate::domain::{EXCLUDE_TAG, SecretName};

fn any_secret(home: &'static str, replicas: bool) -> impl Strategy<Value = Secret> {
    let place = || proptest::option::of(proptest::sample::select(vec![SOURCE, TARGET, ELSEWHERE]));
    let word = |words: &[&'static str]| {
        proptest::option::of(proptest::sample::select(words.to_vec()).prop_map(str::to_owned))
    };
    let status = proptest::sample::select(vec![
        Status::InSync,
        Status::InProgress,
        Status::Failed,
        Status::Other("New".to_owned()),
    ]);
    let replication = proptest::option::of(proptest::collection::btree_map(
        proptest::sample::select(vec![region(TARGET), region(ELSEWHERE)]),
        (status, word(&["already exists", "kms"]), word(&["alias/app", DEFAULT_SECRET_KEY]))
            .prop_map(|(status, message, kms_key)| Replication { status, message, kms_key }),
        0..3,
    ));
    let tags = proptest::option::of(proptest::collection::btree_map(
        proptest::sample::select(vec!["team", EXCLUDE_TAG, "aws:x"]).prop_map(str::to_owned),
        proptest::sample::select(vec!["core", "exclude", "Remove", "released"])
            .prop_map(str::to_owned),
        0..3,
    ));
    let key = word(&["alias/app", "1234abcd", "mrk-1"]);
    let rest =
        (proptest::option::weighted(0.1, Just("rds".to_owned())), proptest::bool::weighted(0.1));
    let facts =
        (place(), key, tags, word(&["v1", "v2"]), proptest::option::of(0..20_i64), replication);
    (proptest::sample::select(vec!["a1b2c3", "zzzzzz"]), facts, rest).prop_map(
        move |(suffix, facts, (owning_service, deleted))| {
            let (primary, kms_key, tags, current_version, minutes, replication) = facts;
            Secret {
                arn: format!("arn:aws:secretsmanager:{home}:111122223333:secret:db/main-{suffix}"),
                name: SecretName::new("db/main"),
                primary_region: primary.map(str::to_owned),
                owning_service,
                of_other_account: minutes == Some(7),
                deleted,
                kms_key,
                tags,
                current_version,
                last_changed: minutes.and_then(ago),
                replication: if replicas {
                    replication
                } else {
                    replication.map(|_| BTreeMap::new())
                },
            }
        },
    )
}

fn any_question() -> impl Strategy<Value = (Secret, Option<Secret>)> {
    (any_secret(SOURCE, true), proptest::option::of(any_secret(TARGET, false)))
}

proptest! {
    #[test]
    fn only_a_name_that_nothing_holds_is_ever_asked_for((secret, held) in any_question()) {
        let decision = decide(&secret, held.as_ref());
        let is_new = matches!(decision, Decision::Replicate { .. });
        if is_new || matches!(decision, Decision::AskAgain { .. }) {
            prop_assert_eq!(exempted(&secret), None);
            let replicas = secret.replication.as_ref().expect("the primary's own word");
            let status = replicas.get(&region(TARGET)).map(|replica| replica.status.clone());
            prop_assert_eq!(status, (!is_new).then_some(Status::Failed));
            if let Some(held) = held {
                prop_assert!(!is_new && held.is_same_secret(&secret));
                prop_assert_eq!(held.primary_region.as_deref(), Some(SOURCE));
            }
        }
    }

    #[test]
    fn what_is_held_by_another_never_counts_as_in_sync((secret, held) in any_question()) {
        if decide(&secret, held.as_ref()) == IN_SYNC {
            let held = held.expect("a target that has nothing is not in sync");
            prop_assert!(held.is_same_secret(&secret) && held.agrees_with(&secret));
            let one_primary = secret.is_replica_in(&region(SOURCE));
            prop_assert!(one_primary || held.primary_region.as_deref() == Some(SOURCE));
        }
    }

    #[test]
    fn looking_closer_ends((secret, held) in any_question()) {
        let secret = Secret { replication: secret.replication.or_else(|| Some(BTreeMap::new())), ..secret };
        let held = held.map(|held| Secret { replication: held.replication.or_else(|| Some(BTreeMap::new())), ..held });
        prop_assert_ne!(looked(&secret, held.as_ref()), Decision::LookCloser);
    }

    #[test]
    fn after_what_was_asked_is_done_nothing_is_left((mut secret, held) in any_question()) {
        if let Decision::Replicate { kms_key } | Decision::AskAgain { kms_key, .. } = decide(&secret, held.as_ref()) {
            let done = Secret { kms_key: Some(kms_key.clone()), deleted: false, ..replica(&secret) };
            secret.replication = None;
            prop_assert_eq!(decide(&secret, Some(&done)), IN_SYNC);
            let told = Replication { status: Status::InSync, message: None, kms_key: Some(kms_key) };
            secret.replication = Some(BTreeMap::from([(region(TARGET), told)]));
            prop_assert_eq!(decide(&secret, None), Decision::LookCloser);
            prop_assert_eq!(looked(&secret, Some(&described(done, &[]))), IN_SYNC);
        }
    }
}
