//! Value overrides that reference another parameter: the consent of its owner as lists show it, as a read by name shows it,
//! and as it changes during a write.

use super::stage::Stage;
use super::world::{FAR, NEAR, SOURCE};
use super::{at, counts, failures};
use crate::domain::{FailureKind, OutcomeKind};

/// The tag with which an owner consents.
fn consent_for(names: &str) -> (String, String) {
    ("failover-replicator:lends-to".to_owned(), names.to_owned())
}

/// `/a`, with a replica, takes its value from `/shared`, whose owner consents and whose value is `1`.
async fn overridden() -> Stage {
    let stage = Stage::new("us-east-2=us-east-1").await;
    for (name, value) in [("/a", "own"), ("/shared", "1")] {
        stage.world().put(SOURCE, name, value);
    }
    let tag = ("failover-replicator:value-from".to_owned(), "/shared".to_owned());
    stage.world().of(SOURCE, "/a").tags.extend([tag]);
    stage.world().of(SOURCE, "/shared").tags.extend([consent_for("/a")]);
    stage.sweep().await;
    assert_eq!(stage.world().of(NEAR, "/a").value, "1");
    stage
}

#[tokio::test(start_paused = true)]
async fn withdrawn_consent_is_seen_by_the_next_sweep_and_by_name_and_the_replica_stays() {
    let stage = overridden().await;
    let replica = stage.world().of(NEAR, "/a").clone();
    stage.world().of(SOURCE, "/shared").tags.clear();
    let writes = stage.calls("PutParameter", NEAR);
    for by_name in [false, true] {
        let outcome = if by_name { stage.named("/a").await } else { stage.sweep().await };
        assert_eq!(failures(&outcome), [at(SOURCE, FailureKind::Invalid)], "by name: {by_name}");
        assert_eq!(*stage.world().of(NEAR, "/a"), replica);
    }
    // Later writes of the referenced parameter do not reach the replica.
    stage.world().put(SOURCE, "/shared", "2");
    assert_eq!(failures(&stage.sweep().await), [at(SOURCE, FailureKind::Invalid)]);
    assert_eq!(*stage.world().of(NEAR, "/a"), replica);
    assert_eq!(
        stage.calls("PutParameter", NEAR),
        writes + 1,
        "the replica of the referenced parameter"
    );
    stage.world().of(SOURCE, "/shared").tags.extend([consent_for("/a")]);
    assert_eq!(failures(&stage.sweep().await), []);
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
}

#[tokio::test(start_paused = true)]
async fn consent_is_read_by_name_before_a_write_whatever_the_lists_show() {
    let stage = overridden().await;
    // The Tagging API still shows the consent.
    stage.world().freeze_tags(SOURCE);
    stage.world().of(SOURCE, "/shared").tags.clear();
    stage.world().put(SOURCE, "/shared", "2");
    assert_eq!(failures(&stage.sweep().await), [at(SOURCE, FailureKind::Invalid)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "1");
    // The Tagging API does not show the new consent yet; a recent write is read by name.
    stage.world().tagged.clear();
    stage.world().freeze_tags(SOURCE);
    stage.world().of(SOURCE, "/shared").tags.extend([consent_for("/a")]);
    stage.world().put(SOURCE, "/shared", "3");
    assert_eq!(failures(&stage.sweep().await), []);
    assert_eq!(stage.world().of(NEAR, "/a").value, "3");
}

#[tokio::test(start_paused = true)]
async fn consent_withdrawn_during_a_write_is_reported_by_the_same_run() {
    let stage = overridden().await;
    stage.world().put(SOURCE, "/shared", "2");
    stage.world().meanwhile("PutParameter", NEAR, |world| {
        world.of(SOURCE, "/shared").tags.clear();
    });
    assert_eq!(failures(&stage.named("/a").await), [at(SOURCE, FailureKind::Invalid)]);
}

#[tokio::test(start_paused = true)]
async fn a_referenced_parameter_is_read_once_for_all_items_of_a_chunk() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/shared", "1");
    stage.world().of(SOURCE, "/shared").tags.extend([consent_for("/team/")]);
    stage.sweep().await;
    for name in ["/team/a", "/team/b", "/team/c"] {
        stage.world().put(SOURCE, name, "own");
        let tag = ("failover-replicator:value-from".to_owned(), "shared".to_owned());
        stage.world().of(SOURCE, name).tags.extend([tag]);
    }
    let before =
        (stage.calls("ListTagsForResource", SOURCE), stage.calls("DescribeParameters", SOURCE));
    assert_eq!(failures(&stage.sweep().await), []);
    for name in ["/team/a", "/team/b", "/team/c"] {
        assert_eq!(stage.world().of(FAR, name).value, "1");
    }
    let tags = stage.calls("ListTagsForResource", SOURCE) - before.0;
    assert_eq!(tags, 2 * 3 + 2, "twice for each item, twice for the referenced parameter");
    let lists = stage.calls("DescribeParameters", SOURCE) - before.1;
    assert_eq!(lists, 1, "the list of the sweep shows the attributes of the referenced parameter");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_referenced_parameter_reaches_every_item_that_uses_its_value() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    for (name, value) in [("/a", "own"), ("/shared", "1")] {
        stage.world().put(SOURCE, name, value);
    }
    let tag = ("failover-replicator:value-from".to_owned(), "shared".to_owned());
    stage.world().of(SOURCE, "/a").tags.extend([tag]);
    stage.world().of(SOURCE, "/shared").tags.extend([consent_for("/a")]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 2)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "1");
    stage.world().put(SOURCE, "/shared", "2");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 2)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
    // The referenced parameter changes during the write.
    stage.world().put(SOURCE, "/shared", "3");
    stage.world().meanwhile("PutParameter", NEAR, |world| world.put(SOURCE, "/shared", "4"));
    stage.named("/a").await;
    assert_eq!(stage.world().of(NEAR, "/a").value, "4");
    stage.world().take(SOURCE, "/shared");
    assert_eq!(failures(&stage.named("/a").await), [at(SOURCE, FailureKind::Invalid)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "4");
}
