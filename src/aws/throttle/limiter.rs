//! One bucket of one account and Region at work: requests pass one after the other, in the order in which they came.
//!
//! AWS's word counts more than any published quota: asked for fewer calls, the gate halves its rate and shuts for a
//! moment; while calls succeed it opens again, a step a second.

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

/// A signature is good for five minutes. A request that would wait longer than this goes back to be signed anew.
const LONGEST_WAIT: Duration = Duration::from_mins(4);
/// How long the gate stays shut when AWS asked for fewer calls. Those already under way then ask for it too: within this
/// time they count as one.
const SHUT: Duration = Duration::from_secs(1);
/// A rate that was lowered is remembered for so long when nobody calls any more.
const REMEMBERED: Duration = Duration::from_mins(1);
/// The rate grows at most once in this time.
const GROWTH_INTERVAL: Duration = Duration::from_secs(1);
/// The rate is counted in sixteenths of the full one, and never falls under one of them.
const FULL: u32 = 16;
/// Requests that may pass at once after a pause. AWS bears more for some operations, but says for none how many.
const LARGEST_BURST: u32 = 5;
/// Interval of the slowest bucket there is, and of one whose rate is no number.
const LONGEST_INTERVAL: Duration = Duration::from_secs(100);
/// Interval of the fastest: governor counts in nanoseconds, and a bucket without any interval is none.
const SHORTEST_INTERVAL: Duration = Duration::from_micros(1);

/// A request's signature would be too old by the time that its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request would have waited for its turn until its signature was too old")]
pub(in crate::aws) struct WaitedTooLong;

/// Tokio's clock in governor's terms, so that one clock rules the rate and the sleep until it allows the next.
#[derive(Clone, Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// A bucket's queue and its rate of the moment.
#[derive(Debug)]
pub(in crate::aws) struct Gate {
    /// Calls a second when AWS is content.
    full_rate: f64,
    pace: Mutex<Pace>,
    queue: Mutex<Queue>,
}

/// Who waits, in the order in which they came. A task of the gate's own serves them, not the head of the queue: a
/// future may be set aside for as long as its owner likes, and would hold up all behind it.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<oneshot::Sender<()>>,
    is_served: bool,
}

#[derive(Debug)]
struct Pace {
    clock: TokioClock,
    limiter: Limiter,
    sixteenths: u32,
    changed_at: Instant,
    shut_until: Instant,
    /// When the bucket will have its whole burst again.
    full_at: Instant,
}

impl Gate {
    /// Open, at `calls_per_second`.
    pub(in crate::aws) fn new(calls_per_second: f64) -> Arc<Self> {
        let now = Instant::now();
        let clock = TokioClock(now);
        let limiter = RateLimiter::direct_with_clock(quota(calls_per_second), clock.clone());
        let pace = Pace {
            clock,
            limiter,
            sixteenths: FULL,
            changed_at: now,
            shut_until: now,
            full_at: now,
        };
        let (pace, queue) = (Mutex::new(pace), Mutex::default());
        Arc::new(Self { full_rate: calls_per_second, pace, queue })
    }

    /// Waits for the request's turn, and says how long that took.
    pub(in crate::aws) async fn pass(self: &Arc<Self>) -> Result<Duration, WaitedTooLong> {
        let came = Instant::now();
        let Some(turn) = self.queue_up() else { return Ok(Duration::ZERO) };
        match tokio::time::timeout(LONGEST_WAIT, turn).await {
            Ok(Ok(())) => Ok(came.elapsed()),
            // No turn comes either when the runtime shuts down, and the task that serves the queue with it.
            Ok(Err(_)) | Err(_) => Err(WaitedTooLong),
        }
    }

    /// A place in the queue; `None` where nobody waits and the request may pass at once.
    fn queue_up(self: &Arc<Self>) -> Option<oneshot::Receiver<()>> {
        let mut queue = self.queue();
        if !queue.is_served && self.wait().is_none() {
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

    /// Lets the waiting pass one by one, until none is left.
    async fn serve(self: Arc<Self>) {
        while self.is_awaited() {
            // Looked at anew after each sleep: the gate may have been shut in the meantime.
            while let Some(wait) = self.wait() {
                tokio::time::sleep(wait).await;
            }
            let mut queue = self.queue();
            while let Some(next) = queue.waiting.pop_front() {
                // Who has left the queue leaves the turn to the next.
                if next.send(()).is_ok() {
                    break;
                }
            }
        }
    }

    /// Whether someone waits. If not, the queue is no longer served, in the same moment.
    fn is_awaited(&self) -> bool {
        let mut queue = self.queue();
        while queue.waiting.front().is_some_and(oneshot::Sender::is_closed) {
            queue.waiting.pop_front();
        }
        queue.is_served = !queue.waiting.is_empty();
        queue.is_served
    }

    /// AWS asked for fewer calls.
    pub(in crate::aws) fn throttled(&self) {
        let now = Instant::now();
        let mut pace = self.pace();
        if now >= pace.shut_until {
            let sixteenths = (pace.sixteenths / 2).max(1);
            self.change(&mut pace, sixteenths, now);
        }
        pace.shut_until = now + SHUT;
    }

    /// A call was answered as it should be.
    pub(in crate::aws) fn succeeded(&self) {
        let now = Instant::now();
        let mut pace = self.pace();
        if pace.sixteenths < FULL && now.duration_since(pace.changed_at) >= GROWTH_INTERVAL {
            let sixteenths = pace.sixteenths + 1;
            self.change(&mut pace, sixteenths, now);
        }
    }

    /// How long the next request has yet to wait; `None` when it may pass, which is then counted.
    fn wait(&self) -> Option<Duration> {
        let mut pace = self.pace();
        let now = Instant::now();
        let shut = pace.shut_until.saturating_duration_since(now);
        if !shut.is_zero() {
            return Some(shut);
        }
        let Err(refusal) = pace.limiter.check() else {
            pace.full_at = pace.full_at.max(now) + interval(self.rate(pace.sixteenths));
            return None;
        };
        // Tokio's timer is as coarse as a millisecond; less than that would only spin.
        Some(refusal.wait_time_from(pace.clock.now()).max(Duration::from_millis(1)))
    }

    /// Whether a new gate would be the same: nobody waits, the burst is whole, and no call for fewer calls is remembered.
    pub(in crate::aws) fn is_at_rest(&self) -> bool {
        let is_served = self.queue().is_served;
        let (now, pace) = (Instant::now(), self.pace());
        let remembers = pace.sixteenths < FULL && now < pace.changed_at + REMEMBERED;
        !is_served && !remembers && now >= pace.full_at && now >= pace.shut_until
    }

    fn rate(&self, sixteenths: u32) -> f64 {
        self.full_rate * f64::from(sixteenths) / f64::from(FULL)
    }

    fn change(&self, pace: &mut Pace, sixteenths: u32, now: Instant) {
        let rate = self.rate(sixteenths);
        let quota = quota(rate);
        pace.limiter = RateLimiter::direct_with_clock(quota, pace.clock.clone());
        // A new limiter is full. Emptied, a change of the rate is never a burst on top.
        let emptied = pace.limiter.check_n(quota.burst_size());
        debug_assert!(matches!(emptied, Ok(Ok(()))), "a new limiter has its whole burst");
        pace.sixteenths = sixteenths;
        pace.changed_at = now;
        pace.full_at = now + interval(rate) * quota.burst_size().get();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Evenly spaced calls, and a burst of at most a second's worth.
fn quota(calls_per_second: f64) -> Quota {
    let burst = (1..=LARGEST_BURST)
        .rev()
        .find(|burst| f64::from(*burst) <= calls_per_second)
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(interval(calls_per_second));
    quota.unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

/// Between two calls of so many a second.
fn interval(calls_per_second: f64) -> Duration {
    Duration::try_from_secs_f64(1.0 / calls_per_second)
        .unwrap_or(LONGEST_INTERVAL)
        .max(SHORTEST_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds from `start` at which each of `many` requests in a row passes.
    async fn passes(gate: &Arc<Gate>, many: usize) -> Vec<f64> {
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..many {
            gate.pass().await.unwrap();
            times.push(start.elapsed().as_secs_f64());
        }
        times
    }

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 0.02
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_follows_at_the_rate() {
        let times = passes(&Gate::new(10.0), 25).await;
        assert!(near(times[4], 0.0) && near(times[5], 0.1) && near(times[24], 2.0), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_never_more_than_a_seconds_worth() {
        let times = passes(&Gate::new(0.25), 3).await;
        assert!(near(times[1], 4.0) && near(times[2], 8.0), "{times:?}");
        let times = passes(&Gate::new(2.5), 3).await;
        assert!(near(times[1], 0.0) && near(times[2], 0.4), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_without_measure_is_still_a_rate() {
        let times = passes(&Gate::new(f64::INFINITY), 1000).await;
        assert!(near(times[999], 1.0) || times[999] < 1.0, "{times:?}");
        let times = passes(&Gate::new(f64::NAN), 2).await;
        assert!(near(times[1], 100.0), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_shuts_the_gate_and_halves_the_rate() {
        let gate = Gate::new(4.0);
        passes(&gate, 4).await;
        gate.throttled();
        let times = passes(&gate, 3).await;
        assert!(near(times[0], 1.0), "shut for a second: {times:?}");
        assert!(near(times[2] - times[1], 0.5), "two a second: {times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn throttles_of_one_moment_count_as_one_and_no_number_of_them_stops_it() {
        let gate = Gate::new(16.0);
        for _ in 0..20 {
            gate.throttled();
        }
        assert_eq!(gate.pace().sixteenths, 8);
        for _ in 0..20 {
            tokio::time::advance(SHUT).await;
            gate.throttled();
        }
        assert_eq!(gate.pace().sixteenths, 1);
        let times = passes(&gate, 2).await;
        assert!(near(times[1] - times[0], 1.0), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn success_brings_the_rate_back_one_step_a_second() {
        let gate = Gate::new(16.0);
        gate.throttled();
        for step in 1..=8 {
            tokio::time::advance(GROWTH_INTERVAL).await;
            for _ in 0..5 {
                gate.succeeded();
            }
            assert_eq!(gate.pace().sixteenths, 8 + step);
        }
        tokio::time::advance(GROWTH_INTERVAL).await;
        gate.succeeded();
        assert_eq!(gate.pace().sixteenths, FULL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_is_at_rest_when_a_new_one_would_be_the_same() {
        let gate = Gate::new(2.0);
        assert!(gate.is_at_rest());
        passes(&gate, 3).await;
        // Half a second after the third is the second of the burst there again, and in another half the first.
        tokio::time::advance(Duration::from_millis(900)).await;
        assert!(!gate.is_at_rest());
        tokio::time::advance(Duration::from_millis(110)).await;
        assert!(gate.is_at_rest());
        gate.throttled();
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(!gate.is_at_rest(), "it remembers that fewer calls were asked for");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(gate.is_at_rest());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_pass_in_the_order_in_which_they_came() {
        let gate = Gate::new(3.0);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for number in 0..30 {
            let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                gate.pass().await.unwrap();
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
    async fn who_leaves_the_queue_does_not_hold_it_up() {
        let gate = Gate::new(1.0);
        gate.pass().await.unwrap();
        let left = tokio::time::timeout(Duration::from_millis(100), gate.pass()).await;
        assert!(left.is_err());
        assert!(near(passes(&gate, 1).await[0], 0.9));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_set_aside_does_not_hold_up_the_queue() {
        let gate = Gate::new(1.0);
        gate.pass().await.unwrap();
        let mut set_aside = Box::pin(gate.pass());
        assert!(futures::poll!(&mut set_aside).is_pending());
        let next = tokio::time::timeout(Duration::from_secs(10), gate.pass()).await;
        assert!(near(next.unwrap().unwrap().as_secs_f64(), 2.0));
        set_aside.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_until_its_signature_is_old_turns_back() {
        let gate = Gate::new(0.01);
        gate.pass().await.unwrap();
        // Each call takes a hundred seconds: two can wait for their turn, the third cannot.
        let start = Instant::now();
        let (first, second, third) = tokio::join!(gate.pass(), gate.pass(), gate.pass());
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(third, Err(WaitedTooLong));
        assert!(near(start.elapsed().as_secs_f64(), LONGEST_WAIT.as_secs_f64()));
        // The turn that it left goes to the next.
        assert!(near(passes(&gate, 1).await[0], 60.0));
    }
}
