//! Removes leftovers: replicas that a change of the settings put out of scope, because the filters exclude the name, the
//! route or target no longer exists, or the account is excluded. Sweeps never do this, because a changed setting may be a
//! mistake; an operator runs `prune`.

use std::collections::{BTreeMap, BTreeSet};

use super::causes::{leftover_may_be_source, not_a_leftover};
use super::model::Observed;
use super::store::{NAMES_PER_CALL, Tagged, lists, mark_released};
use crate::aws::Session;
use crate::domain::{
    AccountOutcome, Assignment, Cause, Change, Item, Leftovers, OutcomeKind, ParameterName,
    PlanStep, Reason, Region, Scope,
};
use crate::guard::{Claim, Ruling};
use crate::ownership::{ConflictContext, Ownership, Provenance, is_marked, last, objection};
use crate::parameters::context::RouteContext;
use crate::parameters::reconcile::delete::{DeleteExecutor, DeleteResult, Judgement, Reread};
use crate::parameters::reconcile::histories::{HistoryRead, with_history};
use crate::parameters::results::{ItemResult, ItemResults};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// The leftover changed during the run.
const PENDING: ItemResult = ItemResult::Counted(OutcomeKind::Pending);

/// The judgement of a leftover that is not deleted.
enum Kept {
    /// The replica was adopted, so the hub only removes its tags.
    Release,
    Result(ItemResult),
    NotALeftover,
}

/// A marked parameter that is not a replica in scope, with the Region that its provenance names.
enum Standing {
    /// A replica that left the scope.
    Leftover(Region),
    /// A parameter where a route starts, while no route leads from that Region to here: it may be a source now.
    PossibleSource(Region),
}

struct Pruning<'a> {
    session: &'a Session,
    policy: &'a RunPolicy,
    recent: &'a RecentDeletes,
    leftovers: &'a Leftovers,
}

/// Removes the leftovers of one account in the targets of `assignments` and the Regions that `leftovers` names.
pub async fn prune(
    session: &Session,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    leftovers: &Leftovers,
    assignments: &[Assignment],
) -> AccountOutcome {
    let pruning = Pruning { session, policy, recent, leftovers };
    let regions: BTreeSet<&Region> = assignments
        .iter()
        .flat_map(|assignment| &assignment.route.targets)
        .chain(&leftovers.regions)
        .collect();
    let Some(listings) = policy.deadline.unless_stopped(lists(session, regions)).await else {
        return AccountOutcome::unfinished(session.account().clone());
    };
    let each = listings.iter().map(|(target, listing)| async {
        let mut results = ItemResults::default();
        match listing {
            Ok(listing) => pruning.prune_in(target, listing.values(), &mut results).await,
            Err(cause) => results.fail_region(target, cause.clone()),
        }
        results
    });
    let mut outcome = AccountOutcome::new(session.account().clone());
    for results in futures::future::join_all(each).await {
        outcome.merge(results.into_outcome(session.account()));
    }
    outcome
}

impl Pruning<'_> {
    /// The standing of a marked parameter outside the scope; `None` for every other parameter, and for provenance that names
    /// the target itself, which the hub never writes.
    fn standing(&self, target: &Region, held: &Observed) -> Option<Standing> {
        let provenance = Provenance::of(&held.tags).filter(|_| is_marked(&held.tags))?;
        let routes = &self.policy.routes;
        let leads_here = routes
            .from_source(&provenance.region)
            .is_some_and(|route| route.targets.contains(target));
        let in_scope = leads_here
            && self.policy.names.matches(held.parameter.name.as_str())
            && !self.leftovers.accounts.contains(self.session.account());
        if in_scope || provenance.region == *target {
            None
        } else if !leads_here && routes.from_source(target).is_some() {
            Some(Standing::PossibleSource(provenance.region))
        } else {
            Some(Standing::Leftover(provenance.region))
        }
    }

    /// The leftovers among the listed parameters, by the Region of their provenance. Reports those that may be sources.
    fn leftovers_in<'a>(
        &self,
        target: &Region,
        held: impl Iterator<Item = &'a Observed>,
        results: &mut ItemResults,
    ) -> BTreeMap<Region, Vec<Observed>> {
        let mut leftovers: BTreeMap<Region, Vec<Observed>> = BTreeMap::new();
        for held in held {
            match self.standing(target, held) {
                None => {}
                Some(Standing::Leftover(source)) => {
                    leftovers.entry(source).or_default().push(held.clone());
                }
                Some(Standing::PossibleSource(of)) => {
                    let evidence = held.evidence(self.session.account(), target);
                    let cause = leftover_may_be_source(&of, target, &last(&evidence.present()));
                    results.fail(&held.parameter.name, target, target, cause);
                }
            }
        }
        leftovers
    }

    /// Whether the confirmed plan contains this step.
    fn is_planned(&self, target: &Region, name: &ParameterName, change: Change) -> bool {
        self.leftovers.only.as_ref().is_none_or(|steps| {
            steps.contains(&PlanStep {
                account: self.session.account().clone(),
                region: target.clone(),
                item: Item::Parameter(name.clone()),
                change,
            })
        })
    }

    /// Reports the steps of the confirmed plan for which nothing was left to do in `target`.
    fn report_missed(&self, target: &Region, results: &mut ItemResults) {
        let account = self.session.account();
        let steps = self.leftovers.only.iter().flatten();
        for step in steps.filter(|step| step.account == *account && step.region == *target) {
            if let Item::Parameter(name) = &step.item
                && results.get(name, target).is_none()
            {
                results.fail(name, target, target, not_a_leftover(step.change));
            }
        }
    }

    async fn prune_in(
        &self,
        target: &Region,
        held: impl Iterator<Item = &Observed>,
        results: &mut ItemResults,
    ) {
        // Each write names the route of the leftover, because a route that is not active allows none.
        for (source, leftovers) in self.leftovers_in(target, held, results) {
            let session = self.session.on_route(&source, self.policy.purpose.need());
            self.prune_route(&session, target, &leftovers, results).await;
        }
        self.report_missed(target, results);
    }

    async fn prune_route(
        &self,
        session: &Session,
        target: &Region,
        leftovers: &[Observed],
        results: &mut ItemResults,
    ) {
        let executor = DeleteExecutor::new(session, self.policy, self.recent, target);
        for chunk in leftovers.chunks(NAMES_PER_CALL) {
            if self.policy.deadline.is_stopped() {
                for held in chunk {
                    results.record(&held.parameter.name, target, PENDING);
                }
                continue;
            }
            let read = executor.reread(chunk).await;
            let read = self.with_histories(target, read).await;
            let judge = |held: &Observed| self.judge(target, held);
            for (name, deleted) in executor.delete_judged(read, &judge).await {
                let result = match deleted {
                    DeleteResult::Deleted => ItemResult::Counted(OutcomeKind::Deleted),
                    // The next run decides.
                    DeleteResult::Changed => PENDING,
                    DeleteResult::Failed(cause) => failed(target, cause),
                    DeleteResult::Kept(Kept::Release) => release(session, target, &name).await,
                    DeleteResult::Kept(Kept::Result(result)) => result,
                    DeleteResult::Kept(Kept::NotALeftover) => continue,
                };
                results.record(&name, target, result);
            }
        }
    }

    /// Reads the histories on which the ownership of leftovers depends.
    async fn with_histories(
        &self,
        target: &Region,
        read: Vec<(ParameterName, Reread)>,
    ) -> Vec<(ParameterName, Reread)> {
        let mut all = Vec::new();
        for (name, read) in read {
            let read = match read {
                Reread::Unchanged(held) => self.with_history(target, held).await,
                read => read,
            };
            all.push((name, read));
        }
        all
    }

    async fn with_history(&self, target: &Region, mut held: Observed) -> Reread {
        let Some(Standing::Leftover(source)) = self.standing(target, &held) else {
            return Reread::Unchanged(held);
        };
        let context = self.context(&source);
        let case = context.case(target, None, Some(&held), None);
        if case.ownership(context.plan_policy(context.parity())) != Ownership::NeedsHistory {
            return Reread::Unchanged(held);
        }
        match with_history(&context, &source, target, &mut held).await {
            Ok(HistoryRead::Done) => Reread::Unchanged(held),
            Ok(HistoryRead::Changed) => Reread::Changed,
            Err(cause) => Reread::Failed(cause),
        }
    }

    /// Judges a leftover from its tags and version, and from its history where ownership depends on it.
    fn judge(&self, target: &Region, held: &Observed) -> Judgement<Kept> {
        let keep = |result| Judgement::Keep(Kept::Result(result));
        let Some(Standing::Leftover(source)) = self.standing(target, held) else {
            return Judgement::Keep(Kept::NotALeftover);
        };
        let context = self.context(&source);
        let ownership = context
            .case(target, None, Some(held), None)
            .ownership(context.plan_policy(context.parity()));
        let Ownership::Owned { provenance, .. } = &ownership else {
            let evidence = held.evidence(self.session.account(), target);
            let site = ConflictContext {
                account: self.session.account(),
                source: &source,
                target,
                name: &held.parameter.name,
                source_exists: false,
                held: &evidence.present(),
            };
            return objection(&ownership, site)
                .map_or(Judgement::Keep(Kept::NotALeftover), |cause| keep(failed(target, cause)));
        };
        let adopted = provenance.adopted;
        let change = if adopted { Change::Retag } else { Change::Delete };
        let claim = adopted.then_some(Claim::Release);
        match context.judge_replica(target, change, held, claim) {
            // A leftover that appeared after the plan was shown.
            Ruling::Proceed if !self.is_planned(target, &held.parameter.name, change) => {
                keep(PENDING)
            }
            Ruling::Proceed if adopted => Judgement::Keep(Kept::Release),
            Ruling::Proceed => Judgement::Delete,
            Ruling::ReportOnly => {
                let because = self.because(&held.parameter.name);
                keep(ItemResult::Planned { change, because, class: None, reported: None })
            }
            Ruling::Refused(cause) => keep(failed(target, cause)),
        }
    }

    fn because(&self, name: &ParameterName) -> Vec<Reason> {
        let by_default = self.policy.names.is_bookkeeping(name.as_str());
        let by_default = by_default.then_some(Reason::ExcludedByDefault);
        [Reason::OutOfScope].into_iter().chain(by_default).collect()
    }

    fn context<'a>(&'a self, source: &'a Region) -> RouteContext<'a> {
        RouteContext::new(self.session, self.policy, self.recent, source, &Scope::Everything)
    }
}

/// Releases a leftover that was adopted.
async fn release(session: &Session, target: &Region, name: &ParameterName) -> ItemResult {
    match mark_released(session, target, name).await {
        Ok(Tagged::Yes) => ItemResult::Counted(OutcomeKind::Retagged),
        Ok(Tagged::Gone) => PENDING,
        Err(cause) => failed(target, cause),
    }
}

fn failed(target: &Region, cause: Cause) -> ItemResult {
    ItemResult::Failed { region: target.clone(), cause }
}
