//! The keys that replicas are under: a standby that nobody can decrypt is none, however equal the lists show it.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{is_about_key, is_aws_managed};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, Region};
use crate::ownership::Provenance;
use crate::parameters::context::RouteContext;
use crate::parameters::model::{Listing, Observed};
use crate::parameters::results::ItemResults;

/// The keys that may not be used, by target.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<(Region, Box<str>), Cause>);

impl Keys {
    /// Asks of every key that replicas of this route name, once. A call that is not answered is told of its Region.
    pub(super) async fn asked(
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
        let mut refused = BTreeMap::new();
        for ((target, key), answer) in in_parallel(calls).await {
            match answer {
                Ok(()) => {}
                Err(cause) if is_about_key(&cause) => {
                    refused.insert((target.clone(), key.into()), cause);
                }
                Err(cause) => results.fail_region(target, cause),
            }
        }
        Self(refused)
    }

    /// Why nobody can decrypt this replica, if so.
    pub(super) fn refusal(&self, target: &Region, replica: Option<&Observed>) -> Option<Cause> {
        let key = replica?.parameter.key.clone()?;
        let cause = self.0.get(&(target.clone(), key))?;
        let message = format!("nobody can decrypt the replica: {}", cause.message);
        Some(Cause { message, ..cause.clone() })
    }
}
