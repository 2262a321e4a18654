//! Whether the harm that a write did could have been known by what its invocation had read, and in which window it fell.

use std::collections::BTreeMap;

use super::heard::{Heard, Known, Seen, names};
use super::history::SOURCE;
use super::ledger::{Harm, Written};
use super::process::{Call, Input};
use super::store::Store;
use crate::support::{MARK, PROVENANCE};

/// How often a version of a stranger's was covered or deleted, by what and in which window: the calls between the last
/// read of the target's version and the write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Windows(pub(super) BTreeMap<String, u64>);

/// How many ends were bad in which way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults(BTreeMap<String, u64>);

impl Faults {
    /// Counts one; whether it is the first of its kind.
    pub(super) fn count(&mut self, why: &str) -> bool {
        let times = self.0.entry(Self::kind(why)).or_default();
        *times += 1;
        *times == 1
    }

    /// What sort of fault it is: its first words, without numbers.
    pub(super) fn kind(why: &str) -> String {
        let first = why.lines().next().unwrap_or_default();
        let words = first.split(": ssm:").next().unwrap_or_default();
        words.replace(|c: char| c.is_ascii_digit(), "").chars().take(120).collect()
    }

    pub(super) fn tell(&self) {
        for (fault, times) in &self.0 {
            super::tell(&format!("    {times} times {fault}"));
        }
    }
}

impl std::ops::AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        for (fault, times) in other.0 {
            *self.0.entry(fault).or_default() += times;
        }
    }
}

impl std::ops::AddAssign for Windows {
    fn add_assign(&mut self, other: Self) {
        for (window, times) in other.0 {
            *self.0.entry(window).or_default() += times;
        }
    }
}

impl Windows {
    /// Prints how often in all, and in which windows.
    pub(super) fn tell(&self) {
        let times = |beginning: &str| -> u64 {
            let of_it = self.0.iter().filter(|(window, _)| window.starts_with(beginning));
            of_it.map(|(_, times)| times).sum()
        };
        if !self.0.is_empty() {
            let (covered, deleted) = (times("covered"), times("deleted"));
            super::tell(&format!(
                "  a stranger's version covered {covered} times, deleted {deleted} times"
            ));
        }
        for (window, times) in &self.0 {
            super::tell(&format!("    {times} times {window}"));
        }
    }

    fn count(&mut self, what: &str, window: &str) {
        *self.0.entry(format!("{what} after: {window}")).or_default() += 1;
    }
}

/// What is wrong with the harm that `call` has just done, whose invocation had heard this before. What nobody could have
/// known is counted in `windows`; what a person decided on is no harm.
pub(super) fn judge(
    input: &Input,
    heard: &[Heard<'_>],
    call: &Call,
    store: &mut Store,
    windows: &mut Windows,
) -> Option<String> {
    let decided = decide(input, heard, call, store);
    store.take_harms().into_iter().find_map(|(name, harm)| {
        let name = &name;
        let known = Known::of(heard, &call.region, name);
        let window = || window(heard, call, name, known.read_by_name);
        match harm {
            Harm::Stamped(Written { number, .. }) => Some(format!(
                "version {number} is a stranger's, and provenance names it as the hub's: {call}"
            )),
            Harm::OfAnother { provenance, name } => {
                let tags = known.tags.as_ref().filter(|_| !input.may_take())?;
                (tags.get(PROVENANCE) == Some(&provenance)).then(|| {
                    format!("written though its provenance was read to be of {name}: {call}")
                })
            }
            Harm::MarkedAgain => Some(format!("a release is undone: {call}")),
            Harm::Covered(_) if decided.as_ref() == Some(name) => None,
            Harm::Covered(_) => {
                windows.count("covered", &window());
                None
            }
            Harm::Deleted { lost, newest, is_marked } => {
                if known.seen == Some(Seen::Version(newest.number, newest.at)) {
                    return Some(format!(
                        "version {} is a stranger's, and is deleted though version {} was read before: {call}",
                        lost.number, newest.number
                    ));
                }
                let mark = if is_marked { "with the mark" } else { "without the mark, which IAM guards" };
                windows.count(&format!("deleted {mark}"), &window());
                None
            }
        }
    })
}

/// A person who resolves a conflict decides on all versions up to the one that was read. The name that is decided on.
fn decide(input: &Input, heard: &[Heard<'_>], call: &Call, store: &mut Store) -> Option<String> {
    if !input.is_a_persons() {
        return None;
    }
    let request = call.request();
    let name = request["Name"].as_str().filter(|_| call.operation == "ssm:PutParameter")?;
    match Known::of(heard, &call.region, name).seen {
        Some(Seen::Version(number, date)) => {
            let is_all = store.decide(&call.region, name, number, date);
            is_all.then(|| name.to_owned())
        }
        _ => None,
    }
}

/// The calls about a name since that one: between the last read of the target's version and a write.
fn window(heard: &[Heard<'_>], call: &Call, name: &str, since: Option<usize>) -> String {
    let Some(since) = since else { return "it never read the target by name".to_owned() };
    let between =
        heard[since + 1..].iter().filter(|(between, _)| names(&between.request()).contains(&name));
    let mut words: Vec<String> = between
        .map(|(call, answer)| {
            let lost = if answer.is_lost() { " LOST" } else { "" };
            format!("{}{lost}", word(call))
        })
        .collect();
    words.push(word(call));
    words.join(", ")
}

/// A call in short.
fn word(call: &Call) -> String {
    let operation = call.operation.split(':').nth(1).unwrap_or_default();
    let place = if call.region == SOURCE { " of the source" } else { "" };
    let tags = match (call.body.contains(MARK.0), call.body.contains(PROVENANCE)) {
        _ if operation != "AddTagsToResource" => "",
        (true, _) => " (mark)",
        (false, true) => " (provenance)",
        (false, false) => " (its source's)",
    };
    format!("{operation}{place}{tags}")
}
