//! Replicas in a source Region, with the primary in another Region.

use super::*;

fn of_primary(region: &str) -> Secret {
    Secret { primary_region: Some(region.to_owned()), ..secret() }
}

#[test]
fn a_primary_in_a_region_without_a_route_is_reported_with_that_region() {
    let stray = of_primary(ELSEWHERE);
    assert_eq!(decide(&stray, None), SecretDecision::ReadByName, "the list may be old");
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-zzzzzz".to_owned();
    let other = described(Secret { arn, primary_region: None, ..replica(&stray) }, &[]);
    for held in [None, Some(&other)] {
        let cause = reported(read_by_name(&described(stray.clone(), &[]), held));
        assert_eq!(cause.class, Some(ConflictClass::OtherRoute));
        assert!(cause.message.contains("of the secret in eu-west-1"), "{cause}");
        assert!(cause.remedy().contains("`eu-west-1=us-east-1` to REPLICATOR_ROUTES"), "{cause}");
    }
    // Another replica of the same primary is a complete standby copy.
    let sister = Secret { primary_region: Some(ELSEWHERE.to_owned()), ..replica(&stray) };
    assert_eq!(decide(&stray, Some(&sister)), IN_SYNC);
    for routes in
        ["us-east-2=us-east-1;eu-west-1=us-east-1", "us-east-2=us-east-1;eu-west-1=us-east-2"]
    {
        let by = By { routes: Some(routes), ..By::default() };
        let skipped = SecretDecision::Leave(OutcomeKind::Skipped);
        assert_eq!(by.decide(&stray, None, false), skipped, "{routes}");
    }
}

#[test]
fn a_swapped_secret_is_in_sync_as_long_as_the_replica_in_the_source_is() {
    let swapped = of_primary(TARGET);
    let primary = |primary_region: Option<&str>| Secret {
        primary_region: primary_region.map(str::to_owned),
        ..replica(&swapped)
    };
    assert_eq!(decide(&swapped, Some(&primary(Some(TARGET)))), IN_SYNC);
    assert_eq!(decide(&swapped, Some(&primary(None))), IN_SYNC);
    let told = |status| described(primary(Some(TARGET)), &[(SOURCE, status)]);
    let read = |replica: &Secret, status| decide(replica, Some(&told(status)));
    let here = described(swapped.clone(), &[]);
    assert_eq!(read(&here, ReplicationStatus::InSync), IN_SYNC);
    assert_eq!(read(&here, ReplicationStatus::InProgress), SecretDecision::AwaitReplica);
    let cause = reported(read(&here, ReplicationStatus::Failed));
    assert!(cause.message.contains("could not replicate `db/main` to us-east-2"), "{cause}");
    let older = |changed| Secret {
        current_version: Some("v0".to_owned()),
        last_changed: changed,
        ..here.clone()
    };
    assert_eq!(read(&older(ago(9)), ReplicationStatus::InSync), SecretDecision::AwaitReplica);
    let cause = reported(read(&older(ago(10)), ReplicationStatus::InSync));
    assert_eq!(cause.kind, FailureKind::Unavailable);
    let opposite = By { routes: Some("us-east-2=us-east-1;us-east-1=us-east-2"), ..By::default() };
    let skipped = SecretDecision::Leave(OutcomeKind::Skipped);
    assert_eq!(opposite.decide(&swapped, Some(&primary(None)), false), skipped);
}
