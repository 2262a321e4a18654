//! Lists the accounts of the organisation in batches, for the state machine of the sweep.

use serde_json::{Value, json};

use super::record::known_accounts;
use super::record_account::pairs_of;
use super::{Answer, Hub, HubError};
use crate::deadline::Deadline;
use crate::domain::{AccountId, Cause, ExecutionName, Failure};
use crate::organization::{self, MemberAccount, Members};
use crate::report::Report;
use crate::settings::Unmatched;
use crate::table::Table;

impl Hub {
    /// Accounts in batches. Each batch is a part of a payload that the state machine sends to the hub.
    ///
    /// Entries of the account filters that matched no account, and records that cannot be written, are published and added
    /// to the answer; the state machine then ends as failed.
    pub(super) async fn list_accounts(
        &self,
        batch: usize,
        page: Option<String>,
        execution: Option<ExecutionName>,
        deadline: &Deadline,
    ) -> Result<Answer, HubError> {
        let Members { accounts, next, unmatched } =
            organization::page(&self.sweeps, &self.settings.accounts, page).await?;
        let recorded = match (&self.table, &execution) {
            (Some(table), Some(execution)) => self.record_list(table, execution, &accounts).await,
            _ => Ok(()),
        };
        let accounts: Vec<AccountId> = accounts.into_iter().map(|member| member.id).collect();
        let batches: Vec<Value> = accounts
            .chunks(batch.max(1))
            .map(|accounts| json!({"accounts": accounts.iter().map(AccountId::as_str).collect::<Vec<_>>()}))
            .collect();
        let mut answer = json!({ "batches": batches });
        if unmatched != Unmatched::default() || recorded.is_err() {
            let mut report = Report::new();
            report.unmatched(unmatched);
            if let Err(cause) = recorded {
                report.fail(Failure::of_hub(cause).in_region(self.sweeps.region()));
            }
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

    /// Records the names of the listed accounts, and that the execution is meant to sweep them. The states of the routes are
    /// read first: a table that belongs to another hub gets no record.
    async fn record_list(
        &self,
        table: &Table,
        execution: &ExecutionName,
        accounts: &[MemberAccount],
    ) -> Result<(), Cause> {
        let now = self.sweeps.now();
        let record = async {
            for pair in pairs_of(&self.settings.routes) {
                table.state(&pair).await?;
            }
            let ids: Vec<AccountId> = accounts.iter().map(|member| member.id.clone()).collect();
            table.put_expected(execution, &ids, now).await?;
            let known = known_accounts(accounts.to_vec(), execution, now);
            table.put_accounts(&known).await
        };
        record.await.map_err(|cause| {
            let message = format!(
                "the list of accounts is not in the table, so reports may name accounts by their ids, and the end of the execution may miss accounts: {}",
                cause.message
            );
            Cause { message, ..cause }
        })
    }
}
