//! Deletions: what is absent must be stated, twice, and a call without an answer is no ground for another one.

use serde_json::Value;

use super::{Invocation, Script, delete, read_of_the_source};
use crate::schedules::alone;
use crate::schedules::check::{self, Standing};
use crate::schedules::flows::{self, ROUTES, TARGET};
use crate::schedules::history::{ANOTHER, Change, NAME, happen};
use crate::schedules::process::{Answer, Call};
use crate::schedules::stranger::{Act, VALUE};

/// A grace of a day.
const GRACE: &[(&str, &str)] = &[("DELETE_GRACE_DAYS", "1")];

impl Script {
    /// A replica beside another one, whose source is gone.
    fn orphaned() -> Self {
        let mut script = Self::replicated();
        happen(&mut script.store, ANOTHER, Change::Create, 0);
        script.sweep();
        script.owner(Change::Delete);
        script
    }

    /// The same with a tombstone that is due.
    fn due() -> Self {
        let mut script = Self::orphaned();
        alone::live(&mut script.store, &flows::sweep(GRACE, false), None);
        flows::make_due(&mut script.store);
        script
    }

    /// Answers its calls to the end; those that are so with an empty object, which lacks every member.
    fn finish_with_empty(&mut self, one: &mut Invocation, is_empty: impl Fn(&Call) -> bool) {
        while let Some(call) = one.held(|_| true).cloned() {
            if is_empty(&call) {
                one.take(call, Answer { status: 200, body: "{}".to_owned() });
            } else {
                self.answer(one, |held| *held == call, 0);
            }
        }
    }

    fn value(&self) -> Option<String> {
        self.store.parameter(TARGET, NAME).map(|held| held.value.clone())
    }
}

#[test]
fn an_answer_that_lacks_its_member_states_no_absence() {
    for read in ["ssm:GetParameters", "ssm:DescribeParameters"] {
        let mut script = Script::orphaned();
        let before = script.value();
        let is_empty = |call: &Call| call.operation == read && call.region != TARGET;
        for input in [flows::sweep(&[], false), check::sweep(ROUTES)] {
            let mut sweep = Invocation::started(&input);
            script.finish_with_empty(&mut sweep, is_empty);
        }
        // An event reads its item by name alone.
        if read == "ssm:GetParameters" {
            let mut event = Script::begin();
            script.finish_with_empty(&mut event, is_empty);
        }
        assert_eq!(script.value(), before, "{read}");
        // The same sweep deletes it once AWS states the absence.
        script.sweep();
        assert_eq!(script.value(), None, "{read}");
    }
}

#[test]
fn a_source_that_comes_back_between_the_two_reads_keeps_its_replica() {
    for script in [Script::orphaned, Script::due] {
        let mut script = script();
        let mut sweep = Invocation::started(&flows::sweep(&[], false));
        script.take(&mut sweep, read_of_the_source);
        script.owner(Change::Create);
        script.finish(sweep);
        assert_eq!(script.standing(), Standing::Equal);
        script.assert_equal();
    }
}

#[test]
fn a_tombstone_that_is_due_is_proved_like_any_deletion() {
    let mut script = Script::due();
    let mut sweep = Invocation::started(&flows::sweep(&[], false));
    script.until(&mut sweep, delete);
    let reads = |one: &(Call, Answer)| read_of_the_source(&one.0);
    assert_eq!(sweep.heard.iter().filter(|one| reads(one)).count(), 2);
    script.finish(sweep);
    script.assert_equal();
}

#[test]
fn what_is_created_after_a_deletion_without_an_answer_stays() {
    for act in [Act::Create, Act::CopyTags, Act::CopyOldTags] {
        let mut script = Script::orphaned();
        let mut sweep = Invocation::started(&flows::sweep(&[], false));
        script.until(&mut sweep, delete);
        script.lose(&mut sweep, delete);
        script.act(act);
        let (_, conflicts): (usize, Vec<Value>) = script.finished(sweep);
        let stands = script.value().is_some_and(|value| value.starts_with(VALUE));
        assert!(stands, "{act:?}: {conflicts:?}");
    }
}
