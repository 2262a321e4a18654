//! Metrics in `CloudWatch`'s embedded format: lines of JSON that Lambda's log turns into metrics. A dimension is a word
//! of this program's, never a name or an account, since each of its values costs a metric a month.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::response::Response;
use crate::domain::{FailureKind, Kind, Timestamp};

/// The namespace of all metrics.
const NAMESPACE: &str = "FailoverReplicator";

/// Values that the format allows in one metric of one line.
const VALUES: usize = 100;

/// What was measured in one run.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// What came of it.
    pub response: &'a Response,
    /// Calls by operation, such as `ssm:GetParameters`.
    pub calls: &'a BTreeMap<String, u64>,
    /// Answers that asked for fewer calls.
    pub throttles: u64,
    /// How long calls waited for their turn, all together.
    pub pacing_wait: Duration,
    /// How old each event was when its work began.
    pub event_ages: &'a [Duration],
    /// How long after its source each replica was written.
    pub replication_lags: &'a [Duration],
}

/// The lines, each one JSON document. `Failures` is always there, so that alarms return to OK.
pub fn metrics(measured: &Measured<'_>, now: Timestamp) -> Vec<String> {
    let response = measured.response;
    let failures = response.failures.len() as u64 + response.failures_dropped;
    let mut lines = vec![line(
        now,
        &[],
        &[
            ("Failures", "Count", failures.into()),
            ("Remaining", "Count", response.remaining.len().into()),
            ("Throttles", "Count", measured.throttles.into()),
            ("PacingWait", "Milliseconds", milliseconds(measured.pacing_wait)),
        ],
    )];
    for (name, durations) in
        [("EventAge", measured.event_ages), ("ReplicationLag", measured.replication_lags)]
    {
        for some in durations.chunks(VALUES) {
            let values: Vec<f64> = some.iter().map(Duration::as_secs_f64).collect();
            lines.push(line(now, &[], &[(name, "Seconds", values.into())]));
        }
    }
    let count = |name, dimensions: &[(&str, &str)], count: u64| {
        line(now, dimensions, &[(name, "Count", count.into())])
    };
    for (status, accounts) in response.totals.accounts() {
        lines.push(count("Accounts", &[("Status", status.word())], accounts));
    }
    for (kind, counts) in
        [(Kind::Parameter, &response.totals.parameters), (Kind::Secret, &response.totals.secrets)]
    {
        for (outcome, items) in counts.iter() {
            let dimensions = [("Kind", kind.word()), ("Outcome", outcome.word())];
            lines.push(count("Items", &dimensions, items));
        }
    }
    let mut by_kind: BTreeMap<FailureKind, u64> = BTreeMap::new();
    for failure in &response.failures {
        *by_kind.entry(failure.cause.kind).or_default() += 1;
    }
    for (kind, failures) in by_kind {
        lines.push(count("Failures", &[("ErrorKind", kind.word())], failures));
    }
    for (operation, calls) in measured.calls {
        lines.push(count("Calls", &[("Operation", operation)], *calls));
    }
    lines
}

/// One line: metrics of name, unit and value, all under the same dimensions.
fn line(now: Timestamp, dimensions: &[(&str, &str)], metrics: &[(&str, &str, Value)]) -> String {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let definitions: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.millis(),
            "CloudWatchMetrics": [
                { "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions }
            ],
        }),
    );
    for (name, value) in dimensions {
        root.insert((*name).to_owned(), Value::from(*value));
    }
    for (name, _, value) in metrics {
        root.insert((*name).to_owned(), value.clone());
    }
    Value::Object(root).to_string()
}

fn milliseconds(duration: Duration) -> Value {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::super::samples::outcomes;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn lines(lags: &[Duration]) -> Vec<String> {
        let mut report = Report::new();
        for outcome in outcomes() {
            report.take(outcome);
        }
        let calls = BTreeMap::from([("ssm:GetParameters".to_owned(), 7)]);
        let measured = Measured {
            response: &report.response(),
            calls: &calls,
            throttles: 2,
            pacing_wait: Duration::from_millis(1_500),
            event_ages: &[Duration::from_millis(250)],
            replication_lags: lags,
        };
        metrics(&measured, NOW)
    }

    #[test]
    fn each_line_is_a_metric_document() {
        insta::assert_snapshot!(lines(&[Duration::from_secs(3)]).join("\n"), @r#"
        {"Failures":4,"PacingWait":1500,"Remaining":0,"Throttles":2,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"Failures","Unit":"Count"},{"Name":"Remaining","Unit":"Count"},{"Name":"Throttles","Unit":"Count"},{"Name":"PacingWait","Unit":"Milliseconds"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"EventAge":[0.25],"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"EventAge","Unit":"Seconds"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"ReplicationLag":[3.0],"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"ReplicationLag","Unit":"Seconds"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Accounts":2,"Status":"in_sync","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Status"]],"Metrics":[{"Name":"Accounts","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Accounts":1,"Status":"changed","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Status"]],"Metrics":[{"Name":"Accounts","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Accounts":2,"Status":"failed","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Status"]],"Metrics":[{"Name":"Accounts","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Items":4800,"Kind":"parameter","Outcome":"in_sync","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Kind","Outcome"]],"Metrics":[{"Name":"Items","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Items":3,"Kind":"parameter","Outcome":"created","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Kind","Outcome"]],"Metrics":[{"Name":"Items","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Items":2,"Kind":"parameter","Outcome":"conflict","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Kind","Outcome"]],"Metrics":[{"Name":"Items","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Items":40,"Kind":"secret","Outcome":"in_sync","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Kind","Outcome"]],"Metrics":[{"Name":"Items","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Items":1,"Kind":"secret","Outcome":"failed","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Kind","Outcome"]],"Metrics":[{"Name":"Items","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"ErrorKind":"no_spoke_role","Failures":1,"_aws":{"CloudWatchMetrics":[{"Dimensions":[["ErrorKind"]],"Metrics":[{"Name":"Failures","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"ErrorKind":"conflict","Failures":2,"_aws":{"CloudWatchMetrics":[{"Dimensions":[["ErrorKind"]],"Metrics":[{"Name":"Failures","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"ErrorKind":"missing_key","Failures":1,"_aws":{"CloudWatchMetrics":[{"Dimensions":[["ErrorKind"]],"Metrics":[{"Name":"Failures","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        {"Calls":7,"Operation":"ssm:GetParameters","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Operation"]],"Metrics":[{"Name":"Calls","Unit":"Count"}],"Namespace":"FailoverReplicator"}],"Timestamp":1700000000000}}
        "#);
    }

    #[test]
    fn what_a_line_names_it_has_and_within_the_formats_limits() {
        let many = vec![Duration::from_secs(1); 250];
        let mut lags = 0;
        for line in lines(&many) {
            let line: Value = serde_json::from_str(&line).expect("JSON");
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            for dimension in directive["Dimensions"][0].as_array().expect("dimensions") {
                let value = line[dimension.as_str().expect("a name")].as_str().expect("a word");
                assert!(!value.contains("1111222200") && !value.contains("/shop"), "{value}");
            }
            for metric in directive["Metrics"].as_array().expect("metrics") {
                let value = &line[metric["Name"].as_str().expect("a name")];
                let values = value.as_array().map_or(1, Vec::len);
                assert!(values <= VALUES && !value.is_null());
                lags += if metric["Name"] == "ReplicationLag" { values } else { 0 };
            }
        }
        assert_eq!(lags, 250);
    }
}
