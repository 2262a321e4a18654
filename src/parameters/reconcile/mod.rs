//! The loop that makes the replicas of an account equal to their sources, route by route.
//!
//! A sweep lists each location once; an item that the lists prove in sync costs no further call. Every other item, and
//! every item that is asked for by name, goes through a pass: read, decide, write, read back, and read the source again.
//! An item whose source changed meanwhile goes through a second pass, which writes value and tags whatever the replica
//! shows. If the source changed again, the item stays pending for the next invocation.

mod absence;
mod await_event;
mod brake;
mod confirm;
pub(super) mod delete;
mod execute;
pub(super) mod histories;
mod key_health;
mod lists;
mod orphans;
mod pass;
mod read;
mod recreate;
mod removal;
mod sequence;
mod verify;

pub use absence::{MassAbsence, UnwitnessedAbsences, remove_unwitnessed};

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use self::await_event::await_events;
use self::brake::ListedByTarget;
use self::lists::Lists;
use self::pass::reconcile_chunk;
use self::read::read_items;
use self::removal::remove;
use super::candidate::Candidate;
use super::context::RouteContext;
use super::model::Observed;
use super::plan::{Decision, decide};
use super::results::{ItemResult, ItemResults, PassResult, Retries, RetryReason};
use super::store::{list, versions};
use crate::aws::Session;
use crate::deadline::reserve;
use crate::domain::{
    AccountOutcome, Assignment, Item, OutcomeKind, ParameterName, Region, Route, Scope, Wanted,
};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// The items of one chunk. The values in memory at once are those of [`CHUNKS_AT_ONCE`] chunks.
const CHUNK: usize = 10;
/// The chunks under way at once, so that the writes of one do not wait for the reads of another.
const CHUNKS_AT_ONCE: usize = 3;

/// Reconciles the parameters of one account. A route begins when its own lists are read: it never waits for a Region of
/// another route.
pub async fn reconcile(
    session: &Session,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    assignments: &[Assignment],
) -> (AccountOutcome, UnwitnessedAbsences) {
    let listed = assignments.iter().filter(|one| one.scope == Scope::Everything);
    let lists = Lists::new(listed.flat_map(|one| one.route.regions().cloned()));
    let routes: Vec<_> = assignments
        .iter()
        .map(|assignment| {
            let lists = lists.part(assignment.route.regions());
            reconcile_route(session, policy, recent, assignment, lists)
        })
        .collect();
    // From here on each route holds its own lists.
    drop(lists);
    let mut outcome = AccountOutcome::new(session.account().clone());
    let mut absences = UnwitnessedAbsences::default();
    for (of_route, absent) in futures::future::join_all(routes).await {
        outcome.merge(of_route);
        absences.merge(absent);
    }
    (outcome, absences)
}

async fn reconcile_route(
    session: &Session,
    policy: &RunPolicy,
    recent: &RecentDeletes,
    Assignment { route, scope }: &Assignment,
    lists: Lists,
) -> (AccountOutcome, UnwitnessedAbsences) {
    let session = &session.on_route(&route.source, policy.purpose.need());
    let context = RouteContext::new(session, policy, recent, &route.source, scope);
    let (results, absences) = match scope {
        Scope::Everything => {
            let reading = lists.read(|region| async move { list(session, &region).await });
            if policy.deadline.unless_stopped(reading).await.is_none() {
                let outcome = AccountOutcome::unfinished(session.account().clone());
                return (outcome, UnwitnessedAbsences::default());
            }
            context.reconcile_everything(route, &lists).await
        }
        Scope::Items(wanted) => {
            (context.reconcile_items(route, wanted).await, UnwitnessedAbsences::default())
        }
    };
    (results.into_outcome(session.account()), absences)
}

impl RouteContext<'_> {
    /// Reconciles items by name, once the events that ask for them are readable.
    async fn reconcile_items(&self, route: &Route, wanted: &[Wanted]) -> ItemResults {
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
        let versions = await_events(self, wanted).await;
        let candidates = read_items(self, &names, versions, &witnessed, &mut results).await;
        let (retries, _) = self.pass(candidates, None, &mut results).await;
        self.second_pass(retries, &witnessed, results).await
    }

    /// The items whose deletion an event reports. A payload is no witness.
    fn witnessed(&self, wanted: &[Wanted]) -> BTreeSet<ParameterName> {
        let is_deletion = |wanted: &&Wanted| wanted.expect.iter().any(|expected| expected.absent);
        let name = |wanted: &Wanted| match &wanted.item {
            Item::Parameter(name) => Some(name.clone()),
            Item::Secret(_) => None,
        };
        let from_events = wanted.iter().filter(|_| self.policy.from_events);
        from_events.filter(is_deletion).filter_map(name).collect()
    }

    /// The second pass, which is the last. An item that changed during this pass too is pending.
    async fn second_pass(
        &self,
        mut retries: Retries,
        witnessed: &BTreeSet<ParameterName>,
        mut results: ItemResults,
    ) -> ItemResults {
        if retries.is_empty() {
            return results;
        }
        if !self.policy.deadline.is_stopped() {
            let names: Vec<ParameterName> = retries.keys().cloned().collect();
            let originals = versions(self.session, self.source, &names).await;
            let candidates = read_items(self, &retries, originals, witnessed, &mut results).await;
            (retries, _) = self.pass(candidates, None, &mut results).await;
        }
        for (name, targets) in retries {
            for (target, why) in targets {
                match why {
                    RetryReason::Unanswered(cause) => results.fail(&name, &target, &target, cause),
                    RetryReason::Unwritten | RetryReason::Moved => {
                        results.record(&name, &target, ItemResult::Counted(OutcomeKind::Pending));
                    }
                }
            }
        }
        results
    }

    /// Divides the candidates into those to make equal and those to remove, according to the reads so far. A candidate may be
    /// in both, with different targets.
    fn divide(&self, candidates: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>) {
        let (mut present, mut orphans) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let is_orphan = |target: &Region, replica: &Option<Observed>| {
                let case = self.case(target, candidate.original.as_ref(), replica.as_ref(), None);
                let decision = decide(case, self.plan_policy(self.parity()));
                candidate.original.is_none() || matches!(decision, Decision::Remove(_))
            };
            let (removed, kept): (BTreeMap<_, _>, BTreeMap<_, _>) = candidate
                .replicas
                .iter()
                .map(|(target, replica)| (target.clone(), replica.clone()))
                .partition(|(target, replica)| is_orphan(target, replica));
            for (replicas, side) in [(kept, &mut present), (removed, &mut orphans)] {
                if !replicas.is_empty() {
                    side.push(Candidate { replicas, ..candidate.clone() });
                }
            }
        }
        (present, orphans)
    }

    /// One pass over all candidates: chunks of items to make equal, beside the orphans to remove.
    async fn pass(
        &self,
        mut candidates: Vec<Candidate>,
        listed: Option<&ListedByTarget>,
        results: &mut ItemResults,
    ) -> (Retries, UnwitnessedAbsences) {
        // One call decrypts values of one key, so items of one key go together.
        let key = |c: &Candidate| c.original.as_ref().and_then(|o| o.parameter.key.clone());
        candidates.sort_by_cached_key(key);
        let (present, orphans) = self.divide(candidates);
        let leaves_time_for = |items: usize| {
            let items = u32::try_from(items.min(CHUNK)).unwrap_or(u32::MAX);
            self.policy.deadline.leaves(reserve::CHUNK + reserve::ITEM * items)
        };
        let (all, leaves_time_for) = (present.len(), &leaves_time_for);
        // Collected first: a stream that borrows from the iterator's closure is not known to be `Send`.
        let chunks: Vec<_> = present
            .chunks(CHUNK)
            .map(|chunk| async move {
                if leaves_time_for(all) {
                    reconcile_chunk(self, chunk.to_vec()).await
                } else {
                    PassResult::pending(chunk)
                }
            })
            .collect();
        let chunks =
            stream::iter(chunks).buffer_unordered(CHUNKS_AT_ONCE).inspect(PassResult::note);
        let removal = async {
            if leaves_time_for(orphans.len()) {
                remove(self, orphans, listed).await
            } else {
                (PassResult::pending(&orphans), UnwitnessedAbsences::default())
            }
        };
        let (passes, (removed, absences)) =
            futures::join!(chunks.collect::<Vec<PassResult>>(), removal);
        let mut retries = Retries::new();
        for PassResult { results: later, retries: more } in passes.into_iter().chain([removed]) {
            results.absorb(later);
            for (name, targets) in more {
                retries.entry(name).or_default().extend(targets);
            }
        }
        (retries, absences)
    }
}

#[cfg(test)]
mod tests;
