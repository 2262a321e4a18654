//! The AWS calls for labels.

use aws_sdk_ssm::types::ParameterHistory;

use super::history::{KeptVersion, LabelHistory};
use super::plan::LabelStep;
use crate::aws::{Session, cause, code};
use crate::domain::{Cause, ParameterName, Region, SecretText, Version};
use crate::parameters::causes::labels_invalid;
use crate::parameters::store::{is_plain, is_refused_for_its_absence, rows_at, version_of};

/// Reads the history of a parameter until the history shows `version`; `None` if another version is current now.
///
/// # Errors
/// AWS refused the read, or the history does not show the version yet.
pub(super) async fn history_at(
    session: &Session,
    region: &Region,
    name: &ParameterName,
    version: Version,
    decrypt: bool,
) -> Result<Option<LabelHistory>, Cause> {
    let rows = rows_at(session, region, name, version, decrypt).await?;
    let kept = |rows: Vec<ParameterHistory>| {
        rows.into_iter().filter_map(|row| kept(row, decrypt)).collect()
    };
    Ok(rows.map(|rows| LabelHistory::new(kept(rows))))
}

fn kept(shown: ParameterHistory, decrypted: bool) -> Option<KeptVersion> {
    let (version, is_plain) = (version_of(&shown)?, is_plain(&shown, decrypted));
    let value = SecretText::new(shown.value.unwrap_or_default());
    let labels = shown.labels.unwrap_or_default().into_iter().collect();
    Some(KeptVersion { version, value: is_plain.then_some(value), labels })
}

/// The answer of a call that AWS did not refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelAnswer {
    Done,
    /// The parameter or the version no longer exists.
    Gone,
}

/// Carries out one step.
///
/// # Errors
/// AWS refused the step, with an error or with `InvalidLabels` in a successful answer.
pub(super) async fn carry_out(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    step: &LabelStep,
) -> Result<LabelAnswer, Cause> {
    let labelled = match step {
        LabelStep::Attach { version, labels } => {
            attach(session, target, name, *version, labels).await
        }
        LabelStep::Detach { version, labels } => {
            detach(session, target, name, *version, labels).await
        }
    };
    match labelled {
        Err(refused) if is_refused_for_its_absence(session, target, name, &refused).await => {
            Ok(LabelAnswer::Gone)
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
) -> Result<LabelAnswer, Cause> {
    let location = session.location(target);
    let request = session
        .ssm(target)
        .label_parameter_version()
        .name(name.as_str())
        .parameter_version(version)
        .set_labels(Some(labels.to_vec()));
    let request = request.customize().interceptor(session.writes_to([target]));
    match request.send().await {
        Ok(answer) => match answer.invalid_labels.unwrap_or_default() {
            invalid if invalid.is_empty() => Ok(LabelAnswer::Done),
            invalid => Err(labels_invalid(&location.to_string(), &invalid)),
        },
        Err(error) if is_gone(code(&error)) => Ok(LabelAnswer::Gone),
        Err(error) => Err(cause("ssm:LabelParameterVersion", &location, &error)),
    }
}

/// AWS reports a label that is not on this version as invalid. The label moved since the read, and the next read of the
/// histories finds it.
async fn detach(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    version: i64,
    labels: &[String],
) -> Result<LabelAnswer, Cause> {
    let request = session
        .ssm(target)
        .unlabel_parameter_version()
        .name(name.as_str())
        .parameter_version(version)
        .set_labels(Some(labels.to_vec()));
    let request = request.customize().interceptor(session.writes_to([target]));
    match request.send().await {
        Ok(answer) if answer.invalid_labels().is_empty() => Ok(LabelAnswer::Done),
        Ok(_) => Ok(LabelAnswer::Gone),
        Err(error) if is_gone(code(&error)) => Ok(LabelAnswer::Gone),
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
    use crate::domain::{AccountId, FailureKind};

    async fn answered(step: &LabelStep, answer: (u16, String)) -> Result<LabelAnswer, Cause> {
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
    async fn an_invalid_label_is_a_failure_and_a_missing_one_needs_another_read() {
        let labels = vec!["good".to_owned(), "1st".to_owned()];
        let attach = LabelStep::Attach { version: 2, labels: labels.clone() };
        let detach = LabelStep::Detach { version: 2, labels };
        let invalid = json!({"InvalidLabels": ["1st"], "ParameterVersion": 2});
        let refused = answered(&attach, ok(&invalid)).await.expect_err("an invalid label");
        assert_eq!(refused.kind, FailureKind::Invalid);
        assert!(refused.message.contains("invalid labels: 1st"), "{}", refused.message);
        assert_eq!(answered(&detach, ok(&invalid)).await, Ok(LabelAnswer::Gone));

        let valid = json!({"InvalidLabels": [], "ParameterVersion": 2});
        assert_eq!(answered(&attach, ok(&valid)).await, Ok(LabelAnswer::Done));
        assert_eq!(answered(&detach, ok(&json!({}))).await, Ok(LabelAnswer::Done));
        for step in [&attach, &detach] {
            let gone = answered(step, json_error(400, "ParameterVersionNotFound")).await;
            assert_eq!(gone, Ok(LabelAnswer::Gone));
            let full = answered(step, json_error(400, "ParameterVersionLabelLimitExceeded")).await;
            assert_eq!(full.expect_err("refused").kind, FailureKind::Limit);
        }
    }
}
