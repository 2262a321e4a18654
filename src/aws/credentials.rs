//! The credentials of an assumed role: fetched on first use and renewed before they expire. All callers that wait share
//! one call of `AssumeRole`.
//!
//! The SDK's identity cache is not used. It holds 64 identities; with more accounts it evicts some at random and
//! assumes their roles again and again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_async::time::SharedTimeSource;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use crate::aws::errors;
use crate::domain::{Cause, FailureKind, Location};

/// AWS limits a role that is assumed with another role's credentials to one hour.
const LIFETIME_SECONDS: i32 = 3600;
/// The credentials are renewed when less than this is left, so that no request is signed with credentials about to
/// expire.
const RENEW_BEFORE_EXPIRY: Duration = Duration::from_mins(5);
/// The pause after a failed renewal, while the old credentials are still valid.
const RENEWAL_RETRY: Duration = Duration::from_secs(30);
/// Calls of `AssumeRole` whose responses lack credentials, and the pause between them.
const ATTEMPTS: u32 = 5;
const ATTEMPT_PAUSE: Duration = Duration::from_secs(1);
/// The session name that `CloudTrail` records in every account.
const SESSION_NAME: &str = "failover-replicator";
/// The session name of a run with the operator role, to which the spoke role allows more actions.
const OPERATOR_SESSION_NAME: &str = "failover-replicator-operator";

/// A role to assume, and what its failures mean.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) arn: String,
    /// The external id that the role's trust policy requires.
    pub(super) external_id: Option<String>,
    pub(super) session_name: &'static str,
    /// The place that failures name: the role's account, and the Region of STS.
    pub(super) place: String,
    pub(super) owner: RoleOwner,
}

/// Who owns a role. A refusal has a different kind and remedy for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RoleOwner {
    /// A member account: its spoke role.
    Member,
    /// The organisation's management account: its spoke role, which no service-managed `StackSet` deploys.
    Management,
    /// The operator: the role that hubctl assumes first.
    Operator,
}

impl Role {
    /// The spoke role `name` of an account, assumed with the operator's or the hub's credentials.
    pub(super) fn spoke(
        name: &str,
        external_id: Option<&str>,
        by_operator: bool,
        is_management: bool,
        at: &Location,
    ) -> Self {
        let partition = at.region.partition();
        Self {
            arn: format!("arn:{partition}:iam::{}:role/{name}", at.account),
            external_id: external_id.map(str::to_owned),
            session_name: if by_operator { OPERATOR_SESSION_NAME } else { SESSION_NAME },
            place: at.to_string(),
            owner: if is_management { RoleOwner::Management } else { RoleOwner::Member },
        }
    }

    pub(super) fn operator(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            external_id: None,
            session_name: OPERATOR_SESSION_NAME,
            place: "the hub's account".to_owned(),
            owner: RoleOwner::Operator,
        }
    }

    /// The cause of a failed `AssumeRole`. AWS names a policy on the caller's side that refuses the call. About the
    /// role's side AWS tells nothing: not whether the role exists, nor whether its trust policy or the external id is
    /// wrong.
    fn refusal(&self, error: &SdkError<AssumeRoleError>) -> Cause {
        let cause = errors::cause("sts:AssumeRole", &self.place, error);
        if !errors::code(error).is_some_and(|code| code.starts_with("AccessDenied")) {
            return cause;
        }
        let mentions = |words: &[&str]| words.iter().any(|word| cause.message.contains(word));
        let arn = &self.arn;
        let (kind, remedy) = if mentions(&["control policy"]) {
            let remedy = format!(
                "allow sts:AssumeRole on {arn} in the control policy that the message names"
            );
            (FailureKind::AccessDenied, remedy)
        } else if mentions(&["identity-based policy", "permissions boundary", "session policy"]) {
            let remedy =
                format!("allow sts:AssumeRole on {arn} for the role or user in the message");
            (FailureKind::AccessDenied, remedy)
        } else {
            (self.refused(), self.remedy())
        };
        Cause { kind, ..cause }.with_remedy(remedy)
    }

    fn refused(&self) -> FailureKind {
        match self.owner {
            RoleOwner::Member | RoleOwner::Management => FailureKind::NoSpokeRole,
            RoleOwner::Operator => FailureKind::AccessDenied,
        }
    }

    fn remedy(&self) -> String {
        let arn = &self.arn;
        let with = match &self.external_id {
            Some(_) => "the external id of REPLICATOR_SPOKE_EXTERNAL_ID",
            None => "no external id, since REPLICATOR_SPOKE_EXTERNAL_ID is not set",
        };
        match self.owner {
            RoleOwner::Member => format!(
                "check that the account belongs to the organisation, that the spoke stack is deployed in it, and that {arn} trusts the hub's role and asks for {with}"
            ),
            RoleOwner::Management => format!(
                "deploy the spoke stack into the organisation's management account separately (`make spoke`), because StackSets do not reach it; check that {arn} trusts the hub's role and asks for {with}"
            ),
            RoleOwner::Operator => {
                format!("check that {arn} exists and trusts the credentials of hubctl")
            }
        }
    }
}

#[derive(Clone)]
struct TemporaryCredentials {
    credentials: Credentials,
    renew_at: SystemTime,
}

/// One call of `AssumeRole` that any number of callers share. Each caller that is polled drives the call. If only the
/// first caller drove it and that caller were not polled, all others would wait for ever.
type Renewal = Shared<BoxFuture<'static, Result<TemporaryCredentials, Cause>>>;

#[derive(Default)]
struct State {
    cached: Option<TemporaryCredentials>,
    renewal: Option<Renewal>,
    /// When AWS last reported valid credentials as expired.
    rejected_at: Option<SystemTime>,
}

/// A role with its current credentials. Clones share both.
#[derive(Clone)]
pub(super) struct RoleCredentials(Arc<AssumedRole>);

struct AssumedRole {
    role: Role,
    sts: aws_sdk_sts::Client,
    clock: SharedTimeSource,
    state: Mutex<State>,
}

impl RoleCredentials {
    pub(super) fn new(role: Role, sts: aws_sdk_sts::Client, clock: SharedTimeSource) -> Self {
        Self(Arc::new(AssumedRole { role, sts, clock, state: Mutex::default() }))
    }

    /// Credentials that stay valid for some minutes.
    pub(super) async fn current(&self) -> Result<Credentials, Cause> {
        let renewal = {
            let mut state = self.state();
            if let Some(cached) = &state.cached
                && self.0.clock.now() < cached.renew_at
            {
                return Ok(cached.credentials.clone());
            }
            let (role, sts) = (self.0.role.clone(), self.0.sts.clone());
            let begin = || async move { assume(&role, &sts).await }.boxed().shared();
            state.renewal.get_or_insert_with(begin).clone()
        };
        let result = renewal.clone().await;
        self.finish_renewal(&renewal, result)
    }

    /// Discards the credentials with this access key because AWS reports them as expired. Returns whether the caller
    /// should retry with new credentials.
    ///
    /// Credentials that are rejected again soon after a renewal are kept: otherwise each call would cause an
    /// `AssumeRole`.
    pub(super) fn reject(&self, access_key_id: &str) -> bool {
        let now = self.0.clock.now();
        let mut state = self.state();
        let is_current =
            |cached: &TemporaryCredentials| cached.credentials.access_key_id() == access_key_id;
        if !state.cached.as_ref().is_some_and(is_current) {
            // They have already been replaced, or a renewal is running.
            return true;
        }
        let since = |at: SystemTime| now.duration_since(at).unwrap_or_default();
        if state.rejected_at.is_some_and(|at| since(at) < RENEWAL_RETRY) {
            return false;
        }
        state.rejected_at = Some(now);
        state.cached = None;
        true
    }

    /// Stores the result of a renewal once. If the renewal failed, the old credentials are used while they are valid.
    fn finish_renewal(
        &self,
        renewal: &Renewal,
        result: Result<TemporaryCredentials, Cause>,
    ) -> Result<Credentials, Cause> {
        let now = self.0.clock.now();
        let mut state = self.state();
        let is_first = state.renewal.as_ref().is_some_and(|running| running.ptr_eq(renewal));
        if is_first {
            state.renewal = None;
        }
        match (result, &mut state.cached) {
            (Ok(new), cached) => {
                let credentials = new.credentials.clone();
                if is_first {
                    *cached = Some(new);
                }
                Ok(credentials)
            }
            (Err(cause), Some(old)) if old.credentials.expiry().is_some_and(|end| now < end) => {
                if is_first {
                    tracing::warn!(error_kind = %cause.kind, "a role could not be renewed; the old credentials are still valid: {cause}");
                    old.renew_at = now + RENEWAL_RETRY;
                }
                Ok(old.credentials.clone())
            }
            (Err(cause), _) => Err(cause),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Repeats the call if the response lacks credentials: the SDK accepts a truncated response as complete.
async fn assume(role: &Role, sts: &aws_sdk_sts::Client) -> Result<TemporaryCredentials, Cause> {
    for attempt in 1..=ATTEMPTS {
        if let Some(cached) = assume_once(role, sts).await? {
            return Ok(cached);
        }
        if attempt < ATTEMPTS {
            tokio::time::sleep(ATTEMPT_PAUSE).await;
        }
    }
    let message = format!("sts:AssumeRole returned no usable credentials in {}", role.place);
    Err(Cause::new(FailureKind::Unavailable, message))
}

/// One call of `AssumeRole`. `None`: the response lacks a part of the credentials.
async fn assume_once(
    role: &Role,
    sts: &aws_sdk_sts::Client,
) -> Result<Option<TemporaryCredentials>, Cause> {
    let answer = sts
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(role.session_name)
        .set_external_id(role.external_id.clone())
        .duration_seconds(LIFETIME_SECONDS)
        .send()
        .await
        .map_err(|error| role.refusal(&error))?;
    Ok(answer.credentials.and_then(|given| {
        let end = SystemTime::try_from(given.expiration).ok()?;
        let (id, secret) = (given.access_key_id, given.secret_access_key);
        let token = Some(given.session_token);
        let credentials = Credentials::new(id, secret, token, Some(end), "AssumeRole");
        let renew_at = end.checked_sub(RENEW_BEFORE_EXPIRY).unwrap_or(end);
        Some(TemporaryCredentials { credentials, renew_at })
    }))
}

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let credentials: provider::Result =
                self.current().await.map_err(CredentialsError::provider_error);
            credentials
        })
    }
}

impl fmt::Debug for RoleCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RoleCredentials").field(&self.0.role.arn).finish()
    }
}
