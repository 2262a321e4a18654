//! Which writes go side by side, and which one after the other: a parameter is recreated in one target after the other,
//! and the next is begun only when the one before is there again. So no recreation leaves two failover Regions without
//! a standby at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::verify::is_shown;
use crate::domain::{Cause, Change, FailureKind, ParameterName, Region, SecretText};
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::context::RouteContext;

/// The places of tasks that are carried out one after the other.
pub(super) type Chain = Vec<usize>;

/// Every task once. What creates or recreates an item that is recreated anywhere is one chain, its creates first; any
/// other task is a chain of its own.
pub(super) fn chains(attempts: &[WriteAttempt]) -> Vec<Chain> {
    let recreated: BTreeSet<&ParameterName> = attempts
        .iter()
        .filter(|attempt| is_recreation(attempt))
        .map(|attempt| &attempt.name)
        .collect();
    let mut chains = Vec::new();
    let mut by_name: BTreeMap<&ParameterName, Chain> = BTreeMap::new();
    for (place, attempt) in attempts.iter().enumerate() {
        let makes_anew = matches!(attempt.write.change, Change::Create | Change::Recreate);
        if makes_anew && recreated.contains(&attempt.name) {
            by_name.entry(&attempt.name).or_default().push(place);
        } else {
            chains.push(vec![place]);
        }
    }
    for (_, mut chain) in by_name {
        chain.sort_by_key(|place| attempts.get(*place).is_some_and(is_recreation));
        chains.push(chain);
    }
    chains
}

pub(super) fn is_recreation(attempt: &WriteAttempt) -> bool {
    attempt.write.change == Change::Recreate
}

/// Why the next recreation of a chain is not begun.
pub(super) enum Hold {
    /// What comes before it goes round again, and so does it.
    Retry,
    /// There was no time left for what comes before it.
    Late,
    /// It failed there.
    Failed(Region, Cause),
}

impl Hold {
    /// Why nothing may follow `state`, if so. What was created is read back first.
    pub(super) async fn after(
        context: &RouteContext<'_>,
        attempt: &WriteAttempt,
        state: &WriteState,
        value: Option<&SecretText>,
    ) -> Option<Self> {
        let failed = |cause: &Cause| Some(Self::Failed(attempt.target.clone(), cause.clone()));
        let least = match state {
            WriteState::Created(_) => 1,
            WriteState::Written(version) => *version,
            // It stands as it did, and the next target has an allowance of its own.
            WriteState::Held(_) => return None,
            WriteState::OutOfTime => return Some(Self::Late),
            WriteState::Failed(cause)
            | WriteState::Unanswered(cause)
            | WriteState::Unconfirmed(cause) => {
                return failed(cause);
            }
            WriteState::Done(_)
            | WriteState::Verified(_)
            | WriteState::Recreated(_)
            | WriteState::Retry
            | WriteState::Superseded(_) => {
                return Some(Self::Retry);
            }
        };
        match is_shown(context, attempt, least, value).await {
            Ok(true) => None,
            Ok(false) => {
                let message = "what was created there does not show in a read by name";
                failed(&Cause::new(FailureKind::Unavailable, message))
            }
            Err(cause) => failed(&cause),
        }
    }

    /// What becomes of a recreation that is not begun.
    pub(super) fn held(&self, attempt: &WriteAttempt) -> WriteState {
        match self {
            Self::Retry => WriteState::Retry,
            Self::Late => WriteState::OutOfTime,
            Self::Failed(region, cause) => {
                WriteState::Failed(not_begun(&attempt.target, region, cause))
            }
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
