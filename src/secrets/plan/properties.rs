//! Properties for all inputs: secrets of other owners stay unchanged, and the decision ends.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{
    ELSEWHERE, IN_SYNC, SOURCE, TARGET, ago, decide, described, exempted, read_by_name, region,
    replica,
};
use super::*;
use crate::domain::{EXCLUDE_TAG, SecretName};

fn any_secret(home: &'static str, replicas: bool) -> impl Strategy<Value = Secret> {
    let place = || proptest::option::of(proptest::sample::select(vec![SOURCE, TARGET, ELSEWHERE]));
    let word = |words: &[&'static str]| {
        proptest::option::of(proptest::sample::select(words.to_vec()).prop_map(str::to_owned))
    };
    let status = proptest::sample::select(vec![
        ReplicationStatus::InSync,
        ReplicationStatus::InProgress,
        ReplicationStatus::Failed,
        ReplicationStatus::Other("New".to_owned()),
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
    fn only_a_vacant_name_is_ever_requested((secret, held) in any_question()) {
        let decision = decide(&secret, held.as_ref());
        let is_new = matches!(decision, SecretDecision::Replicate { .. });
        if is_new || matches!(decision, SecretDecision::ReplicateAgain { .. }) {
            prop_assert_eq!(exempted(&secret), None);
            let replicas = secret.replication.as_ref().expect("the primary is described");
            let status = replicas.get(&region(TARGET)).map(|replica| replica.status.clone());
            prop_assert_eq!(status, (!is_new).then_some(ReplicationStatus::Failed));
            if let Some(held) = held {
                prop_assert!(!is_new && held.is_same_secret(&secret));
                prop_assert_eq!(held.primary_region.as_deref(), Some(SOURCE));
            }
        }
    }

    #[test]
    fn a_name_that_another_secret_holds_never_counts_as_in_sync((secret, held) in any_question()) {
        if decide(&secret, held.as_ref()) == IN_SYNC {
            let held = held.expect("an empty target is not in sync");
            prop_assert!(held.is_same_secret(&secret) && held.agrees_with(&secret));
            let one_primary = secret.is_replica_in(&region(SOURCE));
            prop_assert!(one_primary || held.primary_region.as_deref() == Some(SOURCE));
        }
    }

    #[test]
    fn reads_by_name_end((secret, held) in any_question()) {
        let secret = Secret { replication: secret.replication.or_else(|| Some(BTreeMap::new())), ..secret };
        let held = held.map(|held| Secret { replication: held.replication.or_else(|| Some(BTreeMap::new())), ..held });
        prop_assert_ne!(read_by_name(&secret, held.as_ref()), SecretDecision::ReadByName);
    }

    #[test]
    fn after_the_requested_replica_exists_no_work_is_left((mut secret, held) in any_question()) {
        if let SecretDecision::Replicate { kms_key } | SecretDecision::ReplicateAgain { kms_key, .. } = decide(&secret, held.as_ref()) {
            let done = Secret { kms_key: Some(kms_key.clone()), deleted: false, ..replica(&secret) };
            secret.replication = None;
            prop_assert_eq!(decide(&secret, Some(&done)), IN_SYNC);
            let told = Replication { status: ReplicationStatus::InSync, message: None, kms_key: Some(kms_key) };
            secret.replication = Some(BTreeMap::from([(region(TARGET), told)]));
            prop_assert_eq!(decide(&secret, None), SecretDecision::ReadByName);
            prop_assert_eq!(read_by_name(&secret, Some(&described(done, &[]))), IN_SYNC);
        }
    }
}
