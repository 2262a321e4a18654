//! Every schedule of two invocations of one item.
//!
//! Each class of cases is a set of histories and what may go wrong in them. `make test` runs the small ones; `make
//! verify` sets `SCHEDULES=all` and runs all of them, and for each mutant `SCHEDULES=telling`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::Which;
use super::explore::{Case, Found, Mishaps, explore};
use super::history::{Change, Start, histories};
use super::memory::Memory;

const ONE: (&str, &[&str]) = ("us-east-2=us-east-1", &["us-east-1"]);
const TWO: (&str, &[&str]) = ("us-east-2=us-east-1,us-west-2", &["us-east-1", "us-west-2"]);
const NONE: Mishaps = Mishaps { crashes: 0, stale_sources: 0, stale_targets: 0, meddling: 0 };
const CRASH: Mishaps = Mishaps { crashes: 1, ..NONE };
const STALE_SOURCE: Mishaps = Mishaps { stale_sources: 1, ..NONE };
const STALE_TARGET: Mishaps = Mishaps { stale_targets: 1, ..NONE };
const MEDDLING: Mishaps = Mishaps { meddling: 1, ..NONE };
/// Threads: each has a memory of its own.
const THREADS: usize = 2;

/// Cases that belong together.
struct Class {
    name: &'static str,
    cases: Vec<Case>,
}

/// The class of all histories of `changes` changes from each of `starts`.
fn class(
    name: &'static str,
    (routes, targets): (&'static str, &'static [&'static str]),
    starts: &[Start],
    changes: usize,
    mishaps: Mishaps,
) -> Class {
    let of = |start: &Start| {
        let start = *start;
        // The first message tells of the first change, the second of the last.
        histories(start, changes).into_iter().map(move |history| Case {
            routes,
            targets,
            start,
            history,
            events: vec![1, changes],
            mishaps,
        })
    };
    Class { name, cases: starts.iter().flat_map(of).collect() }
}

const EVERY: [Start; 3] = [Start::Nothing, Start::Replicated, Start::Taken];
const OURS: [Start; 2] = [Start::Nothing, Start::Replicated];

fn small() -> Vec<Class> {
    vec![
        class("one change", ONE, &EVERY, 1, NONE),
        class("one change, a crash", ONE, &OURS, 1, CRASH),
        class("one change, a stale read of the target", ONE, &OURS, 1, STALE_TARGET),
        class("two changes", ONE, &EVERY, 2, NONE),
    ]
}

fn large() -> Vec<Class> {
    vec![
        class("one change, a stale read of the source", ONE, &OURS, 1, STALE_SOURCE),
        class("one change, a stranger", ONE, &EVERY, 1, MEDDLING),
        class("one change, two targets", TWO, &OURS, 1, NONE),
        class("two changes, a crash", ONE, &OURS, 2, CRASH),
        class("two changes, a stale read of the source", ONE, &OURS, 2, STALE_SOURCE),
        class("two changes, a stale read of the target", ONE, &OURS, 2, STALE_TARGET),
        class("three changes", ONE, &OURS, 3, NONE),
    ]
}

/// The least in which each fault that `tests/mutants` has is found, but for what the counterexamples find.
fn telling() -> Vec<Class> {
    let mut crash = class("two values, a crash", ONE, &[Start::Replicated], 2, CRASH);
    crash.cases.retain(|case| case.history == [Change::Value, Change::Value]);
    vec![class("two changes", ONE, &OURS, 2, NONE), crash]
}

/// What came of a class, and how many states the hub was run into.
fn run(class: &Class) -> (Found, Vec<String>, usize) {
    let next = AtomicUsize::new(0);
    let all = Mutex::new((Found::default(), Vec::new(), 0));
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                let mut memory = Memory::new();
                while let Some(case) = class.cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (found, bad) = explore(&mut memory, case);
                    let mut all = all.lock().expect("no thread panics");
                    all.0 += found;
                    all.1.extend(bad);
                }
                all.lock().expect("no thread panics").2 += memory.len();
            });
        }
    });
    all.into_inner().expect("no thread panics")
}

#[expect(clippy::print_stdout, reason = "the figures are what the test is for")]
fn assert_good(classes: Vec<Class>) {
    let mut total = Found::default();
    let mut all_bad = Vec::new();
    for class in classes {
        let began = Instant::now();
        let (found, bad, local) = run(&class);
        let Found { states, steps, ends, mended, bad: number } = found;
        println!(
            "{}: {} histories, {states} states, {steps} steps, {local} states of an invocation, {ends} ends, {mended} of them left to a sweep, {number} bad ends ({:.0?})",
            class.name,
            class.cases.len(),
            began.elapsed()
        );
        total += found;
        all_bad.extend(bad);
    }
    println!("in all: {} states, {} ends, {} bad ends", total.states, total.ends, total.bad);
    assert!(all_bad.is_empty(), "{} bad ends, the first of them:\n{}", total.bad, all_bad[0]);
}

#[test]
fn two_invocations_end_equal_whatever_the_order_of_their_calls() {
    assert_good(match super::which() {
        Which::Some => small(),
        Which::Telling => telling(),
        Which::All => small().into_iter().chain(large()).collect(),
    });
}
