//! Performs the requests that change or show the states of routes. They need the hub's table, and a route of the
//! settings.

use super::record_account::pairs_of;
use super::{Answer, Hub, HubError, Progress, RouteFilter};
use crate::deadline::Deadline;
use crate::domain::{Cause, FailureKind, Purpose, RoutePair};
use crate::failover::{FailoverAnswer, FailoverError, PlanPart, begin_thaw, freeze};
use crate::report::Report;
use crate::request::{
    Accounts, FailoverRequest, Reconcile, Refused, RunOptions, ThawPlan, ThawRequest,
};
use crate::settings::TableSetting;
use crate::status;
use crate::table::Table;

impl Hub {
    pub(super) async fn perform_failover(
        &self,
        request: FailoverRequest,
        deadline: Deadline,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Answer, HubError> {
        let table = self.table_for(request.action())?;
        if let Some(pair) = request.pair() {
            self.check_route(pair)?;
        }
        let answer = match request {
            FailoverRequest::Freeze(request) => {
                let waits = |until| {
                    progress(Progress::Frozen { pair: request.pair.clone(), until });
                };
                Box::pin(freeze(table, &request, &deadline, &waits)).await?
            }
            FailoverRequest::Thaw(request) => {
                self.thaw(table, &request, deadline, progress).await?
            }
            FailoverRequest::Status(pair) => {
                return Ok(Box::pin(self.status(table, pair, &deadline)).await?);
            }
        };
        Ok(Answer::Failover(Box::new(answer)))
    }

    /// What the table says about one route, or about all routes of the settings.
    async fn status(
        &self,
        table: &Table,
        pair: Option<RoutePair>,
        deadline: &Deadline,
    ) -> Result<Answer, Cause> {
        let of_all = pair.is_none();
        let pairs = pair.map_or_else(|| pairs_of(&self.settings.routes), |pair| vec![pair]);
        let read = deadline.unless_stopped(Box::pin(status::read(table, &pairs, of_all))).await;
        let Some(status) = read else {
            let mut report = Report::new();
            report.stopped();
            return Ok(Answer::Report(Box::new(report.response())));
        };
        Ok(Answer::Status(Box::new(status?)))
    }

    async fn thaw(
        &self,
        table: &Table,
        request: &ThawRequest,
        deadline: Deadline,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<FailoverAnswer, HubError> {
        let Some(begun) = deadline.unless_stopped(begin_thaw(table, request)).await else {
            return Ok(FailoverAnswer::not_begun(table, request));
        };
        let begun = begun?;
        let plan = match request.plan {
            ThawPlan::Show | ThawPlan::Only if begun.changes() => {
                Some(self.plan_of(request, deadline.clone(), progress).await)
            }
            _ => None,
        };
        if !begun.changes() || request.plan == ThawPlan::Only || deadline.is_stopped() {
            return Ok(begun.unchanged(plan));
        }
        Ok(begun.put(plan, &deadline).await?)
    }

    /// What a sweep of the route would write. A plan that fails is a part of the answer.
    async fn plan_of(
        &self,
        request: &ThawRequest,
        deadline: Deadline,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> PlanPart {
        let RoutePair { source, target } = &request.pair;
        let filter =
            RouteFilter { route_source: Some(source.clone()), route_target: Some(target.clone()) };
        let accounts = match request.accounts.as_slice() {
            [] => Accounts::Organization,
            accounts => Accounts::These(accounts.to_vec()),
        };
        let options = RunOptions { plan: true, ..RunOptions::default() };
        let purpose = Purpose::Equality;
        let (region, item, execution) = (None, None, None);
        let reconcile = Reconcile { accounts, region, item, options, purpose, execution };
        let planned =
            Box::pin(self.perform_reconcile(reconcile, &filter, deadline, progress)).await;
        match planned.map(|run| run.answer) {
            Ok(Answer::Report(response)) => PlanPart::Made(response),
            Ok(_) => PlanPart::Failed(Cause::new(FailureKind::Bug, "internal error: no plan")),
            Err(HubError::Cause(cause)) => PlanPart::Failed(cause),
            Err(other) => PlanPart::Failed(Cause::new(FailureKind::Invalid, other.to_string())),
        }
    }

    /// The hub's table.
    ///
    /// # Errors
    /// The setting is missing, or says that the hub has no table.
    fn table_for(&self, action: &str) -> Result<&Table, Refused> {
        if let Some(table) = &self.table {
            return Ok(table);
        }
        let problem = match self.settings.table {
            TableSetting::NoTable => {
                format!("`REPLICATOR_TABLE` is `none`, so every route is active: `{action}` needs")
            }
            _ => format!("missing `REPLICATOR_TABLE`: `{action}` needs"),
        };
        Err(Refused::new(
            format!("{problem} the table that holds the states of the routes"),
            "the name of the table that the hub's stack made, such as `failover-replicator`",
        ))
    }

    fn check_route(&self, pair: &RoutePair) -> Result<(), Refused> {
        let pairs = pairs_of(&self.settings.routes);
        if pairs.contains(pair) {
            return Ok(());
        }
        let known: Vec<String> = pairs.iter().map(|pair| format!("`{pair}`")).collect();
        Err(Refused::new(
            format!("unknown route `{pair}`"),
            format!("one of the routes of REPLICATOR_ROUTES: {}", known.join(", ")),
        ))
    }
}

impl From<FailoverError> for HubError {
    fn from(error: FailoverError) -> Self {
        match error {
            FailoverError::Refused(refused) => Self::Refused(refused),
            FailoverError::Cause(cause) => Self::Cause(cause),
        }
    }
}
