//! Removes replicas that left the settings' scope: of a name that the filters leave out, of a route or a target that is
//! no more, of an account that is excluded. A sweep never does this, since a setting may be a slip; a person asks for it.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::{Tagged, delete, retag};
use super::endings::{Ending, Endings};
use super::model::Observed;
use super::observe::{NAMES_PER_CALL, lists, tags_of};
use super::plan::is_marked;
use super::provenance::Provenance;
use crate::aws::Session;
use crate::domain::{
    AccountOutcome, Assignment, Cause, Change, Leftovers, MARK_KEY, OutcomeKind, PROVENANCE_KEY,
    ParameterName, Region, Tags,
};
use crate::guard::{Proposal, Ruling};
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
    /// What the tags say of a leftover; `None` of anything else.
    fn leftover(&self, target: &Region, name: &ParameterName, tags: &Tags) -> Option<Provenance> {
        let provenance = Provenance::of(tags).filter(|_| is_marked(tags))?;
        let route = self.rules.routes.from_source(&provenance.region);
        let in_scope = route.is_some_and(|route| route.targets.contains(target))
            && self.rules.names.matches(name.as_str())
            && !self.leftovers.accounts.contains(self.session.account());
        (!in_scope).then_some(provenance)
    }

    async fn prune_in(
        &self,
        target: &Region,
        held: impl Iterator<Item = &Observed>,
        endings: &mut Endings,
    ) {
        let mut found: BTreeMap<ParameterName, Provenance> = BTreeMap::new();
        for Observed { parameter, tags } in held {
            if let Some(provenance) = self.leftover(target, &parameter.name, tags) {
                found.insert(parameter.name.clone(), provenance);
            }
        }
        let found: Vec<(ParameterName, Provenance)> = found.into_iter().collect();
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
                let ours = [MARK_KEY.to_owned(), PROVENANCE_KEY.to_owned()];
                let tagged = retag(self.session, target, &name, &Tags::new(), &ours).await;
                let released = tagged.map(|tagged| match tagged {
                    Tagged::Yes => OutcomeKind::Retagged,
                    Tagged::Gone => OutcomeKind::Deleted,
                });
                end(&name, target, released, endings);
            }
        }
    }

    /// Those that their tags, read now by name, still say are leftovers: to be deleted, and to be let go.
    async fn proved(
        &self,
        target: &Region,
        found: &[(ParameterName, Provenance)],
        endings: &mut Endings,
    ) -> (Vec<ParameterName>, Vec<ParameterName>) {
        let (mut deletes, mut releases) = (Vec::new(), Vec::new());
        let names: Vec<ParameterName> = found.iter().map(|(name, _)| name.clone()).collect();
        let mut fresh = if self.rules.writing.allows() {
            tags_of(self.session, target, &names).await
        } else {
            BTreeMap::new()
        };
        for (name, listed) in found {
            let provenance = match fresh.remove(name) {
                // A plan tells what the list says.
                None => Some(listed.clone()),
                Some(Ok(tags)) => tags.and_then(|tags| self.leftover(target, name, &tags)),
                Some(Err(cause)) => {
                    endings.fail(name, target, target, cause);
                    continue;
                }
            };
            let Some(Provenance { region: source, adopted, .. }) = provenance else { continue };
            let change = if adopted { Change::Retag } else { Change::Delete };
            let proposal = Proposal {
                source: &source,
                target,
                change,
                vacant: false,
                ours: true,
                claim: None,
            };
            match self.rules.judge(&proposal) {
                Ruling::Go if adopted => releases.push(name.clone()),
                Ruling::Go => deletes.push(name.clone()),
                Ruling::TellOnly => {
                    let because = vec![BECAUSE];
                    endings.end(name, target, Ending::Planned { change, because });
                }
                Ruling::Held(cause) => endings.fail(name, target, target, cause),
            }
        }
        (deletes, releases)
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
