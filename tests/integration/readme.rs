//! What the README says of settings, exit codes and payloads is what the code knows.

use std::fs;
use std::path::Path;

use failover_replicator::domain::{ConflictClass, FailureKind};
use failover_replicator::settings::{PREFIX, known};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README")
}

#[test]
fn every_setting_has_its_row_with_its_default() {
    let readme = readme();
    for setting in known() {
        let name = format!("`{}`", setting.name.strip_prefix(PREFIX).expect("the prefix"));
        let row = readme.lines().find(|line| line.starts_with('|') && line.contains(&name));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        let default = row.split('|').nth(2).unwrap_or_default();
        if let Some(expected) = setting.default {
            assert!(default.contains(&format!("`{expected}`")), "{name}: {default}");
        }
    }
}

#[test]
fn every_payload_that_it_names_is_there() {
    let readme = readme();
    let named: Vec<&str> =
        readme.split("payloads/").skip(1).filter_map(|rest| rest.split(".json").next()).collect();
    let files: Vec<&&str> =
        named.iter().filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '-')).collect();
    assert!(files.len() >= 2, "{named:?}");
    for name in files {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("payloads/{name}.json"));
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn every_kind_of_failure_that_a_person_mends_is_in_its_table() {
    let readme = readme();
    let untold =
        [FailureKind::Invalid, FailureKind::TagPolicy, FailureKind::TooLarge, FailureKind::Bug];
    for kind in FailureKind::ALL.into_iter().filter(|kind| !untold.contains(kind)) {
        let told = readme
            .lines()
            .any(|line| line.starts_with("| `") && line.contains(&format!("`{kind}`")));
        assert!(told, "{kind}");
    }
}

#[test]
fn every_class_of_conflict_has_a_row_that_says_what_it_is_and_what_to_do() {
    let readme = readme();
    for class in ConflictClass::ALL {
        let start = format!("| `{class}` |");
        let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with(&start)).collect();
        let [row] = rows.as_slice() else { panic!("{class} has {} rows", rows.len()) };
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(cells.iter().skip(1).all(|cell| cell.len() > 10), "{row}");
    }
}

#[test]
fn every_command_of_hubctl_is_shown() {
    let readme = readme();
    for command in [
        "hubctl sweep --take-over",
        "--take source",
        "--take target",
        "hubctl release parameter",
        "hubctl release secret",
    ] {
        assert!(readme.lines().any(|line| line.starts_with("hubctl ") && line.contains(command)));
    }
}
