//! What a run tells: a digest to the topic, and metrics to the log.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::Hub;
use crate::aws::{CallStats, Connection};
use crate::deadline::Deadline;
use crate::domain::Failure;
use crate::notify;
use crate::report::{Measured, RecentlyReported, Report, Response, digest, metrics};

/// What is kept of an invocation's time for its answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// A topic that has not answered by then is not waited for, whatever time is left.
const PATIENCE: Duration = Duration::from_secs(30);

impl Hub {
    /// Publishes what is new of the report's failures, where a topic is set. A topic that does not take it becomes a
    /// failure of the report, and the digest goes to the log.
    ///
    /// Returns whether everything that was to be told was told.
    pub(super) async fn publish_digest(&self, report: &mut Report, deadline: &Deadline) -> bool {
        let Some(topic) = &self.settings.sns_topic else { return true };
        let response = report.response();
        let now = self.sweeps.now();
        // Never held while the topic is waited for.
        let message = digest(&response, &self.recently_reported().new_failures(&response, now));
        let Some(message) = message else { return true };
        let client = self.sweeps.sns(&topic.region);
        let patience = deadline.left().map(|left| left.saturating_sub(ANSWER_TIME));
        let patience = patience.map_or(PATIENCE, |left| left.min(PATIENCE));
        let published = notify::publish(&client, &topic.arn, &message);
        let published = tokio::time::timeout(patience, published).await;
        match published.unwrap_or_else(|_| Err(notify::not_in_time(&topic.arn))) {
            Ok(()) => {
                let mut recently_reported = self.recently_reported();
                let new_failures = recently_reported.new_failures(&response, now);
                recently_reported.mark_sent(&new_failures, now);
                true
            }
            Err(cause) => {
                tracing::error!(error_kind = %cause.kind, digest = message.text, "{}", cause.message);
                report.fail(Failure::of_hub(cause).in_region(&topic.region));
                false
            }
        }
    }

    fn recently_reported(&self) -> MutexGuard<'_, RecentlyReported> {
        self.recently_reported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metrics of a run, whose calls are those that `connection` made since `before`. `ages` is how old each event
    /// was when its work began, `lags` how old when its replica was written.
    pub(super) fn measure(
        &self,
        connection: &Connection,
        before: &BTreeMap<String, CallStats>,
        response: &Response,
        ages: &[Duration],
        lags: &[Duration],
    ) -> Vec<String> {
        let mut calls = BTreeMap::new();
        let (mut throttles, mut pacing_wait) = (0, Duration::ZERO);
        for (action, now) in connection.calls() {
            let before = before.get(&action).copied().unwrap_or_default();
            let attempts = now.attempts.saturating_sub(before.attempts);
            throttles += now.throttled.saturating_sub(before.throttled);
            pacing_wait += now.waited.saturating_sub(before.waited);
            if attempts > 0 {
                calls.insert(action, attempts);
            }
        }
        let now = self.sweeps.now();
        let measured = Measured {
            response,
            calls: &calls,
            throttles,
            pacing_wait,
            event_ages: ages,
            replication_lags: lags,
        };
        metrics(&measured, now)
    }
}
