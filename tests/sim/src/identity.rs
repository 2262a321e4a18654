//! Access keys, principals, roles and trust (FACTS 1, 112, 113).

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Millis;
use crate::error::AwsError;
use crate::seed;

/// The length of AWS's secret access keys. Some clients check the length.
const SECRET_LENGTH: usize = 40;

/// Credentials for an SDK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The access key id, which identifies the caller.
    pub access_key_id: String,
    /// The secret access key. The simulator does not verify signatures.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
}

/// The owner of an access key.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) token: Option<String>,
    pub(crate) ends: Option<Millis>,
}

/// A role and the principals that it trusts.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// The name with its path.
    pub(crate) name: String,
    pub(crate) trusts: BTreeSet<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) longest_seconds: u64,
}

impl Role {
    /// Whether the caller may assume the role. The role trusts callers by ARN, by the ARN of their role, or by account.
    pub(crate) fn trusts_caller(&self, caller: &Principal, external_id: Option<&str>) -> bool {
        let root = format!("arn:aws:iam::{}:root", caller.account);
        let role = role_of_session(&caller.arn);
        let trusted = |principal: &str| {
            principal == caller.arn || principal == root || role.as_deref() == Some(principal)
        };
        self.trusts.iter().any(|principal| trusted(principal))
            && self.external_id.as_deref().is_none_or(|wanted| external_id == Some(wanted))
    }
}

/// The ARN of the role of a session: the role of `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
fn role_of_session(arn: &str) -> Option<String> {
    let (account, rest) = arn.strip_prefix("arn:aws:sts::")?.split_once(":assumed-role/")?;
    Some(format!("arn:aws:iam::{account}:role/{}", rest.split('/').next()?))
}

/// Removes the session name from the ARN of a role session. Other ARNs stay as they are.
pub(crate) fn without_session(arn: &str) -> &str {
    let session = arn.split_once(":assumed-role/").and_then(|(_, rest)| rest.split_once('/'));
    session.map_or(arn, |(_, session)| &arn[..arn.len() - session.len() - 1])
}

/// All issued access keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessKeys(BTreeMap<String, Principal>);

impl AccessKeys {
    /// Issues a new key for a principal. The key depends only on the seed, the principal, and the number of earlier keys of
    /// the same principal.
    pub(crate) fn issue(
        &mut self,
        seed: u64,
        account: &str,
        arn: String,
        ends: Option<Millis>,
    ) -> Keys {
        let nth = self.0.values().filter(|held| held.arn == arn).count().to_string();
        let words = [account, arn.as_str(), nth.as_str()];
        let tail = seed::letters(seed, &words, 16).to_uppercase();
        let prefix = if ends.is_some() { "ASIA" } else { "AKIA" };
        let token = ends.map(|_| seed::letters(seed, &["token", account, &arn, &nth], 60));
        let keys = Keys {
            access_key_id: format!("{prefix}{tail}"),
            secret_access_key: seed::letters(seed, &["secret", account, &arn, &nth], SECRET_LENGTH),
            session_token: token.clone(),
        };
        let principal = Principal { account: account.to_owned(), arn, token, ends };
        self.0.insert(keys.access_key_id.clone(), principal);
        keys
    }

    /// The owner of a key.
    pub(crate) fn principal(
        &self,
        key: &str,
        token: Option<&str>,
        now: Millis,
        is_json: bool,
    ) -> Result<&Principal, AwsError> {
        let unknown = || {
            let message = "The security token included in the request is invalid.";
            if is_json {
                AwsError::new("UnrecognizedClientException", message)
            } else {
                AwsError::new("InvalidClientTokenId", message).with_status(403)
            }
        };
        let principal = self.0.get(key).ok_or_else(unknown)?;
        if principal.token.as_deref() != token {
            return Err(unknown());
        }
        match principal.ends {
            Some(end) if end <= now => Err(expired(is_json)),
            _ => Ok(principal),
        }
    }
}

/// The error for expired credentials, in the format of the protocol.
pub(crate) fn expired(is_json: bool) -> AwsError {
    let message = "The security token included in the request is expired";
    if is_json {
        AwsError::new("ExpiredTokenException", message)
    } else {
        AwsError::new("ExpiredToken", message).with_status(403)
    }
}

/// The error for a denied operation, in the format of the protocol (FACTS 3).
pub(crate) fn denied(caller: &str, operation: &str, resource: &str, is_json: bool) -> AwsError {
    let message =
        format!("User: {caller} is not authorized to perform: {operation} on resource: {resource}");
    if is_json {
        AwsError::new("AccessDeniedException", message)
    } else {
        AwsError::new("AccessDenied", message).with_status(403)
    }
}
