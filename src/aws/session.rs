//! One account, as the spoke role sees it: clients by service and Region, all with the same renewed credentials.

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
use crate::domain::{AccountId, Cause, Location, Region, Timestamp};

/// One account's assumed role. Clones share clients and credentials; with the last clone they go.
///
/// A session outlives the hour that AWS gives a role: the credentials renew themselves when under five minutes are left.
#[derive(Clone, Debug)]
pub struct Session(Arc<Shared>);

/// What the clones of a session share.
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
    /// Nothing is called yet; `config` is the connection's, whose credentials are replaced.
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
        Self(Arc::new(Shared {
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

    /// The session behind a shared part.
    pub(super) const fn from_shared(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The shared part, which the connection finds again while any clone is in use.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Assumes the role unless its credentials are at hand.
    pub(super) async fn assume_role(&self) -> Result<(), Cause> {
        self.0.credentials.current().await.map(drop)
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// A Region of the account.
    pub fn location(&self, region: &Region) -> Location {
        Location { account: self.0.account.clone(), region: region.clone() }
    }

    /// The name of the spoke role, without a path: what the ARN of a parameter's last writer holds.
    pub fn role_name(&self) -> &str {
        &self.0.role_name
    }

    /// The time on the connection's clock.
    pub fn now(&self) -> Timestamp {
        now(&self.0.clock)
    }

    /// Notes that `items` more were listed and are kept until this session's work is over; waits while the accounts
    /// under way keep too many.
    pub async fn keep(&self, items: usize) {
        self.0.memory_budget.reserve(&mut *self.0.share.lock().await, items).await;
    }

    /// Notes that nothing of what was listed is kept any more, though the session is.
    pub async fn let_go(&self) {
        *self.0.share.lock().await = BudgetShare::default();
    }

    /// Parameter Store of a Region.
    pub fn ssm(&self, region: &Region) -> aws_sdk_ssm::Client {
        let Shared { config, limiters, credentials, ssm, .. } = &*self.0;
        ssm.get_or(region, || client!(aws_sdk_ssm, "ssm", config, region, limiters, credentials))
    }

    /// The Key Management Service of a Region.
    pub(super) fn kms(&self, region: &Region) -> aws_sdk_kms::Client {
        let Shared { config, limiters, kms, .. } = &*self.0;
        kms.get_or(region, || client!(aws_sdk_kms, "kms", config, region, limiters))
    }

    /// Secrets Manager of a Region.
    pub fn secrets(&self, region: &Region) -> aws_sdk_secretsmanager::Client {
        let Shared { config, limiters, credentials, secrets, .. } = &*self.0;
        secrets.get_or(region, || {
            client!(aws_sdk_secretsmanager, "secretsmanager", config, region, limiters, credentials)
        })
    }

    /// The Resource Groups Tagging API of a Region.
    pub fn tagging(&self, region: &Region) -> aws_sdk_resourcegroupstagging::Client {
        let Shared { config, limiters, credentials, tagging, .. } = &*self.0;
        tagging.get_or(region, || {
            client!(aws_sdk_resourcegroupstagging, "tag", config, region, limiters, credentials)
        })
    }
}

/// The time on `clock`, in the hub's own words.
pub(super) fn now(clock: &SharedTimeSource) -> Timestamp {
    timestamp(&DateTime::from(clock.now()))
}

/// A date of an answer, rounded to the millisecond.
pub fn timestamp(date: &DateTime) -> Timestamp {
    Timestamp::from_parts(date.secs(), date.subsec_nanos())
}
