//! When an item's labels are read.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{Expectation, Item, ParameterName, Scope, Timestamp, Version, Wanted};
use crate::run_policy::RunPolicy;

/// An event's time has whole seconds, and its service's clock is another.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);
/// How much later than the events of later versions that of a first one may come.
const OUT_OF_ORDER: Duration = Duration::from_hours(1);

/// When an item's labels are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::parameters) enum Reads {
    /// With a create of what has older versions, and where an earlier write was left half-done. The event of a write
    /// asks for no more: its version had no labels at its birth, and labels have events of their own.
    WithCreates,
    /// With every write of a value: a sweep.
    WithWrites,
    /// In any case: a label event, a person's payload by name, a run with `labels`.
    Always,
}

/// The same for all items of an assignment.
#[derive(Clone, Debug)]
pub(in crate::parameters) struct LabelReads {
    by_name: BTreeMap<ParameterName, Reads>,
    /// Those whose deletion or first version an event names: an earlier source's labels may be left on the replica.
    restarted: BTreeMap<ParameterName, Restart>,
    otherwise: Reads,
}

impl LabelReads {
    /// What `scope` asks for under `policy`.
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

    /// Whether an event says that the source's history began anew since `copied`, which its replica is the copy of.
    pub(in crate::parameters) fn is_restarted(
        &self,
        name: &ParameterName,
        copied: Version,
    ) -> bool {
        self.restarted.get(name).is_some_and(|restart| match restart {
            Restart::Deleted => true,
            // The event of the very version that was copied says nothing new.
            Restart::Created(at) if copied.number == 1 => *at > copied.modified.plus(CLOCKS_DIFFER),
            Restart::Created(at) => at.plus(CLOCKS_DIFFER) >= copied.modified,
        })
    }

    /// Whether an event says so that comes so late that the new source may have been copied as if it were the old one.
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

    /// When those of `name` are read.
    pub(in crate::parameters) fn of_item(&self, name: &ParameterName) -> Reads {
        self.by_name.get(name).copied().unwrap_or(self.otherwise)
    }
}

/// What an event tells of the beginning of a source's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restart {
    /// The source was deleted; or, without its time, created.
    Deleted,
    /// Its first version was written then.
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
        for told in expect.iter().filter_map(restart) {
            let known = all.entry(name.clone()).or_insert(told);
            *known = match (*known, told) {
                (Restart::Created(one), Restart::Created(other)) => {
                    Restart::Created(one.max(other))
                }
                _ => Restart::Deleted,
            };
        }
    }
    all
}
