//! `docs/fidelity.md` has each rule of a parameter once, and the tests that it names are there.

use std::fs;
use std::path::Path;

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
        text.matches('_').count() > 4
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    quoted.filter(is_name).collect()
}

#[test]
fn every_rule_has_its_row_and_every_test_that_the_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/fidelity.md")).expect("the page");
    let mut sources = String::new();
    for folder in ["src", "tests/integration"] {
        read_all(&root.join(folder), &mut sources);
    }
    let missing: Vec<&str> = tests(&page)
        .into_iter()
        .filter(|name| !sources.contains(&format!("fn {name}()")))
        .filter(|name| !sources.contains(&format!("fn {name}(\n")))
        .collect();
    assert!(missing.is_empty(), "no test has these names: {missing:?}");
    for rule in 1..=RULES {
        let start = format!("| {rule} | ");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
        let [row] = rows.as_slice() else { panic!("rule {rule} has {} rows", rows.len()) };
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, subject, how, named] = cells.as_slice() else { panic!("{row}") };
        let known = ["holds", "cannot hold", "differs"];
        assert!(known.iter().any(|word| how.starts_with(word)), "{subject}: {how}");
        assert!(!tests(named).is_empty(), "{subject} names no test");
    }
}
