//! The digest for a person: the subject, then causes by their weight, each with what mends it and where, then the sums.

use std::collections::{BTreeMap, BTreeSet};

use super::TEXT_LIMIT;
use crate::domain::{AccountId, FailureKind};
use crate::report::causes::CauseGroup;
use crate::report::recently_reported::NewFailures;
use crate::report::response::Response;
use crate::report::wording::{
    many, number, one_line, place, remaining, tombstones, totals, trusted_writers,
};

/// Characters of the subject; SNS wants fewer than 100.
const SUBJECT_LIMIT: usize = 99;
/// Places that a cause is shown with in the text.
const PLACES: usize = 10;
/// Bytes of one place in the text; the longest name that AWS gives fits.
const PLACE_LIMIT: usize = 2_200;

/// Under 100 ASCII characters: status, the most frequent kinds, and in how many accounts.
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
    // The rarest kinds give way first.
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

/// The text, of [`TEXT_LIMIT`] bytes at most.
pub(super) fn text(
    response: &Response,
    new_failures: &NewFailures<'_>,
    groups: &[CauseGroup<'_>],
) -> String {
    let head = format!("failover-replicator ended with status {}.\n", response.status.word());
    let mut foot = vec!["\nThe whole run:".to_owned()];
    foot.extend(totals(&response.totals));
    foot.extend(trusted_writers(&response.totals));
    if let Some(line) = remaining(response, 20) {
        foot.push(line);
    }
    foot.extend(tombstones(response, PLACES).into_iter().map(|mut line| {
        line.truncate(line.floor_char_boundary(PLACE_LIMIT));
        line
    }));
    if response.failures_dropped > 0 {
        foot.push(format!("{} more failures are only counted.", number(response.failures_dropped)));
    }
    if new_failures.repeated > 0 {
        let repeated = many(new_failures.repeated, "failure");
        foot.push(format!("{repeated} told within the last hour: not told again."));
    }
    let foot = foot.join("\n") + "\n";
    let mut body = String::new();
    let room = TEXT_LIMIT - head.len() - foot.len() - 64;
    for (place, group) in groups.iter().enumerate() {
        let section = section(place + 1, group);
        if body.len() + section.len() > room {
            let more = many(groups.len() - place, "more cause");
            body += &["\n… and ", &more, " that this message has no room for.\n"].concat();
            break;
        }
        body += &section;
    }
    head + &body + &foot
}

/// What happened, how often, what mends it, and where.
fn section(place_in_list: usize, group: &CauseGroup<'_>) -> String {
    let failures = many(group.failures.len(), "failure");
    let accounts = match group.accounts() {
        0 => String::new(),
        accounts => format!(" in {}", many(accounts, "account")),
    };
    let mut lines = vec![
        String::new(),
        format!("{place_in_list}. {}: {failures}{accounts}", group.title()),
        format!("   {}", one_line(group.message)),
        format!("   Remedy: {}", one_line(group.remedy)),
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
    lines.join("\n") + "\n"
}
