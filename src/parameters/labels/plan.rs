//! Plans the labels of a replica from the histories of source and replica. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{KeptVersion, LabelHistory};

/// AWS takes at most 10 labels on a version.
pub(super) const LABELS_PER_VERSION: usize = 10;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LabelStep {
    /// Attaches labels, at most 10, to a version. A label on another version moves.
    Attach { version: i64, labels: Vec<String> },
    /// Detaches labels, at most 10, from their version.
    Detach { version: i64, labels: Vec<String> },
}

/// The calls to make, in this order, and the labels for which no call is possible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LabelPlan {
    pub(super) steps: Vec<LabelStep>,
    /// Labels of the source whose value no version of the replica has.
    pub(super) without_version: BTreeSet<String>,
    /// Labels of the source whose versions on the replica have no room left.
    pub(super) no_room: BTreeSet<String>,
    /// Labels of older versions that stay as they are, because values cannot be decrypted.
    pub(super) unknown: BTreeSet<String>,
}

/// Plans the labels. The replica's current version counts as the copy of the source's current version. A label on a version
/// with the right value stays there, even if a newer version has that value too.
pub(super) fn plan(source: &LabelHistory, replica: &LabelHistory) -> LabelPlan {
    let mut plan = LabelPlan::default();
    let mut placed: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    let comparable = source.is_readable() && replica.is_readable();
    let mut unplaced = Vec::new();
    for (kept, label) in source.versions().iter().rev().flat_map(KeptVersion::each_label) {
        let is_current = source.is_current(kept);
        if !is_current && !comparable {
            plan.unknown.insert(label.to_owned());
            continue;
        }
        // The current version first, then the newest.
        let mut copies: Vec<&KeptVersion> = replica.versions().iter().rev().collect();
        copies.retain(|copy| {
            is_current && replica.is_current(copy)
                || comparable && copy.value.is_some() && copy.value == kept.value
        });
        match copies.iter().find(|copy| copy.labels.contains(label)) {
            Some(copy) => {
                placed.entry(copy.version.number).or_default().insert(label);
            }
            None if copies.is_empty() => drop(plan.without_version.insert(label.to_owned())),
            None => unplaced.push((label, copies)),
        }
    }
    for (label, copies) in unplaced {
        // Labels that stay because of unknown values take room too.
        let has_room = |copy: &&&KeptVersion| {
            let there = placed.get(&copy.version.number).map_or(0, BTreeSet::len);
            let staying = copy.labels.intersection(&plan.unknown).count();
            there + staying < LABELS_PER_VERSION
        };
        match copies.iter().find(has_room) {
            Some(copy) => {
                placed.entry(copy.version.number).or_default().insert(label);
            }
            None => drop(plan.no_room.insert(label.to_owned())),
        }
    }
    plan.steps = steps(&placed, replica, &plan.unknown);
    plan
}

/// The calls that move the replica's labels to their places. No version exceeds its limit in between.
fn steps(
    placed: &BTreeMap<i64, BTreeSet<&str>>,
    replica: &LabelHistory,
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
        detach(*version, labels, gone, &mut steps);
    }
    for (version, labels) in placed {
        let there = now.entry(*version).or_default();
        let incoming: Vec<&str> = labels.difference(there).copied().collect();
        if incoming.is_empty() {
            continue;
        }
        if there.len() + incoming.len() > LABELS_PER_VERSION {
            // This detaches no label that must stay: those were counted when room was sought.
            detach(*version, there, |label| !labels.contains(label), &mut steps);
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

fn detach(
    version: i64,
    there: &mut BTreeSet<&str>,
    which: impl Fn(&&str) -> bool,
    steps: &mut Vec<LabelStep>,
) {
    let labels: Vec<String> =
        there.iter().filter(|label| which(label)).map(|label| (*label).to_owned()).collect();
    if !labels.is_empty() {
        there.retain(|label| !which(label));
        steps.push(LabelStep::Detach { version, labels });
    }
}

/// The calls that free the replica's oldest version from labels, so that AWS can drop the version when a new one is written.
/// A label is detached if the source does not have it there, and moved if a newer version has the same value.
pub(super) fn free_oldest(source: &LabelHistory, replica: &LabelHistory) -> Vec<LabelStep> {
    let Some((oldest, newer)) = replica.versions().split_first() else { return Vec::new() };
    let (mut gone, mut moved) = (Vec::new(), BTreeMap::<i64, Vec<String>>::new());
    for label in &oldest.labels {
        let of_source = source.older_labelled().find(|kept| kept.labels.contains(label));
        let belongs = of_source.is_some_and(|kept| {
            kept.value.is_none() || oldest.value.is_none() || kept.value == oldest.value
        });
        let has_room = |copy: &&KeptVersion| {
            let more = moved.get(&copy.version.number).map_or(0, Vec::len);
            copy.value.is_some()
                && copy.value == oldest.value
                && copy.labels.len() + more < LABELS_PER_VERSION
        };
        match newer.iter().rev().find(has_room) {
            _ if !belongs => gone.push(label.clone()),
            Some(copy) => moved.entry(copy.version.number).or_default().push(label.clone()),
            None => {}
        }
    }
    let version = oldest.version.number;
    let gone = (!gone.is_empty()).then_some(LabelStep::Detach { version, labels: gone });
    let moved = moved.into_iter().map(|(version, labels)| LabelStep::Attach { version, labels });
    gone.into_iter().chain(moved).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
