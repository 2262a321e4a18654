//! The shortest schedules in which weaker rules end badly, taken with the hub: one item, and each step by name.

mod deletions;
mod rounds;
mod strangers;

use aws_sim::Settings;

use serde_json::Value;

use super::case::touched;
use super::check::{self, End, Standing};
use super::flows::{ROUTES, TARGET};
use super::harm::{Windows, judge};
use super::heard::Heard;
use super::history::{self, ANOTHER, Change, NAME, SOURCE};
use super::process::{Answer, Call, Input, Process, Status};
use super::store::{BEGINNING, Dates, Store};
use super::stranger::{Act, Place};
use super::{alone, conduct};

fn put(call: &Call) -> bool {
    call.operation == "ssm:PutParameter"
}

fn delete(call: &Call) -> bool {
    call.operation == "ssm:DeleteParameters"
}

fn tag(call: &Call) -> bool {
    call.operation == "ssm:AddTagsToResource"
}

fn read_of_tags(call: &Call, region: &str) -> bool {
    call.operation == "ssm:ListTagsForResource" && call.region == region
}

fn read_of_the_source(call: &Call) -> bool {
    call.operation == "ssm:GetParameters" && call.region == SOURCE
}

/// One invocation at work.
struct Invocation {
    input: Input,
    process: Process,
    status: Status,
    heard: Vec<(Call, Answer)>,
}

impl Invocation {
    fn started(input: &Input) -> Self {
        let (process, status) = Process::start(input, BEGINNING);
        let one = Self { input: input.clone(), process, status, heard: Vec::new() };
        one.assert_fair();
        one
    }

    fn heard(&self) -> Vec<Heard<'_>> {
        self.heard.iter().map(|(call, answer)| (call, answer)).collect()
    }

    fn take(&mut self, call: Call, answer: Answer) {
        self.status = self.process.answer(&call, answer.clone(), BEGINNING);
        self.heard.push((call, answer));
        self.assert_fair();
    }

    /// What it does now is not wrong by what it heard itself.
    fn assert_fair(&self) {
        assert_eq!(conduct::fault(&self.input, &self.heard(), &self.status), None);
    }

    /// The first of its calls that is so.
    fn held(&self, is: impl Fn(&Call) -> bool) -> Option<&Call> {
        match &self.status {
            Status::Waiting(held) => held.iter().find(|call| is(call)),
            Status::Ended(_) => None,
        }
    }
}

/// A world in which a schedule is taken step by step.
struct Script {
    store: Store,
    changes: usize,
}

impl Script {
    /// Nobody holds the name.
    fn from_nothing() -> Self {
        Self { store: Store::new(Dates::Counted, Settings::default()), changes: 0 }
    }

    /// The source is there, and its replica.
    fn replicated() -> Self {
        let mut script = Self::from_nothing();
        script.owner(Change::Create);
        assert_eq!(script.sweep(), 1, "the replica is created");
        script
    }

    fn owner(&mut self, change: Change) {
        self.changes += 1;
        history::happen(&mut self.store, NAME, change, self.changes);
    }

    /// An event has the item looked at.
    fn begin() -> Invocation {
        Invocation::started(&touched(ROUTES))
    }

    /// Answers one of its calls, a read with what was before so many changes; whether it was a write.
    fn answer(&mut self, one: &mut Invocation, is: impl Fn(&Call) -> bool, behind: u64) -> bool {
        let call = one.held(is).expect("such a call is held").clone();
        let answer = self.store.answer(&call, behind);
        self.assert_harmless(one, &call);
        let writes = call.writes();
        one.take(call, answer);
        writes
    }

    /// What a call has just done is no harm that could have been known.
    fn assert_harmless(&mut self, one: &Invocation, call: &Call) {
        let windows = &mut Windows::default();
        let harm = judge(&one.input, &one.heard(), call, &mut self.store, windows);
        assert_eq!(harm, None);
    }

    /// Does one of its calls, whose answer does not arrive.
    fn lose(&mut self, one: &mut Invocation, is: impl Fn(&Call) -> bool) {
        let call = one.held(is).expect("such a call is held").clone();
        self.store.answer(&call, 0);
        self.assert_harmless(one, &call);
        one.take(call, Answer::lost());
    }

    /// A stranger does something in the target.
    fn act(&mut self, act: Act) {
        let place = Place { region: TARGET, name: NAME, another: ANOTHER };
        assert!(act.fits(&self.store, place), "{act:?}: {:?}", self.store.parameter(TARGET, NAME));
        act.happen(&mut self.store, place, 0);
    }

    /// Answers its calls until one is held that is so.
    fn until(&mut self, one: &mut Invocation, is: impl Fn(&Call) -> bool) {
        while one.held(&is).is_none() {
            self.answer(one, |_| true, 0);
        }
    }

    /// Answers its calls up to the first that is so, and that one.
    fn take(&mut self, one: &mut Invocation, is: impl Fn(&Call) -> bool) {
        self.until(one, &is);
        self.answer(one, is, 0);
    }

    /// Answers its reads up to its next write, those of the target with what was before its last two changes.
    fn read_behind(&mut self, one: &mut Invocation) {
        while one.held(Call::writes).is_none() && one.held(|_| true).is_some() {
            let in_target = one.held(|call| call.region == TARGET).is_some();
            let behind = if in_target { 2 } else { 0 };
            self.answer(one, |call| (call.region == TARGET) == in_target, behind);
        }
    }

    /// Answers all its calls, and those of each invocation that its message begins again; how many wrote.
    fn finish(&mut self, one: Invocation) -> usize {
        self.finished(one).0
    }

    /// The same, and the conflicts that it told of.
    fn finished(&mut self, mut one: Invocation) -> (usize, Vec<Value>) {
        let (mut writes, mut conflicts) = (0, Vec::new());
        loop {
            match &one.status {
                Status::Waiting(_) => {
                    writes += usize::from(self.answer(&mut one, |_| true, 0));
                }
                Status::Ended(answer) => {
                    conflicts.extend(check::conflicts(answer, NAME).cloned());
                    let again =
                        answer["batchItemFailures"].as_array().is_some_and(|ids| !ids.is_empty());
                    if !again {
                        return (writes, conflicts);
                    }
                    one = Self::begin();
                }
            }
        }
    }

    /// One sweep alone: how many writes it makes.
    fn sweep(&mut self) -> usize {
        self.finish(Invocation::started(&check::sweep(ROUTES)))
    }

    /// The end is good, and every sweep from now on tells of a conflict of this class, whose message has `words`.
    fn assert_reported(&self, class: &str, words: &str) {
        let end = End { names: &[NAME], targets: &[TARGET], is_quiet: false };
        let sweep = check::sweep(ROUTES);
        let swept = &mut |store: &mut Store| {
            let swept = alone::live(store, &sweep, None);
            let is_it = |one: &Value| {
                let message = one["message"].as_str().unwrap_or_default();
                one["class"] == class && message.contains(words)
            };
            let is_told = check::conflicts(&swept.answer, NAME).any(is_it);
            assert!(is_told, "{class}, {words}: {}", swept.answer);
            swept
        };
        assert_eq!(end.fault(self.store.fork(), swept), None);
    }

    fn standing(&self) -> Standing {
        check::standing(&self.store, TARGET, NAME)
    }

    /// Equal, and a sweep finds nothing to do.
    fn assert_equal(mut self) {
        assert_eq!(self.standing(), Standing::Equal);
        assert_eq!(self.sweep(), 0);
    }

    /// Different, which a sweep sees and mends.
    fn assert_left_to_a_sweep(mut self) {
        assert_eq!(self.standing(), Standing::Different);
        assert!(self.sweep() > 0);
        self.assert_equal();
    }
}
