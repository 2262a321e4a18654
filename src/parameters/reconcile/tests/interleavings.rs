//! Changes by an owner while hubs are at work, in random orders: the replica ends equal.

use std::sync::Arc;

use proptest::prelude::*;

use super::stage::{Fate, Stage};
use super::world::{NEAR, SOURCE, World};
use super::*;

const CASES: u32 = 200;

/// A change of the parameter by its owner.
#[derive(Clone, Copy, Debug)]
enum OwnerChange {
    Put,
    Tag,
    Delete,
}

/// A change at this millisecond, the delay of its event, and the fates of the first calls of the process that handles it.
type Event = (u64, OwnerChange, u64, Vec<Fate>);

/// All reconciles run at once, each in a separate process.
async fn live(events: Vec<Event>) {
    let stage = Stage::new("us-east-2=us-east-1").await;
    let events = events.into_iter().enumerate().map(|(n, (at, change, later, fates))| {
        let world = Arc::clone(&stage.world);
        async move {
            tokio::time::sleep(Duration::from_millis(at)).await;
            apply(&mut world.lock().expect("no panic"), n, change);
            tokio::time::sleep(Duration::from_millis(later)).await;
            let process = Stage::over(world, "us-east-2=us-east-1", fates).await;
            // The queue delivers a pending or failed item again.
            for _ in 0..10 {
                let outcome = process.named("/a").await;
                if outcome.complete && outcome.failures.is_empty() {
                    return;
                }
            }
            panic!("the item is never complete");
        }
    });
    futures::future::join_all(events).await;
    let world = stage.world();
    let copied = |region: &str| {
        let mut held = world.held.get(region)?.get("a")?.clone();
        held.tags.retain(|key, _| key != MARK_KEY && key != PROVENANCE_KEY);
        Some((held.value, held.tags))
    };
    assert_eq!(copied(NEAR), copied(SOURCE));
}

fn apply(world: &mut World, n: usize, change: OwnerChange) {
    match change {
        OwnerChange::Put => world.put(SOURCE, "/a", &n.to_string()),
        OwnerChange::Delete => world.take(SOURCE, "/a"),
        OwnerChange::Tag if world.has(SOURCE, "/a") => {
            let tag = (format!("k{}", n % 2), n.to_string());
            world.of(SOURCE, "/a").tags.extend([tag]);
        }
        OwnerChange::Tag => {}
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let at = prop_oneof![0_u64..40, 1990_u64..2040, 0_u64..3000, 29_000_u64..36_000];
    let change = prop_oneof![2 => Just(OwnerChange::Put), 1 => Just(OwnerChange::Tag), 1 => Just(OwnerChange::Delete)];
    let later = prop_oneof![0_u64..20, 0_u64..2500];
    let fate = prop_oneof![
        5 => Just(Fate::Answered), 2 => Just(Fate::Throttled), 1 => Just(Fate::Lost)
    ];
    (at, change, later, proptest::collection::vec(fate, 0..24))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn whatever_the_owner_does_meanwhile_the_replica_ends_equal(
        events in proptest::collection::vec(any_event(), 1..6)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(live(events));
    }
}
