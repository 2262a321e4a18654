//! What every end must be: the replica equal to its source, or visibly out of sync and mended by one sweep alone.

use aws_sim::ParameterView;
use serde_json::{Value, json};

use super::history::{NAME, OPT_OUT, SOURCE};
use super::memory::{Doing, Memory};
use super::process::Input;
use super::store::{ACCOUNT, Store};
use crate::support::{MARK, PROVENANCE};

/// How an item stands in one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The replica is its source's copy, or both are absent.
    Equal,
    /// It is left alone: its owner asked for that, or a stranger holds the name.
    LeftAlone,
    Different,
}

/// How `name` stands in `target`.
pub(super) fn standing(store: &Store, target: &str, name: &str) -> Standing {
    let (source, replica) = (store.parameter(SOURCE, name), store.parameter(target, name));
    let is_ours = |held: &ParameterView| held.tags.contains_key(MARK.0);
    match (source, replica) {
        (Some(source), _) if source.tags.contains_key(OPT_OUT) => Standing::LeftAlone,
        (_, Some(replica)) if !is_ours(&replica) && !is_newborn(&replica) => Standing::LeftAlone,
        (None, None) => Standing::Equal,
        (Some(source), Some(replica)) if is_copy(&replica, &source) => Standing::Equal,
        _ => Standing::Different,
    }
}

/// A create of the hub's that has no tags: an update met a deletion.
fn is_newborn(held: &ParameterView) -> bool {
    held.version == 1
        && held.user.contains("assumed-role/failover-replicator-spoke/")
        && !held.tags.contains_key(PROVENANCE)
}

fn is_copy(replica: &ParameterView, source: &ParameterView) -> bool {
    let mut replica = replica.clone();
    let marked = replica.tags.remove(MARK.0).is_some_and(|value| value == MARK.1);
    let proven = replica.tags.remove(PROVENANCE).is_some();
    let ParameterView { version, modified, user, labels, .. } = source.clone();
    marked && proven && ParameterView { version, modified, user, labels, ..replica } == *source
}

/// One sweep, alone.
pub(super) fn sweep(routes: &'static str) -> Input {
    let payload = json!({"account": ACCOUNT, "detail": {"name": "all", "operation": "sync"}});
    Input { routes, payload: payload.to_string() }
}

/// Runs an invocation alone to its end; its answer, and how many writes it made.
pub(super) fn alone(memory: &mut Memory, store: &mut Store, input: &Input) -> (Value, usize) {
    let mut node = memory.root(input);
    let mut writes = 0;
    loop {
        let call = match memory.doing(node) {
            Doing::Ended(answer) => return (answer.clone(), writes),
            Doing::Waiting(calls) => calls[0],
        };
        let held = memory.call(call);
        writes += usize::from(held.writes());
        let answer = store.answer(held, 0);
        node = memory.next(node, call, &answer);
    }
}

/// What is wrong with an end. `quiet` is one without crash, stranger or stale read of the source: nothing is left for
/// a sweep then.
pub(super) fn bad_end(
    memory: &mut Memory,
    store: &Store,
    routes: &'static str,
    targets: &[&str],
    quiet: bool,
) -> Option<String> {
    let differs = |store: &Store| {
        targets.iter().any(|target| standing(store, target, NAME) == Standing::Different)
    };
    let different = differs(store);
    if different && quiet {
        return Some(shown(store, targets, "it ends different though nothing went wrong"));
    }
    let mut mended = store.fork();
    let (answer, writes) = alone(memory, &mut mended, &sweep(routes));
    if different && writes == 0 {
        return Some(shown(
            store,
            targets,
            &format!("it differs and a sweep sees nothing: {answer}"),
        ));
    }
    if differs(&mended) {
        return Some(shown(&mended, targets, &format!("a sweep does not mend it: {answer}")));
    }
    let (answer, writes) = alone(memory, &mut mended, &sweep(routes));
    if writes > 0 {
        return Some(shown(&mended, targets, &format!("it never rests: {answer}")));
    }
    None
}

fn shown(store: &Store, targets: &[&str], why: &str) -> String {
    let mut text = format!("{why}\n    source  {:?}", store.parameter(SOURCE, NAME));
    for target in targets {
        let replica = store.parameter(target, NAME);
        text.extend(["\n    replica ", &format!("{replica:?}")]);
    }
    text
}
