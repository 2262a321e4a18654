//! Whether replicas are what their sources are, as an owner sees them.

use std::collections::BTreeMap;

use super::{MARK, SOURCE, Seen, World};

/// Key of the tag that says of what a replica is the copy.
pub(crate) const PROVENANCE: &str = "ReplicationSource";

/// Every parameter of `source` has its replica in `target` and no replica is without a source; versions are each
/// Region's own.
pub(crate) async fn assert_replicated(world: &World, account: usize, source: &str, target: &str) {
    let sources = world.seen(account, source).await.into_iter();
    let replicas = world.seen(account, target).await.into_iter();
    assert_eq!(
        sources.map(|(name, seen)| (name, versionless(seen))).collect::<BTreeMap<_, _>>(),
        replicas.map(|(name, seen)| (name, as_source(seen, source))).collect::<BTreeMap<_, _>>()
    );
}

/// The same where the source is that of the tests' usual route.
pub(crate) async fn assert_equal(world: &World, account: usize, target: &str) {
    assert_replicated(world, account, SOURCE, target).await;
}

/// The replica as its source would look: with the hub's two tags taken off, both of which it must have.
fn as_source(mut replica: Seen, source: &str) -> Seen {
    assert_eq!(replica.tags.remove(MARK.0).as_deref(), Some(MARK.1));
    let provenance = replica.tags.remove(PROVENANCE).expect("provenance");
    assert!(provenance.contains(&format!("region={source} ")), "{provenance}");
    versionless(replica)
}

/// What two Regions can have in common.
fn versionless(seen: Seen) -> Seen {
    Seen { version: 0, ..seen }
}
