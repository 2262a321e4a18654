//! Thousands of schedules of three and more invocations, several items, sweeps against events, and secrets.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::harm::{Faults, Windows};
use super::live::{Beginning, Told, run};

/// Schedules in every run of the tests, and with `SCHEDULES=all`.
const SEEDS: (u64, u64) = (1_500, 20_000);
const THREADS: usize = 2;

/// How many schedules had what.
#[derive(Clone, Debug, Default)]
struct Figures {
    schedules: u64,
    calls: u64,
    invocations: u64,
    crowded: u64,
    overlaps: u64,
    crashes: u64,
    second_rounds: u64,
    stale: u64,
    lost: u64,
    acts: u64,
    windows: Windows,
    mended: u64,
    faults: Faults,
    bad: u64,
    /// The first seed of each kind of fault.
    first: BTreeMap<String, (u64, Told)>,
}

impl Figures {
    fn add(&mut self, seed: u64, told: Told) {
        self.schedules += 1;
        self.calls += told.calls;
        self.invocations += told.invocations;
        self.crowded += u64::from(told.invocations >= 3);
        self.overlaps += u64::from(told.overlap);
        self.crashes += u64::from(told.crash);
        self.second_rounds += u64::from(told.second_round);
        self.stale += u64::from(told.stale);
        self.lost += u64::from(told.lost);
        self.acts += u64::from(told.act);
        self.windows += told.windows.clone();
        self.mended += u64::from(told.mended);
        if let Some(why) = &told.bad {
            self.bad += 1;
            self.faults.count(why);
            let first = self.first.entry(Faults::kind(why)).or_insert_with(|| (seed, told.clone()));
            if seed < first.0 {
                *first = (seed, told);
            }
        }
    }
}

#[test]
fn schedules_by_seeds_end_equal_or_visibly_out_of_sync() {
    let seeds = if super::which() == super::Which::All { SEEDS.1 } else { SEEDS.0 };
    let next = AtomicU64::new(0);
    let figures = Mutex::new(Figures::default());
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                let beginning = Beginning::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    let told = run(&beginning, seed);
                    figures.lock().expect("no thread panics").add(seed, told);
                }
            });
        }
    });
    let figures = figures.into_inner().expect("no thread panics");
    let Figures { schedules, calls, invocations, crowded, .. } = figures;
    super::tell(&format!(
        "{schedules} schedules, {invocations} invocations, {calls} calls; {crowded} of three and more invocations"
    ));
    let Figures { overlaps, crashes, second_rounds, stale, lost, acts, mended, .. } = figures;
    super::tell(&format!(
        "two invocations in each other's window {overlaps}, a crash {crashes}, a second round {second_rounds}, a stale read {stale}, a lost answer {lost}, a stranger {acts}, left to a sweep {mended}; {} bad ends",
        figures.bad
    ));
    figures.faults.tell();
    figures.windows.tell();
    let shown = |(seed, told): &(u64, Told)| {
        let why = told.bad.as_deref().unwrap_or_default();
        format!("seed {seed}: {why}\n{}", told.lines.join("\n"))
    };
    let first: Vec<String> = figures.first.values().map(shown).collect();
    assert!(first.is_empty(), "{} bad ends:\n{}", figures.bad, first.join("\n\n"));
    for (what, number, least_percent) in [
        ("overlap", overlaps, 10),
        ("crash", crashes, 10),
        ("second round", second_rounds, 10),
        ("lost answer", lost, 10),
        ("stranger", acts, 30),
    ] {
        assert!(number * 100 > schedules * least_percent, "{what}: {number} of {schedules}");
    }
}

#[test]
fn a_seed_is_a_schedule() {
    let (one, other) = (Beginning::new(), Beginning::new());
    for seed in 0..40 {
        assert_eq!(run(&one, seed).lines, run(&other, seed).lines, "seed {seed}");
    }
}
