//! The keys of replicas.

use super::*;

#[test]
fn a_weaker_key_is_reported_with_a_remedy_that_removes_nothing_and_a_stronger_one_is_right() {
    let app = Secret { kms_key: Some("alias/app".to_owned()), ..secret() };
    let weaker = Secret { kms_key: None, ..replica(&app) };
    assert_eq!(decide(&app, Some(&weaker)), SecretDecision::ReadByName);
    let told = described(app, &[(TARGET, ReplicationStatus::InSync)]);
    assert_eq!(decide(&told, Some(&weaker)), SecretDecision::ReadByName);
    let cause = reported(decide(&told, Some(&described(weaker, &[]))));
    assert_eq!(cause.kind, FailureKind::Unsupported);
    let command = "aws secretsmanager update-secret --region us-east-1 --secret-id db/main --kms-key-id alias/app";
    assert!(cause.remedy().contains(command), "{}", cause.remedy());
    assert!(!cause.remedy().contains("remove"), "{}", cause.remedy());

    let own = Secret { kms_key: Some("1234abcd".to_owned()), ..secret() };
    assert_eq!(decide(&own, Some(&replica(&own))), IN_SYNC, "its owner chose a key");
    let stronger = Secret { kms_key: Some("alias/app".to_owned()), ..replica(&secret()) };
    assert_eq!(decide(&secret(), Some(&stronger)), IN_SYNC);
}

#[test]
fn a_replicas_key_is_read_in_its_own_region() {
    let mut app = described(
        Secret { kms_key: Some("alias/app".to_owned()), ..secret() },
        &[(TARGET, ReplicationStatus::InSync)],
    );
    for replica in app.replication.as_mut().expect("described").values_mut() {
        replica.kms_key = Some(DEFAULT_SECRET_KEY.to_owned());
    }
    assert_eq!(decide(&app, None), SecretDecision::ReadByName);
    assert_eq!(decide(&app, Some(&described(replica(&app), &[]))), IN_SYNC);
}
