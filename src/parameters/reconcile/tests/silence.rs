//! Answers without their member state nothing: neither that a parameter is absent nor that it has no tags.

use super::stage::Stage;
use super::world::{NEAR, SOURCE};
use super::*;

/// A changed source, a changed source with an opt-out, a replica that another writer changed, and an orphan.
async fn stage() -> Stage {
    let stage = Stage::new("us-east-2=us-east-1").await;
    for name in ["/moves", "/excluded", "/changed", "/gone"] {
        stage.world().put(SOURCE, name, "1");
        stage.world().of(SOURCE, name).tags.insert("team".to_owned(), "shop".to_owned());
    }
    stage.sweep().await;
    stage.world().put(SOURCE, "/moves", "2");
    stage.world().put(SOURCE, "/excluded", "2");
    let opt_out = (EXCLUDE_TAG.to_owned(), "exclude".to_owned());
    stage.world().of(SOURCE, "/excluded").tags.extend([opt_out]);
    stage.world().put(NEAR, "/changed", "theirs");
    stage.world().take(SOURCE, "/gone");
    stage
}

fn assert_harmless(stage: &Stage, outcome: &AccountOutcome, region: &str, what: &str) {
    let expected = at(region, FailureKind::Unavailable);
    assert!(failures(outcome).contains(&expected), "{what}: {:?}", outcome.failures);
    for name in ["/excluded", "/moves", "/changed"] {
        assert!(stage.world().of(NEAR, name).tags.contains_key("team"), "{what}: {name}");
        assert!(stage.world().of(NEAR, name).tags.contains_key(MARK_KEY), "{what}: {name}");
    }
    assert_eq!(stage.world().of(NEAR, "/excluded").value, "1", "{what}");
    assert_eq!(stage.world().of(NEAR, "/changed").value, "theirs", "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_list_without_its_member_is_a_failed_list_in_both_regions() {
    for region in [SOURCE, NEAR] {
        for operation in ["DescribeParameters", "GetResources"] {
            let stage = stage().await;
            let before = stage.world().held[NEAR].clone();
            stage.world().silent.push((operation, region, usize::MAX));
            let outcome = stage.sweep().await;
            let what = format!("{operation} in {region}");
            assert_harmless(&stage, &outcome, region, &what);
            // Without the target's list every source fails; without the source's list nothing is known.
            let failed = u64::from(region == NEAR) * 3;
            assert_eq!(outcome.parameters.get(OutcomeKind::Failed), failed, "{what}");
            assert_eq!(outcome.parameters.total(), failed, "{what}");
            assert_eq!(stage.world().held[NEAR], before, "{what}");
            assert!(outcome.failures[0].cause.message.contains(operation), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_absent_only_if_the_answer_states_it() {
    for region in [SOURCE, NEAR] {
        let stage = stage().await;
        stage.world().silent.push(("GetParameters", region, usize::MAX));
        for outcome in [stage.sweep().await, stage.named("/gone").await] {
            assert_harmless(&stage, &outcome, region, region);
            let expected = "GetParameters gave no answer in 111122223333/";
            let says_so = |failure: &Failure| failure.cause.message.contains(expected);
            assert!(outcome.failures.iter().any(says_so), "{:?}", outcome.failures);
        }
        assert!(stage.world().has(NEAR, "/gone"), "{region}");
        assert_eq!(stage.calls("DeleteParameters", NEAR), 0, "{region}");
    }
}

#[tokio::test(start_paused = true)]
async fn tags_come_from_the_tagging_api_if_ssm_gives_no_answer_and_fail_otherwise() {
    for region in [SOURCE, NEAR] {
        let stage = stage().await;
        stage.world().silent.push(("ListTagsForResource", region, usize::MAX));
        let outcome = stage.sweep().await;
        assert_eq!(outcome.parameters.get(OutcomeKind::Updated), 1, "{:?}", outcome.failures);
        assert_eq!(outcome.parameters.get(OutcomeKind::Excluded), 1);
        assert_eq!(stage.world().of(NEAR, "/moves").value, "2");
        assert_eq!(stage.world().of(NEAR, "/excluded").value, "1");

        let stage = self::stage().await;
        stage.world().silent.push(("ListTagsForResource", region, usize::MAX));
        stage.world().silent.push(("GetResources", region, usize::MAX));
        for name in ["/excluded", "/moves"] {
            let outcome = stage.named(name).await;
            assert_harmless(&stage, &outcome, region, name);
            assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)], "{name} {region}");
            assert_eq!(stage.world().of(NEAR, name).value, "1", "{name} {region}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_history_without_its_member_decides_nothing() {
    let stage = stage().await;
    stage.world().silent.push(("GetParameterHistory", NEAR, usize::MAX));
    let outcome = stage.sweep().await;
    assert_harmless(&stage, &outcome, NEAR, "a history");
    stage.world().silent.clear();
    assert_eq!(stage.sweep().await.parameters.get(OutcomeKind::Conflict), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_one_empty_answer_is_repeated_without_harm() {
    for region in [SOURCE, NEAR] {
        for operation in [
            "DescribeParameters",
            "GetResources",
            "GetParameters",
            "ListTagsForResource",
            "GetParameterHistory",
        ] {
            let stage = stage().await;
            stage.world().silent.push((operation, region, 1));
            let outcome = stage.sweep().await;
            let expected = [
                (OutcomeKind::Updated, 1),
                (OutcomeKind::Deleted, 1),
                (OutcomeKind::Conflict, 1),
                (OutcomeKind::Excluded, 1),
            ];
            let what = format!("{operation} in {region}: {:?}", outcome.failures);
            assert_eq!(counts(&outcome), expected, "{what}");
        }
    }
}
