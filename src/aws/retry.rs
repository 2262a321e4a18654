//! Which answers are worth another attempt where the SDK judges otherwise than these services mean it.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

use super::renewal::CredentialsRenewed;
use crate::aws::errors::wire::error_code;

/// The hub's corrections; all else is as the SDK has it.
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
        if is_no_answer(context) {
            return RetryAction::transient_error();
        }
        match context.response().and_then(error_code).as_deref() {
            // SSM does one update of a resource at a time and says so by this; the SDK takes it for a refusal.
            Some("TooManyUpdates") => RetryAction::throttling_error(),
            // A quota that is full stays full; the SDK takes it for a throttle.
            Some("LimitExceededException") => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "RetryRules"
    }
}

/// For a write that must not be carried out twice: it is sent again only where AWS refused it. One whose answer was lost
/// may have been carried out.
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

/// Whether what came is none of AWS's answers: broken off, or a proxy's page. The SDK takes it for a refusal.
fn is_no_answer(context: &InterceptorContext) -> bool {
    let failed = context.output_or_error().is_some_and(|result| result.is_err());
    failed && context.response().is_some_and(|answer| error_code(answer).is_none())
}
