//! A source Region that does not answer, in sweeps of 200 accounts with two routes: what it costs, and that the other
//! route does not notice. `make test` sweeps 100 accounts, and leaves out the sweeps without a breaker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use aws_sim::{Effect, Fault, Settings, Sim};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use failover_replicator::aws::BreakerLimits;
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Hub, Progress};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{MANAGEMENT, hub_with_breaker, simulated, told_of};

/// More than the accounts that a sweep processes at a time.
const FEW: usize = 100;
const MANY: usize = 200;
const ROUTES: &str = "us-east-2=us-east-1;eu-west-1=eu-central-1";
/// The source Region that does not answer, and its target.
const LOST: &str = "us-east-2";
const LOST_TARGET: &str = "us-east-1";
/// The Regions of the other route.
const HEALTHY: [&str; 2] = ["eu-west-1", "eu-central-1"];
/// The parameters of each account in each source Region.
const PARAMETERS: usize = 2;
const BUCKETS: [&str; 7] = [
    "ssm.get",
    "ssm.control",
    "ssm.tags",
    "tagging",
    "secrets.list",
    "secrets.describe",
    "secrets.value",
];
/// How a Region fails.
const FAULTS: [(&str, Effect); 3] =
    [("hangs", Effect::TimeOut), ("refuses", Effect::Reset), ("answers 503", Effect::Unavailable)];

/// Whether everything is measured, as `make verify` does.
#[expect(clippy::disallowed_methods, reason = "it chooses a set of tests, and is no setting")]
fn is_thorough() -> bool {
    std::env::var("SCHEDULES").is_ok_and(|which| which == "all")
}

/// The accounts of a sweep.
fn size() -> usize {
    if is_thorough() { MANY } else { FEW }
}

/// The ways to fail: all of them, or the one that costs most.
fn faults() -> &'static [(&'static str, Effect)] {
    if is_thorough() { &FAULTS } else { &FAULTS[..1] }
}

/// Accounts with parameters and a secret in both source Regions, and no replicas yet.
fn world(accounts: usize) -> (Sim, Vec<String>) {
    let settings = Settings { latency: Duration::from_millis(50), ..Settings::default() };
    let (sim, accounts) = simulated(settings, accounts as u64);
    for account in &accounts {
        for region in [LOST, HEALTHY[0]] {
            let source = sim.account(account).region(region);
            for n in 0..PARAMETERS {
                source.put(&format!("/app/{n}"), "first");
            }
            source.create_secret("db", "x");
        }
    }
    (sim, accounts)
}

async fn hub(sim: &Sim, breaker: Option<BreakerLimits>, more: &[(&str, &str)]) -> Hub {
    let mut settings = vec![("ROUTES", ROUTES), ("EXCLUDE_ACCOUNTS", MANAGEMENT)];
    settings.extend(more);
    hub_with_breaker(sim, SharedHttpClient::new(sim.clone()), breaker, &settings).await
}

/// One sweep, as the simulator saw it.
struct Measured {
    answer: Value,
    /// The whole sweep.
    took: Duration,
    /// Until the last call in the Regions of the healthy route.
    healthy_took: Duration,
    /// The calls in the source Region that does not answer.
    lost_calls: u64,
    /// The calls in the Regions of the healthy route.
    healthy_calls: BTreeMap<(String, &'static str), u64>,
    /// When each account was finished.
    finished: BTreeMap<String, Duration>,
}

async fn measured(sim: &Sim, accounts: &[String], hub: &Hub, payload: &Value) -> Measured {
    sim.forget_calls();
    let (start, from) = (Instant::now(), sim.now());
    let finished = Mutex::new(BTreeMap::new());
    let note = |progress: Progress| {
        let Progress::Account { account, .. } = progress else { return };
        let account = account.as_str().to_owned();
        finished.lock().expect("no panic").insert(account, start.elapsed());
    };
    let answer = told_of(hub, payload, Deadline::never(), &note).await;
    let took = start.elapsed();
    let mut last = from;
    for account in accounts {
        for region in HEALTHY {
            for bucket in BUCKETS {
                let calls = sim.metered(account, region, bucket).since(from);
                last = last.max(calls.passed.last().copied().unwrap_or(from));
            }
        }
    }
    let mut healthy_calls = BTreeMap::new();
    for operation in sim.counts().into_keys() {
        for region in HEALTHY {
            let calls = sim.count(&operation, "", region).calls;
            healthy_calls.insert((operation.clone(), region), calls);
        }
    }
    Measured {
        answer,
        took,
        healthy_took: Duration::from_millis(last - from),
        lost_calls: sim.count("", "", LOST).calls,
        healthy_calls,
        finished: finished.into_inner().expect("no panic"),
    }
}

fn everything() -> Value {
    json!({"detail": {"name": "all", "operation": "sync"}})
}

/// Only the route from the Region that does not answer.
fn lost_route() -> Value {
    json!({"detail": {"name": "all", "operation": "sync"}, "region": LOST})
}

/// The accounts that are reported with this Region, and the texts without their numbers.
fn reported(answer: &Value, region: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let failures = answer["failures"].as_array().expect("failures");
    let of_region = failures.iter().filter(|failure| failure["region"] == region);
    let (mut accounts, mut texts) = (BTreeSet::new(), BTreeSet::new());
    for failure in of_region {
        assert_eq!(failure["error_kind"], "unavailable", "{failure:#}");
        accounts.insert(failure["account"].as_str().expect("an account").to_owned());
        let text = failure["message"].as_str().expect("a text");
        texts.insert(text.replace(|c: char| c.is_ascii_digit(), ""));
    }
    (accounts, texts)
}

fn has_replicas(sim: &Sim, account: &str, target: &str) -> bool {
    let target = sim.account(account).region(target);
    let parameters = target.parameters();
    (0..PARAMETERS).all(|n| parameters.contains_key(&format!("/app/{n}")))
        && target.secrets().contains_key("db")
}

/// A copy of the simulator in which the source Region fails.
fn failing(sim: &Sim, effect: Effect) -> Sim {
    let sim = sim.fork();
    sim.fault(Fault::new(effect).region(LOST));
    sim
}

fn assert_named(word: &str, measured: &Measured) {
    let (failed, _) = reported(&measured.answer, LOST);
    assert_eq!(failed.len(), size(), "{word}: each account is named");
}

/// A row of the table.
#[expect(clippy::print_stdout, reason = "the figures are what the test tells")]
fn show(what: &str, measured: &Measured) {
    let healthy_calls: u64 = measured.healthy_calls.values().sum();
    println!(
        "{what:42} {:7.1} s {:6} calls; the healthy route {:6.1} s {healthy_calls:6} calls",
        measured.took.as_secs_f64(),
        measured.lost_calls,
        measured.healthy_took.as_secs_f64(),
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_region_costs_seconds() {
    let (sim, accounts) = world(size());
    let mut calls_without = 0;
    for (word, effect) in FAULTS {
        for (breaker, limits) in [("off", Some(BreakerLimits::NEVER)), ("on", None)] {
            if limits.is_some() && !is_thorough() {
                continue;
            }
            let sim = failing(&sim, effect);
            let hub = hub(&sim, limits, &[]).await;
            let swept = measured(&sim, &accounts, &hub, &lost_route()).await;
            show(&format!("us-east-2 {word}, alone, breaker {breaker}"), &swept);
            assert_named(word, &swept);
            if limits.is_some() {
                calls_without = swept.lost_calls;
                continue;
            }
            // Eight seconds of these are for the list of the accounts.
            assert!(swept.took <= Duration::from_secs(25), "{word}: {:?}", swept.took);
            let most = if is_thorough() { calls_without / 4 } else { 4 * FEW as u64 };
            assert!(swept.lost_calls < most, "{word}: {}", swept.lost_calls);
        }
    }
}

/// Whether the healthy route took at most a twentieth longer than undisturbed, with the same calls.
fn assert_unnoticed(word: &str, swept: &Measured, undisturbed: &Measured) {
    assert_named(word, swept);
    assert_eq!(swept.healthy_calls, undisturbed.healthy_calls, "{word}");
    let ratio = swept.healthy_took.as_secs_f64() / undisturbed.healthy_took.as_secs_f64();
    assert!(ratio <= 1.05, "{word}: {ratio}");
    // One attempt may hang, and the SDK pauses before it finds the breaker open.
    let last = swept.took.saturating_sub(undisturbed.took);
    assert!(last <= Duration::from_secs(12), "{word}: {last:?} more");
}

#[tokio::test(start_paused = true)]
async fn the_other_route_does_not_notice_a_dead_region() {
    let (sim, accounts) = world(size());
    let replicated = sim.fork();
    let healthy = hub(&replicated, None, &[]).await;
    let undisturbed = measured(&replicated, &accounts, &healthy, &everything()).await;
    assert_eq!(undisturbed.answer["failures"], json!([]));
    show("us-east-2 answers", &undisturbed);
    for (word, effect) in faults() {
        let sim = failing(&sim, *effect);
        let hub = hub(&sim, None, &[]).await;
        let swept = measured(&sim, &accounts, &hub, &everything()).await;
        show(&format!("us-east-2 {word}, breaker on"), &swept);
        assert!(accounts.iter().all(|account| has_replicas(&sim, account, HEALTHY[1])));
        assert_unnoticed(word, &swept, &undisturbed);
    }
    if is_thorough() {
        let hanging = failing(&sim, Effect::TimeOut);
        let without = hub(&hanging, Some(BreakerLimits::NEVER), &[]).await;
        let swept = measured(&hanging, &accounts, &without, &everything()).await;
        show("us-east-2 hangs, breaker off", &swept);
    }

    let undisturbed = measured(&replicated, &accounts, &healthy, &everything()).await;
    assert_eq!(undisturbed.answer["status"], "in_sync");
    show("all in sync, us-east-2 answers", &undisturbed);
    let hanging = failing(&replicated, Effect::TimeOut);
    let swept = hub(&hanging, None, &[]).await;
    let swept = measured(&hanging, &accounts, &swept, &everything()).await;
    show("all in sync, us-east-2 hangs, breaker on", &swept);
    assert_unnoticed("in sync", &swept, &undisturbed);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_accounts_have_one_cause() {
    for (word, effect) in FAULTS {
        let (sim, _) = world(size());
        sim.fault(Fault::new(effect).region(LOST));
        let topic = sim.account(MANAGEMENT).region(LOST_TARGET).topic("shared");
        let hub = hub(&sim, None, &[("SNS_TOPIC_ARN", &topic)]).await;
        let answer = told_of(&hub, &lost_route(), Deadline::never(), &|_| ()).await;
        let (accounts, texts) = reported(&answer, LOST);
        assert_eq!(accounts.len(), size());
        assert_eq!(texts.len(), 1, "{word}: {texts:#?}");
        let messages = sim.account(MANAGEMENT).region(LOST_TARGET).messages("shared");
        let digest: Value = serde_json::from_str(&messages[0].message).expect("JSON");
        let json: Value =
            serde_json::from_str(digest["default"].as_str().expect("JSON")).expect("JSON");
        let causes = json["causes"].as_array().expect("causes");
        assert_eq!(causes.len(), 1, "{word}: {causes:#?}");
        assert_eq!(causes[0]["accounts"], size(), "{word}: {causes:#?}");
        let text = digest["email"].as_str().expect("a text");
        assert_eq!(text.matches("us-east-2 does not answer").count(), 1, "{text}");
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the figures are what the test tells")]
async fn a_region_that_comes_back_in_the_middle_of_a_sweep_is_used_again() {
    const BACK: Duration = Duration::from_secs(40);
    for (word, effect) in faults().iter().copied() {
        let (sim, accounts) = world(100);
        let fault = sim.fault(Fault::new(effect).region(LOST));
        let hub = hub(&sim, None, &[("ACCOUNT_CONCURRENCY", "3")]).await;
        let mended = sim.clone();
        tokio::spawn(async move {
            tokio::time::sleep(BACK).await;
            mended.mend(fault);
        });
        let swept = measured(&sim, &accounts, &hub, &everything()).await;
        let (failed, _) = reported(&swept.answer, LOST);
        for account in &accounts {
            assert!(has_replicas(&sim, account, HEALTHY[1]), "{word}: {account}");
            let is_replicated = has_replicas(&sim, account, LOST_TARGET);
            assert_eq!(is_replicated, !failed.contains(account), "{word}: {account}");
        }
        let latest = failed.iter().map(|account| swept.finished[account]).max();
        let latest = latest.expect("some accounts came too early");
        // A probe that hangs ends after ten seconds, and the next begins five seconds later.
        println!(
            "us-east-2 {word} for {BACK:?}: {} accounts failed, the last at {latest:?}",
            failed.len()
        );
        assert!(latest <= BACK + Duration::from_secs(30), "{word}: {latest:?}");
        assert!(failed.len() < accounts.len() * 3 / 4, "{word}: {}", failed.len());
        assert!(swept.took > 2 * BACK, "{word}: {:?}", swept.took);
    }
}

#[tokio::test(start_paused = true)]
async fn one_account_that_alone_is_refused_throttled_or_lost_never_opens_the_breaker() {
    for effect in [
        Effect::AccessDenied,
        Effect::Throttle,
        Effect::Refused("ValidationException"),
        Effect::ServerError,
        Effect::Unavailable,
        Effect::Reset,
        Effect::TimeOut,
    ] {
        let (sim, accounts) = world(30);
        sim.fault(Fault::new(effect).region(LOST).account(&accounts[0]));
        let hub = hub(&sim, None, &[("ACCOUNT_CONCURRENCY", "2")]).await;
        let answer = told_of(&hub, &everything(), Deadline::never(), &|_| ()).await;
        let failures = answer["failures"].as_array().expect("failures");
        assert!(!failures.is_empty(), "{effect:?}");
        for failure in failures {
            assert_eq!(failure["account"], accounts[0].as_str(), "{effect:?}: {failure:#}");
            let text = failure["message"].as_str().expect("a text");
            assert!(!text.contains("does not answer"), "{effect:?}: {text}");
        }
        for account in &accounts[1..] {
            assert!(has_replicas(&sim, account, LOST_TARGET), "{effect:?}: {account}");
        }
        assert!(has_replicas(&sim, &accounts[0], HEALTHY[1]), "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_of_all_accounts_never_open_the_breaker() {
    for (effect, attempts) in [
        (Effect::AccessDenied, 1),
        (Effect::Refused("ValidationException"), 1),
        (Effect::Throttle, 2),
    ] {
        let (sim, accounts) = world(30);
        sim.fault(Fault::new(effect).region(LOST));
        let hub = hub(&sim, None, &[]).await;
        let answer = told_of(&hub, &lost_route(), Deadline::never(), &|_| ()).await;
        assert!(!answer.to_string().contains("does not answer"), "{effect:?}: {answer:#}");
        for operation in ["ssm:DescribeParameters", "secretsmanager:ListSecrets"] {
            for account in &accounts {
                let calls = sim.count(operation, account, LOST).calls;
                assert!(calls >= attempts, "{effect:?}: {operation} for {account}: {calls}");
            }
        }
    }
}
