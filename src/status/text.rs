//! The status as text, for a person who has just been woken up: the routes first, with who stopped them and why; then what
//! is held, and the failures by cause with their remedies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::json::HELD;
use super::{HubStatus, LastSweep, RouteStatus};
use crate::domain::{AccountId, FailureKind, Region, RouteState, StateEntry, Timestamp};
use crate::report::{View, new_table, number, one_line, set_spacing, wrapped};
use crate::table::{HeldItem, KnownFailure};

/// The most lines of one list at a terminal.
const LINES: usize = 12;

/// The status as text, without the final line break.
pub fn text(status: &HubStatus, view: View) -> String {
    let mut lines = vec![heading(status)];
    lines.push(String::new());
    lines.push(overview(status, view));
    for route in &status.routes {
        lines.extend(details(route, status, view));
    }
    lines.extend(held(status, view));
    lines.extend(failures(status, view));
    for cause in &status.unreadable {
        lines.push(String::new());
        lines.extend(wrapped(&one_line(&cause.message), "  ", view));
        lines.extend(wrapped(
            &format!("  remedy: {}", one_line(cause.remedy())),
            "          ",
            view,
        ));
    }
    lines.join("\n")
}

fn heading(status: &HubStatus) -> String {
    let account = status.account.as_ref().map_or("an unknown account", AccountId::as_str);
    let state =
        if status.is_clean() { "everything is in sync" } else { "something needs a person" };
    format!("{} · hub in {} of {account}: {state}", status.at, status.region)
}

fn overview(status: &HubStatus, view: View) -> String {
    let mut table = new_table(view);
    table.set_header(["ROUTE", "STATE", "FOR", "OLDEST COPY", "ACCOUNTS", "HELD"]);
    for route in &status.routes {
        let state = route.entry().map_or("unreadable", |entry| entry.state.word());
        let age = |since: Option<Timestamp>| {
            since.map_or("-".to_owned(), |since| age(status.at.since(since)))
        };
        let copy = match route.oldest_copy {
            None if !route.never_swept.is_empty() => "never".to_owned(),
            oldest => age(oldest),
        };
        table.add_row([
            route.pair.to_string(),
            state.to_owned(),
            age(route.entry().and_then(|entry| entry.since)),
            copy,
            route.last_sweep.as_ref().map_or("-".to_owned(), accounts),
            number(route.held.len() as u64),
        ]);
    }
    set_spacing(&mut table);
    table.trim_fmt()
}

/// `998 in sync, 2 failed`.
fn accounts(sweep: &LastSweep) -> String {
    let parts = [
        (sweep.in_sync, "in sync"),
        (sweep.failed, "failed"),
        (sweep.not_swept, if sweep.is_under_way { "to come" } else { "not swept" }),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", number(count)))
        .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// What a person has to know about a route; nothing if the route is clean.
fn details(route: &RouteStatus, status: &HubStatus, view: View) -> Vec<String> {
    let mut lines = Vec::new();
    match &route.state {
        Err(cause) => {
            lines.push(format!(
                "the state cannot be read, so the hub writes nothing: {}",
                cause.message
            ));
            lines.push(format!("remedy: {}", cause.remedy()));
        }
        Ok(read) => {
            lines.extend(state(route, &read.record.route, read.record.serial));
            if let Some(from) = &read.copied_from {
                lines.push(format!(
                    "the record was copied or restored from the table {from}, so it does not count"
                ));
            }
            let exceptions: Vec<_> = read.record.exceptions().collect();
            let line = |(account, entry): &(&AccountId, &StateEntry)| {
                format!("{}: {entry}", named(status, account))
            };
            lines.extend(limited(exceptions.iter().map(line), exceptions.len(), view));
        }
    }
    lines.extend(sweeps(route, status, view));
    if lines.is_empty() {
        return lines;
    }
    let head = [String::new(), route.pair.to_string()];
    let lines =
        lines.into_iter().flat_map(|line| wrapped(&format!("  {}", one_line(&line)), "    ", view));
    head.into_iter().chain(lines).collect()
}

/// Why the hub does not write, by whose order, and what starts it again.
fn state(route: &RouteStatus, entry: &StateEntry, serial: u64) -> Vec<String> {
    let pair = &route.pair;
    let effect = match entry.state {
        RouteState::Active => return Vec::new(),
        RouteState::New => {
            return vec![format!(
                "new: the table has no record of the route, so the hub only plans; `hubctl thaw --route {pair}` starts it"
            )];
        }
        RouteState::Frozen => {
            format!("the hub writes nothing; `hubctl thaw --route {pair}` starts it")
        }
        RouteState::FailedOver | RouteState::FailingBack | RouteState::Retired => {
            "the hub writes nothing".to_owned()
        }
    };
    let since = entry.since.map_or(String::new(), |since| format!(" since {since}"));
    let mut lines = vec![format!("{}{since}, serial {serial}: {effect}", entry.state)];
    for (title, text) in [("by", &entry.by), ("reason", &entry.reason)] {
        if !text.is_empty() {
            lines.push(format!("{title}: {text}"));
        }
    }
    lines
}

fn sweeps(route: &RouteStatus, status: &HubStatus, view: View) -> Vec<String> {
    let mut lines = Vec::new();
    match &route.last_sweep {
        None => lines.push("no sweep has been recorded".to_owned()),
        Some(sweep) => {
            let name = &sweep.execution;
            let counts = accounts(sweep);
            match sweep.finished {
                Some(at) if sweep.failed + sweep.not_swept > 0 => {
                    lines.push(format!("the sweep {name} ended at {at}: {counts}"));
                }
                None if sweep.is_under_way => {
                    lines.push(format!("the sweep {name} is under way: {counts}"));
                }
                None => lines.push(format!("the sweep {name} stopped without an end: {counts}")),
                Some(_) => {}
            }
        }
    }
    if !route.never_swept.is_empty() {
        lines.push(format!(
            "{} never compared completely by a sweep:",
            many(route.never_swept.len(), "account was", "accounts were")
        ));
        let names = route.never_swept.iter().map(|account| named(status, account));
        lines.extend(limited(names, route.never_swept.len(), view));
    }
    if let Some(oldest) = route.oldest_copy
        && !super::judge::is_recent(Some(oldest), status.at)
    {
        lines
            .push(format!("an account was last compared completely at {oldest}: check the sweeps"));
    }
    lines
}

fn held(status: &HubStatus, view: View) -> Vec<String> {
    let mut lines = Vec::new();
    for route in status.routes.iter().filter(|route| !route.held.is_empty()) {
        lines.push(String::new());
        lines.push(format!(
            "{} of {} waiting for a sweep:",
            many(route.held.len(), "changed item", "changed items"),
            route.pair
        ));
        let line = |held: &HeldItem| {
            let HeldItem { account, item, at, operation, why, .. } = held;
            let (account, kind, why) = (named(status, account), item.kind(), why.word());
            one_line(&format!("  {account} {kind} {} ({operation} at {at}, {why})", item.name()))
        };
        let all = route.held.iter().take(HELD).map(line);
        lines.extend(limited(all, route.held.len(), view));
    }
    lines
}

/// Failures that one correction resolves: the same Region, kind, class and remedy.
type CauseKey<'a> = (FailureKind, Option<&'a str>, Option<&'a Region>, &'a str);

fn failures(status: &HubStatus, view: View) -> Vec<String> {
    if status.failures.is_empty() {
        return Vec::new();
    }
    let mut groups: BTreeMap<CauseKey<'_>, Vec<&KnownFailure>> = BTreeMap::new();
    for one in &status.failures {
        let key = (one.error_kind, one.class.as_deref(), one.region.as_ref(), one.remedy.as_str());
        groups.entry(key).or_default().push(one);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, failures)| std::cmp::Reverse(failures.len()));
    let total = usize::try_from(status.failures_total()).unwrap_or(usize::MAX);
    let mut lines = vec![
        String::new(),
        format!(
            "{}, {}",
            many(total, "failure", "failures"),
            many(groups.len(), "cause", "causes")
        ),
    ];
    for ((kind, class, _, remedy), group) in groups {
        let class = class.map_or(String::new(), |class| format!(" ({class})"));
        let message = group.first().map_or("", |first| first.message.as_str());
        lines.push(String::new());
        lines.extend(wrapped(&format!("{kind}{class}: {}", one_line(message)), "  ", view));
        lines.extend(wrapped(&format!("  remedy: {}", one_line(remedy)), "          ", view));
        let places = group.iter().map(|one| place(status, one));
        lines.extend(limited(places, group.len(), view));
    }
    lines
}

fn place(status: &HubStatus, failure: &KnownFailure) -> String {
    let region = failure.region.as_ref().map_or(String::new(), |region| format!(" {region}"));
    let item = match &failure.name {
        Some(name) => format!(" {} {name}", failure.kind),
        None if failure.failures > 1 => format!(" {} more", number(failure.failures)),
        None => String::new(),
    };
    let place = format!("    {}{region}{item}", named(status, &failure.account));
    one_line(&format!("{place}, since {}", failure.first))
}

/// `111122223333 (shop-prod)`.
fn named(status: &HubStatus, account: &AccountId) -> String {
    match status.name(account) {
        "" => account.to_string(),
        name => format!("{account} ({name})"),
    }
}

/// At a terminal only the first lines. `all` counts also what the lines leave out.
fn limited(lines: impl Iterator<Item = String>, all: usize, view: View) -> Vec<String> {
    let most = match view {
        View::Terminal { .. } => LINES,
        View::Plain => usize::MAX,
    };
    let mut shown: Vec<String> = lines.take(most).collect();
    if all > shown.len() {
        shown.push(format!("    … and {} more", number((all - shown.len()) as u64)));
    }
    shown
}

fn many(count: usize, one: &str, more: &str) -> String {
    format!("{} {}", number(count as u64), if count == 1 { one } else { more })
}

/// `3 h 20 min`.
fn age(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
