//! The limiter of one bucket in one account and Region. Requests pass one at a time, in order of arrival.
//!
//! AWS's answers count more than any published quota: a throttle halves the rate and pauses the limiter for a second;
//! while calls succeed, the rate grows by one step a second.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A signature is valid for five minutes. A request that waits longer than this returns to the SDK to be signed again.
const MAX_WAIT: Duration = Duration::from_mins(4);
/// No request passes for this long after a throttle. Further throttles in this time count as the same one: they answer
/// requests that were already on their way.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);
/// A lowered rate is kept for this long after the last change, even if no calls follow.
const THROTTLE_MEMORY: Duration = Duration::from_mins(1);
/// The rate grows by at most one step in this time.
const GROWTH_INTERVAL: Duration = Duration::from_secs(1);
/// The current rate is counted in sixteenths of the full rate, and is never less than one sixteenth.
const ALL_SIXTEENTHS: u32 = 16;
/// Requests that may pass together after a pause. AWS tolerates more for some operations, but does not publish how
/// many.
const MAX_BURST: u32 = 5;
/// The interval of the slowest bucket, and of a bucket whose rate is not a number.
const MAX_INTERVAL: Duration = Duration::from_secs(100);
/// The interval of the fastest bucket: governor counts in nanoseconds and rejects an interval of zero.
const MIN_INTERVAL: Duration = Duration::from_micros(1);

/// The request's signature would expire before its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request waited in the queue until its signature was too old")]
pub(in crate::aws) struct WaitedTooLong;

/// Tokio's clock for governor: the rate and the sleeps must follow the same clock.
#[derive(Clone, Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

type GovernorLimiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// The queue of a bucket, and its current rate.
#[derive(Debug)]
pub(in crate::aws) struct Limiter {
    /// Calls a second while AWS does not throttle.
    full_rate: f64,
    state: Mutex<RateState>,
    queue: Mutex<Queue>,
}

/// The waiting requests, in order of arrival. A separate task serves them, not the first in the queue: a future that
/// is not polled would block all requests behind it.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<oneshot::Sender<()>>,
    is_served: bool,
}

#[derive(Debug)]
struct RateState {
    clock: TokioClock,
    governor: GovernorLimiter,
    sixteenths: u32,
    changed_at: Instant,
    paused_until: Instant,
    /// When the whole burst is available again.
    burst_restored_at: Instant,
}

impl Limiter {
    pub(in crate::aws) fn new(calls_per_second: f64) -> Arc<Self> {
        let now = Instant::now();
        let clock = TokioClock(now);
        let governor = RateLimiter::direct_with_clock(quota(calls_per_second), clock.clone());
        let state = RateState {
            clock,
            governor,
            sixteenths: ALL_SIXTEENTHS,
            changed_at: now,
            paused_until: now,
            burst_restored_at: now,
        };
        let (state, queue) = (Mutex::new(state), Mutex::default());
        Arc::new(Self { full_rate: calls_per_second, state, queue })
    }

    /// Waits for the request's turn, and returns how long that took.
    pub(in crate::aws) async fn acquire(self: &Arc<Self>) -> Result<Duration, WaitedTooLong> {
        let came = Instant::now();
        let Some(turn) = self.enqueue() else { return Ok(Duration::ZERO) };
        match tokio::time::timeout(MAX_WAIT, turn).await {
            Ok(Ok(())) => Ok(came.elapsed()),
            // The sender is dropped only when the runtime shuts down the serving task.
            Ok(Err(_)) | Err(_) => Err(WaitedTooLong),
        }
    }

    /// Joins the queue. `None`: the queue is empty and the request may pass now.
    fn enqueue(self: &Arc<Self>) -> Option<oneshot::Receiver<()>> {
        let mut queue = self.queue();
        if !queue.is_served && self.next_wait().is_none() {
            return None;
        }
        let (sender, turn) = oneshot::channel();
        queue.waiting.push_back(sender);
        if !queue.is_served {
            queue.is_served = true;
            tokio::spawn(Arc::clone(self).serve());
        }
        Some(turn)
    }

    /// Lets the waiting requests pass one at a time until the queue is empty.
    async fn serve(self: Arc<Self>) {
        while self.has_waiting() {
            // Checked again after each sleep: a throttle may have paused the limiter meanwhile.
            while let Some(wait) = self.next_wait() {
                tokio::time::sleep(wait).await;
            }
            let mut queue = self.queue();
            while let Some(next) = queue.waiting.pop_front() {
                // A request that left the queue passes its turn to the next one.
                if next.send(()).is_ok() {
                    break;
                }
            }
        }
    }

    /// Whether a request waits. If none does, `is_served` becomes false under the same lock.
    fn has_waiting(&self) -> bool {
        let mut queue = self.queue();
        while queue.waiting.front().is_some_and(oneshot::Sender::is_closed) {
            queue.waiting.pop_front();
        }
        queue.is_served = !queue.waiting.is_empty();
        queue.is_served
    }

    /// Reports that AWS throttled a call.
    pub(in crate::aws) fn throttled(&self) {
        let now = Instant::now();
        let mut state = self.state();
        if now >= state.paused_until {
            let sixteenths = (state.sixteenths / 2).max(1);
            self.change(&mut state, sixteenths, now);
        }
        state.paused_until = now + THROTTLE_PAUSE;
    }

    /// Reports that a call succeeded.
    pub(in crate::aws) fn succeeded(&self) {
        let now = Instant::now();
        let mut state = self.state();
        if state.sixteenths < ALL_SIXTEENTHS
            && now.duration_since(state.changed_at) >= GROWTH_INTERVAL
        {
            let sixteenths = state.sixteenths + 1;
            self.change(&mut state, sixteenths, now);
        }
    }

    /// How long the next request must wait. `None`: it may pass, and the limiter has counted it.
    fn next_wait(&self) -> Option<Duration> {
        let mut state = self.state();
        let now = Instant::now();
        let pause = state.paused_until.saturating_duration_since(now);
        if !pause.is_zero() {
            return Some(pause);
        }
        let Err(refusal) = state.governor.check() else {
            state.burst_restored_at =
                state.burst_restored_at.max(now) + interval(self.rate(state.sixteenths));
            return None;
        };
        // Tokio's timer has a resolution of one millisecond; a shorter sleep would only spin.
        Some(refusal.wait_time_from(state.clock.now()).max(Duration::from_millis(1)))
    }

    /// Whether a new limiter would behave the same: no request waits, the burst is restored, and no throttle is
    /// remembered.
    pub(in crate::aws) fn is_idle(&self) -> bool {
        let is_served = self.queue().is_served;
        let (now, state) = (Instant::now(), self.state());
        let remembers =
            state.sixteenths < ALL_SIXTEENTHS && now < state.changed_at + THROTTLE_MEMORY;
        !is_served && !remembers && now >= state.burst_restored_at && now >= state.paused_until
    }

    fn rate(&self, sixteenths: u32) -> f64 {
        self.full_rate * f64::from(sixteenths) / f64::from(ALL_SIXTEENTHS)
    }

    fn change(&self, state: &mut RateState, sixteenths: u32, now: Instant) {
        let rate = self.rate(sixteenths);
        let quota = quota(rate);
        state.governor = RateLimiter::direct_with_clock(quota, state.clock.clone());
        // A new governor allows a whole burst. Used up here, a change of the rate never adds a burst.
        let emptied = state.governor.check_n(quota.burst_size());
        debug_assert!(matches!(emptied, Ok(Ok(()))), "a new governor allows its whole burst");
        state.sixteenths = sixteenths;
        state.changed_at = now;
        state.burst_restored_at = now + interval(rate) * quota.burst_size().get();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, RateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Evenly spaced calls, with a burst of at most one second's calls.
fn quota(calls_per_second: f64) -> Quota {
    let burst = (1..=MAX_BURST)
        .rev()
        .find(|burst| f64::from(*burst) <= calls_per_second)
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(interval(calls_per_second));
    quota.unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

/// The time between two calls.
fn interval(calls_per_second: f64) -> Duration {
    Duration::try_from_secs_f64(1.0 / calls_per_second).unwrap_or(MAX_INTERVAL).max(MIN_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which each of `many` consecutive requests passes.
    async fn passes(limiter: &Arc<Limiter>, many: usize) -> Vec<f64> {
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..many {
            limiter.acquire().await.unwrap();
            times.push(start.elapsed().as_secs_f64());
        }
        times
    }

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 0.02
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_follows_at_the_rate() {
        let times = passes(&Limiter::new(10.0), 25).await;
        assert!(near(times[4], 0.0) && near(times[5], 0.1) && near(times[24], 2.0), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_never_more_than_a_seconds_worth() {
        let times = passes(&Limiter::new(0.25), 3).await;
        assert!(near(times[1], 4.0) && near(times[2], 8.0), "{times:?}");
        let times = passes(&Limiter::new(2.5), 3).await;
        assert!(near(times[1], 0.0) && near(times[2], 0.4), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_infinite_or_undefined_rate_is_bounded() {
        let times = passes(&Limiter::new(f64::INFINITY), 1000).await;
        assert!(near(times[999], 1.0) || times[999] < 1.0, "{times:?}");
        let times = passes(&Limiter::new(f64::NAN), 2).await;
        assert!(near(times[1], 100.0), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_pauses_the_limiter_and_halves_the_rate() {
        let limiter = Limiter::new(4.0);
        passes(&limiter, 4).await;
        limiter.throttled();
        let times = passes(&limiter, 3).await;
        assert!(near(times[0], 1.0), "paused for a second: {times:?}");
        assert!(near(times[2] - times[1], 0.5), "two a second: {times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn throttles_within_a_second_count_as_one_and_the_rate_never_reaches_zero() {
        let limiter = Limiter::new(16.0);
        for _ in 0..20 {
            limiter.throttled();
        }
        assert_eq!(limiter.state().sixteenths, 8);
        for _ in 0..20 {
            tokio::time::advance(THROTTLE_PAUSE).await;
            limiter.throttled();
        }
        assert_eq!(limiter.state().sixteenths, 1);
        let times = passes(&limiter, 2).await;
        assert!(near(times[1] - times[0], 1.0), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn successes_restore_the_rate_one_step_a_second() {
        let limiter = Limiter::new(16.0);
        limiter.throttled();
        for step in 1..=8 {
            tokio::time::advance(GROWTH_INTERVAL).await;
            for _ in 0..5 {
                limiter.succeeded();
            }
            assert_eq!(limiter.state().sixteenths, 8 + step);
        }
        tokio::time::advance(GROWTH_INTERVAL).await;
        limiter.succeeded();
        assert_eq!(limiter.state().sixteenths, ALL_SIXTEENTHS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limiter_is_idle_when_a_new_one_would_behave_the_same() {
        let limiter = Limiter::new(2.0);
        assert!(limiter.is_idle());
        passes(&limiter, 3).await;
        // The third request leaves the burst of two empty; each half second restores one of the two.
        tokio::time::advance(Duration::from_millis(900)).await;
        assert!(!limiter.is_idle());
        tokio::time::advance(Duration::from_millis(110)).await;
        assert!(limiter.is_idle());
        limiter.throttled();
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(!limiter.is_idle(), "it remembers the throttle");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(limiter.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_pass_in_order_of_arrival() {
        let limiter = Limiter::new(3.0);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for number in 0..30 {
            let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                limiter.acquire().await.unwrap();
                order.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..30).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_leaves_the_queue_does_not_block_it() {
        let limiter = Limiter::new(1.0);
        limiter.acquire().await.unwrap();
        let left = tokio::time::timeout(Duration::from_millis(100), limiter.acquire()).await;
        assert!(left.is_err());
        assert!(near(passes(&limiter, 1).await[0], 0.9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_not_polled_does_not_block_the_queue() {
        let limiter = Limiter::new(1.0);
        limiter.acquire().await.unwrap();
        let mut unpolled = Box::pin(limiter.acquire());
        assert!(futures::poll!(&mut unpolled).is_pending());
        let next = tokio::time::timeout(Duration::from_secs(10), limiter.acquire()).await;
        assert!(near(next.unwrap().unwrap().as_secs_f64(), 2.0));
        unpolled.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_fails_before_its_signature_expires() {
        let limiter = Limiter::new(0.01);
        limiter.acquire().await.unwrap();
        // One call passes every hundred seconds: two requests get their turn in time, the third does not.
        let start = Instant::now();
        let (first, second, third) =
            tokio::join!(limiter.acquire(), limiter.acquire(), limiter.acquire());
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(third, Err(WaitedTooLong));
        assert!(near(start.elapsed().as_secs_f64(), MAX_WAIT.as_secs_f64()));
        // The next request gets the turn that the third one left.
        assert!(near(passes(&limiter, 1).await[0], 60.0));
    }
}
