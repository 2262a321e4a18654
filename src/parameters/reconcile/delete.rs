//! The only way to a deletion: what stands there now is read by name, judged by the caller, deleted, and remembered where
//! that succeeded.
//!
//! DeleteParameters has no condition and its SDK call is never repeated: where AWS gave no answer, what stands there is
//! read and judged anew, since another writer may have created the name meanwhile. A refused call of several names is
//! taken apart, so that one name never fails its neighbours.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::Session;
use crate::domain::{Cause, FailureKind, ParameterName, Region, Tags, Version};
use crate::parameters::model::Observed;
use crate::parameters::store::{ByName, DeleteAnswer, NAMES_PER_CALL, delete, tags_of, versions};
use crate::recent_deletes::RecentDeletes;

/// What stands in a target by a read by name, compared with what was read of it before.
#[derive(Debug)]
pub(in crate::parameters) enum Now {
    /// The same version, with the tags as they are now.
    Stands(Observed),
    /// Another version, or nothing.
    Changed,
    /// It could not be read.
    Unread(Cause),
}

/// How a deletion ended.
#[derive(Debug)]
pub(in crate::parameters) enum Deleted {
    /// AWS deleted it.
    Done,
    /// Something else stands there by now, or nothing, without this deletion.
    Changed,
    /// AWS refused it, or gave no answer twice.
    Failed(Cause),
}

/// What a call did not delete.
struct Open {
    replicas: Vec<Observed>,
    /// Whether it may have been carried out.
    may_be_done: bool,
    /// Whether a second call may come to another end: it was sent for several, or its answer did not come.
    is_worth_another: bool,
}

/// Where replicas are deleted.
#[derive(Clone, Copy)]
pub(in crate::parameters) struct Executor<'a> {
    pub(in crate::parameters) session: &'a Session,
    pub(in crate::parameters) recent: &'a RecentDeletes,
    pub(in crate::parameters) target: &'a Region,
}

/// Whether what stands there now may be deleted: the evidence judged by plan and guard.
pub(in crate::parameters) type MayGo<'a> = &'a (dyn Fn(&Observed) -> bool + Sync);

impl Executor<'_> {
    /// What stands there now of `held`, in its order.
    pub(in crate::parameters) async fn evidence_now(&self, held: &[Observed]) -> Vec<Now> {
        let names: Vec<ParameterName> =
            held.iter().map(|replica| replica.parameter.name.clone()).collect();
        let (mut tags, versions) = futures::join!(
            tags_of(self.session, self.target, &names),
            versions(self.session, self.target, &names)
        );
        held.iter().map(|replica| now(replica, &mut tags, &versions)).collect()
    }

    /// Deletes `proven`, which the caller judged by [`Self::evidence_now`], ten a call; `may_go` judges again where a
    /// call comes to no clear end.
    pub(in crate::parameters) async fn delete(
        &self,
        proven: Vec<Observed>,
        may_go: MayGo<'_>,
    ) -> BTreeMap<ParameterName, Deleted> {
        let mut ended = BTreeMap::new();
        for chunk in proven.chunks(NAMES_PER_CALL) {
            let open = self.attempt(chunk, &mut ended).await;
            // No answer, or a refusal of all: each is proved again by name, and goes alone. What vanished before the call is
            // refused too, where a policy asks for its tags.
            let is_worth_another = open.is_worth_another;
            let may_go = |replica: &Observed| is_worth_another && may_go(replica);
            for retries in self.prove_again(open, &may_go, &mut ended).await {
                let open = self.attempt(&[retries], &mut ended).await;
                self.prove_again(open, &|_| false, &mut ended).await;
            }
        }
        ended
    }

    /// One call; what it leaves open comes back, and has failed so far.
    async fn attempt(
        &self,
        proven: &[Observed],
        ended: &mut BTreeMap<ParameterName, Deleted>,
    ) -> Open {
        let names: Vec<ParameterName> =
            proven.iter().map(|replica| replica.parameter.name.clone()).collect();
        let (gone, absent, cause) = match delete(self.session, self.target, &names).await {
            Ok(DeleteAnswer::Answered { deleted, absent }) => (deleted, absent, no_answer()),
            Ok(DeleteAnswer::Unanswered(cause)) => (BTreeSet::new(), BTreeSet::new(), cause),
            Err(cause) => {
                let is_worth_another = names.len() > 1;
                for name in names {
                    ended.insert(name, Deleted::Failed(cause.clone()));
                }
                let replicas =
                    if cause.kind.may_succeed_later() { Vec::new() } else { proven.to_vec() };
                return Open { replicas, may_be_done: false, is_worth_another };
            }
        };
        let mut replicas = Vec::new();
        for replica in proven {
            let name = &replica.parameter.name;
            let deleted = if gone.contains(name) {
                self.remember(name);
                Deleted::Done
            } else if absent.contains(name) {
                Deleted::Changed
            } else {
                replicas.push(replica.clone());
                Deleted::Failed(cause.clone())
            };
            ended.insert(name.clone(), deleted);
        }
        Open { replicas, may_be_done: true, is_worth_another: true }
    }

    /// Those of `open` that stand as they did and may still go. What is absent after a call without an answer was deleted
    /// by it. Where one may not go, the failure of the call stands.
    async fn prove_again(
        &self,
        Open { replicas, may_be_done, .. }: Open,
        may_go: MayGo<'_>,
        ended: &mut BTreeMap<ParameterName, Deleted>,
    ) -> Vec<Observed> {
        if replicas.is_empty() {
            return Vec::new();
        }
        let names: Vec<ParameterName> =
            replicas.iter().map(|replica| replica.parameter.name.clone()).collect();
        let versions = versions(self.session, self.target, &names).await;
        let mut tags = tags_of(self.session, self.target, &names).await;
        let mut go = Vec::new();
        for replica in &replicas {
            let name = &replica.parameter.name;
            match (versions.get(name), now(replica, &mut tags, &versions)) {
                (Some(Ok(None)), _) if may_be_done => {
                    self.remember(name);
                    ended.insert(name.clone(), Deleted::Done);
                }
                (_, Now::Stands(replica)) if may_go(&replica) => go.push(replica),
                (_, Now::Stands(_) | Now::Unread(_)) => {}
                (_, Now::Changed) => drop(ended.insert(name.clone(), Deleted::Changed)),
            }
        }
        go
    }

    fn remember(&self, name: &ParameterName) {
        let location = self.session.location(self.target);
        self.recent.remember(location, name.clone(), self.session.now());
    }
}

fn no_answer() -> Cause {
    Cause::new(FailureKind::Unavailable, "ssm:DeleteParameters gave no answer for this name")
}

fn now(replica: &Observed, tags: &mut ByName<Tags>, versions: &ByName<Version>) -> Now {
    let name = &replica.parameter.name;
    match (versions.get(name), tags.remove(name)) {
        (Some(Err(cause)), _) => Now::Unread(cause.clone()),
        (_, Some(Err(cause))) => Now::Unread(cause),
        (Some(Ok(Some(version))), Some(Ok(Some(tags))))
            if *version == replica.parameter.version() =>
        {
            Now::Stands(Observed { tags, ..replica.clone() })
        }
        _ => Now::Changed,
    }
}
