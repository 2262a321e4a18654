//! The response as text for a person: the accounts not in sync, the totals, the failures by cause with their remedies, and
//! the steps of a plan. A terminal gets shortened lists and wrapped lines; a file or a pipe gets every line unbroken.

mod steps;

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets};

use super::causes::{CauseGroup, by_cause};
use super::response::{AccountLine, PlannedStep, Response};
use super::status::Status;
use super::wording::{
    counts, many, notes, number, one_line, place, remaining, tombstones, totals, trusted_writers,
};
use crate::domain::Change;

/// The most lines of one list at a terminal.
const ACCOUNTS: usize = 40;
const PLACES: usize = 8;

/// The destination of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A terminal.
    Terminal {
        /// The number of columns.
        width: u16,
    },
    /// A file or a pipe.
    Plain,
}

impl View {
    fn at_most(self, lines: usize) -> usize {
        match self {
            Self::Terminal { .. } => lines,
            Self::Plain => usize::MAX,
        }
    }
}

/// The response as text. The text ends with a line break.
pub fn table(response: &Response, view: View) -> String {
    let planned = response.steps.as_deref().unwrap_or_default();
    let mut lines = accounts(&response.accounts, planned, view);
    lines.extend(totals(&response.totals));
    if let Some(line) = trusted_writers(&response.totals) {
        lines.extend(wrapped(&line, "", view));
    }
    for route in &response.routes_not_active {
        lines.extend(wrapped(&route.sentence(), "", view));
    }
    if response.stopped {
        lines.push(
            "Stopped by a signal: the run finished the work in progress and started no more."
                .to_owned(),
        );
    }
    if let Some(line) = remaining(response, view.at_most(PLACES)) {
        lines.extend(wrapped(&line, "", view));
    }
    lines.extend(tombstones(response, view.at_most(PLACES)));
    lines.extend(failures(response, view));
    lines.extend(
        notes(response, view.at_most(PLACES))
            .iter()
            .flat_map(|line| wrapped(line, "          ", view)),
    );
    if response.steps.is_some() {
        lines.extend(steps::planned(response, planned, view));
    }
    lines.join("\n") + "\n"
}

fn accounts(accounts: &[AccountLine], planned: &[PlannedStep], view: View) -> Vec<String> {
    if accounts.is_empty() {
        return Vec::new();
    }
    let mut to_do: BTreeMap<&str, BTreeMap<Change, u64>> = BTreeMap::new();
    for step in planned {
        let account = to_do.entry(step.account.as_str()).or_default();
        *account.entry(step.step.change).or_default() += 1;
    }
    // The worst accounts come first, because a terminal shows only the first lines.
    let mut accounts: Vec<&AccountLine> = accounts.iter().collect();
    accounts.sort_by_key(|line| std::cmp::Reverse(line.status));
    let shown = accounts.len().min(view.at_most(ACCOUNTS));
    let mut table = new_table(view);
    let mut header = vec!["ACCOUNT", "STATUS", "PARAMETERS", "SECRETS"];
    if !planned.is_empty() {
        header.push("PLANNED");
    }
    table.set_header(header);
    for line in accounts.iter().take(shown) {
        let mut row = vec![
            line.account.to_string(),
            line.status.word().to_owned(),
            counts(&line.parameters),
            counts(&line.secrets),
        ];
        if !planned.is_empty() {
            row.push(to_do.get(line.account.as_str()).map_or("-".to_owned(), steps::changes));
        }
        table.add_row(row);
    }
    set_spacing(&mut table);
    let mut left: BTreeMap<Status, u64> = BTreeMap::new();
    for line in accounts.iter().skip(shown) {
        *left.entry(line.status).or_default() += 1;
    }
    let left = left.iter().rev();
    let left =
        left.map(|(status, count)| format!("… and {} more {}", number(*count), status.word()));
    std::iter::once(table.trim_fmt()).chain(left).chain([String::new()]).collect()
}

fn failures(response: &Response, view: View) -> Vec<String> {
    let groups = by_cause(&response.failures);
    if groups.is_empty() {
        return Vec::new();
    }
    let all = response.failures.len() + usize::try_from(response.failures_dropped).unwrap_or(0);
    let mut lines =
        vec![String::new(), format!("{}, {}", many(all, "failure"), many(groups.len(), "cause"))];
    for group in &groups {
        lines.extend(cause(group, view));
    }
    if response.failures_dropped > 0 {
        lines.push(String::new());
        lines.push(format!("… and {} more failures", number(response.failures_dropped)));
    }
    lines
}

fn cause(group: &CauseGroup<'_>, view: View) -> Vec<String> {
    let shown = group.failures.len().min(view.at_most(PLACES));
    let mut lines = vec![String::new()];
    lines.extend(wrapped(&format!("{}: {}", group.title(), one_line(group.message)), "  ", view));
    lines.extend(wrapped(&format!("  remedy: {}", one_line(group.remedy)), "          ", view));
    lines.extend(group.failures.iter().take(shown).map(|f| format!("    {}", place(f))));
    if group.failures.len() > shown {
        let more = number((group.failures.len() - shown) as u64);
        lines
            .push(format!("    … and {more} more; {} in total", many(group.accounts(), "account")));
    }
    lines
}

pub(crate) fn new_table(view: View) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match view {
        View::Terminal { width } => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        View::Plain => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table
}

/// Separates the columns by two spaces and starts the first column at the margin.
pub(crate) fn set_spacing(table: &mut Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
}

/// `text` in lines of the terminal's width; later lines begin with `indent`. A word that is longer than a line is not
/// broken, so names can be copied.
pub(crate) fn wrapped(text: &str, indent: &str, view: View) -> Vec<String> {
    let View::Terminal { width } = view else { return vec![text.to_owned()] };
    let width = usize::from(width).max(40);
    let mut lines = Vec::new();
    let mut line = String::new();
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        } else if index > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::super::samples::{account, failure, outcomes, parameter_step};
    use super::*;
    use crate::domain::{AccountOutcome, ConflictClass, FailureKind, Kind, OutcomeKind, Step};

    const TERMINAL: View = View::Terminal { width: 100 };

    #[test]
    fn a_run_with_failures() {
        let mut report = Report::new();
        for outcome in outcomes() {
            report.take(outcome);
        }
        report.leave(account(9));
        insta::assert_snapshot!(table(&report.response(), TERMINAL), @r"
        ACCOUNT       STATUS   PARAMETERS                 SECRETS
        111122220004  failed   1,200 in_sync, 2 conflict  10 in_sync, 1 failed
        111122220005  failed   -                          -
        111122220003  changed  1,200 in_sync, 3 created   10 in_sync

        accounts:   2 in_sync, 1 changed, 1 incomplete, 2 failed
        parameters: 4,800 in_sync, 3 created, 2 conflict
        secrets:    40 in_sync, 1 failed
        1 account not finished; the next run continues with it: 111122220009

        4 failures, 3 causes

        no_spoke_role: AWS refused the role failover-replicator-spoke of account 111122220005
          remedy: deploy the spoke stack into this account; check that the spoke role trusts the hub's role
                  and external id
            111122220005 whole account

        conflict (unmarked): a parameter without the mark holds the name in us-east-1
          remedy: rename or delete the parameter or secret that holds the name in the target Region, or set
                  the tag `failover-replicator=exclude` on the source
            111122220004 us-east-1 parameter /shop/db/host
            111122220004 us-east-1 parameter /shop/db/port

        missing_key: the key alias/app does not exist in us-east-1
          remedy: create alias/app in us-east-1, or name a different key in REPLICATOR_KMS_KEYS
            111122220004 us-east-1 secret db/main
        ");
    }

    #[test]
    fn a_dependency_on_a_setting_follows_the_totals_and_a_step_shows_the_conflict_class() {
        let mut report = Report::of_plan();
        let mut outcome = AccountOutcome::new(account(1));
        outcome.written_by.trusted = 12;
        outcome.count(Kind::Parameter, OutcomeKind::InSync);
        let step = parameter_step("/a", Change::Update);
        outcome.steps.push(Step { class: Some(ConflictClass::MarkOnly), ..step });
        report.take(outcome);
        insta::assert_snapshot!(table(&report.response(), TERMINAL), @r"
        ACCOUNT       STATUS  PARAMETERS  SECRETS  PLANNED
        111122220001  drift   1 in_sync   -        1 update

        accounts:   1 drift
        parameters: 1 in_sync
        12 replicas depend on REPLICATOR_TRUSTED_WRITERS; to remove the setting, first run `hubctl sweep
        --take-over`

        ACCOUNT       REGION     CHANGE  KIND       NAME  BECAUSE
        111122220001  us-east-1  update  parameter  /a    missing (mark_only)

        Planned, 1 step: us-east-1: 1 update
        ");
    }

    #[test]
    fn a_run_in_sync_shows_only_totals() {
        let mut report = Report::new();
        let mut outcome = AccountOutcome::new(account(1));
        outcome.count_all(Kind::Parameter, OutcomeKind::InSync, 9_120);
        report.take(outcome);
        insta::assert_snapshot!(table(&report.response(), TERMINAL), @r"
        accounts:   1 in_sync
        parameters: 9,120 in_sync
        ");
    }

    #[test]
    fn a_plan_lists_its_steps_and_long_names_wrap_only_at_a_terminal() {
        let mut report = Report::of_plan();
        insta::assert_snapshot!(table(&report.response(), View::Plain), @r"
        accounts:   -

        Nothing is planned.
        ");
        let mut outcome = AccountOutcome::new(account(1));
        outcome.count(Kind::Parameter, OutcomeKind::InSync);
        let long = format!("/shop/{}", "very-long-name/".repeat(8));
        for (name, change) in [
            ("/shop/a", Change::Create),
            ("/shop/b", Change::Create),
            (long.as_str(), Change::Update),
        ] {
            outcome.steps.push(parameter_step(name, change));
        }
        report.take(outcome);
        insta::assert_snapshot!(table(&report.response(), TERMINAL), @r"
        ACCOUNT       STATUS  PARAMETERS  SECRETS  PLANNED
        111122220001  drift   1 in_sync   -        2 create, 1 update

        accounts:   1 drift
        parameters: 1 in_sync

        ACCOUNT       REGION     CHANGE  KIND       NAME                                  BECAUSE
        111122220001  us-east-1  create  parameter  /shop/a                               missing
        111122220001  us-east-1  create  parameter  /shop/b                               missing
        111122220001  us-east-1  update  parameter  /shop/very-long-name/                 missing
                                                    very-long-name/very-long-name/
                                                    very-long-name/very-long-name/
                                                    very-long-name/very-long-name/
                                                    very-long-name/

        Planned, 3 steps: us-east-1: 2 create, 1 update
        ");
        let plain = table(&report.response(), View::Plain);
        assert!(plain.contains(&long), "{plain}");
    }

    #[test]
    fn a_plan_ends_with_its_totals_by_region_and_its_id() {
        let mut report = Report::of_plan();
        let mut outcome = AccountOutcome::new(account(1));
        for (name, change, region) in [
            ("/a", Change::Delete, "us-east-1"),
            ("/b", Change::Retag, "us-east-1"),
            ("/a", Change::Delete, "us-west-2"),
        ] {
            let region = crate::domain::Region::parse(region).expect("a Region");
            outcome.steps.push(Step { region, ..parameter_step(name, change) });
        }
        report.take(outcome);
        report.plan_id(crate::ownership::Fingerprint(0x1a2b_3c4d));
        report.stopped();
        let shown = table(&report.response(), View::Plain);
        let end = "\nPlanned, 3 steps: us-east-1: 1 retag, 1 delete; us-west-2: 1 delete\nPlan 1a2b3c4d: the same command with `--yes --expect 1a2b3c4d` carries out exactly this plan\n";
        assert!(shown.ends_with(end), "{shown}");
        assert!(shown.contains("\nStopped by a signal: "), "{shown}");
    }

    #[test]
    fn a_thousand_accounts_fit_on_two_screens_and_a_file_gets_them_all() {
        let mut report = Report::new();
        for number in 0..1_000 {
            let mut outcome = AccountOutcome::new(account(number));
            outcome.count(Kind::Parameter, OutcomeKind::Created);
            if number % 5 == 0 {
                outcome.fail(failure(number, "/a", FailureKind::Conflict, "held"));
            }
            report.take(outcome);
        }
        let shown = table(&report.response(), TERMINAL);
        assert!(shown.lines().count() < 70, "{shown}");
        assert!(shown.contains("… and 160 more failed\n… and 800 more changed\n"), "{shown}");
        assert!(shown.contains("… and 192 more; 200 accounts in total"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
        let plain = table(&report.response(), View::Plain);
        assert_eq!(plain.matches("changed").count(), 801, "each account and the totals");
    }
}
