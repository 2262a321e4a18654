//! The answer as text for a person.

use super::answer::{FailoverAnswer, FailoverEnd, PlanPart};
use crate::domain::{AccountId, RouteRecord, StateEntry, shown};
use crate::report::{View, one_line, table, wrapped};

/// The most accounts of one list at a terminal.
const ACCOUNTS: usize = 20;

/// The answer as text. The state is at the end, below the plan, because a long plan leaves the screen.
pub fn text(answer: &FailoverAnswer, view: View) -> String {
    let mut lines = Vec::new();
    match &answer.plan {
        Some(PlanPart::Made(response)) => {
            lines.extend(table(response, view).lines().map(str::to_owned));
            lines.push(String::new());
        }
        Some(PlanPart::Failed(cause)) => {
            lines.push(format!("The plan cannot be made: {}", cause.message));
            lines.push(format!("  remedy: {}", cause.remedy()));
            lines.push(String::new());
        }
        None => {}
    }
    if let Some(from) = &answer.copied_from {
        lines.push(format!(
            "The record of {} was copied or restored from the table {}: it did not count, and the route was new.",
            answer.pair,
            shown(from)
        ));
    }
    match &answer.record {
        Some(record) => lines.extend(states(answer, record, view)),
        None => lines.push(format!("The state of {} was not read.", answer.pair)),
    }
    lines.extend(end(answer));
    let lines: Vec<String> = lines.iter().flat_map(|line| wrapped(line, "    ", view)).collect();
    lines.join("\n")
}

fn states(answer: &FailoverAnswer, record: &RouteRecord, view: View) -> Vec<String> {
    let pair = &answer.pair;
    let state = record.route.state;
    let mut lines = Vec::new();
    if answer.named.is_empty() {
        let how = match (answer.end, answer.is_changed) {
            (FailoverEnd::NotBegun, _) => "is",
            (_, true) => "is now",
            (_, false) => "was already",
        };
        lines.push(format!("{pair} {how} {state}, serial {}", record.serial));
    } else {
        lines.push(format!("{pair} as a whole is {state}, serial {}", record.serial));
    }
    lines.extend(history(&record.route));
    let accounts = answer.accounts();
    let (named, others): (Vec<_>, Vec<_>) =
        accounts.into_iter().partition(|(account, _)| answer.named.contains(account));
    lines.extend(listed(&named, view));
    if !others.is_empty() {
        let these = if others.len() == 1 { "1 account has" } else { "Some accounts have" };
        lines.push(format!("{these} another state than the route:"));
        lines.extend(listed(&others, view));
    }
    lines
}

/// When, who and why: one line each, so that nothing is cut.
fn history(entry: &StateEntry) -> Vec<String> {
    let since = entry.since.map(|since| since.to_string()).unwrap_or_default();
    [("since", since.as_str()), ("by", entry.by.as_str()), ("reason", entry.reason.as_str())]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(title, text)| format!("  {title:<7} {}", one_line(text)))
        .collect()
}

fn listed(accounts: &[(&AccountId, &StateEntry)], view: View) -> Vec<String> {
    let shown = match view {
        View::Terminal { .. } => accounts.len().min(ACCOUNTS),
        View::Plain => accounts.len(),
    };
    let line = |(account, entry): &(&AccountId, &StateEntry)| format!("  {account} {entry}");
    let mut lines: Vec<String> = accounts.iter().take(shown).map(line).collect();
    if accounts.len() > shown {
        lines.push(format!("  … and {} more", accounts.len() - shown));
    }
    lines
}

fn end(answer: &FailoverAnswer) -> Vec<String> {
    let target = &answer.pair.target;
    match (answer.end, answer.action) {
        (FailoverEnd::Done, "freeze") => {
            vec![format!("No request of the hub is under way there: owners may write in {target}.")]
        }
        (FailoverEnd::Done, _) => {
            vec!["The next sweep or event writes what is missing.".to_owned()]
        }
        (FailoverEnd::NotAwaited(until) | FailoverEnd::Interrupted(until), _) => vec![format!(
            "Requests that began before may be under way until {until}: owners may write in {target} after that."
        )],
        (FailoverEnd::NotBegun, _) => vec!["Nothing was changed.".to_owned()],
    }
}
