//! What the hub takes of an account's quotas, by the simulator's own meters: each bucket notes when it was called,
//! whatever the hub believes of its pace.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_sim::{Effect, Fault, Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Hub, Progress};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{EXCLUDED, QUOTAS, SHARES};
use crate::support::{
    LONG_AGO, SOURCE, TARGET, batch, count, hub_on, out_of_step, put_event, returned, simulated,
    sweep_all, told_of,
};

const EVENTS: usize = 500;

/// An account in sync, with so many parameters.
async fn in_sync(parameters: usize) -> (Sim, String) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = accounts[0].clone();
    let source = sim.account(&account).region(SOURCE);
    for n in 0..parameters {
        source.put(&name(n), "first");
    }
    let response = sweep_all(&hub_on(&sim, &EXCLUDED).await).await;
    assert_eq!(count(&response, "parameters", "created"), parameters as u64, "{response:#}");
    // Every bucket is full again, and what was metered before is told apart by its time.
    tokio::time::sleep(Duration::from_mins(15)).await;
    (sim, account)
}

fn name(n: usize) -> String {
    format!("/app/{n:03}")
}

/// Batches of so many events of `names`, one after the other, as one function handles them.
async fn handle(hub: &Hub, account: &str, names: Vec<String>, in_a_batch: usize) {
    for names in names.chunks(in_a_batch) {
        let events = names.iter().map(|name| (name, put_event(account, LONG_AGO, name, 1)));
        let payload: Value = batch(events.map(|(name, event)| (name.clone(), event)));
        let answer = told_of(hub, &payload, Deadline::never(), &|_| ()).await;
        assert_eq!(returned(&answer), [] as [&str; 0]);
    }
}

fn updated(sim: &Sim, account: &str) -> Vec<String> {
    let source = sim.account(account).region(SOURCE);
    let names: Vec<String> = (0..EVENTS).map(name).collect();
    for name in &names {
        source.put(name, "second");
    }
    names
}

#[tokio::test(start_paused = true)]
async fn a_sweep_and_five_hundred_events_of_one_process_stay_within_the_share() {
    let (sim, account) = in_sync(EVENTS).await;
    let from = sim.now();
    let names = updated(&sim, &account);
    let hub = hub_on(&sim, &EXCLUDED).await;
    let sweeps = async {
        for _ in 0..3 {
            sweep_all(&hub).await;
        }
    };
    tokio::join!(handle(&hub, &account, names, 10), sweeps);
    assert_eq!(out_of_step(&sim, &account, TARGET, &[]), [] as [String; 0]);
    within_the_share(&sim, &account, from);
}

/// Work that is soon done: each batch ends before its calls fill a bucket's burst, and the next begins at once.
#[tokio::test(start_paused = true)]
async fn five_hundred_small_batches_one_after_the_other_stay_within_the_share() {
    let (sim, account) = in_sync(20).await;
    let from = sim.now();
    let hub = hub_on(&sim, &EXCLUDED).await;
    let names = (0..EVENTS).map(|n| name(n % 20)).collect();
    handle(&hub, &account, names, 1).await;
    within_the_share(&sim, &account, from);
}

/// Whether what was called from a time on is the share and the bucket's burst, in every span of time.
#[expect(clippy::print_stdout, reason = "the figures are what the test tells")]
fn within_the_share(sim: &Sim, account: &str, from: u64) {
    for (region, share) in SHARES {
        for (bucket, quota) in QUOTAS {
            let metered = sim.metered(account, region, bucket).since(from);
            let burst = metered.burst_beyond(quota * share);
            println!(
                "{region} {bucket}: {} calls; beyond {:.2} a second a burst of {burst:.1}, of {quota}",
                metered.passed.len(),
                quota * share
            );
            assert!(burst <= quota, "{bucket} in {region}: a burst of {burst} on top of the share");
            assert_eq!(metered.refused, [] as [u64; 0], "{bucket} in {region}");
        }
    }
}

/// Processes know nothing of each other: hubs with gates of their own, in one virtual time, are that.
#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the figures are what the test tells")]
async fn a_sweep_and_two_event_functions_of_their_own_are_hardly_ever_throttled() {
    let (sim, account) = in_sync(EVENTS).await;
    let from = sim.now();
    let mut first = updated(&sim, &account);
    let second = first.split_off(EVENTS / 2);
    let settings = [EXCLUDED[0], ("EVENT_CONCURRENCY", "2")];
    let (sweeper, one, two) =
        tokio::join!(hub_on(&sim, &settings), hub_on(&sim, &settings), hub_on(&sim, &settings));
    let sweeps = async {
        for _ in 0..3 {
            sweep_all(&sweeper).await;
        }
    };
    tokio::join!(handle(&one, &account, first, 10), handle(&two, &account, second, 10), sweeps);
    assert_eq!(out_of_step(&sim, &account, TARGET, &[]), [] as [String; 0]);
    let (mut calls, mut throttled) = (0, 0);
    for (region, _) in SHARES {
        for (bucket, _) in QUOTAS {
            let metered = sim.metered(&account, region, bucket).since(from);
            calls += metered.passed.len() + metered.refused.len();
            throttled += metered.refused.len();
        }
    }
    println!("three processes: {calls} calls, {throttled} throttled");
    assert!(calls > 2 * EVENTS, "{calls}");
    assert!(throttled * 100 < calls, "{throttled} of {calls} calls were throttled");
}

/// When each account was finished, in a sweep that fills several, each the same, while this befalls the first.
async fn finished(fault: Option<Fault>) -> BTreeMap<String, Duration> {
    let (sim, accounts) = simulated(Settings::default(), 6);
    for account in &accounts {
        let source = sim.account(account).region(SOURCE);
        for n in 0..40 {
            source.put(&name(n), "first");
        }
        source.create_secret("db", "x");
    }
    let fault = fault.map(|fault| sim.fault(fault.account(&accounts[0])));
    let hub = hub_on(&sim, &EXCLUDED).await;
    let began = Instant::now();
    let times = Mutex::new(BTreeMap::new());
    let note = |progress: Progress| {
        let Progress::Account { account, .. } = progress else { return };
        let mut times = times.lock().expect("no panic holds it");
        times.insert(account.as_str().to_owned(), began.elapsed());
    };
    let payload = json!({"detail": {"name": "all", "operation": "sync"}});
    told_of(&hub, &payload, Deadline::never(), &note).await;
    assert!(fault.is_none_or(|fault| sim.hits(fault) > 0), "the fault strikes");
    for account in &accounts[1..] {
        assert_eq!(out_of_step(&sim, account, TARGET, &[]), [] as [String; 0]);
    }
    times.into_inner().expect("no panic holds it")
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the figures are what the test tells")]
async fn an_account_that_is_slow_or_throttled_delays_no_other() {
    let undisturbed = finished(None).await;
    let first = undisturbed.keys().next().expect("accounts").clone();
    for (what, fault) in [
        ("slow", Fault::new(Effect::Latency(Duration::from_secs(5)))),
        ("often throttled", Fault::new(Effect::Throttle).per_mille(500)),
        ("always throttled", Fault::new(Effect::Throttle)),
        ("never answered", Fault::new(Effect::TimeOut)),
    ] {
        let times = finished(Some(fault)).await;
        let ratio =
            |account: &String| times[account].as_secs_f64() / undisturbed[account].as_secs_f64();
        let worst = times.keys().filter(|account| **account != first).map(&ratio);
        let worst = worst.fold(0.0, f64::max);
        println!(
            "one account {what}: it takes {:.2} ×, the slowest other {worst:.3} ×",
            ratio(&first)
        );
        assert!(worst <= 1.05, "{what}: {worst}");
    }
}
