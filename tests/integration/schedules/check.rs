//! What every end must be: the replica equal to its source, or visibly out of sync; no version of a stranger's stamped,
//! deleted, or covered without being named by each later sweep; and no alarm where nobody but the hub wrote.

use aws_sim::ParameterView;
use serde_json::Value;

use super::alone::Alone;
use super::history::{OPT_OUT, SOURCE};
use super::ledger::Record;
use super::process::Input;
use super::store::Store;
use crate::support::{MARK, PROVENANCE};

/// Sweeps that look at an end, one after the other.
const SWEEPS: usize = 3;
/// The classes of failures that name a version which a stranger wrote.
const NAMING: [&str; 3] = ["written_over", "changed_in_target", "released"];

/// How an item stands in one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The replica is its source's copy, or both are absent.
    Equal,
    /// It is nobody's concern: its owner asked for that, or no source wants the name and it does not carry the mark.
    LeftAlone,
    Different,
}

/// How `name` stands in `target`.
pub(super) fn standing(store: &Store, target: &str, name: &str) -> Standing {
    let (source, replica) = (store.parameter(SOURCE, name), store.parameter(target, name));
    let is_untagged_create = store.record(target, name).is_some_and(Record::is_untagged_create);
    match (source, replica) {
        (Some(source), _) if source.tags.contains_key(OPT_OUT) => Standing::LeftAlone,
        (None, None) => Standing::Equal,
        (None, Some(held)) if !is_marked(&held) && !is_untagged_create => Standing::LeftAlone,
        (None, Some(held)) if is_tombstone(&held) || is_out_of_scope(&held) => Standing::LeftAlone,
        (Some(source), Some(replica)) if is_copy(&replica, &source) => Standing::Equal,
        _ => Standing::Different,
    }
}

fn is_marked(held: &ParameterView) -> bool {
    held.tags.contains_key(MARK.0)
}

/// It is to be deleted on a later day.
fn is_tombstone(held: &ParameterView) -> bool {
    let is_due = held.tags.get(PROVENANCE).is_some_and(|provenance| provenance.contains(" gone="));
    is_due && is_marked(held)
}

/// It says that it is the replica of a Region from which no route leads here: what a route leaves that is no more.
fn is_out_of_scope(held: &ParameterView) -> bool {
    let names = format!("region={SOURCE} ");
    held.tags.get(PROVENANCE).is_some_and(|provenance| {
        provenance.starts_with("region=") && !provenance.starts_with(&names)
    })
}

fn is_copy(replica: &ParameterView, source: &ParameterView) -> bool {
    let mut replica = replica.clone();
    let marked = replica.tags.remove(MARK.0).is_some_and(|value| value == MARK.1);
    let proven = replica.tags.remove(PROVENANCE).is_some();
    let ParameterView { version, modified, user, labels, .. } = source.clone();
    marked && proven && ParameterView { version, modified, user, labels, ..replica } == *source
}

/// Whether anybody but the hub ever wrote the name in the target.
pub(super) fn is_touched(store: &Store, target: &str, name: &str) -> bool {
    store.record(target, name).is_some_and(Record::is_touched)
}

/// The conflicts about a name in an answer, or in what its invocation published.
pub(super) fn conflicts<'a>(answer: &'a Value, name: &'a str) -> impl Iterator<Item = &'a Value> {
    let told = [&answer["failures"], &answer["published"]["failures"]];
    let told = told.into_iter().filter_map(Value::as_array).flatten();
    told.filter(move |one| one["error_kind"] == "conflict" && one["name"] == name)
}

/// One sweep, alone.
pub(super) fn sweep(routes: &'static str) -> Input {
    Input::of_sweep(routes)
}

/// Of what an end is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct End<'a> {
    pub(super) names: &'a [&'a str],
    pub(super) targets: &'a [&'a str],
    /// Nothing went wrong: where nobody but the hub wrote, nothing is left for a sweep then.
    pub(super) is_quiet: bool,
}

impl<'a> End<'a> {
    fn all(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let Self { names, targets, .. } = self;
        targets.iter().flat_map(move |target| names.iter().map(move |name| (*target, *name)))
    }

    /// Whether an item is neither equal nor left alone.
    pub(super) fn differs(self, store: &Store) -> bool {
        self.all().any(|(target, name)| standing(store, target, name) == Standing::Different)
    }

    /// What is wrong with it, by the sweeps that follow it.
    pub(super) fn fault(
        self,
        mut store: Store,
        sweep: &mut dyn FnMut(&mut Store) -> Alone,
    ) -> Option<String> {
        let differs = |(target, name)| {
            standing(&store, target, name) == Standing::Different
                && !is_touched(&store, target, name)
        };
        if self.is_quiet && self.all().any(differs) {
            return Some(self.shown(&store, "it ends different though nothing went wrong"));
        }
        for round in 1..=SWEEPS {
            let Alone { answer, writes, fault } = sweep(&mut store);
            let wrong = fault
                .or_else(|| self.not_told(&store, &answer))
                .or_else(|| (round > 1 && !writes.is_empty()).then(|| "it never rests".to_owned()));
            if let Some(why) = wrong {
                return Some(
                    self.shown(&store, &format!("sweep {round}: {why}\n    answer  {answer}")),
                );
            }
        }
        None
    }

    /// What a sweep left and does not tell of, or tells of and is not so.
    fn not_told(self, store: &Store, answer: &Value) -> Option<String> {
        self.all().find_map(|(target, name)| {
            let told = |is: &dyn Fn(&Value) -> bool| {
                let failures = answer["failures"].as_array().into_iter().flatten();
                let of_it = |one: &&Value| {
                    one["name"] == name
                        && [target, SOURCE].iter().any(|region| one["region"] == *region)
                };
                failures.filter(of_it).any(is)
            };
            let record = store.record(target, name);
            let unnamed = record.into_iter().flat_map(Record::covered).find(|covered| {
                !told(&|one| {
                    let message = one["message"].as_str().unwrap_or_default();
                    NAMING.iter().any(|class| one["class"] == *class)
                        && names_version(message, covered.number)
                })
            });
            if let Some(covered) = unnamed {
                return Some(format!(
                    "version {} of {name} is covered, and is not named",
                    covered.number
                ));
            }
            if standing(store, target, name) == Standing::Different && !told(&|_| true) {
                return Some(format!("{name} is left different, and nothing tells of it"));
            }
            let is_alarm =
                !is_touched(store, target, name) && conflicts(answer, name).next().is_some();
            is_alarm.then(|| format!("a conflict about {name}, which nobody but the hub wrote"))
        })
    }

    fn shown(self, store: &Store, why: &str) -> String {
        let mut text = why.to_owned();
        for (target, name) in self.all() {
            text.extend([
                format!("\n    source  {name} {:?}", store.parameter(SOURCE, name)),
                format!("\n    replica {:?}", store.parameter(target, name)),
                format!("\n    record  {:?}", store.record(target, name)),
            ]);
        }
        text
    }
}

/// Whether a message has this version's number: `version 5`, `versions 3, 5 and 7`.
fn names_version(message: &str, number: i64) -> bool {
    message.split("version").skip(1).any(|rest| {
        let list = rest.strip_prefix('s').unwrap_or(rest).trim_start();
        let end = list.find(|c: char| !c.is_ascii_digit() && !", and".contains(c));
        let numbers = list[..end.unwrap_or(list.len())].split(|c: char| !c.is_ascii_digit());
        numbers.filter_map(|text| text.parse::<i64>().ok()).any(|one| one == number)
    })
}

#[test]
fn a_version_is_named_by_its_number_after_that_word() {
    for (message, is_named) in [
        ("version 5 is not the hub's", true),
        ("its version 5, by arn:aws:iam::1:user/x", true),
        ("versions 3, 5 and 7", true),
        ("version 15 lies under version 6", false),
        ("us-east-5 has version 4 of 5 days ago", false),
        ("", false),
    ] {
        assert_eq!(names_version(message, 5), is_named, "{message}");
    }
}
