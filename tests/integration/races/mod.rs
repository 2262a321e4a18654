//! Others write while the hub does: it ends equal, or visibly out of sync and mended by one more sweep; it is never
//! called in sync while it differs.

mod deletes;
mod updates;

use aws_sdk_ssm::Client;
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use crate::support::{Call, World, assert_replicated, count, put, with};

const OHIO: &str = "us-east-2";
const VIRGINIA: &str = "us-east-1";
const NAME: &str = "/race";

/// A source that has its replica.
async fn replicated() -> (World, Hub, Client) {
    let world = World::new(1);
    let ssm = world.ssm(0, OHIO).await;
    put(&ssm, NAME, "first").await;
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "created"), 1, "{response:#}");
    (world, hub, ssm)
}

fn is_put(call: &Call) -> bool {
    call.action == "ssm:PutParameter" && call.region == VIRGINIA
}

fn is_read(call: &Call, region: &str, values: bool) -> bool {
    call.action == "ssm:GetParameters"
        && call.region == region
        && call.request["WithDecryption"] == json!(values)
}

/// True at the first call that is `then`, once one was `first`.
fn after(
    first: impl Fn(&Call) -> bool + Send + 'static,
    then: impl Fn(&Call) -> bool + Send + 'static,
) -> impl FnMut(&Call) -> bool + Send + 'static {
    let mut seen = false;
    move |call| {
        let hit = seen && then(call);
        seen |= first(call);
        hit
    }
}

/// True at the call of this number among those that are `such`, counted from one.
fn nth(
    number: usize,
    such: impl Fn(&Call) -> bool + Send + 'static,
) -> impl FnMut(&Call) -> bool + Send + 'static {
    let mut seen = 0;
    move |call| {
        seen += usize::from(such(call));
        such(call) && seen == number
    }
}

/// Whatever a plan calls in sync is equal.
async fn assert_honest(world: &World, hub: &Hub) {
    let plan = with(world.all(), "plan", true);
    let response = world.ask(hub, &plan).await;
    let (source, replica) = (world.seen(0, OHIO).await, world.seen(0, VIRGINIA).await);
    let value = |name: &String| replica.get(name).map(|seen| &seen.value);
    let equal = source.iter().all(|(name, seen)| value(name) == Some(&seen.value))
        && source.len() == replica.len();
    assert!(equal || response["status"] != "in_sync", "{response:#}");
}

/// One more sweep, after which all is equal and stays so.
async fn assert_mended(world: &World, hub: &Hub) -> Value {
    assert_honest(world, hub).await;
    let response = world.sweep(hub).await;
    assert_replicated(world, 0, OHIO, VIRGINIA).await;
    let rests = world.sweep(hub).await;
    assert_eq!(rests["status"], "in_sync", "{rests:#}");
    response
}
