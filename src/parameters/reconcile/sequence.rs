//! The order of the writes of one pass. Writes run side by side, with one exception: an item is recreated in one target
//! after the other, and the next recreation begins only when the previous replica exists again. A recreation never leaves
//! two failover Regions without a standby.

use std::collections::{BTreeMap, BTreeSet};

use super::verify::is_shown;
use crate::domain::{Cause, Change, ParameterName, Region, SecretText};
use crate::parameters::attempt::{WriteAttempt, WriteState};
use crate::parameters::causes::{created_not_shown, recreation_waits};
use crate::parameters::context::RouteContext;

/// Attempts that run one after the other.
pub(super) type Chain<'a> = Vec<&'a mut WriteAttempt>;

/// Groups the attempts into chains. The creates and recreations of an item that is recreated anywhere are one chain,
/// creates first; every other attempt is a chain by itself.
pub(super) fn chains(attempts: &mut [WriteAttempt]) -> Vec<Chain<'_>> {
    let recreated: BTreeSet<ParameterName> = attempts
        .iter()
        .filter(|attempt| is_recreation(attempt))
        .map(|attempt| attempt.name.clone())
        .collect();
    let mut chains = Vec::new();
    let mut by_name: BTreeMap<ParameterName, Chain<'_>> = BTreeMap::new();
    for attempt in attempts {
        let creates = matches!(attempt.write.change, Change::Create | Change::Recreate);
        if creates && recreated.contains(&attempt.name) {
            by_name.entry(attempt.name.clone()).or_default().push(attempt);
        } else {
            chains.push(vec![attempt]);
        }
    }
    for (_, mut chain) in by_name {
        chain.sort_by_key(|attempt| is_recreation(attempt));
        chains.push(chain);
    }
    chains
}

pub(super) fn is_recreation(attempt: &WriteAttempt) -> bool {
    attempt.write.change == Change::Recreate
}

/// Why the next recreation of a chain does not begin.
pub(super) enum Blocker {
    /// The previous attempt needs another pass, so this one does too.
    Retry,
    /// The deadline left no time for the previous attempt.
    OutOfTime,
    /// The previous attempt failed in this Region.
    Failed(Region, Cause),
}

impl Blocker {
    /// What blocks the rest of the chain after `attempt`. A created replica is read back first.
    pub(super) async fn after(
        context: &RouteContext<'_>,
        attempt: &WriteAttempt,
        value: Option<&SecretText>,
    ) -> Option<Self> {
        let failed = |cause: &Cause| Some(Self::Failed(attempt.target.clone(), cause.clone()));
        let version = match &attempt.state {
            WriteState::Created(_) => 1,
            WriteState::Written(version) => *version,
            // The replica is unchanged, and the next target has its own allowance.
            WriteState::Held(_) => return None,
            WriteState::OutOfTime => return Some(Self::OutOfTime),
            WriteState::Failed(cause)
            | WriteState::Unanswered(cause)
            | WriteState::Unconfirmed(cause) => return failed(cause),
            WriteState::Planned
            | WriteState::Done(_)
            | WriteState::Verified(_)
            | WriteState::Recreated(_)
            | WriteState::Retry
            | WriteState::Superseded(_) => return Some(Self::Retry),
        };
        match is_shown(context, attempt, version, value).await {
            Ok(true) => None,
            Ok(false) => failed(&created_not_shown()),
            Err(cause) => failed(&cause),
        }
    }

    /// The state of a recreation that does not begin.
    pub(super) fn blocked_state(&self, attempt: &WriteAttempt) -> WriteState {
        match self {
            Self::Retry => WriteState::Retry,
            Self::OutOfTime => WriteState::OutOfTime,
            Self::Failed(region, cause) => {
                WriteState::Failed(recreation_waits(&attempt.target, region, cause))
            }
        }
    }
}
