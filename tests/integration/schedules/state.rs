//! A state of an exploration, and the choices that lead from one to the next.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::case::Mishaps;
use super::memory::{CallId, Node};
use super::store::Store;
use super::stranger::Act;

/// A value and its provenance are two changes.
pub(super) const LAG: u8 = 2;
/// States of a Region that reads can show: what is, and what was.
pub(super) const PAST: usize = LAG as usize + 1;

/// The world, and what tells it from another one.
pub(super) struct World {
    pub(super) store: Store,
    /// Of each Region: what is, and before it what was, as far back as a stale read shows; the latest first.
    pub(super) digests: Vec<Vec<u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Invocation {
    /// Its event comes with this change.
    Expected(usize),
    /// It is here, and its message may come again so often.
    Running(Node, u8),
    Over,
    /// Its message came too often.
    GivenUp,
}

#[derive(Clone)]
pub(super) struct State {
    pub(super) world: Rc<World>,
    pub(super) changes: usize,
    pub(super) left: Mishaps,
    /// Whether the first target is behind.
    pub(super) lags: bool,
    pub(super) invocations: Vec<Invocation>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    Change,
    Act(Act),
    FallBehind,
    Answer { invocation: usize, call: CallId, how: How },
}

/// How a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Plainly,
    /// With what was before the last change.
    Stale,
    /// The invocation is gone before the answer comes.
    Crash,
    /// It is done, and its answer does not arrive.
    Lost,
}

/// A choice that was taken, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) choice: Choice,
    pub(super) changes: usize,
    pub(super) node: Option<Node>,
}

pub(super) fn running(state: &State, invocation: usize) -> (Node, u8) {
    match state.invocations[invocation] {
        Invocation::Running(node, returns) => (node, returns),
        _ => panic!("only who runs has calls"),
    }
}

/// What tells a state from all others: twice 64 bits.
pub(super) fn key(state: &State) -> (u64, u64) {
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
