//! How many calls of one kind are under way at once.

use futures::{StreamExt, stream};

/// Calls under way at once for one list of them; far more than the quotas let through.
const CALLS_AT_ONCE: usize = 8;

/// Makes the calls, a few at a time, and gives their answers in the order of the calls.
pub async fn in_parallel<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    // Collected first: a stream that borrows from the iterator's closure is not known to be `Send`.
    let calls: Vec<F> = calls.into_iter().collect();
    stream::iter(calls).buffered(CALLS_AT_ONCE).collect().await
}
