//! Publishes the digest of a run to the SNS topic, and collects the metrics of the run.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::Hub;
use crate::aws::{CallStats, Connection};
use crate::deadline::{Deadline, reserve};
use crate::domain::{Cause, Failure};
use crate::notify;
use crate::report::{Digest, Measured, RecentlyReported, Report, Response, digest, metrics};
use crate::settings::Topic;

/// The longest wait for the topic, however much time is left.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(30);

impl Hub {
    /// Publishes the new failures of the report if a topic is configured. If publishing fails, the failure is added to
    /// the report and the digest is logged.
    ///
    /// Returns `false` if a digest could not be published.
    pub(super) async fn publish_digest(&self, report: &mut Report, deadline: &Deadline) -> bool {
        let Some(topic) = &self.settings.sns_topic else { return true };
        let response = report.response();
        let now = self.sweeps.now();
        // The lock is not held while the topic responds.
        let message = digest(&response, &self.recently_reported().new_failures(&response, now));
        let Some(message) = message else { return true };
        match self.send(topic, &message, deadline).await {
            Ok(()) => {
                let mut recently_reported = self.recently_reported();
                let new_failures = recently_reported.new_failures(&response, now);
                recently_reported.mark_sent(&new_failures, now);
                true
            }
            Err(cause) => {
                report.fail(Failure::of_hub(cause).in_region(&topic.region));
                false
            }
        }
    }

    /// Publishes one message. A message that cannot be published is in the log.
    pub(super) async fn send(
        &self,
        topic: &Topic,
        message: &Digest,
        deadline: &Deadline,
    ) -> Result<(), Cause> {
        let client = self.sweeps.sns(&topic.region);
        let timeout = deadline.left().map(|left| left.saturating_sub(reserve::ANSWER));
        let timeout = timeout.map_or(PUBLISH_TIMEOUT, |left| left.min(PUBLISH_TIMEOUT));
        let published = notify::publish(&client, &topic.arn, message);
        let published = tokio::time::timeout(timeout, published).await;
        published.unwrap_or_else(|_| Err(notify::not_in_time(&topic.arn))).inspect_err(|cause| {
            tracing::error!(error_kind = %cause.kind, digest = message.text, "{}", cause.message);
        })
    }

    fn recently_reported(&self) -> MutexGuard<'_, RecentlyReported> {
        self.recently_reported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metrics of a run; its calls are those of `connection` since `before`. `ages` holds the age of each event
    /// when its work began, `lags` its age when its replica was written.
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
