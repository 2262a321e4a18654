//! What keeps deletions back: the day's allowance, and the suspicion that a source which lost everything is a fault.
//!
//! What the allowance leaves over gets a tombstone of a week. Where every replica of a route has lost its source in one
//! location without a witness, nothing is deleted or marked until a person says so: both are reported by name.

use std::collections::{BTreeMap, BTreeSet};

use super::orphans::{ByTarget, Orphan};
use crate::allowances::Reserved;
use crate::domain::{Cause, FailureKind, OutcomeKind, ParameterName, Region, Tags, Timestamp};
use crate::ownership::{FoundBy, Provenance, Tombstone};
use crate::parameters::context::RouteContext;
use crate::parameters::plan::Disposal;
use crate::parameters::results::{ItemResult, PassResult};
use crate::parameters::store::marked;

/// What the lists of a sweep show of a route's replicas in one target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Listed {
    /// Those that carry this route's tags.
    pub(super) owned: usize,
    /// Those among them whose source is there.
    pub(super) with_source: usize,
}

pub(super) type ListedByTarget = BTreeMap<Region, Listed>;

/// Deletions that were reserved, by target.
pub(super) type Granted = BTreeMap<Region, u64>;

/// Reserves what is to be deleted; what the day's allowance leaves over gets a tombstone instead. A plan gives back what
/// it reserved.
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
                    delay(context, target, replicas, many);
                }
                granted.insert(target.clone(), many);
            }
            Err(cause) => replicas.retain(|Orphan { name, disposal, .. }| {
                let stays = *disposal != Disposal::Delete;
                if !stays {
                    pass.results.fail(name, target, target, cause.clone());
                }
                stays
            }),
        }
    }
    if !context.policy.writing.allows() {
        give_back(context, &granted, |_| 0);
    }
    granted
}

/// Gives back what was reserved and not deleted.
pub(super) fn give_back(
    context: &RouteContext<'_>,
    granted: &Granted,
    deleted: impl Fn(&Region) -> u64,
) {
    for (target, many) in granted {
        let left = many.saturating_sub(deleted(target));
        context.policy.allowances.give_back(
            &context.session.location(target),
            left,
            context.session.now(),
        );
    }
}

/// How many of `asked` deletions the day's allowance has left, which are then reserved.
///
/// # Errors
/// Why the replicas could not be counted.
pub(super) async fn reserve(
    context: &RouteContext<'_>,
    target: &Region,
    asked: u64,
    listed: Option<&Listed>,
) -> Result<u64, Cause> {
    let place = context.session.location(target);
    let ask = |owned| {
        let now = context.session.now();
        context.policy.allowances.reserve(&place, asked, context.policy.max_deletes, owned, now)
    };
    match ask(listed.map(|listed| listed.owned as u64)) {
        Reserved::Granted(many) => Ok(many),
        Reserved::NeedsCount => {
            let owned = count_owned(&marked(context.session, target).await?, context.source);
            match ask(Some(owned)) {
                Reserved::Granted(many) => Ok(many),
                Reserved::NeedsCount => Ok(0),
            }
        }
    }
}

/// Gives back one that was reserved.
pub(super) fn give_one_back(context: &RouteContext<'_>, target: &Region) {
    give_back(context, &Granted::from([(target.clone(), 1)]), |_| 0);
}

fn count_owned(tags: &BTreeMap<ParameterName, Tags>, source: &Region) -> u64 {
    let is_owned = |tags: &&Tags| Provenance::of(tags).is_some_and(|from| from.region == *source);
    tags.values().filter(is_owned).count() as u64
}

/// Gives tombstones to all but the first `allowed` of those that were to be deleted.
fn delay(context: &RouteContext<'_>, target: &Region, replicas: &mut [Orphan], allowed: u64) {
    let due = context.policy.keep_beyond_allowance(context.session.now());
    let skip = usize::try_from(allowed).unwrap_or(usize::MAX);
    for one in replicas.iter_mut().filter(|one| one.disposal == Disposal::Delete).skip(skip) {
        let by = if one.is_witnessed() { FoundBy::Event } else { FoundBy::List };
        one.disposal = Disposal::Tombstone(Tombstone { due, by });
        one.reported = Some(beyond_allowance(context, target, due));
    }
}

fn beyond_allowance(context: &RouteContext<'_>, target: &Region, due: Timestamp) -> Cause {
    let message = format!(
        "its source in {} is gone; more replicas in {target} were to be deleted today than REPLICATOR_MAX_DELETES ({}) allows, so it is kept with a tombstone until {due}",
        context.source, context.policy.max_deletes
    );
    Cause::new(FailureKind::TooManyDeletes, message).mended_by(
        "if the deletion is meant, do nothing: the sweep deletes it when the tombstone is due; if not, restore the source, which undoes the tombstone",
    )
}

/// Holds back, in each target, what has lost its source without a witness, where no replica of the route there has kept
/// its source. `found` are the targets of sources that the list did not show and a read by name did. Says whether it held any.
pub(super) fn hold_mass_absence(
    context: &RouteContext<'_>,
    orphans: &mut ByTarget,
    (listed, found): (&ListedByTarget, &BTreeSet<Region>),
    pass: &mut PassResult,
) -> bool {
    let mut holds = false;
    for (target, replicas) in orphans {
        let with_source = listed.get(target).map_or(0, |listed| listed.with_source);
        // One that the list did not show, or that came back since, was taken out and goes round again.
        let has_source = with_source > 0 || found.contains(target);
        let lost = replicas.iter().filter(|one| one.is_unwitnessed()).count();
        if has_source || lost == 0 || context.policy.lifts_brake {
            continue;
        }
        let cause = everything_is_gone(context, target, lost);
        hold(replicas, target, &cause, pass);
        holds = true;
    }
    holds
}

/// Ends what has lost its source without a witness as held.
pub(super) fn hold(
    replicas: &mut Vec<Orphan>,
    target: &Region,
    cause: &Cause,
    pass: &mut PassResult,
) {
    replicas.retain(|one| {
        if one.is_unwitnessed() {
            let (region, cause) = (target.clone(), cause.clone());
            let result = ItemResult::Reported { outcome: OutcomeKind::Held, region, cause };
            pass.results.end(&one.name, target, result);
        }
        !one.is_unwitnessed()
    });
}

fn everything_is_gone(context: &RouteContext<'_>, target: &Region, lost: usize) -> Cause {
    let source = context.source;
    let account = context.session.account();
    let message = format!(
        "its source in {source} is gone, and so is that of every other replica in {target} ({lost} without an event of the deletion): nothing is deleted"
    );
    Cause::new(FailureKind::TooManyDeletes, message).mended_by(format!(
        "if the deletions are meant, run `hubctl sweep --account {account} --route {source}={target} --max-deletes 100%`; if not, restore the sources"
    ))
}
