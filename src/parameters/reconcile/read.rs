//! Reads the items of a pass by name. Lists may lag, so their tags and references never justify a write.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{ParameterName, Region, Tags, Version};
use crate::ownership::FoundBy;
use crate::parameters::candidate::Candidate;
use crate::parameters::context::RouteContext;
use crate::parameters::model::{Observed, Parameter};
use crate::parameters::results::{ItemResults, PassResult, Retries, RetryReason};
use crate::parameters::store::{ByName, by_name, by_name_knowing, tags_of, versions};
use crate::parameters::value_override::{ValueOverride, value_override};

/// Reads items by name in the source, whose versions are known already, and in the targets of `wanted`.
pub(super) async fn read_items(
    context: &RouteContext<'_>,
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
            let held = versions(context.session, target, &names).await;
            (target.clone(), by_name(context.session, target, held).await)
        }
    }));
    let (originals, replicas) =
        futures::join!(by_name(context.session, context.source, originals), replicas);
    let mut candidates = Vec::new();
    for (name, original) in originals {
        let (mut held, mut unread) = (BTreeMap::new(), None);
        for (target, read) in &replicas {
            match (&original, read.get(&name)) {
                (_, None) => {}
                (Err(cause), Some(_)) => results.fail(&name, target, context.source, cause.clone()),
                (Ok(_), Some(Err(cause))) => {
                    results.fail(&name, target, target, cause.clone());
                    unread.get_or_insert_with(|| (target.clone(), cause.clone()));
                }
                (Ok(_), Some(Ok(replica))) => drop(held.insert(target.clone(), replica.clone())),
            }
        }
        if let Ok(original) = original
            && !held.is_empty()
        {
            candidates.push(Candidate {
                found_by: witnessed.contains(&name).then_some(FoundBy::Event),
                moved: moved_targets(wanted, &name),
                name,
                original,
                replicas: held,
                read_by_name: true,
                unread,
                referenced: BTreeMap::new(),
            });
        }
    }
    candidates
}

fn moved_targets(retries: &Retries, name: &ParameterName) -> BTreeSet<Region> {
    let targets = retries.get(name).into_iter().flatten();
    let moved = targets.filter(|(_, why)| matches!(why, RetryReason::Moved));
    moved.map(|(target, _)| target.clone()).collect()
}

/// The items that are known only from lists.
pub(super) fn known_from_lists(candidates: &[Candidate]) -> BTreeSet<ParameterName> {
    let listed = candidates.iter().filter(|candidate| !candidate.read_by_name);
    listed.map(|candidate| candidate.name.clone()).collect()
}

/// Reads by name the tags of items that are known only from lists.
pub(super) async fn read_tags(
    context: &RouteContext<'_>,
    candidates: &mut Vec<Candidate>,
    pass: &mut PassResult,
) {
    let listed: Vec<ParameterName> = known_from_lists(candidates).into_iter().collect();
    if listed.is_empty() {
        return;
    }
    let mut held: BTreeMap<Region, Vec<ParameterName>> = BTreeMap::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.read_by_name) {
        for (target, replica) in &candidate.replicas {
            if let Some(replica) = replica {
                held.entry(target.clone()).or_default().push(replica.parameter.name.clone());
            }
        }
    }
    let in_targets = held.iter().map(|(target, names)| async move {
        (target.clone(), tags_of(context.session, target, names).await)
    });
    let (in_source, in_targets) = futures::join!(
        tags_of(context.session, context.source, &listed),
        futures::future::join_all(in_targets)
    );
    let in_targets: BTreeMap<Region, ByName<Tags>> = in_targets.into_iter().collect();
    candidates.retain_mut(|candidate| {
        candidate.read_by_name
            || set_source_tags(context, candidate, &in_source, pass) && {
                set_replica_tags(candidate, &in_targets, pass);
                true
            }
    });
}

/// Replaces the tags of the source. Returns false if the source cannot be read or no longer exists.
fn set_source_tags(
    context: &RouteContext<'_>,
    candidate: &mut Candidate,
    read: &ByName<Tags>,
    pass: &mut PassResult,
) -> bool {
    let name = &candidate.name;
    match (read.get(name), &mut candidate.original) {
        (Some(Ok(Some(tags))), Some(original)) => {
            original.tags.clone_from(tags);
            true
        }
        (Some(Err(cause)), _) => {
            for target in candidate.replicas.keys() {
                pass.results.fail(name, target, context.source, cause.clone());
            }
            false
        }
        _ => {
            for target in candidate.replicas.keys() {
                pass.retry(name, target, RetryReason::Unwritten);
            }
            false
        }
    }
}

/// Replaces the tags of the replicas, and removes those that cannot be read or no longer exist.
fn set_replica_tags(
    candidate: &mut Candidate,
    read: &BTreeMap<Region, ByName<Tags>>,
    pass: &mut PassResult,
) {
    let name = &candidate.name;
    candidate.replicas.retain(|target, replica| {
        let Some(replica) = replica else { return true };
        match read.get(target).and_then(|tags| tags.get(name)) {
            Some(Ok(Some(tags))) => {
                replica.tags.clone_from(tags);
                return true;
            }
            Some(Err(cause)) => pass.results.fail(name, target, target, cause.clone()),
            _ => pass.retry(name, target, RetryReason::Unwritten),
        }
        false
    });
    candidate.read_by_name = true;
}

/// Reads by name the parameters that value overrides reference, with the consent of their owners. Each is read once for
/// all items; if a list shows the same version, its attributes are not read again.
pub(super) async fn read_referenced(
    context: &RouteContext<'_>,
    candidates: &mut [Candidate],
    pass: &mut PassResult,
) {
    let mut listed: BTreeMap<ParameterName, Parameter> = BTreeMap::new();
    let mut wanted: BTreeMap<ParameterName, Vec<(usize, Region)>> = BTreeMap::new();
    for (place, candidate) in candidates.iter_mut().enumerate() {
        for (_, Observed { parameter, .. }) in std::mem::take(&mut candidate.referenced) {
            listed.insert(parameter.name.clone(), parameter);
        }
        let Some(original) = &candidate.original else { continue };
        for target in candidate.replicas.keys() {
            // The decision reports invalid tags.
            if let Ok(Some(ValueOverride::FromParameter(name))) =
                value_override(&original.tags, target)
            {
                wanted.entry(name).or_default().push((place, target.clone()));
            }
        }
    }
    let names: Vec<ParameterName> = wanted.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let read = versions(context.session, context.source, &names).await;
    for (name, referenced) in by_name_knowing(context.session, context.source, read, listed).await {
        for (place, target) in wanted.remove(&name).unwrap_or_default() {
            let candidate = &mut candidates[place];
            match &referenced {
                Ok(Some(referenced)) => {
                    candidate.referenced.insert(target, referenced.clone());
                }
                Ok(None) => {}
                Err(cause) => {
                    candidate.replicas.remove(&target);
                    pass.results.fail(&candidate.name, &target, context.source, cause.clone());
                }
            }
        }
    }
}
