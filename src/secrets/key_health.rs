//! Checks the keys of listed replicas. A replica with an unusable key is no standby copy, even if its version and tags
//! are equal to the primary's.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::stream;

use super::causes;
use super::context::{CALLS, SecretsContext};
use super::model::{Secret, SecretLists};
use super::plan::SecretDecision;
use crate::aws::is_aws_managed;
use crate::domain::{AccountOutcome, Cause, OutcomeKind, Region, Route};

/// The unusable keys, by target Region and key.
#[derive(Debug, Default)]
pub(super) struct UnusableKeys(BTreeMap<(Region, String), Cause>);

impl UnusableKeys {
    /// Replaces the decision `InSync` with a report if the replica's key is unusable.
    pub(super) fn with_key_fault(
        &self,
        decision: SecretDecision,
        secret: &Secret,
        target: &Region,
        held: Option<&Secret>,
    ) -> SecretDecision {
        let (SecretDecision::Leave(OutcomeKind::InSync), Some(held)) = (&decision, held) else {
            return decision;
        };
        match self.0.get(&(target.clone(), held.kms_key().to_owned())) {
            Some(cause) => SecretDecision::Report(causes::undecryptable(secret, target, cause)),
            None => decision,
        }
    }
}

impl SecretsContext<'_> {
    /// Checks each key of a route's listed replicas once. A failed call to KMS is reported for its Region.
    pub(super) async fn check_keys(
        &self,
        outcome: &mut AccountOutcome,
        route: &Route,
        lists: &SecretLists,
    ) -> UnusableKeys {
        let mut keys: BTreeSet<(&Region, &str)> = BTreeSet::new();
        for target in &route.targets {
            let Some(Ok(list)) = lists.get(target) else { continue };
            let replicas = list
                .values()
                .filter(|held| held.primary_region.as_deref() == Some(route.source.as_str()));
            let customer_keys = replicas.map(Secret::kms_key).filter(|key| !is_aws_managed(key));
            keys.extend(customer_keys.map(|key| (target, key)));
        }
        let checks: Vec<_> = keys
            .into_iter()
            .map(async |(target, key)| {
                let mut part = self.empty_outcome();
                let cause = self.unusable_key(&mut part, target, key).await;
                (part, (target.clone(), key.to_owned()), cause)
            })
            .collect();
        let checked: Vec<_> = stream::iter(checks).buffer_unordered(CALLS).collect().await;
        let mut unusable = BTreeMap::new();
        for (part, key, cause) in checked {
            outcome.merge(part);
            unusable.extend(cause.map(|cause| (key, cause)));
        }
        UnusableKeys(unusable)
    }
}
