//! Each call that the hub makes in each flow, and each way in which it can go wrong: how the item ends, what is told of
//! it, whether its event comes back, how often the call is tried, and that nothing else is touched.
//!
//! Which calls there are is not written down here: each flow is done once undisturbed, and the simulator says.

mod expected;
mod flows;
mod table;

use std::panic::AssertUnwindSafe;
use std::thread;

use aws_sim::{Effect, Fault, Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use futures::FutureExt;
use serde_json::{Value, json};

use self::expected::{Expected, expected};
use self::flows::{AFFLICTED, ALSO, FLOWS, Flow, NEIGHBOURS, OTHER, Path};
use self::table::{Outcome, Row};
use crate::support::{SOURCE, TARGET, hub_on, out_of_step, returned, simulated, sweep_all};

const EXCLUDED: [(&str, &str); 1] = [("EXCLUDE_ACCOUNTS", "123456789012")];

/// What befalls the calls, with its word in the table.
pub(super) const EFFECTS: [(&str, Effect); 7] = [
    ("throttle", Effect::Throttle),
    ("500", Effect::ServerError),
    ("time-out", Effect::TimeOut),
    ("reset", Effect::Reset),
    ("malformed", Effect::MalformedBody),
    ("denied", Effect::AccessDenied),
    ("expired", Effect::ExpiredToken),
];

/// One call of a flow: where it is made, and by which way the hub heard of the change.
#[derive(Clone, Debug)]
struct Place {
    flow: &'static str,
    path: Path,
    operation: String,
    region: &'static str,
}

/// Whether credentials that are over can be asked for anew: the hub's own cannot.
fn is_of_a_session(place: &Place) -> bool {
    !["organizations:", "sts:"].iter().any(|service| place.operation.starts_with(service))
}

/// The account with the afflicted item, and one that no fault is about.
struct World {
    sim: Sim,
    account: String,
    other: String,
}

impl World {
    /// In sync: what every cell of the flow begins with.
    async fn in_sync(flow: &Flow) -> Self {
        let (sim, accounts) = simulated(Settings::default(), 2);
        let [account, other] = <[String; 2]>::try_from(accounts).expect("two accounts");
        let world = Self { sim, account, other };
        for account in [&world.account, &world.other] {
            let source = world.sim.account(account).region(SOURCE);
            for name in NEIGHBOURS {
                flows::put(&source, name);
                source.create_secret(name.trim_start_matches('/'), "x");
            }
        }
        for (account, name) in world.changed() {
            (flow.before)(&world.sim.account(account).region(SOURCE), name);
        }
        let response = sweep_all(&world.hub().await).await;
        assert_eq!(response["failures"], json!([]), "{response:#}");
        // Lists that may lag, and the pause after a delete, are another matter.
        tokio::time::sleep(std::time::Duration::from_mins(15)).await;
        world
    }

    /// Another one that goes on from here, in which the flow's items have just been changed at the source.
    fn with_change(&self, flow: &Flow) -> Self {
        let Self { sim, account, other } = self;
        let world = Self { sim: sim.fork(), account: account.clone(), other: other.clone() };
        for (account, name) in world.changed() {
            (flow.change)(&world.sim.account(account).region(SOURCE), name);
        }
        world.sim.forget_calls();
        world
    }

    fn changed(&self) -> [(&str, &str); 3] {
        [(&self.account, AFFLICTED), (&self.account, ALSO), (&self.other, OTHER)]
    }

    async fn hub(&self) -> Hub {
        hub_on(&self.sim, &EXCLUDED).await
    }

    /// What the hub answers when it hears of the changes; what keeps it from beginning is told as in Lambda.
    async fn run(&self, flow: &Flow, path: Path) -> Value {
        let payload = match path {
            Path::Sweep => json!({"detail": {"name": "all", "operation": "sync"}}),
            Path::Events => (flow.events)(&self.account, &self.other),
        };
        let hub = self.hub().await;
        let bytes = payload.to_string();
        let answer =
            hub.run(bytes.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await;
        let answer = match answer {
            Err(HubError::Cause(cause)) => {
                hub.could_not_begin(cause, &Deadline::never()).await.answer
            }
            answer => answer.expect("the payload is right"),
        };
        match answer {
            Answer::Report(response) => serde_json::to_value(*response).expect("JSON"),
            Answer::Batch(answer, _) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// What is wrong with an account's replicas.
    fn wrong(&self, account: &str) -> Vec<String> {
        let mut wrong = out_of_step(&self.sim, account, TARGET, &[]);
        let sources = self.sim.account(account).region(SOURCE).secrets();
        let replicas = self.sim.account(account).region(TARGET).secrets();
        for (name, source) in &sources {
            if replicas.get(name).is_none_or(|replica| replica.value != source.value) {
                wrong.push(format!("secret {name}"));
            }
        }
        wrong
    }

    /// What is about the items that nobody changed.
    fn neighbours(
        &self,
    ) -> (Vec<Option<aws_sim::ParameterView>>, Vec<Option<aws_sim::SecretView>>) {
        let target = self.sim.account(&self.account).region(TARGET);
        let (parameters, secrets) = (target.parameters(), target.secrets());
        let secret = |name: &&str| secrets.get(name.trim_start_matches('/')).cloned();
        (
            NEIGHBOURS.iter().map(|name| parameters.get(*name).cloned()).collect(),
            NEIGHBOURS.iter().map(secret).collect(),
        )
    }
}

/// Every call that a flow makes for the afflicted account.
async fn places(flow: &Flow, in_sync: &World) -> Vec<Place> {
    let mut places = Vec::new();
    for path in [Path::Sweep, Path::Events] {
        let world = in_sync.with_change(flow);
        let answer = world.run(flow, path).await;
        assert_eq!(
            world.wrong(&world.account),
            [] as [String; 0],
            "{} {path:?}: {answer:#}",
            flow.name
        );
        for operation in world.sim.counts().into_keys() {
            for region in [SOURCE, TARGET] {
                let account =
                    if operation.starts_with("organizations:") { "" } else { &world.account };
                if world.sim.count(&operation, account, region).calls > 0 {
                    let (flow, operation) = (flow.name, operation.clone());
                    places.push(Place { flow, path, operation, region });
                }
            }
        }
    }
    places
}

/// The fault of a cell: of calls for the afflicted item alone where a call is for items.
fn fault(world: &World, place: &Place, effect: Effect) -> Fault {
    let fault = Fault::new(effect).operation(&place.operation).region(place.region);
    match expected::reach(place) {
        expected::Reach::Run => fault,
        expected::Reach::Account | expected::Reach::Region => fault.account(&world.account),
        expected::Reach::Item => {
            let name = if place.operation.starts_with("secretsmanager:") {
                AFFLICTED.trim_start_matches('/')
            } else {
                AFFLICTED
            };
            fault.account(&world.account).naming(name)
        }
    }
}

/// One cell: the fault strikes `times`, or for ever.
async fn cell(
    flow: &Flow,
    in_sync: &World,
    place: &Place,
    effect: Effect,
    times: Option<u64>,
) -> Outcome {
    let what = format!("{place:?} {effect:?} {times:?}");
    let world = in_sync.with_change(flow);
    let before = world.neighbours();
    let fault = fault(&world, place, effect);
    let fault = world.sim.fault(match times {
        Some(times) => fault.first(times),
        None => fault,
    });
    let answer = world.run(flow, place.path).await;
    let outcome = Outcome::of(&answer, place.path, world.sim.hits(fault));
    assert_eq!(world.neighbours(), before, "{what}: {answer:#}");
    let expected = expected(place, effect, times.is_some());
    if expected != Expected::NotBegun {
        assert_eq!(world.wrong(&world.other), [] as [String; 0], "{what}: {answer:#}");
    }
    expected.hold(&what, place, &world.account, &answer);
    outcome.assert_attempts(&what, place, effect, times);
    if expected == Expected::Done {
        assert_eq!(world.wrong(&world.account), [] as [String; 0], "{what}: {answer:#}");
    }

    world.sim.mend_all();
    let after = sweep_all(&world.hub().await).await;
    for account in [&world.account, &world.other] {
        assert_eq!(world.wrong(account), [] as [String; 0], "{what}, and then {after:#}");
    }
    assert!(after["status"] == "changed" || after["status"] == "in_sync", "{what}: {after:#}");
    outcome
}

/// A cell that does not hold is told with the others.
async fn judged(
    flow: &Flow,
    in_sync: &World,
    place: &Place,
    effect: Effect,
    times: Option<u64>,
) -> Outcome {
    let cell = AssertUnwindSafe(cell(flow, in_sync, place, effect, times));
    cell.catch_unwind().await.unwrap_or_else(|_| Outcome::wrong())
}

async fn rows(flow: &Flow) -> Vec<Row> {
    let mut rows = Vec::new();
    let in_sync = World::in_sync(flow).await;
    for place in places(flow, &in_sync).await {
        let mut row = Row::of(&place);
        for (_, effect) in EFFECTS {
            let for_ever = judged(flow, &in_sync, &place, effect, None).await;
            let bounded = match expected::bound(&place, effect) {
                Some(times) => Some(judged(flow, &in_sync, &place, effect, Some(times)).await),
                None => None,
            };
            row.cells.push((for_ever, bounded));
        }
        rows.push(row);
    }
    rows
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is what the test tells")]
fn whatever_call_goes_wrong_in_whatever_way_is_told_mended_and_touches_nothing_else() {
    let flows = FLOWS.map(|flow| {
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build();
            runtime.expect("a runtime").block_on(rows(&flow))
        })
    });
    let mut rows = Vec::new();
    for flow in flows {
        rows.extend(flow.join().expect("the flow is done"));
    }
    println!("{}", table::of(&rows));
    assert!(rows.len() > 50, "the flows were done: {}", rows.len());
    assert_eq!(table::wrong(&rows), 0, "cells that do not hold");
}

/// The ids of a batch's messages that come back.
fn came_back(answer: &Value) -> Vec<String> {
    returned(answer).into_iter().map(str::to_owned).collect()
}
