//! Handles SIGINT and SIGTERM. The first signal stops the work like a deadline: no further work starts, the work in
//! progress is finished or undone, and there is a result. The second signal ends the program immediately.

use std::io;
use std::pin::pin;

use crate::deadline::Deadline;

const FIRST: &str = "stopping: no further work starts, and hubctl shows the result after the work in progress; another signal ends hubctl immediately";
const SECOND: &str =
    "ended immediately without a result: a write may be incomplete; the next sweep completes it";

/// The end of the work.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Completion<T> {
    /// The work finished without a signal.
    Done(T),
    /// The work finished after a signal.
    Stopped(T),
    /// A second signal arrived before the work finished.
    Aborted,
}

/// Runs the work and handles signals. The work must observe the deadline that it receives.
///
/// # Errors
/// The signal handlers cannot be installed; the work does not start.
pub(super) async fn with_signals<F: Future>(
    work: impl FnOnce(Deadline) -> F,
    print: impl Fn(&str),
) -> io::Result<Completion<F::Output>> {
    let mut signals = Signals::listen()?;
    tracing::debug!("listening for signals");
    Ok(until_signal(work, print, async || signals.next().await).await)
}

async fn until_signal<F: Future>(
    work: impl FnOnce(Deadline) -> F,
    print: impl Fn(&str),
    mut signal: impl AsyncFnMut(),
) -> Completion<F::Output> {
    let (deadline, stop) = Deadline::stoppable();
    let mut work = pin!(work(deadline));
    tokio::select! {
        biased;
        done = &mut work => return Completion::Done(done),
        () = signal() => {}
    }
    stop.stop();
    print(FIRST);
    tokio::select! {
        biased;
        done = &mut work => Completion::Stopped(done),
        () = signal() => {
            print(SECOND);
            Completion::Aborted
        }
    }
}

/// SIGINT and SIGTERM on Unix; only Ctrl-C on other systems.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "the Unix variant can fail")]
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
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

    /// Runs work that takes one minute, or `finishes_in` seconds after a stop. Each signal arrives after the given number
    /// of seconds.
    async fn ended(signals: &[u64], finishes_in: u64) -> (Completion<bool>, Vec<String>) {
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
        let ended =
            until_signal(work, |line| said.borrow_mut().push(line.to_owned()), signal).await;
        (ended, said.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_stops_and_the_second_aborts() {
        assert_eq!(ended(&[], 1).await, (Completion::Done(true), vec![]));
        assert_eq!(ended(&[5], 30).await, (Completion::Stopped(false), vec![FIRST.to_owned()]));
        let (second, said) = ended(&[5, 10], 30).await;
        assert_eq!(
            (second, said),
            (Completion::Aborted, vec![FIRST.to_owned(), SECOND.to_owned()])
        );
        assert_eq!(ended(&[5, 31], 30).await.0, Completion::Stopped(false));
    }
}
