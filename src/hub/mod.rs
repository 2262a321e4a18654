//! The hub: performs a request for Lambda or for a terminal, and publishes and returns the result.
//!
//! [`Hub::perform`] is where every request begins. `open.rs` sets the hub up, `list.rs` lists accounts for the state
//! machine, `events.rs` handles events, `held.rs` records the events that were not handled, `run.rs` reconciles many
//! accounts, `record.rs` records sweeps in the table, `finish.rs` ends an execution, `prune.rs` prunes by plan,
//! `failover.rs` changes and shows the states of routes, and `notifications.rs` publishes digests and metrics.

mod events;
mod failover;
mod finish;
mod held;
mod list;
mod notifications;
mod open;
mod prune;
mod record;
mod record_account;
mod run;

use std::sync::{Arc, Mutex};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use self::events::EventResult;
use crate::allowances::Allowances;
use crate::aws::{Connection, Lane};
use crate::deadline::Deadline;
use crate::domain::{AccountId, Cause, Failure, Purpose, Region, RoutePair, Timestamp};
use crate::failover::FailoverAnswer;
use crate::organization::{self, MemberAccount, Members};
use crate::recent_deletes::RecentDeletes;
use crate::report::{RecentlyReported, Report, Response, Status};
use crate::request::{self, Accounts, Event, Reconcile, Record, Refused, Request};
use crate::settings::{Settings, SettingsError, TableSetting, Unmatched};
use crate::status::HubStatus;
use crate::table::Table;
use crate::work::{self, Work};

/// The hub, ready for requests.
pub struct Hub {
    settings: Settings,
    /// The connection for sweeps and payloads.
    sweeps: Connection,
    /// The connection for events, with its own part of the quotas.
    events: Connection,
    /// The hub's table; `None` if every route is active (`REPLICATOR_TABLE=none`), or for a program that only plans.
    table: Option<Table>,
    recent: Arc<RecentDeletes>,
    allowances: Arc<Allowances>,
    recently_reported: Mutex<RecentlyReported>,
    /// Whether reports keep the details that only a terminal shows.
    at_a_terminal: bool,
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The settings are invalid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The request is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// AWS is unreachable, or refused a call that every run needs.
    #[error(transparent)]
    Cause(#[from] Cause),
}

/// Limits a run to a part of the routes, in addition to its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteFilter {
    /// Only the route from this Region.
    pub route_source: Option<Region>,
    /// Only the routes to this Region.
    pub route_target: Option<Region>,
}

/// What a run reports while it is under way.
#[derive(Clone, Debug)]
pub enum Progress {
    /// An account is finished.
    Account {
        /// The number of finished accounts.
        finished: usize,
        /// The number of all accounts.
        total: usize,
        /// The account that is now finished.
        account: AccountId,
        /// The status of this account.
        status: Status,
    },
    /// A route is frozen, and the run waits until no request can be under way.
    Frozen {
        /// The route.
        pair: RoutePair,
        /// The expected end of the wait.
        until: Timestamp,
    },
}

/// The answer to a request.
#[derive(Debug)]
pub enum Answer {
    /// The report of a reconcile, a sweep or a plan.
    Report(Box<Response>),
    /// The reason why an event is ignored.
    Ignored(String),
    /// Accounts in batches.
    Accounts(Value),
    /// The sum of an execution.
    Execution(Value),
    /// The messages of a batch that return to the queue, and the report of the whole batch.
    Batch(Value, Box<Response>),
    /// The state of a route after `freeze` or `thaw`.
    Failover(Box<FailoverAnswer>),
    /// What the table says about the routes.
    Status(Box<HubStatus>),
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Report(response) => response.serialize(serializer),
            Self::Ignored(why) => {
                json!({"status": Status::InSync.word(), "ignored": why}).serialize(serializer)
            }
            Self::Accounts(answer) | Self::Execution(answer) | Self::Batch(answer, _) => {
                answer.serialize(serializer)
            }
            Self::Failover(answer) => answer.serialize(serializer),
            Self::Status(status) => status.serialize(serializer),
        }
    }
}

/// The work of a payload.
#[derive(Default)]
struct PlannedWork {
    work: Vec<Work>,
    /// The entries of the account filters that matched nothing.
    unmatched: Unmatched,
    /// The accounts as Organizations listed them, if the payload asks for all.
    members: Vec<MemberAccount>,
}

/// The result of a request.
#[derive(Debug)]
pub struct RunResult {
    /// The answer.
    pub answer: Answer,
    /// The metrics for Lambda's log, one line each.
    pub metrics: Vec<String>,
}

impl RunResult {
    const fn without_metrics(answer: Answer) -> Self {
        Self { answer, metrics: Vec::new() }
    }
}

impl Hub {
    /// Parses and performs a request.
    ///
    /// # Errors
    /// The request is refused, or the run cannot begin. Failures of a run that has begun are part of its answer.
    pub async fn run(
        &self,
        bytes: &[u8],
        filter: RouteFilter,
        deadline: Deadline,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Answer, HubError> {
        Ok(self.perform(request::parse(bytes)?, filter, deadline, progress).await?.answer)
    }

    /// Performs a request.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub async fn perform(
        &self,
        request: Request,
        filter: RouteFilter,
        deadline: Deadline,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RunResult, HubError> {
        self.check_table(&request)?;
        match request {
            Request::Reconcile(reconcile) => {
                // Boxed, because otherwise the future of every request has the size of this one.
                Box::pin(self.perform_reconcile(reconcile, &filter, deadline, progress)).await
            }
            Request::ListAccounts { batch, page, execution } => {
                let answer = self.list_accounts(batch, page, execution, &deadline);
                Box::pin(answer).await.map(RunResult::without_metrics)
            }
            Request::Finish(execution) => Box::pin(self.finish(&execution, &deadline)).await,
            Request::Failover(request) => {
                let answer = self.perform_failover(request, deadline, progress);
                Box::pin(answer).await.map(RunResult::without_metrics)
            }
            Request::Event(Err(ignored)) => {
                Ok(RunResult::without_metrics(Answer::Ignored(ignored.reason().to_owned())))
            }
            Request::Event(Ok(event)) => Ok(Box::pin(self.perform_event(event, deadline)).await),
            Request::Batch(records) => Ok(Box::pin(self.perform_batch(records, deadline)).await),
        }
    }

    /// Refuses a request that may write while the setting of the table is missing.
    fn check_table(&self, request: &Request) -> Result<(), Refused> {
        let writes = match request {
            Request::Reconcile(reconcile) => !reconcile.options.plan,
            // Commands on states require the table itself, and check it.
            Request::ListAccounts { .. }
            | Request::Finish(_)
            | Request::Event(Err(_))
            | Request::Failover(_) => false,
            Request::Event(Ok(_)) | Request::Batch(_) => true,
        };
        if !writes || self.settings.table != TableSetting::Unset {
            return Ok(());
        }
        Err(Refused::new(
            "missing `REPLICATOR_TABLE`: the state of the routes decides whether the hub may write",
            "the name of the table that the hub's stack made, or `none` for a hub without a table, whose routes are always active",
        ))
    }

    async fn perform_reconcile(
        &self,
        reconcile: Reconcile,
        filter: &RouteFilter,
        deadline: Deadline,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RunResult, HubError> {
        let (options, requested) = (reconcile.options, reconcile.purpose.clone());
        let is_equality = requested == Purpose::Equality;
        let records = is_equality && !options.plan && reconcile.item.is_none();
        let execution = reconcile.execution.clone();
        let is_of_all = reconcile.accounts == Accounts::Organization
            && *filter == RouteFilter::default()
            && reconcile.region.is_none();
        let before = self.sweeps.calls();
        let planned = deadline.unless_stopped(self.work(reconcile, filter)).await;
        let PlannedWork { work, unmatched, members } =
            planned.unwrap_or_else(|| Ok(PlannedWork::default()))?;
        let mut report = match self.purpose(requested, &work) {
            Purpose::Pruning(leftovers) => {
                self.prune(leftovers, options, deadline.clone(), work, progress).await?
            }
            purpose => {
                let policy = self.policy(Lane::Sweep, purpose, options, deadline.clone());
                // Only a sweep of everything tells which accounts the organisation has.
                let members = if is_of_all { members } else { Vec::new() };
                let mut recorder =
                    records.then(|| self.recorder(execution, &work, members, &deadline)).flatten();
                let each = &mut |_: &_| ();
                let mut report = self
                    .reconcile(Lane::Sweep, policy, work, progress, each, recorder.as_mut())
                    .await;
                self.finish_records(recorder, &mut report).await;
                report
            }
        };
        report.unmatched(unmatched);
        if is_of_all && is_equality {
            report.unmatched_names(&self.settings.names);
        }
        if !options.plan && is_equality {
            self.publish_digest(&mut report, &deadline).await;
        }
        let response = report.response();
        let metrics = self.measure(&self.sweeps, &before, &response, &[], &[]);
        Ok(RunResult { answer: Answer::Report(Box::new(response)), metrics })
    }

    async fn perform_event(&self, event: Event, deadline: Deadline) -> RunResult {
        match work::of_event(event, &self.settings.routes, &self.settings.accounts) {
            Err(ignored) => {
                RunResult::without_metrics(Answer::Ignored(ignored.reason().to_owned()))
            }
            Ok(event_work) => {
                let EventResult { report, metrics, .. } = self.handle(event_work, deadline).await;
                RunResult { answer: Answer::Report(Box::new(report.response())), metrics }
            }
        }
    }

    async fn perform_batch(&self, records: Vec<Record>, deadline: Deadline) -> RunResult {
        let event_work = work::of_batch(records, &self.settings.routes, &self.settings.accounts);
        let EventResult { report, returned, metrics } = self.handle(event_work, deadline).await;
        let failures: Vec<Value> =
            returned.into_iter().map(|id| json!({"itemIdentifier": id})).collect();
        let answer = json!({"batchItemFailures": failures});
        RunResult { answer: Answer::Batch(answer, Box::new(report.response())), metrics }
    }

    /// Reports the cause that kept a run from beginning in the same way as any other failure, including the digest:
    /// no person may be watching the caller.
    pub async fn could_not_begin(&self, cause: Cause, deadline: &Deadline) -> RunResult {
        let mut report = Report::new();
        report.fail(Failure::of_hub(cause));
        self.publish_digest(&mut report, deadline).await;
        let response = report.response();
        let metrics = self.measure(&self.sweeps, &self.sweeps.calls(), &response, &[], &[]);
        RunResult { answer: Answer::Report(Box::new(response)), metrics }
    }

    /// The work of a payload.
    async fn work(
        &self,
        reconcile: Reconcile,
        filter: &RouteFilter,
    ) -> Result<PlannedWork, HubError> {
        let RouteFilter { route_source, route_target } = filter;
        let Some(routes) = self.settings.routes.only(route_source.as_ref(), route_target.as_ref())
        else {
            let routes: Vec<String> =
                self.settings.routes.iter().map(ToString::to_string).collect();
            let named: Vec<&str> =
                [route_source, route_target].into_iter().flatten().map(Region::as_str).collect();
            let problem = format!("unknown route `{}`", named.join("="));
            return Err(Refused::new(problem, format!("one of {}", routes.join("; "))).into());
        };
        // Before the call of Organizations, so that a refused request costs no call.
        let assignments = work::assignments(&reconcile, &routes)?;
        let in_scope = |accounts: Vec<AccountId>| -> Result<Vec<AccountId>, Refused> {
            if !reconcile.options.even_if_excluded {
                work::named_in_scope(&accounts, &self.settings.accounts)?;
            }
            Ok(accounts)
        };
        let mut members = Vec::new();
        let (accounts, unmatched) = match reconcile.accounts {
            Accounts::These(accounts) => (in_scope(accounts)?, Unmatched::default()),
            Accounts::Hub => {
                (in_scope(vec![self.sweeps.hub_account().await?])?, Unmatched::default())
            }
            Accounts::Organization => {
                let Members { accounts, unmatched, .. } =
                    organization::member_accounts(&self.sweeps, &self.settings.accounts).await?;
                members.clone_from(&accounts);
                (accounts.into_iter().map(|member| member.id).collect(), unmatched)
            }
        };
        let work = work::of_accounts(&assignments, accounts).collect();
        Ok(PlannedWork { work, unmatched, members })
    }
}
