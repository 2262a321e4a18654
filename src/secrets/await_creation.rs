//! Waits for a secret whose creation an event reported, because reads lag behind writes.
//!
//! A wait that expires is not a failure: the run continues with what it read, and the next sweep does the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;

use super::context::{CALLS, SecretsContext};
use super::model::Secret;
use super::observe;
use crate::deadline::reserve;
use crate::domain::{Cause, Expectation, Item, Region, SecretName, Wanted};

/// The first pause between reads. Each pause is longer than the previous one by this amount.
const PAUSE: Duration = Duration::from_millis(500);

/// The answer of `DescribeSecret` for each secret, by the requested name or ARN.
pub(super) type DescribedSecrets = BTreeMap<SecretName, Result<Option<Secret>, Cause>>;

impl SecretsContext<'_> {
    /// Describes the wanted secrets. A secret that was just created is described repeatedly until it exists.
    pub(super) async fn describe_wanted(
        &self,
        source: &Region,
        wanted: &[Wanted],
    ) -> DescribedSecrets {
        let mut open: BTreeMap<&SecretName, bool> = BTreeMap::new();
        for Wanted { item, expect } in wanted {
            if let Item::Secret(name) = item {
                open.insert(name, is_created(expect));
            }
        }
        let mut described = DescribedSecrets::new();
        let (mut waited, mut pause) = (Duration::ZERO, PAUSE);
        loop {
            let reads: Vec<_> = open
                .iter()
                .map(async |(name, _)| {
                    (*name, observe::describe(self.session, source, name.as_str()).await)
                })
                .collect();
            let answers: Vec<_> = stream::iter(reads).buffer_unordered(CALLS).collect().await;
            for (name, answer) in answers {
                let is_awaited = open.get(name).copied().unwrap_or_default();
                if !(is_awaited && matches!(answer, Ok(None))) {
                    open.remove(name);
                }
                described.insert(name.clone(), answer);
            }
            let expired = waited + pause > reserve::EVENT_WAIT
                || !self.policy.deadline.leaves(reserve::EVENT_WAIT);
            if open.is_empty() || expired {
                return described;
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause += PAUSE;
        }
    }
}

/// Whether an event reported the creation of the secret. A deletion in the same batch may be the later event, so a
/// secret with a reported deletion is not awaited.
fn is_created(expect: &[Expectation]) -> bool {
    expect.iter().any(|expected| expected.at.is_some())
        && !expect.iter().any(|expected| expected.absent)
}
