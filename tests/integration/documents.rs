//! The pages in `docs`: the tests that they name exist, and their tables leave nothing out.

use std::fs;
use std::path::Path;

use failover_replicator::domain::FailureKind;

const RULES: usize = 17;

fn read_all(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(path).expect("a source file"));
        }
    }
}

/// What stands in back quotes and looks like a test's name.
fn tests(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_name = |text: &&str| {
        text.matches('_').count() > 3
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    quoted.filter(is_name).collect()
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    fs::read_to_string(path).expect("the page")
}

/// The cells of the one row that begins so.
fn row<'a>(page: &'a str, first: &str) -> Vec<&'a str> {
    let start = format!("| {first} | ");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
    let [row] = rows.as_slice() else { panic!("{first} has {} rows", rows.len()) };
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

#[test]
fn every_test_that_a_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src", "tests/integration"] {
        read_all(&root.join(folder), &mut sources);
    }
    for entry in fs::read_dir(root.join("docs")).expect("the folder") {
        let path = entry.expect("an entry").path();
        let page = fs::read_to_string(&path).expect("the page");
        let missing: Vec<&str> = tests(&page)
            .into_iter()
            .filter(|name| !sources.contains(&format!("fn {name}(")))
            .collect();
        assert!(missing.is_empty(), "{} names no test with {missing:?}", path.display());
    }
}

#[test]
fn every_rule_says_what_becomes_of_it_for_a_secret() {
    let page = page("fidelity.md");
    for rule in 1..=RULES {
        let cells = row(&page, &rule.to_string());
        let [_, subject, how, named] = cells.as_slice() else { panic!("{cells:?}") };
        let known = ["holds", "cannot hold", "differs"];
        assert!(known.iter().any(|word| how.starts_with(word)), "{subject}: {how}");
        assert!(!tests(named).is_empty(), "{subject} names no test");
    }
}

#[test]
fn every_kind_of_failure_has_a_remedy_that_a_test_followed() {
    let page = page("failures.md");
    for kind in FailureKind::ALL {
        let start = format!("| `{kind}` | ");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
        assert!(!rows.is_empty(), "{kind} has no row");
        let followed = rows.iter().all(|row| !tests(row).is_empty());
        assert!(followed || kind == FailureKind::Bug, "{kind} names no test");
    }
}
