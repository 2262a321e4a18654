//! What KMS says of keys that replicas are or will be encrypted with: each is asked of once, whatever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::session::Session;
use crate::domain::{Cause, FailureKind, Region};

/// What the aliases of AWS's own keys begin with, which nobody can disable.
const AWS_MANAGED: &str = "alias/aws/";

type CachedAnswer = Arc<OnceCell<Result<(), Cause>>>;

/// The answers of KMS so far, by Region and key.
#[derive(Debug, Default)]
pub struct KeyStates(Mutex<BTreeMap<(Region, Box<str>), CachedAnswer>>);

impl KeyStates {
    /// Whether a key may be used. AWS's own always may.
    ///
    /// # Errors
    /// `missing_key` or `disabled_key`, or what keeps KMS from an answer; the latter is asked again by the next.
    pub async fn ask(&self, session: &Session, region: &Region, key: &str) -> Result<(), Cause> {
        if is_aws_managed(key) {
            return Ok(());
        }
        let answer = {
            let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry((region.clone(), key.into())).or_default())
        };
        let asked = answer.get_or_try_init(|| async {
            match session.key_is_enabled(region, key).await {
                Err(cause) if !is_about_key(&cause) => Err(cause),
                answer => Ok(answer),
            }
        });
        asked.await?.clone()
    }
}

/// Whether `key`, an alias or the ARN of one, names a key that AWS keeps for the account.
pub fn is_aws_managed(key: &str) -> bool {
    let name = key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4));
    name.unwrap_or(key).starts_with(AWS_MANAGED)
}

/// Whether it is the key that is at fault, and not the call.
pub const fn is_about_key(cause: &Cause) -> bool {
    matches!(cause.kind, FailureKind::MissingKey | FailureKind::DisabledKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_awss_own_is_known_by_its_alias() {
        for own in ["alias/aws/ssm", "arn:aws:kms:us-east-1:111122223333:alias/aws/secretsmanager"]
        {
            assert!(is_aws_managed(own), "{own}");
        }
        for customer in ["alias/app", "alias/awsome", "1234abcd", "arn:aws:kms:us-east-1:1:key/x"] {
            assert!(!is_aws_managed(customer), "{customer}");
        }
    }
}
