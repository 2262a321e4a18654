//! Kind: an answer that lacks its member states nothing. Whatever the call and the Region, nothing is deleted, untagged
//! or written over for it, and the Region is named.

use crate::support::{Fault, SOURCE, TARGET, World, delete, put, set_tags, told};

static CALLS: [&str; 4] =
    ["ssm:GetParameters", "ssm:DescribeParameters", "tag:GetResources", "ssm:ListTagsForResource"];

async fn furnished() -> (World, failover_replicator::hub::Hub) {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    for name in ["/moved", "/excluded", "/gone"] {
        put(&ssm, name, "canary one").await;
        set_tags(&ssm, name, &[("team", "shop")]).await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    put(&ssm, "/moved", "canary two").await;
    put(&ssm, "/excluded", "canary two").await;
    set_tags(&ssm, "/excluded", &[("failover-replicator", "exclude")]).await;
    delete(&ssm, &["/gone"]).await;
    (world, hub)
}

#[tokio::test(start_paused = true)]
async fn empty_answers_delete_and_untag_nothing_and_are_told_with_their_region() {
    for region in [SOURCE, TARGET] {
        let (world, hub) = furnished().await;
        let before = world.seen(0, TARGET).await;
        for silent in [&CALLS[..2], &CALLS[2..]] {
            world.wire.faults(move |call| {
                let is_silent = silent.contains(&call.action.as_str()) && call.region == region;
                is_silent.then_some(Fault::Empty)
            });
            let swept = world.sweep(&hub).await;
            let failed = format!("account - {region} unavailable");
            assert!(told(&swept).contains(&failed), "{silent:?}: {swept:#}");
            // A source that is stated to be absent has no tags to be read.
            let named = ["/moved", "/excluded", "/gone"];
            let has_tags = region == TARGET || silent.contains(&CALLS[0]);
            for name in named.into_iter().take(if has_tags { 3 } else { 2 }) {
                let response = world.ask(&hub, &world.one(name, "sync")).await;
                let failed = format!("parameter {name} {region} unavailable");
                assert!(told(&response).contains(&failed), "{silent:?}: {response:#}");
            }
            assert_eq!(world.seen(0, TARGET).await, before, "{silent:?} in {region}");
        }
    }
}
