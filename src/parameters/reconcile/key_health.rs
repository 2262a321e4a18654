//! The keys that encrypt the replicas of a sweep. A standby that cannot be decrypted is useless, even if the lists show it
//! in sync.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{is_about_key, is_aws_managed};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, Region};
use crate::ownership::Provenance;
use crate::parameters::causes::replica_unreadable;
use crate::parameters::context::RouteContext;
use crate::parameters::model::{Listing, Observed};
use crate::parameters::results::ItemResults;

/// The unusable keys, by target, with the reason.
#[derive(Debug, Default)]
pub(super) struct KeyHealth(BTreeMap<(Region, Box<str>), Cause>);

impl KeyHealth {
    /// Reads the state of every key that replicas of this route name, once. A failed call is a failure of its Region.
    pub(super) async fn read(
        context: &RouteContext<'_>,
        targets: &[(&Region, &Listing)],
        results: &mut ItemResults,
    ) -> Self {
        let mut named = BTreeSet::new();
        for (target, replicas) in targets {
            let ours = replicas.values().filter(|replica| {
                Provenance::of(&replica.tags).is_some_and(|from| from.region == *context.source)
            });
            let keys = ours.filter_map(|replica| replica.parameter.key.as_deref());
            named.extend(keys.filter(|key| !is_aws_managed(key)).map(|key| (*target, key)));
        }
        let calls = named.into_iter().map(|(target, key)| async move {
            ((target, key), context.session.key_is_enabled(target, key).await)
        });
        let mut unusable = BTreeMap::new();
        for ((target, key), answer) in in_parallel(calls).await {
            match answer {
                Ok(()) => {}
                Err(cause) if is_about_key(&cause) => {
                    unusable.insert((target.clone(), key.into()), cause);
                }
                Err(cause) => results.fail_region(target, cause),
            }
        }
        Self(unusable)
    }

    /// Why this replica cannot be decrypted; `None` if its key is usable.
    pub(super) fn problem(&self, target: &Region, replica: Option<&Observed>) -> Option<Cause> {
        let key = replica?.parameter.key.clone()?;
        self.0.get(&(target.clone(), key)).map(replica_unreadable)
    }
}
