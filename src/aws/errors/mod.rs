//! Translates the SDK's errors and AWS's error codes into a failure kind, a message and a remedy.
//!
//! A message holds the action, the place, AWS's code and AWS's message. It never holds the body of a response or a
//! value.

pub(in crate::aws) mod classify;
pub(in crate::aws) mod wire;

use std::any::Any;
use std::error::Error;
use std::fmt::{Debug, Display};

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use self::classify::{is_credentials_error, kind};
use super::throttle::breaker::RegionSilent;
use super::throttle::limiter::WaitedTooLong;
use crate::domain::{Cause, FailureKind};

/// Characters of AWS's message that are kept; genuine messages are shorter.
const MESSAGE_LIMIT: usize = 600;
const CHECK_THE_NETWORK: &str = "check the network connection to AWS, and AWS_ENDPOINT_URL if it is set; the next sweep tries again";
const CHECK_THE_REGIONS_HEALTH: &str = "check the AWS Health Dashboard for the Region, and the network connection to AWS; the next sweep tries again";
const CHECK_CREDENTIALS: &str = "check that the hub's credentials are correct and have not expired, and check this machine's clock; \
     a Region that is not enabled in the account refuses all credentials: enable it or remove it from REPLICATOR_ROUTES";
const FIND_CREDENTIALS: &str = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run on a machine with an attached role";
/// The resolver's messages for a host without an address, on Linux and macOS.
const NO_SUCH_HOST: [&str; 2] = ["failed to lookup address", "nodename nor servname"];
const CHECK_THE_REGION: &str = "check that the Region exists: AWS_REGION or the profile sets the hub's Region, REPLICATOR_ROUTES \
     sets the others; if the Region exists, check this machine's name resolution";
const ALLOW_THE_HUB: &str =
    "allow the action in the message to the hub's role, or to the user that runs hubctl";

/// AWS's error code, for the few places where the code decides the next step (`ParameterAlreadyExists`).
pub fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    match error {
        SdkError::ServiceError(answer) => answer.err().code(),
        _ => None,
    }
}

/// The cause of a failed call.
///
/// `operation` is the action as IAM spells it (`ssm:PutParameter`). `place` is the `Location` of the call, or a
/// description of the hub's own account. If the call failed because a role could not be assumed, the cause is that of
/// `AssumeRole`.
pub fn cause<E, R>(
    operation: &'static str,
    place: &(impl Display + ?Sized),
    error: &SdkError<E, R>,
) -> Cause
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug + 'static,
{
    let unavailable = |message: String| {
        Cause::new(FailureKind::Unavailable, message).with_remedy(CHECK_THE_NETWORK)
    };
    match error {
        SdkError::ServiceError(answer) => {
            let raw: &dyn Any = answer.raw();
            let status = raw.downcast_ref::<HttpResponse>().map(|raw| raw.status().as_u16());
            answered(operation, place, answer.err().code(), answer.err().message(), status)
        }
        SdkError::DispatchFailure(failure) => unsent(operation, place, failure),
        SdkError::TimeoutError(_) => unavailable(format!("{operation} timed out in {place}")),
        SdkError::ResponseError(_) => {
            unavailable(format!("{operation} in {place} returned a response that is not from AWS"))
        }
        SdkError::ConstructionFailure(_) => {
            let reason = innermost(error);
            Cause::new(
                FailureKind::Bug,
                format!("internal error: the request {operation} for {place} is invalid: {reason}"),
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
        let text = format!("{operation} failed in {place}: the response has no error code{status}");
        return Cause::new(FailureKind::Unavailable, text).with_remedy(CHECK_THE_NETWORK);
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
            cause.with_remedy(CHECK_CREDENTIALS)
        }
        FailureKind::AccessDenied if is_the_hubs_own(operation) => cause.with_remedy(ALLOW_THE_HUB),
        _ => cause,
    }
}

fn is_the_hubs_own(operation: &str) -> bool {
    ["sts:", "organizations:", "sns:", "dynamodb:"]
        .iter()
        .any(|service| operation.starts_with(service))
}

/// The cause if the request was not sent or no response came.
fn unsent(operation: &str, place: &(impl Display + ?Sized), failure: &DispatchFailure) -> Cause {
    let Some(connector) = failure.as_connector_error() else {
        let message = format!("{operation} could not be sent in {place}");
        return Cause::new(FailureKind::Unavailable, message).with_remedy(CHECK_THE_NETWORK);
    };
    for source in chain(connector) {
        if let Some(cause) = source.downcast_ref::<Cause>() {
            return cause.clone();
        }
        if let Some(silent) = source.downcast_ref::<RegionSilent>() {
            return Cause::new(FailureKind::Unavailable, silent.to_string())
                .with_remedy(CHECK_THE_REGIONS_HEALTH);
        }
        if source.is::<WaitedTooLong>() {
            let message = format!(
                "{operation} waited too long for the rate limit in {place} and was not sent"
            );
            return Cause::new(FailureKind::Throttled, message);
        }
        if let Some(error) = source.downcast_ref::<CredentialsError>()
            && !chain(error).any(<dyn Error>::is::<Cause>)
        {
            return without_credentials(operation, error);
        }
    }
    let service = operation.split(':').next().unwrap_or(operation);
    let reason = reason(connector);
    let is_unknown = NO_SUCH_HOST.iter().any(|words| reason.contains(words));
    let message = format!("{service} could not be reached in {place} for {operation}: {reason}");
    let remedy = if is_unknown { CHECK_THE_REGION } else { CHECK_THE_NETWORK };
    Cause::new(FailureKind::Unavailable, message).with_remedy(remedy)
}

/// Whether AWS refused the credentials themselves, or there were none. A permission does not help then.
pub(in crate::aws) fn is_about_credentials<E: ProvideErrorMetadata, R>(
    error: &SdkError<E, R>,
) -> bool {
    code(error).is_none_or(is_credentials_error)
}

fn without_credentials(operation: &str, error: &CredentialsError) -> Cause {
    // The SDK asks the instance metadata last: an error there means that no other source had credentials.
    let none = matches!(error, CredentialsError::CredentialsNotLoaded(_))
        || chain(error).any(<dyn Error>::is::<ImdsError>);
    let profile = profile();
    let message = match &profile {
        Some(profile) if none => {
            format!("the profile `{profile}` (AWS_PROFILE) has no AWS credentials for {operation}")
        }
        _ if none => format!("no AWS credentials were found for {operation}"),
        _ => {
            format!("the AWS credentials for {operation} could not be loaded: {}", innermost(error))
        }
    };
    let uses_single_sign_on = chain(error).any(|error| error.to_string().contains("SSO"));
    let remedy = find_credentials(profile.as_deref(), !none && uses_single_sign_on);
    Cause::new(FailureKind::AccessDenied, message).with_remedy(remedy)
}

/// The profile in `AWS_PROFILE`, from which the SDK takes credentials.
#[expect(
    clippy::disallowed_methods,
    reason = "the SDK's variable, read only for the text of a remedy"
)]
fn profile() -> Option<String> {
    std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty())
}

/// A remedy for missing credentials: a command that repairs or checks them.
fn find_credentials(profile: Option<&str>, uses_single_sign_on: bool) -> String {
    match profile {
        Some(profile) if uses_single_sign_on => format!("run `aws sso login --profile {profile}`"),
        None if uses_single_sign_on => "run `aws sso login`".to_owned(),
        Some(profile) => format!(
            "check that `aws configure list-profiles` lists it and that `aws sts get-caller-identity --profile {profile}` succeeds"
        ),
        None => FIND_CREDENTIALS.to_owned(),
    }
}

/// Why no answer came, in a few words.
pub(in crate::aws) fn reason(error: &ConnectorError) -> String {
    if error.is_timeout() { "timed out".to_owned() } else { innermost(error) }
}

/// The error and its sources.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| Error::source(*error))
}

/// The message of the last source; the errors above it only say that something failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    presentable(&chain(error).last().map(ToString::to_string).unwrap_or_default())
}

/// A message on one line, cut to a limit, without the values that a validation error quotes.
fn presentable(message: &str) -> String {
    let mut text = message.split_whitespace().collect::<Vec<_>>().join(" ");
    // `Value 'hunter2' at 'value' failed to satisfy constraint: …`; the value may contain quotes.
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
    fn a_refusal_names_action_place_and_reason() {
        let error = refused(400, "ParameterLimitExceeded", "Too many\n parameters.");
        assert_eq!(
            caused(&error).message,
            "ssm:PutParameter was refused in 111122223333/us-east-1: ParameterLimitExceeded: Too many parameters."
        );
        assert_eq!(code(&error), Some("ParameterLimitExceeded"));
    }

    #[test]
    fn a_value_in_a_validation_error_is_withheld() {
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
    fn a_response_without_a_code_is_unavailable_and_its_body_is_not_shown() {
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
    fn time_outs_and_unreadable_responses_are_unavailable() {
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
    fn the_failure_of_missing_credentials_names_what_to_set() {
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
    fn the_cause_of_a_failed_assume_role_is_passed_on() {
        let role = Cause::new(FailureKind::NoSpokeRole, "refused");
        let error = CredentialsError::provider_error(role.clone());
        let error = SdkError::dispatch_failure(ConnectorError::other(error.into(), None));
        assert_eq!(caused(&error), role);
    }

    #[test]
    fn remedies_differ_for_the_hubs_and_the_spokes_permissions() {
        let denied = refused(403, "AccessDenied", "");
        let hub = cause("sns:Publish", "the hub's account", &denied);
        assert_eq!(hub.remedy(), ALLOW_THE_HUB);
        assert_eq!(caused(&denied).remedy(), FailureKind::AccessDenied.remedy());
        assert_eq!(caused(&refused(403, "ExpiredToken", "")).remedy(), CHECK_CREDENTIALS);
    }
}
