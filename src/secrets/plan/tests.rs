//! One test per rule for secrets.

use std::collections::BTreeMap;

use super::*;
use crate::domain::{ConflictClass, EXCLUDE_TAG, FailureKind, SecretName, Tags, TargetKey};

mod keys;
mod owner_tags;
mod primary_elsewhere;

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

/// A secret in the source, as a list shows it, unchanged for an hour.
fn secret() -> Secret {
    Secret {
        arn: format!("arn:aws:secretsmanager:{SOURCE}:111122223333:secret:db/main-a1b2c3"),
        name: SecretName::new("db/main"),
        primary_region: None,
        owning_service: None,
        of_other_account: false,
        deleted: false,
        kms_key: None,
        tags: Some(Tags::from([("team".to_owned(), "core".to_owned())])),
        current_version: Some("v1".to_owned()),
        last_changed: ago(60),
        replication: None,
    }
}

/// The replica of `of`, as the target's list shows it.
pub(super) fn replica(of: &Secret) -> Secret {
    Secret {
        arn: of.arn.replace(SOURCE, TARGET),
        primary_region: Some(SOURCE.to_owned()),
        replication: None,
        ..of.clone()
    }
}

pub(super) fn described(secret: Secret, replicas: &[(&str, ReplicationStatus)]) -> Secret {
    let shown = |status: &ReplicationStatus| Replication {
        status: status.clone(),
        message: None,
        kms_key: None,
    };
    let replication =
        replicas.iter().map(|(target, status)| (region(target), shown(status))).collect();
    Secret { replication: Some(replication), ..secret }
}

/// The settings of a test.
#[derive(Default)]
struct By {
    names: NameFilter,
    kms_keys: KmsKeys,
    routes: Option<&'static str>,
}

impl By {
    fn decide(&self, secret: &Secret, held: Option<&Secret>, read_by_name: bool) -> SecretDecision {
        let (source, target) = (&region(SOURCE), &region(TARGET));
        let By { names, kms_keys, routes } = self;
        let routes = &Routes::parse(routes.unwrap_or("us-east-2=us-east-1")).expect("routes");
        plan(&SecretQuestion {
            secret,
            held,
            read_by_name,
            source,
            target,
            routes,
            names,
            kms_keys,
            now: NOW,
        })
    }
}

/// Decides with the default settings. The target was read by name if `held` is described.
pub(super) fn decide(secret: &Secret, held: Option<&Secret>) -> SecretDecision {
    By::default().decide(secret, held, held.is_some_and(Secret::is_described))
}

/// The same after a read of the target by name.
pub(super) fn read_by_name(secret: &Secret, held: Option<&Secret>) -> SecretDecision {
    By::default().decide(secret, held, true)
}

/// The decision that does not depend on the target.
pub(super) fn exempted(secret: &Secret) -> Option<SecretDecision> {
    let (source, target) = (&region(SOURCE), &region(TARGET));
    let By { names, kms_keys, .. } = &By::default();
    let routes = &Routes::parse("us-east-2=us-east-1").expect("routes");
    let (held, read_by_name, now) = (None, false, NOW);
    exemption(&SecretQuestion {
        secret,
        held,
        read_by_name,
        source,
        target,
        routes,
        names,
        kms_keys,
        now,
    })
}

#[track_caller]
fn reported(decision: SecretDecision) -> Cause {
    match decision {
        SecretDecision::Report(cause) => cause,
        other => panic!("not reported: {other:?}"),
    }
}

pub(super) const IN_SYNC: SecretDecision = SecretDecision::Leave(OutcomeKind::InSync);

#[test]
fn a_secret_in_parity_needs_nothing() {
    let secret = secret();
    assert_eq!(decide(&secret, Some(&replica(&secret))), IN_SYNC);
    let primary = Secret { primary_region: Some(SOURCE.to_owned()), ..secret };
    assert_eq!(
        decide(&primary, Some(&replica(&primary))),
        IN_SYNC,
        "a primary that names its own Region"
    );
}

#[test]
fn facts_that_a_list_omits_are_not_compared() {
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
fn a_secret_that_is_not_a_source_is_skipped_and_counted() {
    let left = |secret: Secret| decide(&secret, None);
    let skipped = SecretDecision::Leave(OutcomeKind::Skipped);
    let by = By { routes: Some("us-east-2=us-east-1;eu-west-1=us-east-2"), ..By::default() };
    let of_a_route = Secret { primary_region: Some(ELSEWHERE.to_owned()), ..secret() };
    assert_eq!(by.decide(&of_a_route, None, false), skipped);
    assert_eq!(left(Secret { of_other_account: true, ..secret() }), skipped);
    assert_eq!(left(Secret { owning_service: Some("rds".to_owned()), ..secret() }), skipped);
    assert_eq!(left(Secret { deleted: true, ..secret() }), skipped);
    let tagged = |key: &str, value: &str| Secret {
        tags: Some(Tags::from([(key.to_owned(), value.to_owned())])),
        ..secret()
    };
    assert_eq!(left(tagged("aws:secretsmanager:owningService", "rds")), skipped);
    let excluded = SecretDecision::Leave(OutcomeKind::Excluded);
    assert_eq!(left(tagged(EXCLUDE_TAG, "exclude")), excluded);
    let names = NameFilter::new(["other/*"], []).expect("globs");
    let filtered = By { names, ..By::default() }.decide(&secret(), None, false);
    assert_eq!(filtered, SecretDecision::Leave(OutcomeKind::OutOfScope));
}

#[test]
fn a_missing_replica_is_requested_only_if_the_primary_shows_none() {
    assert_eq!(decide(&secret(), None), SecretDecision::ReadByName);
    let default = SecretDecision::Replicate { kms_key: DEFAULT_SECRET_KEY.to_owned() };
    assert_eq!(decide(&described(secret(), &[]), None), default);
    assert_eq!(
        decide(&described(secret(), &[(ELSEWHERE, ReplicationStatus::InSync)]), None),
        default
    );
    assert_eq!(
        decide(&described(secret(), &[(TARGET, ReplicationStatus::InProgress)]), None),
        SecretDecision::AwaitReplica
    );
}

#[test]
fn a_key_without_a_mapping_is_reported_and_no_replica_is_requested() {
    let own = Secret { kms_key: Some("1234abcd".to_owned()), ..described(secret(), &[]) };
    assert_eq!(reported(decide(&own, None)).kind, FailureKind::MissingKey);
    let keys = KmsKeys::new(BTreeMap::from([(
        "1234abcd".to_owned(),
        TargetKey::Everywhere("alias/dr".to_owned()),
    )]));
    let mapped = By { kms_keys: keys, ..By::default() }.decide(&own, None, false);
    assert_eq!(mapped, SecretDecision::Replicate { kms_key: "alias/dr".to_owned() });
}

#[test]
fn a_standalone_secret_of_the_name_is_a_conflict() {
    let other =
        |arn: &str| Secret { arn: arn.to_owned(), primary_region: None, ..replica(&secret()) };
    let standalone = other("arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-zzzzzz");
    let promoted = other("arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-a1b2c3");
    let foreign = Secret { primary_region: Some(ELSEWHERE.to_owned()), ..standalone.clone() };
    let deleted = Secret { deleted: true, ..standalone.clone() };
    let account = Secret { of_other_account: true, ..standalone.clone() };
    let causes = [standalone, promoted, foreign, deleted, account].map(|held| {
        let cause = reported(decide(&secret(), Some(&held)));
        assert_eq!(cause, reported(decide(&described(secret(), &[]), Some(&held))));
        assert_eq!(cause.kind, FailureKind::Conflict);
        (cause.class.expect("a class"), cause.message)
    });
    let classes = causes.each_ref().map(|(class, _)| *class);
    let expected = [
        ConflictClass::Unmarked,
        ConflictClass::Released,
        ConflictClass::OtherRoute,
        ConflictClass::Unmarked,
        ConflictClass::OtherRoute,
    ];
    assert_eq!(classes, expected);
    assert!(causes[1].1.contains("promoted"), "{}", causes[1].1);
    assert!(causes[2].1.contains(ELSEWHERE), "{}", causes[2].1);
    assert!(causes[3].1.contains("scheduled deletion"), "{}", causes[3].1);
    assert!(causes[4].1.contains("another account"), "{}", causes[4].1);
}

#[test]
fn the_replica_of_an_earlier_secret_of_the_name_is_a_conflict_once_both_are_described() {
    let earlier = Secret {
        arn: "arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-zzzzzz".to_owned(),
        ..replica(&secret())
    };
    assert_eq!(
        decide(&secret(), Some(&earlier)),
        SecretDecision::ReadByName,
        "the list may be old"
    );
    let now = described(earlier.clone(), &[]);
    for told in
        [described(secret(), &[]), described(secret(), &[(TARGET, ReplicationStatus::InSync)])]
    {
        assert_eq!(
            decide(&told, Some(&earlier)),
            SecretDecision::ReadByName,
            "the list may be old"
        );
        let cause = reported(decide(&told, Some(&now)));
        assert_eq!(cause.class, Some(ConflictClass::Claimed));
        assert!(cause.message.contains("earlier"), "{cause}");
    }
}

#[test]
fn a_failed_replica_is_requested_again_and_reports_the_message_of_aws() {
    let mut failed = described(secret(), &[(TARGET, ReplicationStatus::Failed)]);
    let replicas = failed.replication.as_mut().expect("described");
    for replica in replicas.values_mut() {
        replica.message = Some("Access denied to the key.".to_owned());
    }
    for held in [None, Some(replica(&failed))] {
        let SecretDecision::ReplicateAgain { kms_key, failed } = decide(&failed, held.as_ref())
        else {
            panic!("not requested again")
        };
        assert_eq!(kms_key, DEFAULT_SECRET_KEY);
        assert_eq!(failed.kind, FailureKind::AccessDenied);
        assert!(failed.message.ends_with(": Access denied to the key"), "{failed}");
        assert!(failed.remedy().ends_with("the next sweep requests the replica again"));
    }
    let keyless = Secret { kms_key: Some("1234abcd".to_owned()), ..failed };
    assert_eq!(reported(decide(&keyless, None)).kind, FailureKind::MissingKey);
}

#[test]
fn a_failed_replica_whose_name_another_secret_holds_is_a_conflict() {
    let failed = described(secret(), &[(TARGET, ReplicationStatus::Failed)]);
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-zzzzzz".to_owned();
    let standalone = Secret { arn, primary_region: None, ..replica(&secret()) };
    let cause = reported(decide(&failed, Some(&standalone)));
    assert_eq!(cause.kind, FailureKind::Conflict, "{cause}");
    assert!(cause.message.contains("an independent secret holds the name"), "{cause}");
}

#[test]
fn a_difference_is_as_old_as_the_replicas_last_change() {
    let (young, old) = (ago(9), ago(10));
    let of = |changed| Secret { last_changed: changed, ..secret() };
    let held = |changed| Secret {
        current_version: Some("v0".to_owned()),
        last_changed: changed,
        ..replica(&secret())
    };
    // Lists with different versions are never sufficient, whatever the dates.
    for (primary, replica) in [(young, young), (young, old), (old, young), (old, old)] {
        assert_eq!(decide(&of(primary), Some(&held(replica))), SecretDecision::ReadByName);
        let told = described(of(primary), &[(TARGET, ReplicationStatus::InSync)]);
        assert_eq!(
            decide(&told, Some(&held(replica))),
            SecretDecision::ReadByName,
            "a list may be old"
        );
    }
    let read = |primary, replica| {
        let told = described(of(primary), &[(TARGET, ReplicationStatus::InSync)]);
        decide(&told, Some(&described(held(replica), &[])))
    };
    for primary in [young, old, None] {
        assert_eq!(read(primary, young), SecretDecision::AwaitReplica, "the replica follows");
    }
    for replica in [old, None] {
        let SecretDecision::AwaitOrReport(cause) = read(young, replica) else {
            panic!("not waited for")
        };
        assert_eq!(cause.kind, FailureKind::Unavailable);
        assert_eq!(reported(read(old, replica)), cause);
        assert_eq!(reported(read(None, replica)), cause);
    }
}

#[test]
fn a_replica_that_its_region_does_not_have_is_not_in_sync() {
    let told = |changed| {
        let secret = Secret { last_changed: changed, ..secret() };
        described(secret, &[(TARGET, ReplicationStatus::InSync)])
    };
    assert_eq!(decide(&told(ago(60)), None), SecretDecision::ReadByName, "the list may be old");
    let cause = reported(read_by_name(&told(ago(60)), None));
    assert_eq!(cause.kind, FailureKind::Unavailable);
    assert!(cause.message.contains("has no replica of `db/main`"), "{cause}");
    assert_eq!(read_by_name(&told(ago(1)), None), SecretDecision::AwaitOrReport(cause));
    assert_eq!(read_by_name(&told(ago(60)), Some(&described(replica(&secret()), &[]))), IN_SYNC);
}

#[test]
fn a_region_that_the_owner_removed_is_left_to_the_next_sweep() {
    let told = described(secret(), &[]);
    let listed = replica(&told);
    assert_eq!(decide(&told, Some(&listed)), SecretDecision::Leave(OutcomeKind::Pending));
}
