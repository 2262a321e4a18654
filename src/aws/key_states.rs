//! The usability of KMS keys that encrypt replicas. KMS is asked once for each key and Region.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::session::Session;
use crate::domain::{Cause, FailureKind, Region};

/// The prefix of the aliases of AWS managed keys, which cannot be disabled.
const AWS_MANAGED: &str = "alias/aws/";

type CachedAnswer = Arc<OnceCell<Result<(), Cause>>>;

/// The answers of KMS, by Region and key.
#[derive(Debug, Default)]
pub struct KeyStates(Mutex<BTreeMap<(Region, Box<str>), CachedAnswer>>);

impl KeyStates {
    /// Succeeds if the key can be used; AWS managed keys always can.
    ///
    /// # Errors
    /// `missing_key` or `disabled_key`, which are remembered; or the failure of the call, which is not.
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

/// Whether `key`, an alias or the ARN of an alias, is an AWS managed key.
pub fn is_aws_managed(key: &str) -> bool {
    let name = key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4));
    name.unwrap_or(key).starts_with(AWS_MANAGED)
}

/// Whether the key is at fault, and not the call.
pub const fn is_about_key(cause: &Cause) -> bool {
    matches!(cause.kind, FailureKind::MissingKey | FailureKind::DisabledKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aws_managed_key_is_recognised_by_its_alias() {
        for own in ["alias/aws/ssm", "arn:aws:kms:us-east-1:111122223333:alias/aws/secretsmanager"]
        {
            assert!(is_aws_managed(own), "{own}");
        }
        for customer in ["alias/app", "alias/awsome", "1234abcd", "arn:aws:kms:us-east-1:1:key/x"] {
            assert!(!is_aws_managed(customer), "{customer}");
        }
    }
}
