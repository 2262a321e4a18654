//! Handles events: each item is reconciled once, and the messages whose items a retry can repair return to the queue.

use std::collections::{BTreeMap, BTreeSet};

use super::Hub;
use crate::aws::Lane;
use crate::deadline::Deadline;
use crate::domain::{AccountId, Item, Location, Note, Purpose, Subject, Timestamp, shown};
use crate::report::Report;
use crate::request::RunOptions;
use crate::sweep::AccountResult;
use crate::work::EventWork;

/// The result of handling events.
pub(super) struct EventResult {
    pub(super) report: Report,
    /// The ids of the messages that return to the queue.
    pub(super) returned: BTreeSet<String>,
    /// The metrics for Lambda's log, one line each.
    pub(super) metrics: Vec<String>,
}

/// The ids of the messages that named each item.
type MessagesByItem = BTreeMap<(Location, Item), BTreeSet<String>>;

/// What happens to the messages that named an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MessageFate {
    /// The messages return to the queue.
    returns: bool,
    /// The report names a failure of the item. If the digest cannot be published, the messages return as well.
    is_in_digest: bool,
}

impl Hub {
    pub(super) async fn handle(&self, event_work: EventWork, deadline: Deadline) -> EventResult {
        let EventWork { work, messages, ignored, unreadable, event_times } = event_work;
        for (message, reason) in &ignored {
            tracing::info!(message, reason = reason.reason(), "ignored");
        }
        let mut returned = BTreeSet::new();
        let mut unreadable_notes = Vec::new();
        for (message, why) in unreadable {
            tracing::warn!(message, why, "unreadable message: it returns to the queue");
            unreadable_notes.push(unreadable_note(&message, &why));
            returned.insert(message);
        }
        let began = self.events.now();
        let before = self.events.calls();
        let mut in_digest = BTreeSet::new();
        let mut wrote = false;
        let mut each = |result: &AccountResult| {
            wrote |= matches!(result, AccountResult::Reconciled(outcome, _) if outcome.changed);
            for ((_, item), messages) in messages_of(&messages, account(result)) {
                let fate = message_fate(result, item);
                if fate.returns {
                    returned.extend(messages.iter().cloned());
                }
                if fate.is_in_digest {
                    in_digest.extend(messages.iter().cloned());
                }
            }
        };
        let options = RunOptions::default();
        let policy = self.policy(Lane::Events, Purpose::Equality, options, deadline.clone());
        let mut report = self.reconcile(Lane::Events, policy, work, &|_| (), &mut each).await;
        for note in unreadable_notes {
            report.note(note);
        }
        if !self.publish_digest(&mut report, &deadline).await {
            // These failures were not reported: their messages return until a digest is published.
            returned.extend(in_digest);
        }
        let response = report.response();
        let ages_at =
            |time: Timestamp| event_times.iter().map(|at| time.since(*at)).collect::<Vec<_>>();
        let lags = if wrote { ages_at(self.events.now()) } else { Vec::new() };
        let metrics = self.measure(&self.events, &before, &response, &ages_at(began), &lags);
        EventResult { report, returned, metrics }
    }
}

fn message_fate(result: &AccountResult, item: &Item) -> MessageFate {
    match result {
        AccountResult::NotStarted(_) => MessageFate { returns: true, is_in_digest: false },
        AccountResult::Reconciled(outcome, _) => MessageFate {
            returns: outcome.may_succeed_later(item),
            is_in_digest: outcome.has_failure_of(item),
        },
    }
}

fn unreadable_note(message: &str, why: &str) -> Note {
    Note {
        account: None,
        region: None,
        subject: Subject::Hub,
        outcome: None,
        message: format!("cannot read the message `{}`: {why}", shown(message)).into(),
        remedy: "the message returns to the queue, and later moves to the dead-letter queue: inspect it there"
            .into(),
    }
}

fn account(result: &AccountResult) -> &AccountId {
    match result {
        AccountResult::Reconciled(outcome, _) => &outcome.account,
        AccountResult::NotStarted(account) => account,
    }
}

fn messages_of<'a>(
    messages: &'a MessagesByItem,
    account: &'a AccountId,
) -> impl Iterator<Item = (&'a (Location, Item), &'a BTreeSet<String>)> {
    messages.iter().filter(move |((location, _), _)| location.account == *account)
}
