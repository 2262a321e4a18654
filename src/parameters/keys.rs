//! The keys that replicas are under: a standby that nobody can decrypt is none, however equal the lists show it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::endings::Endings;
use super::model::{Listing, Observed};
use super::run::Run;
use crate::aws::{Session, at_once};
use crate::domain::{Cause, FailureKind, Region};
use crate::ownership::Provenance;

/// What AWS names its own keys by, which nobody can disable.
const AWSS_OWN: &str = "alias/aws/";

/// The keys that may not be used, by target.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<(Region, Box<str>), Cause>);

impl Keys {
    /// Asks of every key that replicas of this route name, once. A call that is not answered is told of its Region.
    pub(super) async fn asked(
        run: &Run<'_>,
        targets: &[(&Region, &Listing)],
        endings: &mut Endings,
    ) -> Self {
        let mut named = BTreeSet::new();
        for (target, replicas) in targets {
            let ours = replicas.values().filter(|replica| {
                Provenance::of(&replica.tags).is_some_and(|from| from.region == *run.source)
            });
            let keys = ours.filter_map(|replica| replica.parameter.key.as_deref());
            named.extend(keys.filter(|key| !key.starts_with(AWSS_OWN)).map(|key| (*target, key)));
        }
        let calls = named.into_iter().map(|(target, key)| async move {
            ((target, key), run.session.key_is_enabled(target, key).await)
        });
        let mut refused = BTreeMap::new();
        for ((target, key), answer) in at_once(calls).await {
            match answer {
                Ok(()) => {}
                Err(cause) if is_about_key(&cause) => {
                    refused.insert((target.clone(), key.into()), cause);
                }
                Err(cause) => endings.fail_region(target, cause),
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

/// Whether it is the key that is at fault, and not the call.
fn is_about_key(cause: &Cause) -> bool {
    matches!(cause.kind, FailureKind::MissingKey | FailureKind::DisabledKey)
}

type Answer = Arc<OnceCell<Result<(), Cause>>>;

/// What KMS says of keys that replicas are to be encrypted with: each is asked of once, whatever asks.
#[derive(Debug, Default)]
pub(super) struct KeyStates(Mutex<BTreeMap<(Region, Box<str>), Answer>>);

impl KeyStates {
    /// Whether a key may be used. AWS's own always may.
    ///
    /// # Errors
    /// `missing_key` or `disabled_key`, or what keeps KMS from an answer; the latter is asked again by the next.
    pub(super) async fn ask(
        &self,
        session: &Session,
        target: &Region,
        key: &str,
    ) -> Result<(), Cause> {
        if key.starts_with(AWSS_OWN) {
            return Ok(());
        }
        let answer = {
            let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry((target.clone(), key.into())).or_default())
        };
        let asked = answer.get_or_try_init(|| async {
            match session.key_is_enabled(target, key).await {
                Err(cause) if !is_about_key(&cause) => Err(cause),
                answer => Ok(answer),
            }
        });
        asked.await?.clone()
    }
}
