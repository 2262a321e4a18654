//! Answers that lack what they are to tell. An empty body with status 200 reads as an answer whose members are all
//! missing; taken for whole, it would state that nothing is there.

use std::fmt::Display;
use std::time::Duration;

use crate::domain::{Cause, FailureKind};

/// How often a call is made whose answers lack their member.
const TRIES: usize = 2;
/// Before it is made again.
const PAUSE: Duration = Duration::from_millis(500);

/// Makes a call of which `is_complete` says whether its answer has the member that it is to tell; once more where it has
/// not. `None`: it lacked it each time.
///
/// # Errors
/// What the call answered.
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

/// The failure of a call whose answers lacked `member`.
pub fn missing_member(operation: &str, place: &(impl Display + ?Sized), member: &str) -> Cause {
    let message = format!("{operation} gave an answer in {place} without {member}");
    Cause::new(FailureKind::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_is_made_once_more_where_its_answer_is_not_whole() {
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
            "ssm:GetParameters gave an answer in 111122223333/us-east-1 without its list"
        );
        assert!(cause.kind.may_succeed_later());
    }
}
