//! When an item's labels are read.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Item, ParameterName, Scope, Wanted};
use crate::run_policy::RunPolicy;

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
    restarted: BTreeSet<ParameterName>,
    otherwise: Reads,
}

impl LabelReads {
    /// What `scope` asks for under `rules`.
    pub(in crate::parameters) fn of(scope: &Scope, rules: &RunPolicy) -> Self {
        let otherwise = if rules.labels { Reads::Always } else { Reads::WithWrites };
        let by_name = match scope {
            Scope::Everything => BTreeMap::new(),
            Scope::Items(wanted) => wanted
                .iter()
                .filter_map(|wanted| match &wanted.item {
                    Item::Parameter(name) => {
                        let asked = rules.labels
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

    /// Whether an event says that the source's history began anew.
    pub(in crate::parameters) fn is_restarted(&self, name: &ParameterName) -> bool {
        self.restarted.contains(name)
    }

    /// When those of `name` are read.
    pub(in crate::parameters) fn of_item(&self, name: &ParameterName) -> Reads {
        self.by_name.get(name).copied().unwrap_or(self.otherwise)
    }
}

fn restarted(scope: &Scope) -> BTreeSet<ParameterName> {
    let Scope::Items(wanted) = scope else { return BTreeSet::new() };
    let begins = |wanted: &&Wanted| {
        wanted.expect.iter().any(|event| event.absent || event.version == Some(1))
    };
    let name = |wanted: &Wanted| match &wanted.item {
        Item::Parameter(name) => Some(name.clone()),
        Item::Secret(_) => None,
    };
    wanted.iter().filter(begins).filter_map(name).collect()
}
