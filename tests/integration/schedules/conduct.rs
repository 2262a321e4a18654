//! What no invocation may do by what it was told itself, whatever the others do.

use serde_json::Value;

use super::history::{SOURCE, VALUE};
use super::process::{Answer, Call, Status};
use crate::support::{MARK, PROVENANCE};

/// How often a source must read absent before its replica is deleted.
const ABSENT_READS: usize = 2;
/// What tells a parameter's version and who wrote it.
const DESCRIBING: [&str; 2] = ["ssm:DescribeParameters", "ssm:GetParameterHistory"];

/// What is wrong with what an invocation does after these answers, oldest first.
pub(super) fn fault<'a>(
    heard: &(impl DoubleEndedIterator<Item = (&'a Call, &'a Answer)> + Clone),
    status: &Status,
) -> Option<String> {
    let waiting = match status {
        Status::Ended(answer) => {
            let told = answer.to_string();
            return told.contains(VALUE).then(|| format!("a value is told: {told}"));
        }
        Status::Waiting(waiting) => waiting,
    };
    waiting.iter().find_map(|call| {
        let request = call.request();
        if shows_a_value(&request) {
            return Some(format!("a value is sent in the open: {call}"));
        }
        if !call.writes() {
            return None;
        }
        // A secret's replicas are asked for where its primary is.
        if call.region == SOURCE && call.operation.starts_with("ssm:") {
            return Some(format!("a write in the Region of the source: {call}"));
        }
        names(&request).into_iter().find_map(|name| {
            if call.operation.contains("Delete") && !reads_absent(heard.clone(), name) {
                return Some(format!(
                    "deleted without {ABSENT_READS} reads that it is gone: {call}"
                ));
            }
            let is_create = request["Overwrite"] == Value::Bool(false);
            (!is_create && is_strangers(heard, &call.region, name))
                .then(|| format!("written though its tags told that it is another's: {call}"))
        })
    })
}

/// Whether a value is anywhere but in the member that is made for it.
fn shows_a_value(request: &Value) -> bool {
    let mut request = request.clone();
    if let Some(request) = request.as_object_mut() {
        request.remove("Value");
    }
    request.to_string().contains(VALUE)
}

/// The parameters that a request is about.
pub(super) fn names(request: &Value) -> Vec<&str> {
    let one = request["Name"].as_str().or_else(|| request["ResourceId"].as_str());
    let many = request["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many).collect()
}

/// Whether the last reads of a source by name, without its value, found it absent.
fn reads_absent<'a>(
    heard: impl DoubleEndedIterator<Item = (&'a Call, &'a Answer)>,
    name: &str,
) -> bool {
    let reads = heard.rev().filter(|(call, answer)| {
        let request = call.request();
        call.operation == "ssm:GetParameters"
            && call.region == SOURCE
            && answer.status == 200
            && request["WithDecryption"] == Value::Bool(false)
            && names(&request).contains(&name)
    });
    let absent = |answer: &Answer| {
        let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
        answer["InvalidParameters"]
            .as_array()
            .is_some_and(|names| names.iter().any(|one| *one == name))
    };
    reads.take(ABSENT_READS).filter(|(_, answer)| absent(answer)).count() == ABSENT_READS
}

/// Whether the last that was heard of its tags says that it is neither a replica nor one that is just being made.
fn is_strangers<'a>(
    heard: &(impl DoubleEndedIterator<Item = (&'a Call, &'a Answer)> + Clone),
    region: &str,
    name: &str,
) -> bool {
    let last = |operation: &str| {
        heard.clone().rev().find(|(call, answer)| {
            call.operation == operation
                && call.region == region
                && answer.status == 200
                && call.body.contains(&format!("\"{name}\""))
        })
    };
    let read = |answer: &Answer| serde_json::from_str::<Value>(&answer.body).expect("JSON");
    let Some((_, answer)) = last("ssm:ListTagsForResource") else { return true };
    let tags = read(answer);
    let has =
        |key: &str| tags["TagList"].as_array().into_iter().flatten().any(|tag| tag["Key"] == key);
    if has(MARK.0) {
        return false;
    }
    // Described, or by its history where no list shows it yet: the newest of its versions comes last.
    let newborn = DESCRIBING.into_iter().filter_map(last).any(|(_, answer)| {
        let described = read(answer);
        let mut held = described["Parameters"].as_array().into_iter().flatten();
        held.rfind(|held| held["Name"] == name).is_some_and(|held| {
            let user = held["LastModifiedUser"].as_str().unwrap_or_default();
            held["Version"] == 1 && user.contains("assumed-role/failover-replicator-spoke/")
        })
    });
    has(PROVENANCE) || !newborn
}
