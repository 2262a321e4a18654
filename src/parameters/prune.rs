//! Removes replicas that left the settings' scope: of a name that the filters leave out, of a route or a target that is
//! no more, of an account that is excluded. A sweep never does this, since a setting may be a slip; a person asks for it.

use std::collections::BTreeSet;

use super::endings::{Ending, Endings};
use super::histories::{Read, with_history};
use super::labels::LabelReads;
use super::model::Observed;
use super::release::take_off;
use super::run::Run;
use super::store::{NAMES_PER_CALL, Tagged, delete, lists, tags_of, versions};
use crate::aws::Session;
use crate::domain::{
    AccountId, AccountOutcome, Assignment, Cause, Change, ConflictClass, FailureKind, Item,
    Leftovers, MARK_KEY, OutcomeKind, PROVENANCE_KEY, ParameterName, PlanStep, Region, Scope,
};
use crate::guard::{Claim, Held, Proposal, Ruling};
use crate::ownership::{Ownership, Provenance, Site, is_marked, last, objection};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// What makes a replica a leftover, in a plan's words.
const BECAUSE: &str = "out_of_scope";

/// What a marked parameter is that is no replica in scope; with the Region that its provenance names.
enum Standing {
    /// A replica that left the scope.
    Leftover(Region),
    /// It stands where a route begins, and no route leads from that Region to here: it may be a source by now.
    Source(Region),
}

struct Pruning<'a> {
    session: &'a Session,
    rules: &'a RunPolicy,
    recent: &'a RecentDeletes,
    leftovers: &'a Leftovers,
}

/// Removes the leftovers of one account in the targets of `assignments` and the Regions that `leftovers` names.
pub async fn prune(
    session: &Session,
    rules: &RunPolicy,
    recent: &RecentDeletes,
    leftovers: &Leftovers,
    assignments: &[Assignment],
) -> AccountOutcome {
    let pruning = Pruning { session, rules, recent, leftovers };
    let regions: BTreeSet<&Region> = assignments
        .iter()
        .flat_map(|assignment| &assignment.route.targets)
        .chain(&leftovers.regions)
        .collect();
    let Some(listings) = rules.deadline.unless_stopped(lists(session, regions)).await else {
        return AccountOutcome::unlooked(session.account().clone());
    };
    let each = listings.iter().map(|(target, listing)| async {
        let mut endings = Endings::default();
        match listing {
            Ok(listing) => pruning.prune_in(target, listing.values(), &mut endings).await,
            Err(cause) => endings.fail_region(target, cause.clone()),
        }
        endings
    });
    let mut outcome = AccountOutcome::new(session.account().clone());
    for endings in futures::future::join_all(each).await {
        outcome.merge(endings.into_outcome(session.account()));
    }
    outcome
}

impl Pruning<'_> {
    /// What a parameter is that is no replica in scope; `None` of anything else, and of what names its own Region, which
    /// nobody can have replicated.
    fn standing(&self, target: &Region, held: &Observed) -> Option<Standing> {
        let provenance = Provenance::of(&held.tags).filter(|_| is_marked(&held.tags))?;
        let routes = &self.rules.routes;
        let leads_here = routes
            .from_source(&provenance.region)
            .is_some_and(|route| route.targets.contains(target));
        let in_scope = leads_here
            && self.rules.names.matches(held.parameter.name.as_str())
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
        endings: &mut Endings,
    ) -> Vec<Observed> {
        let mut found = Vec::new();
        for held in held {
            match self.standing(target, held) {
                None => {}
                Some(Standing::Leftover(_)) => found.push(held.clone()),
                Some(Standing::Source(of)) => {
                    let cause = marked_source(&of, target, held, self.session.account());
                    endings.fail(&held.parameter.name, target, target, cause);
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
    fn report_missed(&self, target: &Region, endings: &mut Endings) {
        let account = self.session.account();
        let steps = self.leftovers.only.iter().flatten();
        for step in steps.filter(|step| step.account == *account && step.region == *target) {
            if let Item::Parameter(name) = &step.item
                && endings.of(name, target).is_none()
            {
                endings.fail(name, target, target, not_a_leftover(step.change));
            }
        }
    }

    async fn prune_in(
        &self,
        target: &Region,
        held: impl Iterator<Item = &Observed>,
        endings: &mut Endings,
    ) {
        let found = self.found(target, held, endings);
        for some in found.chunks(NAMES_PER_CALL) {
            if self.rules.deadline.is_stopped() {
                for held in some {
                    let pending = Ending::Counted(OutcomeKind::Pending);
                    endings.end(&held.parameter.name, target, pending);
                }
                continue;
            }
            let (deletes, releases) = self.proved(target, some, endings).await;
            if !deletes.is_empty() {
                let deleted = delete(self.session, target, &deletes).await;
                for name in deletes {
                    let (location, now) = (self.session.location(target), self.session.now());
                    self.recent.remember(location, name.clone(), now);
                    end(&name, target, deleted.clone().map(|()| OutcomeKind::Deleted), endings);
                }
            }
            for name in releases {
                let released = take_off(self.session, target, &name).await;
                let released = released.map(|tagged| match tagged {
                    Tagged::Yes => OutcomeKind::Retagged,
                    Tagged::Gone => OutcomeKind::Deleted,
                });
                end(&name, target, released, endings);
            }
        }
        self.report_missed(target, endings);
    }

    /// Those that are leftovers and owned by what is read of them now by name: to be deleted, and to be released.
    async fn proved(
        &self,
        target: &Region,
        found: &[Observed],
        endings: &mut Endings,
    ) -> (Vec<ParameterName>, Vec<ParameterName>) {
        let (mut deletes, mut releases) = (Vec::new(), Vec::new());
        for held in self.read_again(target, found, endings).await {
            let Some(Standing::Leftover(source)) = self.standing(target, &held) else { continue };
            let name = held.parameter.name.clone();
            let run = self.run(&source);
            let mut held = held;
            let case = |held: &Observed| {
                run.case(target, None, Some(held), None).ownership(run.policy(run.parity()))
            };
            let mut ownership = case(&held);
            if ownership == Ownership::NeedsHistory {
                match with_history(&run, &source, target, &mut held).await {
                    Ok(Read::Yes) => ownership = case(&held),
                    Ok(Read::Moved) => continue,
                    Err(cause) => {
                        endings.fail(&name, target, target, cause);
                        continue;
                    }
                }
            }
            let Ownership::Owned { provenance, .. } = &ownership else {
                let (account, name) = (self.session.account(), &name);
                let present = held.evidence(account, target).present();
                let site = Site {
                    account,
                    source: &source,
                    target,
                    name,
                    source_exists: false,
                    held: &present,
                };
                if let Some(cause) = objection(&ownership, site) {
                    endings.fail(name, target, target, cause);
                }
                continue;
            };
            let adopted = provenance.adopted;
            let change = if adopted { Change::Retag } else { Change::Delete };
            let proposal = Proposal {
                source: &source,
                target,
                change,
                held: Held::Parameter(held.evidence(self.session.account(), target)),
                claim: adopted.then_some(Claim::Release),
            };
            match self.rules.judge(&proposal, self.session.now()) {
                // A leftover that came after the plan was shown.
                Ruling::Go if !self.is_planned(target, &name, change) => {
                    endings.end(&name, target, Ending::Counted(OutcomeKind::Pending));
                }
                Ruling::Go if adopted => releases.push(name),
                Ruling::Go => deletes.push(name),
                Ruling::TellOnly => {
                    let because = vec![BECAUSE];
                    let ending = Ending::Planned { change, because, class: None };
                    endings.end(&name, target, ending);
                }
                Ruling::Held(cause) => endings.fail(&name, target, target, cause),
            }
        }
        (deletes, releases)
    }

    /// The same with their tags as they are now, those whose version is still the one that was listed. A plan goes by the
    /// list.
    async fn read_again(
        &self,
        target: &Region,
        found: &[Observed],
        endings: &mut Endings,
    ) -> Vec<Observed> {
        if !self.rules.writing.allows() {
            return found.to_vec();
        }
        let names: Vec<ParameterName> =
            found.iter().map(|held| held.parameter.name.clone()).collect();
        let (mut tags, now) = futures::join!(
            tags_of(self.session, target, &names),
            versions(self.session, target, &names)
        );
        let mut read = Vec::new();
        for held in found {
            let name = &held.parameter.name;
            match (tags.remove(name), now.get(name)) {
                (Some(Ok(Some(tags))), Some(Ok(Some(version))))
                    if *version == held.parameter.version() =>
                {
                    read.push(Observed::new(held.parameter.clone(), tags));
                }
                (Some(Err(cause)), _) => endings.fail(name, target, target, cause),
                (_, Some(Err(cause))) => endings.fail(name, target, target, cause.clone()),
                // Changed or gone since it was listed: the next look decides.
                _ => endings.end(name, target, Ending::Counted(OutcomeKind::Pending)),
            }
        }
        read
    }

    fn run<'a>(&'a self, source: &'a Region) -> Run<'a> {
        let labels = LabelReads::of(&Scope::Everything, self.rules);
        Run { session: self.session, rules: self.rules, recent: self.recent, source, labels }
    }
}

fn end(
    name: &ParameterName,
    target: &Region,
    ended: Result<OutcomeKind, Cause>,
    endings: &mut Endings,
) {
    match ended {
        Ok(outcome) => endings.end(name, target, Ending::Counted(outcome)),
        Err(cause) => endings.fail(name, target, target, cause),
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
