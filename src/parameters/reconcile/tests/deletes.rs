//! The one way to a deletion: what is lost, refused, or moved around its call.

use super::store::{NEAR, SOURCE, Stage};
use super::*;

/// Replicas of which all but `/stays` have lost their sources.
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
async fn a_delete_whose_answer_is_lost_is_not_sent_again_for_what_is_gone() {
    let stage = orphans(&["/a", "/b"]).await;
    stage.world().lost_deletes = 1;
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 1), (OutcomeKind::Deleted, 2)]);
    assert_eq!(stage.calls("DeleteParameters", NEAR), 1);
}

#[tokio::test(start_paused = true)]
async fn what_another_writer_created_after_a_lost_delete_stays() {
    let stage = orphans(&["/a", "/b"]).await;
    stage.world().lost_deletes = 1;
    // Between the lost answer and the next look.
    stage.world().after_delete = Some(Box::new(|world| world.put(NEAR, "/a", "precious")));
    let sweep = stage.sweep().await;
    assert_eq!(stage.world().of(NEAR, "/a").value, "precious");
    assert!(!stage.world().has(NEAR, "/b"));
    assert_eq!(stage.calls("DeleteParameters", NEAR), 1);
    assert_eq!(sweep.parameters.get(OutcomeKind::Deleted), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_was_not_carried_out_is_proved_and_sent_once_more() {
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
async fn a_refused_call_of_several_names_is_taken_apart() {
    let stage = orphans(&["/a", "/b", "/c"]).await;
    stage.world().refuses_deletes_together = true;
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 1), (OutcomeKind::Deleted, 3)]);
    assert_eq!(stage.calls("DeleteParameters", NEAR), 4);
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_that_is_due_is_not_deleted_without_a_new_look() {
    let mut stage = orphans(&["/a"]).await;
    stage.rules.lifts_brake = false;
    stage.rules.delete_grace_days = 1;
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Tombstoned), 1);
    tokio::time::advance(Duration::from_hours(48)).await;
    // Its source comes back behind the list.
    stage.world().freeze_list(SOURCE);
    stage.world().put(SOURCE, "/a", "2");
    let sweep = stage.sweep().await;
    assert_eq!(sweep.parameters.get(OutcomeKind::Deleted), 0);
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
    assert_eq!(stage.calls("DeleteParameters", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_vanishes_before_its_call_is_no_failure_of_its_neighbours() {
    let stage = orphans(&["/a", "/b"]).await;
    stage.world().meanwhile("DeleteParameters", NEAR, |world| world.take(NEAR, "/a"));
    let sweep = stage.sweep().await;
    let expected = [OutcomeKind::InSync, OutcomeKind::Deleted, OutcomeKind::Absent];
    assert_eq!(counts(&sweep), expected.map(|outcome| (outcome, 1)));
    assert_eq!(told(&sweep), []);
}
