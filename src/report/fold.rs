//! The fold over finished accounts. An account in sync leaves nothing behind but its counts, and what the others
//! leave is bounded, so that memory does not grow with the organisation.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::response::{AccountLine, PlannedStep, Response, TombstoneLine, Totals};
use super::status::Status;
use super::unknown_writer;
use crate::domain::{
    AccountId, AccountOutcome, Cause, Failure, FailureKind, NameFilter, Note, OutcomeKind, Subject,
    WrittenBy, shown,
};
use crate::ownership::Fingerprint;
use crate::settings::Unmatched;

/// Failures, and steps, that are kept for the report; the rest is counted. Some ten times what a response has room for.
const KEPT: usize = 20_000;
/// Tombstones that are named.
const TOMBSTONES: usize = 100;
/// The same for a terminal, whose document is not cut: some 300 MB of steps.
const KEPT_AT_A_TERMINAL: usize = 500_000;

/// The longest message or remedy that is kept, in bytes: AWS quotes whole policies in some.
const SENTENCE: usize = 1_500;

/// Folds accounts, in whatever order they finish, into one response whose order is always the same.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
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
    matched_includes: BTreeSet<usize>,
    /// Whether every list that was asked for was read.
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
            matched_includes: BTreeSet::new(),
            saw_all_names: true,
        }
    }
}

impl Report {
    /// Of a run that writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a plan: the response has `steps`, be they empty.
    pub fn of_plan() -> Self {
        let mut report = Self { plan: true, ..Self::default() };
        report.totals.planned = Some(BTreeMap::new());
        report
    }

    /// The same with room for all that a terminal is shown.
    #[must_use]
    pub fn for_a_terminal(self) -> Self {
        Self { kept: KEPT_AT_A_TERMINAL, ..self }
    }

    /// The id by which the plan can be carried out.
    pub fn plan_id(&mut self, id: Fingerprint) {
        self.plan_id = Some(id);
    }

    /// Says that a signal stopped the run. One that has looked at no account is not in sync.
    pub fn stopped(&mut self) {
        self.stopped = true;
        if self.totals.accounts().next().is_none() {
            self.is(Status::Incomplete);
            self.unfinished = true;
        }
    }

    /// Takes one account's work in. Each account comes once: its parts are merged before.
    pub fn take(&mut self, outcome: AccountOutcome) {
        let status = Status::of(&outcome);
        self.is(status);
        self.totals.count(status, &outcome.parameters, &outcome.secrets);
        let pending =
            [&outcome.parameters, &outcome.secrets].iter().any(|c| c.get(OutcomeKind::Pending) > 0);
        self.unfinished |= !outcome.complete || pending;
        self.totals.trusted_writers += outcome.written_by.trusted;
        self.written_by.merge(&outcome.written_by);
        self.matched_includes.extend(outcome.matched_includes);
        let list_failed = outcome.failures.iter().any(|f| f.subject == Subject::Account);
        self.saw_all_names &= !outcome.left && !list_failed;
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

    /// Takes a failure of no account's in: Organizations, the topic.
    pub fn fail(&mut self, failure: Failure) {
        let late = failure.cause.kind == FailureKind::NotInTime;
        self.is(if late { Status::Incomplete } else { Status::Failed });
        self.keep(failure);
    }

    /// Reports what of the account filters matched nothing.
    pub fn unmatched(&mut self, unmatched: Unmatched) {
        for cause in unmatched.failures {
            self.fail(Failure { account: None, region: None, subject: Subject::Hub, cause });
        }
        for note in unmatched.notes {
            tracing::warn!("{}", note.message);
            self.note(note);
        }
    }

    /// Reports what of `INCLUDE_NAMES` matches no source of any account, after a sweep of the whole organisation. Where
    /// not every list was read, nothing is reported on no grounds.
    pub fn unmatched_names(&mut self, names: &NameFilter) {
        let saw_none = self.totals.accounts().next().is_none();
        if saw_none || !self.saw_all_names || self.stopped || !self.remaining.is_empty() {
            return;
        }
        let unmatched: Vec<&String> = (0..)
            .zip(names.includes())
            .filter(|(place, _)| !self.matched_includes.contains(place))
            .map(|(_, glob)| glob)
            .collect();
        for glob in unmatched {
            let message = format!(
                "REPLICATOR_INCLUDE_NAMES has the entry `{}`, which matches no parameter and no secret of any account",
                shown(glob)
            );
            let remedy = "correct the entry, or take it out of REPLICATOR_INCLUDE_NAMES; `hubctl plan` shows what is in scope";
            let cause = Cause::new(FailureKind::Invalid, message).mended_by(remedy);
            self.fail(Failure { account: None, region: None, subject: Subject::Hub, cause });
        }
    }

    /// Names something that did not fail.
    pub fn note(&mut self, note: Note) {
        self.notes.insert(note, self.kept);
    }

    /// Leaves an account to a later run: it was not begun, or nothing is known of how far it came. It counts as
    /// incomplete, and `remaining` alone lists it.
    pub fn leave(&mut self, account: AccountId) {
        if self.remaining.insert(account) {
            self.is(Status::Incomplete);
            self.totals.count(Status::Incomplete, &<_>::default(), &<_>::default());
            self.unfinished = true;
        }
    }

    /// Says that nothing was written, since the hub is frozen.
    pub fn frozen(&mut self) {
        self.is(Status::Frozen);
    }

    /// What came of it so far.
    pub fn response(&self) -> Response {
        let mut accounts = self.lines.clone();
        accounts.sort_by(|a, b| a.account.cmp(&b.account));
        // Known only once all accounts were taken in, and the hub's own failures come first.
        let of_the_hub = unknown_writer::one_other_role(&self.written_by);
        let worst = self.worst.max(of_the_hub.as_ref().map(|_| Status::Failed));
        let failures = self.failures.kept.iter().map(|ranked| ranked.0.clone());
        Response {
            status: worst.unwrap_or(Status::InSync),
            totals: self.totals.clone(),
            accounts,
            failures: of_the_hub.into_iter().chain(failures).collect(),
            failures_dropped: self.failures.dropped,
            steps: self.plan.then(|| self.steps.kept.iter().cloned().collect()),
            steps_dropped: self.steps.dropped,
            plan_id: self.plan_id,
            tombstones: self.tombstones.kept.iter().cloned().collect(),
            notes: self.notes.kept.iter().cloned().collect(),
            notes_dropped: self.notes.dropped,
            stopped: self.stopped,
            remaining: self.remaining.iter().cloned().collect(),
            held_back: self.held_back,
            internal_error: self.internal_error,
            unfinished: self.unfinished,
        }
    }

    fn is(&mut self, status: Status) {
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

/// The first of what was put in, by its order, so that what is kept does not depend on which account finished first.
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
    fn insert(&mut self, thing: T, at_most: usize) {
        if self.kept.insert(thing) && self.kept.len() > at_most {
            self.kept.pop_last();
            self.dropped += 1;
        }
    }
}

/// A failure in the order of reports: account, kind, Region, name. The hub's own, which have no account, come first.
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
    use super::super::samples::{account, failure, hub_failure, parameter_step};
    use super::*;
    use crate::domain::{Change, Kind};

    #[test]
    fn an_account_in_sync_leaves_only_its_counts() {
        let mut report = Report::new();
        for number in 0..1_000 {
            let mut outcome = AccountOutcome::new(account(number));
            outcome.count_all(Kind::Parameter, OutcomeKind::InSync, 1_000);
            report.take(outcome);
        }
        let held = (report.lines.len(), report.failures.kept.len(), report.remaining.len());
        assert_eq!(held, (0, 0, 0));
        let response = report.response();
        assert_eq!(response.status, Status::InSync);
        assert_eq!(response.totals.parameters.get(OutcomeKind::InSync), 1_000_000);
    }

    #[test]
    fn the_order_in_which_accounts_finish_does_not_show() {
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
            report.fail(hub_failure("the topic is gone"));
            report.response()
        };
        let forwards = fold(outcomes.clone());
        assert_eq!(forwards, fold(outcomes.into_iter().rev().collect()));
        assert_eq!(forwards.failures.first().map(|f| f.subject.clone()), Some(Subject::Hub));
        assert_eq!(forwards.remaining, [account(3)]);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_rest_counted() {
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
    fn a_frozen_run_is_frozen_unless_something_failed() {
        let mut report = Report::new();
        report.frozen();
        report.leave(account(1));
        assert_eq!(report.response().status, Status::Frozen);
        report.fail(hub_failure("no topic"));
        assert_eq!(report.response().status, Status::Failed);
    }
}
