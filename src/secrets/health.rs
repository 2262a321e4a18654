//! The keys that listed replicas are under: a replica that nobody can decrypt is no standby, however equal lists show it.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::stream;

use super::causes;
use super::model::{Listing, Secret};
use super::plan::Decision;
use super::slice::{CALLS, Slice};
use crate::aws::is_aws_managed;
use crate::domain::{AccountOutcome, Cause, OutcomeKind, Region};

/// The keys that may not be used, by target.
#[derive(Debug, Default)]
pub(super) struct Unusable(BTreeMap<(Region, String), Cause>);

impl Unusable {
    /// The decision; of a replica in sync that nobody can decrypt, the report of that.
    pub(super) fn considered(
        &self,
        decision: Decision,
        secret: &Secret,
        target: &Region,
        held: Option<&Secret>,
    ) -> Decision {
        let (Decision::Leave(OutcomeKind::InSync), Some(held)) = (&decision, held) else {
            return decision;
        };
        match self.0.get(&(target.clone(), held.kms_key().to_owned())) {
            Some(cause) => Decision::Report(causes::unreadable(secret, target, cause)),
            None => decision,
        }
    }
}

impl Slice<'_> {
    /// Asks of every key that replicas from these Regions are under, once. A call that is not answered is reported of its
    /// Region.
    pub(super) async fn ask_keys(
        &self,
        outcome: &mut AccountOutcome,
        pairs: &[(&Region, &Region)],
        lists: &BTreeMap<Region, Listing>,
    ) -> Unusable {
        let mut named: BTreeSet<(&Region, &str)> = BTreeSet::new();
        for (source, target) in pairs {
            let Some(list) = lists.get(*target) else { continue };
            let replicas = list
                .values()
                .filter(|held| held.primary_region.as_deref() == Some(source.as_str()));
            let keys = replicas.map(Secret::kms_key).filter(|key| !is_aws_managed(key));
            named.extend(keys.map(|key| (*target, key)));
        }
        let asking: Vec<_> = named
            .into_iter()
            .map(async |(target, key)| {
                let mut told = self.nothing();
                let cause = self.unusable(&mut told, target, key).await;
                (told, (target.clone(), key.to_owned()), cause)
            })
            .collect();
        let asked: Vec<_> = stream::iter(asking).buffer_unordered(CALLS).collect().await;
        let mut unusable = BTreeMap::new();
        for (told, key, cause) in asked {
            outcome.merge(told);
            unusable.extend(cause.map(|cause| (key, cause)));
        }
        Unusable(unusable)
    }
}
