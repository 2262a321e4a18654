//! One invocation alone, from its beginning to its end.

use serde_json::Value;

use super::conduct;
use super::harm::{Windows, judge};
use super::heard::Heard;
use super::memory::{Doing, Memory};
use super::process::{Answer, Call, Input, Process, Status};
use super::store::Store;

/// What an invocation did alone.
#[derive(Clone, Debug)]
pub(super) struct Alone {
    pub(super) answer: Value,
    /// Its writes, in their order.
    pub(super) writes: Vec<Call>,
    /// What was wrong with what it did.
    pub(super) fault: Option<String>,
}

impl Alone {
    fn new() -> Self {
        Self { answer: Value::Null, writes: Vec::new(), fault: None }
    }

    fn note(&mut self, fault: Option<String>) {
        self.fault = self.fault.take().or(fault);
    }
}

/// Runs one that may have been run before.
pub(super) fn remembered(memory: &mut Memory, store: &mut Store, input: &Input) -> Alone {
    let mut node = memory.root(input);
    let mut alone = Alone::new();
    loop {
        alone.note(memory.fault(node).map(str::to_owned));
        let call = match memory.doing(node) {
            Doing::Ended(answer) => return Alone { answer: answer.clone(), ..alone },
            Doing::Waiting(calls) => calls[0],
        };
        let held = memory.call(call);
        let answer = store.answer(held, 0);
        alone.note(judge(input, &memory.heard(node), held, store, &mut Windows::default()));
        alone.writes.extend(Some(held.clone()).filter(Call::writes));
        node = memory.next(node, call, &answer);
    }
}

/// Runs one. The answer to the write of the number `lost`, from zero, does not arrive.
pub(super) fn live(store: &mut Store, input: &Input, lost: Option<usize>) -> Alone {
    let (mut process, mut status) = Process::start(input, store.now());
    let mut heard: Vec<(Call, Answer)> = Vec::new();
    let mut alone = Alone::new();
    loop {
        let all: Vec<Heard<'_>> = heard.iter().map(|(call, answer)| (call, answer)).collect();
        alone.note(conduct::fault(input, &all, &status));
        let call = match status {
            Status::Ended(answer) => return Alone { answer, ..alone },
            Status::Waiting(held) => held[0].clone(),
        };
        store.until(process.now());
        let mut answer = store.answer(&call, 0);
        alone.note(judge(input, &all, &call, store, &mut Windows::default()));
        if call.writes() {
            if lost == Some(alone.writes.len()) {
                answer = Answer::lost();
            }
            alone.writes.push(call.clone());
        }
        status = process.answer(&call, answer.clone(), store.now());
        heard.push((call, answer));
    }
}
