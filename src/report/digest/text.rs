//! The digest for a person: the subject; how the run ended; the causes of the hub, then of whole accounts, then the most frequent, each with its places and its remedy;
//! the totals.

use std::collections::{BTreeMap, BTreeSet};

use super::TEXT_LIMIT;
use crate::domain::{AccountId, FailureKind};
use crate::report::causes::CauseGroup;
use crate::report::recently_reported::NewFailures;
use crate::report::response::Response;
use crate::report::withheld::RouteNotActive;
use crate::report::wording::{
    many, number, one_line, place, remaining, tombstones, totals, trusted_writers,
};

/// The most characters of the subject: SNS requires fewer than 100.
const SUBJECT_LIMIT: usize = 99;
/// The most places for each cause.
const PLACES: usize = 10;
/// The most bytes of one place; the longest name in AWS fits.
const PLACE_LIMIT: usize = 2_200;

/// Fewer than 100 ASCII characters: the status, the most frequent kinds of failure, and the number of accounts.
pub(super) fn subject(
    response: &Response,
    new_failures: &NewFailures<'_>,
    kinds: &BTreeMap<FailureKind, usize>,
    accounts: &BTreeSet<&AccountId>,
) -> String {
    let mut kinds: Vec<(FailureKind, usize)> = kinds
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(kind, count)| (*kind, *count))
        .collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut parts: Vec<String> =
        kinds.iter().map(|(kind, count)| format!("{} {kind}", number(*count as u64))).collect();
    if parts.is_empty() {
        parts.push(format!("{} not finished", many(new_failures.remaining.len(), "account")));
    }
    let place = match accounts.first() {
        Some(only) if accounts.len() == 1 => format!(" in account {only}"),
        Some(_) if !kinds.is_empty() => format!(" in {}", many(accounts.len(), "account")),
        _ => String::new(),
    };
    let head = format!("failover-replicator {}: ", response.status.word());
    // The least frequent kinds are dropped first.
    for shown in (1..=parts.len()).rev() {
        let more = if shown < parts.len() { " and more" } else { "" };
        let list = parts.get(..shown).unwrap_or_default().join(", ");
        let line = format!("{head}{list}{more}{place}");
        if line.len() <= SUBJECT_LIMIT {
            return line;
        }
    }
    head.trim_end_matches(": ").to_owned()
}

/// The text: at most [`TEXT_LIMIT`] bytes.
pub(super) fn text(
    response: &Response,
    new_failures: &NewFailures<'_>,
    groups: &[CauseGroup<'_>],
) -> String {
    let head = summary(response, new_failures, groups);
    let mut foot = vec!["\nTotals of this run:".to_owned()];
    foot.extend(totals(&response.totals));
    foot.extend(trusted_writers(&response.totals));
    foot.extend(response.routes_not_active.iter().map(RouteNotActive::sentence));
    if let Some(line) = remaining(response, 20) {
        foot.push(line);
    }
    foot.extend(tombstones(response, PLACES).into_iter().map(|mut line| {
        line.truncate(line.floor_char_boundary(PLACE_LIMIT));
        line
    }));
    if response.failures_dropped > 0 {
        foot.push(format!(
            "{} more failures are counted but not listed.",
            number(response.failures_dropped)
        ));
    }
    if new_failures.repeated > 0 {
        let repeated = many(new_failures.repeated, "failure");
        foot.push(format!("Not listed, because reported within the last hour: {repeated}."));
    }
    let foot = foot.join("\n") + "\n";
    let mut body = String::new();
    let room = TEXT_LIMIT - head.len() - foot.len() - 64;
    for (index, group) in groups.iter().enumerate() {
        let section = section(index + 1, group);
        if body.len() + section.len() > room {
            let more = many(groups.len() - index, "more cause");
            body += &["\n… and ", &more, ", omitted because this message is full.\n"].concat();
            break;
        }
        body += &section;
    }
    head + &body + &foot
}

/// How the run ended, for a reader who does not know this program.
fn summary(
    response: &Response,
    new_failures: &NewFailures<'_>,
    groups: &[CauseGroup<'_>],
) -> String {
    let mut lines = vec![
        "failover-replicator keeps copies of parameters and secrets in the failover Regions."
            .to_owned(),
        format!("This run ended with status `{}`.", response.status.word()),
    ];
    if !groups.is_empty() {
        let failures = many(new_failures.failures.len(), "new failure");
        let causes = many(groups.len(), "cause");
        lines.push(format!(
            "{failures} with {causes}. Until a cause is corrected, the copies at its places may be missing or out of date."
        ));
    }
    lines.join("\n") + "\n"
}

/// What failed, how often, where, and what to do.
fn section(number_in_list: usize, group: &CauseGroup<'_>) -> String {
    let failures = many(group.failures.len(), "failure");
    let accounts = match group.accounts() {
        0 => String::new(),
        accounts => format!(" in {}", many(accounts, "account")),
    };
    let mut lines = vec![
        String::new(),
        format!("{number_in_list}. {}: {failures}{accounts}", group.title()),
        format!("   {}", one_line(group.message)),
        "   Where:".to_owned(),
    ];
    for failure in group.failures.iter().take(PLACES) {
        let mut line = format!("     {}", place(failure));
        line.truncate(line.floor_char_boundary(PLACE_LIMIT));
        lines.push(line);
    }
    if group.failures.len() > PLACES {
        lines.push(format!("     … and {} more", number((group.failures.len() - PLACES) as u64)));
    }
    lines.push("   What to do:".to_owned());
    lines.push(format!("     {}", one_line(group.remedy)));
    lines.join("\n") + "\n"
}
