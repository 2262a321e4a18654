//! The operators' pages: settings, outcomes, exit codes, failures and conflicts are those of the code.

use std::collections::BTreeSet;
use std::process::Command;

use failover_replicator::aws::ACTIONS;
use failover_replicator::domain::{BOOKKEEPING, ConflictClass, FailureKind, OutcomeKind, Reason};
use failover_replicator::report::Status;
use failover_replicator::settings::{Bucket, PREFIX, known};

use super::{page, row, rows};

const OPERATING: &str = "docs/operating.md";
const SETTINGS: &str = "docs/settings.md";
const TROUBLESHOOTING: &str = "docs/troubleshooting.md";

/// The part of a page below one heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, below) = page.split_once(&format!("\n{heading}\n")).expect("the heading");
    below.split("\n#").next().expect("a section")
}

#[test]
fn every_setting_has_its_row_with_its_default() {
    let page = page(SETTINGS);
    let table = section(&page, "## Environment variables");
    let names = table.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(names, known().len());
    for setting in known() {
        let name = format!("`{}`", setting.name.strip_prefix(PREFIX).expect("the prefix"));
        let cells = row(table, &name);
        let default = cells[1];
        match setting.default {
            Some(expected) => assert_eq!(default, format!("`{expected}`"), "{name}"),
            None => assert!(!default.contains('`'), "{name}: {default}"),
        }
    }
}

#[test]
fn the_built_in_list_of_names_is_complete() {
    let page = page(SETTINGS);
    let filters = section(&page, "## Name filters");
    let (_, list) = filters.split_once("for themselves in each Region:").expect("the list");
    let (list, _) = list.split_once(". A value").expect("its end");
    let listed: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, BOOKKEEPING);
}

#[test]
fn every_kind_of_failure_has_one_row_under_troubleshooting() {
    let page = page(TROUBLESHOOTING);
    for kind in FailureKind::ALL {
        let cells = row(&page, &format!("`{kind}`"));
        assert_eq!(cells.len(), 3, "{cells:?}");
        assert!(cells.iter().skip(1).all(|cell| cell.len() > 10), "{cells:?}");
    }
}

#[test]
fn every_class_of_conflict_has_one_row_with_what_it_is_and_what_to_do() {
    let page = page(TROUBLESHOOTING);
    for class in ConflictClass::ALL {
        let cells = row(&page, &format!("`{class}`"));
        assert_eq!(cells.len(), 4, "{cells:?}");
        assert!(cells.iter().skip(1).all(|cell| cell.len() > 10), "{cells:?}");
    }
}

#[test]
fn every_status_and_every_outcome_is_explained() {
    let page = page(OPERATING);
    let table = section(&page, "### The answer");
    for status in Status::ALL {
        assert!(table.contains(&format!("`{}`", status.word())), "{status:?}");
    }
    let outcomes = table.split("| outcome |").nth(1).expect("the table of outcomes");
    for outcome in OutcomeKind::ALL {
        let word = format!("`{}`", outcome.word());
        let is_in = |line: &&str| line.split('|').nth(1).is_some_and(|cell| cell.contains(&word));
        assert_eq!(outcomes.lines().filter(is_in).count(), 1, "{word}");
    }
}

#[test]
fn the_exit_codes_are_those_of_the_help() {
    let help = Command::new(env!("CARGO_BIN_EXE_hubctl")).arg("--help").output().expect("hubctl");
    let help = String::from_utf8(help.stdout).expect("text");
    let (_, codes) = help.split_once("Exit codes").expect("the codes");
    let codes: BTreeSet<&str> = codes
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.parse::<u8>().is_ok())
        .collect();
    assert!(codes.contains("130"), "{codes:?}");
    let page = page(OPERATING);
    let table = section(&page, "### Exit codes");
    for code in &codes {
        row(table, code);
    }
    let listed = table.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(listed, codes.len() + 1, "one row each below the heading");
}

#[test]
fn every_bucket_has_its_quota_and_its_calls() {
    let page = page(OPERATING);
    let table = section(&page, "## Quotas and pace");
    for bucket in Bucket::ALL {
        let cells = row(table, &format!("`{bucket}`"));
        assert_eq!(cells[1], bucket.quota().to_string(), "{bucket}");
        let calls: BTreeSet<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        let charged = ACTIONS.iter().filter(|(_, charged)| *charged == bucket);
        let charged: BTreeSet<&str> = charged.filter_map(|(action, _)| call(action)).collect();
        assert_eq!(calls.iter().filter_map(|name| call(name)).collect::<BTreeSet<_>>(), charged);
    }
}

/// The name of a call, without its service.
fn call(action: &str) -> Option<&str> {
    action.rsplit(':').next()
}

#[test]
fn every_action_of_the_hub_is_among_the_permissions() {
    let page = page(OPERATING);
    let permissions = section(&page, "### Permissions");
    // AWS asks for no permission to learn who the caller is.
    let asked = ACTIONS.iter().filter(|(action, _)| *action != "sts:GetCallerIdentity");
    let missing: Vec<&str> = asked
        .map(|(action, _)| *action)
        .filter(|action| !permissions.contains(&format!("`{action}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_kind_of_failure_has_a_remedy_that_a_test_followed() {
    let page = page("docs/failures.md");
    for kind in FailureKind::ALL {
        let rows = rows(&page, &format!("`{kind}`"));
        assert!(!rows.is_empty(), "{kind} has no row");
        let followed = rows.iter().all(|cells| cells.last().is_some_and(|cell| cell.contains('`')));
        assert!(followed || kind == FailureKind::Bug, "{kind} names no test");
    }
}

#[test]
fn every_reason_of_a_step_has_one_row() {
    let page = page(OPERATING);
    let table = section(&page, "### Reasons of a step");
    for reason in Reason::ALL {
        let cells = row(table, &format!("`{reason}`"));
        assert!(cells.len() == 2 && cells[1].len() > 10, "{cells:?}");
    }
}
