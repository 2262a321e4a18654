//! Prunes by plan. A first run shows the plan and its id; a run with that id carries out exactly that plan.

use std::collections::BTreeSet;

use super::{Hub, HubError, Progress};
use crate::aws::Lane;
use crate::deadline::Deadline;
use crate::domain::{AccountId, AccountOutcome, Leftovers, PlanStep, Purpose};
use crate::ownership::Fingerprint;
use crate::report::Report;
use crate::request::{Refused, RunOptions};
use crate::sweep::AccountResult;
use crate::work::Work;

/// The result of planning.
#[derive(Default)]
struct Planned {
    steps: BTreeSet<PlanStep>,
    /// Accounts without a step.
    without_steps: Vec<AccountOutcome>,
    /// Accounts that were not started.
    not_started: Vec<AccountId>,
}

impl Hub {
    /// Plans, and carries the plan out if its id is the expected one.
    pub(super) async fn prune(
        &self,
        leftovers: Leftovers,
        options: RunOptions,
        deadline: Deadline,
        work: Vec<Work>,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Report, HubError> {
        let policy = |plan, leftovers| {
            let options = RunOptions { plan, ..options };
            self.policy(Lane::Sweep, Purpose::Pruning(leftovers), options, deadline.clone())
        };
        let mut planned = Planned::default();
        let mut each = |result: &AccountResult| planned.add(result);
        let planning = policy(true, leftovers.clone());
        let mut shown =
            self.reconcile(Lane::Sweep, planning, work.clone(), progress, &mut each, None).await;
        let id = Fingerprint::of_plan(&planned.steps);
        let Some(expected) = options.expect else {
            shown.plan_id(id);
            return Ok(shown);
        };
        if deadline.is_stopped() {
            let mut report = Report::new();
            report.stopped();
            for Work { account, .. } in work {
                report.leave(account);
            }
            return Ok(report);
        }
        if id != expected {
            return Err(not_the_plan(expected, id).into());
        }
        let Planned { steps, without_steps, not_started } = planned;
        let accounts: BTreeSet<AccountId> = steps.iter().map(|step| step.account.clone()).collect();
        let work = work.into_iter().filter(|work| accounts.contains(&work.account)).collect();
        let execution = policy(false, Leftovers { only: Some(steps), ..leftovers });
        let mut report =
            self.reconcile(Lane::Sweep, execution, work, progress, &mut |_| (), None).await;
        for outcome in without_steps {
            report.take(outcome);
        }
        for account in not_started {
            report.leave(account);
        }
        Ok(report)
    }
}

impl Planned {
    fn add(&mut self, result: &AccountResult) {
        match result {
            AccountResult::NotStarted(account) => self.not_started.push(account.clone()),
            AccountResult::Reconciled(outcome, _) if outcome.steps.is_empty() => {
                self.without_steps.push((**outcome).clone());
            }
            AccountResult::Reconciled(outcome, _) => {
                let step = |step: &crate::domain::Step| PlanStep {
                    account: outcome.account.clone(),
                    region: step.region.clone(),
                    item: step.item.clone(),
                    change: step.change,
                };
                self.steps.extend(outcome.steps.iter().map(step));
            }
        }
    }
}

fn not_the_plan(expected: Fingerprint, now: Fingerprint) -> Refused {
    Refused::new(
        format!(
            "the plan has changed: the expected id is {expected}, the id now is {now}; nothing was done"
        ),
        "the id of the current plan, which the same command without `--yes` and `--expect` shows",
    )
}
