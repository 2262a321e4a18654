//! A connection to AWS: one HTTP client and TLS set-up, one clock, and one set of rules for all clients.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_types::SdkConfig;
use tokio::sync::OnceCell;

use super::client::{PerRegion, client};
use super::configuration::{clock_of, load, own_region};
use super::credentials::{Role, RoleCredentials};
use super::environment::Environment;
use super::moment::Moment;
use super::response::{complete_response, missing_member};
use super::session::{Session, Shared, now};
use crate::aws::errors;
use crate::aws::memory_budget::MemoryBudget;
use crate::aws::throttle::breaker::Breaker;
use crate::aws::throttle::registry::{AccountLimiters, CallCounts, LimiterRegistry};
use crate::aws::throttle::{CallStats, Lane, Quotas};
use crate::domain::{AccountId, Cause, FailureKind, Location, ParameterName, Region, Timestamp};

/// The settings of a connection.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The Region of the hub's own calls if neither `AWS_REGION` nor the profile names one.
    pub region: Option<Region>,
    /// The role that the hub assumes in every account.
    pub spoke_role_name: String,
    /// The external id that the role's trust policy requires.
    pub external_id: Option<String>,
    /// A role that the hub assumes first and uses for all other calls.
    pub operator_role_arn: Option<String>,
    /// The rate limits.
    pub quotas: Quotas,
    /// The limit of listed items in memory, over all accounts.
    pub items_in_flight: usize,
    /// Replacements that tests use.
    pub environment: Environment,
}

/// The principal whose credentials sign the hub's own calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The hub's own account.
    pub account: AccountId,
    /// The ARN of the role session or user; empty if STS did not name one.
    pub arn: String,
}

/// A connection to AWS. Clones share all state.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    /// The configuration from the SDK's default chain.
    base: SdkConfig,
    /// The same with the hub's credentials: those of the operator role if one is set.
    config: SdkConfig,
    region: Region,
    clock: SharedTimeSource,
    options: Options,
    quotas: Arc<Quotas>,
    calls: Arc<CallCounts>,
    breaker: Arc<Breaker>,
    /// The limiters of the hub's own calls.
    limiters: Arc<AccountLimiters>,
    /// The limiters of the member accounts.
    registry: LimiterRegistry,
    memory_budget: MemoryBudget,
    sts: aws_sdk_sts::Client,
    caller: OnceCell<CallerIdentity>,
    /// The organisation's management account, known after the first list of accounts.
    management_account: OnceLock<AccountId>,
    own_ssm: PerRegion<aws_sdk_ssm::Client>,
    sns: PerRegion<aws_sdk_sns::Client>,
    dynamodb: PerRegion<aws_sdk_dynamodb::Client>,
    organizations: PerRegion<aws_sdk_organizations::Client>,
    /// Sessions in use. The entry of a finished account is a dead weak reference until the next insertion.
    sessions: Mutex<HashMap<AccountId, Weak<Shared>>>,
}

impl Connection {
    /// Reads the SDK's environment variables and profile, without a call. The instance metadata is never used.
    ///
    /// # Errors
    /// [`FailureKind::Invalid`] if no Region is known.
    pub async fn open(options: Options) -> Result<Self, Cause> {
        let config = load(&options).await;
        Self::with_config(options, config)
    }

    /// A connection with a configuration that is already loaded.
    pub(super) fn with_config(options: Options, config: SdkConfig) -> Result<Self, Cause> {
        let region = own_region(&config)?;
        let clock = clock_of(&options);
        let quotas = Arc::new(options.quotas.clone());
        let calls = Arc::new(CallCounts::default());
        let breaker = Breaker::new(options.environment.breaker.unwrap_or_default(), clock.clone());
        let limiters = {
            let (quotas, calls, breaker) =
                (Arc::clone(&quotas), Arc::clone(&calls), Arc::clone(&breaker));
            AccountLimiters::new(None, quotas, calls, breaker)
        };
        let base = config;
        let config = match &options.operator_role_arn {
            Some(arn) => {
                let sts = client!(aws_sdk_sts, "sts", &base, &region, &limiters);
                let operator = RoleCredentials::new(Role::operator(arn), sts, clock.clone());
                base.to_builder()
                    .credentials_provider(SharedCredentialsProvider::new(operator))
                    .identity_cache(IdentityCache::no_cache())
                    .build()
            }
            None => base.clone(),
        };
        Ok(Self(Arc::new(Inner {
            base,
            memory_budget: MemoryBudget::new(options.items_in_flight),
            sts: client!(aws_sdk_sts, "sts", &config, &region, &limiters),
            config,
            region,
            clock,
            options,
            quotas,
            calls,
            breaker,
            limiters,
            registry: LimiterRegistry::default(),
            caller: OnceCell::new(),
            management_account: OnceLock::new(),
            own_ssm: PerRegion::new(),
            sns: PerRegion::new(),
            dynamodb: PerRegion::new(),
            organizations: PerRegion::new(),
            sessions: Mutex::new(HashMap::new()),
        })))
    }

    /// A connection for the other lane: the same network and credentials, and that lane's part of the quotas.
    ///
    /// # Errors
    /// Only those of [`Self::open`].
    pub fn in_lane(&self, lane: Lane) -> Result<Self, Cause> {
        let mut options = self.0.options.clone();
        options.quotas.lane = lane;
        Self::with_config(options, self.0.base.clone())
    }

    /// The time of the clock that signs requests.
    pub fn now(&self) -> Timestamp {
        now(&self.0.clock)
    }

    /// The hub's own account. STS is called once for each connection.
    pub async fn hub_account(&self) -> Result<AccountId, Cause> {
        Ok(self.caller().await?.account.clone())
    }

    /// The principal whose credentials sign the hub's own calls. STS is called once for each connection.
    ///
    /// # Errors
    /// The failure of `GetCallerIdentity`.
    pub async fn caller(&self) -> Result<&CallerIdentity, Cause> {
        let ask = || async {
            let operation = "sts:GetCallerIdentity";
            let place = format!("the hub's account in {}", self.0.region);
            let request = self.0.sts.get_caller_identity();
            let named = |answer: &GetCallerIdentityOutput| {
                let account = AccountId::parse(answer.account()?).ok()?;
                Some(CallerIdentity { account, arn: answer.arn().unwrap_or_default().to_owned() })
            };
            let answer =
                complete_response(|| request.clone().send(), |answer| named(answer).is_some())
                    .await;
            let answer = answer.map_err(|error| errors::cause(operation, &place, &error))?;
            let caller = answer.as_ref().and_then(named);
            caller.ok_or_else(|| {
                Cause::new(
                    FailureKind::Unavailable,
                    format!("{operation} returned no account in {place}"),
                )
            })
        };
        self.0.caller.get_or_try_init(ask).await
    }

    /// Remembers the organisation's management account: a missing spoke role there has a different remedy.
    pub fn remember_management_account(&self, account: AccountId) {
        // An organisation never changes its management account, so the first value stays.
        let _ = self.0.management_account.set(account);
    }

    /// The Region of the hub's own calls.
    pub fn region(&self) -> &Region {
        &self.0.region
    }

    /// A client of Organizations with the hub's credentials. The SDK finds the global endpoint from the Region.
    pub fn organizations(&self) -> aws_sdk_organizations::Client {
        let Inner { config, region, limiters, organizations, .. } = &*self.0;
        organizations.get_or(region, || {
            client!(aws_sdk_organizations, "organizations", config, region, limiters)
        })
    }

    /// A client of SNS with the hub's credentials.
    pub fn sns(&self, region: &Region) -> aws_sdk_sns::Client {
        let Inner { config, limiters, sns, .. } = &*self.0;
        sns.get_or(region, || client!(aws_sdk_sns, "sns", config, region, limiters))
    }

    /// A client of DynamoDB in the hub's own account and Region, with the hub's credentials.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let Inner { config, region, limiters, dynamodb, .. } = &*self.0;
        dynamodb.get_or(region, || client!(aws_sdk_dynamodb, "dynamodb", config, region, limiters))
    }

    /// The present moment by both clocks.
    pub fn moment(&self) -> Moment {
        Moment::now(&self.0.clock)
    }

    /// A client of Parameter Store in the hub's own account, with the hub's credentials.
    pub fn own_ssm(&self, region: &Region) -> aws_sdk_ssm::Client {
        let Inner { config, limiters, own_ssm, .. } = &*self.0;
        own_ssm.get_or(region, || client!(aws_sdk_ssm, "ssm", config, region, limiters))
    }

    /// The decrypted value of a parameter in the hub's own account and Region.
    ///
    /// # Errors
    /// The failure of `GetParameter`.
    pub async fn own_parameter(&self, name: &ParameterName) -> Result<String, Cause> {
        let region = &self.0.region;
        let request =
            self.own_ssm(region).get_parameter().name(name.as_str()).with_decryption(true);
        let answer =
            request.send().await.map_err(|error| own_parameter_refused(name, region, &error))?;
        let text = answer.parameter.and_then(|parameter| parameter.value);
        text.ok_or_else(|| missing_member("ssm:GetParameter", region, "the parameter's value"))
    }

    /// The session of an account. The role is assumed now, unless a session of the same account is in use.
    ///
    /// # Errors
    /// [`FailureKind::NoSpokeRole`] if the role does not exist or does not trust the hub.
    pub async fn session(&self, account: &AccountId) -> Result<Session, Cause> {
        let session = self.session_in_use(account);
        session.assume_role().await?;
        Ok(session)
    }

    /// Completes when the account has requests under way and all of them wait for source Regions that do not answer.
    pub fn only_waits(&self, account: &AccountId) -> impl Future<Output = ()> + Send + use<> {
        let limiters = self.limiters(account);
        async move { limiters.only_waits().await }
    }

    /// Counts of the calls so far, by action as IAM spells it.
    pub fn calls(&self) -> BTreeMap<String, CallStats> {
        self.0.calls.snapshot()
    }

    /// The number of remembered sessions, including dead ones.
    #[cfg(test)]
    pub(super) fn sessions_held(&self) -> usize {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The number of accounts whose limiters are remembered.
    #[cfg(test)]
    pub(super) fn accounts_in_registry(&self) -> usize {
        self.0.registry.len()
    }

    fn limiters(&self, account: &AccountId) -> Arc<AccountLimiters> {
        let Inner { registry, quotas, calls, breaker, .. } = &*self.0;
        registry.of(account, quotas, calls, breaker)
    }

    fn session_in_use(&self, account: &AccountId) -> Session {
        let mut sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = sessions.get(account).and_then(Weak::upgrade) {
            return Session::from_shared(shared);
        }
        sessions.retain(|_, shared| shared.strong_count() > 0);
        let Inner { options, region, sts, clock, config, memory_budget, .. } = &*self.0;
        let at = Location { account: account.clone(), region: region.clone() };
        let name = &options.spoke_role_name;
        let by_operator = options.operator_role_arn.is_some();
        let is_management = self.0.management_account.get() == Some(account);
        let external_id = options.external_id.as_deref();
        let role = Role::spoke(name, external_id, by_operator, is_management, &at);
        let credentials = RoleCredentials::new(role, sts.clone(), clock.clone());
        let limiters = self.limiters(account);
        let session = Session::new(
            account.clone(),
            name,
            config,
            clock.clone(),
            credentials,
            limiters,
            memory_budget.clone(),
        );
        sessions.insert(account.clone(), Arc::downgrade(session.shared()));
        session
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("region", &self.0.region).finish_non_exhaustive()
    }
}

fn own_parameter_refused(
    name: &ParameterName,
    region: &Region,
    error: &SdkError<GetParameterError>,
) -> Cause {
    let cause = errors::cause("ssm:GetParameter", region, error);
    if errors::code(error) == Some("ParameterNotFound") {
        let message = format!("the hub's account has no parameter {name} in {region}");
        return Cause::new(FailureKind::Invalid, message).with_remedy(format!(
            "run `aws ssm put-parameter --region {region} --name {name} --type SecureString --value VALUE`, or set AWS_REGION to the Region of the parameter"
        ));
    }
    let is_refused =
        cause.kind == FailureKind::AccessDenied && !errors::is_about_credentials(error);
    if is_refused {
        cause.with_remedy(format!(
        "allow the role or user in the message to call ssm:GetParameter on {name} in {region}, and kms:Decrypt with its key"
    ))
    } else {
        cause
    }
}
