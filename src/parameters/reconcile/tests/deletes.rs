//! The executor of deletes: lost answers, refusals, and changes around the call.

use super::stage::Stage;
use super::world::{NEAR, SOURCE};
use super::*;

/// Replicas that have lost their sources, beside `/stays`, which has not.
async fn orphans(names: &[&str]) -> Stage {
    let stage = Stage::new("us-east-2=us-east-1").await;
    for name in names.iter().chain(&["/stays"]) {
        stage.world().put(SOURCE, name, "1");
    }
    stage.sweep().await;
    for name in names {
        stage.world().take(SOURCE, name);
    }
    stage
}

#[tokio::test(start_paused = true)]
async fn a_delete_with_a_lost_answer_is_not_repeated_for_a_deleted_replica() {
    let stage = orphans(&["/a", "/b"]).await;
    stage.world().lost_deletes = 1;
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 1), (OutcomeKind::Deleted, 2)]);
    assert_eq!(stage.calls("DeleteParameters", NEAR), 1);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_created_after_a_lost_delete_stays() {
    let stage = orphans(&["/a", "/b"]).await;
    stage.world().lost_deletes = 1;
    // The other writer creates it between the lost answer and the next read.
    stage.world().after_delete = Some(Box::new(|world| world.put(NEAR, "/a", "precious")));
    let sweep = stage.sweep().await;
    assert_eq!(stage.world().of(NEAR, "/a").value, "precious");
    assert!(!stage.world().has(NEAR, "/b"));
    assert_eq!(stage.calls("DeleteParameters", NEAR), 1);
    assert_eq!(sweep.parameters.get(OutcomeKind::Deleted), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_aws_did_not_carry_out_is_checked_and_sent_again() {
    let stage = orphans(&["/a"]).await;
    let failure = ("DeleteParameters", NEAR, "InternalServerError", String::new());
    stage.world().refused.push(failure);
    let sweep = stage.sweep().await;
    assert_eq!(sweep.parameters.get(OutcomeKind::Failed), 1);
    assert_eq!(stage.calls("DeleteParameters", NEAR), 2);
    assert!(stage.world().has(NEAR, "/a"));
    stage.world().refused.clear();
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Deleted), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_of_several_names_is_repeated_for_each_name() {
    let stage = orphans(&["/a", "/b", "/c"]).await;
    stage.world().refuses_deletes_together = true;
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 1), (OutcomeKind::Deleted, 3)]);
    assert_eq!(stage.calls("DeleteParameters", NEAR), 4);
}

#[tokio::test(start_paused = true)]
async fn a_due_tombstone_is_not_deleted_without_a_new_read_of_the_source() {
    let mut stage = orphans(&["/a"]).await;
    stage.policy.lifts_brake = false;
    stage.policy.delete_grace_days = 1;
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Tombstoned), 1);
    tokio::time::advance(Duration::from_hours(48)).await;
    // The source returns, but the list does not show it yet.
    stage.world().freeze_list(SOURCE);
    stage.world().put(SOURCE, "/a", "2");
    let sweep = stage.sweep().await;
    assert_eq!(sweep.parameters.get(OutcomeKind::Deleted), 0);
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
    assert_eq!(stage.calls("DeleteParameters", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_vanishes_before_the_call_fails_no_other_replica() {
    let stage = orphans(&["/a", "/b"]).await;
    stage.world().meanwhile("DeleteParameters", NEAR, |world| world.take(NEAR, "/a"));
    let sweep = stage.sweep().await;
    let expected = [OutcomeKind::InSync, OutcomeKind::Deleted, OutcomeKind::Absent];
    assert_eq!(counts(&sweep), expected.map(|outcome| (outcome, 1)));
    assert_eq!(failures(&sweep), []);
}

#[tokio::test(start_paused = true)]
async fn a_denied_delete_of_a_vanished_replica_is_not_reported_as_missing_rights() {
    let ten = ["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j"];
    for (names, deleted) in [(&ten[..], 9), (&ten[..2], 1), (&ten[..1], 0)] {
        let mut stage = orphans(names).await;
        stage.policy.max_deletes = MaxDeletes::Percent(100);
        stage.world().denies_absent = true;
        stage.world().meanwhile("DeleteParameters", NEAR, |world| world.take(NEAR, "/a"));
        let sweep = stage.sweep().await;
        assert_eq!(failures(&sweep), [], "{names:?}");
        assert_eq!(sweep.parameters.get(OutcomeKind::Deleted), deleted, "{names:?}");
        assert!(ten.iter().all(|name| !stage.world().has(NEAR, name)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_tag_call_for_a_vanished_replica_is_not_reported_either() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    for name in ["/a", "/b"] {
        stage.world().put(SOURCE, name, "1");
        stage.world().of(SOURCE, name).tags.insert("old".into(), "x".into());
    }
    stage.sweep().await;
    stage.world().denies_absent = true;
    for (operation, key) in [("AddTagsToResource", "new"), ("RemoveTagsFromResource", "old")] {
        for name in ["/a", "/b"] {
            let mut world = stage.world();
            let tags = &mut world.of(SOURCE, name).tags;
            if tags.remove(key).is_none() {
                tags.insert(key.into(), "y".into());
            }
        }
        stage.world().meanwhile(operation, NEAR, |world| world.take(NEAR, "/a"));
        let sweep = stage.sweep().await;
        assert_eq!(failures(&sweep), [], "{operation}");
        let created = sweep.parameters.get(OutcomeKind::Created);
        let retagged = sweep.parameters.get(OutcomeKind::Retagged);
        assert_eq!((created, retagged), (1, 1), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_cannot_be_removed_does_not_keep_the_others() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    let tags = |tags: &[&str]| tags.iter().map(|key| ((*key).to_owned(), String::new())).collect();
    stage.world().of(SOURCE, "/a").tags = tags(&["a", "b", "c"]);
    stage.sweep().await;
    stage.world().kept_tags = vec!["b"];
    stage.world().of(SOURCE, "/a").tags = tags(&["d"]);
    for _ in 0..2 {
        let sweep = stage.sweep().await;
        let [failure] = sweep.failures.as_slice() else { panic!("{sweep:?}") };
        assert_eq!(failure.cause.kind, FailureKind::AccessDenied);
        let message = &failure.cause.message;
        assert!(message.contains("ssm:RemoveTagsFromResource"), "{message}");
        assert!(message.contains("(the tags b)"), "{message}");
    }
    let has = |key: &str| stage.world().of(NEAR, "/a").tags.contains_key(key);
    assert_eq!(["a", "b", "c", "d"].map(has), [false, true, false, true]);
    stage.world().kept_tags.clear();
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Retagged, 1)]);
    assert!(!stage.world().of(NEAR, "/a").tags.contains_key("b"));
}
