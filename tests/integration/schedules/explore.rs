//! Every schedule of some invocations, of an owner's changes and of what goes wrong, each state once.
//!
//! A state is the world, how far the owner is, what may still go wrong, and where each invocation is: by all answers
//! that it had ([`super::memory`]). From each state every choice is taken: which held call of which invocation is
//! answered, whether a read is stale, whether the invocation is gone after a write or the answer to it is lost, the
//! owner's next change, a stranger's act.
//!
//! # What is left out, and why nothing is lost
//!
//! * A crash is tried only just after a write. One that comes before an invocation's first write, or at a read
//!   between two writes, leaves the world as the crash just after the write before left it, and the message that comes
//!   again may come at any later time in both.
//! * An answer is lost to writes alone: a read whose answer is lost is sent again, which is the same read later.
//! * An invocation begins when its event is there, but its calls are held: beginning later is being answered later.
//! * Where one call can be answered without taking anything from the other choices, only that one is taken: a read of
//!   the source once the owner is done and no stale read is left, and any call of the one invocation that is left
//!   when owner and stranger are done. What is done later cannot change that answer, and it changes nothing that others
//!   read.
//! * Events do not wait for what they tell to be readable: the wait only delays all that follows.
//!
//! Not tried is a target that falls behind while several invocations are at work; single stale reads are.

use std::collections::HashSet;
use std::rc::Rc;

use serde_json::Value;

use super::alone;
use super::case::{Case, Found, Mishaps};
use super::check::{self, End};
use super::harm::judge;
use super::history::{self, ANOTHER, Change, NAME, SOURCE};
use super::memory::{CallId, Doing, Memory, Node};
use super::process::{Answer, Input};
use super::state::{Choice, How, Invocation, LAG, PAST, State, Step, World, key, running};
use super::store::Store;
use super::stranger::{Act, Place};

/// How often a message comes again after its invocation asked for that.
const RETURNS: u8 = 3;

/// The exploration of one case.
pub(super) struct Explorer<'a> {
    memory: &'a mut Memory,
    case: &'a Case,
    input: Input,
    visited: HashSet<(u64, u64)>,
    pub(super) found: Found,
    /// The first bad schedule of each kind, step by step.
    pub(super) bad: Vec<String>,
}

/// Every schedule of a case.
pub(super) fn explore(memory: &mut Memory, case: &Case) -> (Found, Vec<String>) {
    let mut explorer = Explorer {
        input: case.input(),
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

impl Explorer<'_> {
    fn regions(&self) -> impl Iterator<Item = &'static str> + use<> {
        [SOURCE].into_iter().chain(self.case.targets.iter().copied())
    }

    fn beginning(&mut self) -> State {
        let store = self.case.world(self.memory);
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
                *invocation = Invocation::Running(self.memory.root(&self.input), RETURNS);
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
                Choice::Change | Choice::Act(_) | Choice::FallBehind => None,
            };
            way.push(Step { choice, changes: state.changes, node });
            let (next, fault) = self.step(&state, choice);
            self.found.steps += 1;
            let choices = match fault {
                None => self.enter(&next, &way),
                Some(fault) => {
                    self.report(&way, &fault);
                    Vec::new()
                }
            };
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
        // A stale read of the target is mended by the next invocation, where there is one.
        let is_alone = state.invocations.len() == 1;
        let stale_targets = if is_alone { mishaps.stale_targets } else { state.left.stale_targets };
        // A target that falls behind may hide that the replica is there, is gone, or has a tag too many: that is left to
        // the next sweep. Another value is not: it is written again whatever is read.
        let only_values = history.iter().all(|change| *change == Change::Value);
        let lags = if only_values { state.left.lags } else { mishaps.lags };
        let acts = state.left.acts;
        let untouched = Mishaps { stale_targets, lags, acts, ..*mishaps } == state.left;
        let store = &state.world.store;
        let is_quiet = untouched && !state.invocations.contains(&Invocation::GivenUp);
        let end = End { names: &[NAME], targets, is_quiet };
        self.found.ends += 1;
        self.found.mended += u64::from(end.differs(store));
        let memory = &mut *self.memory;
        let sweep = check::sweep(routes);
        let alone = &mut |store: &mut Store| alone::remembered(memory, store, &sweep);
        if let Some(why) = end.fault(store.fork(), alone) {
            self.report(way, &why);
        }
    }

    fn report(&mut self, way: &[Step], why: &str) {
        self.found.bad += 1;
        let acts = way.iter().filter_map(|step| match step.choice {
            Choice::Act(act) => Some(format!("{act:?}: ")),
            _ => None,
        });
        let why = acts.collect::<String>() + why;
        if self.found.faults.count(&why) {
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
        let is_alone = owner_is_done && state.left.acts == 0 && running == 1;
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
        if state.left.acts > 0 {
            let fits = |one: &Act| one.fits(&state.world.store, self.place());
            choices.extend(self.case.acts.iter().copied().filter(fits).map(Choice::Act));
        }
        choices
    }

    /// Where a stranger acts.
    fn place(&self) -> Place<'static> {
        Place { region: self.case.targets[0], name: NAME, another: ANOTHER }
    }

    /// The ways in which a call can be answered.
    fn answers(&self, state: &State, invocation: usize, call: CallId) -> Vec<Choice> {
        let held = self.memory.call(call);
        let answer = |how| Choice::Answer { invocation, call, how };
        let mut answers = vec![answer(How::Plainly)];
        if held.writes() {
            answers.extend((state.left.crashes > 0).then(|| answer(How::Crash)));
            answers.extend((state.left.lost > 0).then(|| answer(How::Lost)));
            return answers;
        }
        let stale_left =
            if held.region == SOURCE { state.left.stale_sources } else { state.left.stale_targets };
        let store = &state.world.store;
        if stale_left > 0 && store.read(held, 1) != store.read(held, 0) {
            answers.push(answer(How::Stale));
        }
        answers
    }

    /// What comes of a choice, and what is wrong with it.
    fn step(&mut self, state: &State, choice: Choice) -> (State, Option<String>) {
        let mut next = state.clone();
        let mut fault = None;
        match choice {
            Choice::Change => {
                let mut store = state.world.store.fork();
                let change = self.case.history[state.changes];
                history::happen(&mut store, NAME, change, state.changes + 1);
                next.changes += 1;
                next.world = self.changed(&state.world, store);
            }
            Choice::Act(act) => {
                let mut store = state.world.store.fork();
                act.happen(&mut store, self.place(), state.left.acts.into());
                next.left.acts -= 1;
                next.lags = false;
                next.world = self.changed(&state.world, store);
            }
            Choice::FallBehind => {
                next.left.lags -= 1;
                next.lags = true;
            }
            Choice::Answer { invocation, call, how } => {
                fault = self.answer(&mut next, invocation, call, how);
            }
        }
        self.arrive(next.changes, &mut next.invocations);
        (next, fault)
    }

    fn answer(
        &mut self,
        next: &mut State,
        invocation: usize,
        call: CallId,
        how: How,
    ) -> Option<String> {
        let held = self.memory.call(call).clone();
        let (node, returns) = running(next, invocation);
        let stale = how == How::Stale;
        let mut fault = None;
        let mut answer = if held.writes() {
            let mut store = next.world.store.fork();
            let answer = store.answer(&held, 0);
            let heard = self.memory.heard(node);
            fault = judge(&self.input, &heard, &held, &mut store, &mut self.found.windows);
            next.lags &= held.region != self.case.targets[0];
            next.world = self.changed(&next.world, store);
            answer
        } else {
            let lags = next.lags && held.region == self.case.targets[0];
            next.world.store.read(&held, if lags { LAG.into() } else { stale.into() })
        };
        if how == How::Lost {
            next.left.lost -= 1;
            answer = Answer::lost();
        } else if how == How::Crash {
            next.left.crashes -= 1;
            next.invocations[invocation] =
                Invocation::Running(self.memory.root(&self.input), returns);
            return fault;
        } else if stale && held.region == SOURCE {
            next.left.stale_sources -= 1;
        } else if stale {
            next.left.stale_targets -= 1;
        }
        let node = self.memory.next(node, call, &answer);
        next.lags &= matches!(self.memory.doing(node), Doing::Waiting(_));
        next.invocations[invocation] = self.after(node, returns);
        fault.or_else(|| self.false_alarm(next, node))
    }

    /// A conflict that an invocation told of at its end, though nobody but the hub had written there.
    fn false_alarm(&self, state: &State, node: Node) -> Option<String> {
        let Doing::Ended(answer) = self.memory.doing(node) else { return None };
        let store = &state.world.store;
        if self.case.targets.iter().any(|target| check::is_touched(store, target, NAME)) {
            return None;
        }
        let conflict = check::conflicts(answer, NAME).next()?;
        Some(format!("a conflict is told where nobody but the hub wrote: {conflict}"))
    }

    /// Where an invocation is after an answer: one that is over and was not done comes again.
    fn after(&mut self, node: Node, returns: u8) -> Invocation {
        let is_done =
            |answer: &Value| answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty);
        match self.memory.doing(node) {
            Doing::Waiting(_) => Invocation::Running(node, returns),
            Doing::Ended(answer) if is_done(answer) => Invocation::Over,
            Doing::Ended(_) => match returns.checked_sub(1) {
                Some(returns) => Invocation::Running(self.memory.root(&self.input), returns),
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
            Choice::Act(act) => Some(format!("stranger: {act:?}")),
            Choice::FallBehind => Some("the target falls behind".to_owned()),
            Choice::Answer { call, how, .. } => {
                let how = if how == How::Plainly { String::new() } else { format!(" {how:?}") };
                Some(format!("{:?}: {}{how}", step.node?, self.memory.call(call)))
            }
        }
    }
}
