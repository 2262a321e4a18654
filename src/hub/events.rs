//! Handles events: each item is reconciled once, and the messages whose items a retry can repair return to the queue.

use std::collections::{BTreeMap, BTreeSet};

use super::Hub;
use super::held::Unhandled;
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

/// What becomes of the messages of a run.
#[derive(Default)]
struct Fates {
    /// The ids of the messages that return to the queue.
    returned: BTreeSet<String>,
    /// The ids of the messages that return if the digest cannot be published.
    in_digest: BTreeSet<String>,
    unhandled: Unhandled,
    /// Whether the run wrote something.
    wrote: bool,
}

impl Fates {
    fn add(&mut self, result: &AccountResult, messages: &MessagesByItem) {
        if let AccountResult::Reconciled(outcome, _) = result {
            self.wrote |= outcome.changed;
            self.unhandled.add(outcome);
        }
        for ((location, item), messages) in messages_of(messages, account(result)) {
            let fate = message_fate(result, item);
            if fate.returns {
                self.returned.extend(messages.iter().cloned());
            }
            if fate.is_in_digest {
                self.in_digest.extend(messages.iter().cloned());
            }
            if fate.returns || fate.is_in_digest {
                self.unhandled.returns(location, item);
            }
        }
    }
}

impl Hub {
    pub(super) async fn handle(&self, event_work: EventWork, deadline: Deadline) -> EventResult {
        let EventWork { work, messages, ignored, unreadable, event_times, .. } = event_work;
        let EventWork { last_events, last_deliveries, .. } = event_work;
        for (message, reason) in &ignored {
            tracing::info!(message, reason = reason.reason(), "ignored");
        }
        let began = self.events.now();
        let before = self.events.calls();
        let mut fates = Fates::default();
        let mut each = |result: &AccountResult| fates.add(result, &messages);
        let options = RunOptions::default();
        let policy = self.policy(Lane::Events, Purpose::Equality, options, deadline.clone());
        let mut report = self.reconcile(Lane::Events, policy, work, &|_| (), &mut each, None).await;
        let Fates { mut returned, in_digest, unhandled, wrote } = fates;
        for (message, why) in unreadable {
            tracing::warn!(message, why, "unreadable message: it returns to the queue");
            report.note(unreadable_note(&message, &why));
            returned.insert(message);
        }
        for named in self.hold(&unhandled, &last_events, &mut report, &deadline).await {
            returned.extend(messages.get(&named).into_iter().flatten().cloned());
        }
        if !self.publish_digest(&mut report, &deadline).await {
            // These failures were not reported: their messages return until a digest is published.
            returned.extend(in_digest);
        }
        let is_given_up = |named: &(Location, Item)| {
            let mut ids = messages.get(named).into_iter().flatten();
            ids.any(|id| last_deliveries.contains(id) && returned.contains(id))
        };
        self.give_up(&unhandled, &last_events, is_given_up, &mut report, &deadline).await;
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
