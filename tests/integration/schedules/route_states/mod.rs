//! Route states: freezes, thaws and invocations of the hub in every order, with the code that ships.
//!
//! A schedule is a list of [`acts::Act`]s, each after a pause, and one invocation of it that is held before one of its
//! calls until all later acts are done. Then the invocation goes on, or it has crashed. Every invocation, and every
//! command of an operator, is a [`super::process`] with the real SDK; the table is the simulator's.
//!
//! # What every schedule must keep
//!
//! * A write begins only if the route was active at some moment of the 10 s before, by the simulator's clock.
//! * After the last act an operator thaws the route, and the sweeps that follow leave the replica equal to its source, or
//!   say what is different; a version of a stranger that was covered is named ([`super::check`]).
//!
//! # What can happen
//!
//! * Every order of up to five of: a freeze, a thaw, an owner's write, a stranger's write, a sweep, an event, and a second
//!   operator's freeze. Each invocation is held at each of its calls in turn; of four acts at every fifth call, of five at every
//!   eleventh, and the first of these takes turns.
//! * Up to six acts drawn from a seed, with repetitions. Further acts: a freeze of the account alone, the repetition of the
//!   last thaw's payload, and a second operator's thaw.
//! * An operator's thaw carries the serial that the operator reads. The second operator has read the state at the place of
//!   the act, and puts the next record after all other acts.
//! * A pause of a minute between acts. The wall clock of a held invocation then goes on and its monotonic clock stands
//!   still, as in a laptop that sleeps and in a Lambda that is paused.
//! * A crash at every call of an invocation, the write done or not.
//!
//! # What cannot
//!
//! * A write is done when it begins, also where its invocation is held before the answer. Requests that are under way
//!   for seconds, and lost answers, are in `tests/integration/freezes.rs`.
//! * A read of the table is consistent and answers at once, and no operator removes records.

mod acts;
mod orders;
mod stage;

use self::acts::Act;
use self::orders::{CALLS, Schedule, all_orders, schedule_of};
use self::stage::{Run, run_all};

/// Runs schedules on both cores, and asserts that none is bad.
fn assert_good(schedules: &[Schedule]) {
    let many = schedules.len();
    let half = many.div_ceil(2).max(1);
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let parts: Vec<_> =
            schedules.chunks(half).map(|part| scope.spawn(move || run_all(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("no thread panics")).collect()
    });
    let sum = |count: fn(&Run) -> usize| runs.iter().map(count).sum::<usize>();
    super::tell(&format!(
        "route states: {many} schedules, {} invocations and commands, {} writes, {} invocations held, {} crashed, {} writes refused by the gate, {} transitions",
        sum(|run| run.processes),
        sum(|run| run.writes),
        sum(|run| usize::from(run.held)),
        sum(|run| usize::from(run.crashed)),
        sum(|run| run.refused),
        sum(|run| run.transitions),
    ));
    assert!(sum(|run| run.writes) > 0 && sum(|run| run.refused) > 0, "nothing was tried");
    let bad: Vec<&str> = runs.iter().filter_map(|run| run.bad.as_deref()).collect();
    let first: Vec<&str> = bad.iter().take(3).copied().collect();
    assert!(bad.is_empty(), "{} bad schedules:\n{}", bad.len(), first.join("\n\n"));
}

#[test]
fn no_write_begins_outside_what_the_state_allows_and_nothing_is_lost() {
    let (length, seeds) = match super::which() {
        super::Which::Some => (0, 60),
        super::Which::Telling => (0, 600),
        super::Which::All | super::Which::Named(_) => (5, 2_000),
    };
    let mut schedules = all_orders(length);
    schedules.extend((0..seeds).map(schedule_of));
    assert_good(&schedules);
}

/// Schedules by name, each the shortest that tells a wrong gate from the right one.
#[test]
fn what_each_rule_of_the_gate_is_for() {
    let held = |acts: &[Act], at| Schedule {
        acts: acts.to_vec(),
        pause: 1_000,
        held: Some((0, at)),
        crash: false,
    };
    let mut schedules = Vec::new();
    for at in 0..CALLS {
        // The state is read once at the beginning: the later freeze is not obeyed.
        let slept = Schedule { pause: 60_000, ..held(&[Act::Sweep, Act::Freeze], at) };
        schedules.push(Schedule {
            acts: [&[Act::OwnerWrites][..], &slept.acts].concat(),
            held: Some((1, at)),
            ..slept
        });
    }
    for late in [Act::ThawAgain, Act::SecondOperatorThaws] {
        let acts = [Act::Freeze, Act::Thaw, Act::Freeze, Act::OwnerWrites, late, Act::Sweep];
        schedules.push(Schedule { held: None, ..held(&acts, 0) });
    }
    // A table without a record is not an active route.
    schedules.push(Schedule {
        held: None,
        ..held(&[Act::LoseTable, Act::OwnerWrites, Act::Sweep, Act::Event], 0)
    });
    assert_good(&schedules);
}
