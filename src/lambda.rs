//! The hub under Lambda's runtime: an invocation in, its answer or an error of a stable type out, metrics to the log.

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

/// Serves invocations until Lambda ends the process.
pub fn run() -> ExitCode {
    if !settings::runs_in_lambda() {
        tell("hub runs as a Lambda function only; at a terminal, use hubctl");
        return ExitCode::from(2);
    }
    if let Err(refused) = begin_logs() {
        tell(&refused);
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
            tracing::error!("the runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Error> {
    let opened = Arc::new(Opened(OnceCell::new()));
    // Before the first invocation, whose time it would take.
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

/// The hub of this execution environment. One that cannot be set up says so to the invocation, and so to whoever waits
/// for it; the next invocation tries again, since a setting that could not be read may be readable by then.
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

/// Lambda gives the deadline by the wall clock.
#[expect(clippy::disallowed_methods, reason = "the deadline is Lambda's, on this machine's clock")]
fn deadline(at: SystemTime) -> Deadline {
    let left = at.duration_since(SystemTime::now()).unwrap_or_default();
    Deadline::at(tokio::time::Instant::now() + left)
}

/// The error that Lambda shows, by a type that alarms and retry rules can match.
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

#[expect(
    clippy::print_stdout,
    reason = "a metric is a line of its own on stdout, or CloudWatch does not see it"
)]
fn log_metrics(lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
}

#[expect(clippy::print_stderr, reason = "there is no log yet")]
fn tell(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_could_not_be_opened_is_opened_at_the_next_invocation_and_then_kept() {
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
