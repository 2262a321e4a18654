//! A signal stops a sweep at each of its calls in turn. What was begun is finished, so that no failover Region is ever
//! left without a parameter whose type changes; what was not begun is named; the next sweep ends in sync.

use std::time::Duration;

use aws_sim::{Settings, Sim};
use failover_replicator::deadline::Deadline;
use serde_json::{Value, json};

use crate::support::{
    SOURCE, Signalled, TARGET, count, failures, hub_on, hub_over, out_of_step, simulated,
    sweep_all, sweep_by,
};

const SECOND_TARGET: &str = "us-west-2";
const TARGETS: [&str; 2] = [TARGET, SECOND_TARGET];
const SETTINGS: [(&str, &str); 4] = [
    ("ROUTES", "us-east-2=us-east-1,us-west-2"),
    ("EXCLUDE_ACCOUNTS", "123456789012"),
    ("ACCOUNT_CONCURRENCY", "1"),
    ("DELETE_GRACE_DAYS", "0"),
];
/// Parameters of each account, before and after the changes together, in both targets.
const PLACES: u64 = 5 * 2;
/// A stop takes so long at most, and so much more where a recreate is under way.
const STOPS_IN: Duration = Duration::from_secs(40);
const RECREATE: Duration = Duration::from_secs(35);

/// Two accounts in sync, in which the owner has then created, updated, deleted and changed the type of a parameter.
async fn changed() -> (Sim, Vec<String>) {
    let (sim, accounts) = simulated(Settings::default(), 2);
    for account in &accounts {
        let source = sim.account(account).region(SOURCE);
        for name in ["/same", "/changes", "/goes"] {
            source.put(name, "first");
        }
        source.put_parameter(&json!({"Name": "/typed", "Value": "first", "Type": "StringList"}));
    }
    let response = sweep_all(&hub_on(&sim, &SETTINGS).await).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    // AWS asks for a pause between a delete and a create; nothing here is to depend on it.
    tokio::time::sleep(Duration::from_mins(15)).await;
    for account in &accounts {
        let source = sim.account(account).region(SOURCE);
        source.put_parameter(&json!({"Name": "/changes", "Value": "second", "Overwrite": true}));
        source.delete("/goes");
        source.delete("/typed");
        source.put("/comes", "second");
    }
    tokio::time::sleep(Duration::from_mins(15)).await;
    for account in &accounts {
        let source = sim.account(account).region(SOURCE);
        source.put_parameter(&json!({"Name": "/typed", "Value": "second", "Type": "String"}));
    }
    (sim, accounts)
}

/// Every replica is what it was or what it is to be, and none is missing whose source is there.
fn assert_nothing_half_done(sim: &Sim, account: &str, when: &str) {
    for target in TARGETS {
        let replicas = sim.account(account).region(target).parameters();
        let values = |name: &str| replicas.get(name).map(|one| one.value.as_str());
        assert_eq!(values("/same"), Some("first"), "{target}, {when}");
        for name in ["/changes", "/typed"] {
            let value = values(name);
            assert!(matches!(value, Some("first" | "second")), "{name}: {value:?}, {when}");
        }
        let typed = &replicas["/typed"];
        let expected = if typed.value == "first" { "StringList" } else { "String" };
        assert_eq!(typed.kind, expected, "{target}, {when}");
    }
}

/// The report claims nothing for an account that is not so, and says that something is left where something is.
fn assert_told(sim: &Sim, account: &str, response: &Value, when: &str) {
    let wrong: u64 =
        TARGETS.iter().map(|target| out_of_step(sim, account, target, &[]).len() as u64).sum();
    if response["totals"]["accounts"] == json!({}) {
        assert_eq!(response["status"], "incomplete", "{when}: the accounts were not listed yet");
        return;
    }
    let remains = response["remaining"].as_array().expect("a list").contains(&json!(account));
    assert!(wrong == 0 || remains, "{account} {when}: {wrong} wrong in {response:#}");
    let line = response["accounts"].as_array().expect("a list").iter();
    let Some(line) = line.into_iter().find(|line| line["account"] == *account) else {
        return;
    };
    let counted = |kinds: &[&str]| {
        kinds.iter().map(|kind| line["parameters"][kind].as_u64().unwrap_or(0)).sum::<u64>()
    };
    let done = counted(&["in_sync", "created", "updated", "retagged", "recreated", "deleted"]);
    let left = counted(&["pending", "failed"]);
    assert!(done <= PLACES - wrong, "{account} {when}: {wrong} wrong in {response:#}");
    assert!(done + left == PLACES || done + left == 0, "{account} {when}: {response:#}");
}

async fn stopped(changed: &Sim, accounts: &[String], nth: usize) -> usize {
    let when = format!("stopped at call {nth}");
    let sim = changed.fork();
    sim.forget_calls();
    let (deadline, stop) = Deadline::stoppable();
    let network = Signalled::on(&sim, nth, stop.clone());
    let hub = hub_over(&sim, network.network(), &SETTINGS).await;
    let response = sweep_by(&hub, deadline).await;
    if let Some(at) = network.stopped_at().await {
        let took = at.elapsed();
        let recreates = count(&response, "parameters", "recreated") > 0;
        assert!(
            took < STOPS_IN + if recreates { RECREATE } else { Duration::ZERO },
            "{took:?}, {when}"
        );
        assert_eq!(response["stopped"], true, "{when}: {response:#}");
    } else {
        assert_eq!(response["stopped"], Value::Null, "{when}: {response:#}");
    }
    assert_eq!(failures(&response), [], "{when}");
    for account in accounts {
        assert_nothing_half_done(&sim, account, &when);
        assert_told(&sim, account, &response, &when);
    }

    // Another process goes on.
    let hub = hub_on(&sim, &SETTINGS).await;
    let response = sweep_all(&hub).await;
    assert_eq!(failures(&response), [], "{when}");
    for account in accounts {
        for target in TARGETS {
            assert_eq!(out_of_step(&sim, account, target, &[]), [] as [String; 0], "{when}");
        }
    }
    sim.forget_calls();
    let response = sweep_all(&hub).await;
    assert_eq!((&response["status"], sim.writes().len()), (&json!("in_sync"), 0), "{when}");
    network.calls()
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the number of signals is what the test tells")]
async fn a_signal_at_any_call_leaves_nothing_half_done_and_the_next_sweep_ends_in_sync() {
    let (sim, accounts) = changed().await;
    let calls = stopped(&sim, &accounts, usize::MAX).await;
    assert!(calls > 40, "{calls}");
    for nth in 1..=calls {
        stopped(&sim, &accounts, nth).await;
    }
    println!("stopped at each of {calls} calls");
}
