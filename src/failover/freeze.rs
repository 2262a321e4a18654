//! `freeze`: stops the replication of a route, or of some of its accounts.

use super::FailoverError;
use super::answer::{FailoverAnswer, FailoverEnd};
use super::change::{Changed, caller_or_unknown, change};
use super::wait::{IN_FLIGHT, WaitEnd, has_stood, until_no_request_is_under_way};
use crate::deadline::Deadline;
use crate::domain::{RouteRecord, Timestamp, TransitionRequest};
use crate::request::FreezeRequest;
use crate::table::{StateRead, Table};

/// The action in the answer.
const ACTION: &str = "freeze";

/// Sets the state `frozen`, and waits until no request of the hub can be under way. `waits` is called before the wait,
/// with its expected end.
///
/// # Errors
/// The state does not allow the transition, or the table is unreachable.
pub async fn freeze(
    table: &Table,
    request: &FreezeRequest,
    deadline: &Deadline,
    waits: &(dyn Fn(Timestamp) + Sync),
) -> Result<FailoverAnswer, FailoverError> {
    let FreezeRequest { pair, accounts, reason, wait } = request;
    let connection = table.connection();
    let mut answer = FailoverAnswer::new(connection.now(), pair, ACTION, accounts);
    let reads =
        Box::pin(async { futures::join!(table.state(pair), caller_or_unknown(connection)) });
    let Some((read, by)) = deadline.unless_stopped(reads).await else { return Ok(answer) };
    let StateRead { record, copied_from } = read?;
    answer.copied_from = copied_from;
    if deadline.is_stopped() {
        return Ok(answer.with(record));
    }
    let transition = |record: &RouteRecord| {
        record.freeze(&TransitionRequest {
            accounts: accounts.clone(),
            by: by.clone(),
            reason: reason.clone(),
            now: connection.now(),
        })
    };
    let Changed { record, is_written } = change(table, pair, ACTION, record, transition).await?;
    let (answered, now) = (connection.moment(), connection.now());
    let stood = !is_written && has_stood(&record, now);
    let mut answer = answer.with(record);
    answer.is_changed = is_written;
    let until = now.plus(IN_FLIGHT);
    answer.end = if stood {
        FailoverEnd::Done
    } else if *wait {
        waits(until);
        match until_no_request_is_under_way(connection, answered, deadline).await {
            WaitEnd::Passed => FailoverEnd::Done,
            WaitEnd::Interrupted => FailoverEnd::Interrupted(until),
        }
    } else {
        FailoverEnd::NotAwaited(until)
    };
    answer.at = connection.now();
    Ok(answer)
}
