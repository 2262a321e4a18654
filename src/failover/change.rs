//! A transition as one conditional put. The operator who loses decides again from the record of the winner.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use super::FailoverError;
use crate::aws::Connection;
use crate::domain::{
    Cause, FailureKind, RoutePair, RouteRecord, Timestamp, Transition, TransitionRefused,
};
use crate::request::Refused;
use crate::table::{StatePut, StateRead, Table};

/// Puts of one command. Each lost put means that another operator changed the state meanwhile.
const TRIES: usize = 8;
/// The longest wait for the caller's ARN before a freeze: STS must not delay it.
const CALLER_TIMEOUT: Duration = Duration::from_secs(5);

/// The record that holds after a command, and whether the command wrote it.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) record: RouteRecord,
    pub(super) is_written: bool,
}

/// Carries out the transition that `decide` finds, beginning with a record that was read before.
///
/// # Errors
/// The state does not allow the transition, or the table is unreachable.
pub(super) async fn change(
    table: &Table,
    pair: &RoutePair,
    action: &str,
    first: RouteRecord,
    decide: impl Fn(&RouteRecord) -> Result<Transition, TransitionRefused>,
) -> Result<Changed, FailoverError> {
    let request = request_id(table.connection().now());
    let mut record = first;
    for _ in 0..TRIES {
        let next = match decide(&record).map_err(|why| refused(action, pair, why))? {
            Transition::Unchanged => return Ok(Changed { record, is_written: false }),
            Transition::Next(next) => *next,
        };
        match table.put_state(pair, &next, &request).await? {
            StatePut::Written => return Ok(Changed { record: next, is_written: true }),
            StatePut::Lost => {
                let StateRead { record: newest, .. } = table.state(pair).await?;
                tracing::info!(%pair, action, "another operator was faster: {}", newest.route);
                record = newest;
            }
        }
    }
    let message = format!(
        "cannot {action} {pair}: other operators changed the state {TRIES} times meanwhile; the route is now {}",
        record.route
    );
    let remedy = "agree with the other operators, then run the command again";
    Err(Cause::new(FailureKind::Unavailable, message).with_remedy(remedy).into())
}

/// A refused transition, with the route and the action.
pub(super) fn refused(action: &str, pair: &RoutePair, why: TransitionRefused) -> Refused {
    let TransitionRefused { problem, accepted } = why;
    Refused::new(format!("cannot {action} {pair}: {problem}; nothing was changed"), accepted)
}

/// The ARN of the caller, for the record.
///
/// # Errors
/// The failure of `GetCallerIdentity`.
pub(super) async fn caller(connection: &Connection) -> Result<String, Cause> {
    let caller = connection.caller().await?;
    Ok(if caller.arn.is_empty() {
        format!("an unnamed principal of the account {}", caller.account)
    } else {
        caller.arn.clone()
    })
}

/// The ARN of the caller for a freeze, which does not depend on STS.
pub(super) async fn caller_or_unknown(connection: &Connection) -> String {
    match tokio::time::timeout(CALLER_TIMEOUT, caller(connection)).await {
        Ok(Ok(arn)) => arn,
        Ok(Err(cause)) => {
            tracing::warn!(error_kind = %cause.kind, "{}", cause.message);
            format!("an unknown caller (sts:GetCallerIdentity: {})", cause.kind)
        }
        Err(_) => "an unknown caller (sts:GetCallerIdentity did not answer)".to_owned(),
    }
}

/// Names one conditional put, so that a repeated put recognises its own record. The time and the random keys of this process
/// make it unique.
pub(crate) fn request_id(now: Timestamp) -> String {
    format!("{:x}-{:016x}", now.millis(), RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_command_has_an_id_of_its_own() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let ids: BTreeSet<String> = (0..100).map(|_| request_id(now)).collect();
        assert_eq!(ids.len(), 100);
    }
}
