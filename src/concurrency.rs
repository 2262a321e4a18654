//! Runs several calls in parallel, and shares reads that several futures need.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::sync::OnceCell;

/// Calls in parallel for one list of calls. The rate limits allow far fewer.
const CALLS_IN_PARALLEL: usize = 8;

/// Makes the calls in parallel, up to a limit, and returns the results in the order of the calls.
pub async fn in_parallel<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    // Collected first: the compiler cannot prove that a stream borrowing from the iterator's closure is `Send`.
    let calls: Vec<F> = calls.into_iter().collect();
    stream::iter(calls).buffered(CALLS_IN_PARALLEL).collect().await
}

/// Values that several futures of one task need, each read once: by the future that comes first, while the others wait.
///
/// A value is dropped with the last part that holds it.
#[derive(Debug)]
pub struct ReadOnce<K, V>(BTreeMap<K, Arc<OnceCell<V>>>);

impl<K: Ord + Clone, V> ReadOnce<K, V> {
    /// Values for these keys, none of which is read yet.
    pub fn new(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().map(|key| (key, Arc::default())).collect())
    }

    /// The values for some of the keys.
    #[must_use]
    pub fn part<'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Self
    where
        K: 'k,
    {
        let cell = |key: &K| Some((key.clone(), Arc::clone(self.0.get(key)?)));
        Self(keys.into_iter().filter_map(cell).collect())
    }

    /// Completes when all values are read. Reads those that no other caller reads yet, in parallel.
    pub async fn read<F: Future<Output = V>>(&self, read: impl Fn(K) -> F) {
        let reads: Vec<_> =
            self.0.iter().map(|(key, cell)| cell.get_or_init(|| read(key.clone()))).collect();
        futures::future::join_all(reads).await;
    }

    /// The value for a key, if it is read.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)?.get()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_value_is_read_once_and_nobody_waits_for_the_values_of_others() {
        let reads = AtomicUsize::new(0);
        let read = |seconds: u64| {
            let reads = &reads;
            async move {
                reads.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_secs(seconds)).await;
                seconds
            }
        };
        let all = ReadOnce::new([1, 2, 50]);
        let (quick, slow) = (all.part(&[1, 2]), all.part(&[2, 50, 7]));
        let start = Instant::now();
        let quick = async {
            quick.read(read).await;
            assert_eq!((quick.get(&1), quick.get(&2), quick.get(&50)), (Some(&1), Some(&2), None));
            start.elapsed().as_secs()
        };
        let slow = async {
            slow.read(read).await;
            assert_eq!((slow.get(&2), slow.get(&50), slow.get(&7)), (Some(&2), Some(&50), None));
            start.elapsed().as_secs()
        };
        assert_eq!(futures::join!(quick, slow), (2, 50));
        assert_eq!(reads.into_inner(), 3);
    }
}
