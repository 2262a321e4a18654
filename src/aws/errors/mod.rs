//! What a failed call means: the SDK's errors and AWS's codes become a class, a sentence and a remedy, once and here.
//!
//! A sentence holds the action, the place, AWS's code and AWS's message; never the body of an answer, never a value.

pub(in crate::aws) mod classify;
pub(in crate::aws) mod wire;

use std::any::Any;
use std::error::Error;
use std::fmt::{Debug, Display};

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use self::classify::{is_credentials_error, kind};
use super::throttle::limiter::WaitedTooLong;
use crate::domain::{Cause, FailureKind};

/// AWS's messages are shorter; what is longer is no message.
const MESSAGE_LIMIT: usize = 600;
const CHECK_THE_WAY: &str = "check the network's way to AWS, and AWS_ENDPOINT_URL where it is set; the next sweep tries again";
const CHECK_CREDENTIALS: &str = "check that the credentials that the hub runs with are right and not over, and this machine's clock; \
     a Region that is not enabled in the account refuses all credentials: enable it, or take it out of REPLICATOR_ROUTES";
const FIND_CREDENTIALS: &str = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached";
/// What resolvers say of a host without an address, on Linux and macOS.
const NO_SUCH_HOST: [&str; 2] = ["failed to lookup address", "nodename nor servname"];
const CHECK_THE_REGION: &str = "check that the Region is one of AWS's: AWS_REGION or the profile names the hub's own, REPLICATOR_ROUTES \
     the others; if it is, check this machine's name resolution";
const ALLOW_THE_HUB: &str =
    "let the hub's own role, or the user that runs hubctl, do the action that the message names";

/// The code that AWS answered with, for the few places where it decides what is done next (`ParameterAlreadyExists`).
pub fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    match error {
        SdkError::ServiceError(answer) => answer.err().code(),
        _ => None,
    }
}

/// The cause of a failed call.
///
/// `operation` is spelled as IAM spells it (`ssm:PutParameter`); `place` is the `Location` whose account and Region were
/// asked, or words for the hub's own account. Where the role's credentials could not be had, the cause is that of the
/// failed `AssumeRole`.
pub fn cause<E, R>(
    operation: &'static str,
    place: &(impl Display + ?Sized),
    error: &SdkError<E, R>,
) -> Cause
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug + 'static,
{
    let unavailable =
        |message: String| Cause::new(FailureKind::Unavailable, message).mended_by(CHECK_THE_WAY);
    match error {
        SdkError::ServiceError(answer) => {
            let raw: &dyn Any = answer.raw();
            let status = raw.downcast_ref::<HttpResponse>().map(|raw| raw.status().as_u16());
            answered(operation, place, answer.err().code(), answer.err().message(), status)
        }
        SdkError::DispatchFailure(failure) => unsent(operation, place, failure),
        SdkError::TimeoutError(_) => {
            unavailable(format!("{operation} was not answered in time in {place}"))
        }
        SdkError::ResponseError(_) => unavailable(format!(
            "{operation} was answered in {place} with something that is no answer of AWS's"
        )),
        SdkError::ConstructionFailure(_) => {
            let reason = innermost(error);
            Cause::new(
                FailureKind::Bug,
                format!("{operation} could not be built for {place}: {reason}"),
            )
        }
        _ => unavailable(format!("{operation} failed in {place}")),
    }
}

fn answered(
    operation: &str,
    place: &(impl Display + ?Sized),
    code: Option<&str>,
    message: Option<&str>,
    status: Option<u16>,
) -> Cause {
    let message = presentable(message.unwrap_or_default());
    let Some(code) = code else {
        let status = status.map_or_else(String::new, |status| format!(" (HTTP status {status})"));
        let text = format!("{operation} failed in {place}: the answer has no error code{status}");
        return Cause::new(FailureKind::Unavailable, text).mended_by(CHECK_THE_WAY);
    };
    let kind = kind(code, &message, status);
    let verb = match kind {
        FailureKind::Unavailable => "failed",
        FailureKind::Throttled => "was throttled",
        _ => "was refused",
    };
    let colon = if message.is_empty() { "" } else { ": " };
    let cause = Cause::new(kind, format!("{operation} {verb} in {place}: {code}{colon}{message}"));
    match kind {
        FailureKind::AccessDenied if is_credentials_error(code) => {
            cause.mended_by(CHECK_CREDENTIALS)
        }
        FailureKind::AccessDenied if is_the_hubs_own(operation) => cause.mended_by(ALLOW_THE_HUB),
        _ => cause,
    }
}

fn is_the_hubs_own(operation: &str) -> bool {
    ["sts:", "organizations:", "sns:"].iter().any(|service| operation.starts_with(service))
}

/// The request was not sent, or its answer did not come.
fn unsent(operation: &str, place: &(impl Display + ?Sized), failure: &DispatchFailure) -> Cause {
    let Some(connector) = failure.as_connector_error() else {
        let message = format!("{operation} could not be sent in {place}");
        return Cause::new(FailureKind::Unavailable, message).mended_by(CHECK_THE_WAY);
    };
    for source in chain(connector) {
        if let Some(cause) = source.downcast_ref::<Cause>() {
            return cause.clone();
        }
        if source.is::<WaitedTooLong>() {
            let message =
                format!("{operation} waited for its turn in {place} for minutes and was not sent");
            return Cause::new(FailureKind::Throttled, message);
        }
        if let Some(error) = source.downcast_ref::<CredentialsError>()
            && !chain(error).any(<dyn Error>::is::<Cause>)
        {
            return without_credentials(operation, error);
        }
    }
    let service = operation.split(':').next().unwrap_or(operation);
    let reason =
        if failure.is_timeout() { "no answer in time".to_owned() } else { innermost(connector) };
    let is_unknown = NO_SUCH_HOST.iter().any(|words| reason.contains(words));
    let message = format!("{service} could not be reached in {place} for {operation}: {reason}");
    let remedy = if is_unknown { CHECK_THE_REGION } else { CHECK_THE_WAY };
    Cause::new(FailureKind::Unavailable, message).mended_by(remedy)
}

/// Whether AWS refused the credentials themselves, or none were found: no permission mends that.
pub(in crate::aws) fn is_about_credentials<E: ProvideErrorMetadata, R>(
    error: &SdkError<E, R>,
) -> bool {
    code(error).is_none_or(is_credentials_error)
}

fn without_credentials(operation: &str, error: &CredentialsError) -> Cause {
    // The instance's metadata is where the SDK looks last: whatever went wrong there, nothing was found before.
    let none = matches!(error, CredentialsError::CredentialsNotLoaded(_))
        || chain(error).any(<dyn Error>::is::<ImdsError>);
    let profile = profile();
    let message = match &profile {
        Some(profile) if none => {
            format!(
                "the profile `{profile}` (AWS_PROFILE) gives no AWS credentials for {operation}"
            )
        }
        _ if none => format!("no AWS credentials were found for {operation}"),
        _ => {
            format!("the AWS credentials for {operation} could not be loaded: {}", innermost(error))
        }
    };
    let uses_single_sign_on = chain(error).any(|error| error.to_string().contains("SSO"));
    let remedy = find_credentials(profile.as_deref(), !none && uses_single_sign_on);
    Cause::new(FailureKind::AccessDenied, message).mended_by(remedy)
}

/// The profile that the SDK takes credentials from, where one is named.
#[expect(
    clippy::disallowed_methods,
    reason = "the SDK's own variable, and only for the words of a remedy"
)]
fn profile() -> Option<String> {
    std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty())
}

/// The command that shows what is wrong with the credentials, or mends it.
fn find_credentials(profile: Option<&str>, uses_single_sign_on: bool) -> String {
    match profile {
        Some(profile) if uses_single_sign_on => format!("run `aws sso login --profile {profile}`"),
        None if uses_single_sign_on => "run `aws sso login`".to_owned(),
        Some(profile) => format!(
            "look for it in `aws configure list-profiles`; `aws sts get-caller-identity --profile {profile}` must succeed"
        ),
        None => FIND_CREDENTIALS.to_owned(),
    }
}

/// The error and all that lies beneath it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| Error::source(*error))
}

/// The words of the error at the bottom: those above it only say that something failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    presentable(&chain(error).last().map(ToString::to_string).unwrap_or_default())
}

/// A message on one line, of bearable length, without what a failed validation quotes.
fn presentable(message: &str) -> String {
    let mut text = message.split_whitespace().collect::<Vec<_>>().join(" ");
    // `Value 'hunter2' at 'value' failed to satisfy constraint: …`; the quoted text may itself hold quotes.
    if let (Some(start), Some(end)) = (text.find("Value '"), text.rfind("' at '")) {
        let start = start + "Value '".len();
        if start <= end {
            text.replace_range(start..end, "[withheld]");
        }
    }
    match text.char_indices().nth(MESSAGE_LIMIT) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Failed = SdkError<ErrorMetadata, HttpResponse>;

    fn raw(status: u16) -> HttpResponse {
        HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from("the body"))
    }

    fn refused(status: u16, code: &str, message: &str) -> Failed {
        let answer = ErrorMetadata::builder().code(code).message(message).build();
        SdkError::service_error(answer, raw(status))
    }

    fn caused(error: &Failed) -> Cause {
        cause("ssm:PutParameter", "111122223333/us-east-1", error)
    }

    #[test]
    fn a_refusal_says_what_where_and_why_in_one_sentence() {
        let error = refused(400, "ParameterLimitExceeded", "Too many\n parameters.");
        assert_eq!(
            caused(&error).message,
            "ssm:PutParameter was refused in 111122223333/us-east-1: ParameterLimitExceeded: Too many parameters."
        );
        assert_eq!(code(&error), Some("ParameterLimitExceeded"));
    }

    #[test]
    fn what_a_validation_quotes_is_withheld() {
        let message = "2 validation errors detected: Value 'hunter2' at 'value' failed to satisfy constraint: \
                       Value 'it's ' at 'x' failed";
        let cause = caused(&refused(400, "ValidationException", message));
        assert!(!cause.message.contains("hunter2") && !cause.message.contains("it's"));
        assert!(cause.message.contains("Value '[withheld]' at 'x' failed"));
    }

    #[test]
    fn a_very_long_message_is_cut() {
        let cause = caused(&refused(400, "ValidationException", &"é".repeat(5000)));
        assert!(cause.message.chars().count() < MESSAGE_LIMIT + 100);
    }

    #[test]
    fn an_answer_without_a_code_is_no_answer_and_its_body_is_not_shown() {
        let error: Failed = SdkError::service_error(ErrorMetadata::builder().build(), raw(404));
        let cause = caused(&error);
        assert_eq!(cause.kind, FailureKind::Unavailable);
        assert!(cause.message.contains("404") && !cause.message.contains("the body"));
        assert!(cause.remedy().contains("AWS_ENDPOINT_URL"));
    }

    #[test]
    fn an_unreachable_endpoint_names_service_place_and_remedy() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let cause = caused(&SdkError::dispatch_failure(ConnectorError::io(broken.into())));
        assert_eq!(cause.kind, FailureKind::Unavailable);
        assert_eq!(
            cause.message,
            "ssm could not be reached in 111122223333/us-east-1 for ssm:PutParameter: connection refused"
        );
        assert!(cause.remedy().contains("AWS_ENDPOINT_URL"));
    }

    #[test]
    fn time_outs_and_unreadable_answers_may_pass() {
        let slow = ConnectorError::timeout("slow".into());
        for error in [
            SdkError::timeout_error("slow"),
            SdkError::dispatch_failure(slow),
            SdkError::response_error("no JSON", raw(200)),
        ] {
            let cause = caused(&error);
            assert_eq!(cause.kind, FailureKind::Unavailable);
            assert!(!cause.message.contains("the body"));
        }
    }

    #[test]
    fn missing_credentials_say_what_to_set() {
        let missing = ConnectorError::other(CredentialsError::not_loaded("none").into(), None);
        let cause = caused(&SdkError::dispatch_failure(missing));
        assert_eq!(cause.kind, FailureKind::AccessDenied);
        assert!(cause.message.contains("no AWS credentials were found"));
        assert!(cause.remedy().contains("AWS_PROFILE"));
        let broken =
            ConnectorError::other(CredentialsError::provider_error("expired").into(), None);
        assert!(caused(&SdkError::dispatch_failure(broken)).message.ends_with("expired"));
        let signed_out = "failed to load the cached SSO token";
        let signed_out =
            ConnectorError::other(CredentialsError::provider_error(signed_out).into(), None);
        assert!(
            caused(&SdkError::dispatch_failure(signed_out))
                .remedy()
                .starts_with("run `aws sso login")
        );
    }

    #[test]
    fn the_remedy_for_credentials_is_a_command_for_the_profile() {
        for (profile, single_sign_on, command) in [
            (Some("central"), true, "aws sso login --profile central"),
            (None, true, "aws sso login"),
            (Some("central"), false, "aws sts get-caller-identity --profile central"),
            (None, false, "AWS_ACCESS_KEY_ID"),
        ] {
            let remedy = find_credentials(profile, single_sign_on);
            assert!(remedy.contains(command), "{remedy}");
        }
    }

    #[test]
    fn a_host_without_an_address_points_at_the_name_of_the_region() {
        let reason = "failed to lookup address information: Name or service not known";
        let unknown = std::io::Error::other(reason);
        let cause = caused(&SdkError::dispatch_failure(ConnectorError::io(unknown.into())));
        assert_eq!(cause.remedy(), CHECK_THE_REGION);
    }

    #[test]
    fn a_role_that_could_not_be_assumed_is_the_cause_itself() {
        let role = Cause::new(FailureKind::NoSpokeRole, "refused");
        let error = CredentialsError::provider_error(role.clone());
        let error = SdkError::dispatch_failure(ConnectorError::other(error.into(), None));
        assert_eq!(caused(&error), role);
    }

    #[test]
    fn remedies_tell_the_hubs_credentials_from_the_spokes() {
        let denied = refused(403, "AccessDenied", "");
        let hub = cause("sns:Publish", "the hub's account", &denied);
        assert_eq!(hub.remedy(), ALLOW_THE_HUB);
        assert_eq!(caused(&denied).remedy(), FailureKind::AccessDenied.remedy());
        assert_eq!(caused(&refused(403, "ExpiredToken", "")).remedy(), CHECK_CREDENTIALS);
    }
}
