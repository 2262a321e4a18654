//! KMS keys: whether a key can be used, and failures that name their key.

use aws_sdk_kms::operation::describe_key::DescribeKeyOutput;
use aws_sdk_kms::types::KeyState;

use super::response::{complete_response, missing_member};
use super::session::Session;
use crate::aws::errors::{cause, code};
use crate::domain::{Cause, FailureKind, Location, Region};

impl Session {
    /// Succeeds if the key is enabled, by one `DescribeKey` call.
    ///
    /// # Errors
    /// `missing_key` or `disabled_key` with the name of the key, or the failure of the call.
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
                    return Err(about_key(FailureKind::MissingKey, "does not exist", key, &place));
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
                let how = format!("cannot be used because its state is {}", state.as_str());
                Err(about_key(FailureKind::DisabledKey, &how, key, &place))
            }
        }
    }
}

/// The failure of a key, with its remedy.
fn about_key(kind: FailureKind, how: &str, key: &str, place: &Location) -> Cause {
    Cause::new(kind, format!("the key {key} in {place} {how}")).with_remedy(remedy(
        kind,
        key,
        &place.region,
    ))
}

/// The remedy for a key that cannot be used. The source key that it replaces is not known here.
fn remedy(kind: FailureKind, key: &str, region: &Region) -> String {
    let another = format!(
        "set another key in REPLICATOR_KMS_KEYS, such as `{{\"SOURCE-KEY\":{{\"{region}\":\"alias/NAME\"}}}}`"
    );
    let name = key.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4)).unwrap_or(key);
    match kind {
        FailureKind::DisabledKey => {
            format!("enable the key {key} in {region} or cancel its deletion, or {another}")
        }
        _ if name.starts_with("alias/") => {
            format!("create the alias {name} for a key in {region}, or {another}")
        }
        _ if name.strip_prefix("key/").unwrap_or(name).starts_with("mrk-") => {
            format!("replicate the multi-Region key {key} to {region}, or {another}")
        }
        // A key with a given id cannot be created.
        _ => another,
    }
}

/// Adds the name of the key to a failure of a key; AWS's message often lacks the name.
pub fn naming_key(cause: Cause, key: Option<&str>, region: &Region) -> Cause {
    match (cause.kind, key) {
        (FailureKind::MissingKey | FailureKind::DisabledKey, Some(key)) => {
            let message = format!("{} (key {key})", cause.message);
            Cause::new(cause.kind, message).with_remedy(remedy(cause.kind, key, region))
        }
        _ => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::fake::{FakeAws, assumed_role_response, json_error};
    use crate::domain::AccountId;

    async fn key_in_state(state: &'static str) -> Result<(), Cause> {
        let fake = FakeAws::new(move |sent| match sent.operation.as_str() {
            "AssumeRole" => assumed_role_response(sent),
            "DescribeKey" if state.ends_with("Exception") => json_error(400, state),
            "DescribeKey" => {
                (200, format!(r#"{{"KeyMetadata":{{"KeyId":"k","KeyState":"{state}"}}}}"#))
            }
            other => panic!("unexpected call of {other}"),
        });
        let connection = fake.connect(|_| ()).await;
        let account = AccountId::parse("111122223333").expect("an account");
        let session = connection.session(&account).await.expect("a session");
        session.key_is_enabled(&Region::parse("us-east-1").expect("a Region"), "alias/app").await
    }

    #[tokio::test(start_paused = true)]
    async fn only_an_enabled_key_can_be_used_and_a_failure_names_key_place_and_setting() {
        assert_eq!(key_in_state("Enabled").await, Ok(()));
        for (state, kind) in [
            ("Disabled", FailureKind::DisabledKey),
            ("PendingDeletion", FailureKind::DisabledKey),
            ("PendingImport", FailureKind::DisabledKey),
            ("NotFoundException", FailureKind::MissingKey),
        ] {
            let cause = key_in_state(state).await.expect_err("cannot be used");
            assert_eq!(cause.kind, kind, "{state}");
            let named = ["alias/app", "111122223333", "us-east-1"];
            assert!(named.iter().all(|word| cause.message.contains(word)), "{}", cause.message);
            assert!(cause.remedy().contains("REPLICATOR_KMS_KEYS"), "{}", cause.remedy());
        }
        let cause = key_in_state("AccessDeniedException").await.expect_err("not answered");
        assert_eq!(cause.kind, FailureKind::AccessDenied);
        assert!(cause.message.contains("kms:DescribeKey"), "{}", cause.message);
    }

    #[test]
    fn the_remedy_for_a_missing_key_depends_on_how_it_is_named() {
        let region = Region::parse("us-east-1").expect("a Region");
        let remedy_for = |key: &str| remedy(FailureKind::MissingKey, key, &region);
        for alias in ["alias/app", "arn:aws:kms:us-east-1:111122223333:alias/app"] {
            assert!(
                remedy_for(alias).starts_with("create the alias alias/app for a key in us-east-1,")
            );
        }
        let multi = "arn:aws:kms:us-east-1:111122223333:key/mrk-12";
        assert!(remedy_for(multi).starts_with("replicate the multi-Region key "));
        let id = remedy_for("arn:aws:kms:us-east-1:111122223333:key/1234abcd");
        assert!(id.starts_with("set another key in REPLICATOR_KMS_KEYS"), "{id}");
        assert!(id.contains(r#"{"SOURCE-KEY":{"us-east-1":"alias/NAME"}}"#), "{id}");
    }

    #[test]
    fn only_a_failure_of_a_key_gets_the_name_of_the_key() {
        let region = Region::parse("us-east-1").expect("a Region");
        let disabled = Cause::new(FailureKind::DisabledKey, "refused");
        let named = naming_key(disabled.clone(), Some("alias/app"), &region);
        assert!(named.message.contains("alias/app") && named.remedy().contains("KMS_KEYS"));
        assert_eq!(naming_key(disabled.clone(), None, &region), disabled);
        let other = Cause::new(FailureKind::Throttled, "refused");
        assert_eq!(naming_key(other.clone(), Some("alias/app"), &region), other);
    }
}
