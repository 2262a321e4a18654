//! The only executor of deletes, for sweeps, events and prune alike: read the replicas again by name, let the caller judge
//! each with that evidence (planner and guard), delete, and remember each success.
//!
//! `DeleteParameters` has no condition, and the SDK never repeats the call. After a lost answer the replicas are read and
//! judged again, because another writer may have created the name meanwhile. A refused call of several names is repeated
//! for each name alone, so that one name never fails the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::Session;
use crate::domain::{Cause, ParameterName, Region, Tags, Version};
use crate::parameters::causes::delete_unanswered;
use crate::parameters::context::RouteContext;
use crate::parameters::model::Observed;
use crate::parameters::store::{ByName, DeleteAnswer, NAMES_PER_CALL, delete, tags_of, versions};
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;

/// A replica, read again by name.
#[derive(Debug)]
pub(in crate::parameters) enum Reread {
    /// The same version, with its present tags.
    Unchanged(Observed),
    /// The replica has another version or no longer exists.
    Changed,
    Failed(Cause),
}

/// The caller's judgement of a replica.
pub(in crate::parameters) enum Judgement<T> {
    Delete,
    /// The replica is not deleted; the caller gets this back.
    Keep(T),
}

/// The result for one replica.
#[derive(Debug)]
pub(in crate::parameters) enum DeleteResult<T> {
    Deleted,
    /// The replica changed, or no longer existed before the call.
    Changed,
    /// A read failed, AWS refused the delete, or two answers were lost.
    Failed(Cause),
    /// The judgement of a replica that is not to be deleted.
    Kept(T),
}

/// Deletes replicas in one target of one account.
#[derive(Clone, Copy)]
pub(in crate::parameters) struct DeleteExecutor<'a> {
    session: &'a Session,
    recent: &'a RecentDeletes,
    target: &'a Region,
    /// A plan judges what was read before; it reads nothing again.
    rereads: bool,
}

/// What one call did not delete.
struct Undeleted {
    replicas: Vec<Observed>,
    /// Whether AWS may have carried out the call.
    may_be_deleted: bool,
    /// Whether a second call may succeed: the first named several replicas, or its answer was lost.
    may_retry: bool,
}

type Results<T> = BTreeMap<ParameterName, DeleteResult<T>>;

impl<'a> DeleteExecutor<'a> {
    pub(in crate::parameters) fn new(
        session: &'a Session,
        policy: &RunPolicy,
        recent: &'a RecentDeletes,
        target: &'a Region,
    ) -> Self {
        Self { session, recent, target, rereads: policy.writing.allows() }
    }

    pub(in crate::parameters) fn of(context: &RouteContext<'a>, target: &'a Region) -> Self {
        Self::new(context.session, context.policy, context.recent, target)
    }

    /// Reads the replicas again, in their order.
    pub(in crate::parameters) async fn reread(
        &self,
        replicas: impl IntoIterator<Item = &Observed>,
    ) -> Vec<(ParameterName, Reread)> {
        let replicas: Vec<&Observed> = replicas.into_iter().collect();
        let names: Vec<ParameterName> =
            replicas.iter().map(|replica| replica.parameter.name.clone()).collect();
        if !self.rereads {
            let unchanged = replicas.into_iter().cloned().map(Reread::Unchanged);
            return names.into_iter().zip(unchanged).collect();
        }
        let (mut tags, versions) = futures::join!(
            tags_of(self.session, self.target, &names),
            versions(self.session, self.target, &names)
        );
        let read = replicas.into_iter().map(|replica| compare(replica, &mut tags, &versions));
        let read: Vec<Reread> = read.collect();
        names.into_iter().zip(read).collect()
    }

    /// Judges the replicas and deletes those that the judgement condemns, ten a call. `judge` is asked again where a call
    /// has no clear result.
    pub(in crate::parameters) async fn delete_judged<T>(
        &self,
        read: Vec<(ParameterName, Reread)>,
        judge: &(dyn Fn(&Observed) -> Judgement<T> + Sync),
    ) -> Results<T> {
        let mut results = Results::new();
        let mut condemned = Vec::new();
        for (name, read) in read {
            let result = match read {
                Reread::Unchanged(replica) => match judge(&replica) {
                    Judgement::Delete => {
                        condemned.push(replica);
                        continue;
                    }
                    Judgement::Keep(kept) => DeleteResult::Kept(kept),
                },
                Reread::Changed => DeleteResult::Changed,
                Reread::Failed(cause) => DeleteResult::Failed(cause),
            };
            results.insert(name, result);
        }
        let may_delete = |replica: &Observed| matches!(judge(replica), Judgement::Delete);
        for chunk in condemned.chunks(NAMES_PER_CALL) {
            let undeleted = self.call(chunk, &mut results).await;
            // Each replica that may still be deleted goes alone. Where a policy checks tags, AWS also refuses a name that
            // no longer exists.
            let may_retry = undeleted.may_retry;
            let may_delete = |replica: &Observed| may_retry && may_delete(replica);
            for replica in self.check_again(undeleted, &may_delete, &mut results).await {
                let undeleted = self.call(&[replica], &mut results).await;
                self.check_again(undeleted, &|_| false, &mut results).await;
            }
        }
        results
    }

    /// One call. Replicas that are not deleted are returned, and have failed so far.
    async fn call<T>(&self, replicas: &[Observed], results: &mut Results<T>) -> Undeleted {
        let names: Vec<ParameterName> =
            replicas.iter().map(|replica| replica.parameter.name.clone()).collect();
        let (deleted, absent, cause) = match delete(self.session, self.target, &names).await {
            Ok(DeleteAnswer::Answered { deleted, absent }) => {
                (deleted, absent, delete_unanswered())
            }
            Ok(DeleteAnswer::Unanswered(cause)) => (BTreeSet::new(), BTreeSet::new(), cause),
            Err(cause) => {
                let may_retry = names.len() > 1;
                for name in names {
                    results.insert(name, DeleteResult::Failed(cause.clone()));
                }
                let replicas =
                    if cause.kind.may_succeed_later() { Vec::new() } else { replicas.to_vec() };
                return Undeleted { replicas, may_be_deleted: false, may_retry };
            }
        };
        let mut undeleted = Vec::new();
        for replica in replicas {
            let name = &replica.parameter.name;
            let result = if deleted.contains(name) {
                self.remember(name);
                DeleteResult::Deleted
            } else if absent.contains(name) {
                DeleteResult::Changed
            } else {
                undeleted.push(replica.clone());
                DeleteResult::Failed(cause.clone())
            };
            results.insert(name.clone(), result);
        }
        Undeleted { replicas: undeleted, may_be_deleted: true, may_retry: true }
    }

    /// Returns the replicas that are unchanged and may still be deleted. A replica that no longer exists after a call
    /// without an answer was deleted by that call. Every other replica keeps the failure of the call.
    async fn check_again<T>(
        &self,
        Undeleted { replicas, may_be_deleted, .. }: Undeleted,
        may_delete: &(dyn Fn(&Observed) -> bool + Sync),
        results: &mut Results<T>,
    ) -> Vec<Observed> {
        if replicas.is_empty() {
            return Vec::new();
        }
        let names: Vec<ParameterName> =
            replicas.iter().map(|replica| replica.parameter.name.clone()).collect();
        let versions = versions(self.session, self.target, &names).await;
        let mut tags = tags_of(self.session, self.target, &names).await;
        let mut condemned = Vec::new();
        for replica in &replicas {
            let name = &replica.parameter.name;
            match (versions.get(name), compare(replica, &mut tags, &versions)) {
                (Some(Ok(None)), _) if may_be_deleted => {
                    self.remember(name);
                    results.insert(name.clone(), DeleteResult::Deleted);
                }
                (_, Reread::Unchanged(replica)) if may_delete(&replica) => condemned.push(replica),
                (_, Reread::Unchanged(_) | Reread::Failed(_)) => {}
                (_, Reread::Changed) => {
                    results.insert(name.clone(), DeleteResult::Changed);
                }
            }
        }
        condemned
    }

    fn remember(&self, name: &ParameterName) {
        let location = self.session.location(self.target);
        self.recent.remember(location, name.clone(), self.session.now());
    }
}

fn compare(replica: &Observed, tags: &mut ByName<Tags>, versions: &ByName<Version>) -> Reread {
    let name = &replica.parameter.name;
    match (versions.get(name), tags.remove(name)) {
        (Some(Err(cause)), _) => Reread::Failed(cause.clone()),
        (_, Some(Err(cause))) => Reread::Failed(cause),
        (Some(Ok(Some(version))), Some(Ok(Some(tags))))
            if *version == replica.parameter.version() =>
        {
            Reread::Unchanged(Observed { tags, ..replica.clone() })
        }
        _ => Reread::Changed,
    }
}
