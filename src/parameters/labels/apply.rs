//! Writes labels: one function for each call.

use super::plan::LabelStep;
use crate::aws::{Session, cause, code};
use crate::domain::{Cause, FailureKind, ParameterName, Region};

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
    match step {
        LabelStep::Attach { version, labels } => {
            attach(session, target, name, *version, labels).await
        }
        LabelStep::TakeOff { version, labels } => {
            take_off(session, target, name, *version, labels).await
        }
    }
}

async fn attach(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    version: i64,
    labels: &[String],
) -> Result<Labelled, Cause> {
    let place = session.location(target);
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
                    "ssm:LabelParameterVersion was refused in {place}: {} cannot be labels there",
                    invalid.join(", ")
                );
                Err(Cause::new(FailureKind::Invalid, message)
                    .mended_by("give the source's version a label of another name"))
            }
        },
        Err(error) if is_gone(code(&error)) => Ok(Labelled::Gone),
        Err(error) => Err(cause("ssm:LabelParameterVersion", &place, &error)),
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
