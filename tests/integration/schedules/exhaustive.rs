//! Every schedule of two invocations of one item.
//!
//! Each class of cases is a set of histories and what may go wrong in them. `make test` runs the small ones; `make
//! verify` sets `SCHEDULES=all` and runs all of them, and for each mutant `SCHEDULES=telling`. A part of a class's name
//! runs that class alone.

use std::time::Instant;

use super::Which;
use super::case::{By, Case, Found, Mishaps};
use super::explore::explore;
use super::harm::Faults;
use super::history::{Change, Start, histories};
use super::memory::Memory;
use super::stranger::Act;

const ONE: (&str, &[&str]) = ("us-east-2=us-east-1", &["us-east-1"]);
const TWO: (&str, &[&str]) = ("us-east-2=us-east-1,us-west-2", &["us-east-1", "us-west-2"]);
const NONE: Mishaps = Mishaps::NONE;
const CRASH: Mishaps = Mishaps { crashes: 1, ..NONE };
const STALE_SOURCE: Mishaps = Mishaps { stale_sources: 1, ..NONE };
const STALE_TARGET: Mishaps = Mishaps { stale_targets: 1, ..NONE };
const LAG: Mishaps = Mishaps { lags: 1, ..NONE };
const LOST: Mishaps = Mishaps { lost: 1, ..NONE };
const ACT: Mishaps = Mishaps { acts: 1, ..NONE };
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
            by: By::Events,
            events: vec![1, changes],
            mishaps,
            acts: &Act::SOME,
        })
    };
    Class { name, cases: starts.iter().flat_map(of).collect() }
}

/// The class of one history.
fn two_values(name: &'static str, mishaps: Mishaps) -> Class {
    let mut class = class(name, ONE, &[Start::Replicated], 2, mishaps);
    class.cases.retain(|case| case.history == [Change::Value, Change::Value]);
    class
}

const EVERY: [Start; 3] = [Start::Nothing, Start::Replicated, Start::Taken];
const OURS: [Start; 2] = [Start::Nothing, Start::Replicated];

/// The same of one invocation, the only one; a stranger may do all that he can.
fn lone(mut class: Class, by: By) -> Class {
    for case in &mut class.cases {
        case.events = vec![case.history.len()];
        case.by = by;
        case.acts = &Act::ALL;
    }
    class
}

/// One invocation, and what others write or what is lost beside it.
fn strangers() -> Vec<Class> {
    vec![
        lone(class("one change, one invocation, a stranger", ONE, &EVERY, 1, ACT), By::Events),
        lone(class("one change, one sweep, a stranger", ONE, &EVERY, 1, ACT), By::Sweeps),
        lone(class("one change, one invocation, a lost answer", ONE, &OURS, 1, LOST), By::Events),
        lone(class("one change, one sweep, a lost answer", ONE, &OURS, 1, LOST), By::Sweeps),
    ]
}

/// A deletion alone, by one invocation: its answer may be lost, and a stranger act.
fn deletions() -> Vec<Class> {
    let both = Mishaps { acts: 1, lost: 1, ..NONE };
    let of = |name, by| {
        let mut class = lone(class(name, ONE, &[Start::Replicated], 1, both), by);
        class.cases.retain(|case| case.history == [Change::Delete]);
        class
    };
    vec![
        of("a deletion, one invocation, a stranger and a lost answer", By::Events),
        of("a deletion, one sweep, a stranger and a lost answer", By::Sweeps),
    ]
}

fn small() -> Vec<Class> {
    let stale = |name| class(name, ONE, &OURS, 1, STALE_TARGET);
    let mut classes = strangers();
    classes.extend(deletions());
    classes.extend([
        class("one change", ONE, &EVERY, 1, NONE),
        lone(stale("one change, one invocation, a stale read of the target"), By::Events),
        lone(stale("one change, one sweep, a stale read of the target"), By::Sweeps),
        lone(two_values("two values, one invocation, a target that falls behind", LAG), By::Events),
        lone(two_values("two values, one sweep, a target that falls behind", LAG), By::Sweeps),
    ]);
    classes
}

/// What `make verify` adds: minutes each.
fn large() -> Vec<Class> {
    vec![
        two_values("two values, a target that falls behind", LAG),
        class("one change, a crash", ONE, &OURS, 1, CRASH),
        class("two changes", ONE, &EVERY, 2, NONE),
        class("one change, a lost answer", ONE, &OURS, 1, LOST),
        class("one change, a stale read of the target", ONE, &OURS, 1, STALE_TARGET),
    ]
}

/// What takes an hour or more each, and is run by its name alone.
fn huge() -> Vec<Class> {
    vec![
        class("one change, a stranger", ONE, &EVERY, 1, ACT),
        class("one change, a stale read of the source", ONE, &OURS, 1, STALE_SOURCE),
        class("one change, two targets", TWO, &OURS, 1, NONE),
        class("two changes, a crash", ONE, &OURS, 2, CRASH),
        class("two changes, a stale read of the source", ONE, &OURS, 2, STALE_SOURCE),
        class("two changes, a stale read of the target", ONE, &OURS, 2, STALE_TARGET),
        class("two changes, a target that falls behind", ONE, &OURS, 2, LAG),
        class("three changes", ONE, &OURS, 3, NONE),
    ]
}

/// The least in which each fault that `tests/mutants` has is found, the small classes first.
fn telling() -> Vec<Class> {
    let mut classes = strangers();
    classes.extend(deletions());
    classes.extend([
        class("one change", ONE, &EVERY, 1, NONE),
        class("two changes", ONE, &OURS, 2, NONE),
        two_values("two values, a target that falls behind", LAG),
        two_values("two values, a crash", CRASH),
    ]);
    classes
}

/// What came of a class, and how many states the hub was run into.
fn run(class: &Class) -> (Found, Vec<String>, usize) {
    // Always the same ones: what a memory has seen decides which of two equal ways is gone.
    let part = |thread| class.cases.iter().skip(thread).step_by(THREADS);
    let parts: Vec<_> = std::thread::scope(|threads| {
        let started = (0..THREADS).map(|thread| {
            threads.spawn(move || {
                let mut memory = Memory::new();
                let explored: Vec<_> =
                    part(thread).map(|case| explore(&mut memory, case)).collect();
                (explored, memory.len())
            })
        });
        let started: Vec<_> = started.collect();
        started.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let mut all = (Found::default(), Vec::new(), 0);
    for (explored, states) in parts {
        all.2 += states;
        for (found, bad) in explored {
            all.0 += found;
            all.1.extend(bad);
        }
    }
    all
}

fn assert_good(classes: Vec<Class>) {
    let mut total = Found::default();
    let mut all_bad = Vec::new();
    for class in classes {
        let began = Instant::now();
        let (found, bad, local) = run(&class);
        let Found { states, steps, ends, mended, bad: number, windows, faults } = found.clone();
        super::tell(&format!(
            "{}: {} histories, {states} states, {steps} steps, {local} states of an invocation, {ends} ends, {mended} of them left to a sweep, {number} bad ends ({:.0?})",
            class.name,
            class.cases.len(),
            began.elapsed()
        ));
        faults.tell();
        windows.tell();
        total += found;
        // The first of each kind: another case may have begun with one of the same.
        let mut kinds = Faults::default();
        all_bad.extend(bad.into_iter().filter(|why| kinds.count(why)));
        if number > 0 {
            // It takes no other class to show that something is wrong.
            break;
        }
    }
    let Found { states, ends, bad, .. } = total;
    super::tell(&format!("in all: {states} states, {ends} ends, {bad} bad ends"));
    let all_bad = all_bad.join("\n\n");
    assert!(all_bad.is_empty(), "{} bad ends, the first of each kind:\n{all_bad}", total.bad);
}

#[test]
fn two_invocations_end_equal_whatever_the_order_of_their_calls() {
    let all = || small().into_iter().chain(large());
    let classes: Vec<Class> = match super::which() {
        Which::Some => small(),
        Which::Telling => telling(),
        Which::All => all().collect(),
        Which::Named(name) => {
            all().chain(huge()).filter(|class| class.name.contains(&name)).collect()
        }
    };
    assert!(!classes.is_empty(), "SCHEDULES is `all`, `telling` or a part of a class's name");
    assert_good(classes);
}
