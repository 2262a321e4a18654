//! What an owner does while hubs are at work, in random orders: the replica ends equal.

use std::sync::Arc;

use proptest::prelude::*;

use super::store::{Fate, NEAR, SOURCE, Stage, World};
use super::*;

/// Interleavings that are tried.
const CASES: u32 = 200;

/// What an owner does to the one parameter.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Put,
    Tag,
    Delete,
}

/// A deed at its millisecond, its event so many later, and the fates of the first calls that this leads to.
type Event = (u64, Deed, u64, Vec<Fate>);

/// All reconciles run at once, each in a process of its own.
async fn live(events: Vec<Event>) {
    let stage = Stage::new("us-east-2=us-east-1").await;
    let events = events.into_iter().enumerate().map(|(n, (at, deed, later, fates))| {
        let world = Arc::clone(&stage.world);
        async move {
            tokio::time::sleep(Duration::from_millis(at)).await;
            done(&mut world.lock().expect("no panic"), n, deed);
            tokio::time::sleep(Duration::from_millis(later)).await;
            let process = Stage::over(world, "us-east-2=us-east-1", fates).await;
            // What is pending or failed goes back to the queue and comes again.
            for _ in 0..10 {
                let outcome = process.named("/a").await;
                if outcome.complete && outcome.failures.is_empty() {
                    return;
                }
            }
            panic!("never done");
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

fn done(world: &mut World, n: usize, deed: Deed) {
    match deed {
        Deed::Put => world.put(SOURCE, "/a", &n.to_string()),
        Deed::Delete => world.take(SOURCE, "/a"),
        Deed::Tag if world.has(SOURCE, "/a") => {
            let tag = (format!("k{}", n % 2), n.to_string());
            world.of(SOURCE, "/a").tags.extend([tag]);
        }
        Deed::Tag => {}
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let at = prop_oneof![0_u64..40, 1990_u64..2040, 0_u64..3000, 29_000_u64..36_000];
    let deed = prop_oneof![2 => Just(Deed::Put), 1 => Just(Deed::Tag), 1 => Just(Deed::Delete)];
    let later = prop_oneof![0_u64..20, 0_u64..2500];
    let fate = prop_oneof![
        5 => Just(Fate::Answered), 2 => Just(Fate::Throttled), 1 => Just(Fate::Lost)
    ];
    (at, deed, later, proptest::collection::vec(fate, 0..24))
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
