//! SIGINT and SIGTERM. The first one stops the work as a deadline does: nothing more is begun, what is under way is
//! finished or undone, and there is a result. The second one ends everything at once.

use std::io;
use std::pin::pin;

use crate::deadline::Deadline;

const FIRST: &str = "stopping: nothing more is begun, and what is under way is finished before the result is shown; another signal ends hubctl at once";
const SECOND: &str =
    "ended at once: a write may stand half-done, and the next sweep mends it; no result is shown";

/// How work ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended<T> {
    /// By itself.
    Done(T),
    /// By itself, after a signal.
    Stopped(T),
    /// A second signal came first.
    AtOnce,
}

/// Does the work, which goes by the deadline that it is handed, and heeds signals meanwhile.
///
/// # Errors
/// The signals cannot be listened to; the work is not begun.
pub(super) async fn heeded<F: Future>(
    work: impl FnOnce(Deadline) -> F,
    tell: impl Fn(&str),
) -> io::Result<Ended<F::Output>> {
    let mut signals = Signals::listen()?;
    tracing::debug!("signals are listened to");
    Ok(until(work, tell, async || signals.next().await).await)
}

async fn until<F: Future>(
    work: impl FnOnce(Deadline) -> F,
    tell: impl Fn(&str),
    mut signal: impl AsyncFnMut(),
) -> Ended<F::Output> {
    let (deadline, stop) = Deadline::stoppable();
    let mut work = pin!(work(deadline));
    tokio::select! {
        biased;
        done = &mut work => return Ended::Done(done),
        () = signal() => {}
    }
    stop.stop();
    tell(FIRST);
    tokio::select! {
        biased;
        done = &mut work => Ended::Stopped(done),
        () = signal() => {
            tell(SECOND);
            Ended::AtOnce
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Elsewhere only Ctrl-C is known.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "on Unix it may fail")]
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use super::*;

    /// Work that ends a while after it was stopped, or by itself after a minute; signals come after so many seconds each.
    async fn ended(signals: &[u64], finishes_in: u64) -> (Ended<bool>, Vec<String>) {
        let said = RefCell::new(Vec::new());
        let mut signals = signals.iter();
        let work = |deadline: Deadline| async move {
            let minute = tokio::time::sleep(Duration::from_mins(1));
            if deadline.unless_stopped(minute).await.is_some() {
                return true;
            }
            tokio::time::sleep(Duration::from_secs(finishes_in)).await;
            false
        };
        let signal = async || match signals.next() {
            Some(after) => tokio::time::sleep(Duration::from_secs(*after)).await,
            None => std::future::pending().await,
        };
        let ended = until(work, |line| said.borrow_mut().push(line.to_owned()), signal).await;
        (ended, said.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_stops_and_the_second_ends() {
        assert_eq!(ended(&[], 1).await, (Ended::Done(true), vec![]));
        assert_eq!(ended(&[5], 30).await, (Ended::Stopped(false), vec![FIRST.to_owned()]));
        let (second, said) = ended(&[5, 10], 30).await;
        assert_eq!((second, said), (Ended::AtOnce, vec![FIRST.to_owned(), SECOND.to_owned()]));
        assert_eq!(ended(&[5, 31], 30).await.0, Ended::Stopped(false));
    }
}
