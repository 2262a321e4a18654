//! `thaw`: starts the replication of a route, or of some of its accounts.
//!
//! The caller names the serial that it saw, so that a late repetition does nothing. `hubctl` reads the serial itself,
//! shows the plan, and then puts the state under this serial: a change by another operator meanwhile wins.

use super::FailoverError;
use super::answer::{FailoverAnswer, FailoverEnd, PlanPart};
use super::change::{Changed, caller, change, refused};
use crate::deadline::Deadline;
use crate::domain::{RouteRecord, Transition, TransitionRefused, TransitionRequest};
use crate::request::ThawRequest;
use crate::table::{StateRead, Table};

/// The action in the answer.
const ACTION: &str = "thaw";

/// A thaw that has read the state, and that the state allows.
#[derive(Debug)]
pub struct BegunThaw<'a> {
    table: &'a Table,
    request: &'a ThawRequest,
    seen: u64,
    read: StateRead,
    /// Whether the state is not yet the requested one.
    changes: bool,
}

/// Reads the state and checks that it allows the thaw.
///
/// # Errors
/// The state does not allow the transition, or the table is unreachable.
pub async fn begin_thaw<'a>(
    table: &'a Table,
    request: &'a ThawRequest,
) -> Result<BegunThaw<'a>, FailoverError> {
    let read = table.state(&request.pair).await?;
    let seen = request.serial.unwrap_or(read.record.serial);
    let mut begun = BegunThaw { table, request, seen, read, changes: true };
    // The caller is not known yet, and does not influence the decision.
    let decided = begun.decide(&begun.read.record, "");
    let decided = decided.map_err(|why| refused(ACTION, &request.pair, why))?;
    begun.changes = decided != Transition::Unchanged;
    Ok(begun)
}

impl BegunThaw<'_> {
    /// Whether the state is not yet the requested one.
    pub const fn changes(&self) -> bool {
        self.changes
    }

    /// The answer without a change: the route is already active, a signal came, or only the plan was asked for.
    pub fn unchanged(self, plan: Option<PlanPart>) -> FailoverAnswer {
        let end = if self.changes { FailoverEnd::NotBegun } else { FailoverEnd::Done };
        FailoverAnswer { end, plan, ..self.answer().with(self.read.record) }
    }

    /// Sets the state `active`, unless a signal comes first.
    ///
    /// # Errors
    /// Another operator changed the state, or the table or STS is unreachable.
    pub async fn put(
        self,
        plan: Option<PlanPart>,
        deadline: &Deadline,
    ) -> Result<FailoverAnswer, FailoverError> {
        let pair = &self.request.pair;
        let asked = deadline.unless_stopped(caller(self.table.connection())).await;
        let Some(by) = asked else { return Ok(self.unchanged(plan)) };
        let by = by?;
        let decide = |record: &RouteRecord| self.decide(record, &by);
        let first = self.read.record.clone();
        let Changed { record, is_written } =
            change(self.table, pair, ACTION, first, decide).await?;
        let answer = FailoverAnswer { end: FailoverEnd::Done, plan, ..self.answer() };
        Ok(FailoverAnswer { is_changed: is_written, ..answer.with(record) })
    }

    fn decide(&self, record: &RouteRecord, by: &str) -> Result<Transition, TransitionRefused> {
        let ThawRequest { accounts, reason, .. } = self.request;
        let request = TransitionRequest {
            accounts: accounts.clone(),
            by: by.to_owned(),
            reason: reason.clone(),
            now: self.table.connection().now(),
        };
        record.thaw(&request, self.seen)
    }

    fn answer(&self) -> FailoverAnswer {
        let ThawRequest { pair, accounts, .. } = self.request;
        let now = self.table.connection().now();
        let copied_from = self.read.copied_from.clone();
        FailoverAnswer { copied_from, ..FailoverAnswer::new(now, pair, ACTION, accounts) }
    }
}
