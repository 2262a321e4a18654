//! One run: reconciles all accounts, then removes the replicas of absent sources that no event witnessed, and folds the
//! results into one report.

use std::sync::Arc;

use futures::StreamExt;

use super::record::Recorder;
use super::record_account::{SweepRun, pairs_of_route};
use super::{Hub, Progress};
use crate::aws::Lane;
use crate::deadline::Deadline;
use crate::domain::{AccountOutcome, ExecutionName, Failure, Purpose, Writers};
use crate::organization::MemberAccount;
use crate::parameters::MassAbsence;
use crate::report::{Report, Status};
use crate::request::RunOptions;
use crate::route_gate::RouteGate;
use crate::run_policy::{RunPolicy, Writing};
use crate::sweep::{AccountAbsences, AccountResult, remove_absent, sweep};
use crate::work::Work;

impl Hub {
    /// Reconciles the accounts of `work`. `each` is called for every account when it is finished.
    pub(super) async fn reconcile(
        &self,
        lane: Lane,
        policy: RunPolicy,
        work: Vec<Work>,
        progress: &(dyn Fn(Progress) + Sync),
        each: &mut (dyn FnMut(&AccountResult) + Send),
        mut recorder: Option<&mut Recorder>,
    ) -> Report {
        let connection = match lane {
            Lane::Sweep => &self.sweeps,
            Lane::Events => &self.events,
        };
        let plans = policy.writing == Writing::PlanOnly;
        let mut report = if plans { Report::of_plan() } else { Report::new() };
        if self.at_a_terminal {
            report = report.for_a_terminal();
        }
        let policy = Arc::new(policy);
        let total = work.len();
        let mut finished = 0;
        let mut absent = Vec::new();
        let mut accounts = std::pin::pin!(sweep(
            connection,
            &policy,
            &self.recent,
            work,
            self.settings.account_concurrency
        ));
        while let Some(account) = accounts.next().await {
            finished += 1;
            each(&account);
            let (account, status) = match account {
                AccountResult::Reconciled(outcome, Some(absences)) => {
                    finished -= 1;
                    absent.push((*outcome, absences));
                    continue;
                }
                AccountResult::Reconciled(mut outcome, None) => {
                    self.record(recorder.as_deref_mut(), &mut outcome).await;
                    let reported = (outcome.account.clone(), Status::of(&outcome));
                    report.take(*outcome);
                    reported
                }
                AccountResult::NotStarted(account) => {
                    report.leave(account.clone());
                    (account, Status::Incomplete)
                }
            };
            progress(Progress::Account { finished, total, account, status });
        }
        let finished = (finished, total);
        self.remove_absent(&policy, absent, finished, progress, &mut report, recorder).await;
        if policy.deadline.is_stopped() {
            report.stopped();
        }
        report
    }

    /// Removes the replicas of unwitnessed absences, unless the number of accounts with new ones is a mass absence.
    async fn remove_absent(
        &self,
        policy: &Arc<RunPolicy>,
        absent: Vec<(AccountOutcome, AccountAbsences)>,
        (mut finished, total): (usize, usize),
        progress: &(dyn Fn(Progress) + Sync),
        report: &mut Report,
        mut recorder: Option<&mut Recorder>,
    ) {
        let with_new = absent.iter().filter(|(_, absences)| absences.has_new()).count();
        let mass = MassAbsence::of(with_new, total).filter(|_| !policy.lifts_brake);
        let concurrency = self.settings.account_concurrency;
        let mut rest =
            std::pin::pin!(remove_absent(policy, &self.recent, absent, mass, concurrency));
        while let Some(mut outcome) = rest.next().await {
            finished += 1;
            self.record(recorder.as_deref_mut(), &mut outcome).await;
            let (account, status) = (outcome.account.clone(), Status::of(&outcome));
            report.take(outcome);
            progress(Progress::Account { finished, total, account, status });
        }
    }

    /// The recorder of a sweep; `None` without a table. A sweep of a terminal is named by its time.
    pub(super) fn recorder(
        &self,
        execution: Option<ExecutionName>,
        work: &[Work],
        members: Vec<MemberAccount>,
        deadline: &Deadline,
    ) -> Option<Recorder> {
        let started = self.sweeps.now();
        let by_time = || self.at_a_terminal.then(|| ExecutionName::of_hubctl(started));
        // A sweep has the same routes in every account.
        let routes = work.first()?.assignments.iter().map(|assignment| &assignment.route);
        let run = SweepRun {
            execution: execution.or_else(by_time),
            started,
            pairs: routes.flat_map(pairs_of_route).collect(),
            routes: self.settings.routes.clone(),
        };
        let accounts = work.iter().map(|work| work.account.clone()).collect();
        Some(Recorder::begin(self.table.clone()?, run, (accounts, members), deadline.clone()))
    }

    async fn record(&self, recorder: Option<&mut Recorder>, outcome: &mut AccountOutcome) {
        if let Some(recorder) = recorder {
            recorder.take(outcome, self.sweeps.now()).await;
        }
    }

    /// Waits for the records of a sweep. Records that cannot be written are a failure of the hub.
    pub(super) async fn finish_records(&self, recorder: Option<Recorder>, report: &mut Report) {
        let Some(recorder) = recorder else { return };
        if let Err(cause) = recorder.finish().await {
            tracing::error!(error_kind = %cause.kind, "{}", cause.message);
            report.fail(Failure::of_hub(cause).in_region(self.sweeps.region()));
        }
    }

    /// Adds to a prune the accounts of `work` that the settings exclude by id: all their replicas are leftovers.
    pub(super) fn purpose(&self, requested: Purpose, work: &[Work]) -> Purpose {
        let Purpose::Pruning(mut leftovers) = requested else { return requested };
        let accounts = work.iter().map(|work| &work.account);
        let excluded = accounts.filter(|account| !self.settings.accounts.names_account(account));
        leftovers.accounts.extend(excluded.cloned());
        Purpose::Pruning(leftovers)
    }

    /// The gate of a run that writes. Each run reads the states of the routes again.
    fn gate(&self, options: RunOptions) -> Option<Arc<RouteGate>> {
        let table = self.table.as_ref().filter(|_| !options.plan)?;
        Some(Arc::new(RouteGate::new(table.clone(), self.settings.routes.clone())))
    }

    pub(super) fn policy(
        &self,
        lane: Lane,
        purpose: Purpose,
        options: RunOptions,
        deadline: Deadline,
    ) -> RunPolicy {
        let settings = &self.settings;
        RunPolicy {
            writing: if options.plan { Writing::PlanOnly } else { Writing::Apply },
            from_events: lane == Lane::Events,
            trust: options.trust,
            labels: options.labels,
            take_over: options.take_over,
            max_deletes: options.max_deletes.unwrap_or(settings.max_deletes),
            // A run with its own limit is a person's decision, so it does not use up the day's allowance.
            allowances: match options.max_deletes {
                Some(_) => Arc::default(),
                None => Arc::clone(&self.allowances),
            },
            lifts_brake: options.lifts_brake,
            delete_grace_days: settings.delete_grace_days,
            purpose,
            on_conflict: settings.on_conflict,
            on_target_change: settings.on_target_change,
            writers: Writers {
                spoke_role: settings.spoke_role_name.clone(),
                failover_role: settings.failover_role_name.clone(),
                trusted: settings.trusted_writers.clone(),
            },
            names: settings.names.clone(),
            kms_keys: settings.kms_keys.clone(),
            routes: settings.routes.clone(),
            gate: self.gate(options),
            deadline,
        }
    }
}
