//! The world that all invocations share: the simulator without a clock of its own. A schedule says when things happen.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use aws_sim::{AwsError, Doer, Lag, ParameterView, Settings, Sim, TableItem};
use serde_json::{Value, json};

use super::history::SOURCE;
use super::ledger::{Harm, Ledger, Record};
use super::process::{Answer, Call, writes};

/// When it begins, in milliseconds since 1970.
pub(super) const BEGINNING: u64 = aws_sim::BEGINNING * 1000;
/// The account in which all happens.
pub(super) const ACCOUNT: &str = "111122223333";
/// The longest pause that any rule of AWS's asks for is 30 s.
const BETWEEN_CHANGES: u64 = 60_000;
/// AWS asks for 30 s between a deletion and a create, in milliseconds.
const PAUSE_BEFORE_CREATE: u64 = 30_000;
/// What a call takes where a clock counts.
const CALL: u64 = 5;
/// Longer than any schedule: a stale read finds what was before the last change, whenever that was.
const REMEMBERED: Duration = Duration::from_hours(1000);

/// Which moment a call has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dates {
    /// The number of changes that its Region has seen, in minutes. Schedules that differ in nothing but the order of
    /// independent calls then end in one and the same state. Dates are compared for equality alone, and in the order of
    /// a Region's changes, which this keeps.
    Counted,
    /// That of a clock, which every call and every sleep of a caller puts forward.
    Flowing,
}

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Hub,
    Owner,
    Stranger,
}

impl Who {
    pub(super) fn arn(self) -> String {
        match self {
            Self::Hub => format!(
                "arn:aws:sts::{ACCOUNT}:assumed-role/failover-replicator-spoke/failover-replicator"
            ),
            Self::Owner => format!("arn:aws:iam::{ACCOUNT}:user/owner"),
            Self::Stranger => format!("arn:aws:iam::{ACCOUNT}:user/stranger"),
        }
    }
}

/// All parameters and secrets of the account.
pub(super) struct Store {
    sim: Sim,
    dates: Dates,
    now: u64,
    /// When each Region changed last.
    changed: BTreeMap<String, u64>,
    /// Who wrote what in the targets.
    ledger: Ledger,
    /// What harm the last call did, to which name.
    harms: Vec<(String, Harm)>,
}

impl Store {
    pub(super) fn new(dates: Dates, mut settings: Settings) -> Self {
        settings.lag = Lag { reads: REMEMBERED, lists: REMEMBERED, tagging: REMEMBERED };
        Self {
            sim: Sim::new(settings),
            dates,
            now: BEGINNING,
            changed: BTreeMap::new(),
            ledger: Ledger::default(),
            harms: Vec::new(),
        }
    }

    /// Another one that goes its own way from here.
    pub(super) fn fork(&self) -> Self {
        Self {
            sim: self.sim.fork(),
            changed: self.changed.clone(),
            ledger: self.ledger.clone(),
            harms: Vec::new(),
            ..*self
        }
    }

    /// What a clock shows, in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Waits as long as AWS asks for between a deletion and a create, where a clock counts.
    pub(super) fn pause(&mut self) {
        self.now += PAUSE_BEFORE_CREATE;
    }

    /// Puts the clock forward, never back.
    pub(super) fn until(&mut self, now: u64) {
        self.now = self.now.max(now);
    }

    /// Does a call of the hub's. A read shows what was before the last `behind` changes of its Region; more than one only
    /// where dates are counted.
    pub(super) fn answer(&mut self, call: &Call, behind: u64) -> Answer {
        answer(self.act(Who::Hub, &call.region, &call.operation, &call.request(), behind))
    }

    /// The same of a read where dates are counted, which changes nothing.
    pub(super) fn read(&self, call: &Call, behind: u64) -> Answer {
        let at = self.last_change(&call.region);
        answer(self.perform(Who::Hub, &call.region, (&call.operation, &call.request()), at, behind))
    }

    /// Does what must work.
    pub(super) fn must(&mut self, who: Who, region: &str, operation: &str, request: &Value) {
        self.act(who, region, operation, request, 0)
            .unwrap_or_else(|error| panic!("{operation} {request}: {error}"));
    }

    /// Does any operation; a read is as far behind as one of [`Self::answer`].
    pub(super) fn act(
        &mut self,
        who: Who,
        region: &str,
        operation: &str,
        request: &Value,
        behind: u64,
    ) -> Result<Value, AwsError> {
        let last = self.last_change(region);
        let at = match self.dates {
            Dates::Counted => last + if writes(operation) { BETWEEN_CHANGES } else { 0 },
            Dates::Flowing => {
                self.now = self.now.max(last) + CALL;
                self.now
            }
        };
        let answer = self.perform(who, region, (operation, request), at, behind);
        self.harms.clear();
        if let Some(answer) = answer.as_ref().ok().filter(|_| writes(operation)) {
            self.changed.insert(region.to_owned(), at);
            if region != SOURCE {
                self.harms = self.ledger.note(who, region, operation, (request, answer), at);
            }
        }
        answer
    }

    fn last_change(&self, region: &str) -> u64 {
        self.changed.get(region).copied().unwrap_or(BEGINNING)
    }

    fn perform(
        &self,
        who: Who,
        region: &str,
        (operation, request): (&str, &Value),
        at: u64,
        behind: u64,
    ) -> Result<Value, AwsError> {
        let last = self.last_change(region);
        let behind = match behind.checked_sub(1) {
            None => Duration::ZERO,
            Some(earlier) => Duration::from_millis(at - last + 1 + earlier * BETWEEN_CHANGES),
        };
        let lag = Lag { reads: behind, lists: behind, tagging: behind };
        let doer = Doer { arn: &who.arn(), at, lag };
        self.sim.account(ACCOUNT).region(region).call_by(doer, operation, request)
    }

    /// Creates an empty table.
    pub(super) fn make_table(&self, region: &str, name: &str) {
        self.sim.account(ACCOUNT).region(region).table(name);
    }

    /// Replaces a table by an empty one.
    pub(super) fn empty_table(&self, region: &str, name: &str) {
        self.sim.account(ACCOUNT).region(region).table(name).clear();
    }

    /// The item of a partition with the highest sort key.
    pub(super) fn newest_item(&self, region: &str, table: &str, pk: &str) -> Option<TableItem> {
        self.sim.account(ACCOUNT).region(region).table(table).partition(pk).pop()
    }

    /// Every parameter of a Region.
    pub(super) fn parameters(&self, region: &str) -> BTreeMap<String, ParameterView> {
        self.sim.account(ACCOUNT).region(region).parameters()
    }

    /// One parameter.
    pub(super) fn parameter(&self, region: &str, name: &str) -> Option<ParameterView> {
        self.parameters(region).remove(name)
    }

    /// Who wrote what of a name in a target.
    pub(super) fn record(&self, region: &str, name: &str) -> Option<&Record> {
        self.ledger.of(region, name)
    }

    /// What harm the last call did, to which name.
    pub(super) fn take_harms(&mut self) -> Vec<(String, Harm)> {
        std::mem::take(&mut self.harms)
    }

    /// A person decided that the versions of a name go up to this one of this date; whether these are all of a stranger's.
    pub(super) fn decide(&mut self, region: &str, name: &str, number: i64, date: u64) -> bool {
        self.ledger.decide(region, name, number, date)
    }

    /// What tells one state of a Region from another, by all that calls from now on can show.
    pub(super) fn digest(&self, region: &str) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        self.parameters(region).hash(&mut hasher);
        self.changed.get(region).hash(&mut hasher);
        self.ledger.hash_region(region, &mut hasher);
        hasher.finish()
    }
}

/// What comes over the wire.
fn answer(answer: Result<Value, AwsError>) -> Answer {
    match answer {
        Ok(body) => Answer { status: 200, body: body.to_string() },
        Err(AwsError { status, code, message }) => {
            let body = json!({"__type": code, "message": message}).to_string();
            Answer { status, body }
        }
    }
}
