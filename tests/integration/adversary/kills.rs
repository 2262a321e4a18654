//! The process is killed at each of its calls in turn, before the call and after its work; then another one comes. The
//! end is in sync, nothing stands about without its mark, and what is somebody else's is as it was.

use aws_sim::{Settings, Sim};
use failover_replicator::deadline::Deadline;
use serde_json::{Value, json};

use crate::support::{
    Death, LONG_AGO, MARK, Mortal, PROVENANCE, SOURCE, TARGET, batch, call, delete_event, hub_on,
    hub_over, out_of_step, put_event, returned, simulated, sweep_all, tag_event, told_of,
};

const SECOND_TARGET: &str = "us-west-2";
const TWO_TARGETS: &str = "us-east-2=us-east-1,us-west-2";
const SPOKE: &str = ":assumed-role/failover-replicator-spoke/";
/// Held in the targets by their owner.
const FOREIGN: [&str; 2] = ["/foreign/alone", "/foreign/both"];

/// What the owner changes, and how the hub hears of it.
struct Flow {
    targets: &'static [&'static str],
    change: fn(&Sim, &str),
    payload: fn(&str) -> Value,
}

fn sweep(_: &str) -> Value {
    json!({"detail": {"name": "all", "operation": "sync"}})
}

fn routes(flow: &Flow) -> [(&'static str, &'static str); 2] {
    let routes = if flow.targets.len() > 1 { TWO_TARGETS } else { "us-east-2=us-east-1" };
    [("ROUTES", routes), ("EXCLUDE_ACCOUNTS", "123456789012")]
}

/// An account in sync, with something of everything.
async fn in_sync(flow: &Flow) -> (Sim, String) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = accounts[0].clone();
    let source = sim.account(&account).region(SOURCE);
    for name in ["/app/a", "/app/b", "/app/c", "/app/d"] {
        source.put_parameter(&json!({
            "Name": name, "Value": "first", "Type": "SecureString",
            "Tags": [{"Key": "team", "Value": "shop"}, {"Key": "old", "Value": "1"}],
        }));
    }
    source.put("/foreign/both", "the source's");
    source.create_secret("db/main", "first");
    for target in flow.targets {
        let target = sim.account(&account).region(target);
        for name in FOREIGN {
            target.put(name, "the owner's own");
        }
    }
    let response = sweep_all(&hub_on(&sim, &routes(flow)).await).await;
    assert_eq!(response["failures"][0]["error_kind"], "conflict", "{response:#}");
    // AWS asks for a pause between a delete and a create; nothing here is to depend on it.
    tokio::time::sleep(std::time::Duration::from_mins(15)).await;
    (sim, account)
}

/// Another one that goes on from there, in which the owner has just changed something.
fn changed(flow: &Flow, in_sync: &Sim, account: &str) -> Sim {
    let sim = in_sync.fork();
    (flow.change)(&sim, account);
    sim.forget_calls();
    sim
}

/// What is the owner's own in the targets.
fn foreign(sim: &Sim, account: &str, flow: &Flow) -> Vec<aws_sim::ParameterView> {
    let of = |target: &&str| {
        let all = sim.account(account).region(target).parameters();
        all.into_iter().filter(|(name, _)| FOREIGN.contains(&name.as_str())).map(|(_, view)| view)
    };
    flow.targets.iter().flat_map(of).collect()
}

/// Every replica must have its tags at every moment.
fn assert_marked(sim: &Sim, account: &str, flow: &Flow, when: &str) {
    for target in flow.targets {
        for (name, replica) in sim.account(account).region(target).parameters() {
            if replica.user.contains(SPOKE) {
                let mark = replica.tags.get(MARK.0).map(String::as_str);
                assert_eq!(mark, Some(MARK.1), "{name} in {target}, {when}");
                assert!(replica.tags.contains_key(PROVENANCE), "{name} in {target}, {when}");
            }
        }
    }
}

fn assert_secrets(sim: &Sim, account: &str, flow: &Flow, when: &str) {
    let sources = sim.account(account).region(SOURCE).secrets();
    for target in flow.targets {
        let replicas = sim.account(account).region(target).secrets();
        assert_eq!(
            sources.keys().collect::<Vec<_>>(),
            replicas.keys().collect::<Vec<_>>(),
            "{when}"
        );
        for (name, replica) in replicas {
            assert_eq!(replica.primary.as_deref(), Some(SOURCE), "{name}, {when}");
            let asked = sim.writes().into_iter().filter(|write| {
                write.operation == "secretsmanager:ReplicateSecretToRegions"
                    && write.refused.is_none()
                    && write.request["SecretId"] == json!(sources[&name].arn)
                    && write.request["AddReplicaRegions"].to_string().contains(target)
            });
            assert!(asked.count() <= 1, "{name} is asked for once, {when}");
        }
    }
}

/// How many calls the flow takes when nobody dies.
async fn calls(flow: &Flow, in_sync: &Sim, account: &str) -> usize {
    let sim = changed(flow, in_sync, account);
    let process = Mortal::on(&sim, Death::Never);
    let hub = hub_over(&sim, process.network(), &routes(flow)).await;
    told_of(&hub, &(flow.payload)(account), Deadline::never(), &|_| ()).await;
    for target in flow.targets {
        assert_eq!(out_of_step(&sim, account, target, &FOREIGN), [] as [String; 0]);
    }
    process.calls()
}

async fn killed(flow: &Flow, in_sync: &Sim, account: &str, death: Death) {
    let when = format!("killed {death:?}");
    let sim = changed(flow, in_sync, account);
    let before = foreign(&sim, account, flow);
    assert_eq!(before.len(), FOREIGN.len() * flow.targets.len());
    let payload = (flow.payload)(account);
    {
        let process = Mortal::on(&sim, death);
        let hub = hub_over(&sim, process.network(), &routes(flow)).await;
        let work = Box::pin(told_of(&hub, &payload, Deadline::never(), &|_| ()));
        let done = process.lives(work).await;
        assert!(done.is_none(), "{when}: {done:?}");
    }
    assert_marked(&sim, account, flow, &when);
    assert_eq!(foreign(&sim, account, flow), before, "{when}");

    // Who called the killed process calls again.
    let hub = hub_on(&sim, &routes(flow)).await;
    let answer = told_of(&hub, &payload, Deadline::never(), &|_| ()).await;
    if answer["batchItemFailures"].is_array() {
        assert_eq!(returned(&answer), [] as [&str; 0], "{when}");
    }
    for target in flow.targets {
        assert_eq!(out_of_step(&sim, account, target, &FOREIGN), [] as [String; 0], "{when}");
    }
    assert_marked(&sim, account, flow, &when);
    assert_secrets(&sim, account, flow, &when);

    sim.forget_calls();
    let response = sweep_all(&hub).await;
    let told = response["failures"].as_array().expect("failures");
    assert!(told.iter().all(|one| one["name"] == "/foreign/both"), "{when}: {response:#}");
    assert_eq!(sim.writes(), [], "{when}: {response:#}");
    assert_eq!(foreign(&sim, account, flow), before, "{when}");
}

/// Kills at every call of the flow, before and after.
#[expect(clippy::print_stdout, reason = "the number of kills is what the test tells")]
async fn killed_everywhere(name: &str, flow: Flow) {
    let (sim, account) = in_sync(&flow).await;
    let calls = calls(&flow, &sim, &account).await;
    assert!(calls > 5, "{calls}");
    for nth in 1..=calls {
        killed(&flow, &sim, &account, Death::Before(nth)).await;
        killed(&flow, &sim, &account, Death::After(nth)).await;
    }
    println!("{name}: killed before and after each of {calls} calls, {} times", 2 * calls);
}

#[tokio::test(start_paused = true)]
async fn a_kill_during_a_create_leaves_nothing_that_the_next_run_does_not_finish() {
    let change = |sim: &Sim, account: &str| {
        let source = sim.account(account).region(SOURCE);
        source.put_parameter(&json!({"Name": "/app/new", "Value": "x", "Type": "String",
            "Tags": [{"Key": "team", "Value": "shop"}]}));
        source.put("/app/newer", "y");
    };
    killed_everywhere("create", Flow { targets: &[TARGET], change, payload: sweep }).await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_during_an_update_leaves_nothing_that_the_next_run_does_not_finish() {
    let change = |sim: &Sim, account: &str| {
        let source = sim.account(account).region(SOURCE);
        for name in ["/app/a", "/app/b"] {
            source.put_parameter(&json!({"Name": name, "Value": "second",
                "Type": "SecureString", "Overwrite": true}));
        }
        source.tag("/app/a", "team", "tools");
        source.untag("/app/a", "old");
    };
    killed_everywhere("update", Flow { targets: &[TARGET], change, payload: sweep }).await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_during_a_delete_leaves_nothing_that_the_next_run_does_not_finish() {
    let change = |sim: &Sim, account: &str| {
        let source = sim.account(account).region(SOURCE);
        source.delete("/app/a");
        source.delete("/app/b");
    };
    killed_everywhere("delete", Flow { targets: &[TARGET], change, payload: sweep }).await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_during_a_retag_leaves_nothing_that_the_next_run_does_not_finish() {
    let change = |sim: &Sim, account: &str| {
        let source = sim.account(account).region(SOURCE);
        source.tag("/app/a", "team", "tools");
        source.untag("/app/a", "old");
        source.tag("/app/b", "more", "tags");
    };
    killed_everywhere("retag", Flow { targets: &[TARGET], change, payload: sweep }).await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_during_a_secrets_replication_leaves_nothing_that_the_next_run_does_not_finish() {
    let change = |sim: &Sim, account: &str| {
        let source = sim.account(account).region(SOURCE);
        source.create_secret("db/new", "x");
        source.create_secret("db/newer", "y");
    };
    killed_everywhere("secret", Flow { targets: &[TARGET], change, payload: sweep }).await;
}

/// One of everything.
fn everything(sim: &Sim, account: &str) {
    let source = sim.account(account).region(SOURCE);
    source.put_parameter(&json!({"Name": "/app/new", "Value": "x", "Type": "String",
        "Tags": [{"Key": "team", "Value": "shop"}]}));
    source.put_parameter(&json!({"Name": "/app/a", "Value": "second",
        "Type": "SecureString", "Overwrite": true}));
    source.delete("/app/b");
    source.tag("/app/c", "team", "tools");
    source.create_secret("db/new", "x");
}

#[tokio::test(start_paused = true)]
async fn a_kill_on_the_way_to_two_targets_leaves_nothing_that_the_next_run_does_not_finish() {
    let targets = &[TARGET, SECOND_TARGET];
    let flow = Flow { targets, change: everything, payload: sweep };
    killed_everywhere("two targets", flow).await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_during_a_batch_of_events_leaves_nothing_that_the_batch_again_does_not_finish() {
    let events = |account: &str| {
        let secret = json!({"name": "db/new"});
        batch([
            ("new", put_event(account, LONG_AGO, "/app/new", 1)),
            ("updated", put_event(account, LONG_AGO, "/app/a", 2)),
            ("deleted", delete_event(account, LONG_AGO, "/app/b")),
            ("tagged", tag_event(account, LONG_AGO, "/app/c", "team", "tools")),
            ("secret", call(account, LONG_AGO, "CreateSecret", &secret, &secret)),
        ])
    };
    let flow = Flow { targets: &[TARGET], change: everything, payload: events };
    killed_everywhere("a batch of events", flow).await;
}
