//! The brake: the day's allowance, tombstones, and sources that are all gone.

use std::sync::Arc;

use super::stage::Stage;
use super::world::{NEAR, SOURCE};
use super::*;
use crate::allowances::Allowances;
use crate::aws::fake::{FakeAws, json_error};
use crate::table::Table;

const DAY: Duration = Duration::from_hours(24);

/// A stage with the brake in force and this number of replicas.
async fn stage(replicas: usize) -> (Stage, Vec<String>) {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    stage.policy.lifts_brake = false;
    let names: Vec<String> = (0..replicas).map(|n| format!("/{n:03}")).collect();
    for name in &names {
        stage.world().put(SOURCE, name, "1");
    }
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, replicas as u64)]);
    (stage, names)
}

fn take(stage: &Stage, names: &[String]) {
    for name in names {
        stage.world().take(SOURCE, name);
    }
}

async fn events(stage: &mut Stage, names: &[String]) -> AccountOutcome {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.events_of_deletions(&names).await
}

#[tokio::test(start_paused = true)]
async fn a_day_has_one_allowance_for_all_batches_of_events() {
    let (mut stage, names) = stage(100).await;
    let mut deleted = 0;
    for batch in names[..12].chunks(3) {
        take(&stage, batch);
        let outcome = events(&mut stage, batch).await;
        deleted += outcome.parameters.get(OutcomeKind::Deleted);
        if batch[0] == "/009" {
            assert_eq!(outcome.parameters.get(OutcomeKind::Tombstoned), 2);
            assert_eq!(
                failures(&outcome),
                std::array::from_fn::<_, 2, _>(|_| at(NEAR, FailureKind::TooManyDeletes))
            );
            let cause = &outcome.failures[0].cause;
            assert!(cause.message.contains("with a tombstone until 2026-"), "{}", cause.message);
        } else {
            assert_eq!(failures(&outcome), []);
        }
    }
    assert_eq!(deleted, 10);
    // The same event again on the next day: the tombstones stay.
    tokio::time::advance(DAY).await;
    let again = events(&mut stage, &names[9..12]).await;
    assert_eq!(counts(&again), [(OutcomeKind::Tombstoned, 2), (OutcomeKind::Absent, 1)]);
    // Due tombstones are deleted outside the allowance.
    stage.policy.max_deletes = MaxDeletes::Count(1);
    tokio::time::advance(7 * DAY).await;
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 88), (OutcomeKind::Deleted, 2)]);
    assert_eq!(failures(&sweep), []);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_of_a_sweep_waits_for_its_grace_and_recovers_with_its_source() {
    let (mut stage, names) = stage(20).await;
    stage.policy.delete_grace_days = 1;
    take(&stage, &names[..9]);
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 11), (OutcomeKind::Tombstoned, 9)]);
    assert_eq!(failures(&sweep), []);
    assert!(stage.world().of(NEAR, "/000").tags[PROVENANCE_KEY].ends_with(" by=list"));
    stage.world().put(SOURCE, &names[0], "1");
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Tombstoned), 8);
    assert!(!stage.world().of(NEAR, "/000").tags[PROVENANCE_KEY].contains("gone="));
    // A late witness deletes at once.
    let late = events(&mut stage, &names[1..2]).await;
    assert_eq!(counts(&late), [(OutcomeKind::Deleted, 1)]);
    tokio::time::advance(DAY).await;
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 12), (OutcomeKind::Deleted, 7)]);
}

#[tokio::test(start_paused = true)]
async fn a_payload_is_no_witness() {
    let (mut stage, names) = stage(3).await;
    stage.policy.delete_grace_days = 1;
    take(&stage, &names[..1]);
    assert_eq!(counts(&stage.named("/000").await), [(OutcomeKind::Tombstoned, 1)]);
    tokio::time::advance(2 * DAY).await;
    // Only a sweep that does not find the source deletes a due tombstone.
    assert_eq!(counts(&stage.named("/000").await), [(OutcomeKind::Tombstoned, 1)]);
    assert!(stage.world().has(NEAR, "/000"));
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Deleted), 1);
}

#[tokio::test(start_paused = true)]
async fn if_every_source_is_gone_without_a_witness_an_operator_must_confirm() {
    for (replicas, grace) in [(1, 0), (7, 0), (30, 1)] {
        let (mut stage, names) = stage(replicas).await;
        stage.policy.delete_grace_days = grace;
        take(&stage, &names);
        for _ in 0..3 {
            let sweep = stage.sweep().await;
            assert_eq!(counts(&sweep), [(OutcomeKind::Held, replicas as u64)]);
            assert_eq!(sweep.failures.len(), replicas, "the report names each");
            let cause = &sweep.failures[0].cause;
            assert_eq!(cause.kind, FailureKind::TooManyDeletes);
            let remedy = "hubctl sweep --account 111122223333 --route us-east-2=us-east-1 --max-deletes 100%";
            assert!(cause.remedy().contains(remedy), "{}", cause.remedy());
            tokio::time::advance(2 * DAY).await;
        }
        assert_eq!(stage.calls("AddTagsToResource", NEAR), 0);
        stage.policy.max_deletes = MaxDeletes::Percent(100);
        assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Held, replicas as u64)]);
        stage.policy.lifts_brake = true;
        stage.policy.allowances = <_>::default();
        let deleted = stage.sweep().await;
        assert_eq!(counts(&deleted), [(OutcomeKind::Deleted, replicas as u64)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_witness_an_existing_source_or_one_that_the_list_omits_rules_out_mass_absence() {
    let (mut stage, names) = stage(4).await;
    take(&stage, &names);
    let witnessed = events(&mut stage, &names).await;
    assert_eq!(counts(&witnessed), [(OutcomeKind::Deleted, 4)]);
    let (stage, names) = self::stage(4).await;
    take(&stage, &names[1..]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1), (OutcomeKind::Deleted, 3)]);
    let (stage, names) = self::stage(4).await;
    let listed = stage.world().held[SOURCE].clone();
    take(&stage, &names);
    stage.world().freeze_list(SOURCE);
    stage.world().held.insert(SOURCE.to_owned(), listed);
    take(&stage, &names[1..]);
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 1), (OutcomeKind::Deleted, 3)]);
}

/// The allowance is counted in a table to which every call is refused.
#[tokio::test(start_paused = true)]
async fn if_the_table_does_not_answer_an_orphan_gets_a_tombstone_and_a_replica_keeps_its_form() {
    let (mut stage, names) = stage(20).await;
    let refused = FakeAws::new(|_| json_error(400, "AccessDeniedException"));
    let table = Table::new(refused.connect(|_| ()).await, "hub", "spoke");
    stage.policy.allowances = Arc::new(Allowances::of_table(table));
    take(&stage, &names[..2]);
    let outcome = events(&mut stage, &names[..2]).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Tombstoned, 2)]);
    let cause = &outcome.failures[0].cause;
    assert_eq!(cause.kind, FailureKind::AccessDenied, "{cause}");
    assert!(cause.message.contains("cannot count today's deletions in us-east-1"), "{cause}");
    assert!(cause.message.contains("dynamodb:GetItem"), "{cause}");
    // The same events again find the tombstones, and nothing fails.
    let again = events(&mut stage, &names[..2]).await;
    assert_eq!((counts(&again), again.failures.len()), (vec![(OutcomeKind::Tombstoned, 2)], 0));
    stage.world().retype(SOURCE, &names[2], "StringList", "2");
    let sweep = stage.sweep().await;
    assert_eq!(sweep.parameters.get(OutcomeKind::Failed), 1, "{:?}", counts(&sweep));
    assert_eq!(stage.world().of(NEAR, &names[2]).kind, "String");
    assert_eq!(stage.calls("DeleteParameters", NEAR), 0);
    // A due tombstone is outside the allowance.
    tokio::time::advance(8 * DAY).await;
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Deleted), 2);
}

#[tokio::test(start_paused = true)]
async fn zero_means_never_and_is_not_a_failure() {
    let (mut stage, names) = stage(8).await;
    stage.policy.max_deletes = MaxDeletes::Count(0);
    take(&stage, &names[..2]);
    let held = (OutcomeKind::Held, 2);
    assert_eq!(counts(&events(&mut stage, &names[..2]).await), [held]);
    for lifts_brake in [false, true] {
        stage.policy.lifts_brake = lifts_brake;
        let sweep = stage.sweep().await;
        assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 6), held]);
        assert_eq!(failures(&sweep), []);
    }
    assert_eq!(stage.calls("DeleteParameters", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_delete_uses_no_allowance() {
    let (mut stage, names) = stage(20).await;
    take(&stage, &names[..5]);
    let refusal = ("DeleteParameters", NEAR, "AccessDeniedException", String::new());
    stage.world().refused.push(refusal);
    assert_eq!(counts(&events(&mut stage, &names[..5]).await), [(OutcomeKind::Failed, 5)]);
    stage.world().refused.clear();
    assert_eq!(counts(&events(&mut stage, &names[..5]).await), [(OutcomeKind::Deleted, 5)]);
    take(&stage, &names[5..6]);
    assert_eq!(counts(&events(&mut stage, &names[5..6]).await), [(OutcomeKind::Tombstoned, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_each_deletion_and_uses_no_allowance() {
    let (mut stage, names) = stage(20).await;
    take(&stage, &names[..7]);
    stage.policy.writing = Writing::PlanOnly;
    for _ in 0..2 {
        let plan = stage.sweep().await;
        let of = |change| plan.steps.iter().filter(|step| step.change == change).count();
        assert_eq!((of(Change::Delete), of(Change::Tombstone)), (5, 2));
    }
    stage.policy.writing = Writing::Apply;
    let sweep = stage.sweep().await;
    assert_eq!(sweep.parameters.get(OutcomeKind::Deleted), 5);
    assert_eq!(sweep.parameters.get(OutcomeKind::Tombstoned), 2);
}

#[tokio::test(start_paused = true)]
async fn a_replica_with_a_foreign_change_does_not_hide_a_mass_absence() {
    let (stage, names) = stage(6).await;
    stage.world().put(NEAR, &names[0], "theirs");
    take(&stage, &names);
    let sweep = stage.sweep().await;
    assert_eq!(counts(&sweep), [(OutcomeKind::Held, 5), (OutcomeKind::Conflict, 1)]);
    assert_eq!(stage.calls("DeleteParameters", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_type_counts_as_a_deletion() {
    for (max_deletes, is_failure) in [(MaxDeletes::Count(0), false), (MaxDeletes::Count(1), true)] {
        let (mut stage, names) = stage(3).await;
        stage.policy.max_deletes = MaxDeletes::Count(1);
        take(&stage, &names[..1]);
        assert_eq!(counts(&events(&mut stage, &names[..1]).await), [(OutcomeKind::Deleted, 1)]);
        stage.policy.max_deletes = max_deletes;
        stage.world().retype(SOURCE, &names[1], "StringList", "2");
        let sweep = stage.sweep().await;
        assert_eq!(counts(&sweep), [(OutcomeKind::InSync, 1), (OutcomeKind::Held, 1)]);
        assert_eq!(sweep.failures.len(), usize::from(is_failure));
        assert_eq!(stage.world().of(NEAR, &names[1]).kind, "String");
        // The next day has a new allowance.
        tokio::time::advance(DAY).await;
        let next = stage.sweep().await;
        assert_eq!(next.parameters.get(OutcomeKind::Recreated), u64::from(is_failure));
    }
}
