//! Removes replicas that left the settings' scope: of a name that the filters leave out, of a route or a target that is
//! no more, of an account that is excluded. A sweep never does this, since a setting may be a slip; a person asks for it.

use std::collections::BTreeSet;

use super::endings::{Ending, Endings};
use super::histories::{Read, with_history};
use super::model::Observed;
use super::release::take_off;
use super::run::Run;
use super::store::{NAMES_PER_CALL, Tagged, delete, lists, tags_of, versions};
use crate::aws::Session;
use crate::domain::{
    AccountOutcome, Assignment, Cause, Change, Leftovers, OutcomeKind, ParameterName, Region, Scope,
};
use crate::guard::{Claim, Held, Proposal, Ruling};
use crate::ownership::{Ownership, Provenance, Site, is_marked, objection};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// What makes a replica a leftover, in a plan's words.
const BECAUSE: &str = "out_of_scope";

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
        let is_leftover = |held: &&Observed| self.source_of_leftover(target, held).is_some();
        let found: Vec<Observed> = held.filter(is_leftover).cloned().collect();
        for some in found.chunks(NAMES_PER_CALL) {
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
            let Some(source) = self.source_of_leftover(target, &held) else { continue };
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
        Run::new(self.session, self.rules, self.recent, source, &Scope::Everything)
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
