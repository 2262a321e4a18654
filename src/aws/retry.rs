//! Corrects the SDK's decisions about retries where they do not fit these services.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

use super::renewal::CredentialsRenewed;
use crate::aws::errors::wire::error_code;

/// The corrections for every client. All other decisions are the SDK's.
#[derive(Debug)]
pub(super) struct RetryRules;

impl ClassifyRetry for RetryRules {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        if context
            .response()
            .is_some_and(|answer| answer.extension::<CredentialsRenewed>().is_some())
        {
            return RetryAction::transient_error();
        }
        if is_not_from_aws(context) {
            return RetryAction::transient_error();
        }
        match context.response().and_then(error_code).as_deref() {
            // SSM updates one resource at a time and reports a concurrent update so. The SDK would not retry.
            Some("TooManyUpdates") => RetryAction::throttling_error(),
            // A resource quota that is used up stays so. The SDK takes the code for a throttle.
            Some("LimitExceededException") => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "RetryRules"
    }
}

/// For writes that must not be carried out twice: the SDK retries only if AWS refused the request. A write whose
/// response was lost may have been carried out.
#[derive(Debug)]
pub struct OnlyIfRefused;

impl ClassifyRetry for OnlyIfRefused {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let succeeded = context.output_or_error().is_some_and(|result| result.is_ok());
        let is_refusal = |answer: &HttpResponse| {
            !answer.status().is_server_error() && error_code(answer).is_some()
        };
        if succeeded || context.response().is_some_and(is_refusal) {
            return RetryAction::NoActionIndicated;
        }
        RetryAction::RetryForbidden
    }

    fn name(&self) -> &'static str {
        "OnlyIfRefused"
    }
}

/// Whether the response is not from AWS: truncated, or the page of a proxy. The SDK would not retry.
fn is_not_from_aws(context: &InterceptorContext) -> bool {
    let failed = context.output_or_error().is_some_and(|result| result.is_err());
    failed && context.response().is_some_and(|answer| error_code(answer).is_none())
}
