//! Access to one account through its spoke role: a client for each service and Region, with shared credentials.

use std::sync::Arc;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use tokio::sync::Mutex;

use super::client::{PerRegion, client};
use super::credentials::RoleCredentials;
use crate::aws::memory_budget::{BudgetShare, MemoryBudget};
use crate::aws::throttle::registry::AccountLimiters;
use crate::aws::write_gate::{GatedWrite, WriteGate, WriteIntent, WriteIntentInterceptor};
use crate::domain::{AccountId, Cause, Location, Need, Region, RoutePair, Timestamp};

/// The assumed role of one account. Clones share clients and credentials, which are dropped with the last clone.
///
/// A session can last longer than the hour of a role's credentials: they are renewed in the last five minutes.
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
    /// Judges every write; `None` if every route is active.
    gate: Option<Arc<dyn WriteGate>>,
    /// The source Region of the route that this clone works on.
    source: Option<Region>,
    /// The need of this clone's writes.
    need: Need,
}

/// The state that the clones of a session share.
#[derive(Debug)]
pub(super) struct Shared {
    account: AccountId,
    role_name: String,
    config: SdkConfig,
    clock: SharedTimeSource,
    credentials: RoleCredentials,
    limiters: Arc<AccountLimiters>,
    memory_budget: MemoryBudget,
    share: Mutex<BudgetShare>,
    ssm: PerRegion<aws_sdk_ssm::Client>,
    kms: PerRegion<aws_sdk_kms::Client>,
    secrets: PerRegion<aws_sdk_secretsmanager::Client>,
    tagging: PerRegion<aws_sdk_resourcegroupstagging::Client>,
}

impl Session {
    /// Creates a session without a call. `config` is the connection's; its credentials are replaced.
    pub(super) fn new(
        account: AccountId,
        role_name: &str,
        config: &SdkConfig,
        clock: SharedTimeSource,
        credentials: RoleCredentials,
        limiters: Arc<AccountLimiters>,
        memory_budget: MemoryBudget,
    ) -> Self {
        let config = config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
            .identity_cache(IdentityCache::no_cache())
            .build();
        Self::from_shared(Arc::new(Shared {
            account,
            role_name: role_name.rsplit('/').next().unwrap_or(role_name).to_owned(),
            config,
            clock,
            credentials,
            limiters,
            memory_budget,
            share: Mutex::default(),
            ssm: PerRegion::new(),
            kms: PerRegion::new(),
            secrets: PerRegion::new(),
            tagging: PerRegion::new(),
        }))
    }

    pub(super) const fn from_shared(shared: Arc<Shared>) -> Self {
        Self { shared, gate: None, source: None, need: Need::Replicate }
    }

    /// The shared state, which the connection remembers while a clone is in use.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Assumes the role unless it has valid credentials.
    pub(super) async fn assume_role(&self) -> Result<(), Cause> {
        self.shared.credentials.current().await.map(drop)
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.shared.account
    }

    /// The same session with the gate that judges every write.
    #[must_use]
    pub fn with_gate(self, gate: Option<Arc<dyn WriteGate>>) -> Self {
        Self { gate, ..self }
    }

    /// The same session for the work on the route from `source`, for this need.
    #[must_use]
    pub fn on_route(&self, source: &Region, need: Need) -> Self {
        Self { source: Some(source.clone()), need, ..self.clone() }
    }

    /// The same session for another need. A need that a person named (`resolve`, `prune`, `release`) stays.
    #[must_use]
    pub fn needing(&self, need: Need) -> Self {
        let need = if self.need == Need::Replicate { need } else { self.need };
        Self { need, ..self.clone() }
    }

    /// The intent of a call that writes to these targets. Every call that changes an account carries one.
    pub fn writes_to<'r>(
        &self,
        targets: impl IntoIterator<Item = &'r Region>,
    ) -> WriteIntentInterceptor {
        let source = self.source.as_ref();
        let pair = |target| source.map(|source| RoutePair::new(source, target));
        let intent = WriteIntent {
            account: self.shared.account.clone(),
            routes: targets.into_iter().filter_map(pair).collect(),
            need: self.need,
        };
        WriteIntentInterceptor(GatedWrite { intent, gate: self.gate.clone() })
    }

    /// A Region of this account.
    pub fn location(&self, region: &Region) -> Location {
        Location { account: self.shared.account.clone(), region: region.clone() }
    }

    /// The name of the spoke role without its path, as in the ARN of a parameter's last writer.
    pub fn role_name(&self) -> &str {
        &self.shared.role_name
    }

    /// The time on the connection's clock.
    pub fn now(&self) -> Timestamp {
        now(&self.shared.clock)
    }

    /// Reserves memory for `items` more listed items; waits while other accounts use up the budget.
    pub async fn reserve_memory(&self, items: usize) {
        self.shared.memory_budget.reserve(&mut *self.shared.share.lock().await, items).await;
    }

    /// Returns the reserved memory: the session stays in use but holds no listed items.
    pub async fn release_memory(&self) {
        *self.shared.share.lock().await = BudgetShare::default();
    }

    /// A client of Parameter Store.
    pub fn ssm(&self, region: &Region) -> aws_sdk_ssm::Client {
        let Shared { config, limiters, credentials, ssm, .. } = &*self.shared;
        ssm.get_or(region, || client!(aws_sdk_ssm, "ssm", config, region, limiters, credentials))
    }

    /// A client of KMS.
    pub(super) fn kms(&self, region: &Region) -> aws_sdk_kms::Client {
        let Shared { config, limiters, kms, .. } = &*self.shared;
        kms.get_or(region, || client!(aws_sdk_kms, "kms", config, region, limiters))
    }

    /// A client of Secrets Manager.
    pub fn secrets(&self, region: &Region) -> aws_sdk_secretsmanager::Client {
        let Shared { config, limiters, credentials, secrets, .. } = &*self.shared;
        secrets.get_or(region, || {
            client!(aws_sdk_secretsmanager, "secretsmanager", config, region, limiters, credentials)
        })
    }

    /// A client of the Resource Groups Tagging API.
    pub fn tagging(&self, region: &Region) -> aws_sdk_resourcegroupstagging::Client {
        let Shared { config, limiters, credentials, tagging, .. } = &*self.shared;
        tagging.get_or(region, || {
            client!(aws_sdk_resourcegroupstagging, "tag", config, region, limiters, credentials)
        })
    }
}

pub(super) fn now(clock: &SharedTimeSource) -> Timestamp {
    timestamp(&DateTime::from(clock.now()))
}

/// A date of the SDK, rounded to the millisecond.
pub fn timestamp(date: &DateTime) -> Timestamp {
    Timestamp::from_parts(date.secs(), date.subsec_nanos())
}
