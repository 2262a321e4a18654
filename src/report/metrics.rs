//! Metrics in the embedded metric format of `CloudWatch`: the log of the Lambda contains lines of JSON, and `CloudWatch`
//! turns them into metrics. Dimensions never contain names or accounts, because each value of a dimension is a metric
//! that AWS bills.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::response::Response;
use crate::domain::{FailureKind, Kind, Timestamp};

const NAMESPACE: &str = "FailoverReplicator";

/// The most values of one metric in one line.
const VALUES: usize = 100;

/// The measurements of one run.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The result of the run.
    pub response: &'a Response,
    /// Calls by operation, such as `ssm:GetParameters`.
    pub calls: &'a BTreeMap<String, u64>,
    /// The number of throttled attempts.
    pub throttles: u64,
    /// The total time that calls waited for the rate limiter.
    pub pacing_wait: Duration,
    /// The age of each event when its work began.
    pub event_ages: &'a [Duration],
    /// For each replica, the time between the write of the source and the write of the replica.
    pub replication_lags: &'a [Duration],
}

/// The lines, each one JSON document. `Failures` is always present, because an alarm returns to OK only with data.
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
        for chunk in durations.chunks(VALUES) {
            let values: Vec<f64> = chunk.iter().map(Duration::as_secs_f64).collect();
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

/// One line: metrics (name, unit, value) with the same dimensions.
pub(super) fn line(
    now: Timestamp,
    dimensions: &[(&str, &str)],
    metrics: &[(&str, &str, Value)],
) -> String {
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
    fn each_line_is_a_document_of_the_embedded_metric_format() {
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
    fn a_line_contains_every_metric_that_it_declares_within_the_limits() {
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
