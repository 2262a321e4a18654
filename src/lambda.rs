//! The hub as a Lambda function. An invocation returns an answer, or an error with a stable type; metrics go to the
//! log.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::sync::OnceCell;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::deadline::Deadline;
use crate::hub::{Answer, Hub, HubError, RouteFilter, RunResult};
use crate::{logs, request, settings};

/// Handles invocations until Lambda stops the process.
pub fn run() -> ExitCode {
    if !settings::runs_in_lambda() {
        print_error("hub runs only as a Lambda function; use hubctl at a terminal");
        return ExitCode::from(2);
    }
    if let Err(error) = begin_logs() {
        print_error(&error);
        return ExitCode::from(2);
    }
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(serve()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Error> {
    let opened = Arc::new(Opened(OnceCell::new()));
    // Opened before the first invocation, so that the invocation does not spend time on it.
    drop(opened.hub(Hub::open_in_lambda).await);
    lambda_runtime::run_concurrent(service_fn(move |event: LambdaEvent<Value>| {
        let opened = Arc::clone(&opened);
        async move {
            match opened.hub(Hub::open_in_lambda).await {
                Ok(hub) => Box::pin(invoke(hub, event)).await,
                Err(error) => Err(diagnostic(&error)),
            }
        }
    }))
    .await
}

/// The hub of this execution environment. If it cannot be opened, the invocation fails with the reason; the next
/// invocation tries again, because a setting that could not be fetched may be available then.
struct Opened<T>(OnceCell<T>);

impl<T> Opened<T> {
    async fn hub<E, F>(&self, open: impl FnOnce() -> F) -> Result<&T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.0.get_or_try_init(open).await
    }
}

async fn invoke(hub: &Hub, event: LambdaEvent<Value>) -> Result<Answer, Diagnostic> {
    let deadline = deadline(event.context.deadline());
    let request =
        request::from_value(&event.payload).map_err(|refused| diagnostic(&refused.into()))?;
    let done = match hub.perform(request, RouteFilter::default(), deadline.clone(), &|_| ()).await {
        Ok(done) => done,
        Err(HubError::Cause(cause)) => hub.could_not_begin(cause, &deadline).await,
        Err(error) => return Err(diagnostic(&error)),
    };
    let RunResult { answer, metrics } = done;
    log_metrics(&metrics);
    Ok(answer)
}

/// Converts Lambda's deadline, which is a time of the wall clock.
#[expect(clippy::disallowed_methods, reason = "Lambda's deadline is a time of the wall clock")]
fn deadline(at: SystemTime) -> Deadline {
    let left = at.duration_since(SystemTime::now()).unwrap_or_default();
    Deadline::at(tokio::time::Instant::now() + left)
}

/// The error of an invocation, with a type that alarms and retry rules can match.
fn diagnostic(error: &HubError) -> Diagnostic {
    let error_type = match error {
        HubError::Settings(_) => "InvalidSettings",
        HubError::Refused(_) => "InvalidPayload",
        HubError::Cause(_) => "Unavailable",
    };
    tracing::error!(error_type, "{error}");
    Diagnostic { error_type: error_type.to_owned(), error_message: error.to_string() }
}

fn begin_logs() -> Result<(), String> {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_writer(std::io::stderr)
        .with_filter(logs::filter(LevelFilter::INFO)?);
    tracing_subscriber::registry().with(lines).try_init().map_err(|error| error.to_string())
}

#[expect(clippy::print_stdout, reason = "CloudWatch reads metrics from lines on stdout")]
fn log_metrics(lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
}

#[expect(clippy::print_stderr, reason = "the log is not set up yet")]
fn print_error(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_hub_that_could_not_be_opened_is_opened_at_the_next_invocation_and_then_kept() {
        let opened = Opened(OnceCell::new());
        let tries = Cell::new(0);
        let open = || async {
            tries.set(tries.get() + 1);
            if tries.get() < 3 { Err("throttled") } else { Ok("the hub") }
        };
        for expected in [Err("throttled"), Err("throttled"), Ok(&"the hub"), Ok(&"the hub")] {
            assert_eq!(opened.hub(open).await, expected);
        }
        assert_eq!(tries.get(), 3);
    }
}
