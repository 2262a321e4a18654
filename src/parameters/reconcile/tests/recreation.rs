//! Type changes that AWS refuses, and the checks before anything is deleted.

use super::stage::Stage;
use super::world::{FAR, NEAR, SOURCE};
use super::*;
use crate::ownership::{JudgeContext, Ownership, Provenance, judge};

const BOTH: &str = "us-east-2=us-east-1,us-west-2";

/// One parameter with replicas, whose source has a new type.
async fn retyped(routes: &str, kind: &str) -> Stage {
    let stage = Stage::new(routes).await;
    stage.world().put(SOURCE, "/a", "old");
    stage.sweep().await;
    stage.world().retype(SOURCE, "/a", kind, "new");
    stage
}

/// Asserts one failure in each of these Regions and no other.
fn assert_failed_in(outcome: &AccountOutcome, regions: &[&str], kind: FailureKind) {
    let expected: Vec<_> = regions.iter().map(|region| at(region, kind)).collect();
    assert_eq!(failures(outcome), expected, "{:?}", outcome.failures);
    let failed = u64::try_from(regions.len()).expect("few");
    assert_eq!(outcome.parameters.get(OutcomeKind::Failed), failed);
}

#[tokio::test(start_paused = true)]
async fn after_a_permanent_refusal_the_old_form_is_restored_owned_and_not_deleted_again() {
    let mut stage = retyped("us-east-2=us-east-1", "StringList").await;
    let before = stage.world().of(NEAR, "/a").clone();
    stage.world().refused_types.push("StringList");
    let outcome = stage.sweep().await;
    assert_failed_in(&outcome, &[NEAR], FailureKind::Invalid);
    let message = &outcome.failures[0].cause.message;
    assert!(message.contains("its old form again"), "{message}");

    let now = stage.world().of(NEAR, "/a").clone();
    assert_eq!((&now.value, &now.kind, now.version), (&before.value, &before.kind, 1));
    let old = Provenance::of(&before.tags).expect("provenance");
    let provenance = Provenance::of(&now.tags).expect("provenance");
    let refused = provenance.refused.expect("a refused form");
    assert_eq!((refused.version, provenance.source), (1, old.source));
    assert_eq!((provenance.form, provenance.of, provenance.tags), (old.form, old.of, old.tags));
    assert_eq!((provenance.replica, provenance.written), (1, None));
    assert_ne!(refused.form, provenance.form);

    let versions = stage.calls("DeleteParameters", NEAR);
    for _ in 0..2 {
        let outcome = stage.sweep().await;
        assert_failed_in(&outcome, &[NEAR], FailureKind::Invalid);
        let cause = &outcome.failures[0].cause;
        assert!(cause.message.contains("permanently refused to change the type"), "{cause}");
        assert!(cause.remedy().contains(r#"{"name":"/a","operation":"sync"}"#), "{cause:?}");
    }
    stage.policy.from_events = true;
    assert_failed_in(&stage.named("/a").await, &[NEAR], FailureKind::Invalid);
    stage.policy.from_events = false;
    stage.policy.trust = false;
    assert_failed_in(&stage.sweep().await, &[NEAR], FailureKind::Invalid);
    stage.policy.trust = true;
    assert_eq!(stage.calls("DeleteParameters", NEAR), versions, "nothing is deleted");
    assert_eq!(*stage.world().of(NEAR, "/a"), now);

    // A person names the item: the hub tries the new form, and records the refusal again.
    assert_failed_in(&stage.named("/a").await, &[NEAR], FailureKind::Invalid);
    assert_eq!(stage.calls("DeleteParameters", NEAR), versions + 1);
    // The same holds for the next version of the source.
    stage.world().put(SOURCE, "/a", "newer");
    stage.world().of(SOURCE, "/a").kind = "StringList".to_owned();
    assert_failed_in(&stage.sweep().await, &[NEAR], FailureKind::Invalid);
    assert_eq!(stage.calls("DeleteParameters", NEAR), versions + 2);
    let replica = stage.world().of(NEAR, "/a").clone();
    assert_eq!(Provenance::of(&replica.tags).and_then(|p| p.refused).map(|r| r.version), Some(2));
    stage.world().refused_types.clear();
    assert_failed_in(&stage.sweep().await, &[NEAR], FailureKind::Invalid);
    assert_eq!(counts(&stage.named("/a").await), [(OutcomeKind::Recreated, 1)]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
    assert!(!stage.world().of(NEAR, "/a").tags[PROVENANCE_KEY].contains("refused="));
}

#[tokio::test(start_paused = true)]
async fn a_restored_replica_is_owned_by_its_tags_and_writer_alone() {
    let stage = retyped("us-east-2=us-east-1", "StringList").await;
    stage.world().refused_types.push("StringList");
    stage.sweep().await;
    let held = stage.world().of(NEAR, "/a").clone();
    let region = |name: &str| Region::parse(name).expect("a Region");
    let (source, target, name) = (region(SOURCE), region(NEAR), ParameterName::new("/a"));
    let evidence = crate::ownership::Evidence {
        account: stage.session.account(),
        target: &target,
        name: &name,
        tags: &held.tags,
        version: crate::domain::Version {
            number: held.version,
            modified: crate::domain::Timestamp::from_millis(held.modified),
        },
        writer: Some(held.writer),
        history: None,
    };
    let writers = &stage.policy.writers;
    let now = stage.session.now();
    let judged = judge(
        evidence,
        JudgeContext { source: &source, active_since: None, only_route: true, writers, now },
    );
    assert!(matches!(judged, Ownership::Owned { by_trusted: false, .. }), "{judged:?}");
    // It is deleted with its source like every other replica.
    stage.world().take(SOURCE, "/a");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_has_its_old_type_again_makes_what_was_put_back_equal() {
    let stage = retyped("us-east-2=us-east-1", "StringList").await;
    stage.world().refused_types.push("StringList");
    stage.sweep().await;
    stage.world().retype(SOURCE, "/a", "String", "newest");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 1)]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
    assert!(!stage.world().of(NEAR, "/a").tags[PROVENANCE_KEY].contains("refused="));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_for_a_key_that_may_not_be_used_and_one_call_asks_of_it() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    for name in ["/a", "/b", "/c"] {
        stage.world().put(SOURCE, name, "1");
    }
    stage.sweep().await;
    for name in ["/a", "/b", "/c"] {
        stage.world().put(SOURCE, name, "2");
    }
    stage.sweep().await;
    let before = stage.world().held[NEAR].clone();
    assert_eq!(before["a"].past.len(), 1, "a history that must not be lost");
    for name in ["/a", "/b", "/c"] {
        stage.world().retype(SOURCE, name, "SecureString", "3");
        stage.world().of(SOURCE, name).key = Some("alias/app".to_owned());
    }
    for (state, kind) in [
        ("NotFoundException", FailureKind::MissingKey),
        ("Disabled", FailureKind::DisabledKey),
        ("PendingDeletion", FailureKind::DisabledKey),
        ("AccessDeniedException", FailureKind::AccessDenied),
    ] {
        stage.world().key_state = Some(state);
        let asked = stage.calls("DescribeKey", NEAR);
        let outcome = stage.sweep().await;
        assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 3)], "{state}");
        assert_eq!(failures(&outcome), [at(NEAR, kind), at(NEAR, kind), at(NEAR, kind)]);
        let cause = &outcome.failures[0].cause;
        assert!(cause.message.contains("stays as it is"), "{cause}");
        if kind != FailureKind::AccessDenied {
            assert_eq!(stage.calls("DescribeKey", NEAR) - asked, 1, "{state}");
        }
        assert_eq!(stage.world().held[NEAR], before);
    }
    assert_eq!(stage.calls("DeleteParameters", NEAR), 0);
    // The hub does not remember the state of the key.
    stage.world().key_state = None;
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Recreated, 3)]);
    assert_eq!(stage.world().of(NEAR, "/a").key.as_deref(), Some("alias/app"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 3)]);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_an_aws_managed_key_is_not_read() {
    let stage = retyped("us-east-2=us-east-1", "SecureString").await;
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Recreated, 1)]);
    assert_eq!(stage.calls("DescribeKey", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn two_targets_never_lack_the_replica_at_the_same_time() {
    let stage = retyped(BOTH, "StringList").await;
    let put = stage.calls("PutParameter", NEAR);
    // Just before the second replica is deleted, the first exists in its new form.
    stage.world().meanwhile("DeleteParameters", FAR, |world| {
        assert_eq!(world.of(NEAR, "/a").kind, "StringList");
    });
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Recreated, 2)]);
    assert_eq!(stage.calls("PutParameter", NEAR), put + 1);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 2)]);
}

#[tokio::test(start_paused = true)]
async fn if_the_first_target_is_refused_the_second_keeps_its_standby() {
    for op in ["PutParameter", "DeleteParameters"] {
        let stage = retyped(BOTH, "StringList").await;
        let far = stage.world().of(FAR, "/a").clone();
        if op == "PutParameter" {
            stage.world().refused_types.push("StringList");
        } else {
            stage.world().refused.push((op, NEAR, "AccessDeniedException", String::new()));
        }
        let outcome = stage.sweep().await;
        assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 2)], "{op}");
        let waits = outcome.failures.iter().filter(|failure| {
            failure.cause.message.contains("keeps its old form until us-east-1 has the new one")
        });
        assert_eq!(waits.count(), 1, "{:?}", outcome.failures);
        assert_eq!(stage.calls("DeleteParameters", FAR), 0, "{op}");
        assert_eq!(*stage.world().of(FAR, "/a"), far);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_without_a_replica_gets_one_before_another_target_loses_its_own() {
    let stage = retyped(BOTH, "StringList").await;
    // As after a crash between delete and create.
    stage.world().take(NEAR, "/a");
    stage.world().meanwhile("DeleteParameters", FAR, |world| assert!(world.has(NEAR, "/a")));
    let outcome = stage.sweep().await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Created, 1), (OutcomeKind::Recreated, 1)]);

    let stage = retyped(BOTH, "StringList").await;
    stage.world().take(NEAR, "/a");
    stage.world().refused.push(("PutParameter", NEAR, "AccessDeniedException", String::new()));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Failed, 2)]);
    assert_eq!(stage.calls("DeleteParameters", FAR), 0);
}

#[tokio::test(start_paused = true)]
async fn no_target_loses_its_replica_while_another_cannot_be_read() {
    let stage = retyped(BOTH, "StringList").await;
    stage.world().refused.push(("DescribeParameters", FAR, "AccessDeniedException", String::new()));
    for outcome in [stage.sweep().await, stage.named("/a").await] {
        let expected = [at(NEAR, FailureKind::AccessDenied), at(FAR, FailureKind::AccessDenied)];
        assert_eq!(failures(&outcome), expected, "{:?}", outcome.failures);
    }
    assert_eq!(stage.calls("DeleteParameters", ""), 0);
    stage.world().refused.clear();
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Recreated, 2)]);
}
