//! Which writes go side by side, and which one after the other: a parameter is recreated in one target after the other,
//! and the next is begun only when the one before is there again. So no recreation leaves two failover Regions without
//! a standby at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::verify::is_shown;
use crate::domain::{Cause, Change, FailureKind, ParameterName, Region, SecretText};
use crate::parameters::attempt::{Task, Wrote};
use crate::parameters::context::RouteContext;

/// The places of tasks that are carried out one after the other.
pub(super) type Chain = Vec<usize>;

/// Every task once. What creates or recreates an item that is recreated anywhere is one chain, its creates first; any
/// other task is a chain of its own.
pub(super) fn chains(tasks: &[Task]) -> Vec<Chain> {
    let recreated: BTreeSet<&ParameterName> =
        tasks.iter().filter(|task| is_recreation(task)).map(|task| &task.name).collect();
    let mut chains = Vec::new();
    let mut by_name: BTreeMap<&ParameterName, Chain> = BTreeMap::new();
    for (place, task) in tasks.iter().enumerate() {
        let makes_anew = matches!(task.write.change, Change::Create | Change::Recreate);
        if makes_anew && recreated.contains(&task.name) {
            by_name.entry(&task.name).or_default().push(place);
        } else {
            chains.push(vec![place]);
        }
    }
    for (_, mut chain) in by_name {
        chain.sort_by_key(|place| tasks.get(*place).is_some_and(is_recreation));
        chains.push(chain);
    }
    chains
}

pub(super) fn is_recreation(task: &Task) -> bool {
    task.write.change == Change::Recreate
}

/// Why the next recreation of a chain is not begun.
pub(super) enum Hold {
    /// What comes before it goes round again, and so does it.
    Retries,
    /// There was no time left for what comes before it.
    Late,
    /// It failed there.
    Failed(Region, Cause),
}

impl Hold {
    /// Why nothing may follow `wrote`, if so. What was created is read back first.
    pub(super) async fn after(
        context: &RouteContext<'_>,
        task: &Task,
        wrote: &Wrote,
        value: Option<&SecretText>,
    ) -> Option<Self> {
        let failed = |cause: &Cause| Some(Self::Failed(task.target.clone(), cause.clone()));
        let least = match wrote {
            Wrote::Created(_) => 1,
            Wrote::ReadBack(version) => *version,
            // It stands as it did, and the next target has an allowance of its own.
            Wrote::Held(_) => return None,
            Wrote::Late => return Some(Self::Late),
            Wrote::Failed(cause) | Wrote::Lost(cause) | Wrote::Unconfirmed(cause) => {
                return failed(cause);
            }
            Wrote::Done(_) | Wrote::Proved(_) | Wrote::Anew(_) | Wrote::Retries | Wrote::Moved(_) => {
                return Some(Self::Retries);
            }
        };
        match is_shown(context, task, least, value).await {
            Ok(true) => None,
            Ok(false) => {
                let message = "what was created there does not show in a read by name";
                failed(&Cause::new(FailureKind::Unavailable, message))
            }
            Err(cause) => failed(&cause),
        }
    }

    /// What becomes of a recreation that is not begun.
    pub(super) fn held(&self, task: &Task) -> Wrote {
        match self {
            Self::Retries => Wrote::Retries,
            Self::Late => Wrote::Late,
            Self::Failed(region, cause) => Wrote::Failed(not_begun(&task.target, region, cause)),
        }
    }
}

/// A recreation in `target` that waits for `before`, where it failed.
pub(super) fn not_begun(target: &Region, before: &Region, cause: &Cause) -> Cause {
    let message = format!(
        "its type is changed in one failover Region after the other, and in {target} the replica keeps its old form until {before} has it: {}",
        cause.message
    );
    Cause { message, ..cause.clone() }
}
