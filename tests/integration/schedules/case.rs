//! What one exploration is about: an item, its history, its invocations, and what may go wrong.

use serde_json::json;

use super::harm::{Faults, Windows};
use super::history::{self, ANOTHER, Change, NAME, Start};
use super::memory::Memory;
use super::process::Input;
use super::store::{ACCOUNT, Dates, Store, Who};
use super::stranger::{self, Act};
use super::{alone, check};
use crate::support::{LONG_AGO, batch, native_event};

/// What may go wrong in one schedule, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mishaps {
    /// Invocations that vanish after a write.
    pub(super) crashes: u8,
    /// Writes that AWS does and whose answer does not arrive.
    pub(super) lost: u8,
    /// Reads of the source that show what was before its last change.
    pub(super) stale_sources: u8,
    /// The same in a target.
    pub(super) stale_targets: u8,
    /// Times that the first target falls behind: all its reads then show what was before a value and its provenance
    /// were written, until it is changed or the invocation is over. AWS is behind for seconds; a message that comes
    /// again takes minutes.
    pub(super) lags: u8,
    /// Acts of a stranger in the first target.
    pub(super) acts: u8,
}

impl Mishaps {
    pub(super) const NONE: Self =
        Self { crashes: 0, lost: 0, stale_sources: 0, stale_targets: 0, lags: 0, acts: 0 };
}

/// What begins the invocations of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// An event each, which has the item looked at and says nothing that could be waited for.
    Events,
    /// A sweep each.
    Sweeps,
}

/// One item, its history, and its invocations.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) routes: &'static str,
    pub(super) targets: &'static [&'static str],
    pub(super) start: Start,
    pub(super) history: Vec<Change>,
    pub(super) by: By,
    /// After how many changes the event of each invocation is there. The last is that of the last change.
    pub(super) events: Vec<usize>,
    pub(super) mishaps: Mishaps,
    /// What a stranger may do.
    pub(super) acts: &'static [Act],
}

impl Case {
    /// What each of its invocations is asked.
    pub(super) fn input(&self) -> Input {
        match self.by {
            By::Events => touched(self.routes),
            By::Sweeps => check::sweep(self.routes),
        }
    }

    /// A world in which it begins.
    pub(super) fn world(&self, memory: &mut Memory) -> Store {
        let mut store = Store::new(Dates::Counted, aws_sim::Settings::default());
        if self.mishaps.acts > 0 {
            history::happen(&mut store, ANOTHER, Change::Create, 0);
            self.swept(memory, &mut store);
        }
        if self.start != Start::Nothing {
            history::happen(&mut store, NAME, Change::Create, 0);
        }
        match self.start {
            Start::Nothing => {}
            Start::Replicated => self.swept(memory, &mut store),
            Start::Taken => {
                for target in self.targets {
                    let value = format!("{}own", stranger::VALUE);
                    let request = json!({"Name": NAME, "Value": value, "Type": "String"});
                    store.must(Who::Stranger, target, "ssm:PutParameter", &request);
                }
            }
        }
        store
    }

    fn swept(&self, memory: &mut Memory, store: &mut Store) {
        let swept = alone::remembered(memory, store, &check::sweep(self.routes));
        assert_eq!(swept.writes.len(), self.targets.len(), "{}", swept.answer);
    }
}

/// An event that has the item looked at and says nothing that could be waited for.
pub(super) fn touched(routes: &'static str) -> Input {
    let event = native_event(ACCOUNT, LONG_AGO, NAME, "Touch");
    Input::of_payload(routes, &batch([("1", event)]))
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) states: u64,
    pub(super) steps: u64,
    pub(super) ends: u64,
    /// Ends that a sweep had still to mend, or to report.
    pub(super) mended: u64,
    pub(super) bad: u64,
    pub(super) faults: Faults,
    /// How often a stranger's version was covered or deleted, and in which window.
    pub(super) windows: Windows,
}

impl std::ops::AddAssign for Found {
    fn add_assign(&mut self, other: Self) {
        let Self { states, steps, ends, mended, bad, faults, windows } = other;
        self.states += states;
        self.steps += steps;
        self.ends += ends;
        self.mended += mended;
        self.bad += bad;
        self.faults += faults;
        self.windows += windows;
    }
}
