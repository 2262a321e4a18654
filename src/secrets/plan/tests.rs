//! The rules of a secret, one by one.

use std::collections::BTreeMap;

use super::*;
use crate::domain::{EXCLUDE_TAG, FailureKind, SecretName, Tags, TargetKey};

pub(super) const SOURCE: &str = "us-east-2";
pub(super) const TARGET: &str = "us-east-1";
pub(super) const ELSEWHERE: &str = "eu-west-1";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(super) fn region(name: &str) -> Region {
    Region::parse(name).expect("a Region")
}

#[expect(clippy::unnecessary_wraps, reason = "a secret may have no date")]
pub(super) fn ago(minutes: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(NOW.millis() - minutes * 60_000))
}

/// A secret of the source, as a list gives it, unchanged for an hour.
fn secret() -> Secret {
    Secret {
        arn: format!("arn:aws:secretsmanager:{SOURCE}:111122223333:secret:db/main-a1b2c3"),
        name: SecretName::new("db/main"),
        primary_region: None,
        owning_service: None,
        deleted: false,
        kms_key: None,
        tags: Some(Tags::from([("team".to_owned(), "core".to_owned())])),
        current_version: Some("v1".to_owned()),
        last_changed: ago(60),
        replication: None,
    }
}

/// Its replica, as the target's list gives it.
pub(super) fn replica(of: &Secret) -> Secret {
    Secret {
        arn: of.arn.replace(SOURCE, TARGET),
        primary_region: Some(SOURCE.to_owned()),
        replication: None,
        ..of.clone()
    }
}

pub(super) fn described(secret: Secret, replicas: &[(&str, Status)]) -> Secret {
    let told =
        |status: &Status| Replication { status: status.clone(), message: None, kms_key: None };
    let replication =
        replicas.iter().map(|(target, status)| (region(target), told(status))).collect();
    Secret { replication: Some(replication), ..secret }
}

fn decide_with(
    secret: &Secret,
    held: Option<&Secret>,
    names: &NameFilter,
    kms_keys: &KmsKeys,
) -> Decision {
    let (source, target) = (&region(SOURCE), &region(TARGET));
    plan(&Question { secret, held, source, target, names, kms_keys, now: NOW })
}

pub(super) fn decide(secret: &Secret, held: Option<&Secret>) -> Decision {
    decide_with(secret, held, &NameFilter::default(), &KmsKeys::default())
}

#[track_caller]
fn reported(decision: Decision) -> Cause {
    match decision {
        Decision::Report(cause) => cause,
        other => panic!("not reported: {other:?}"),
    }
}

pub(super) const IN_SYNC: Decision = Decision::Leave(OutcomeKind::InSync);

#[test]
fn a_secret_in_parity_needs_nothing() {
    let secret = secret();
    assert_eq!(decide(&secret, Some(&replica(&secret))), IN_SYNC);
    let primary = Secret { primary_region: Some(SOURCE.to_owned()), ..secret };
    assert_eq!(decide(&primary, Some(&replica(&primary))), IN_SYNC, "a primary that says so");
}

#[test]
fn what_a_list_leaves_out_is_not_compared() {
    let secret = secret();
    let bare = Secret { tags: None, current_version: None, last_changed: None, ..replica(&secret) };
    assert_eq!(decide(&secret, Some(&bare)), IN_SYNC);
    let stamped = Tags::from([
        ("team".to_owned(), "core".to_owned()),
        ("aws:cloudformation:stack-name".to_owned(), "db".to_owned()),
    ]);
    let stamped = Secret { tags: Some(stamped), ..secret };
    let plain = Secret { tags: self::secret().tags, ..replica(&stamped) };
    assert_eq!(decide(&stamped, Some(&plain)), IN_SYNC);
}

#[test]
fn what_is_no_source_is_left_alone_and_counted() {
    let left = |secret: Secret| decide(&secret, None);
    let skipped = Decision::Leave(OutcomeKind::Skipped);
    assert_eq!(left(Secret { primary_region: Some(ELSEWHERE.to_owned()), ..secret() }), skipped);
    assert_eq!(left(Secret { owning_service: Some("rds".to_owned()), ..secret() }), skipped);
    assert_eq!(left(Secret { deleted: true, ..secret() }), skipped);
    let tagged = |key: &str, value: &str| Secret {
        tags: Some(Tags::from([(key.to_owned(), value.to_owned())])),
        ..secret()
    };
    assert_eq!(left(tagged("aws:secretsmanager:owningService", "rds")), skipped);
    let excluded = Decision::Leave(OutcomeKind::Excluded);
    assert_eq!(left(tagged(EXCLUDE_TAG, "exclude")), excluded);
    let names = NameFilter::new(["other/*"], []).expect("globs");
    let filtered = decide_with(&secret(), None, &names, &KmsKeys::default());
    assert_eq!(filtered, Decision::Leave(OutcomeKind::OutOfScope));
}

fn opted_out(value: &str) -> Secret {
    let tags = Tags::from([(EXCLUDE_TAG.to_owned(), value.to_owned())]);
    Secret { tags: Some(tags), ..secret() }
}

#[test]
fn an_owner_opts_out_in_any_case_and_the_replica_stays() {
    for value in ["exclude", "Exclude", "EXCLUDE", "remove", "Remove", "REMOVE"] {
        let secret = opted_out(value);
        let held = replica(&Secret { current_version: Some("v0".to_owned()), ..secret.clone() });
        for held in [None, Some(&held)] {
            assert_eq!(decide(&secret, held), Decision::Leave(OutcomeKind::Excluded), "{value}");
        }
    }
    for value in ["released", "Released"] {
        let secret = described(opted_out(value), &[]);
        assert!(matches!(decide(&secret, None), Decision::Replicate { .. }), "{value}");
        assert_eq!(decide(&opted_out(value), Some(&replica(&opted_out(value)))), IN_SYNC);
    }
}

#[test]
fn an_unknown_opt_out_is_refused_with_the_accepted_ones_and_nothing_is_asked() {
    for value in ["excluded", "", " exclude", "yes", "value"] {
        let secret = described(opted_out(value), &[]);
        for held in [None, Some(replica(&secret))] {
            let Decision::Refuse(cause) = decide(&secret, held.as_ref()) else {
                panic!("{value} is not refused")
            };
            assert_eq!(cause.kind, FailureKind::Invalid);
            assert!(cause.message.contains("`exclude`, `remove` or `released`"), "{cause}");
            assert!(cause.remedy().contains("`exclude`, `remove` or `released`"), "{cause}");
        }
    }
    let unknown = opted_out("excluded");
    let names = NameFilter::new(["other/*"], []).expect("globs");
    let out_of_scope = decide_with(&unknown, None, &names, &KmsKeys::default());
    assert_eq!(out_of_scope, Decision::Leave(OutcomeKind::OutOfScope));
    let replica = Secret { primary_region: Some(ELSEWHERE.to_owned()), ..unknown };
    assert_eq!(decide(&replica, None), Decision::Leave(OutcomeKind::Skipped));
}

#[test]
fn a_missing_replica_is_asked_for_only_on_the_primarys_own_word() {
    assert_eq!(decide(&secret(), None), Decision::LookCloser);
    let default = Decision::Replicate { kms_key: DEFAULT_SECRET_KEY.to_owned() };
    assert_eq!(decide(&described(secret(), &[]), None), default);
    assert_eq!(decide(&described(secret(), &[(ELSEWHERE, Status::InSync)]), None), default);
    assert_eq!(decide(&described(secret(), &[(TARGET, Status::InSync)]), None), IN_SYNC);
    assert_eq!(
        decide(&described(secret(), &[(TARGET, Status::InProgress)]), None),
        Decision::Await
    );
}

#[test]
fn a_key_that_no_setting_maps_is_reported_and_nothing_is_asked() {
    let own = Secret { kms_key: Some("1234abcd".to_owned()), ..described(secret(), &[]) };
    assert_eq!(reported(decide(&own, None)).kind, FailureKind::MissingKey);
    let keys = KmsKeys::new(BTreeMap::from([(
        "1234abcd".to_owned(),
        TargetKey::Everywhere("alias/dr".to_owned()),
    )]));
    let mapped = decide_with(&own, None, &NameFilter::default(), &keys);
    assert_eq!(mapped, Decision::Replicate { kms_key: "alias/dr".to_owned() });
}

#[test]
fn a_standalone_secret_of_the_name_is_a_conflict() {
    let other =
        |arn: &str| Secret { arn: arn.to_owned(), primary_region: None, ..replica(&secret()) };
    let standalone = other("arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-zzzzzz");
    let promoted = other("arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-a1b2c3");
    let foreign = Secret { primary_region: Some(ELSEWHERE.to_owned()), ..standalone.clone() };
    let deleted = Secret { deleted: true, ..standalone.clone() };
    let causes = [standalone, promoted, foreign, deleted].map(|held| {
        let cause = reported(decide(&secret(), Some(&held)));
        assert_eq!(cause, reported(decide(&described(secret(), &[]), Some(&held))));
        assert_eq!(cause.kind, FailureKind::Conflict);
        cause.message
    });
    assert!(causes[1].contains("promoted"), "{}", causes[1]);
    assert!(causes[2].contains(ELSEWHERE), "{}", causes[2]);
    assert!(causes[3].contains("scheduled deletion"), "{}", causes[3]);
}

#[test]
fn the_replica_of_an_earlier_secret_of_the_name_is_a_conflict_once_both_are_described() {
    let earlier = Secret {
        arn: "arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-zzzzzz".to_owned(),
        ..replica(&secret())
    };
    assert_eq!(decide(&secret(), Some(&earlier)), Decision::LookCloser, "the list may be old");
    let now = described(earlier.clone(), &[]);
    for told in [described(secret(), &[]), described(secret(), &[(TARGET, Status::InSync)])] {
        assert_eq!(decide(&told, Some(&earlier)), Decision::LookCloser, "the list may be old");
        let cause = reported(decide(&told, Some(&now)));
        assert_eq!(cause.kind, FailureKind::Conflict);
        assert!(cause.message.contains("earlier"), "{cause}");
    }
}

#[test]
fn a_failed_replica_is_reported_with_the_words_of_aws() {
    let mut failed = described(secret(), &[(TARGET, Status::Failed)]);
    let replicas = failed.replication.as_mut().expect("described");
    for replica in replicas.values_mut() {
        replica.message = Some("Secret with this name already exists in this region.".to_owned());
    }
    let cause = reported(decide(&failed, None));
    assert_eq!(cause.kind, FailureKind::Conflict);
    assert!(cause.message.ends_with(": Secret with this name already exists in this region"));
    assert!(cause.remedy().contains("remove-regions-from-replication --region us-east-2"));
}

#[test]
fn a_failed_replica_whose_name_another_holds_is_that_conflict() {
    let failed = described(secret(), &[(TARGET, Status::Failed)]);
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-zzzzzz".to_owned();
    let standalone = Secret { arn, primary_region: None, ..replica(&secret()) };
    let cause = reported(decide(&failed, Some(&standalone)));
    assert_eq!(cause.kind, FailureKind::Conflict, "{cause}");
    assert!(cause.message.contains("a secret of its own holds the name"), "{cause}");
}

#[test]
fn a_difference_counts_once_it_is_older_than_ten_minutes() {
    let old = secret();
    let held = Secret { current_version: Some("v0".to_owned()), ..replica(&old) };
    assert_eq!(decide(&old, Some(&held)), Decision::LookCloser);
    for young in [
        Secret { last_changed: ago(9), ..old.clone() },
        described(Secret { last_changed: ago(9), ..old.clone() }, &[(TARGET, Status::InSync)]),
    ] {
        assert_eq!(decide(&young, Some(&held)), IN_SYNC);
    }
    let aged = Secret { last_changed: ago(10), ..old.clone() };
    let held_since = Secret { last_changed: ago(10), ..held.clone() };
    assert_eq!(decide(&aged, Some(&held_since)), Decision::LookCloser);
    let told = described(old.clone(), &[(TARGET, Status::InSync)]);
    assert_eq!(decide(&told, Some(&held)), Decision::LookCloser, "the target's list may be old");
    assert_eq!(
        reported(decide(&told, Some(&described(held.clone(), &[])))).kind,
        FailureKind::Unavailable
    );
    let failed = described(old, &[(TARGET, Status::Failed)]);
    assert_eq!(reported(decide(&failed, Some(&held))).kind, FailureKind::Invalid);
}

#[test]
fn a_replica_under_another_key_is_reported_and_left() {
    let secret = Secret { kms_key: Some("alias/app".to_owned()), ..secret() };
    let weaker = Secret { kms_key: None, ..replica(&secret) };
    assert_eq!(decide(&secret, Some(&weaker)), Decision::LookCloser);
    let told = described(secret.clone(), &[(TARGET, Status::InSync)]);
    let cause = reported(decide(&told, Some(&weaker)));
    assert_eq!(cause.kind, FailureKind::Unsupported);
    assert!(cause.remedy().contains("remove-regions-from-replication"));
    let own = Secret { kms_key: Some("1234abcd".to_owned()), ..secret };
    assert_eq!(decide(&own, Some(&replica(&own))), IN_SYNC, "its owner chose a key");
}

#[test]
fn a_region_that_its_owner_took_out_is_left_to_the_next_sweep() {
    let told = described(secret(), &[]);
    let listed = replica(&told);
    assert_eq!(decide(&told, Some(&listed)), Decision::Leave(OutcomeKind::Pending));
}
