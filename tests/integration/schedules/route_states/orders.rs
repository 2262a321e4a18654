//! Which schedules are run: every order of a few acts, and longer ones by seeds.

use super::acts::Act;

/// One schedule.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) acts: Vec<Act>,
    /// The pause before each act, in milliseconds.
    pub(super) pause: u64,
    /// The invocation that is held, by its place among the acts, and the number of its call, from zero.
    pub(super) held: Option<(usize, usize)>,
    /// Whether the held invocation crashes instead of going on.
    pub(super) crash: bool,
}

/// More calls than any invocation of these schedules makes.
const CALLS: usize = 16;
/// The pauses: a moment, longer than a read of the state may be believed without another, and a minute of sleep.
const PAUSES: [u64; 3] = [1_000, 7_000, 60_000];

/// Every order of up to `length` acts around one invocation that is held at each of its calls, goes on or crashes. The
/// owner writes before, so that the invocation has something to do.
pub(super) fn all_orders(length: usize) -> Vec<Schedule> {
    let mut orders: Vec<Vec<Act>> = vec![Vec::new()];
    let mut last = orders.clone();
    for _ in 0..length {
        last = last
            .iter()
            .flat_map(|order| Act::ALL.into_iter().map(move |act| [&order[..], &[act]].concat()))
            .collect();
        orders.extend(last.clone());
    }
    let mut schedules = Vec::new();
    for order in orders.into_iter().filter(|order| !order.is_empty()) {
        for invocation in [Act::Sweep, Act::Event] {
            let acts = [&[Act::OwnerWrites, invocation][..], &order].concat();
            for (call, pause) in (0..CALLS).flat_map(|call| PAUSES.map(|pause| (call, pause))) {
                let held = Some((1, call));
                schedules.push(Schedule { acts: acts.clone(), pause, held, crash: false });
                // What is done after a crash does not depend on the pause.
                if pause == PAUSES[0] {
                    schedules.push(Schedule { acts: acts.clone(), pause, held, crash: true });
                }
            }
        }
    }
    schedules
}

/// Up to five acts, drawn from a seed.
pub(super) fn schedule_of(seed: u64) -> Schedule {
    let mut dice = fastrand::Rng::with_seed(seed);
    let many = dice.usize(2..=5);
    let mut acts: Vec<Act> = (0..many).map(|_| Act::ALL[dice.usize(0..Act::ALL.len())]).collect();
    if dice.bool() {
        acts.insert(0, Act::OwnerWrites);
    }
    let invocations: Vec<usize> = (0..acts.len()).filter(|at| acts[*at].is_invocation()).collect();
    let held = (!invocations.is_empty())
        .then(|| (invocations[dice.usize(0..invocations.len())], dice.usize(0..CALLS)));
    Schedule {
        acts,
        pause: PAUSES[dice.usize(0..PAUSES.len())],
        held,
        crash: dice.usize(0..3) == 0,
    }
}
