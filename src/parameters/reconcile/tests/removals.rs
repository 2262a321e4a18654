//! Replicas that are adopted, kept with a tombstone, deleted or released.

use super::stage::Stage;
use super::world::{NEAR, SOURCE};
use super::*;

#[tokio::test(start_paused = true)]
async fn an_adopted_replica_is_released_whatever_the_lists_show() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().freeze_tags(NEAR);
    stage.add_provenance(NEAR, "/a", " adopted=1");
    stage.world().take(SOURCE, "/a");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Retagged, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").tags, released());
    stage.world().tagged.clear();
    assert_eq!(counts(&stage.sweep().await), []);
    assert_eq!(counts(&stage.named("/a").await), [(OutcomeKind::Absent, 1)]);
    assert!(stage.world().has(NEAR, "/a"));
}

#[tokio::test(start_paused = true)]
async fn an_equal_parameter_is_adopted_and_one_with_a_different_value_is_a_conflict() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    for (name, theirs) in [("/same", "1"), ("/other", "2")] {
        stage.world().put(SOURCE, name, "1");
        stage.world().put(NEAR, name, theirs);
    }
    let before = stage.world().of(NEAR, "/other").clone();
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Conflict, 2)]);
    stage.policy.on_conflict = OnConflict::Adopt;
    let one_each = [(OutcomeKind::Updated, 1), (OutcomeKind::Conflict, 1)];
    assert_eq!(counts(&stage.sweep().await), one_each);
    let one_each = [(OutcomeKind::InSync, 1), (OutcomeKind::Conflict, 1)];
    assert_eq!(counts(&stage.sweep().await), one_each);
    assert_eq!(*stage.world().of(NEAR, "/other"), before);
    assert_eq!(stage.calls("PutParameter", NEAR), 1, "the hub writes the value once more");
    // A later change of the source is written, and the replica stays adopted.
    stage.world().put(SOURCE, "/same", "3");
    stage.sweep().await;
    assert_eq!(stage.world().of(NEAR, "/same").value, "3");
    stage.world().take(SOURCE, "/same");
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Retagged), 1);
    assert_eq!(stage.world().of(NEAR, "/same").tags, released());
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_is_written_once_removed_with_its_sources_return_and_deleted_when_due() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    stage.policy.lifts_brake = false;
    stage.policy.delete_grace_days = 30;
    for name in ["/back", "/same", "/gone", "/stays"] {
        stage.world().put(SOURCE, name, "1");
    }
    stage.sweep().await;
    let sources = stage.world().held[SOURCE].clone();
    for name in ["/back", "/same", "/gone"] {
        stage.world().take(SOURCE, name);
    }
    let outcome = stage.sweep().await;
    let kept = vec![(OutcomeKind::InSync, 1), (OutcomeKind::Tombstoned, 3)];
    assert_eq!((counts(&outcome), outcome.changed), (kept.clone(), true));
    let written = stage.calls("AddTagsToResource", NEAR);
    let outcome = stage.sweep().await;
    assert_eq!((counts(&outcome), outcome.changed), (kept, false));
    assert_eq!(counts(&stage.named("/gone").await), [(OutcomeKind::Tombstoned, 1)]);
    assert_eq!(stage.calls("AddTagsToResource", NEAR), written);

    stage.world().put(SOURCE, "/back", "2");
    // The source returns with the same version, as after a list that lagged.
    stage
        .world()
        .held
        .get_mut(SOURCE)
        .map(|held| held.insert("same".into(), sources["same"].clone()));
    let outcome = stage.sweep().await;
    let each =
        [OutcomeKind::InSync, OutcomeKind::Updated, OutcomeKind::Retagged, OutcomeKind::Tombstoned];
    assert_eq!(counts(&outcome), each.map(|kind| (kind, 1)));
    for name in ["/back", "/same"] {
        assert!(!stage.world().of(NEAR, name).tags[PROVENANCE_KEY].contains("gone="), "{name}");
    }
    tokio::time::advance(Duration::from_hours(30 * 24 - 1)).await;
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Tombstoned), 1);
    tokio::time::advance(Duration::from_hours(1)).await;
    let outcome = stage.sweep().await;
    assert_eq!(counts(&outcome), [(OutcomeKind::InSync, 3), (OutcomeKind::Deleted, 1)]);
    assert!(!stage.world().has(NEAR, "/gone"));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_returns_while_its_tombstone_is_written_is_written_again() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    stage.policy.lifts_brake = false;
    stage.policy.delete_grace_days = 1;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().put(SOURCE, "/stays", "1");
    stage.sweep().await;
    stage.world().take(SOURCE, "/a");
    stage.world().meanwhile("AddTagsToResource", NEAR, |world| world.put(SOURCE, "/a", "2"));
    stage.sweep().await;
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_follows_the_tag_that_asks_for_its_removal() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    let removal = ("failover-replicator".to_owned(), "remove".to_owned());
    stage.world().of(SOURCE, "/a").tags.extend([removal.clone()]);
    // The owner removes the tag between the two reads: nothing is deleted.
    stage.world().meanwhile("GetParameters", SOURCE, |world| {
        world.of(SOURCE, "/a").tags.clear();
    });
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 2)]);
    stage.world().of(SOURCE, "/a").tags.extend([removal]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 2)]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Excluded, 2)]);
    assert_eq!(counts(&stage.named("/a").await), [(OutcomeKind::Excluded, 2)]);
    stage.world().of(SOURCE, "/a").tags.clear();
    assert_eq!(counts(&stage.named("/a").await), [(OutcomeKind::Created, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_deleted_during_a_retag_is_created_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().of(SOURCE, "/a").tags.insert("team".to_owned(), "x".to_owned());
    stage.world().meanwhile("AddTagsToResource", NEAR, |world| world.take(NEAR, "/a"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_source_is_confirmed_once_for_all_targets_of_its_deleted_replicas() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().take(SOURCE, "/a");
    let before = stage.calls("GetParameters", SOURCE);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 2)]);
    assert_eq!(stage.calls("GetParameters", SOURCE) - before, 3);
}
