//! The loop over the store in memory.

mod brake;
mod deletes;
mod interleavings;
mod recreation;
mod silence;
mod store;
mod value_overrides;

use std::time::Duration;

use self::store::{FAR, NEAR, SOURCE, Stage};
use super::*;
use crate::deadline::Deadline;
use crate::domain::{
    Change, EXCLUDE_TAG, Failure, FailureKind, MARK_KEY, MARK_VALUE, PROVENANCE_KEY, Tags,
    TrustedWriters,
};
use crate::run_policy::Writing;
use crate::settings::{MaxDeletes, OnConflict};

fn counts(outcome: &AccountOutcome) -> Vec<(OutcomeKind, u64)> {
    outcome.parameters.iter().collect()
}

/// Where to look, and for what.
fn told(outcome: &AccountOutcome) -> Vec<(String, FailureKind)> {
    let place = |failure: &Failure| failure.region.clone().map(|region| region.to_string());
    let mut told: Vec<(String, FailureKind)> = outcome
        .failures
        .iter()
        .map(|failure| (place(failure).unwrap_or_default(), failure.cause.kind))
        .collect();
    told.sort_unstable();
    told
}

/// The tags of a replica without tags of its source, once it was released.
fn released() -> Tags {
    Tags::from([(EXCLUDE_TAG.to_owned(), "released".to_owned())])
}

fn at(region: &str, kind: FailureKind) -> (String, FailureKind) {
    (region.to_owned(), kind)
}

#[tokio::test(start_paused = true)]
async fn a_sweep_creates_updates_and_is_then_in_sync() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/a", "1");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 2)]);
    stage.world().put(SOURCE, "/a", "2");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 2)]);
    assert_eq!(stage.world().of(FAR, "/a").value, "2");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 2)]);
    assert_eq!(stage.calls("PutParameter", FAR), 2);
    stage.world().take(SOURCE, "/a");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 2)]);
}

#[tokio::test(start_paused = true)]
async fn without_trust_only_differences_are_written() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().put(SOURCE, "/b", "1");
    stage.sweep().await;
    stage.world().of(NEAR, "/a").value = "corrupt".to_owned();
    stage.policy.trust = false;
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1), (OutcomeKind::Updated, 1)]);
    assert_eq!(stage.calls("PutParameter", NEAR), 3);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_moves_while_it_is_copied_is_written_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().meanwhile("PutParameter", NEAR, |world| world.put(SOURCE, "/a", "2"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
    stage.world().meanwhile("PutParameter", NEAR, |world| world.put(SOURCE, "/a", "4"));
    stage.world().meanwhile("PutParameter", NEAR, |world| world.put(SOURCE, "/a", "5"));
    stage.world().put(SOURCE, "/a", "3");
    let outcome = stage.sweep().await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Pending, 1)]);
    assert!(!outcome.complete);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_provenance_was_refused_is_written_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().put(SOURCE, "/a", "2");
    let refusal = ("AddTagsToResource", NEAR, "AccessDeniedException", String::new());
    stage.world().refused.push(refusal);
    let outcome = stage.sweep().await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)]);
    assert_eq!(told(&outcome), [at(NEAR, FailureKind::AccessDenied)]);
    stage.world().refused.clear();
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 1)]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_meets_the_deletion_of_both_leaves_nothing_behind() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().put(SOURCE, "/a", "2");
    stage.world().meanwhile("PutParameter", NEAR, |world| {
        world.take(SOURCE, "/a");
        world.take(NEAR, "/a");
    });
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 1)]);
    assert!(!stage.world().has(NEAR, "/a"));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_meets_the_replicas_deletion_creates_it_with_all_its_tags() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().of(SOURCE, "/a").tags.insert("team".to_owned(), "shop".to_owned());
    stage.sweep().await;
    stage.world().put(SOURCE, "/a", "2");
    stage.world().meanwhile("PutParameter", NEAR, |world| world.take(NEAR, "/a"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").tags["team"], "shop");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
}

#[tokio::test(start_paused = true)]
async fn what_only_the_lists_show_late_is_not_written_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().freeze_list(NEAR);
    stage.world().freeze_tags(NEAR);
    stage.world().put(SOURCE, "/a", "1");
    stage.named("/a").await;
    // The target's list does not show the replica yet.
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
    stage.world().listed.clear();
    stage.world().tagged.clear();
    stage.world().freeze_list(SOURCE);
    stage.world().put(SOURCE, "/a", "2");
    stage.named("/a").await;
    // The source's list does not show the version that was copied.
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").version, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_confirmed_is_told_where_it_could_not_be_read() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().meanwhile("PutParameter", NEAR, |world| {
        let refusal = ("GetParameters", SOURCE, "AccessDeniedException", String::new());
        world.refused.push(refusal);
    });
    let outcome = stage.sweep().await;
    assert_eq!(told(&outcome), [at(SOURCE, FailureKind::AccessDenied)]);
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn tags_that_do_not_fit_are_told_at_the_source_in_every_sweep() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    let tags = (0..50).map(|n| (format!("k{n:02}"), String::new()));
    stage.world().of(SOURCE, "/a").tags.extend(tags);
    for _ in 0..2 {
        let outcome = stage.sweep().await;
        assert_eq!(told(&outcome), [at(SOURCE, FailureKind::Limit)]);
        assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)]);
    }
    assert_eq!(stage.world().of(NEAR, "/a").tags.len(), 50);
    assert_eq!(stage.calls("AddTagsToResource", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn a_type_that_changed_makes_the_replica_be_deleted_and_created_anew_half_a_minute_later() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/retyped", "1");
    stage.sweep().await;
    stage.world().retype(SOURCE, "/retyped", "StringList", "2");
    let began = tokio::time::Instant::now();
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Recreated, 2)]);
    assert!(began.elapsed() >= Duration::from_mins(1), "one target after the other");
    for region in [NEAR, FAR] {
        let replica = stage.world().of(region, "/retyped").clone();
        assert_eq!((replica.kind.as_str(), replica.value.as_str()), ("StringList", "2"));
        assert_eq!(replica.version, 1);
    }
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_recreation_is_not_begun_without_the_time_for_it() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().retype(SOURCE, "/a", "StringList", "2");
    stage.policy.deadline = Deadline::at(tokio::time::Instant::now() + Duration::from_secs(80));
    let outcome = stage.sweep().await;
    assert_eq!((counts(&outcome), outcome.complete), (vec![(OutcomeKind::Pending, 1)], false));
    assert_eq!(stage.calls("DeleteParameters", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn a_recreation_that_ends_half_way_leaves_a_missing_replica_that_the_next_look_creates() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().retype(SOURCE, "/a", "StringList", "2");
    let cut = tokio::time::timeout(Duration::from_secs(20), stage.sweep()).await;
    assert!(cut.is_err() && !stage.world().has(NEAR, "/a"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").kind, "StringList");
}

#[tokio::test(start_paused = true)]
async fn a_value_that_a_tag_gives_goes_to_its_target_alone() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/a", "own");
    let tag = ("failover-replicator:value/us-west-2".to_owned(), "theirs".to_owned());
    stage.world().of(SOURCE, "/a").tags.extend([tag]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 2)]);
    let value = |region| stage.world().of(region, "/a").value.clone();
    assert_eq!((value(NEAR).as_str(), value(FAR).as_str()), ("own", "theirs"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 2)]);
    stage.world().put(SOURCE, "/a", "later");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 2)]);
    assert_eq!((value(NEAR).as_str(), value(FAR).as_str()), ("later", "theirs"));
    stage.world().of(SOURCE, "/a").tags.clear();
    stage.sweep().await;
    assert_eq!(value(FAR), "later");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_replica_is_let_go_whatever_the_lists_show() {
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
async fn an_equal_parameter_in_the_way_is_adopted_and_one_of_another_value_is_a_conflict() {
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
    assert_eq!(stage.calls("PutParameter", NEAR), 1, "the value once more, by the hub");
    // A later change of the source is written over it, and what was adopted stays so.
    stage.world().put(SOURCE, "/same", "3");
    stage.sweep().await;
    assert_eq!(stage.world().of(NEAR, "/same").value, "3");
    stage.world().take(SOURCE, "/same");
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Retagged), 1);
    assert_eq!(stage.world().of(NEAR, "/same").tags, released());
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_is_written_once_undone_when_the_source_returns_and_deleted_when_due() {
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
    // As if it had never been away: a list that lagged.
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
async fn a_replica_that_its_source_does_not_want_goes_and_comes_back_with_the_tag() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    let wish = ("failover-replicator".to_owned(), "remove".to_owned());
    stage.world().of(SOURCE, "/a").tags.extend([wish.clone()]);
    // The wish is taken back between the two reads of one target's deletion: nothing goes.
    stage.world().meanwhile("GetParameters", SOURCE, |world| {
        world.of(SOURCE, "/a").tags.clear();
    });
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 2)]);
    stage.world().of(SOURCE, "/a").tags.extend([wish]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 2)]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Excluded, 2)]);
    assert_eq!(counts(&stage.named("/a").await), [(OutcomeKind::Excluded, 2)]);
    stage.world().of(SOURCE, "/a").tags.clear();
    assert_eq!(counts(&stage.named("/a").await), [(OutcomeKind::Created, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_somebody_deletes_while_it_is_retagged_goes_round_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().of(SOURCE, "/a").tags.insert("team".to_owned(), "x".to_owned());
    stage.world().meanwhile("AddTagsToResource", NEAR, |world| world.take(NEAR, "/a"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_source_is_confirmed_once_for_all_targets_that_its_replicas_were_deleted_in() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().take(SOURCE, "/a");
    let before = stage.calls("GetParameters", SOURCE);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 2)]);
    assert_eq!(stage.calls("GetParameters", SOURCE) - before, 3);
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_tags_are_not_listed_yet_is_no_source_of_the_opposite_route() {
    let stage = Stage::new("us-east-2=us-east-1;us-east-1=us-east-2").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().tagged.insert(NEAR.to_owned(), BTreeMap::new());
    let outcome = stage.sweep().await;
    assert_eq!(told(&outcome), []);
    assert_eq!(counts(&outcome), [(OutcomeKind::InSync, 1), (OutcomeKind::Skipped, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_predecessors_replica_whose_source_is_not_listed_yet_is_no_conflict() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    stage.policy.writers.trusted = TrustedWriters::Roles(["old-replicator".to_owned()].into());
    stage.world().freeze_list(SOURCE);
    for region in [SOURCE, NEAR] {
        stage.world().put(region, "/a", "1");
        stage.world().of(region, "/a").modified = 1_790_000_000_000;
        stage.world().of(region, "/a").writer =
            "arn:aws:sts::111122223333:assumed-role/old-replicator/handler";
    }
    stage.world().of(NEAR, "/a").tags.insert(MARK_KEY.to_owned(), MARK_VALUE.to_owned());
    let outcome = stage.sweep().await;
    assert_eq!(told(&outcome), []);
    assert_eq!(counts(&outcome), [(OutcomeKind::Updated, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_root_name_is_found_under_either_spelling() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/root", "1");
    assert_eq!(counts(&stage.named("root").await), [(OutcomeKind::Created, 1)]);
    stage.world().of(NEAR, "/root").name = "root".to_owned();
    stage.world().put(SOURCE, "/root", "2");
    assert_eq!(counts(&stage.named("root").await), [(OutcomeKind::Updated, 1)]);
    stage.world().take(SOURCE, "/root");
    assert_eq!(counts(&stage.named("/root").await), [(OutcomeKind::Deleted, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_quotes_the_value_is_withheld_and_others_are_left_whole() {
    let refusal = |value: &str| {
        let message = format!("{value} is not good");
        ("PutParameter", NEAR, "ValidationException", message)
    };
    for value in ["first line\nsecond line".to_owned(), "long".repeat(300)] {
        let stage = Stage::new("us-east-2=us-east-1").await;
        stage.world().put(SOURCE, "/a", &value);
        stage.world().refused.push(refusal(&value));
        let outcome = stage.sweep().await;
        let message = &outcome.failures[0].cause.message;
        assert!(!message.contains("line") && !message.contains("long"), "{message}");
    }
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().refused.push(refusal("something else"));
    let outcome = stage.sweep().await;
    assert_eq!(
        outcome.failures[0].cause.message,
        "ssm:PutParameter was refused in 111122223333/us-east-1: ValidationException: something else is not good"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_writes_nothing() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    for name in ["/stays", "/moves", "/tagged", "/goes"] {
        stage.world().put(SOURCE, name, "1");
    }
    stage.sweep().await;
    stage.world().put(SOURCE, "/moves", "2");
    stage.world().put(SOURCE, "/comes", "1");
    stage.world().of(SOURCE, "/tagged").tags.insert("team".to_owned(), "shop".to_owned());
    stage.world().take(SOURCE, "/goes");
    stage.policy.writing = Writing::PlanOnly;
    let writes = |stage: &Stage| {
        let writes =
            ["PutParameter", "AddTagsToResource", "RemoveTagsFromResource", "DeleteParameters"];
        writes.map(|operation| stage.calls(operation, "")).iter().sum::<usize>()
    };
    let before = writes(&stage);
    for trust in [true, false] {
        stage.policy.trust = trust;
        let steps = stage.sweep().await.steps;
        let mut told: Vec<_> = steps.iter().map(|step| (step.item.name(), step.change)).collect();
        told.sort_unstable();
        let expected = [
            ("/comes", Change::Create),
            ("/goes", Change::Delete),
            ("/moves", Change::Update),
            ("/tagged", Change::Retag),
        ];
        assert_eq!(told, expected);
    }
    assert_eq!(writes(&stage), before);
}
