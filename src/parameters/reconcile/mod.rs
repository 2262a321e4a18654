//! The loop: makes the replicas of an account equal to their sources, route by route.
//!
//! A sweep lists each location once; what provenance proves equal from the lists costs nothing more. Everything else,
//! and every item that was asked for by name, goes through rounds: read, decide, write, read back, and read the source
//! again. An item whose source moved meanwhile goes round once more, and what was written of it is written again, value and
//! tags, whatever is read of the replica; if it moved again it stays pending for the next invocation.

mod absence;
mod await_event;
mod brake;
mod by_lists;
mod confirm;
pub(super) mod delete;
mod execute;
pub(super) mod histories;
mod key_health;
mod orphans;
mod pass;
mod recreate;
mod removal;
mod sequence;
mod verify;

pub use absence::{Absent, MassAbsence, remove_absent};

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, stream};

use super::candidate::Candidate;
use super::context::RouteContext;
use super::model::{Listing, Observed};
use super::plan::{Decision, decide};
use super::reconcile::await_event::settled;
use super::reconcile::brake::ListedByTarget;
use super::reconcile::key_health::Keys;
use super::reconcile::pass::reconcile_chunk;
use super::reconcile::removal::remove;
use super::results::{ItemResult, ItemResults, PassResult, Retries, RetryReason};
use super::store::{ByName, by_name, lists, versions};
use super::value_override::{ValueOverride, value_override};
use crate::aws::Session;
use crate::domain::{
    AccountOutcome, Assignment, Cause, Item, Kind, OutcomeKind, ParameterName, Region, Route,
    Scope, Version, Wanted,
};
use crate::ownership::FoundBy;
use crate::partial_counts;
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// Items that go through a round together: values in memory at once are so many for each of [`CHUNKS_AT_ONCE`].
const CHUNK: usize = 10;
/// Chunks under way at once, so that one's writes do not wait for another's reads.
const CHUNKS_AT_ONCE: usize = 3;
/// No chunk is begun with less than this left, and so much more for each item: with the default quotas a sweep reads one
/// history a second in a source location and writes some 1.8 parameters a second in a target's, and the writes of all
/// chunks under way are to be confirmed in time.
const CHUNK_TIME: Duration = Duration::from_secs(20);
const ITEM_TIME: Duration = Duration::from_secs(3);

/// Reconciles the parameters of one account.
pub async fn reconcile(
    session: &Session,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    assignments: &[Assignment],
) -> (AccountOutcome, Absent) {
    let listed: BTreeSet<&Region> = assignments
        .iter()
        .filter(|assignment| assignment.scope == Scope::Everything)
        .flat_map(|assignment| {
            std::iter::once(&assignment.route.source).chain(&assignment.route.targets)
        })
        .collect();
    let Some(listings) = policy.deadline.unless_stopped(lists(session, listed)).await else {
        return (AccountOutcome::unfinished(session.account().clone()), Absent::default());
    };
    let routes = assignments.iter().map(|Assignment { route, scope }| {
        let context = RouteContext::new(session, policy, recent, &route.source, scope);
        let listings = &listings;
        async move {
            match scope {
                Scope::Everything => context.everything(route, listings).await,
                Scope::Items(wanted) => (context.items(route, wanted).await, Absent::default()),
            }
        }
    });
    let mut outcome = AccountOutcome::new(session.account().clone());
    let mut absent = Absent::default();
    for (results, of_route) in futures::future::join_all(routes).await {
        outcome.merge(results.into_outcome(session.account()));
        absent.merge(of_route);
    }
    (outcome, absent)
}

impl RouteContext<'_> {
    async fn everything(
        &self,
        route: &Route,
        listings: &BTreeMap<Region, Result<Listing, Cause>>,
    ) -> (ItemResults, Absent) {
        let mut results = ItemResults::default();
        let (mut targets, mut unread) = (Vec::new(), None);
        for region in &route.targets {
            match listings.get(region) {
                Some(Ok(listing)) => targets.push((region, listing)),
                Some(Err(cause)) => {
                    results.fail_region(region, cause.clone());
                    unread.get_or_insert_with(|| (region.clone(), cause.clone()));
                    if let Some(Ok(originals)) = listings.get(self.source) {
                        results.fail_target(self.source, region, originals.len());
                    }
                }
                None => {}
            }
        }
        let originals = match listings.get(self.source) {
            Some(Ok(originals)) => originals,
            Some(Err(cause)) => {
                results.fail_region(self.source, cause.clone());
                return (results, Absent::default());
            }
            None => return (results, Absent::default()),
        };
        let names = originals.keys().map(ParameterName::as_str);
        results.matched_includes = self.policy.names.matched_includes(names);
        let mut candidates: BTreeMap<ParameterName, Candidate> = BTreeMap::new();
        let mut listed = ListedByTarget::new();
        let keys = Keys::asked(self, &targets, &mut results).await;
        for (target, replicas) in targets {
            let mut by_lists = 0;
            let orphans = replicas.keys().filter(|name| !originals.contains_key(*name));
            for name in originals.keys().chain(orphans) {
                let (original, replica) = (originals.get(name), replicas.get(name));
                let referenced =
                    original.and_then(|original| referenced_in(originals, original, target));
                let mut case = self.case(target, original, replica, referenced);
                case.found_by = original.is_none().then_some(FoundBy::List);
                let is_own = self.count_writer(case, &mut results);
                if is_own {
                    let listed = listed.entry(target.clone()).or_default();
                    listed.owned += 1;
                    listed.with_source += usize::from(original.is_some());
                }
                let counted = results.counted();
                if self.settled_by_lists(name, target, case, &keys, &mut results) {
                    if original.is_some() {
                        by_lists += results.counted() - counted;
                    }
                    continue;
                }
                let candidate = candidates.entry(name.clone()).or_insert_with(|| Candidate {
                    name: name.clone(),
                    original: original.cloned(),
                    replicas: BTreeMap::new(),
                    fresh: false,
                    unread: unread.clone(),
                    referenced: BTreeMap::new(),
                    found_by: original.is_none().then_some(FoundBy::List),
                    moved: BTreeSet::new(),
                });
                candidate.replicas.insert(target.clone(), replica.cloned());
                if let Some(referenced) = referenced {
                    candidate.referenced.insert(target.clone(), referenced.clone());
                }
            }
            results.listed(self.source, target, originals.len(), by_lists);
        }
        partial_counts::note(Kind::Parameter, &results.outcomes(&Retries::new()));
        let candidates = candidates.into_values().collect();
        let (retries, absent) = self.pass(candidates, Some(&listed), &mut results).await;
        let mut results = self.once_more(retries, &BTreeSet::new(), results).await;
        results.close(self.source, |name| originals.contains_key(name));
        (results, absent)
    }

    /// What is asked for by name: read once it has settled, then as in a sweep. Names that nobody holds end as nothing.
    async fn items(&self, route: &Route, wanted: &[Wanted]) -> ItemResults {
        let mut results = ItemResults::default();
        let mut names = Retries::new();
        let targets: BTreeMap<Region, RetryReason> =
            route.targets.iter().map(|target| (target.clone(), RetryReason::Unwritten)).collect();
        for wanted in wanted {
            if let Item::Parameter(name) = &wanted.item {
                names.insert(name.clone(), targets.clone());
            }
        }
        let witnessed = self.witnessed(wanted);
        let versions = settled(self, wanted).await;
        let candidates = self.read(&names, versions, &witnessed, &mut results).await;
        let (retries, _) = self.pass(candidates, None, &mut results).await;
        self.once_more(retries, &witnessed, results).await
    }

    /// Those whose deletion an event told. A payload is no witness.
    fn witnessed(&self, wanted: &[Wanted]) -> BTreeSet<ParameterName> {
        let tells = |wanted: &&Wanted| wanted.expect.iter().any(|expected| expected.absent);
        let name = |wanted: &Wanted| match &wanted.item {
            Item::Parameter(name) => Some(name.clone()),
            Item::Secret(_) => None,
        };
        wanted.iter().filter(|_| self.policy.from_events).filter(tells).filter_map(name).collect()
    }

    /// Reads items by name in the source, where their versions were read already, and in the targets concerned.
    async fn read(
        &self,
        wanted: &Retries,
        originals: ByName<Version>,
        witnessed: &BTreeSet<ParameterName>,
        results: &mut ItemResults,
    ) -> Vec<Candidate> {
        let targets: BTreeSet<&Region> = wanted.values().flat_map(BTreeMap::keys).collect();
        let replicas = futures::future::join_all(targets.into_iter().map(|target| {
            let names: Vec<ParameterName> = wanted
                .iter()
                .filter(|(_, targets)| targets.contains_key(target))
                .map(|(name, _)| name.clone())
                .collect();
            async move {
                let held = versions(self.session, target, &names).await;
                (target.clone(), by_name(self.session, target, held).await)
            }
        }));
        let (originals, replicas) =
            futures::join!(by_name(self.session, self.source, originals), replicas);
        let mut candidates = Vec::new();
        for (name, original) in originals {
            let (mut held, mut unread) = (BTreeMap::new(), None);
            for (target, read) in &replicas {
                match (&original, read.get(&name)) {
                    (_, None) => {}
                    (Err(cause), Some(_)) => {
                        results.fail(&name, target, self.source, cause.clone());
                    }
                    (Ok(_), Some(Err(cause))) => {
                        results.fail(&name, target, target, cause.clone());
                        unread.get_or_insert_with(|| (target.clone(), cause.clone()));
                    }
                    (Ok(_), Some(Ok(replica))) => {
                        drop(held.insert(target.clone(), replica.clone()));
                    }
                }
            }
            if let Ok(original) = original
                && !held.is_empty()
            {
                let moved = wanted.get(&name).into_iter().flatten();
                let moved = moved
                    .filter(|(_, why)| matches!(why, RetryReason::Moved))
                    .map(|(target, _)| target.clone())
                    .collect();
                let found_by = witnessed.contains(&name).then_some(FoundBy::Event);
                candidates.push(Candidate {
                    name,
                    found_by,
                    original,
                    replicas: held,
                    fresh: true,
                    unread,
                    referenced: BTreeMap::new(),
                    moved,
                });
            }
        }
        candidates
    }

    /// The second round, which is the last; what still moves then is pending.
    pub(super) async fn once_more(
        &self,
        retries: Retries,
        witnessed: &BTreeSet<ParameterName>,
        mut results: ItemResults,
    ) -> ItemResults {
        let mut retries = retries;
        if retries.is_empty() {
            return results;
        }
        if !self.policy.deadline.is_stopped() {
            let names: Vec<ParameterName> = retries.keys().cloned().collect();
            let originals = versions(self.session, self.source, &names).await;
            let moved = self.read(&retries, originals, witnessed, &mut results).await;
            (retries, _) = self.pass(moved, None, &mut results).await;
        }
        for (name, targets) in retries {
            for (target, why) in targets {
                match why {
                    RetryReason::Unanswered(cause) => results.fail(&name, &target, &target, cause),
                    RetryReason::Unwritten | RetryReason::Moved => {
                        results.end(&name, &target, ItemResult::Counted(OutcomeKind::Pending));
                    }
                }
            }
        }
        results
    }

    /// What is to be there, and what, by what was read so far, is not; a candidate may be both, in different targets.
    fn divided(&self, candidates: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>) {
        let (mut present, mut orphans) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let is_unwanted = |target: &Region, replica: &Option<Observed>| {
                let case = self.case(target, candidate.original.as_ref(), replica.as_ref(), None);
                let decision = decide(case, self.plan_policy(self.parity()));
                candidate.original.is_none() || matches!(decision, Decision::Remove(_))
            };
            let (removed, kept): (BTreeMap<_, _>, BTreeMap<_, _>) = candidate
                .replicas
                .iter()
                .map(|(target, replica)| (target.clone(), replica.clone()))
                .partition(|(target, replica)| is_unwanted(target, replica));
            for (replicas, side) in [(kept, &mut present), (removed, &mut orphans)] {
                if !replicas.is_empty() {
                    side.push(Candidate { replicas, ..candidate.clone() });
                }
            }
        }
        (present, orphans)
    }

    async fn pass(
        &self,
        mut candidates: Vec<Candidate>,
        listed: Option<&ListedByTarget>,
        results: &mut ItemResults,
    ) -> (Retries, Absent) {
        // Items of one key together, since one call reads values of one key.
        let key = |c: &Candidate| c.original.as_ref().and_then(|o| o.parameter.key.clone());
        candidates.sort_by_cached_key(key);
        let (present, orphans) = self.divided(candidates);
        let leaves_time_for = |items: usize| {
            let items = u32::try_from(items.min(CHUNK)).unwrap_or(u32::MAX);
            self.policy.deadline.leaves(CHUNK_TIME + ITEM_TIME * items)
        };
        let (all, leaves_time_for) = (present.len(), &leaves_time_for);
        // Collected first: a stream that borrows from the iterator's closure is not known to be `Send`.
        let chunks: Vec<_> = present
            .chunks(CHUNK)
            .map(|chunk| async move {
                if leaves_time_for(all) {
                    reconcile_chunk(self, chunk.to_vec()).await
                } else {
                    PassResult::left(chunk)
                }
            })
            .collect();
        let chunks =
            stream::iter(chunks).buffer_unordered(CHUNKS_AT_ONCE).inspect(PassResult::note);
        let removal = async {
            if leaves_time_for(orphans.len()) {
                remove(self, orphans, listed).await
            } else {
                (PassResult::left(&orphans), Absent::default())
            }
        };
        let (rounds, (removed, absent)) =
            futures::join!(chunks.collect::<Vec<PassResult>>(), removal);
        let mut retries = Retries::new();
        for PassResult { results: ended, retries: more } in rounds.into_iter().chain([removed]) {
            results.absorb(ended);
            for (name, targets) in more {
                retries.entry(name).or_default().extend(targets);
            }
        }
        (retries, absent)
    }
}

/// The parameter whose value the replica of `original` in `target` is to have, as the list shows it.
fn referenced_in<'a>(
    originals: &'a Listing,
    original: &Observed,
    target: &Region,
) -> Option<&'a Observed> {
    match value_override(&original.tags, target) {
        Ok(Some(ValueOverride::FromParameter(name))) => originals.get(&name),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
