//! Events: what they ask for is done once for each item, and what a retry can mend goes back to the queue.

use std::collections::{BTreeMap, BTreeSet};

use super::Hub;
use crate::aws::Lane;
use crate::deadline::Deadline;
use crate::domain::{AccountId, Item, Location, Note, Purpose, Subject, Timestamp, shown};
use crate::report::Report;
use crate::request::RunOptions;
use crate::sweep::AccountResult;
use crate::work::EventWork;

/// Events that were handled.
pub(super) struct EventResult {
    /// What came of them.
    pub(super) report: Report,
    /// The ids of the messages that come back.
    pub(super) returned: BTreeSet<String>,
    /// What was measured.
    pub(super) metrics: Vec<String>,
}

/// Which messages asked for which item.
type MessagesByItem = BTreeMap<(Location, Item), BTreeSet<String>>;

impl Hub {
    pub(super) async fn handle(&self, event_work: EventWork, deadline: Deadline) -> EventResult {
        let EventWork { work, asked, ignored, unreadable, happened } = event_work;
        for (message, reason) in &ignored {
            tracing::info!(message, reason = reason.reason(), "ignored");
        }
        let mut returned = BTreeSet::new();
        let mut unread = Vec::new();
        for (message, why) in unreadable {
            tracing::warn!(
                message,
                why,
                "unreadable: it goes back, and in the end to the dead-letter queue"
            );
            unread.push(cannot_be_read(&message, &why));
            returned.insert(message);
        }
        let began = self.events.now();
        let before = self.events.calls();
        let mut failed = BTreeSet::new();
        let mut wrote = false;
        let mut sort = |finished: &AccountResult| {
            wrote |= matches!(finished, AccountResult::Reconciled(outcome, _) if outcome.changed);
            for ((_, item), messages) in asked_in(&asked, account(finished)) {
                let (again, lost) = match finished {
                    AccountResult::NotStarted(_) => (true, false),
                    AccountResult::Reconciled(outcome, _) => {
                        (outcome.may_succeed_later(item), outcome.has_failure_of(item))
                    }
                };
                if again {
                    returned.extend(messages.iter().cloned());
                }
                if lost {
                    failed.extend(messages.iter().cloned());
                }
            }
        };
        let options = RunOptions::default();
        let policy = self.policy(Lane::Events, Purpose::Equality, options, deadline.clone());
        let mut report = self.reconcile(Lane::Events, policy, work, &|_| (), &mut sort).await;
        for note in unread {
            report.note(note);
        }
        if !self.publish_digest(&mut report, &deadline).await {
            // Nobody was told of these: they come back until somebody is.
            returned.extend(failed);
        }
        let response = report.response();
        let since = |time: Timestamp| happened.iter().map(|at| time.since(*at)).collect::<Vec<_>>();
        let lags = if wrote { since(self.events.now()) } else { Vec::new() };
        let metrics = self.measure(&self.events, &before, &response, &since(began), &lags);
        EventResult { report, returned, metrics }
    }
}

fn cannot_be_read(message: &str, why: &str) -> Note {
    Note {
        account: None,
        region: None,
        subject: Subject::Hub,
        outcome: None,
        message: format!("the message `{}` cannot be read: {why}", shown(message)).into(),
        remedy: "it goes back to the queue, and in the end to the dead-letter queue: read it there"
            .into(),
    }
}

fn account(finished: &AccountResult) -> &AccountId {
    match finished {
        AccountResult::Reconciled(outcome, _) => &outcome.account,
        AccountResult::NotStarted(account) => account,
    }
}

fn asked_in<'a>(
    asked: &'a MessagesByItem,
    account: &'a AccountId,
) -> impl Iterator<Item = (&'a (Location, Item), &'a BTreeSet<String>)> {
    asked.iter().filter(move |((location, _), _)| location.account == *account)
}
