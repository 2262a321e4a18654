//! The calls about labels: histories are read for their labels, and labels are written.

use aws_sdk_ssm::types::ParameterHistory;

use super::history::{History, Kept};
use super::plan::LabelStep;
use crate::aws::{Session, cause, code};
use crate::domain::{Cause, FailureKind, ParameterName, Region, SecretText, Version};
use crate::parameters::store::{is_plain, is_refused_for_its_absence, rows_at, version_of};

/// The history of a parameter, read until it shows `version`; `None` where that is not the current one any more.
///
/// # Errors
/// What AWS answered, or that it does not show the version yet.
pub(super) async fn history_at(
    session: &Session,
    region: &Region,
    name: &ParameterName,
    version: Version,
    decrypt: bool,
) -> Result<Option<History>, Cause> {
    let rows = rows_at(session, region, name, version, decrypt).await?;
    let kept = |rows: Vec<ParameterHistory>| {
        rows.into_iter().filter_map(|row| kept(row, decrypt)).collect()
    };
    Ok(rows.map(|rows| History::new(kept(rows))))
}

fn kept(shown: ParameterHistory, decrypted: bool) -> Option<Kept> {
    let (version, is_plain) = (version_of(&shown)?, is_plain(&shown, decrypted));
    let value = SecretText::new(shown.value.unwrap_or_default());
    let labels = shown.labels.unwrap_or_default().into_iter().collect();
    Some(Kept { version, value: is_plain.then_some(value), labels })
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Labelled {
    /// Done.
    Yes,
    /// There is no such parameter, or no such version of it, any more.
    Gone,
}

/// Carries one step out.
///
/// # Errors
/// Why AWS refused it; also where it says so in an answer that is no error (`InvalidLabels`).
pub(super) async fn carry_out(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    step: &LabelStep,
) -> Result<Labelled, Cause> {
    let labelled = match step {
        LabelStep::Attach { version, labels } => {
            attach(session, target, name, *version, labels).await
        }
        LabelStep::TakeOff { version, labels } => {
            take_off(session, target, name, *version, labels).await
        }
    };
    match labelled {
        Err(refused) if is_refused_for_its_absence(session, target, name, &refused).await => {
            Ok(Labelled::Gone)
        }
        labelled => labelled,
    }
}

async fn attach(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    version: i64,
    labels: &[String],
) -> Result<Labelled, Cause> {
    let sync_labels = session.location(target);
    let request = session
        .ssm(target)
        .label_parameter_version()
        .name(name.as_str())
        .parameter_version(version)
        .set_labels(Some(labels.to_vec()));
    match request.send().await {
        Ok(answer) => match answer.invalid_labels.unwrap_or_default() {
            invalid if invalid.is_empty() => Ok(Labelled::Yes),
            invalid => {
                let message = format!(
                    "ssm:LabelParameterVersion was refused in {sync_labels}: {} cannot be labels there",
                    invalid.join(", ")
                );
                Err(Cause::new(FailureKind::Invalid, message)
                    .mended_by("give the source's version a label of another name"))
            }
        },
        Err(error) if is_gone(code(&error)) => Ok(Labelled::Gone),
        Err(error) => Err(cause("ssm:LabelParameterVersion", &sync_labels, &error)),
    }
}

/// Labels that are not on that version come back as invalid: they moved since they were read, which the next look at
/// the histories finds.
async fn take_off(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    version: i64,
    labels: &[String],
) -> Result<Labelled, Cause> {
    let request = session
        .ssm(target)
        .unlabel_parameter_version()
        .name(name.as_str())
        .parameter_version(version)
        .set_labels(Some(labels.to_vec()));
    match request.send().await {
        Ok(answer) if answer.invalid_labels().is_empty() => Ok(Labelled::Yes),
        Ok(_) => Ok(Labelled::Gone),
        Err(error) if is_gone(code(&error)) => Ok(Labelled::Gone),
        Err(error) => Err(cause("ssm:UnlabelParameterVersion", &session.location(target), &error)),
    }
}

fn is_gone(code: Option<&str>) -> bool {
    matches!(code, Some("ParameterNotFound" | "ParameterVersionNotFound"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::fake::{FakeAws, assumed_role_response, json_error};
    use crate::domain::AccountId;

    /// What comes of a step that is answered so.
    async fn answered(step: &LabelStep, answer: (u16, String)) -> Result<Labelled, Cause> {
        let fake = FakeAws::new(move |sent| match sent.operation.as_str() {
            "AssumeRole" => assumed_role_response(sent),
            _ => answer.clone(),
        });
        let connection = fake.connect(|_| ()).await;
        let account = AccountId::parse("111122223333").expect("an account");
        let session = connection.session(&account).await.expect("a session");
        let target = Region::parse("us-east-1").expect("a Region");
        carry_out(&session, &target, &ParameterName::new("/a"), step).await
    }

    fn ok(body: &serde_json::Value) -> (u16, String) {
        (200, body.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_label_that_comes_back_as_invalid_is_a_failure_and_one_that_was_gone_is_another_look()
    {
        let labels = vec!["good".to_owned(), "1st".to_owned()];
        let attach = LabelStep::Attach { version: 2, labels: labels.clone() };
        let take_off = LabelStep::TakeOff { version: 2, labels };
        let invalid = json!({"InvalidLabels": ["1st"], "ParameterVersion": 2});
        let refused = answered(&attach, ok(&invalid)).await.expect_err("it is none");
        assert_eq!(refused.kind, FailureKind::Invalid);
        assert!(refused.message.contains("1st cannot be labels"), "{}", refused.message);
        assert_eq!(answered(&take_off, ok(&invalid)).await, Ok(Labelled::Gone));

        let valid = json!({"InvalidLabels": [], "ParameterVersion": 2});
        assert_eq!(answered(&attach, ok(&valid)).await, Ok(Labelled::Yes));
        assert_eq!(answered(&take_off, ok(&json!({}))).await, Ok(Labelled::Yes));
        for step in [&attach, &take_off] {
            let gone = answered(step, json_error(400, "ParameterVersionNotFound")).await;
            assert_eq!(gone, Ok(Labelled::Gone));
            let full = answered(step, json_error(400, "ParameterVersionLabelLimitExceeded")).await;
            assert_eq!(full.expect_err("refused").kind, FailureKind::Limit);
        }
    }
}
