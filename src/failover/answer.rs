//! The answer to a command that changes the state of a route.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::domain::{AccountId, Cause, RoutePair, RouteRecord, StateEntry, Timestamp};
use crate::report::{Response, account_entry, entry_fields};
use crate::request::ThawRequest;
use crate::table::Table;

/// The version of the format of the answer.
const FORMAT: u64 = 1;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverEnd {
    /// The state is set, and everything that the command promises holds.
    Done,
    /// The state is set, and the caller did not wait: requests may be under way until then.
    NotAwaited(Timestamp),
    /// The state is set, but a signal or the deadline ended the wait: requests may be under way until then.
    Interrupted(Timestamp),
    /// Nothing was changed: a signal came first, or only the plan was asked for.
    NotBegun,
}

/// The plan that `hubctl thaw` shows.
#[derive(Debug)]
pub enum PlanPart {
    /// What a sweep would write.
    Made(Box<Response>),
    /// The plan could not begin. The thaw does not depend on it.
    Failed(Cause),
}

/// The answer to `freeze` and `thaw`.
#[derive(Debug)]
pub struct FailoverAnswer {
    /// The time of the answer.
    pub at: Timestamp,
    /// The route.
    pub pair: RoutePair,
    /// `freeze` or `thaw`.
    pub action: &'static str,
    /// The accounts that the request names.
    pub named: Vec<AccountId>,
    /// The record that holds; `None` if it was not read.
    pub record: Option<RouteRecord>,
    /// The table from which the record was copied or restored. The state was then `new`.
    pub copied_from: Option<String>,
    /// Whether the command wrote the record.
    pub is_changed: bool,
    /// How the command ended.
    pub end: FailoverEnd,
    /// The plan, if the command made one.
    pub plan: Option<PlanPart>,
}

impl FailoverAnswer {
    /// The answer of a command that has done nothing yet.
    pub(super) fn new(
        at: Timestamp,
        pair: &RoutePair,
        action: &'static str,
        named: &[AccountId],
    ) -> Self {
        Self {
            at,
            pair: pair.clone(),
            action,
            named: named.to_vec(),
            record: None,
            copied_from: None,
            is_changed: false,
            end: FailoverEnd::NotBegun,
            plan: None,
        }
    }

    /// The answer of a thaw that a signal ended before the state was read.
    pub fn not_begun(table: &Table, request: &ThawRequest) -> Self {
        Self::new(table.connection().now(), &request.pair, "thaw", &request.accounts)
    }

    pub(super) fn with(self, record: RouteRecord) -> Self {
        Self { record: Some(record), ..self }
    }

    /// The named accounts, then the accounts whose state differs from the route's, each with the state that holds.
    pub fn accounts(&self) -> Vec<(&AccountId, &StateEntry)> {
        let Some(record) = &self.record else { return Vec::new() };
        let named = self.named.iter().map(|account| (account, record.of(account)));
        let others = record.exceptions().filter(|(account, _)| !self.named.contains(account));
        named.chain(others).collect()
    }

    /// What is not done yet.
    pub fn remaining(&self) -> Vec<String> {
        match self.end {
            FailoverEnd::Done => Vec::new(),
            FailoverEnd::NotAwaited(until) | FailoverEnd::Interrupted(until) => vec![format!(
                "requests that began before the {} may be under way until {until}",
                self.action
            )],
            FailoverEnd::NotBegun => {
                vec![format!("nothing was changed: the {} has not begun", self.action)]
            }
        }
    }

    /// Whether the command did everything that it promises.
    pub fn is_done(&self) -> bool {
        self.end == FailoverEnd::Done
    }
}

impl Serialize for FailoverAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("format", &FORMAT)?;
        object.serialize_entry("at", &self.at.to_string())?;
        object.serialize_entry("route", &self.pair.to_string())?;
        object.serialize_entry("action", self.action)?;
        match &self.record {
            Some(record) => {
                for (field, value) in entry_fields(&record.route) {
                    // The serial of the whole record is the one that a thaw names.
                    let value = if field == "serial" { json!(record.serial) } else { value };
                    object.serialize_entry(field, &value)?;
                }
            }
            None => object.serialize_entry("state", &Value::Null)?,
        }
        let accounts = self.accounts();
        let accounts: Vec<Value> =
            accounts.into_iter().map(|(account, entry)| account_entry(account, entry)).collect();
        object.serialize_entry("accounts", &accounts)?;
        if let Some(from) = &self.copied_from {
            object.serialize_entry("copied_from", from)?;
        }
        object.serialize_entry("changed", &self.is_changed)?;
        object.serialize_entry("done", &self.is_done())?;
        object.serialize_entry("remaining", &self.remaining())?;
        if let FailoverEnd::NotAwaited(until) | FailoverEnd::Interrupted(until) = self.end {
            object.serialize_entry("in_flight_until", &until.to_string())?;
        }
        match &self.plan {
            Some(PlanPart::Made(response)) => object.serialize_entry("plan", &response.whole())?,
            Some(PlanPart::Failed(cause)) => {
                let failed = json!({
                    "error_kind": cause.kind.word(),
                    "message": cause.message,
                    "remedy": cause.remedy(),
                });
                object.serialize_entry("plan", &failed)?;
            }
            None => {}
        }
        object.serialize_entry("results", &[(); 0])?;
        object.serialize_entry("failures", &[(); 0])?;
        object.end()
    }
}
