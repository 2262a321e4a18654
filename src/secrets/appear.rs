//! The wait for a secret whose creation an event told: reads lag behind writes.
//!
//! A lapse is no failure: what is read then is gone on with, and the sweep sees to the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;

use super::model::Secret;
use super::observe;
use super::slice::{CALLS, Slice};
use crate::domain::{Cause, Item, Region, SecretName, Wanted};

/// No event is waited for longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between reads; each pause is longer than the one before by this.
const PAUSE: Duration = Duration::from_millis(500);

/// What `DescribeSecret` answered of each secret, by the name or ARN that was asked for.
pub(super) type Described = BTreeMap<SecretName, Result<Option<Secret>, Cause>>;

impl Slice<'_> {
    /// Describes the wanted secrets, those that were just created again and again until they are there.
    pub(super) async fn describe_wanted(&self, source: &Region, wanted: &[Wanted]) -> Described {
        let mut open: BTreeMap<&SecretName, bool> = BTreeMap::new();
        for Wanted { item, expect } in wanted {
            if let Item::Secret(name) = item {
                // A deletion that was told beside it may well have been the later one.
                let is_created = expect.iter().any(|expected| expected.at.is_some())
                    && !expect.iter().any(|expected| expected.absent);
                open.insert(name, is_created);
            }
        }
        let mut described = Described::new();
        let (mut waited, mut pause) = (Duration::ZERO, PAUSE);
        loop {
            let asking: Vec<_> = open
                .iter()
                .map(async |(name, _)| {
                    (*name, observe::describe(self.session, source, name.as_str()).await)
                })
                .collect();
            let answers: Vec<_> = stream::iter(asking).buffer_unordered(CALLS).collect().await;
            for (name, answer) in answers {
                let is_awaited = open.get(name).copied().unwrap_or_default();
                if !(is_awaited && matches!(answer, Ok(None))) {
                    open.remove(name);
                }
                described.insert(name.clone(), answer);
            }
            let over = waited + pause > PATIENCE || !self.policy.deadline.leaves(PATIENCE);
            if open.is_empty() || over {
                return described;
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause += PAUSE;
        }
    }
}
