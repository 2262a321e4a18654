//! The status as JSON. The Lambda's answer is cut to the size limit of its destination; `failures_total` counts all.

use serde::ser::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{HubStatus, RouteStatus};
use crate::domain::AccountId;
use crate::report::{RESPONSE_LIMIT, account_entry, entry_fields};
use crate::table::{HeldItem, KnownFailure};

/// The version of the format of the answer.
const FORMAT: u64 = 1;
/// The most held names of a route. `held_total` counts all.
pub(super) const HELD: usize = 100;
/// The most accounts of a list.
const ACCOUNTS: usize = 100;

impl Serialize for HubStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = self.document(0);
        let size = |value: &Value| value.to_string().len();
        let mut room = RESPONSE_LIMIT.saturating_sub(size(&document));
        let mut failures = Vec::new();
        for failure in &self.failures {
            let one = self.failure(failure);
            // A comma separates two entries.
            let Some(left) = room.checked_sub(size(&one) + 1) else { break };
            room = left;
            failures.push(one);
        }
        document["failures"] = failures.into();
        document.serialize(serializer)
    }
}

impl HubStatus {
    /// The JSON with all failures, for `hubctl`: a terminal has no size limit.
    pub fn whole(&self) -> Value {
        self.document(self.failures.len())
    }

    /// The JSON with the first failures.
    fn document(&self, failures: usize) -> Value {
        let shown = self.failures.iter().take(failures);
        let unreadable = self.unreadable.iter().map(|cause| {
            json!({
                "kind": "hub", "error_kind": cause.kind.word(),
                "message": cause.message, "remedy": cause.remedy(),
            })
        });
        json!({
            "format": FORMAT,
            "at": self.at.to_string(),
            "hub": {"account": self.account.as_ref().map(AccountId::as_str), "region": self.region.as_str()},
            "clean": self.is_clean(),
            "routes": self.routes.iter().map(|route| self.route(route)).collect::<Vec<_>>(),
            "unreadable": unreadable.collect::<Vec<_>>(),
            "failures": shown.map(|failure| self.failure(failure)).collect::<Vec<_>>(),
            "failures_total": self.failures_total(),
        })
    }

    fn route(&self, route: &RouteStatus) -> Value {
        let mut object =
            json!({ "route": route.pair.to_string(), "clean": route.is_clean(self.at) });
        match &route.state {
            Ok(read) => {
                for (field, value) in entry_fields(&read.record.route) {
                    object[field] = value;
                }
                // The serial of the whole record is the one that a thaw names.
                object["serial"] = json!(read.record.serial);
                let accounts = read.record.exceptions();
                object["accounts"] =
                    accounts.map(|(account, entry)| account_entry(account, entry)).collect();
                if let Some(from) = &read.copied_from {
                    object["copied_from"] = json!(from);
                }
            }
            Err(cause) => {
                object["state"] = Value::Null;
                object["unreadable"] = json!({
                    "error_kind": cause.kind.word(), "message": cause.message, "remedy": cause.remedy(),
                });
            }
        }
        object["last_sweep"] = route.last_sweep.as_ref().map_or(Value::Null, |sweep| {
            json!({
                "execution": sweep.execution.as_str(),
                "finished": sweep.finished.map(|at| at.to_string()),
                "under_way": sweep.is_under_way,
                "accounts": sweep.accounts,
                "in_sync": sweep.in_sync,
                "failed": sweep.failed,
                "not_swept": sweep.not_swept,
            })
        });
        object["oldest_copy"] = json!(route.oldest_copy.map(|at| at.to_string()));
        let never = route.never_swept.iter().take(ACCOUNTS);
        object["never_swept"] = never.map(|account| json!(account.as_str())).collect();
        object["never_swept_total"] = json!(route.never_swept.len());
        object["held"] = route.held.iter().take(HELD).map(|held| self.held(held)).collect();
        object["held_total"] = json!(route.held.len());
        object
    }

    fn held(&self, held: &HeldItem) -> Value {
        json!({
            "account": held.account.as_str(),
            "account_name": self.name(&held.account),
            "kind": held.item.kind().word(),
            "name": held.item.name(),
            "at": held.at.to_string(),
            "operation": held.operation,
            "why": held.why.word(),
        })
    }

    fn failure(&self, failure: &KnownFailure) -> Value {
        let mut object = json!({
            "account": failure.account.as_str(),
            "account_name": self.name(&failure.account),
            "kind": failure.kind,
            "error_kind": failure.error_kind.word(),
            "since": failure.first.to_string(),
            "message": failure.message,
            "remedy": failure.remedy,
        });
        if let Some(region) = &failure.region {
            object["region"] = json!(region.as_str());
        }
        for (field, text) in [("name", &failure.name), ("class", &failure.class)] {
            if let Some(text) = text {
                object[field] = json!(text);
            }
        }
        if failure.failures > 1 {
            object["failures"] = json!(failure.failures);
        }
        object
    }
}
