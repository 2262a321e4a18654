//! Detects responses without the member that the hub needs.
//!
//! The SDK reads an empty body with status 200 as a response whose members are all missing. Without this check it would
//! state that nothing exists.

use std::fmt::Display;
use std::time::Duration;

use crate::domain::{Cause, FailureKind};

/// Calls before the operation fails.
const TRIES: usize = 2;
/// The pause between two calls.
const PAUSE: Duration = Duration::from_millis(500);

/// Makes a call, and repeats it once if `is_complete` is false for the response. `None`: no response was complete.
///
/// # Errors
/// The error of the call.
pub async fn complete_response<T, E, F>(
    call: impl Fn() -> F,
    is_complete: impl Fn(&T) -> bool,
) -> Result<Option<T>, E>
where
    F: Future<Output = Result<T, E>>,
{
    for attempt in 1..=TRIES {
        let answer = call().await?;
        if is_complete(&answer) {
            return Ok(Some(answer));
        }
        if attempt < TRIES {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(None)
}

/// The failure of a call whose responses lack `member`.
pub fn missing_member(operation: &str, place: &(impl Display + ?Sized), member: &str) -> Cause {
    let message = format!("the response of {operation} in {place} lacks {member}");
    Cause::new(FailureKind::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_is_repeated_once_if_its_response_is_incomplete() {
        for (answers, expected, made) in
            [([true, true], Some(true), 1), ([false, true], Some(true), 2), ([false; 2], None, 2)]
        {
            let calls = Cell::new(0);
            let call = || {
                let answer = answers[calls.replace(calls.get() + 1)];
                async move { Ok::<bool, Cause>(answer) }
            };
            assert_eq!(complete_response(call, |answer| *answer).await, Ok(expected));
            assert_eq!(calls.get(), made);
        }
        let refused = || async { Err::<bool, u8>(7) };
        assert_eq!(complete_response(refused, |answer| *answer).await, Err(7));
        let cause = missing_member("ssm:GetParameters", "111122223333/us-east-1", "its list");
        assert_eq!(
            cause.message,
            "the response of ssm:GetParameters in 111122223333/us-east-1 lacks its list"
        );
        assert!(cause.kind.may_succeed_later());
    }
}
