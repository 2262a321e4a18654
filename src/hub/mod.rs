//! What Lambda and terminal share: a request is read, its work done, and what came of it told.

mod events;
mod notifications;
mod prune;
mod run;

use std::sync::{Arc, Mutex};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use self::events::EventResult;
use crate::allowances::Allowances;
use crate::aws::{Connection, Environment, Lane, Options, Quotas};
use crate::deadline::Deadline;
use crate::domain::{AccountId, Cause, Failure, Purpose, Region, Routes, Subject};
use crate::organization::{self, Members};
use crate::recent_deletes::RecentDeletes;
use crate::report::{RecentlyReported, Report, Response, Status};
use crate::request::{self, Accounts, Reconcile, Refused, Request};
use crate::settings::{RawSettings, Settings, SettingsError, Unmatched};
use crate::work::{self, Work};

/// The service, set up and ready for requests.
pub struct Hub {
    settings: Settings,
    /// For sweeps and people's payloads.
    sweeps: Connection,
    /// For events, with their own part of the quotas.
    events: Connection,
    recent: Arc<RecentDeletes>,
    allowances: Arc<Allowances>,
    recently_reported: Mutex<RecentlyReported>,
    /// Whether reports keep all that a terminal can be shown.
    at_a_terminal: bool,
}

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Settings that cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A request that is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// AWS could not be reached, or refused what every run needs.
    #[error(transparent)]
    Cause(#[from] Cause),
}

/// What a run is narrowed to, beyond its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteFilter {
    /// Only the route from this Region.
    pub route_source: Option<Region>,
    /// Only this target.
    pub route_target: Option<Region>,
}

/// A finished account.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Accounts that are finished.
    pub finished: usize,
    /// Accounts in all.
    pub total: usize,
    /// This one.
    pub account: AccountId,
    /// How it ended.
    pub status: Status,
}

/// What a request is answered with.
#[derive(Debug)]
pub enum Answer {
    /// What came of a reconcile, a sweep or a plan.
    Report(Box<Response>),
    /// An event that is not the hub's business, and why.
    Ignored(String),
    /// Accounts in batches.
    Accounts(Value),
    /// The messages of a queue's batch that come back, and what came of all of them.
    Batch(Value, Box<Response>),
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Report(response) => response.serialize(serializer),
            Self::Ignored(why) => {
                json!({"status": Status::InSync.word(), "ignored": why}).serialize(serializer)
            }
            Self::Accounts(answer) | Self::Batch(answer, _) => answer.serialize(serializer),
        }
    }
}

/// A request that was done.
#[derive(Debug)]
pub struct RunResult {
    /// The answer.
    pub answer: Answer,
    /// What was measured, a line each, for Lambda's log.
    pub metrics: Vec<String>,
}

impl Hub {
    /// Reads the settings and connects, for a terminal.
    ///
    /// # Errors
    /// All faults of the settings at once; a setting kept in Parameter Store that cannot be fetched; no Region.
    pub async fn open() -> Result<Self, HubError> {
        let raw = fetched(RawSettings::from_environment()).await?;
        let hub = Self::with(raw.parse()?, Environment::default()).await?;
        Ok(Self { at_a_terminal: true, ..hub })
    }

    /// The same for Lambda, where failures must reach someone: the topic is required.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_in_lambda() -> Result<Self, HubError> {
        let raw = fetched(RawSettings::from_environment()).await?;
        Self::with(raw.parse_for_lambda()?, Environment::default()).await
    }

    /// With settings that were read already.
    ///
    /// # Errors
    /// No Region.
    pub async fn with(settings: Settings, environment: Environment) -> Result<Self, HubError> {
        let sweeps = Connection::open(options(&settings, environment)).await?;
        let events = sweeps.in_lane(Lane::Events)?;
        let (recent, allowances, recently_reported) = <_>::default();
        Ok(Self {
            settings,
            sweeps,
            events,
            recent,
            allowances,
            recently_reported,
            at_a_terminal: false,
        })
    }

    /// Reads a request and does what it asks for.
    ///
    /// # Errors
    /// A request that is refused, and what keeps a run from beginning. What happens once it has begun is in the answer.
    pub async fn run(
        &self,
        bytes: &[u8],
        filter: RouteFilter,
        deadline: Deadline,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Answer, HubError> {
        Ok(self.perform(request::parse(bytes)?, filter, deadline, progress).await?.answer)
    }

    /// Does what a request asks for.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn perform(
        &self,
        request: Request,
        filter: RouteFilter,
        deadline: Deadline,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RunResult, HubError> {
        let unmeasured = |answer| Ok(RunResult { answer, metrics: Vec::new() });
        match request {
            Request::Reconcile(reconcile) => {
                let (options, asked) = (reconcile.options, reconcile.purpose.clone());
                let is_equality = asked == Purpose::Equality;
                let is_of_all = reconcile.accounts == Accounts::Organization
                    && filter == RouteFilter::default()
                    && reconcile.region.is_none();
                let before = self.sweeps.calls();
                let asked_for = deadline.unless_stopped(self.work(reconcile, &filter)).await;
                let (work, unmatched) = asked_for.unwrap_or_else(|| Ok(<_>::default()))?;
                let mut report = match self.purpose(asked, &work) {
                    Purpose::Pruning(leftovers) => {
                        self.prune(leftovers, options, deadline.clone(), work, progress).await?
                    }
                    purpose => {
                        let policy = self.policy(Lane::Sweep, purpose, options, deadline.clone());
                        self.reconcile(Lane::Sweep, policy, work, progress, &mut |_| ()).await
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
            Request::ListAccounts { batch, page } => {
                unmeasured(self.list_accounts(batch, page, &deadline).await?)
            }
            Request::Event(Err(ignored)) => {
                unmeasured(Answer::Ignored(ignored.reason().to_owned()))
            }
            Request::Event(Ok(event)) => {
                let Settings { routes, accounts, .. } = &self.settings;
                match work::of_event(event, routes, accounts) {
                    Err(ignored) => unmeasured(Answer::Ignored(ignored.reason().to_owned())),
                    Ok(event_work) => {
                        let EventResult { report, metrics, .. } =
                            self.handle(event_work, deadline).await;
                        Ok(RunResult {
                            answer: Answer::Report(Box::new(report.response())),
                            metrics,
                        })
                    }
                }
            }
            Request::Batch(records) => {
                let event_work =
                    work::of_batch(records, &self.settings.routes, &self.settings.accounts);
                let EventResult { report, returned, metrics } =
                    self.handle(event_work, deadline).await;
                let failures: Vec<Value> =
                    returned.into_iter().map(|id| json!({"itemIdentifier": id})).collect();
                let answer = json!({"batchItemFailures": failures});
                let answer = Answer::Batch(answer, Box::new(report.response()));
                Ok(RunResult { answer, metrics })
            }
        }
    }

    /// What kept a run from beginning, told as any other failure: nobody may be watching.
    pub async fn could_not_begin(&self, cause: Cause, deadline: &Deadline) -> RunResult {
        let mut report = Report::new();
        report.fail(Failure { account: None, region: None, subject: Subject::Hub, cause });
        self.publish_digest(&mut report, deadline).await;
        let response = report.response();
        let metrics = self.measure(&self.sweeps, &self.sweeps.calls(), &response, &[], &[]);
        RunResult { answer: Answer::Report(Box::new(response)), metrics }
    }

    async fn work(
        &self,
        reconcile: Reconcile,
        filter: &RouteFilter,
    ) -> Result<(Vec<Work>, Unmatched), HubError> {
        let RouteFilter { route_source, route_target } = filter;
        let Some(routes) = self.settings.routes.only(route_source.as_ref(), route_target.as_ref())
        else {
            let routes: Vec<String> =
                self.settings.routes.iter().map(ToString::to_string).collect();
            return Err(Refused::new(
                "no route is the one named",
                format!("one of {}", routes.join("; ")),
            )
            .into());
        };
        // Before Organizations is asked, so that a refusal costs no call.
        let assignments = work::assignments(&reconcile, &routes)?;
        let in_scope = |accounts: Vec<AccountId>| -> Result<Vec<AccountId>, Refused> {
            if !reconcile.options.even_if_excluded {
                work::named_in_scope(&accounts, &self.settings.accounts)?;
            }
            Ok(accounts)
        };
        let (accounts, unmatched) = match reconcile.accounts {
            Accounts::These(accounts) => (in_scope(accounts)?, Unmatched::default()),
            Accounts::Hub => {
                (in_scope(vec![self.sweeps.hub_account().await?])?, Unmatched::default())
            }
            Accounts::Organization => {
                let filter = &self.settings.accounts;
                let Members { accounts, unmatched, .. } =
                    organization::member_accounts(&self.sweeps, filter).await?;
                (accounts, unmatched)
            }
        };
        Ok((work::of_accounts(&assignments, accounts).collect(), unmatched))
    }

    /// Accounts in batches, each a part of a payload that can be sent as it is. What of the filters matched nothing is
    /// published, and in the answer, by which the state machine ends as failed.
    async fn list_accounts(
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

fn options(settings: &Settings, environment: Environment) -> Options {
    Options {
        region: fallback_region(&settings.routes),
        spoke_role_name: settings.spoke_role_name.clone(),
        external_id: settings.spoke_external_id.clone(),
        operator_role_arn: settings.operator_role_arn.clone(),
        quotas: Quotas {
            source_share: settings.source_quota_share,
            target_share: settings.target_quota_share,
            source_regions: settings.routes.iter().map(|route| route.source.clone()).collect(),
            overrides: settings.quotas.clone(),
            lane: Lane::Sweep,
            event_concurrency: settings.event_concurrency,
        },
        items_in_flight: settings.items_in_flight,
        environment,
    }
}

/// Where the hub's own calls go when nothing says: a failover Region, which outlives the one that it protects.
fn fallback_region(routes: &Routes) -> Option<Region> {
    routes.iter().next().and_then(|route| route.targets.first()).cloned()
}

/// Puts the text of the parameters that settings refer to (`ssm:/name`) in their place.
async fn fetched(mut raw: RawSettings) -> Result<RawSettings, HubError> {
    let references = raw.references();
    if references.is_empty() {
        return Ok(raw);
    }
    let connection = Connection::open(Options::default()).await?;
    for reference in references {
        let text = connection.own_parameter(&reference.name).await.map_err(|cause| {
            let message = format!(
                "{} refers to the parameter {}: {}",
                reference.setting, reference.name, cause.message
            );
            Cause { message, ..cause }
        })?;
        raw = raw.with_fetched(&reference.name, &text);
    }
    Ok(raw)
}
