//! Values that one parameter lends another, over the store in memory: consent as the lists show it, as it is read by name,
//! and as it changes during a write.

use super::store::{FAR, NEAR, SOURCE, Stage};
use super::{at, counts, told};
use crate::domain::{FailureKind, OutcomeKind};

/// The tag by which a parameter lends its value.
fn lends_to(names: &str) -> (String, String) {
    ("failover-replicator:lends-to".to_owned(), names.to_owned())
}

/// `/a` takes its value from `/lender`, whose owner consents and whose value is `1`, and has a replica.
async fn lent() -> Stage {
    let stage = Stage::new("us-east-2=us-east-1").await;
    for (name, value) in [("/a", "own"), ("/lender", "1")] {
        stage.world().put(SOURCE, name, value);
    }
    let tag = ("failover-replicator:value-from".to_owned(), "/lender".to_owned());
    stage.world().of(SOURCE, "/a").tags.extend([tag]);
    stage.world().of(SOURCE, "/lender").tags.extend([lends_to("/a")]);
    stage.sweep().await;
    assert_eq!(stage.world().of(NEAR, "/a").value, "1");
    stage
}

#[tokio::test(start_paused = true)]
async fn consent_that_ends_is_seen_by_the_next_sweep_and_by_name_and_the_replica_stays() {
    let stage = lent().await;
    let replica = stage.world().of(NEAR, "/a").clone();
    stage.world().of(SOURCE, "/lender").tags.clear();
    let writes = stage.calls("PutParameter", NEAR);
    for by_name in [false, true] {
        let outcome = if by_name { stage.named("/a").await } else { stage.sweep().await };
        assert_eq!(told(&outcome), [at(SOURCE, FailureKind::Invalid)], "by name: {by_name}");
        assert_eq!(*stage.world().of(NEAR, "/a"), replica);
    }
    // The owner writes on, and it changes nothing of it.
    stage.world().put(SOURCE, "/lender", "2");
    assert_eq!(told(&stage.sweep().await), [at(SOURCE, FailureKind::Invalid)]);
    assert_eq!(*stage.world().of(NEAR, "/a"), replica);
    assert_eq!(stage.calls("PutParameter", NEAR), writes + 1, "the lender's own replica");
    stage.world().of(SOURCE, "/lender").tags.extend([lends_to("/a")]);
    assert_eq!(told(&stage.sweep().await), []);
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
}

#[tokio::test(start_paused = true)]
async fn consent_is_read_by_name_before_a_write_whatever_the_lists_show() {
    let stage = lent().await;
    // The Tagging API still shows the consent.
    stage.world().freeze_tags(SOURCE);
    stage.world().of(SOURCE, "/lender").tags.clear();
    stage.world().put(SOURCE, "/lender", "2");
    assert_eq!(told(&stage.sweep().await), [at(SOURCE, FailureKind::Invalid)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "1");
    // It does not show it yet, and what was written lately is looked at by name.
    stage.world().tagged.clear();
    stage.world().freeze_tags(SOURCE);
    stage.world().of(SOURCE, "/lender").tags.extend([lends_to("/a")]);
    stage.world().put(SOURCE, "/lender", "3");
    assert_eq!(told(&stage.sweep().await), []);
    assert_eq!(stage.world().of(NEAR, "/a").value, "3");
}

#[tokio::test(start_paused = true)]
async fn consent_that_ends_during_a_write_is_reported_by_the_same_run() {
    let stage = lent().await;
    stage.world().put(SOURCE, "/lender", "2");
    stage.world().meanwhile("PutParameter", NEAR, |world| {
        world.of(SOURCE, "/lender").tags.clear();
    });
    assert_eq!(told(&stage.named("/a").await), [at(SOURCE, FailureKind::Invalid)]);
}

#[tokio::test(start_paused = true)]
async fn a_lender_is_read_once_for_all_borrowers_of_a_chunk() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/lender", "1");
    stage.world().of(SOURCE, "/lender").tags.extend([lends_to("/team/")]);
    stage.sweep().await;
    for name in ["/team/a", "/team/b", "/team/c"] {
        stage.world().put(SOURCE, name, "own");
        let tag = ("failover-replicator:value-from".to_owned(), "lender".to_owned());
        stage.world().of(SOURCE, name).tags.extend([tag]);
    }
    let before =
        (stage.calls("ListTagsForResource", SOURCE), stage.calls("DescribeParameters", SOURCE));
    assert_eq!(told(&stage.sweep().await), []);
    for name in ["/team/a", "/team/b", "/team/c"] {
        assert_eq!(stage.world().of(FAR, name).value, "1");
    }
    let tags = stage.calls("ListTagsForResource", SOURCE) - before.0;
    assert_eq!(tags, 2 * 3 + 2, "each borrower's twice, the lender's twice");
    let lists = stage.calls("DescribeParameters", SOURCE) - before.1;
    assert_eq!(lists, 1, "the sweep's own list shows the lender's attributes");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_parameter_that_lends_its_value_reaches_those_that_take_it() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    for (name, value) in [("/a", "own"), ("/lender", "1")] {
        stage.world().put(SOURCE, name, value);
    }
    let tag = ("failover-replicator:value-from".to_owned(), "lender".to_owned());
    stage.world().of(SOURCE, "/a").tags.extend([tag]);
    stage.world().of(SOURCE, "/lender").tags.extend([lends_to("/a")]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 2)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "1");
    stage.world().put(SOURCE, "/lender", "2");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 2)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
    // It moves while its value is on the way.
    stage.world().put(SOURCE, "/lender", "3");
    stage.world().meanwhile("PutParameter", NEAR, |world| world.put(SOURCE, "/lender", "4"));
    stage.named("/a").await;
    assert_eq!(stage.world().of(NEAR, "/a").value, "4");
    stage.world().take(SOURCE, "/lender");
    assert_eq!(told(&stage.named("/a").await), [at(SOURCE, FailureKind::Invalid)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "4");
}
