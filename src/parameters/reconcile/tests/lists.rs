//! Lists that lag.

use super::stage::Stage;
use super::world::{NEAR, SOURCE};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_copy_that_the_lists_do_not_show_yet_is_not_written_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().freeze_list(NEAR);
    stage.world().freeze_tags(NEAR);
    stage.world().put(SOURCE, "/a", "1");
    stage.named("/a").await;
    // The list of the target does not show the replica yet.
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
    stage.world().listed.clear();
    stage.world().tagged.clear();
    stage.world().freeze_list(SOURCE);
    stage.world().put(SOURCE, "/a", "2");
    stage.named("/a").await;
    // The list of the source does not show the copied version yet.
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").version, 2);
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_tags_are_not_listed_yet_is_not_a_source_of_the_opposite_route() {
    let stage = Stage::new("us-east-2=us-east-1;us-east-1=us-east-2").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().tagged.insert(NEAR.to_owned(), BTreeMap::new());
    let outcome = stage.sweep().await;
    assert_eq!(failures(&outcome), []);
    assert_eq!(counts(&outcome), [(OutcomeKind::InSync, 1), (OutcomeKind::Skipped, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_predecessors_replica_whose_source_is_not_listed_yet_is_not_a_conflict() {
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
    assert_eq!(failures(&outcome), []);
    assert_eq!(counts(&outcome), [(OutcomeKind::Updated, 1)]);
}
