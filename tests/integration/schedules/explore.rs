//! Every schedule of some invocations, of an owner's changes and of what goes wrong, each state once.
//!
//! A state is the world, how far the owner is, what may still go wrong, and where each invocation is: by all answers
//! that it had ([`super::memory`]). From each state every choice is taken: which held call of which invocation is
//! answered, whether a read is stale, whether the invocation is gone after a write, the owner's next change, a
//! stranger's.
//!
//! # What is left out, and why nothing is lost
//!
//! * A crash is tried only just after a write. One that comes before an invocation's first write, or at a read
//!   between two writes, leaves the world as the crash just after the write before left it, and the message that comes
//!   again may come at any later time in both.
//! * An invocation begins when its event is there, but its calls are held: beginning later is being answered later.
//! * Where one call can be answered without taking anything from the other choices, only that one is taken: a read of
//!   the source once the owner is done and no stale read is left, and any call of the one invocation that is left
//!   when owner and stranger are done. What is done later cannot change that answer, and it changes nothing that others
//!   read.
//! * Events do not wait for what they tell to be readable: the wait only delays all that follows.
//!
//! Not tried is a target that falls behind while several invocations are at work; single stale reads are.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use serde_json::json;

use super::check;
use super::history::{self, Change, Meddling, NAME, SOURCE, Start};
use super::memory::{CallId, Doing, Memory, Node};
use super::process::Input;
use super::store::{ACCOUNT, Dates, Store, Who};
use crate::support::{LONG_AGO, batch, native_event};

/// How often a message comes again after its invocation asked for that.
const RETURNS: u8 = 3;
/// A value and its provenance are two changes.
const LAG: u8 = 2;
/// States of a Region that reads can show: what is, and what was.
const PAST: usize = LAG as usize + 1;

/// What may go wrong in one schedule, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mishaps {
    /// Invocations that vanish after a write.
    pub(super) crashes: u8,
    /// Reads of the source that show what was before its last change.
    pub(super) stale_sources: u8,
    /// The same in a target.
    pub(super) stale_targets: u8,
    /// Times that the first target falls behind: all its reads then show what was before a value and its provenance
    /// were written, until it is changed or the invocation is over. AWS is behind for seconds; a message that comes
    /// again takes minutes.
    pub(super) lags: u8,
    /// Changes of a stranger in the first target.
    pub(super) meddling: u8,
}

/// One item, its history, and its invocations.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) routes: &'static str,
    pub(super) targets: &'static [&'static str],
    pub(super) start: Start,
    pub(super) history: Vec<Change>,
    /// After how many changes the event of each invocation is there. The last is that of the last change.
    pub(super) events: Vec<usize>,
    pub(super) mishaps: Mishaps,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) states: u64,
    pub(super) steps: u64,
    pub(super) ends: u64,
    /// Ends that a sweep had still to mend.
    pub(super) mended: u64,
    pub(super) bad: u64,
}

impl std::ops::AddAssign for Found {
    fn add_assign(&mut self, other: Self) {
        let Self { states, steps, ends, mended, bad } = other;
        self.states += states;
        self.steps += steps;
        self.ends += ends;
        self.mended += mended;
        self.bad += bad;
    }
}

/// The world, and what tells it from another one.
struct World {
    store: Store,
    /// Of each Region: what is, and before it what was, as far back as a stale read shows; the latest first.
    digests: Vec<Vec<u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Invocation {
    /// Its event comes with this change.
    Expected(usize),
    /// It is here, and its message may come again so often.
    Running(Node, u8),
    Over,
    /// Its message came too often.
    GivenUp,
}

#[derive(Clone)]
struct State {
    world: Rc<World>,
    changes: usize,
    left: Mishaps,
    /// Whether the first target is behind.
    lags: bool,
    invocations: Vec<Invocation>,
}

#[derive(Clone, Copy, Debug)]
enum Choice {
    Change,
    Meddle(Meddling),
    FallBehind,
    Answer { invocation: usize, call: CallId, stale: bool, crash: bool },
}

/// A choice that was taken, and where.
#[derive(Clone, Copy, Debug)]
struct Step {
    choice: Choice,
    changes: usize,
    node: Option<Node>,
}

/// The exploration of one case.
pub(super) struct Explorer<'a> {
    memory: &'a mut Memory,
    case: &'a Case,
    event: Input,
    visited: HashSet<(u64, u64)>,
    pub(super) found: Found,
    /// The first bad schedules, step by step.
    pub(super) bad: Vec<String>,
}

/// So many bad schedules are told in full.
const SHOWN: usize = 3;

/// Every schedule of a case.
pub(super) fn explore(memory: &mut Memory, case: &Case) -> (Found, Vec<String>) {
    let mut explorer = Explorer {
        event: touched(case.routes),
        memory,
        case,
        visited: HashSet::new(),
        found: Found::default(),
        bad: Vec::new(),
    };
    let first = explorer.beginning();
    explorer.run(first);
    (explorer.found, explorer.bad)
}

/// An event that has the item looked at and says nothing that could be waited for.
pub(super) fn touched(routes: &'static str) -> Input {
    let event = native_event(ACCOUNT, LONG_AGO, NAME, "Touch");
    Input { routes, payload: batch([("1", event)]).to_string() }
}

/// A world in which a case begins.
pub(super) fn world(memory: &mut Memory, case: &Case, dates: Dates) -> Store {
    let mut store = Store::new(dates, aws_sim::Settings::default());
    if case.start != Start::Nothing {
        history::happen(&mut store, NAME, Change::Create, 0);
    }
    match case.start {
        Start::Nothing => {}
        Start::Replicated => {
            let (answer, writes) = check::alone(memory, &mut store, &check::sweep(case.routes));
            assert_eq!(writes, case.targets.len(), "{answer}");
        }
        Start::Taken => {
            for target in case.targets {
                let request = json!({"Name": NAME, "Value": "a stranger's", "Type": "String"});
                store.must(Who::Stranger, target, "ssm:PutParameter", &request);
            }
        }
    }
    store
}

impl Explorer<'_> {
    fn regions(&self) -> impl Iterator<Item = &'static str> + use<> {
        [SOURCE].into_iter().chain(self.case.targets.iter().copied())
    }

    fn beginning(&mut self) -> State {
        let store = world(self.memory, self.case, Dates::Counted);
        let digests = self.regions().map(|region| vec![store.digest(region)]).collect();
        let mut invocations: Vec<Invocation> =
            self.case.events.iter().map(|after| Invocation::Expected(*after)).collect();
        self.arrive(0, &mut invocations);
        State {
            world: Rc::new(World { store, digests }),
            changes: 0,
            left: self.case.mishaps,
            lags: false,
            invocations,
        }
    }

    /// Lets the invocations begin whose events are there.
    fn arrive(&mut self, changes: usize, invocations: &mut [Invocation]) {
        for invocation in invocations.iter_mut() {
            if matches!(invocation, Invocation::Expected(after) if *after <= changes) {
                *invocation = Invocation::Running(self.memory.root(&self.event), RETURNS);
            }
        }
        // They are all alike.
        invocations.sort_unstable();
    }

    fn run(&mut self, first: State) {
        let choices = self.enter(&first, &[]);
        let mut stack = vec![(first, choices)];
        let mut way: Vec<Step> = Vec::new();
        while let Some((state, choices)) = stack.last_mut() {
            let Some(choice) = choices.pop() else {
                stack.pop();
                way.pop();
                continue;
            };
            let state = state.clone();
            let node = match choice {
                Choice::Answer { invocation, .. } => Some(running(&state, invocation).0),
                Choice::Change | Choice::Meddle(_) | Choice::FallBehind => None,
            };
            way.push(Step { choice, changes: state.changes, node });
            let next = self.step(&state, choice);
            self.found.steps += 1;
            let choices = self.enter(&next, &way);
            if choices.is_empty() {
                way.pop();
            } else {
                stack.push((next, choices));
            }
        }
    }

    /// The choices in a state that was not seen yet. One with none is an end, and is checked.
    fn enter(&mut self, state: &State, way: &[Step]) -> Vec<Choice> {
        if !self.visited.insert(key(state)) {
            return Vec::new();
        }
        self.found.states += 1;
        let faults = state.invocations.iter().find_map(|invocation| match invocation {
            Invocation::Running(node, _) => self.memory.fault(*node),
            _ => None,
        });
        if let Some(fault) = faults.map(str::to_owned) {
            self.report(way, &fault);
            return Vec::new();
        }
        let choices = self.choices(state);
        if choices.is_empty() {
            self.end(state, way);
        }
        choices
    }

    fn end(&mut self, state: &State, way: &[Step]) {
        let Case { routes, targets, history, mishaps, .. } = self.case;
        let stale_targets = state.left.stale_targets;
        // A target that falls behind may hide that the replica is there, is gone, or has a tag too many: that is left to
        // the next sweep. Another value is not: it is written again whatever is read.
        let only_values = history.iter().all(|change| *change == Change::Value);
        let lags = if only_values { state.left.lags } else { mishaps.lags };
        let untouched = Mishaps { stale_targets, lags, ..*mishaps } == state.left;
        let quiet = untouched && !state.invocations.contains(&Invocation::GivenUp);
        let store = &state.world.store;
        let equal = targets
            .iter()
            .all(|target| check::standing(store, target, NAME) != check::Standing::Different);
        self.found.ends += 1;
        self.found.mended += u64::from(!equal);
        if let Some(why) = check::bad_end(self.memory, store, routes, targets, quiet) {
            self.report(way, &why);
        }
    }

    fn report(&mut self, way: &[Step], why: &str) {
        self.found.bad += 1;
        if self.bad.len() < SHOWN {
            let Case { start, history, mishaps, .. } = self.case;
            let way: Vec<String> = way.iter().filter_map(|step| self.told(step)).collect();
            let way = way.join("\n    ");
            self.bad.push(format!("{why}\n  {start:?} {history:?} {mishaps:?}\n    {way}"));
        }
    }

    fn choices(&self, state: &State) -> Vec<Choice> {
        let owner_is_done = state.changes == self.case.history.len();
        let mut held: Vec<(usize, CallId)> = Vec::new();
        let mut running = 0;
        for (at, invocation) in state.invocations.iter().enumerate() {
            let Invocation::Running(node, _) = invocation else { continue };
            running += 1;
            if let Doing::Waiting(calls) = self.memory.doing(*node) {
                held.extend(calls.iter().map(|call| (at, *call)));
            }
        }
        let is_settled = |(_, call): &(usize, CallId)| {
            let region = &self.memory.call(*call).region;
            owner_is_done && state.left.stale_sources == 0 && region == SOURCE
        };
        let is_alone = owner_is_done && state.left.meddling == 0 && running == 1;
        let only = if is_alone { held.first() } else { held.iter().find(|one| is_settled(one)) };
        let answered = only.map_or(&*held, std::slice::from_ref);
        let mut choices: Vec<Choice> =
            answered.iter().flat_map(|(at, call)| self.answers(state, *at, *call)).collect();
        let has_past = state.world.digests[1].len() == PAST;
        if is_alone && state.left.lags > 0 && has_past {
            choices.push(Choice::FallBehind);
        }
        if only.is_some() {
            return choices;
        }
        if !owner_is_done {
            choices.push(Choice::Change);
        }
        if state.left.meddling > 0 && running > 0 {
            let target = self.case.targets[0];
            let fits = |one: &Meddling| one.happen(&mut state.world.store.fork(), target);
            choices.extend(Meddling::ALL.into_iter().filter(fits).map(Choice::Meddle));
        }
        choices
    }

    /// The ways in which a call can be answered.
    fn answers(&self, state: &State, invocation: usize, call: CallId) -> Vec<Choice> {
        let held = self.memory.call(call);
        let answer = |stale, crash| Choice::Answer { invocation, call, stale, crash };
        let mut answers = vec![answer(false, false)];
        if held.writes() {
            if state.left.crashes > 0 {
                answers.push(answer(false, true));
            }
            return answers;
        }
        let stale_left =
            if held.region == SOURCE { state.left.stale_sources } else { state.left.stale_targets };
        let store = &state.world.store;
        if stale_left > 0 && store.fork().answer(held, 1) != store.fork().answer(held, 0) {
            answers.push(answer(true, false));
        }
        answers
    }

    fn step(&mut self, state: &State, choice: Choice) -> State {
        let mut next = state.clone();
        match choice {
            Choice::Change => {
                let mut store = state.world.store.fork();
                history::happen(
                    &mut store,
                    NAME,
                    self.case.history[state.changes],
                    state.changes + 1,
                );
                next.changes += 1;
                next.world = self.changed(&state.world, store);
            }
            Choice::Meddle(meddling) => {
                let mut store = state.world.store.fork();
                meddling.happen(&mut store, self.case.targets[0]);
                next.left.meddling -= 1;
                next.lags = false;
                next.world = self.changed(&state.world, store);
            }
            Choice::FallBehind => {
                next.left.lags -= 1;
                next.lags = true;
            }
            Choice::Answer { invocation, call, stale, crash } => {
                let held = self.memory.call(call).clone();
                let mut store = state.world.store.fork();
                let lags = state.lags && held.region == self.case.targets[0] && !held.writes();
                let answer = store.answer(&held, if lags { LAG.into() } else { stale.into() });
                if held.writes() {
                    next.lags &= held.region != self.case.targets[0];
                    next.world = self.changed(&state.world, store);
                }
                if stale && held.region == SOURCE {
                    next.left.stale_sources -= 1;
                } else if stale {
                    next.left.stale_targets -= 1;
                }
                next.left.crashes -= u8::from(crash);
                let (node, returns) = running(state, invocation);
                next.invocations[invocation] = if crash {
                    Invocation::Running(self.memory.root(&self.event), returns)
                } else {
                    let node = self.memory.next(node, call, &answer);
                    next.lags &= matches!(self.memory.doing(node), Doing::Waiting(_));
                    self.after(node, returns)
                };
            }
        }
        self.arrive(next.changes, &mut next.invocations);
        next
    }

    /// Where an invocation is after an answer: one that is over and was not done comes again.
    fn after(&mut self, node: Node, returns: u8) -> Invocation {
        match self.memory.doing(node) {
            Doing::Waiting(_) => Invocation::Running(node, returns),
            Doing::Ended(answer) if answer["batchItemFailures"] == json!([]) => Invocation::Over,
            Doing::Ended(_) => match returns.checked_sub(1) {
                Some(returns) => Invocation::Running(self.memory.root(&self.event), returns),
                None => Invocation::GivenUp,
            },
        }
    }

    fn changed(&self, before: &World, store: Store) -> Rc<World> {
        let mut digests = before.digests.clone();
        for (region, digests) in self.regions().zip(&mut digests) {
            let now = store.digest(region);
            if now != digests[0] {
                digests.insert(0, now);
                digests.truncate(PAST);
            }
        }
        Rc::new(World { store, digests })
    }

    fn told(&self, step: &Step) -> Option<String> {
        match step.choice {
            Choice::Change => Some(format!("owner: {:?}", self.case.history[step.changes])),
            Choice::Meddle(meddling) => Some(format!("stranger: {meddling:?}")),
            Choice::FallBehind => Some("the target falls behind".to_owned()),
            Choice::Answer { call, stale, crash, .. } => {
                let stale = if stale { " STALE" } else { "" };
                let crash = if crash { " CRASH" } else { "" };
                Some(format!("{:?}: {}{stale}{crash}", step.node?, self.memory.call(call)))
            }
        }
    }
}

fn running(state: &State, invocation: usize) -> (Node, u8) {
    match state.invocations[invocation] {
        Invocation::Running(node, returns) => (node, returns),
        _ => panic!("only who runs has calls"),
    }
}

/// What tells a state from all others: twice 64 bits.
fn key(state: &State) -> (u64, u64) {
    let of = |salt: u8| {
        let mut hasher = std::hash::DefaultHasher::new();
        let Mishaps { stale_sources, stale_targets, lags, .. } = state.left;
        let shown = if lags > 0 || state.lags {
            PAST
        } else if stale_sources > 0 || stale_targets > 0 {
            2
        } else {
            1
        };
        salt.hash(&mut hasher);
        for digests in &state.world.digests {
            digests[..shown.min(digests.len())].hash(&mut hasher);
        }
        (state.changes, state.left, state.lags, &state.invocations).hash(&mut hasher);
        hasher.finish()
    };
    (of(0), of(1))
}
