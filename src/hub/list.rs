//! Lists the accounts of the organisation in batches, for the state machine of the sweep.

use serde_json::{Value, json};

use super::{Answer, Hub, HubError};
use crate::deadline::Deadline;
use crate::domain::AccountId;
use crate::organization::{self, Members};
use crate::report::Report;
use crate::settings::Unmatched;

impl Hub {
    /// Accounts in batches. Each batch is a part of a payload that the state machine sends to the hub.
    ///
    /// Entries of the account filters that matched no account are published and added to the answer; the state machine
    /// then ends as failed.
    pub(super) async fn list_accounts(
        &self,
        batch: usize,
        page: Option<String>,
        deadline: &Deadline,
    ) -> Result<Answer, HubError> {
        let Members { accounts, next, unmatched } =
            organization::page(&self.sweeps, &self.settings.accounts, page).await?;
        let batches: Vec<Value> = accounts
            .chunks(batch.max(1))
            .map(|accounts| json!({"accounts": accounts.iter().map(AccountId::as_str).collect::<Vec<_>>()}))
            .collect();
        let mut answer = json!({ "batches": batches });
        if unmatched != Unmatched::default() {
            let mut report = Report::new();
            report.unmatched(unmatched);
            self.publish_digest(&mut report, deadline).await;
            let reported = serde_json::to_value(report.response()).unwrap_or_default();
            for list in ["failures", "notes"] {
                if reported[list].as_array().is_some_and(|list| !list.is_empty()) {
                    answer[list] = reported[list].clone();
                }
            }
        }
        if let Some(next) = next {
            answer["next"] = next.into();
        }
        Ok(Answer::Accounts(answer))
    }
}
