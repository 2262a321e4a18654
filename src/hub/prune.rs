//! Prunes by plan: the plan is shown with its id, and a person who gives that id has exactly that plan carried out.

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

/// What planning came to, account by account.
#[derive(Default)]
struct Planned {
    steps: BTreeSet<PlanStep>,
    /// Accounts in which nothing is planned.
    others: Vec<AccountOutcome>,
    /// Accounts that were not looked at.
    left: Vec<AccountId>,
}

impl Hub {
    /// Plans, and carries the plan out if it is the one whose id is expected.
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
        let mut each = |finished: &AccountResult| planned.take(finished);
        let planning = policy(true, leftovers.clone());
        let mut shown =
            self.reconcile(Lane::Sweep, planning, work.clone(), progress, &mut each).await;
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
        let Planned { steps, others, left } = planned;
        let accounts: BTreeSet<AccountId> = steps.iter().map(|step| step.account.clone()).collect();
        let work = work.into_iter().filter(|work| accounts.contains(&work.account)).collect();
        let carrying_out = policy(false, Leftovers { only: Some(steps), ..leftovers });
        let mut report =
            self.reconcile(Lane::Sweep, carrying_out, work, progress, &mut |_| ()).await;
        for outcome in others {
            report.take(outcome);
        }
        for account in left {
            report.leave(account);
        }
        Ok(report)
    }
}

impl Planned {
    fn take(&mut self, finished: &AccountResult) {
        match finished {
            AccountResult::NotStarted(account) => self.left.push(account.clone()),
            AccountResult::Reconciled(outcome, _) if outcome.steps.is_empty() => {
                self.others.push((**outcome).clone());
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
            "the plan is not the one that was shown: its id was to be {expected} and is {now} now, so nothing was done"
        ),
        "the id of the present plan; the same command without `--yes` and `--expect` shows it",
    )
}
