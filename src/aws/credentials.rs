//! One assumed role's credentials: fetched when first needed, renewed before they end, by one call however many wait.
//!
//! They are kept here and not in the SDK's identity cache: that one holds 64 identities, and with more accounts than
//! that it forgets some at random and assumes their roles over and over.

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

/// A role assumed with another role's credentials lasts an hour at most; AWS refuses to give more.
const LIFETIME_SECONDS: i32 = 3600;
/// With less than this left they are renewed, so that no request is signed with credentials about to end.
const RENEWED_BEFORE_END: Duration = Duration::from_mins(5);
/// A renewal that failed is not tried again at once while the old credentials still serve.
const RENEWAL_RETRY: Duration = Duration::from_secs(30);
/// So often, and so far apart, `AssumeRole` is asked that answers without credentials.
const ANSWERS: u32 = 5;
const BETWEEN_ANSWERS: Duration = Duration::from_secs(1);
/// What `CloudTrail` shows as the session, in every account.
const SESSION_NAME: &str = "failover-replicator";
/// The same for a person's hub that took on the operator's role: the spoke role lets it do a little more.
const OPERATOR_SESSION_NAME: &str = "failover-replicator-operator";

/// Which role, and what refusing it means.
#[derive(Clone, Debug)]
pub(super) struct Role {
    /// The role's ARN.
    pub(super) arn: String,
    /// The external id that its trust policy asks for.
    pub(super) external_id: Option<String>,
    /// What `CloudTrail` shows as the session.
    pub(super) session_name: &'static str,
    /// Where the failure is shown: the role's account, and the Region whose STS is asked.
    pub(super) place: String,
    /// Whose role it is, which says what a refusal means.
    pub(super) of: RoleOf,
}

/// Whose role it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RoleOf {
    /// The spoke of a member account.
    Member,
    /// The spoke of the organisation's management account, which no service-managed `StackSet` reaches.
    Management,
    /// The operator's, which a person's hub takes on first.
    Operator,
}

impl Role {
    /// The spoke role `name` of an account, assumed by the operator's role or by the hub's.
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
            of: if is_management { RoleOf::Management } else { RoleOf::Member },
        }
    }

    /// The role that a person's hub takes on first.
    pub(super) fn operator(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            external_id: None,
            session_name: OPERATOR_SESSION_NAME,
            place: "the hub's account".to_owned(),
            of: RoleOf::Operator,
        }
    }

    /// What a refusal means. AWS names the policy of the caller's side that refuses; of the role's side it tells
    /// neither whether the role exists nor what its trust policy or external id lack.
    fn refusal(&self, error: &SdkError<AssumeRoleError>) -> Cause {
        let cause = errors::cause("sts:AssumeRole", &self.place, error);
        if !errors::code(error).is_some_and(|code| code.starts_with("AccessDenied")) {
            return cause;
        }
        let says = |words: &[&str]| words.iter().any(|word| cause.message.contains(word));
        let arn = &self.arn;
        let (kind, remedy) = if says(&["control policy"]) {
            let remedy = format!(
                "let the control policy that the message names allow sts:AssumeRole on {arn}"
            );
            (FailureKind::AccessDenied, remedy)
        } else if says(&["identity-based policy", "permissions boundary", "session policy"]) {
            let remedy =
                format!("allow sts:AssumeRole on {arn} to the role or user that the message names");
            (FailureKind::AccessDenied, remedy)
        } else {
            (self.refused(), self.remedy())
        };
        Cause { kind, ..cause }.mended_by(remedy)
    }

    fn refused(&self) -> FailureKind {
        match self.of {
            RoleOf::Member | RoleOf::Management => FailureKind::NoSpokeRole,
            RoleOf::Operator => FailureKind::AccessDenied,
        }
    }

    fn remedy(&self) -> String {
        let arn = &self.arn;
        let with = match &self.external_id {
            Some(_) => "the external id of REPLICATOR_SPOKE_EXTERNAL_ID",
            None => "no external id, since REPLICATOR_SPOKE_EXTERNAL_ID is not set",
        };
        match self.of {
            RoleOf::Member => format!(
                "check that the account belongs to the organisation, that the spoke stack is deployed in it, and that {arn} trusts the hub's role and asks for {with}"
            ),
            RoleOf::Management => format!(
                "deploy the spoke stack into the organisation's management account by itself (`make spoke`), since StackSets do not reach it; check that {arn} trusts the hub's role and asks for {with}"
            ),
            RoleOf::Operator => {
                format!("check that {arn} exists and trusts the credentials that hubctl runs with")
            }
        }
    }
}

#[derive(Clone)]
struct TemporaryCredentials {
    credentials: Credentials,
    renew_at: SystemTime,
}

/// One call of `AssumeRole` that any number of callers wait for. Whoever of them is polled drives it on: were it one
/// caller's alone, the others would wait for ever when that one is a future that is set aside.
type Renewal = Shared<BoxFuture<'static, Result<TemporaryCredentials, Cause>>>;

#[derive(Default)]
struct State {
    cached: Option<TemporaryCredentials>,
    renewal: Option<Renewal>,
    /// When AWS last called credentials over that should not be.
    rejected_at: Option<SystemTime>,
}

/// A role, and its credentials of the moment. Clones share them.
#[derive(Clone)]
pub(super) struct RoleCredentials(Arc<AssumedRole>);

struct AssumedRole {
    role: Role,
    sts: aws_sdk_sts::Client,
    clock: SharedTimeSource,
    state: Mutex<State>,
}

impl RoleCredentials {
    /// Nothing is called yet.
    pub(super) fn new(role: Role, sts: aws_sdk_sts::Client, clock: SharedTimeSource) -> Self {
        Self(Arc::new(AssumedRole { role, sts, clock, state: Mutex::default() }))
    }

    /// Credentials that are good for some minutes.
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

    /// AWS calls the credentials of this access key over, whatever end they were given with. They are not used any more;
    /// whether another attempt is worth while, which is then made with others.
    ///
    /// Credentials that are refused again soon after are not renewed again: that would be a call for each call.
    pub(super) fn reject(&self, access_key_id: &str) -> bool {
        let now = self.0.clock.now();
        let mut state = self.state();
        let is_held =
            |cached: &TemporaryCredentials| cached.credentials.access_key_id() == access_key_id;
        if !state.cached.as_ref().is_some_and(is_held) {
            // Others have taken their place already, or are on their way.
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

    /// Keeps what a renewal gave, once, and falls back on what was held before where that is still good.
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
                    tracing::warn!(error_kind = %cause.kind, "a role is not renewed yet: {cause}");
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

/// An answer without all of the credentials is asked for again: the SDK takes what breaks off for a whole.
async fn assume(role: &Role, sts: &aws_sdk_sts::Client) -> Result<TemporaryCredentials, Cause> {
    for answer in 1..=ANSWERS {
        if let Some(cached) = ask(role, sts).await? {
            return Ok(cached);
        }
        if answer < ANSWERS {
            tokio::time::sleep(BETWEEN_ANSWERS).await;
        }
    }
    let message = format!("sts:AssumeRole gave no usable credentials in {}", role.place);
    Err(Cause::new(FailureKind::Unavailable, message))
}

/// What `AssumeRole` gives; `None` where it is not all of the credentials.
async fn ask(
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
        let renew_at = end.checked_sub(RENEWED_BEFORE_END).unwrap_or(end);
        Some(TemporaryCredentials { credentials, renew_at })
    }))
}

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let found: provider::Result =
                self.current().await.map_err(CredentialsError::provider_error);
            found
        })
    }
}

impl fmt::Debug for RoleCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RoleCredentials").field(&self.0.role.arn).finish()
    }
}
