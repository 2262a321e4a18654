//! The shortest schedules in which weaker rules end badly, taken with the hub.
//!
//! Each is the counterexample of a model of the rule that lacks one part of it: the confirm, the confirm of tags, the
//! distrust of provenance in a later round, the read-back, a source that reads as it is. One was found by the hub's own
//! exploration: tags that a later round believed.

use aws_sim::Settings;

use super::case::touched;
use super::check::{self, Standing};
use super::history::{self, Change, NAME, SOURCE};
use super::process::{Call, Input, Process, Status};
use super::store::{BEGINNING, Dates, Store};

const ROUTES: &str = "us-east-2=us-east-1";
const TARGET: &str = "us-east-1";

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
    process: Process,
    status: Status,
}

impl Invocation {
    fn started(input: &Input) -> Self {
        let (process, status) = Process::start(input, BEGINNING);
        Self { process, status }
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
        one.status = one.process.answer(&call, answer, BEGINNING);
        call.writes()
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
    fn finish(&mut self, mut one: Invocation) -> usize {
        let mut writes = 0;
        loop {
            match &one.status {
                Status::Waiting(_) => {
                    writes += usize::from(self.answer(&mut one, |_| true, 0));
                }
                Status::Ended(answer) => {
                    let again =
                        answer["batchItemFailures"].as_array().is_some_and(|ids| !ids.is_empty());
                    if !again {
                        return writes;
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

#[test]
fn a_create_that_meets_the_deletion_of_its_source_is_taken_back() {
    let mut script = Script::from_nothing();
    script.owner(Change::Create);
    let mut first = Script::begin();
    script.until(&mut first, put);
    script.owner(Change::Delete);
    let second = Script::begin();
    assert_eq!(script.finish(second), 0, "it finds nothing on either side");
    assert_eq!(script.finish(first), 2, "a create, and its deletion");
    script.assert_equal();
}

#[test]
fn a_tag_that_came_back_to_what_it_was_is_not_overtaken_by_an_older_one() {
    let mut script = Script::replicated();
    script.owner(Change::Tag);
    let mut first = Script::begin();
    script.until(&mut first, tag);
    script.owner(Change::Tag);
    let second = Script::begin();
    assert_eq!(script.finish(second), 0, "it finds both sides equal");
    script.finish(first);
    script.assert_equal();
}

/// As far as the three schedules of provenance go together: a replica of the third value that `creator` made anew, over
/// which `late` still holds a write of the second, and `tagger` a provenance of the third for a version that is gone.
fn three_at_once() -> (Script, Invocation, Invocation) {
    let mut script = Script::replicated();
    script.owner(Change::Value);
    let mut late = Script::begin();
    script.until(&mut late, put);
    script.owner(Change::Delete);
    let mut creator = Script::begin();
    script.until(&mut creator, delete);
    script.owner(Change::Create);
    let mut tagger = Script::begin();
    script.take(&mut tagger, put);
    script.until(&mut tagger, tag);
    script.answer(&mut creator, delete, 0);
    script.finish(creator);
    assert_eq!(script.standing(), Standing::Equal);
    (script, late, tagger)
}

#[test]
fn a_second_round_does_not_believe_a_provenance_of_a_version_that_came_again() {
    let (mut script, mut late, tagger) = three_at_once();
    script.answer(&mut late, put, 0);
    // Its confirm finds the source moved, and it reads the source for its second round.
    script.take(&mut late, tag);
    script.answer(&mut late, read_of_the_source, 0);
    script.take(&mut late, read_of_the_source);
    script.finish(tagger);
    script.finish(late);
    script.assert_equal();
}

#[test]
fn a_second_round_writes_whatever_lagging_reads_of_the_replica_say() {
    let mut script = Script::replicated();
    script.owner(Change::Value);
    let mut late = Script::begin();
    script.until(&mut late, put);
    script.owner(Change::Value);
    let second = Script::begin();
    script.finish(second);
    assert_eq!(script.standing(), Standing::Equal);
    script.answer(&mut late, put, 0);
    script.take(&mut late, tag);
    assert_eq!(script.standing(), Standing::Different);
    // Its confirm finds the source moved. What it reads of the replica now is what it has just written over.
    script.read_behind(&mut late);
    script.finish(late);
    script.assert_equal();
}

#[test]
fn a_second_round_writes_all_tags_whatever_lagging_reads_of_the_replica_say() {
    let mut script = Script::replicated();
    script.owner(Change::Value);
    let mut late = Script::begin();
    script.take(&mut late, |call| read_of_tags(call, SOURCE));
    script.until(&mut late, |call| read_of_tags(call, TARGET));
    script.owner(Change::Tag);
    let mut second = Script::begin();
    script.take(&mut second, tag);
    // It finds the new tag in the target, and is to write the old one over it.
    script.until(&mut late, tag);
    script.finish(second);
    assert_eq!(script.standing(), Standing::Equal);
    script.answer(&mut late, tag, 0);
    script.take(&mut late, put);
    assert_eq!(script.standing(), Standing::Different);
    // Its read-back lags, so that it begins again, and reads the tags that it has just written over.
    script.read_behind(&mut late);
    script.finish(late);
    script.assert_equal();
}

#[test]
fn a_crash_between_value_and_provenance_leaves_nothing_that_looks_in_sync() {
    let (mut script, mut late, tagger) = three_at_once();
    script.answer(&mut late, put, 0);
    drop(late);
    let mut again = Script::begin();
    script.answer(&mut again, read_of_the_source, 0);
    script.finish(tagger);
    script.finish(again);
    script.assert_equal();
}

#[test]
fn a_confirm_that_reads_a_moment_ago_leaves_a_difference_that_a_sweep_sees() {
    let mut script = Script::replicated();
    script.owner(Change::Delete);
    let mut creator = Script::begin();
    script.until(&mut creator, delete);
    script.owner(Change::Create);
    let mut late = Script::begin();
    script.until(&mut late, put);
    script.owner(Change::Value);
    let mut tagger = Script::begin();
    script.take(&mut tagger, put);
    script.until(&mut tagger, tag);
    script.answer(&mut creator, delete, 0);
    script.finish(creator);
    script.answer(&mut late, put, 0);
    script.take(&mut late, tag);
    // The confirm.
    script.answer(&mut late, read_of_the_source, 1);
    script.finish(late);
    script.finish(tagger);
    script.assert_left_to_a_sweep();
}
