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
pub(super) const CALLS: usize = 22;
/// The pauses: a moment, longer than a read of the state may be believed without another, and a minute of sleep.
const PAUSES: [u64; 3] = [1_000, 7_000, 60_000];

/// The acts of every order.
const ORDERED: [Act; 7] = [
    Act::Freeze,
    Act::Thaw,
    Act::OwnerWrites,
    Act::StrangerWrites,
    Act::Sweep,
    Act::Event,
    Act::SecondOperatorFreezes,
];

/// An invocation is held at each call in orders of up to three acts, at every fifth of four and at every eleventh of five
/// acts. The first of these calls takes turns.
const fn step(acts: usize) -> usize {
    match acts {
        0..=3 => 1,
        4 => 5,
        _ => 11,
    }
}

/// Every order of up to `length` different acts, with each of its invocations held at calls in turn. Pauses take
/// turns, and so do crashes.
pub(super) fn all_orders(length: usize) -> Vec<Schedule> {
    let mut orders: Vec<Vec<Act>> = Vec::new();
    let mut last: Vec<Vec<Act>> = vec![Vec::new()];
    for _ in 0..length {
        last = last
            .iter()
            .flat_map(|order| {
                let others = ORDERED.into_iter().filter(|act| !order.contains(act));
                others.map(move |act| [&order[..], &[act]].concat())
            })
            .collect();
        orders.extend(last.clone());
    }
    let mut schedules: Vec<Schedule> = Vec::new();
    for (nth, acts) in orders.into_iter().enumerate() {
        let step = step(acts.len());
        let first = nth % step;
        let invocations = (0..acts.len()).filter(|at| acts[*at].is_invocation());
        for (place, call) in
            invocations.flat_map(|at| (first..CALLS).step_by(step).map(move |call| (at, call)))
        {
            let turn = schedules.len();
            schedules.push(Schedule {
                acts: acts.clone(),
                pause: PAUSES[turn % PAUSES.len()],
                held: Some((place, call)),
                // Three pauses and two ends: no pause goes with one end only.
                crash: turn % 2 == 1,
            });
        }
    }
    schedules
}

/// Up to five acts, drawn from a seed.
pub(super) fn schedule_of(seed: u64) -> Schedule {
    let mut dice = fastrand::Rng::with_seed(seed);
    let many = dice.usize(2..=5);
    let mut acts: Vec<Act> = (0..many).map(|_| Act::ALL[dice.usize(0..Act::ALL.len())]).collect();
    if dice.u32(0..4) > 0 {
        acts.insert(0, Act::OwnerWrites);
    }
    // Half of them end with a freeze, while an invocation may still be held.
    if dice.bool() {
        acts.push(Act::Freeze);
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
