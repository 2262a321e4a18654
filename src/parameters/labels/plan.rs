//! Decides where a replica's labels go, from the histories of both. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{History, Kept};

/// AWS takes at most 10 labels on a version.
pub(super) const LABELS_PER_VERSION: usize = 10;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LabelStep {
    /// Puts labels on a version; what is on another one moves.
    Attach {
        /// The version.
        version: i64,
        /// At most 10.
        labels: Vec<String>,
    },
    /// Takes labels off the version that has them.
    TakeOff {
        /// The version.
        version: i64,
        /// At most 10.
        labels: Vec<String>,
    },
}

/// What is to be done, in this order, and what cannot be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LabelPlan {
    /// The calls; none where the labels agree.
    pub(super) steps: Vec<LabelStep>,
    /// Labels of the source whose value no version of the replica has.
    pub(super) lacking: BTreeSet<String>,
    /// Labels of the source for which the versions with their value have no room left.
    pub(super) crowded: BTreeSet<String>,
    /// Labels of older versions that were left as they are, since values could not be decrypted.
    pub(super) unknown: BTreeSet<String>,
}

/// Decides. The replica's current version is taken for the copy of the source's.
pub(super) fn plan(source: &History, replica: &History) -> LabelPlan {
    let mut plan = LabelPlan::default();
    let mut placed: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    let comparable = source.is_readable() && replica.is_readable();
    let current = source.current().map(|kept| kept.version.number);
    // The current version first: its labels have one place only.
    for kept in source.versions().iter().rev() {
        let is_current = Some(kept.version.number) == current;
        for label in &kept.labels {
            if !is_current && !comparable {
                plan.unknown.insert(label.clone());
                continue;
            }
            let mut fits = replica.versions().iter().rev().filter(|copy| {
                if is_current { is_newest(copy, replica) } else { copy.value == kept.value }
            });
            let has_room = |copy: &&Kept| {
                let there = placed.get(&copy.version.number);
                there.is_none_or(|labels| labels.len() < LABELS_PER_VERSION)
            };
            let Some(first) = fits.next() else {
                plan.lacking.insert(label.clone());
                continue;
            };
            match std::iter::once(first).chain(fits).find(has_room) {
                Some(copy) => {
                    placed.entry(copy.version.number).or_default().insert(label);
                }
                None => drop(plan.crowded.insert(label.clone())),
            }
        }
    }
    plan.steps = steps(&placed, replica, &plan.unknown);
    plan
}

fn is_newest(copy: &Kept, replica: &History) -> bool {
    replica.current().is_some_and(|current| current.version == copy.version)
}

/// The calls that bring the replica's labels to where they are `placed`, so that no version passes its limit on the way.
fn steps(
    placed: &BTreeMap<i64, BTreeSet<&str>>,
    replica: &History,
    stay: &BTreeSet<String>,
) -> Vec<LabelStep> {
    let wanted: BTreeSet<&str> = placed.values().flatten().copied().collect();
    let mut now: BTreeMap<i64, BTreeSet<&str>> = replica
        .versions()
        .iter()
        .map(|kept| (kept.version.number, kept.labels.iter().map(String::as_str).collect()))
        .collect();
    let mut steps = Vec::new();
    for (version, labels) in &mut now {
        let gone = |label: &&str| !wanted.contains(label) && !stay.contains(*label);
        take_off(*version, labels, gone, &mut steps);
    }
    for (version, labels) in placed {
        let there = now.entry(*version).or_default();
        let incoming: Vec<&str> = labels.difference(there).copied().collect();
        if incoming.is_empty() {
            continue;
        }
        if there.len() + incoming.len() > LABELS_PER_VERSION {
            let leaves = |label: &&str| !labels.contains(label) && !stay.contains(*label);
            take_off(*version, there, leaves, &mut steps);
        }
        for elsewhere in now.values_mut() {
            elsewhere.retain(|label| !incoming.contains(label));
        }
        now.entry(*version).or_default().extend(&incoming);
        let labels = incoming.into_iter().map(str::to_owned).collect();
        steps.push(LabelStep::Attach { version: *version, labels });
    }
    steps
}

fn take_off(
    version: i64,
    there: &mut BTreeSet<&str>,
    which: impl Fn(&&str) -> bool,
    steps: &mut Vec<LabelStep>,
) {
    let labels: Vec<String> =
        there.iter().filter(|label| which(label)).map(|label| (*label).to_owned()).collect();
    if !labels.is_empty() {
        there.retain(|label| !which(label));
        steps.push(LabelStep::TakeOff { version, labels });
    }
}

/// Labels on the replica's oldest version that are not to be there in any case, where they keep AWS from dropping it:
/// the source has them not, on its current version, or on one of another value.
pub(super) fn blocking(source: &History, replica: &History) -> Option<LabelStep> {
    let oldest = replica.versions().first()?;
    let due = |label: &&String| {
        !source.older_labelled().any(|kept| {
            kept.labels.contains(*label)
                && (kept.value.is_none() || oldest.value.is_none() || kept.value == oldest.value)
        })
    };
    let labels: Vec<String> = oldest.labels.iter().filter(due).cloned().collect();
    (!labels.is_empty()).then_some(LabelStep::TakeOff { version: oldest.version.number, labels })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
