//! The sum of an execution: verdicts, answer, digest and metrics.

use super::super::samples::{account, region};
use super::*;
use crate::domain::{Counts, ExecutionName};

const NOW: &str = "2026-11-28T10:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

fn pair(target: &str) -> RoutePair {
    RoutePair::new(&region("us-east-2"), &region(target))
}

fn entry(state: RouteState, since: &str) -> StateEntry {
    StateEntry {
        state,
        serial: 2,
        since: Some(at(since)),
        by: "arn:aws:sts::111122223333:assumed-role/operator/ann".to_owned(),
        reason: "us-east-2 fails".to_owned(),
        run: None,
    }
}

fn route(target: &str, state: RouteState, since: &str) -> (RoutePair, RouteRecord) {
    let record = RouteRecord { route: entry(state, since), ..RouteRecord::absent(2) };
    (pair(target), record)
}

fn record(number: u64, target: &str, status: Status) -> SweepRecord {
    SweepRecord {
        account: account(number),
        pair: pair(target),
        execution: ExecutionName::parse("daily-2026-11-28").ok(),
        started: at(NOW),
        finished: at(NOW),
        status: status.word().to_owned(),
        state: RouteState::Active,
        complete: true,
        parameters: Counts::default(),
        secrets: Counts::default(),
        failures: BTreeMap::new(),
    }
}

fn summary(records: &ExecutionRecords, states: &[(RoutePair, RouteRecord)]) -> ExecutionSummary {
    let names = BTreeMap::from([(account(3), "shop".to_owned()), (account(4), String::new())]);
    ExecutionSummary::new("daily-2026-11-28", at(NOW), records, states, names)
}

/// Two routes, one of them frozen since yesterday; six accounts.
fn sample() -> ExecutionSummary {
    let frozen = |number| SweepRecord {
        status: "frozen".to_owned(),
        state: RouteState::Frozen,
        complete: false,
        ..record(number, "us-west-2", Status::InSync)
    };
    let active = |number, status| record(number, "us-east-1", status);
    let failed = SweepRecord {
        failures: BTreeMap::from([(FailureKind::Conflict, 1_200), (FailureKind::Limit, 1)]),
        ..active(3, Status::Failed)
    };
    let cut_off = SweepRecord { complete: false, ..active(4, Status::Incomplete) };
    let records = ExecutionRecords {
        expected: (1..=6).map(account).collect(),
        results: vec![
            active(1, Status::InSync),
            frozen(1),
            active(2, Status::Changed),
            frozen(2),
            failed,
            frozen(3),
            cut_off,
            frozen(4),
            // The record of one route is missing.
            active(5, Status::InSync),
        ],
        finish: None,
    };
    let states = [
        route("us-east-1", RouteState::Active, NOW),
        route("us-west-2", RouteState::Frozen, "2026-11-27T09:30:00Z"),
    ];
    summary(&records, &states)
}

#[test]
fn the_answer_counts_each_account_once() {
    let answer = sample().json();
    assert_eq!(
        answer,
        json!({
            "format": 1, "at": NOW, "execution": "daily-2026-11-28", "status": "failed",
            "accounts": 6, "in_sync": 2, "failed": 1, "withheld": 0,
            "not_swept": ["111122220004", "111122220005", "111122220006"], "not_swept_cut": 0,
            "routes_not_active": [{
                "route": "us-east-2=us-west-2", "state": "frozen",
                "since": "2026-11-27T09:30:00Z", "reason": "us-east-2 fails",
                "by": "arn:aws:sts::111122223333:assumed-role/operator/ann",
            }],
            "routes_not_active_cut": 0,
        })
    );
}

#[test]
fn a_person_reads_which_routes_and_accounts_need_attention() {
    let digest = sample().digest().expect("a digest");
    insta::assert_snapshot!(digest.subject, @"failover-replicator failed: 1 account not in sync, 3 not swept, 1 route not active");
    insta::assert_snapshot!(digest.text, @r"
    failover-replicator keeps copies of parameters and secrets in the failover Regions.
    The execution daily-2026-11-28 ended with status `failed`: 6 accounts, 2 in sync.

    Not active, so their copies are not kept up to date until `hubctl thaw`:
      us-east-2=us-west-2: frozen since 2026-11-27T09:30:00Z by arn:aws:sts::111122223333:assumed-role/operator/ann (us-east-2 fails)

    1 account not in sync; the digests of their sweeps name each failure:
      111122220003 (shop): 1,200 conflict, 1 limit

    3 accounts not swept, so nothing is known of them; a sweep of these accounts, or the next execution, sweeps them:
      111122220004
      111122220005
      111122220006
    ");
    let entries: Vec<String> = digest
        .attributes
        .entries()
        .iter()
        .map(|(name, kind, value)| format!("{name} {kind} {value}"))
        .collect();
    insta::assert_snapshot!(entries.join("\n"), @r#"
    status String failed
    error_kinds String.Array ["conflict","limit","not_in_time","frozen"]
    accounts String.Array ["111122220003","111122220004","111122220005","111122220006"]
    "#);
    let document: Value = serde_json::from_str(&digest.json).expect("JSON");
    assert_eq!(document["not_in_sync"][0]["error_kinds"]["conflict"], 1_200);
    assert_eq!(
        (&document["source"], &document["not_in_sync_cut"]),
        (&"failover-replicator".into(), &0.into())
    );
}

#[test]
fn the_metrics_are_one_line() {
    let lines = sample().metrics();
    insta::assert_snapshot!(lines.join("\n"), @r#"{"AccountsInSync":2,"AccountsNotInSync":4,"RouteNotActiveHours":24.5,"RoutesNotActive":1,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"AccountsInSync","Unit":"Count"},{"Name":"AccountsNotInSync","Unit":"Count"},{"Name":"RoutesNotActive","Unit":"Count"},{"Name":"RouteNotActiveHours","Unit":"None"}],"Namespace":"FailoverReplicator"}],"Timestamp":1795860000000}}"#);
}

#[test]
fn a_clean_execution_has_no_digest_and_one_without_accounts_does() {
    let active = [route("us-east-1", RouteState::Active, NOW)];
    let records = |results: Vec<SweepRecord>| ExecutionRecords { results, ..<_>::default() };
    let clean = summary(&records(vec![record(1, "us-east-1", Status::InSync)]), &active);
    assert!(clean.is_clean() && clean.digest().is_none());
    assert_eq!(
        (clean.json()["status"].as_str(), clean.json()["accounts"].as_u64()),
        (Some("in_sync"), Some(1))
    );
    let metrics: Value = serde_json::from_str(&clean.metrics()[0]).expect("JSON");
    assert_eq!(
        (&metrics["AccountsInSync"], &metrics["RouteNotActiveHours"]),
        (&1.into(), &0.0.into())
    );
    let empty = summary(&records(Vec::new()), &active);
    let digest = empty.digest().expect("a digest");
    assert_eq!(digest.subject, "failover-replicator incomplete: no account was swept");
    assert_eq!(empty.json()["status"], "incomplete");
}

#[test]
fn accounts_of_a_route_that_is_not_active_are_neither_in_sync_nor_failed() {
    let states = [route("us-east-1", RouteState::Frozen, NOW)];
    // The second route was frozen while the sweep ran.
    let withheld =
        SweepRecord { state: RouteState::Frozen, ..record(1, "us-east-1", Status::Frozen) };
    let meanwhile = SweepRecord { complete: false, ..record(2, "us-east-1", Status::Frozen) };
    let results = vec![withheld, meanwhile];
    let sum = summary(&ExecutionRecords { results, ..<_>::default() }, &states);
    let answer = sum.json();
    let counts = ["accounts", "in_sync", "failed", "withheld"].map(|name| answer[name].as_u64());
    assert_eq!(counts, [2, 0, 0, 2].map(Some));
    assert_eq!((&answer["status"], &answer["not_swept"]), (&"frozen".into(), &json!([])));
    let digest = sum.digest().expect("a digest");
    assert!(digest.text.contains("2 accounts left alone"), "{}", digest.text);
    assert_eq!(digest.attributes.error_kinds, [FailureKind::Frozen]);
}

#[test]
fn an_account_that_is_not_active_on_an_active_route_is_named() {
    let (pair, mut record) = route("us-east-1", RouteState::Active, NOW);
    record.accounts.insert(account(3), StateEntry { serial: 9, ..entry(RouteState::Frozen, NOW) });
    let sum = summary(&ExecutionRecords::default(), &[(pair, record)]);
    let answer = sum.json();
    assert_eq!(answer["routes_not_active"][0]["account"], "111122220003");
    let digest = sum.digest().expect("a digest");
    assert!(
        digest.text.contains("us-east-2=us-east-1 for 111122220003 (shop): frozen since"),
        "{}",
        digest.text
    );
    let metrics: Value = serde_json::from_str(&sum.metrics()[0]).expect("JSON");
    assert_eq!(metrics["RoutesNotActive"], 0, "the metric counts routes");
}

#[test]
fn the_largest_organisation_fits_into_one_answer_and_one_message() {
    let results = (0..20_000).map(|n| record(n, "us-east-1", Status::Failed));
    let mut records = ExecutionRecords { results: results.collect(), ..<_>::default() };
    records.expected = (20_000..60_000).map(account).collect();
    let (pair, mut state) = route("us-east-1", RouteState::Active, NOW);
    let long = StateEntry { reason: "x\n".repeat(500), ..entry(RouteState::Frozen, NOW) };
    state.accounts = (0..3_000).map(|n| (account(n), long.clone())).collect();
    let sum = summary(&records, &[(pair, state)]);
    let answer = sum.json();
    assert!(answer.to_string().len() < 256_000, "{}", answer.to_string().len());
    assert_eq!(
        (&answer["not_swept_cut"], &answer["routes_not_active_cut"]),
        (&35_000.into(), &2_950.into())
    );
    let digest = sum.digest().expect("a digest");
    assert!(digest.size() < 262_144, "{}", digest.size());
    assert!(digest.subject.len() < 100 && digest.subject.is_ascii(), "{}", digest.subject);
    assert!(digest.text.contains("… and 39,980 more") && !digest.text.contains("x\nx"));
}
