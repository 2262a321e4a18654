//! What no invocation may do by what it was told itself, whatever the others do.

use serde_json::Value;

use super::heard::{Heard, Known, Seen, is_hub, names};
use super::history::{SOURCE, VALUE};
use super::process::{Call, Input, Status};
use super::stranger;
use crate::support::{MARK, PROVENANCE};

/// How often a source must read absent before its replica is deleted.
const ABSENT_READS: usize = 2;
/// So many puts at most lie between the read of a target's version and the put over it, that put included.
const PUTS_PER_PROOF: usize = 10;

/// What is wrong with what an invocation does after these answers, oldest first.
pub(super) fn fault(input: &Input, heard: &[Heard<'_>], status: &Status) -> Option<String> {
    let waiting = match status {
        Status::Ended(answer) => {
            let told = answer.to_string();
            return shows_a_value(&told).then(|| format!("a value is told: {told}"));
        }
        Status::Waiting(waiting) => waiting,
    };
    waiting.iter().find_map(|call| {
        let request = call.request();
        if shows_a_value(&without_value(&request)) {
            return Some(format!("a value is sent in the open: {call}"));
        }
        if !call.writes() {
            return None;
        }
        // A secret's replicas are asked for where its primary is.
        if !call.operation.starts_with("ssm:") {
            return None;
        }
        if call.region == SOURCE {
            return Some(format!("a write in the Region of the source: {call}"));
        }
        names(&request).into_iter().find_map(|name| {
            let why = wrong_write(input, heard, call, &request, name)?;
            Some(format!("{why}: {call}"))
        })
    })
}

fn wrong_write(
    input: &Input,
    heard: &[Heard<'_>],
    call: &Call,
    request: &Value,
    name: &str,
) -> Option<String> {
    let known = Known::of(heard, &call.region, name);
    if known.is_lost {
        return Some(
            "written after a write without an answer, and nothing was read between".into(),
        );
    }
    // Another type needs a deletion, too.
    let is_recreated = || {
        let source = Known::of(heard, SOURCE, name);
        source.kind.is_some() && source.kind != known.kind
    };
    if call.operation.contains("Delete") && !reads_absent(heard, name) && !is_recreated() {
        return Some(format!("deleted without {ABSENT_READS} reads that its source is gone"));
    }
    if request["Overwrite"] == Value::Bool(false) {
        return None;
    }
    if call.operation == "ssm:PutParameter"
        && let Some(why) = unproved(heard, &known, &call.region)
    {
        return Some(why);
    }
    if input.may_take() {
        return None;
    }
    strangers(&known)
}

/// Why a put over a version is not proved.
fn unproved(heard: &[Heard<'_>], known: &Known, region: &str) -> Option<String> {
    // Its own put of a moment ago is a proof, too: that of a labelled value before this one.
    if matches!(known.seen, Some(Seen::Own(_))) {
        return None;
    }
    let Some(read) = known.read_by_name else {
        return Some("put over what was not read by name".to_owned());
    };
    if known.seen == Some(Seen::Absent) {
        return Some("put over what read as absent".to_owned());
    }
    let puts = heard[read..]
        .iter()
        .filter(|(call, _)| call.operation == "ssm:PutParameter" && call.region == region)
        .count();
    (puts >= PUTS_PER_PROOF).then(|| format!("put over what was read {puts} puts ago"))
}

/// Why what is written is not known to be the hub's.
fn strangers(known: &Known) -> Option<String> {
    let Some(tags) = &known.tags else {
        return Some("written though its tags were not read".to_owned());
    };
    match known.writer() {
        None if known.seen == Some(Seen::Absent) => {}
        None => return Some("written though its last writer is not known".to_owned()),
        Some(writer) if !is_hub(writer) => {
            return Some(format!("written though {writer} wrote what was read last"));
        }
        Some(_) => {}
    }
    if let Some(number) = known.stranger_since_provenance() {
        return Some(format!("written though its version {number} is another's"));
    }
    let (marked, proven) = (tags.contains_key(MARK.0), tags.contains_key(PROVENANCE));
    let is_first = matches!(known.seen, Some(Seen::Version(1, _) | Seen::Own(1)));
    // Neither tag on a first version of the hub's own: an update met a deletion.
    let is_replica = marked || !proven && is_first;
    (!is_replica).then(|| "written though its tags told that it is another's".to_owned())
}

fn shows_a_value(text: &str) -> bool {
    text.contains(VALUE) || text.contains(stranger::VALUE)
}

/// A request without the member that is made for a value.
fn without_value(request: &Value) -> String {
    let mut request = request.clone();
    if let Some(request) = request.as_object_mut() {
        request.remove("Value");
    }
    request.to_string()
}

/// Whether the last reads of a source by name, without its value, found it absent.
fn reads_absent(heard: &[Heard<'_>], name: &str) -> bool {
    let reads = heard.iter().rev().filter(|(call, answer)| {
        let request = call.request();
        call.operation == "ssm:GetParameters"
            && call.region == SOURCE
            && answer.status == 200
            && request["WithDecryption"] == Value::Bool(false)
            && names(&request).contains(&name)
    });
    let absent = |body: &str| {
        let answer: Value = serde_json::from_str(body).expect("JSON");
        answer["InvalidParameters"]
            .as_array()
            .is_some_and(|names| names.iter().any(|one| *one == name))
    };
    reads.take(ABSENT_READS).filter(|(_, answer)| absent(&answer.body)).count() == ABSENT_READS
}
