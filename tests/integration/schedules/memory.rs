//! What an invocation does next, by what it was asked and the answers that it had: each such state is run once, with
//! the hub itself, and then remembered.
//!
//! Sound because an invocation is a function of its answers ([`super::process`]): it shares nothing with another one
//! but the world, reads a clock of its own, and of two calls that stand at the same time neither waits for the other.
//! So the order in which two of its calls were answered does not matter either, only which answers it had. Both are
//! checked, not only claimed: a process that is run again must do what is remembered of it, and a state that is
//! reached by a second order is run in that order too, and must be the same.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::conduct;
use super::heard::Heard;
use super::process::{Answer, Call, Input, Process, Status};
use super::store::BEGINNING;

/// Processes that are kept running, so that the next step of one need not begin from the start.
const KEPT: usize = 48;

/// A state of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Node(u32);

/// A call, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CallId(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct AnswerId(u32);

type Step = (CallId, AnswerId);
/// A call, which answer to it this was, and the answer.
type Answered = (CallId, u32, AnswerId);

/// What is remembered of a state.
struct Remembered {
    input: usize,
    /// Steps from the start, in the order in which it was first reached.
    way: Vec<Step>,
    doing: Doing,
    /// What is wrong with it by what it heard itself.
    fault: Option<String>,
    next: HashMap<Step, Node>,
}

/// What an invocation does in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Waiting(Vec<CallId>),
    Ended(Value),
}

/// Each different thing once.
struct Numbered<T>(Vec<T>, HashMap<T, u32>);

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    fn new() -> Self {
        Self(Vec::new(), HashMap::new())
    }

    fn number(&mut self, one: &T) -> u32 {
        if let Some(number) = self.1.get(one) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).expect("so many");
        self.0.push(one.clone());
        self.1.insert(one.clone(), number);
        number
    }

    fn get(&self, number: u32) -> &T {
        &self.0[number as usize]
    }
}

/// All that is remembered.
pub(super) struct Memory {
    inputs: Numbered<Input>,
    calls: Numbered<Call>,
    answers: Numbered<Answer>,
    states: Vec<Remembered>,
    roots: HashMap<usize, Node>,
    /// By input and by the answers of each call in their order, whatever the order between calls.
    by_answers: HashMap<(usize, Vec<Answered>), Node>,
    kept: VecDeque<(Node, Process)>,
    /// Times that a process was begun, and that it was given an answer.
    pub(super) begun: u64,
    pub(super) answered: u64,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            inputs: Numbered::new(),
            calls: Numbered::new(),
            answers: Numbered::new(),
            states: Vec::new(),
            roots: HashMap::new(),
            by_answers: HashMap::new(),
            kept: VecDeque::new(),
            begun: 0,
            answered: 0,
        }
    }

    /// States that were run.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// The state in which an invocation begins.
    pub(super) fn root(&mut self, input: &Input) -> Node {
        let input = self.inputs.number(input) as usize;
        if let Some(root) = self.roots.get(&input) {
            return *root;
        }
        let (process, status) = self.begin(input);
        let root = self.remember(input, Vec::new(), &status);
        self.roots.insert(input, root);
        self.keep(root, process);
        root
    }

    /// What it does in a state.
    pub(super) fn doing(&self, node: Node) -> &Doing {
        &self.states[node.0 as usize].doing
    }

    /// What is wrong with a state by what the invocation heard itself.
    pub(super) fn fault(&self, node: Node) -> Option<&str> {
        self.states[node.0 as usize].fault.as_deref()
    }

    /// All that an invocation heard until a state, the oldest first.
    pub(super) fn heard(&self, node: Node) -> Vec<Heard<'_>> {
        self.heard_on(&self.states[node.0 as usize].way)
    }

    fn heard_on(&self, way: &[Step]) -> Vec<Heard<'_>> {
        way.iter()
            .map(|(call, answer)| (self.calls.get(call.0), self.answers.get(answer.0)))
            .collect()
    }

    /// A call by its number.
    pub(super) fn call(&self, call: CallId) -> &Call {
        self.calls.get(call.0)
    }

    /// The state in which an answer puts it.
    pub(super) fn next(&mut self, node: Node, call: CallId, answer: &Answer) -> Node {
        let step = (call, AnswerId(self.answers.number(answer)));
        if let Some(next) = self.states[node.0 as usize].next.get(&step) {
            return *next;
        }
        let Remembered { input, way, .. } = &self.states[node.0 as usize];
        let (input, mut way) = (*input, way.clone());
        let mut process = self.take(node);
        let status = self.answer(&mut process, step);
        way.push(step);
        let key = (input, by_call(&way));
        let next = match self.by_answers.get(&key).copied() {
            Some(known) => {
                let doing = self.doing_of(&status);
                assert_eq!(*self.doing(known), doing, "the order of answers matters");
                known
            }
            None => self.remember(input, way, &status),
        };
        self.states[node.0 as usize].next.insert(step, next);
        self.keep(next, process);
        next
    }

    fn begin(&mut self, input: usize) -> (Process, Status) {
        self.begun += 1;
        let input = u32::try_from(input).expect("so many");
        Process::start(self.inputs.get(input), BEGINNING)
    }

    fn answer(&mut self, process: &mut Process, (call, answer): Step) -> Status {
        self.answered += 1;
        let (call, answer) = (self.calls.get(call.0), self.answers.get(answer.0));
        process.answer(call, answer.clone(), BEGINNING)
    }

    /// A process in this state: one that is kept, or another one that is told the same.
    fn take(&mut self, node: Node) -> Process {
        if let Some(at) = self.kept.iter().position(|(kept, _)| *kept == node)
            && let Some((_, process)) = self.kept.remove(at)
        {
            return process;
        }
        let Remembered { input, way, .. } = &self.states[node.0 as usize];
        let (input, way) = (*input, way.clone());
        let (mut process, mut status) = self.begin(input);
        for step in way {
            status = self.answer(&mut process, step);
        }
        let doing = self.doing_of(&status);
        assert_eq!(*self.doing(node), doing, "an invocation is not what it was the first time");
        process
    }

    fn keep(&mut self, node: Node, process: Process) {
        if matches!(self.doing(node), Doing::Waiting(_)) {
            self.kept.push_back((node, process));
            if self.kept.len() > KEPT {
                self.kept.pop_front();
            }
        }
    }

    fn doing_of(&mut self, status: &Status) -> Doing {
        match status {
            Status::Waiting(calls) => {
                Doing::Waiting(calls.iter().map(|call| CallId(self.calls.number(call))).collect())
            }
            Status::Ended(answer) => Doing::Ended(answer.clone()),
        }
    }

    fn remember(&mut self, input: usize, way: Vec<Step>, status: &Status) -> Node {
        let fault = {
            let asked = self.inputs.get(u32::try_from(input).expect("so many"));
            conduct::fault(asked, &self.heard_on(&way), status)
        };
        let doing = self.doing_of(status);
        let node = Node(u32::try_from(self.states.len()).expect("so many"));
        self.by_answers.insert((input, by_call(&way)), node);
        self.states.push(Remembered { input, way, doing, fault, next: HashMap::new() });
        node
    }
}

/// The answers that each call had, in their order.
fn by_call(way: &[Step]) -> Vec<Answered> {
    let mut times: HashMap<CallId, u32> = HashMap::new();
    let mut answers: Vec<_> = way
        .iter()
        .map(|(call, answer)| {
            let time = times.entry(*call).or_default();
            *time += 1;
            (*call, *time, *answer)
        })
        .collect();
    answers.sort_unstable();
    answers
}
