//! Removes replicas that left the settings' scope: of a name that the filters leave out, of a route or a target that is
//! no more, of an account that is excluded. A sweep never does this, since a setting may be a slip; a person asks for it.

use std::collections::BTreeSet;

use super::model::Observed;
use super::store::{NAMES_PER_CALL, Tagged, lists, mark_released};
use crate::aws::Session;
use crate::domain::{
    AccountId, AccountOutcome, Assignment, Cause, Change, ConflictClass, FailureKind, Item,
    Leftovers, MARK_KEY, OutcomeKind, PROVENANCE_KEY, ParameterName, PlanStep, Reason, Region,
    Scope,
};
use crate::guard::{Claim, Occupant, Proposal, Ruling};
use crate::ownership::{ConflictContext, Ownership, Provenance, is_marked, last, objection};
use crate::parameters::context::RouteContext;
use crate::parameters::reconcile::delete::{Deleted, Executor, Now};
use crate::parameters::reconcile::histories::{Read, with_history};
use crate::parameters::results::{ItemResult, ItemResults};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// It changed under our hands.
const PENDING: ItemResult = ItemResult::Counted(OutcomeKind::Pending);

/// What is done with a leftover.
enum Verdict {
    Delete,
    /// It was adopted: the hub's tags come off.
    Release,
    /// It ends so.
    End(ItemResult),
    /// It is not a leftover.
    Nothing,
}

/// What a marked parameter is that is no replica in scope; with the Region that its provenance names.
enum Standing {
    /// A replica that left the scope.
    Leftover(Region),
    /// It stands where a route begins, and no route leads from that Region to here: it may be a source by now.
    Source(Region),
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
    /// What a parameter is that is no replica in scope; `None` of anything else, and of what names its own Region, which
    /// nobody can have replicated.
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
            Some(Standing::Source(provenance.region))
        } else {
            Some(Standing::Leftover(provenance.region))
        }
    }

    /// Those that are leftovers by what was listed; what may be a source is reported.
    fn found<'a>(
        &self,
        target: &Region,
        held: impl Iterator<Item = &'a Observed>,
        results: &mut ItemResults,
    ) -> Vec<Observed> {
        let mut found = Vec::new();
        for held in held {
            match self.standing(target, held) {
                None => {}
                Some(Standing::Leftover(_)) => found.push(held.clone()),
                Some(Standing::Source(of)) => {
                    let cause = marked_source(&of, target, held, self.session.account());
                    results.fail(&held.parameter.name, target, target, cause);
                }
            }
        }
        found
    }

    /// Whether the plan that is carried out has this step.
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

    /// Reports the steps of the plan that found nothing to do in `target`.
    fn report_missed(&self, target: &Region, results: &mut ItemResults) {
        let account = self.session.account();
        let steps = self.leftovers.only.iter().flatten();
        for step in steps.filter(|step| step.account == *account && step.region == *target) {
            if let Item::Parameter(name) = &step.item
                && results.of(name, target).is_none()
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
        let executor = Executor { session: self.session, recent: self.recent, target };
        let found = self.found(target, held, results);
        for some in found.chunks(NAMES_PER_CALL) {
            if self.policy.deadline.is_stopped() {
                for held in some {
                    results.end(&held.parameter.name, target, PENDING);
                }
                continue;
            }
            let (mut deletes, mut releases) = (Vec::new(), Vec::new());
            for held in self.read_again(&executor, some, results).await {
                let name = held.parameter.name.clone();
                match self.judged(target, &held) {
                    Verdict::Delete => deletes.push(held),
                    Verdict::Release => releases.push(name),
                    Verdict::End(result) => results.end(&name, target, result),
                    Verdict::Nothing => {}
                }
            }
            let may_go = |held: &Observed| matches!(self.judged(target, held), Verdict::Delete);
            for (name, deleted) in executor.delete(deletes, &may_go).await {
                match deleted {
                    Deleted::Done => {
                        results.end(&name, target, ItemResult::Counted(OutcomeKind::Deleted));
                    }
                    Deleted::Changed => results.end(&name, target, PENDING),
                    Deleted::Failed(cause) => results.fail(&name, target, target, cause),
                }
            }
            for name in releases {
                match mark_released(self.session, target, &name).await {
                    Ok(Tagged::Yes) => {
                        results.end(&name, target, ItemResult::Counted(OutcomeKind::Retagged));
                    }
                    Ok(Tagged::Gone) => results.end(&name, target, PENDING),
                    Err(cause) => results.fail(&name, target, target, cause),
                }
            }
        }
        self.report_missed(target, results);
    }

    /// Whether a leftover goes, by what was read of it and, where that decides, its history.
    fn judged(&self, target: &Region, held: &Observed) -> Verdict {
        let Some(Standing::Leftover(source)) = self.standing(target, held) else {
            return Verdict::Nothing;
        };
        let context = self.context(&source);
        let ownership = context
            .case(target, None, Some(held), None)
            .ownership(context.plan_policy(context.parity()));
        let evidence = held.evidence(self.session.account(), target);
        let Ownership::Owned { provenance, .. } = &ownership else {
            let site = ConflictContext {
                account: self.session.account(),
                source: &source,
                target,
                name: &held.parameter.name,
                source_exists: false,
                held: &evidence.present(),
            };
            let failed = |cause| Verdict::End(ItemResult::Failed { region: target.clone(), cause });
            return objection(&ownership, site).map_or(Verdict::Nothing, failed);
        };
        let adopted = provenance.adopted;
        let change = if adopted { Change::Retag } else { Change::Delete };
        let proposal = Proposal {
            source: &source,
            target,
            change,
            occupant: Occupant::Parameter(evidence),
            claim: adopted.then_some(Claim::Release),
        };
        match self.policy.judge(&proposal, self.session.now()) {
            // A leftover that came after the plan was shown.
            Ruling::Proceed if !self.is_planned(target, &held.parameter.name, change) => {
                Verdict::End(PENDING)
            }
            Ruling::Proceed if adopted => Verdict::Release,
            Ruling::Proceed => Verdict::Delete,
            Ruling::ReportOnly => {
                let because = self.because(&held.parameter.name);
                Verdict::End(ItemResult::Planned { change, because, class: None, reported: None })
            }
            Ruling::Refused(cause) => {
                Verdict::End(ItemResult::Failed { region: target.clone(), cause })
            }
        }
    }

    fn because(&self, name: &ParameterName) -> Vec<Reason> {
        let by_default = self.policy.names.is_bookkeeping(name.as_str());
        let by_default = by_default.then_some(Reason::ExcludedByDefault);
        [Reason::OutOfScope].into_iter().chain(by_default).collect()
    }

    /// The same with their tags as they are now, those whose version is still the one that was listed, and with the
    /// histories that decide whose they are. A plan goes by the list.
    async fn read_again(
        &self,
        executor: &Executor<'_>,
        found: &[Observed],
        results: &mut ItemResults,
    ) -> Vec<Observed> {
        let target = executor.target;
        let now = if self.policy.writing.allows() {
            executor.evidence_now(found).await
        } else {
            found.iter().cloned().map(Now::Stands).collect()
        };
        let mut read = Vec::new();
        for (listed, now) in found.iter().zip(now) {
            let name = &listed.parameter.name;
            match now {
                Now::Stands(held) => match self.with_history(target, held).await {
                    Ok(Some(held)) => read.push(held),
                    Ok(None) => results.end(name, target, PENDING),
                    Err(cause) => results.fail(name, target, target, cause),
                },
                Now::Unread(cause) => results.fail(name, target, target, cause),
                // Changed or gone since it was listed: the next look decides.
                Now::Changed => results.end(name, target, PENDING),
            }
        }
        read
    }

    /// With its history where that decides whose it is; `None` where it changed meanwhile.
    async fn with_history(
        &self,
        target: &Region,
        mut held: Observed,
    ) -> Result<Option<Observed>, Cause> {
        let Some(Standing::Leftover(source)) = self.standing(target, &held) else {
            return Ok(Some(held));
        };
        let context = self.context(&source);
        let case = context.case(target, None, Some(&held), None);
        if case.ownership(context.plan_policy(context.parity())) == Ownership::NeedsHistory
            && matches!(with_history(&context, &source, target, &mut held).await?, Read::Moved)
        {
            return Ok(None);
        }
        Ok(Some(held))
    }

    fn context<'a>(&'a self, source: &'a Region) -> RouteContext<'a> {
        RouteContext::new(self.session, self.policy, self.recent, source, &Scope::Everything)
    }
}

/// After a route was turned round, what it had written is what people write to.
fn marked_source(of: &Region, target: &Region, held: &Observed, account: &AccountId) -> Cause {
    let message = format!(
        "the parameter in {target} carries the mark of a replica of {of}, no route leads from there any more, and one leads from {target}: it may be a source, so it is not removed ({})",
        last(&held.evidence(account, target).present())
    );
    let remedy = format!(
        "if it is a source, take the tags `{MARK_KEY}` and `{PROVENANCE_KEY}` off it; if it is a leftover, delete it by hand"
    );
    Cause::conflict(ConflictClass::MarkedSource, message).mended_by(remedy)
}

/// Of the plan, and gone, changed or in scope by now.
fn not_a_leftover(change: Change) -> Cause {
    let message = format!(
        "the plan has a {} of it, and it is not the leftover any more that was planned for: nothing was done to it",
        change.word()
    );
    Cause::new(FailureKind::Invalid, message)
        .mended_by("run `hubctl prune` again to see what is left")
}
