//! Decides when an item's labels are read.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{Expectation, Item, ParameterName, Scope, Timestamp, Version, Wanted};
use crate::run_policy::RunPolicy;

/// An event's time has whole seconds and comes from a different clock.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);
/// The event of a first version may arrive this much later than the events of later versions.
const OUT_OF_ORDER: Duration = Duration::from_hours(1);

/// When an item's labels are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::parameters) enum Reads {
    /// With the create of a replica whose source has older versions, and after an unfinished write. This is enough for the
    /// event of a write: a new version has no labels, and labels have their own events.
    WithCreates,
    /// With every write of a value, as in a sweep.
    WithWrites,
    /// Always: for a label event, for a payload that names the item, and in a run with `labels`.
    Always,
}

/// When the labels of each item of an assignment are read.
#[derive(Clone, Debug)]
pub(in crate::parameters) struct LabelReads {
    by_name: BTreeMap<ParameterName, Reads>,
    /// Items for which an event reports a deletion or a first version. The replica may have labels of an earlier source.
    restarted: BTreeMap<ParameterName, Restart>,
    otherwise: Reads,
}

impl LabelReads {
    pub(in crate::parameters) fn of(scope: &Scope, policy: &RunPolicy) -> Self {
        let otherwise = if policy.labels { Reads::Always } else { Reads::WithWrites };
        let by_name = match scope {
            Scope::Everything => BTreeMap::new(),
            Scope::Items(wanted) => wanted
                .iter()
                .filter_map(|wanted| match &wanted.item {
                    Item::Parameter(name) => {
                        let asked = policy.labels
                            || wanted.expect.is_empty()
                            || wanted.expect.iter().any(|expectation| expectation.labels);
                        let reads = if asked { Reads::Always } else { Reads::WithCreates };
                        Some((name.clone(), reads))
                    }
                    Item::Secret(_) => None,
                })
                .collect(),
        };
        Self { by_name, restarted: restarted(scope), otherwise }
    }

    /// Whether an event reports that the source was created again after `copied`, the version that the replica copies.
    pub(in crate::parameters) fn is_restarted(
        &self,
        name: &ParameterName,
        copied: Version,
    ) -> bool {
        self.restarted.get(name).is_some_and(|restart| match restart {
            Restart::Deleted => true,
            // This may be the event of the copied version.
            Restart::Created(at) if copied.number == 1 => *at > copied.modified.plus(CLOCKS_DIFFER),
            Restart::Created(at) => at.plus(CLOCKS_DIFFER) >= copied.modified,
        })
    }

    /// Whether such an event arrives so late that an earlier pass may have copied the new source as an update of the old one.
    pub(in crate::parameters) fn is_late_restart(
        &self,
        name: &ParameterName,
        copied: Version,
    ) -> bool {
        self.restarted.get(name).is_some_and(|restart| match restart {
            Restart::Deleted => true,
            Restart::Created(at) => copied.number > 1 && copied.modified.since(*at) < OUT_OF_ORDER,
        })
    }

    /// When the labels of `name` are read.
    pub(in crate::parameters) fn of_item(&self, name: &ParameterName) -> Reads {
        self.by_name.get(name).copied().unwrap_or(self.otherwise)
    }
}

/// How a source's history started, by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restart {
    /// The source was deleted, or created at an unknown time.
    Deleted,
    /// The first version was written at this time.
    Created(Timestamp),
}

fn restarted(scope: &Scope) -> BTreeMap<ParameterName, Restart> {
    let Scope::Items(wanted) = scope else { return BTreeMap::new() };
    let restart = |event: &Expectation| match (event.absent, event.version, event.at) {
        (true, ..) | (false, Some(1), None) => Some(Restart::Deleted),
        (false, Some(1), Some(at)) => Some(Restart::Created(at)),
        _ => None,
    };
    let mut all = BTreeMap::new();
    for Wanted { item, expect } in wanted {
        let Item::Parameter(name) = item else { continue };
        for reported in expect.iter().filter_map(restart) {
            let known = all.entry(name.clone()).or_insert(reported);
            *known = match (*known, reported) {
                (Restart::Created(one), Restart::Created(other)) => {
                    Restart::Created(one.max(other))
                }
                _ => Restart::Deleted,
            };
        }
    }
    all
}
