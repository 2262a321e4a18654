//! Who takes part in a schedule by seed: messages, invocations at work, and what is left of the seed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::heard::{Heard, names};
use super::history::SOURCE;
use super::process::{Answer, Call, Input, Process, Status};

/// An event in the queue.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) event: Value,
    pub(super) received: u32,
}

/// A running invocation, and what it has heard.
pub(super) struct Runner {
    pub(super) number: u64,
    pub(super) input: Input,
    pub(super) process: Process,
    pub(super) status: Status,
    pub(super) messages: Vec<Message>,
    pub(super) heard: Vec<(Call, Answer)>,
    /// By item: when it was read first, and written last, in steps of the schedule.
    pub(super) windows: BTreeMap<String, (usize, Option<usize>)>,
}

/// What of a seed is left.
pub(super) struct Dice(pub(super) fastrand::Rng);

impl Dice {
    /// True once in so many times.
    pub(super) fn one_in(&mut self, many: u32) -> bool {
        self.0.u32(0..many) == 0
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0.usize(0..limit)
    }
}

impl Runner {
    pub(super) fn heard(&self) -> Vec<Heard<'_>> {
        self.heard.iter().map(|(call, answer)| (call, answer)).collect()
    }

    /// Notes that it read or wrote items.
    pub(super) fn see(&mut self, call: &Call, step: usize) {
        let request = call.request();
        for name in names(&request) {
            let window = self.windows.entry(name.to_owned()).or_insert((step, None));
            if call.writes() {
                window.1 = Some(step);
            }
        }
    }

    /// Whether it read an item's value at the source more than once: it went round.
    pub(super) fn has_second_round(&self) -> bool {
        let mut values = BTreeMap::new();
        for (call, _) in &self.heard {
            let request = call.request();
            if call.region == SOURCE && request["WithDecryption"] == Value::Bool(true) {
                for name in names(&request) {
                    *values.entry(name.to_owned()).or_insert(0) += 1;
                }
            }
        }
        values.values().any(|times| *times > 1)
    }
}
