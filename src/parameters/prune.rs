//! Removes replicas that left the settings' scope: of a name that the filters leave out, of a route or a target that is
//! no more, of an account that is excluded. A sweep never does this, since a setting may be a slip; a person asks for it.

use std::collections::BTreeSet;

use super::delete::{Deleted, Executor, Now};
use super::endings::{Ending, Endings};
use super::histories::{Read, with_history};
use super::labels::LabelReads;
use super::model::Observed;
use super::release::take_off;
use super::run::Run;
use super::store::{NAMES_PER_CALL, Tagged, lists};
use crate::aws::Session;
use crate::domain::{
    AccountOutcome, Assignment, Cause, Change, Leftovers, OutcomeKind, Region, Scope,
};
use crate::guard::{Claim, Held, Proposal, Ruling};
use crate::ownership::{Ownership, Provenance, Site, is_marked, objection};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// What makes a replica a leftover, in a plan's words.
const BECAUSE: &str = "out_of_scope";

/// It changed under our hands.
const PENDING: Ending = Ending::Counted(OutcomeKind::Pending);

/// What is done with a leftover.
enum Verdict {
    Delete,
    /// It was adopted: the hub's tags come off.
    Release,
    /// It ends so.
    End(Ending),
    /// It is none.
    Nothing,
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
    let listings = lists(session, regions).await;
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
    /// From where a leftover is judged: the source that its provenance names. `None` of anything else, and of what names
    /// its own Region, which nobody can have replicated.
    fn source_of_leftover(&self, target: &Region, held: &Observed) -> Option<Region> {
        let provenance = Provenance::of(&held.tags).filter(|_| is_marked(&held.tags))?;
        let route = self.rules.routes.from_source(&provenance.region);
        let in_scope = route.is_some_and(|route| route.targets.contains(target))
            && self.rules.names.matches(held.parameter.name.as_str())
            && !self.leftovers.accounts.contains(self.session.account());
        (!in_scope && provenance.region != *target).then_some(provenance.region)
    }

    async fn prune_in(
        &self,
        target: &Region,
        held: impl Iterator<Item = &Observed>,
        endings: &mut Endings,
    ) {
        let executor = Executor { session: self.session, recent: self.recent, target };
        let is_leftover = |held: &&Observed| self.source_of_leftover(target, held).is_some();
        let found: Vec<Observed> = held.filter(is_leftover).cloned().collect();
        for some in found.chunks(NAMES_PER_CALL) {
            let (mut deletes, mut releases) = (Vec::new(), Vec::new());
            for held in self.read_again(&executor, some, endings).await {
                let name = held.parameter.name.clone();
                match self.judged(target, &held) {
                    Verdict::Delete => deletes.push(held),
                    Verdict::Release => releases.push(name),
                    Verdict::End(ending) => endings.end(&name, target, ending),
                    Verdict::Nothing => {}
                }
            }
            let may_go = |held: &Observed| matches!(self.judged(target, held), Verdict::Delete);
            for (name, deleted) in executor.delete(deletes, &may_go).await {
                match deleted {
                    Deleted::Done => {
                        endings.end(&name, target, Ending::Counted(OutcomeKind::Deleted));
                    }
                    Deleted::Changed => endings.end(&name, target, PENDING),
                    Deleted::Failed(cause) => endings.fail(&name, target, target, cause),
                }
            }
            for name in releases {
                match take_off(self.session, target, &name).await {
                    Ok(Tagged::Yes) => {
                        endings.end(&name, target, Ending::Counted(OutcomeKind::Retagged));
                    }
                    Ok(Tagged::Gone) => endings.end(&name, target, PENDING),
                    Err(cause) => endings.fail(&name, target, target, cause),
                }
            }
        }
    }

    /// Whether a leftover goes, by what was read of it and, where that decides, its history.
    fn judged(&self, target: &Region, held: &Observed) -> Verdict {
        let Some(source) = self.source_of_leftover(target, held) else { return Verdict::Nothing };
        let run = self.run(&source);
        let ownership =
            run.case(target, None, Some(held), None).ownership(run.policy(run.parity()));
        let evidence = held.evidence(self.session.account(), target);
        let Ownership::Owned { provenance, .. } = &ownership else {
            let site = Site {
                account: self.session.account(),
                source: &source,
                target,
                name: &held.parameter.name,
                source_exists: false,
                held: &evidence.present(),
            };
            let failed = |cause| Verdict::End(Ending::Failed { region: target.clone(), cause });
            return objection(&ownership, site).map_or(Verdict::Nothing, failed);
        };
        let adopted = provenance.adopted;
        let change = if adopted { Change::Retag } else { Change::Delete };
        let proposal = Proposal {
            source: &source,
            target,
            change,
            held: Held::Parameter(evidence),
            claim: adopted.then_some(Claim::Release),
        };
        match self.rules.judge(&proposal, self.session.now()) {
            Ruling::Go if adopted => Verdict::Release,
            Ruling::Go => Verdict::Delete,
            Ruling::TellOnly => {
                let because = vec![BECAUSE];
                Verdict::End(Ending::Planned { change, because, class: None })
            }
            Ruling::Held(cause) => Verdict::End(Ending::Failed { region: target.clone(), cause }),
        }
    }

    /// The same with their tags as they are now, those whose version is still the one that was listed, and with the
    /// histories that decide whose they are. A plan goes by the list.
    async fn read_again(
        &self,
        executor: &Executor<'_>,
        found: &[Observed],
        endings: &mut Endings,
    ) -> Vec<Observed> {
        let target = executor.target;
        let now = if self.rules.writing.allows() {
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
                    Ok(None) => endings.end(name, target, PENDING),
                    Err(cause) => endings.fail(name, target, target, cause),
                },
                Now::Unread(cause) => endings.fail(name, target, target, cause),
                // Changed or gone since it was listed: the next look decides.
                Now::Changed => endings.end(name, target, PENDING),
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
        let Some(source) = self.source_of_leftover(target, &held) else { return Ok(Some(held)) };
        let run = self.run(&source);
        let case = run.case(target, None, Some(&held), None);
        if case.ownership(run.policy(run.parity())) == Ownership::NeedsHistory
            && matches!(with_history(&run, &source, target, &mut held).await?, Read::Moved)
        {
            return Ok(None);
        }
        Ok(Some(held))
    }

    fn run<'a>(&'a self, source: &'a Region) -> Run<'a> {
        let labels = LabelReads::of(&Scope::Everything, self.rules);
        Run { session: self.session, rules: self.rules, recent: self.recent, source, labels }
    }
}
