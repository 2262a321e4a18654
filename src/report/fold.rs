//! Adds up finished accounts. Of an account in sync only the counts are kept, and the lists of the other accounts are
//! bounded: memory does not grow with the organisation.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::response::{AccountLine, PlannedStep, Response, TombstoneLine, Totals};
use super::status::Status;
use super::unknown_writer;
use super::withheld::WithheldRoutes;
use crate::domain::{
    AccountId, AccountOutcome, Cause, Failure, FailureKind, NameFilter, Note, OutcomeKind, Subject,
    WrittenBy, shown,
};
use crate::ownership::Fingerprint;
use crate::settings::Unmatched;

/// The most failures, steps and notes that a report keeps; the rest is counted. A response has room for about a tenth.
const KEPT: usize = 20_000;
/// The most tombstones that a report names.
const TOMBSTONES: usize = 100;
/// The same limit for `hubctl`, whose document is not cut: about 300 MB of steps.
const KEPT_AT_A_TERMINAL: usize = 500_000;

/// The longest message or remedy in bytes. Some messages of AWS quote whole policies.
const SENTENCE: usize = 1_500;

/// Adds up accounts in the order in which they finish. The order of the response does not depend on that order.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact")]
pub struct Report {
    kept: usize,
    totals: Totals,
    worst: Option<Status>,
    lines: Vec<AccountLine>,
    failures: Bounded<Ranked>,
    plan: bool,
    steps: Bounded<PlannedStep>,
    tombstones: Bounded<TombstoneLine>,
    notes: Bounded<Note>,
    remaining: BTreeSet<AccountId>,
    written_by: WrittenBy,
    held_back: bool,
    internal_error: bool,
    unfinished: bool,
    plan_id: Option<Fingerprint>,
    stopped: bool,
    withheld: WithheldRoutes,
    matched_includes: BTreeSet<usize>,
    /// Whether every requested list was read.
    saw_all_names: bool,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            kept: KEPT,
            totals: Totals::default(),
            worst: None,
            lines: Vec::new(),
            failures: Bounded::default(),
            plan: false,
            steps: Bounded::default(),
            tombstones: Bounded::default(),
            notes: Bounded::default(),
            remaining: BTreeSet::new(),
            written_by: WrittenBy::default(),
            held_back: false,
            internal_error: false,
            unfinished: false,
            plan_id: None,
            stopped: false,
            withheld: WithheldRoutes::default(),
            matched_includes: BTreeSet::new(),
            saw_all_names: true,
        }
    }
}

impl Report {
    /// A report of a run that writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A report of a plan: the response has `steps`, which may be empty.
    pub fn of_plan() -> Self {
        let mut report = Self { plan: true, ..Self::default() };
        report.totals.planned = Some(BTreeMap::new());
        report
    }

    /// The same report with the limits of `hubctl`.
    #[must_use]
    pub fn for_a_terminal(self) -> Self {
        Self { kept: KEPT_AT_A_TERMINAL, ..self }
    }

    /// Sets the id with which the plan can be carried out.
    pub fn plan_id(&mut self, id: Fingerprint) {
        self.plan_id = Some(id);
    }

    /// Notes that a signal stopped the run. A run that looked at no account is incomplete, not in sync.
    pub fn stopped(&mut self) {
        self.stopped = true;
        if self.totals.accounts().next().is_none() {
            self.worsen_to(Status::Incomplete);
            self.unfinished = true;
        }
    }

    /// Adds one account. Each account is added once: its parts are merged before.
    pub fn take(&mut self, outcome: AccountOutcome) {
        let status = Status::of(&outcome);
        self.worsen_to(status);
        self.totals.count(status, &outcome.parameters, &outcome.secrets);
        let pending =
            [&outcome.parameters, &outcome.secrets].iter().any(|c| c.get(OutcomeKind::Pending) > 0);
        self.unfinished |= !outcome.complete || pending;
        self.totals.trusted_writers += outcome.written_by.trusted;
        self.written_by.merge(&outcome.written_by);
        self.matched_includes.extend(outcome.matched_includes);
        let list_failed = outcome.failures.iter().any(|f| f.subject == Subject::Account);
        self.saw_all_names &= !outcome.left && !list_failed;
        for (route, withheld) in outcome.withheld {
            if let Some(failure) = self.withheld.count(route, withheld) {
                self.unfinished = true;
                self.fail(failure);
            }
        }
        let account = outcome.account;
        if !outcome.complete {
            self.remaining.insert(account.clone());
        }
        for failure in outcome.failures {
            self.keep(failure);
        }
        for step in outcome.steps {
            self.plan = true;
            self.totals.plan(&step);
            self.steps.insert(PlannedStep { account: account.clone(), step }, self.kept);
        }
        for note in outcome.notes {
            self.note(note);
        }
        for replica in outcome.tombstones {
            self.tombstones.insert(TombstoneLine { replica, account: account.clone() }, TOMBSTONES);
        }
        if status != Status::InSync {
            let (parameters, secrets) = (outcome.parameters, outcome.secrets);
            self.lines.push(AccountLine { account, status, parameters, secrets });
        }
    }

    /// Adds a failure that belongs to no account outcome, such as one of Organizations or the topic.
    pub fn fail(&mut self, failure: Failure) {
        self.worsen_to(match failure.cause.kind {
            FailureKind::NotInTime => Status::Incomplete,
            FailureKind::Frozen => Status::Frozen,
            _ => Status::Failed,
        });
        self.keep(failure);
    }

    /// Adds the entries of the account filters that match nothing.
    pub fn unmatched(&mut self, unmatched: Unmatched) {
        for cause in unmatched.failures {
            self.fail(Failure::of_hub(cause));
        }
        for note in unmatched.notes {
            tracing::warn!("{}", note.message);
            self.note(note);
        }
    }

    /// Adds a failure for each entry of `REPLICATOR_INCLUDE_NAMES` that matches no source in any account, after a sweep of
    /// the whole organisation. If a list is missing, the entry may match there, so nothing is added.
    pub fn unmatched_names(&mut self, names: &NameFilter) {
        let saw_none = self.totals.accounts().next().is_none();
        if saw_none || !self.saw_all_names || self.stopped || !self.remaining.is_empty() {
            return;
        }
        let unmatched: Vec<&String> = (0..)
            .zip(names.includes())
            .filter(|(index, _)| !self.matched_includes.contains(index))
            .map(|(_, glob)| glob)
            .collect();
        for glob in unmatched {
            let message = format!(
                "the entry `{}` of REPLICATOR_INCLUDE_NAMES matches no parameter and no secret in any account",
                shown(glob)
            );
            let remedy = "correct the entry or remove it from REPLICATOR_INCLUDE_NAMES; `hubctl plan` shows the items in scope";
            let cause = Cause::new(FailureKind::Invalid, message).with_remedy(remedy);
            self.fail(Failure::of_hub(cause));
        }
    }

    /// Adds a note.
    pub fn note(&mut self, note: Note) {
        self.notes.insert(note, self.kept);
    }

    /// Leaves an account that was not begun, or whose progress is unknown, to a later run. The account counts as incomplete,
    /// and only `remaining` lists it.
    pub fn leave(&mut self, account: AccountId) {
        if self.remaining.insert(account) {
            self.worsen_to(Status::Incomplete);
            self.totals.count(Status::Incomplete, &<_>::default(), &<_>::default());
            self.unfinished = true;
        }
    }

    /// The response for the accounts so far.
    pub fn response(&self) -> Response {
        let mut accounts = self.lines.clone();
        accounts.sort_by(|a, b| a.account.cmp(&b.account));
        // Only the sum over all accounts shows this failure. Failures of the hub come first.
        let hub_failure = unknown_writer::one_other_role(&self.written_by);
        let worst = self.worst.max(hub_failure.as_ref().map(|_| Status::Failed));
        let failures = self.failures.kept.iter().map(|ranked| ranked.0.clone());
        Response {
            status: worst.unwrap_or(Status::InSync),
            totals: self.totals.clone(),
            accounts,
            failures: hub_failure.into_iter().chain(failures).collect(),
            failures_dropped: self.failures.dropped,
            steps: self.plan.then(|| self.steps.kept.iter().cloned().collect()),
            steps_dropped: self.steps.dropped,
            plan_id: self.plan_id,
            tombstones: self.tombstones.kept.iter().cloned().collect(),
            notes: self.notes.kept.iter().cloned().collect(),
            notes_dropped: self.notes.dropped,
            routes_not_active: self.withheld.lines(),
            stopped: self.stopped,
            remaining: self.remaining.iter().cloned().collect(),
            held_back: self.held_back,
            internal_error: self.internal_error,
            unfinished: self.unfinished,
        }
    }

    fn worsen_to(&mut self, status: Status) {
        self.worst = self.worst.max(Some(status));
    }

    fn keep(&mut self, failure: Failure) {
        self.held_back |= failure.cause.kind == FailureKind::TooManyDeletes;
        self.internal_error |= failure.cause.kind == FailureKind::Bug;
        self.unfinished |= failure.cause.kind == FailureKind::NotInTime;
        let Cause { kind, message, remedy, class } = failure.cause;
        let cause = Cause { kind, message: clip(message), remedy: remedy.map(clip), class };
        self.failures.insert(Ranked(Failure { cause, ..failure }), self.kept);
    }
}

fn clip(mut sentence: String) -> String {
    if sentence.len() > SENTENCE {
        sentence.truncate(sentence.floor_char_boundary(SENTENCE));
        sentence.push('…');
    }
    sentence
}

/// Keeps the smallest entries, so the result does not depend on which account finished first.
#[derive(Debug)]
struct Bounded<T> {
    kept: BTreeSet<T>,
    dropped: u64,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { kept: BTreeSet::new(), dropped: 0 }
    }
}

impl<T: Ord> Bounded<T> {
    fn insert(&mut self, entry: T, at_most: usize) {
        if self.kept.insert(entry) && self.kept.len() > at_most {
            self.kept.pop_last();
            self.dropped += 1;
        }
    }
}

/// A failure in the order of reports: account, kind, Region, name. Failures of the hub have no account and come first.
#[derive(Debug)]
struct Ranked(Failure);

impl Ranked {
    fn rank(&self) -> impl Ord + '_ {
        let Failure { account, region, subject, cause } = &self.0;
        let name = match subject {
            Subject::Item(item) => item.name(),
            Subject::Account | Subject::Hub => "",
        };
        let Cause { kind, message, remedy, class } = cause;
        (account, subject.word(), region, name, kind, class, message, remedy)
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

#[cfg(test)]
mod tests {
    use super::super::samples::{account, failure, frozen, hub_failure, parameter_step};
    use super::*;
    use crate::domain::{Change, Kind};

    #[test]
    fn of_an_account_in_sync_only_the_counts_are_kept() {
        let mut report = Report::new();
        for number in 0..1_000 {
            let mut outcome = AccountOutcome::new(account(number));
            outcome.count_all(Kind::Parameter, OutcomeKind::InSync, 1_000);
            report.take(outcome);
        }
        let kept = (report.lines.len(), report.failures.kept.len(), report.remaining.len());
        assert_eq!(kept, (0, 0, 0));
        let response = report.response();
        assert_eq!(response.status, Status::InSync);
        assert_eq!(response.totals.parameters.get(OutcomeKind::InSync), 1_000_000);
    }

    #[test]
    fn the_order_in_which_accounts_finish_does_not_matter() {
        let outcomes: Vec<AccountOutcome> = (0..5)
            .map(|number| {
                let mut outcome = AccountOutcome::new(account(number));
                outcome.fail(failure(number, "/b", FailureKind::Conflict, "held"));
                outcome.fail(failure(number, "/a", FailureKind::Conflict, "held"));
                outcome.complete = number != 3;
                outcome
            })
            .collect();
        let fold = |outcomes: Vec<AccountOutcome>| {
            let mut report = Report::new();
            for outcome in outcomes {
                report.take(outcome);
            }
            report.fail(hub_failure("the topic does not exist"));
            report.response()
        };
        let forwards = fold(outcomes.clone());
        assert_eq!(forwards, fold(outcomes.into_iter().rev().collect()));
        assert_eq!(forwards.failures.first().map(|f| f.subject.clone()), Some(Subject::Hub));
        assert_eq!(forwards.remaining, [account(3)]);
    }

    #[test]
    fn lists_are_bounded_and_the_rest_is_counted() {
        let mut report = Report::of_plan();
        let mut outcome = AccountOutcome::new(account(1));
        outcome.failures = (0..KEPT + 7)
            .map(|n| failure(1, &format!("/{n:06}"), FailureKind::Conflict, &"x".repeat(5_000)))
            .collect();
        outcome.steps =
            (0..KEPT + 3).map(|n| parameter_step(&format!("/{n:06}"), Change::Create)).collect();
        report.take(outcome);
        let response = report.response();
        assert_eq!((response.failures.len(), response.failures_dropped), (KEPT, 7));
        assert_eq!((response.steps.map(|s| s.len()), response.steps_dropped), (Some(KEPT), 3));
        assert!(response.failures.iter().all(|f| f.cause.message.len() <= SENTENCE + 3));
    }

    #[test]
    fn a_run_with_a_frozen_route_is_frozen_unless_something_failed() {
        let mut report = Report::new();
        report.take(frozen(2));
        report.leave(account(1));
        assert_eq!(report.response().status, Status::Frozen);
        report.fail(hub_failure("no topic"));
        assert_eq!(report.response().status, Status::Failed);
    }
}
