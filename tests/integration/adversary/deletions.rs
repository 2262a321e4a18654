//! What becomes of replicas whose sources are destroyed in numbers, over days of the simulator's time.
//!
//! The sources are destroyed by their owner, faithfully told or not; no stranger acts, no answer is lost, and one process
//! of the hub lives through it all, so that its memory of the day holds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use aws_sim::{Settings, Sim};
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use super::EXCLUDED;
use crate::support::{
    LONG_AGO, PROVENANCE, SOURCE, TARGET, answered, batch, count, delete_event, hub_on, simulated,
    sweep_all,
};

const DAY: Duration = Duration::from_hours(24);

/// What a scenario came to, as the last line of the table has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    deleted: u64,
    tombstoned: u64,
    held: u64,
    /// Names that failures of the brake told of.
    reported: BTreeSet<String>,
    /// Failures that the last response had no room for.
    cut: u64,
    /// Replicas that are left without a source.
    left: usize,
    /// Sweeps that ended with exit code 5.
    braked: usize,
}

struct Scene {
    sim: Sim,
    hub: Hub,
    accounts: Vec<String>,
    tally: Tally,
}

impl Scene {
    /// Accounts with so many replicated parameters each.
    async fn new(accounts: u64, parameters: usize) -> Self {
        let (sim, accounts) = simulated(Settings::default(), accounts);
        sim.enforce_quotas(false);
        for account in &accounts {
            let region = sim.account(account).region(SOURCE);
            for n in 0..parameters {
                region.put(&name(n), "value");
            }
        }
        // The brake has its defaults.
        let settings = [("DELETE_GRACE_DAYS", "1"), ("QUOTAS", r#"{"*/*/*":100000}"#), EXCLUDED[0]];
        let hub = hub_on(&sim, &settings).await;
        let scene = Self { sim, hub, accounts, tally: Tally::default() };
        let response = sweep_all(&scene.hub).await;
        let created = scene.accounts.len() * parameters;
        assert_eq!(count(&response, "parameters", "created"), created as u64);
        scene
    }

    fn destroy(&self, account: usize, names: &[String]) {
        let region = self.sim.account(&self.accounts[account]).region(SOURCE);
        for name in names {
            region.delete(name);
        }
    }

    /// Destroys three a second; every five seconds a batch of the queue tells of them.
    async fn destroy_with_events(&mut self, account: usize, names: &[String]) {
        for some in names.chunks(15) {
            self.destroy(account, some);
            tokio::time::sleep(Duration::from_secs(5)).await;
            let id = &self.accounts[account];
            let events = some.iter().map(|name| (name.clone(), delete_event(id, LONG_AGO, name)));
            let before = self.replicas(account);
            let answer = answered(&self.hub, &batch(events)).await;
            assert_eq!(answer, json!({"batchItemFailures": []}));
            self.tally.deleted += before - self.replicas(account);
        }
    }

    async fn sweep(&mut self) -> Value {
        let response = sweep_all(&self.hub).await;
        self.tally.deleted += count(&response, "parameters", "deleted");
        self.tally.held = count(&response, "parameters", "held");
        let failures = response["failures"].as_array().expect("failures");
        let braked = failures.iter().filter(|one| one["error_kind"] == "too_many_deletes");
        let names: Vec<String> =
            braked.map(|one| format!("{} {}", one["account"], one["name"])).collect();
        self.tally.braked += usize::from(!names.is_empty());
        self.tally.reported.extend(names);
        self.tally.cut = response["failures_cut"].as_u64().expect("a number");
        response
    }

    fn replicas(&self, account: usize) -> u64 {
        self.sim.account(&self.accounts[account]).region(TARGET).parameters().len() as u64
    }

    /// The scenario as it stands.
    fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        for account in &self.accounts {
            let sources = self.sim.account(account).region(SOURCE).parameters();
            let replicas = self.sim.account(account).region(TARGET).parameters();
            let orphans = replicas.iter().filter(|(name, _)| !sources.contains_key(*name));
            for (_, orphan) in orphans {
                tally.left += 1;
                let is_gone = orphan.tags[PROVENANCE].contains(" gone=");
                tally.tombstoned += u64::from(is_gone);
            }
        }
        tally
    }
}

fn name(n: usize) -> String {
    format!("/app/{n:04}")
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(name).collect()
}

fn row(table: &mut String, what: &str, when: &str, tally: &Tally) {
    let Tally { deleted, tombstoned, held, reported, cut, left, braked } = tally;
    let reported = reported.len() as u64 + cut;
    writeln!(
        table,
        "{what:<58} {when:<12} deleted {deleted:>5}  tombstoned {tombstoned:>4}  held {held:>4}  reported {reported:>4}  left {left:>4}  exit 5: {braked}"
    )
    .expect("a string takes it");
}

/// A thousand of 1,200 sources are destroyed; so many of them with their events.
async fn thousand(witnessed: usize) -> Scene {
    let mut scene = Scene::new(1, 1_200).await;
    scene.destroy_with_events(0, &names(0..witnessed)).await;
    scene.destroy(0, &names(witnessed..1_000));
    scene
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the table is what the test tells")]
async fn a_destroyed_source_drains_its_replicas_slowly_and_never_in_silence() {
    let mut table = String::new();
    for witnessed in [1_000, 0, 500] {
        let what = format!("1,000 of 1,200 destroyed, {witnessed} of them told by events");
        // The day's allowance is 10 % of 1,200; what events told beyond it waits for a week.
        let at_once = witnessed.min(120);
        let mut scene = thousand(witnessed).await;
        scene.sweep().await;
        let tally = scene.tally();
        row(&mut table, &what, "first day", &tally);
        assert_eq!((tally.deleted, tally.left), (at_once as u64, 1_000 - at_once), "{what}");
        assert_eq!((tally.tombstoned, tally.held), (1_000 - at_once as u64, 0), "{what}");
        for _ in 1..9 {
            tokio::time::sleep(DAY).await;
            scene.sweep().await;
        }
        let tally = scene.tally();
        row(&mut table, &what, "ninth day", &tally);
        assert_eq!((tally.deleted, tally.left, tally.braked), (1_000, 0, 0), "{what}");
    }
    println!("{table}");
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the table is what the test tells")]
async fn a_small_account_loses_all_it_had_only_by_witnessed_deletions_or_by_a_persons_word() {
    let mut table = String::new();
    for replicas in 1..=10 {
        let mut scene = Scene::new(1, replicas).await;
        scene.destroy_with_events(0, &names(0..replicas)).await;
        scene.sweep().await;
        let tally = scene.tally();
        row(&mut table, &format!("{replicas} of {replicas}, told by events"), "first day", &tally);
        assert_eq!(
            (tally.deleted, tally.left),
            (replicas.min(5) as u64, replicas.saturating_sub(5))
        );
        assert_eq!((tally.held, tally.braked), (0, 0));
        let mut scene = Scene::new(1, replicas).await;
        scene.destroy(0, &names(0..replicas));
        for _ in 0..3 {
            scene.sweep().await;
            tokio::time::sleep(DAY).await;
        }
        let tally = scene.tally();
        row(&mut table, &format!("{replicas} of {replicas}, without events"), "third day", &tally);
        assert_eq!((tally.deleted, tally.tombstoned, tally.left), (0, 0, replicas));
        assert_eq!(
            (tally.held, tally.reported.len(), tally.braked),
            (replicas as u64, replicas, 3)
        );
    }
    println!("{table}");
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the table is what the test tells")]
async fn a_busy_account_of_short_lived_parameters_piles_nothing_up() {
    const A_DAY: usize = 30;
    let mut table = String::new();
    for told in [true, false] {
        let mut scene = Scene::new(1, 40).await;
        let mut most = 0;
        for day in 0..30 {
            let short_lived = names(1_000 + day * A_DAY..1_000 + (day + 1) * A_DAY);
            let id = scene.accounts[0].clone();
            let region = scene.sim.account(&id).region(SOURCE);
            for name in &short_lived {
                region.put(name, "value");
            }
            scene.sweep().await;
            if told {
                scene.destroy_with_events(0, &short_lived).await;
            } else {
                scene.destroy(0, &short_lived);
            }
            most = most.max(scene.replicas(0));
            tokio::time::sleep(DAY).await;
        }
        for _ in 0..9 {
            scene.sweep().await;
            tokio::time::sleep(DAY).await;
        }
        let what = format!("30 short-lived a day for a month, told by events: {told}");
        let tally = scene.tally();
        row(&mut table, &what, "day 39", &tally);
        assert_eq!((tally.left, tally.braked, tally.held), (0, 0, 0), "{what}");
        assert_eq!(tally.deleted, 30 * A_DAY as u64, "{what}");
        // What a week of days leaves over, beside the forty that stay.
        assert!(most <= 40 + 8 * A_DAY as u64, "{what}: at most {most} replicas");
    }
    println!("{table}");
}

#[tokio::test(start_paused = true)]
async fn accounts_that_lost_everything_count_among_those_that_lost_some() {
    let mut scene = Scene::new(20, 10).await;
    for account in 0..18 {
        scene.destroy(account, &names(0..10));
    }
    // Two of twenty alone would be few enough.
    for account in 18..20 {
        scene.destroy(account, &names(0..3));
    }
    for _ in 0..3 {
        scene.sweep().await;
        tokio::time::sleep(DAY).await;
    }
    let tally = scene.tally();
    assert_eq!((tally.deleted, tally.tombstoned, tally.held), (0, 0, 186));
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "the table is what the test tells")]
async fn many_accounts_that_lose_sources_in_one_sweep_are_held_everywhere() {
    let mut table = String::new();
    for (accounts, of_ten, is_held) in [(50, 10, true), (45, 3, true), (4, 3, false)] {
        let mut scene = Scene::new(50, 10).await;
        for account in 0..accounts {
            scene.destroy(account, &names(0..of_ten));
        }
        // A busy neighbour, who lost one in the same hour, is held with the others.
        if accounts < 50 {
            scene.destroy(49, &names(0..1));
        }
        for _ in 0..3 {
            scene.sweep().await;
            tokio::time::sleep(DAY).await;
        }
        let tally = scene.tally();
        let what = format!("{of_ten} of 10 gone in {accounts} of 50 accounts, without events");
        row(&mut table, &what, "third day", &tally);
        if is_held {
            assert_eq!((tally.deleted, tally.tombstoned, tally.braked), (0, 0, 3), "{what}");
            assert_eq!(tally.held, tally.left as u64, "{what}");
            let reported = tally.reported.len() as u64 + tally.cut;
            assert_eq!(reported, tally.held, "each is named: {what}");
        } else {
            assert_eq!((tally.left, tally.braked), (0, 0), "{what}");
        }
    }
    println!("{table}");
}
