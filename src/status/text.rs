//! The status as text, for a person who has just been woken up: the routes first, with who stopped them and why; then what
//! is held, and the failures by cause with their remedies.

use std::collections::HashMap;
use std::time::Duration;

use super::json::HELD;
use super::{HubStatus, LastSweep, RouteStatus};
use crate::domain::{
    AccountId, Cause, ConflictClass, Failure, Item, ParameterName, RouteState, SecretName,
    StateEntry, Subject, Timestamp,
};
use crate::report::{View, by_cause, new_table, number, one_line, set_spacing, wrapped};
use crate::table::{HeldItem, KnownFailure};

/// The most lines of one list at a terminal.
const LINES: usize = 12;

/// The status as text, without the final line break.
pub fn text(status: &HubStatus, view: View) -> String {
    let mut lines = heading(status);
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

/// The place and time, and in one line what needs a person.
fn heading(status: &HubStatus) -> Vec<String> {
    let account = status.account.as_ref().map_or("an unknown account", AccountId::as_str);
    let place = format!("{}, hub in {} of {account}", status.at, status.region);
    if status.is_clean() {
        let clean = "Clean: every route is active, and every account is in sync.";
        return vec![place, clean.to_owned()];
    }
    let routes = |is: fn(&RouteStatus, Timestamp) -> bool| {
        status.routes.iter().filter(|route| !is(route, status.at)).count()
    };
    let held = status.routes.iter().map(|route| route.held.len()).sum();
    let failures = usize::try_from(status.failures_total()).unwrap_or(usize::MAX);
    let reasons = [
        (routes(|route, _| route.is_active()), "route not active", "routes not active"),
        (routes(RouteStatus::is_swept), "route not in sync", "routes not in sync"),
        (failures, "failure", "failures"),
        (held, "changed item held", "changed items held"),
        (status.unreadable.len(), "part of the table unreadable", "parts of the table unreadable"),
    ];
    let reasons: Vec<String> = reasons
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, more)| many(count, one, more))
        .collect();
    vec![place, format!("Not clean: {}", reasons.join(", "))]
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
                None => lines.push(format!("the sweep {name} stopped before its end: {counts}")),
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
            "{} of {}, until a sweep compares the account:",
            many(route.held.len(), "changed item held", "changed items held"),
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

fn failures(status: &HubStatus, view: View) -> Vec<String> {
    if status.failures.is_empty() {
        return Vec::new();
    }
    let failures: Vec<Failure> = status.failures.iter().map(failure).collect();
    let known: HashMap<*const Failure, &KnownFailure> =
        failures.iter().map(std::ptr::from_ref).zip(&status.failures).collect();
    let groups = by_cause(&failures);
    let total = usize::try_from(status.failures_total()).unwrap_or(usize::MAX);
    let mut lines = vec![
        String::new(),
        format!(
            "{}, {}",
            many(total, "failure", "failures"),
            many(groups.len(), "cause", "causes")
        ),
    ];
    for group in &groups {
        lines.push(String::new());
        let message = format!("{}: {}", group.title(), one_line(group.message));
        lines.extend(wrapped(&message, "  ", view));
        let remedy = format!("  remedy: {}", one_line(group.remedy));
        lines.extend(wrapped(&remedy, "          ", view));
        let known = group.failures.iter().filter_map(|one| known.get(&std::ptr::from_ref(*one)));
        let places = known.map(|known| place(status, known));
        lines.extend(limited(places, group.failures.len(), view));
    }
    lines
}

/// The failure as a report has it.
fn failure(known: &KnownFailure) -> Failure {
    let subject = match (known.kind.as_str(), &known.name) {
        ("parameter", Some(name)) => Subject::Item(Item::Parameter(ParameterName::new(name))),
        ("secret", Some(name)) => Subject::Item(Item::Secret(SecretName::new(name))),
        ("hub", _) => Subject::Hub,
        _ => Subject::Account,
    };
    let word = known.class.as_deref();
    let class = ConflictClass::ALL.into_iter().find(|class| Some(class.word()) == word);
    let cause = Cause { class, ..Cause::new(known.error_kind, known.message.clone()) };
    Failure {
        account: Some(known.account.clone()),
        region: known.region.clone(),
        subject,
        cause: cause.with_remedy(known.remedy.clone()),
    }
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
