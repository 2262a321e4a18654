//! The brake on deletions: the day's allowance, and mass absence.
//!
//! An orphan over the allowance gets a tombstone of a week. If every replica of a route in one target lost its source
//! without a witness, a fault is likely: the hub deletes and tags nothing there until a person confirms. Both are reported
//! by name.

use std::collections::{BTreeMap, BTreeSet};

use super::orphans::{ByTarget, Orphan};
use crate::allowances::Reserved;
use crate::domain::{Cause, OutcomeKind, ParameterName, Region, Tags};
use crate::ownership::{FoundBy, Provenance, Tombstone};
use crate::parameters::causes::{
    deletion_not_recorded, deletion_over_allowance, every_source_gone,
};
use crate::parameters::context::RouteContext;
use crate::parameters::plan::Disposal;
use crate::parameters::results::{ItemResult, PassResult};
use crate::parameters::store::marked;

/// What the lists of a sweep show of a route's replicas in one target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ListedReplicas {
    /// The replicas with this route's tags.
    pub(super) owned: usize,
    /// The replicas among them whose source exists.
    pub(super) with_source: usize,
}

pub(super) type ListedByTarget = BTreeMap<Region, ListedReplicas>;

/// The reserved deletions, by target.
pub(super) type Granted = BTreeMap<Region, u64>;

/// Why deletions were not reserved.
#[derive(Debug)]
pub(super) enum NotReserved {
    /// The replicas could not be counted.
    Uncounted(Cause),
    /// The day's deletions could not be read or recorded.
    Unrecorded(Cause),
}

impl NotReserved {
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Uncounted(cause) | Self::Unrecorded(cause) => cause,
        }
    }
}

/// Reserves the planned deletions. An orphan over the day's allowance gets a tombstone instead, and so does every orphan if
/// the allowance cannot be read or recorded. A plan reserves nothing.
pub(super) async fn allow(
    context: &RouteContext<'_>,
    orphans: &mut ByTarget,
    listed: Option<&ListedByTarget>,
    pass: &mut PassResult,
) -> Granted {
    let mut granted = Granted::new();
    for (target, replicas) in orphans {
        let asked = replicas.iter().filter(|one| one.disposal == Disposal::Delete).count();
        if asked == 0 {
            continue;
        }
        let listed = listed.and_then(|listed| listed.get(target));
        match reserve(context, target, asked as u64, listed).await {
            Ok(many) => {
                if many < asked as u64 {
                    tombstone_rest(context, target, replicas, many, None);
                }
                granted.insert(target.clone(), many);
            }
            Err(NotReserved::Unrecorded(cause)) => {
                tombstone_rest(context, target, replicas, 0, Some(&cause));
            }
            Err(NotReserved::Uncounted(cause)) => {
                replicas.retain(|Orphan { name, disposal, .. }| {
                    let stays = *disposal != Disposal::Delete;
                    if !stays {
                        pass.results.fail(name, target, target, cause.clone());
                    }
                    stays
                });
            }
        }
    }
    granted
}

/// Returns to the allowance the reserved deletions that did not happen.
pub(super) async fn give_back(
    context: &RouteContext<'_>,
    granted: &Granted,
    deleted: &BTreeMap<Region, u64>,
) {
    for (target, many) in granted {
        let left = many.saturating_sub(deleted.get(target).copied().unwrap_or_default());
        let (place, now) = (context.session.location(target), context.session.now());
        context.policy.allowances.give_back(&place, left, now).await;
    }
}

/// Reserves up to `asked` deletions of the day's allowance. Returns how many were reserved, or how many a plan may show.
///
/// # Errors
/// The replicas could not be counted, or the table did not answer.
pub(super) async fn reserve(
    context: &RouteContext<'_>,
    target: &Region,
    asked: u64,
    listed: Option<&ListedReplicas>,
) -> Result<u64, NotReserved> {
    let owned = listed.map(|listed| listed.owned as u64);
    if let Reserved::Granted(many) = ask(context, target, asked, owned).await? {
        return Ok(many);
    }
    let marked = marked(context.session, target).await.map_err(NotReserved::Uncounted)?;
    let owned = count_owned(&marked, context.source);
    match ask(context, target, asked, Some(owned)).await? {
        Reserved::Granted(many) => Ok(many),
        Reserved::NeedsCount => Ok(0),
    }
}

async fn ask(
    context: &RouteContext<'_>,
    target: &Region,
    asked: u64,
    owned: Option<u64>,
) -> Result<Reserved, NotReserved> {
    let (place, now) = (context.session.location(target), context.session.now());
    let (allowances, limit) = (&context.policy.allowances, context.policy.max_deletes);
    let reserved = if context.policy.writing.allows() {
        allowances.reserve(&place, asked, limit, owned, now).await
    } else {
        allowances.peek(&place, asked, limit, owned, now).await
    };
    reserved.map_err(NotReserved::Unrecorded)
}

pub(super) async fn give_one_back(context: &RouteContext<'_>, target: &Region) {
    give_back(context, &Granted::from([(target.clone(), 1)]), &BTreeMap::new()).await;
}

fn count_owned(tags: &BTreeMap<ParameterName, Tags>, source: &Region) -> u64 {
    let is_owned = |tags: &&Tags| Provenance::of(tags).is_some_and(|from| from.region == *source);
    tags.values().filter(is_owned).count() as u64
}

/// Gives tombstones to all orphans over the `allowed` ones. `unrecorded`: why the allowance is unknown.
fn tombstone_rest(
    context: &RouteContext<'_>,
    target: &Region,
    replicas: &mut [Orphan],
    allowed: u64,
    unrecorded: Option<&Cause>,
) {
    let due = context.policy.keep_beyond_allowance(context.session.now());
    let skip = usize::try_from(allowed).unwrap_or(usize::MAX);
    for one in replicas.iter_mut().filter(|one| one.disposal == Disposal::Delete).skip(skip) {
        let by = if one.is_witnessed() { FoundBy::Event } else { FoundBy::List };
        one.disposal = Disposal::Tombstone(Tombstone { due, by });
        let max_deletes = context.policy.max_deletes;
        one.reported = Some(match unrecorded {
            Some(cause) => deletion_not_recorded(context.source, target, cause, due),
            None => deletion_over_allowance(context.source, target, max_deletes, due),
        });
    }
}

/// Holds back the unwitnessed orphans of each target in which no replica of the route has a source. `found` are the targets
/// of sources that the list does not show but a read by name does. Returns whether any orphan was held back.
pub(super) fn hold_back_mass_absence(
    context: &RouteContext<'_>,
    orphans: &mut ByTarget,
    (listed, found): (&ListedByTarget, &BTreeSet<Region>),
    pass: &mut PassResult,
) -> bool {
    let mut holds_back = false;
    for (target, replicas) in orphans {
        let with_source = listed.get(target).map_or(0, |listed| listed.with_source);
        let has_source = with_source > 0 || found.contains(target);
        let lost = replicas.iter().filter(|one| one.is_unwitnessed()).count();
        if has_source || lost == 0 || context.policy.lifts_brake {
            continue;
        }
        let account = context.session.account();
        let cause = every_source_gone(account, context.source, target, lost);
        hold_back(replicas, target, &cause, pass);
        holds_back = true;
    }
    holds_back
}

/// Records the unwitnessed orphans as held.
pub(super) fn hold_back(
    replicas: &mut Vec<Orphan>,
    target: &Region,
    cause: &Cause,
    pass: &mut PassResult,
) {
    replicas.retain(|one| {
        if one.is_unwitnessed() {
            let (region, cause) = (target.clone(), cause.clone());
            let result = ItemResult::Reported { outcome: OutcomeKind::Held, region, cause };
            pass.results.record(&one.name, target, result);
        }
        !one.is_unwitnessed()
    });
}
