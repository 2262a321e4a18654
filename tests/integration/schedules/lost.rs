//! Every write of every flow is done by AWS and its answer is lost, each in turn: the end is as that of any schedule, and
//! no put is sent twice.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::alone;
use super::check::End;
use super::flows::{self, Flow, TARGET};
use super::history::{NAME, SOURCE};
use super::process::Call;
use super::store::{Store, Who};

/// How often a message comes again after its invocation asked for that.
const RETURNS: usize = 3;

#[test]
fn every_write_of_every_flow_may_lose_its_answer() {
    let mut bad = Vec::new();
    for flow in flows::all() {
        let plain = alone::live(&mut flow.store.fork(), &flow.input, None);
        assert!(!plain.writes.is_empty(), "{} writes nothing: {}", flow.name, plain.answer);
        let fault = flow.fault.clone().or(plain.fault);
        bad.extend(fault.map(|fault| format!("{}: {fault}", flow.name)));
        let mut ends = 0;
        let mut lost_calls: Vec<String> = Vec::new();
        while let Some(call) = lose(&flow, ends, &mut bad) {
            lost_calls.push(call.operation);
            ends += 1;
        }
        super::tell(&format!("{}: {}", flow.name, lost_calls.join(", ")));
    }
    assert!(bad.is_empty(), "{} bad ends:\n{}", bad.len(), bad.join("\n"));
}

/// The flow with the answer to its write of this number lost, where it makes so many.
fn lose(flow: &Flow, number: usize, bad: &mut Vec<String>) -> Option<Call> {
    let mut store = flow.store.fork();
    let mut alone = alone::live(&mut store, &flow.input, Some(number));
    let call = alone.writes.get(number)?.clone();
    let mut fault = alone.fault.take();
    for _ in 0..RETURNS {
        let comes_again =
            alone.answer["batchItemFailures"].as_array().is_some_and(|left| !left.is_empty());
        if !comes_again {
            break;
        }
        alone = alone::live(&mut store, &flow.input, None);
        fault = fault.or(alone.fault.take());
    }
    let is_labelled = flow.name.contains("label");
    let sweep = flows::sweep(flow.input.settings, is_labelled);
    let end = End { names: &[NAME], targets: &[TARGET], is_quiet: false };
    let mut labels = (BTreeMap::new(), BTreeMap::new());
    let swept = &mut |store: &mut Store| {
        let swept = alone::live(store, &sweep, None);
        labels = (labelled(store, SOURCE), labelled(store, TARGET));
        swept
    };
    let fault = fault.or_else(|| end.fault(store, swept));
    let fault = fault.or_else(|| {
        (is_labelled && labels.0 != labels.1).then(|| format!("its labels differ: {labels:?}"))
    });
    bad.extend(fault.map(|fault| format!("{}, {} lost: {fault}", flow.name, call.operation)));
    Some(call)
}

/// The value of each label.
fn labelled(store: &mut Store, region: &str) -> BTreeMap<String, String> {
    let request = json!({ "Name": NAME });
    let history = store.act(Who::Owner, region, "ssm:GetParameterHistory", &request, 0);
    let history = history.unwrap_or_default();
    let versions = history["Parameters"].as_array().into_iter().flatten();
    let of = |version: &Value| -> Vec<(String, String)> {
        let value = version["Value"].as_str().unwrap_or_default();
        let labels = version["Labels"].as_array().into_iter().flatten();
        labels.filter_map(Value::as_str).map(|label| (label.to_owned(), value.to_owned())).collect()
    };
    versions.flat_map(of).collect()
}
