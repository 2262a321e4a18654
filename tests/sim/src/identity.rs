//! Who calls: access keys, roles and their trust (FACTS 1, 112, 113).

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Millis;
use crate::error::AwsError;
use crate::seed;

/// Long enough for whoever checks lengths.
const SECRET_LENGTH: usize = 40;

/// Credentials, to be given to an SDK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The access key's id.
    pub access_key_id: String,
    /// Its secret. Signatures are not checked; the id tells who calls.
    pub secret_access_key: String,
    /// The session's token, of a role's credentials.
    pub session_token: Option<String>,
}

/// Whom an access key belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) token: Option<String>,
    pub(crate) ends: Option<Millis>,
}

/// A role, and whom it trusts.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// With its path.
    pub(crate) name: String,
    pub(crate) trusts: BTreeSet<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) longest_seconds: u64,
}

impl Role {
    /// Whether whoever calls may take the role on: named by ARN, by its role's ARN, or by its account as a whole.
    pub(crate) fn admits(&self, caller: &Principal, external_id: Option<&str>) -> bool {
        let root = format!("arn:aws:iam::{}:root", caller.account);
        let role = role_of_session(&caller.arn);
        let trusted = |principal: &str| {
            principal == caller.arn || principal == root || role.as_deref() == Some(principal)
        };
        self.trusts.iter().any(|principal| trusted(principal))
            && self.external_id.as_deref().is_none_or(|wanted| external_id == Some(wanted))
    }
}

/// The ARN of the role behind `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
fn role_of_session(arn: &str) -> Option<String> {
    let (account, rest) = arn.strip_prefix("arn:aws:sts::")?.split_once(":assumed-role/")?;
    Some(format!("arn:aws:iam::{account}:role/{}", rest.split('/').next()?))
}

/// The ARN of a role's session without the session's name; any other ARN as it is.
pub(crate) fn without_session(arn: &str) -> &str {
    let session = arn.split_once(":assumed-role/").and_then(|(_, rest)| rest.split_once('/'));
    session.map_or(arn, |(_, session)| &arn[..arn.len() - session.len() - 1])
}

/// Every access key that was given out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issued(BTreeMap<String, Principal>);

impl Issued {
    /// A new key for a principal; which is the how-manieth of this principal's decides what it looks like.
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

    /// Who calls with this key.
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

/// Credentials that are over, in the words of the protocol.
pub(crate) fn expired(is_json: bool) -> AwsError {
    let message = "The security token included in the request is expired";
    if is_json {
        AwsError::new("ExpiredTokenException", message)
    } else {
        AwsError::new("ExpiredToken", message).with_status(403)
    }
}

/// Something that the caller may not do, in the words of the protocol (FACTS 3).
pub(crate) fn denied(caller: &str, operation: &str, resource: &str, is_json: bool) -> AwsError {
    let message =
        format!("User: {caller} is not authorized to perform: {operation} on resource: {resource}");
    if is_json {
        AwsError::new("AccessDeniedException", message)
    } else {
        AwsError::new("AccessDenied", message).with_status(403)
    }
}
