//! KMS keys: whether one may be used, and failures that name theirs.

use aws_sdk_kms::operation::describe_key::DescribeKeyOutput;
use aws_sdk_kms::types::KeyState;

use super::response::{complete_response, missing_member};
use super::session::Session;
use crate::aws::errors::{cause, code};
use crate::domain::{Cause, FailureKind, Location, Region};

impl Session {
    /// Whether a key may be used to decrypt: one `DescribeKey` call. AWS's own keys (`alias/aws/…`) always may.
    ///
    /// # Errors
    /// `missing_key` or `disabled_key` with the key's name, and whatever keeps the call itself from being answered.
    pub async fn key_is_enabled(&self, region: &Region, key: &str) -> Result<(), Cause> {
        let place = self.location(region);
        let request = self.kms(region).describe_key().key_id(key);
        let state = |answer: &DescribeKeyOutput| answer.key_metadata.as_ref()?.key_state.clone();
        let answer =
            match complete_response(|| request.clone().send(), |answer| state(answer).is_some())
                .await
            {
                Ok(answer) => answer,
                Err(error) if code(&error) == Some("NotFoundException") => {
                    return Err(about_key(FailureKind::MissingKey, "is not there", key, &place));
                }
                Err(error) => return Err(cause("kms:DescribeKey", &place, &error)),
            };
        match answer.as_ref().and_then(state) {
            None => Err(missing_member("kms:DescribeKey", &place, "the state of the key")),
            Some(KeyState::Enabled | KeyState::Updating) => Ok(()),
            Some(KeyState::Disabled) => {
                Err(about_key(FailureKind::DisabledKey, "is disabled", key, &place))
            }
            Some(state) => {
                let how = format!("may not be used, since its state is {}", state.as_str());
                Err(about_key(FailureKind::DisabledKey, &how, key, &place))
            }
        }
    }
}

/// The failure of a key, with the setting that mends it.
fn about_key(kind: FailureKind, how: &str, key: &str, place: &Location) -> Cause {
    Cause::new(kind, format!("the key {key} {how} in {place}")).mended_by(remedy(
        kind,
        key,
        &place.region,
    ))
}

/// What mends a key that may not be used. Which source key it stands for is not known here.
fn remedy(kind: FailureKind, key: &str, region: &Region) -> String {
    let another = format!(
        "name another key in REPLICATOR_KMS_KEYS, such as `{{\"SOURCE-KEY\":{{\"{region}\":\"alias/NAME\"}}}}`"
    );
    let name = key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)).unwrap_or(key);
    match kind {
        FailureKind::DisabledKey => {
            format!("enable the key {key} in {region}, or cancel its deletion; or {another}")
        }
        _ if name.starts_with("alias/") => {
            format!("give a key in {region} the alias {name}; or {another}")
        }
        _ if name.strip_prefix("key/").unwrap_or(name).starts_with("mrk-") => {
            format!("replicate the multi-Region key {key} to {region}; or {another}")
        }
        // Nobody can create a key with an id of his choice.
        _ => another,
    }
}

/// The same cause, which names its key if it is a key's: AWS's own words often do not.
pub fn naming_key(cause: Cause, key: Option<&str>, region: &Region) -> Cause {
    match (cause.kind, key) {
        (FailureKind::MissingKey | FailureKind::DisabledKey, Some(key)) => {
            let message = format!("{} (key {key})", cause.message);
            Cause::new(cause.kind, message).mended_by(remedy(cause.kind, key, region))
        }
        _ => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::fake::{FakeAws, assumed_role_response, json_error};
    use crate::domain::AccountId;

    async fn asked(state: &'static str) -> Result<(), Cause> {
        let fake = FakeAws::new(move |sent| match sent.operation.as_str() {
            "AssumeRole" => assumed_role_response(sent),
            "DescribeKey" if state.ends_with("Exception") => json_error(400, state),
            "DescribeKey" => {
                (200, format!(r#"{{"KeyMetadata":{{"KeyId":"k","KeyState":"{state}"}}}}"#))
            }
            other => panic!("{other} is called"),
        });
        let connection = fake.connect(|_| ()).await;
        let account = AccountId::parse("111122223333").expect("an account");
        let session = connection.session(&account).await.expect("a session");
        session.key_is_enabled(&Region::parse("us-east-1").expect("a Region"), "alias/app").await
    }

    #[tokio::test(start_paused = true)]
    async fn only_an_enabled_key_may_be_used_and_any_other_is_named_with_place_and_setting() {
        assert_eq!(asked("Enabled").await, Ok(()));
        for (state, kind) in [
            ("Disabled", FailureKind::DisabledKey),
            ("PendingDeletion", FailureKind::DisabledKey),
            ("PendingImport", FailureKind::DisabledKey),
            ("NotFoundException", FailureKind::MissingKey),
        ] {
            let cause = asked(state).await.expect_err("not to be used");
            assert_eq!(cause.kind, kind, "{state}");
            let named = ["alias/app", "111122223333", "us-east-1"];
            assert!(named.iter().all(|word| cause.message.contains(word)), "{}", cause.message);
            assert!(cause.remedy().contains("REPLICATOR_KMS_KEYS"), "{}", cause.remedy());
        }
        let cause = asked("AccessDeniedException").await.expect_err("not answered");
        assert_eq!(cause.kind, FailureKind::AccessDenied);
        assert!(cause.message.contains("kms:DescribeKey"), "{}", cause.message);
    }

    #[test]
    fn a_missing_key_is_to_be_made_only_where_that_can_be_done() {
        let region = Region::parse("us-east-1").expect("a Region");
        let told = |key: &str| remedy(FailureKind::MissingKey, key, &region);
        for alias in ["alias/app", "arn:aws:kms:us-east-1:111122223333:alias/app"] {
            assert!(told(alias).starts_with("give a key in us-east-1 the alias alias/app;"));
        }
        let multi = "arn:aws:kms:us-east-1:111122223333:key/mrk-12";
        assert!(told(multi).starts_with("replicate the multi-Region key "));
        let id = told("arn:aws:kms:us-east-1:111122223333:key/1234abcd");
        assert!(id.starts_with("name another key in REPLICATOR_KMS_KEYS"), "{id}");
        assert!(id.contains(r#"{"SOURCE-KEY":{"us-east-1":"alias/NAME"}}"#), "{id}");
    }

    #[test]
    fn a_failure_that_is_a_keys_names_it_and_no_other_does() {
        let region = Region::parse("us-east-1").expect("a Region");
        let disabled = Cause::new(FailureKind::DisabledKey, "refused");
        let named = naming_key(disabled.clone(), Some("alias/app"), &region);
        assert!(named.message.contains("alias/app") && named.remedy().contains("KMS_KEYS"));
        assert_eq!(naming_key(disabled.clone(), None, &region), disabled);
        let other = Cause::new(FailureKind::Throttled, "refused");
        assert_eq!(naming_key(other.clone(), Some("alias/app"), &region), other);
    }
}
