//! Converts an answer or an error to text and an exit code.

use serde::Serialize;
use serde_json::{Value, json};

use super::args::Format;
use crate::domain::Cause;
use crate::failover::{self, FailoverAnswer, FailoverEnd, PlanPart};
use crate::hub::{Answer, HubError};
use crate::report::{ExitCode, Status, View, table};
use crate::status;

/// The text for stdout, without the final line break, and the exit code.
pub(super) fn answer(answer: &Answer, format: Format, view: View) -> (String, ExitCode) {
    match answer {
        Answer::Report(response) => {
            let text = match format {
                Format::Table => table(response, view).trim_end().to_owned(),
                Format::Json => document(&response.whole(), view),
            };
            (text, ExitCode::of(response))
        }
        Answer::Ignored(why) => {
            let text = match format {
                Format::Table => format!("Ignored: {why}"),
                Format::Json => document(&json!({ "status": "in_sync", "ignored": why }), view),
            };
            (text, ExitCode::Done)
        }
        Answer::Accounts(accounts) => {
            let code =
                if is_empty(accounts, "failures") { ExitCode::Done } else { ExitCode::Failed };
            (document(accounts, view), code)
        }
        Answer::Execution(sum) => (document(sum, view), execution_code(sum)),
        Answer::Failover(failover) => {
            let text = match format {
                Format::Table => failover::text(failover, view),
                Format::Json => document(failover, view),
            };
            (text, failover_code(failover))
        }
        Answer::Status(status) => {
            let text = match format {
                Format::Table => status::text(status, view),
                Format::Json => document(&status.whole(), view),
            };
            (text, if status.is_clean() { ExitCode::Done } else { ExitCode::Drift })
        }
        Answer::Batch(batch, response) => {
            let code = match ExitCode::of(response) {
                ExitCode::Done if !is_empty(batch, "batchItemFailures") => ExitCode::Failed,
                code => code,
            };
            (document(batch, view), code)
        }
    }
}

/// 0 if every account is in sync and every route is active.
fn execution_code(sum: &Value) -> ExitCode {
    let ended = |status: Status| sum["status"] == status.word();
    if !is_empty(sum, "failures") || ended(Status::Failed) || ended(Status::Incomplete) {
        ExitCode::Failed
    } else if ended(Status::Frozen) {
        ExitCode::Drift
    } else {
        ExitCode::Done
    }
}

/// 0 if the state is set as asked. A thaw that only shows its plan ends as `plan` does. `cli` decides about a signal.
fn failover_code(answer: &FailoverAnswer) -> ExitCode {
    match (answer.end, &answer.plan) {
        (FailoverEnd::Done | FailoverEnd::NotAwaited(_), _) => ExitCode::Done,
        (FailoverEnd::NotBegun, Some(PlanPart::Made(plan))) => ExitCode::of(plan),
        (FailoverEnd::NotBegun | FailoverEnd::Interrupted(_), _) => ExitCode::Failed,
    }
}

/// The text for stderr next to the answer. The answer to a batch contains only the failed messages, so its failures and
/// notes go to stderr.
pub(super) fn aside(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Batch(_, response)
            if response.status > Status::Changed || !response.notes.is_empty() =>
        {
            Some(table(response, View::Plain).trim_end().to_owned())
        }
        _ => None,
    }
}

fn is_empty(answer: &Value, list: &str) -> bool {
    answer.get(list).and_then(Value::as_array).is_none_or(Vec::is_empty)
}

/// One JSON document: on several lines at a terminal, otherwise on one line.
fn document(thing: &impl Serialize, view: View) -> String {
    let written = match view {
        View::Terminal { .. } => serde_json::to_string_pretty(thing),
        View::Plain => serde_json::to_string(thing),
    };
    // Serialization fails only for a map with keys that are not strings, and no document contains such a map.
    written.unwrap_or_else(|error| json!({ "error": error.to_string() }).to_string())
}

/// The text for stderr, without the final line break, and the exit code.
pub(super) fn error(error: &HubError) -> (String, ExitCode) {
    match error {
        HubError::Settings(faults) => (format!("error: {faults}"), ExitCode::Refused),
        HubError::Refused(refused) => (format!("error: {refused}"), ExitCode::Refused),
        HubError::Cause(cause) => (cause_text(cause), ExitCode::Failed),
    }
}

fn cause_text(cause: &Cause) -> String {
    format!("error: {}\nremedy: {}", cause.message, cause.remedy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Failure, FailureKind};
    use crate::report::Report;
    use crate::request::Refused;
    use crate::settings::RawSettings;

    #[test]
    fn json_is_one_document_on_one_line_except_at_a_terminal() {
        let report = Answer::Report(Box::new(Report::new().response()));
        let (text, code) = answer(&report, Format::Json, View::Plain);
        assert_eq!((text.lines().count(), code), (1, ExitCode::Done));
        let (pretty, _) = answer(&report, Format::Json, View::Terminal { width: 80 });
        let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(read(&text), read(&pretty));
        let (table, _) = answer(&report, Format::Table, View::Plain);
        assert_eq!(table, "accounts:   -");
    }

    #[test]
    fn an_ignored_event_is_no_failure_and_a_returned_record_is() {
        let ignored = Answer::Ignored("its source is `aws.s3`".to_owned());
        let (text, code) = answer(&ignored, Format::Json, View::Plain);
        assert_eq!(text, r#"{"ignored":"its source is `aws.s3`","status":"in_sync"}"#);
        assert_eq!(code, ExitCode::Done);
        let batch = |failures: Value, cause: Option<FailureKind>| {
            let mut report = Report::new();
            if let Some(kind) = cause {
                let cause = Cause::new(kind, "what went wrong");
                report.fail(Failure::of_hub(cause));
            }
            let document = json!({ "batchItemFailures": failures });
            let batch = Answer::Batch(document, Box::new(report.response()));
            let (text, code) = answer(&batch, Format::Json, View::Plain);
            assert_eq!(text, json!({ "batchItemFailures": failures }).to_string());
            (code, aside(&batch).is_some_and(|text| text.contains("what went wrong")))
        };
        let back = json!([{ "itemIdentifier": "a" }]);
        assert_eq!(batch(json!([]), None), (ExitCode::Done, false));
        assert_eq!(batch(back, None), (ExitCode::Failed, false));
        let failed = batch(json!([]), Some(FailureKind::AccessDenied));
        assert_eq!(
            failed,
            (ExitCode::Failed, true),
            "no message returns to the queue, and the run failed"
        );
        assert_eq!(batch(json!([]), Some(FailureKind::Bug)), (ExitCode::Bug, true));
        let accounts =
            |document: Value| answer(&Answer::Accounts(document), Format::Json, View::Plain).1;
        assert_eq!(accounts(json!({ "batches": [] })), ExitCode::Done);
        assert_eq!(accounts(json!({ "batches": [], "failures": [1] })), ExitCode::Failed);
    }

    #[test]
    fn an_error_has_a_remedy_and_an_exit_code() {
        let cause = Cause::new(FailureKind::Unavailable, "http://127.0.0.1:5000 does not answer")
            .with_remedy("check AWS_ENDPOINT_URL");
        assert_eq!(
            error(&HubError::Cause(cause)),
            (
                "error: http://127.0.0.1:5000 does not answer\nremedy: check AWS_ENDPOINT_URL"
                    .to_owned(),
                ExitCode::Failed
            )
        );
        assert_eq!(error(&HubError::Refused(Refused::new("no", "yes"))).1, ExitCode::Refused);
        let faults = RawSettings::default().parse().expect_err("routes are required");
        assert_eq!(error(&HubError::Settings(faults)).1, ExitCode::Refused);
    }
}
