//! Random worlds: accounts with parameters and secrets of every sort on both sides of their routes, swept, changed and
//! swept again. After each sweep an oracle that shares no code with the hub looks at what AWS holds, and asks two things:
//! whether every source has an equal replica, or is excluded, or is named; and whether the sources and the orphans that
//! it counts are as many as the outcomes that the report counts.

mod furnish;
mod mutate;
mod oracle;
mod random;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sim::{Settings, Sim};
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use self::oracle::{Judged, Snapshot};
use self::random::Random;
use crate::support::{answered, hub_on, simulated, sweep_all};

/// Worlds in every run of the tests; the variable `WORLDS` asks for another number.
const WORLDS: u64 = 320;
/// Accounts of one organisation. Ten that lose sources at once would be held back together.
const ACCOUNTS: u64 = 8;
/// How often an organisation goes on in another way from where its first sweep ended.
const FORKS: u64 = 4;
const THREADS: usize = 2;

/// Two targets, and the opposite route from one of them.
const ROUTES: &str = "us-east-2=us-west-2,us-east-1; us-west-2=us-east-2";
const PAIRS: [(&str, &str); 3] =
    [("us-east-2", "us-west-2"), ("us-east-2", "us-east-1"), ("us-west-2", "us-east-2")];
const EXCLUDED_NAMES: &str = "/out/*,out/*";

/// How the hub is set in one organisation.
fn settings(random: &mut Random) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        ("ROUTES", ROUTES),
        ("EXCLUDE_ACCOUNTS", "123456789012"),
        ("EXCLUDE_NAMES", EXCLUDED_NAMES),
        ("DELETE_GRACE_DAYS", *random.one_of(&["0", "1"])),
        ("ON_CONFLICT", *random.one_of(&["report", "adopt"])),
        ("ON_TARGET_CHANGE", *random.one_of(&["report", "restore"])),
    ];
    if random.one_in(5) {
        settings.push(("MAX_DELETES", "0"));
    }
    settings
}

/// What the worlds came to.
#[derive(Debug, Default)]
struct Figures {
    worlds: u64,
    sources: u64,
    outcomes: BTreeMap<(&'static str, String), u64>,
    wrong: Vec<String>,
}

impl Figures {
    fn count(&mut self, response: &Value) {
        for kind in ["parameters", "secrets"] {
            for (outcome, many) in response["totals"][kind].as_object().into_iter().flatten() {
                let many = many.as_u64().unwrap_or_default();
                *self.outcomes.entry((kind, outcome.clone())).or_default() += many;
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.sources += other.sources;
        for (outcome, many) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += many;
        }
        self.wrong.extend(other.wrong);
    }

    #[expect(clippy::print_stdout, reason = "the table is what the test shows")]
    fn print(&self) {
        println!("{} worlds, {} sources, once for each target", self.worlds, self.sources);
        println!("{:14} {:>10} {:>10}", "outcome", "parameters", "secrets");
        for outcome in OUTCOMES {
            let of = |kind| self.outcomes.get(&(kind, outcome.to_owned())).copied().unwrap_or(0);
            println!("{outcome:14} {:>10} {:>10}", of("parameters"), of("secrets"));
        }
    }
}

/// Every outcome that there is.
const OUTCOMES: [&str; 17] = [
    "in_sync",
    "created",
    "updated",
    "retagged",
    "recreated",
    "restored",
    "deleted",
    "tombstoned",
    "held",
    "replicated",
    "pending",
    "conflict",
    "excluded",
    "out_of_scope",
    "skipped",
    "absent",
    "failed",
];

/// One organisation: each account is a world of its own, before its first sweep and after each set of changes.
async fn organisation(seed: u64) -> Figures {
    let mut random = Random::new(seed);
    // So slow that a sweep does not wait for it.
    let replication = if seed % 4 == 1 { 300 } else { 3 };
    let (sim, accounts) = simulated(
        Settings { seed, replication: Duration::from_secs(replication), ..Settings::default() },
        ACCOUNTS,
    );
    let mut figures = Figures::default();
    for account in &accounts {
        furnish::account(&sim, account, &mut random);
    }
    let settings = settings(&mut random);
    figures.sweep(&format!("seed {seed}"), &sim, &accounts, &settings).await;
    for fork in 0..FORKS {
        let sim = sim.fork();
        let mut anew = Vec::new();
        for account in &accounts {
            anew.push((account, mutate::account(&sim, account, &mut random)));
        }
        // AWS refuses a create that follows a delete at once.
        tokio::time::sleep(Duration::from_mins(1)).await;
        for (account, names) in anew {
            mutate::create_anew(&sim, account, &names);
        }
        let settings = self::settings(&mut random);
        figures.sweep(&format!("seed {seed}, fork {fork}"), &sim, &accounts, &settings).await;
    }
    let hub = hub_on(&sim, &settings).await;
    figures.count(&nowhere(&hub, &accounts[0], &mut random).await);
    figures
}

impl Figures {
    /// Sweeps all accounts, and judges what came of it.
    async fn sweep(&mut self, at: &str, sim: &Sim, accounts: &[String], settings: &[(&str, &str)]) {
        // What is younger than the lists' lag is another matter.
        tokio::time::sleep(Duration::from_mins(20)).await;
        let before: Vec<Snapshot> =
            accounts.iter().map(|account| Snapshot::of(sim, account)).collect();
        let response = sweep_all(&hub_on(sim, settings).await).await;
        self.count(&response);
        let judged = accounts.iter().zip(&before).map(|(account, before)| {
            oracle::judge(account, before, &Snapshot::of(sim, account), &response)
        });
        let judged: Vec<Judged> = judged.collect();
        let wrong = judged.iter().flat_map(|one| one.wrong.clone());
        let wrong = wrong.chain(oracle::totals(&response, &judged));
        self.wrong.extend(wrong.map(|why| format!("{at}: {why}")));
        self.worlds += accounts.len() as u64;
        self.sources += judged.iter().map(|one| one.parameters + one.secrets).sum::<u64>();
    }
}

/// A person names an item that is nowhere.
async fn nowhere(hub: &Hub, account: &str, random: &mut Random) -> Value {
    let kind = *random.one_of(&["parameter", "secret"]);
    let name = if kind == "parameter" { "/no/where" } else { "no/where" };
    let payload =
        json!({"account": account, "detail": {"kind": kind, "name": name, "operation": "sync"}});
    let response = answered(hub, &payload).await;
    assert_eq!(response["status"], "failed", "{response:#}");
    assert_eq!(response["failures"][0]["name"], name, "{response:#}");
    response
}

#[expect(clippy::disallowed_methods, reason = "it is a test's, and no setting")]
fn worlds() -> u64 {
    std::env::var("WORLDS").ok().and_then(|many| many.parse().ok()).unwrap_or(WORLDS)
}

#[test]
fn every_source_is_equal_or_excluded_or_named_and_the_counts_agree() {
    let worlds = worlds();
    let (next, figures) = (AtomicU64::new(0), Mutex::new(Figures::default()));
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed * ACCOUNTS * (1 + FORKS) >= worlds {
                        break;
                    }
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .start_paused(true)
                        .build();
                    let of_one = runtime.expect("a runtime").block_on(organisation(seed));
                    figures.lock().expect("no thread panics").merge(of_one);
                }
            });
        }
    });
    let figures = figures.into_inner().expect("no thread panics");
    figures.print();
    let shown: Vec<&String> = figures.wrong.iter().take(20).collect();
    assert!(shown.is_empty(), "{} faults:\n{shown:#?}", figures.wrong.len());
    for outcome in OUTCOMES {
        let of = |kind| figures.outcomes.contains_key(&(kind, outcome.to_owned()));
        assert!(worlds < WORLDS || of("parameters") || of("secrets"), "{outcome} never occurred");
    }
}
