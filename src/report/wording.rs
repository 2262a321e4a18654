//! Numbers, counts and sentences that the table and the digest share.

use std::collections::BTreeMap;

use crate::domain::{
    AccountId, Counts, Failure, Note, OutcomeKind, Region, Subject, TombstonedReplica,
};

use super::response::{Response, TombstoneLine, Totals};

/// `9,120`.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 account`, `9,120 accounts`; `noun` is the singular of a word that takes an `s`.
pub(super) fn many(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", number(count as u64), if count == 1 { "" } else { "s" })
}

/// `9,120 in_sync, 3 created`; `-` if nothing was counted.
pub(super) fn counts(counts: &Counts) -> String {
    list(counts.iter().map(|(kind, count)| (kind.word(), count)))
}

/// The totals over all accounts: accounts, parameters and secrets, without empty lines.
pub(super) fn totals(totals: &Totals) -> Vec<String> {
    let accounts = list(totals.accounts().map(|(status, count)| (status.word(), count)));
    let kinds = [("parameters:", &totals.parameters), ("secrets:   ", &totals.secrets)];
    let kinds = kinds.into_iter().filter(|(_, kind)| kind.total() > 0);
    std::iter::once(format!("accounts:   {accounts}"))
        .chain(kinds.map(|(title, kind)| format!("{title} {}", counts(kind))))
        .collect()
}

/// The number of replicas that depend on `REPLICATOR_TRUSTED_WRITERS`, if any.
pub(super) fn trusted_writers(totals: &Totals) -> Option<String> {
    let replicas = match totals.trusted_writers {
        0 => return None,
        1 => "1 replica depends".to_owned(),
        more => format!("{} replicas depend", number(more)),
    };
    Some(format!(
        "{replicas} on REPLICATOR_TRUSTED_WRITERS; to remove the setting, first run `hubctl sweep --take-over`"
    ))
}

/// The replicas that a sweep deletes when their tombstones are due, if any.
pub(super) fn tombstones(response: &Response, shown: usize) -> Vec<String> {
    let Some(first) = response.tombstones.first() else { return Vec::new() };
    let all = response.totals.parameters.get(OutcomeKind::Tombstoned);
    let due = first.replica.due;
    let head = match all {
        1 => format!("1 replica has no source; a sweep deletes it after {due}:"),
        more => format!(
            "{} replicas have no source; a sweep deletes each after its due date, the first after {due}:",
            number(more)
        ),
    };
    let line = |line: &TombstoneLine| {
        let TombstoneLine { replica: TombstonedReplica { due, region, item }, account } = line;
        format!("  {account} {region} {} {}, due {due}", item.kind(), one_line(item.name()))
    };
    let lines: Vec<String> = response.tombstones.iter().take(shown).map(line).collect();
    let left = all.saturating_sub(lines.len() as u64);
    let rest = (left > 0).then(|| format!("  … and {} more", number(left)));
    std::iter::once(head).chain(lines).chain(rest).collect()
}

/// The notes, grouped by outcome, reason and remedy.
pub(super) fn notes(response: &Response, shown: usize) -> Vec<String> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Note>> = BTreeMap::new();
    for note in &response.notes {
        let word = note.outcome.map_or("note", OutcomeKind::word);
        groups.entry((word, &note.message, &note.remedy)).or_default().push(note);
    }
    let mut lines = Vec::new();
    for ((word, message, remedy), notes) in groups {
        lines.push(String::new());
        lines.push(format!("{word}: {}", one_line(message)));
        lines.push(format!("  remedy: {}", one_line(remedy)));
        let place =
            |note: &&Note| place_of(note.account.as_ref(), note.region.as_ref(), &note.subject);
        lines.extend(notes.iter().take(shown).map(|note| format!("    {}", place(note))));
        if notes.len() > shown {
            lines.push(format!("    … and {} more", number((notes.len() - shown) as u64)));
        }
    }
    lines
}

/// The accounts that are not finished, if any.
pub(super) fn remaining(response: &Response, shown: usize) -> Option<String> {
    let all = &response.remaining;
    let ids: Vec<&str> = all.iter().take(shown).map(AccountId::as_str).collect();
    let more = match all.len() - ids.len() {
        0 => String::new(),
        more => format!(" and {} more", number(more as u64)),
    };
    let them = if all.len() == 1 { "it" } else { "them" };
    let head =
        format!("{} not finished; the next run continues with {them}", many(all.len(), "account"));
    (!all.is_empty()).then(|| format!("{head}: {}{more}", ids.join(", ")))
}

/// The place of a failure: `111122223333 us-east-1 parameter /a/b`.
pub(super) fn place(failure: &Failure) -> String {
    place_of(failure.account.as_ref(), failure.region.as_ref(), &failure.subject)
}

fn place_of(account: Option<&AccountId>, region: Option<&Region>, subject: &Subject) -> String {
    let (account, region) = (account.map(AccountId::as_str), region.map(Region::as_str));
    let what = match subject {
        Subject::Item(item) => Some(format!("{} {}", item.kind(), item.name())),
        Subject::Account => Some("whole account".to_owned()).filter(|_| region.is_none()),
        Subject::Hub => Some("the hub".to_owned()),
    };
    let words: Vec<&str> = [account, region, what.as_deref()].into_iter().flatten().collect();
    one_line(&words.join(" "))
}

/// `text` without control characters, because a line break could make one line look like two.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn list<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let parts: Vec<String> =
        counts.map(|(word, count)| format!("{} {word}", number(count))).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_that_depend_on_a_setting_are_counted() {
        let of = |many| {
            let mut totals = Totals::default();
            totals.trusted_writers = many;
            trusted_writers(&totals)
        };
        assert_eq!(of(0), None);
        let rest = "on REPLICATOR_TRUSTED_WRITERS; to remove the setting, first run `hubctl sweep --take-over`";
        assert_eq!(of(1), Some(format!("1 replica depends {rest}")));
        assert_eq!(of(1_200), Some(format!("1,200 replicas depend {rest}")));
    }

    #[test]
    fn thousands_are_separated() {
        let shown: Vec<_> = [0, 12, 999, 1_000, 123_456, 1_234_567].map(number).into();
        assert_eq!(shown, ["0", "12", "999", "1,000", "123,456", "1,234,567"]);
        assert_eq!(
            (many(1, "account"), many(1_000, "cause")),
            ("1 account".into(), "1,000 causes".into())
        );
    }
}
