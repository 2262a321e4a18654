//! A freeze while the hub works: after the command has returned, no write of a living process lands.
//!
//! What can happen: a connection takes up to 3 s, and a write is done up to 10 s after that, often when the hub is about to
//! give it up; answers of writes are lost; tags are sent again after each time-out; reads of the state take up to 8 s;
//! sweeps and events work at the same time. What cannot: a process that is paused (`schedules/route_states`), and a write
//! that AWS does after the hub has given it up.

use std::io::Write as _;
use std::time::Duration;

use aws_sim::{Effect, Fault, LOST_ANSWERS, Settings, Sim};
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, SOURCE, TARGET, answered, batch, hub_on, native_event, out_of_step, simulated,
};

const TABLE: (&str, &str) = ("TABLE", "hub");
const ROUTE: &str = "us-east-2=us-east-1";
/// Secrets without a replica when the work begins.
const SECRETS: [&str; 2] = ["db/main", "db/other"];
const NAMES: [&str; 6] = ["/a", "/b", "/c", "/d", "/e", "/f"];

/// What came of one seed.
#[derive(Debug, Default)]
struct Seen {
    /// Writes that were done after the record of the freeze was written.
    late: usize,
    /// Requests for replicas of secrets.
    secrets: usize,
    /// How long after the record the last of them was done, in milliseconds.
    latest: u64,
    /// How long the command took after the record was written, in milliseconds.
    waited: u64,
    bad: Vec<String>,
}

async fn failover(hub: &Hub, action: &Value) -> Value {
    let bytes = json!({ "failover": action }).to_string();
    let deadline = failover_replicator::deadline::Deadline::never();
    let answer = hub.run(bytes.as_bytes(), <_>::default(), deadline, &|_| ()).await;
    serde_json::to_value(answer.expect("the command is not refused")).expect("JSON")
}

async fn thaw(hub: &Hub) {
    let status = failover(
        hub,
        &json!({"route": ROUTE, "action": "freeze", "reason": "for its serial", "wait": false}),
    )
    .await;
    let thaw = json!({"route": ROUTE, "action": "thaw", "serial": status["serial"]});
    assert_eq!(failover(hub, &thaw).await["state"], "active");
}

/// Every write takes a time of its own, and some answers are lost.
fn slow_down(sim: &Sim, dice: &mut fastrand::Rng) {
    for connecting in [1_000, 2_000] {
        let effect = Effect::Connecting(Duration::from_millis(connecting));
        sim.fault(Fault::new(effect).writes().per_mille(dice.u64(0..400)));
    }
    for seconds in [1, 3, 6, 9] {
        let effect = Effect::Latency(Duration::from_secs(seconds));
        sim.fault(Fault::new(effect).writes().per_mille(dice.u64(0..400)));
    }
    for seconds in [1, 2, 5] {
        let effect = Effect::Latency(Duration::from_secs(seconds));
        sim.fault(Fault::new(effect).operation("dynamodb:Query").per_mille(dice.u64(0..300)));
    }
    // Tags are sent again after a time-out, so that one step lasts longer than the wait of the freeze.
    let tags = Fault::new(Effect::TimeOut).operation("ssm:AddTagsToResource").after_execution();
    sim.fault(tags.per_mille(dice.u64(0..500)));
    for effect in LOST_ANSWERS {
        sim.fault(Fault::new(effect).writes().per_mille(dice.u64(0..60)).after_execution());
    }
}

async fn freeze_during_work(seed: u64) -> Seen {
    let mut dice = fastrand::Rng::with_seed(seed);
    fastrand::seed(seed);
    let (sim, accounts) = simulated(Settings { seed, ..Settings::default() }, 2);
    sim.account("123456789012").region(TARGET).table("hub");
    let settings = [TABLE, ("EXCLUDE_ACCOUNTS", "123456789012"), ("QUOTAS", r#"{"*/*/*":20}"#)];
    let hub = hub_on(&sim, &settings).await;
    let sweep = json!({"detail": {"name": "all", "operation": "sync"}});
    for account in &accounts {
        for name in NAMES {
            sim.account(account).region(SOURCE).put(name, "before");
        }
    }
    thaw(&hub).await;
    answered(&hub, &sweep).await;
    for account in &accounts {
        for name in NAMES {
            sim.account(account).region(SOURCE).put(name, &format!("after {}", dice.u32(..)));
        }
        for name in SECRETS {
            sim.account(account).region(SOURCE).create_secret(name, "x");
        }
    }
    sim.forget_calls();
    slow_down(&sim, &mut dice);
    let begins = Duration::from_millis(dice.u64(0..40_000));
    let events = accounts.iter().zip(["1", "2"]);
    let events = batch(
        events.map(|(account, id)| (id, native_event(account, LONG_AGO, NAMES[0], "Update"))),
    );
    let operator = hub_on(&sim, &settings).await;
    let freeze = async {
        tokio::time::sleep(begins).await;
        let freeze = json!({"route": ROUTE, "action": "freeze", "reason": "us-east-2 fails"});
        let answer = failover(&operator, &freeze).await;
        (answer, sim.now())
    };
    let twice = async {
        answered(&hub, &sweep).await;
        answered(&hub, &sweep).await
    };
    let ((answer, returned), _, _) = futures::join!(freeze, twice, answered(&hub, &events));
    let mut seen = judge(&sim, &answer, returned);
    sim.mend_all();
    thaw(&operator).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let swept = answered(&operator, &sweep).await;
    for account in &accounts {
        let wrong = out_of_step(&sim, account, TARGET, &[]);
        if !wrong.is_empty() {
            seen.bad.push(format!("seed {seed}: {account}: {wrong:?}: {swept}"));
        }
    }
    seen
}

fn judge(sim: &Sim, answer: &Value, returned: u64) -> Seen {
    let record = sim
        .table_writes()
        .into_iter()
        .find(|write| write.refused.is_none() && write.request.to_string().contains("state#"))
        .expect("the record of the freeze");
    let mut seen = Seen { waited: returned - record.at, ..Seen::default() };
    if answer["done"] != true || answer["state"] != "frozen" {
        seen.bad.push(format!("the freeze is not done: {answer}"));
    }
    for write in sim.writes().into_iter().filter(|write| write.refused.is_none()) {
        seen.secrets += usize::from(write.operation == "secretsmanager:ReplicateSecretToRegions");
        if write.at > record.at {
            seen.late += 1;
            seen.latest = seen.latest.max(write.at - record.at);
        }
        if write.at > returned {
            seen.bad.push(format!(
                "{} was done {} ms after the command returned",
                write.operation,
                write.at - returned
            ));
        }
    }
    seen
}

#[expect(clippy::disallowed_methods, reason = "it chooses a number of seeds, and is no setting")]
fn seeds() -> u64 {
    let all = std::env::var("SCHEDULES").is_ok_and(|which| which == "all");
    if all { 1_000 } else { 40 }
}

#[tokio::test(start_paused = true)]
async fn no_write_lands_after_a_freeze_has_returned() {
    let (mut late, mut latest, mut longest, mut bad) = (0, 0, 0, Vec::new());
    let mut secrets = 0;
    let seeds = seeds();
    for seed in 0..seeds {
        let seen = freeze_during_work(seed).await;
        late += seen.late;
        secrets += seen.secrets;
        latest = latest.max(seen.latest);
        longest = longest.max(seen.waited);
        bad.extend(seen.bad);
    }
    let line = format!(
        "freezes: {seeds} seeds, {secrets} requests for secrets, {late} writes done after the record of the freeze, the last {latest} ms after it; the command returned {longest} ms after it at most"
    );
    writeln!(std::io::stdout(), "{line}").expect("an open output");
    assert!(secrets > 0, "no replica of a secret was requested");
    assert!(late > 0, "no write was under way when the route was frozen");
    assert!(bad.is_empty(), "{} bad: {:#?}", bad.len(), bad.iter().take(3).collect::<Vec<_>>());
}
