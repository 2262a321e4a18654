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
    pub(super) no_room: BTreeSet<String>,
    /// Labels of older versions that were left as they are, since values could not be decrypted.
    pub(super) unknown: BTreeSet<String>,
}

/// Decides. The replica's current version is taken for the copy of the source's. A label that gives the right value stays
/// where it is, whatever newer version has that value too.
pub(super) fn plan(source: &History, replica: &History) -> LabelPlan {
    let mut plan = LabelPlan::default();
    let mut synced: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    let comparable = source.is_readable() && replica.is_readable();
    let mut unplaced = Vec::new();
    for (kept, label) in source.versions().iter().rev().flat_map(Kept::each_label) {
        let is_current = source.is_current(kept);
        if !is_current && !comparable {
            plan.unknown.insert(label.to_owned());
            continue;
        }
        // The current version first, then the newest.
        let mut copies: Vec<&Kept> = replica.versions().iter().rev().collect();
        copies.retain(|copy| {
            is_current && replica.is_current(copy)
                || comparable && copy.value.is_some() && copy.value == kept.value
        });
        match copies.iter().find(|copy| copy.labels.contains(label)) {
            Some(copy) => {
                synced.entry(copy.version.number).or_default().insert(label);
            }
            None if copies.is_empty() => drop(plan.lacking.insert(label.to_owned())),
            None => unplaced.push((label, copies)),
        }
    }
    for (label, copies) in unplaced {
        // Those that stay for want of values take room, too.
        let has_room = |copy: &&&Kept| {
            let there = synced.get(&copy.version.number).map_or(0, BTreeSet::len);
            let staying = copy.labels.intersection(&plan.unknown).count();
            there + staying < LABELS_PER_VERSION
        };
        match copies.iter().find(has_room) {
            Some(copy) => {
                synced.entry(copy.version.number).or_default().insert(label);
            }
            None => drop(plan.no_room.insert(label.to_owned())),
        }
    }
    plan.steps = steps(&synced, replica, &plan.unknown);
    plan
}

/// The calls that bring the replica's labels to where they are `synced`, so that no version passes its limit on the way.
fn steps(
    synced: &BTreeMap<i64, BTreeSet<&str>>,
    replica: &History,
    stay: &BTreeSet<String>,
) -> Vec<LabelStep> {
    let wanted: BTreeSet<&str> = synced.values().flatten().copied().collect();
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
    for (version, labels) in synced {
        let there = now.entry(*version).or_default();
        let incoming: Vec<&str> = labels.difference(there).copied().collect();
        if incoming.is_empty() {
            continue;
        }
        if there.len() + incoming.len() > LABELS_PER_VERSION {
            // None of these stays for want of values: it was counted when room was looked for.
            take_off(*version, there, |label| !labels.contains(label), &mut steps);
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

/// What takes the labels off the replica's oldest version, which keep AWS from dropping it, before a new version is
/// written: those that do not give the source's value there, and those that can give it on a newer version.
pub(super) fn unblocking(source: &History, replica: &History) -> Vec<LabelStep> {
    let Some((oldest, newer)) = replica.versions().split_first() else { return Vec::new() };
    let (mut gone, mut moved) = (Vec::new(), BTreeMap::<i64, Vec<String>>::new());
    for label in &oldest.labels {
        let of_source = source.older_labelled().find(|kept| kept.labels.contains(label));
        let belongs = of_source.is_some_and(|kept| {
            kept.value.is_none() || oldest.value.is_none() || kept.value == oldest.value
        });
        let has_room = |copy: &&Kept| {
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
    let gone = (!gone.is_empty()).then_some(LabelStep::TakeOff { version, labels: gone });
    let moved = moved.into_iter().map(|(version, labels)| LabelStep::Attach { version, labels });
    gone.into_iter().chain(moved).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
