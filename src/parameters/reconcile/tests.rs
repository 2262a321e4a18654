//! The loop, tested with a Parameter Store in memory.

mod brake;
mod deletes;
mod interleavings;
mod lists;
mod recreation;
mod removals;
mod silence;
mod stage;
mod value_overrides;
mod world;

use std::time::Duration;

use self::stage::Stage;
use self::world::{FAR, NEAR, SOURCE};
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

/// The Region and kind of each failure.
fn failures(outcome: &AccountOutcome) -> Vec<(String, FailureKind)> {
    let place = |failure: &Failure| failure.region.clone().map(|region| region.to_string());
    let mut failures: Vec<(String, FailureKind)> = outcome
        .failures
        .iter()
        .map(|failure| (place(failure).unwrap_or_default(), failure.cause.kind))
        .collect();
    failures.sort_unstable();
    failures
}

/// The tags of a released replica whose source had no tags.
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
async fn a_source_that_changes_during_the_copy_is_written_again() {
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
    assert_eq!(failures(&outcome), [at(NEAR, FailureKind::AccessDenied)]);
    stage.world().refused.clear();
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 1)]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_update_during_which_both_are_deleted_leaves_nothing_behind() {
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
async fn an_update_during_which_the_replica_is_deleted_creates_it_with_all_tags() {
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
async fn a_failed_confirmation_is_reported_for_the_region_of_the_read() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().meanwhile("PutParameter", NEAR, |world| {
        let refusal = ("GetParameters", SOURCE, "AccessDeniedException", String::new());
        world.refused.push(refusal);
    });
    let outcome = stage.sweep().await;
    assert_eq!(failures(&outcome), [at(SOURCE, FailureKind::AccessDenied)]);
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn tags_that_do_not_fit_are_reported_for_the_source_in_every_sweep() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    let tags = (0..50).map(|n| (format!("k{n:02}"), String::new()));
    stage.world().of(SOURCE, "/a").tags.extend(tags);
    for _ in 0..2 {
        let outcome = stage.sweep().await;
        assert_eq!(failures(&outcome), [at(SOURCE, FailureKind::Limit)]);
        assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)]);
    }
    assert_eq!(stage.world().of(NEAR, "/a").tags.len(), 50);
    assert_eq!(stage.calls("AddTagsToResource", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn a_changed_type_deletes_the_replica_and_creates_it_half_a_minute_later() {
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
async fn a_recreation_does_not_begin_without_enough_time() {
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
async fn an_interrupted_recreation_leaves_a_missing_replica_that_the_next_sweep_creates() {
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
async fn a_value_override_applies_to_its_target_alone() {
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
async fn a_message_that_quotes_the_value_is_withheld_and_every_other_is_shown_in_full() {
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
        let mut planned: Vec<_> =
            steps.iter().map(|step| (step.item.name(), step.change)).collect();
        planned.sort_unstable();
        let expected = [
            ("/comes", Change::Create),
            ("/goes", Change::Delete),
            ("/moves", Change::Update),
            ("/tagged", Change::Retag),
        ];
        assert_eq!(planned, expected);
    }
    assert_eq!(writes(&stage), before);
}
