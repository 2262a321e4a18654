//! Runs several calls in parallel.

use futures::{StreamExt, stream};

/// Calls in parallel for one list of calls. The rate limits allow far fewer.
const CALLS_IN_PARALLEL: usize = 8;

/// Makes the calls in parallel, up to a limit, and returns the results in the order of the calls.
pub async fn in_parallel<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    // Collected first: the compiler cannot prove that a stream borrowing from the iterator's closure is `Send`.
    let calls: Vec<F> = calls.into_iter().collect();
    stream::iter(calls).buffered(CALLS_IN_PARALLEL).collect().await
}
