//! Four thousand parameters without a replica: how long the first fill takes, and how it goes on over invocations that
//! end after a quarter of an hour.

use std::time::Duration;

use aws_sim::{Settings, Sim};
use failover_replicator::deadline::Deadline;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{EXCLUDED, QUOTAS, SHARES};
use crate::support::{SOURCE, TARGET, count, hub_on, out_of_step, simulated, sweep_all, sweep_by};

const PARAMETERS: usize = 4_000;
/// Lambda ends an invocation then.
const QUARTER: Duration = Duration::from_mins(15);
/// What a sweep may take of a share.
const OF_A_SWEEP: f64 = 2.0 / 3.0;

fn full_account() -> (Sim, String) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let region = sim.account(&accounts[0]).region(SOURCE);
    for n in 0..PARAMETERS {
        let tags = if n % 2 == 0 { json!([{"Key": "team", "Value": "shop"}]) } else { json!([]) };
        region.put_parameter(&json!({
            "Name": format!("/fill/{:02}/{n:05}", n % 50),
            "Value": format!("value {n}"),
            "Type": if n % 10 == 0 { "SecureString" } else { "String" },
            "Tags": tags,
        }));
    }
    let [account] = <[String; 1]>::try_from(accounts).expect("one account");
    (sim, account)
}

/// The time that the quotas set for the calls that were made: the longest of all buckets, with the bucket's name.
fn bound(sim: &Sim, account: &str) -> (f64, String) {
    let mut longest = (0.0, String::new());
    for (region, share) in SHARES {
        for (bucket, quota) in QUOTAS {
            let metered = sim.metered(account, region, bucket);
            assert_eq!(metered.refused, [] as [u64; 0], "{bucket} in {region} was never overdrawn");
            #[expect(clippy::cast_precision_loss, reason = "some thousands of calls")]
            let seconds = metered.passed.len() as f64 / (quota * share * OF_A_SWEEP);
            if seconds > longest.0 {
                longest = (seconds, format!("{bucket} in {region}"));
            }
        }
    }
    longest
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the figures are what the test tells")]
async fn a_first_fill_takes_little_longer_than_the_quotas_ask_for() {
    let (sim, account) = full_account();
    let hub = hub_on(&sim, &EXCLUDED).await;
    let began = Instant::now();
    let response = sweep_all(&hub).await;
    let took = began.elapsed().as_secs_f64();
    assert_eq!(count(&response, "parameters", "created"), PARAMETERS as u64, "{response:#}");
    let (bound, bucket) = bound(&sim, &account);
    println!(
        "first fill of {PARAMETERS}: {took:.0} s of AWS's time, {:.3} of the {bound:.0} s that {bucket} asks for",
        took / bound
    );
    assert!(took <= 1.1 * bound, "{took} s, where {bucket} asks for {bound}");
    assert_eq!(out_of_step(&sim, &account, TARGET, &[]), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the figures are what the test tells")]
async fn invocations_of_a_quarter_of_an_hour_each_come_further_and_end_in_sync() {
    let (sim, account) = full_account();
    let replicas = || sim.count("ssm:PutParameter", &account, TARGET).done;
    let mut passes = Vec::new();
    loop {
        assert!(passes.len() < 60, "it comes to an end: {passes:?}");
        let (began, before) = (Instant::now(), replicas());
        // Each invocation may be another process.
        let hub = hub_on(&sim, &EXCLUDED).await;
        let response = sweep_by(&hub, Deadline::at(began + QUARTER)).await;
        assert!(began.elapsed() <= QUARTER, "{:?}", began.elapsed());
        let written = replicas() - before;
        assert_eq!(count(&response, "parameters", "created"), written, "{response:#}");
        passes.push(written);
        assert_eq!(response["failures"], json!([]), "{response:#}");
        if response["remaining"] == json!([]) {
            break;
        }
        assert_eq!(
            (&response["status"], &response["remaining"]),
            (&json!("incomplete"), &json!([account]))
        );
        assert!(written > 100, "it comes further: {passes:?}");
    }
    println!("first fill of {PARAMETERS} in passes of {QUARTER:?}: {passes:?}");
    assert_eq!(out_of_step(&sim, &account, TARGET, &[]), [] as [String; 0]);

    sim.forget_calls();
    let response: Value = sweep_all(&hub_on(&sim, &EXCLUDED).await).await;
    assert_eq!(response["status"], "in_sync", "{response:#}");
    assert_eq!(count(&response, "parameters", "in_sync"), PARAMETERS as u64);
    assert_eq!(sim.writes(), []);
    assert_eq!(sim.count("ssm:GetParameters", "", "").calls, 0, "no value is read");
}
