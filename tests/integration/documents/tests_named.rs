//! The tests that the pages name exist, and every rule of a parameter says whether it holds for a secret.

use std::fs;

use super::{files, page, pages, root, row, shown};

const RULES: usize = 17;

/// What stands in back quotes and looks like a test's name.
fn tests(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_name = |text: &&str| {
        text.matches('_').count() > 3
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    quoted.filter(is_name).collect()
}

#[test]
fn every_test_that_a_page_names_exists() {
    let mut sources = String::new();
    for (folder, extension) in [("src", "rs"), ("tests", "rs"), ("tests", "py")] {
        for file in files(&root().join(folder), extension, true) {
            sources += &fs::read_to_string(file).expect("a source file");
        }
    }
    let exists = |name: &str| {
        ["fn", "def"].iter().any(|keyword| sources.contains(&format!("{keyword} {name}(")))
    };
    for path in pages() {
        let page = fs::read_to_string(&path).expect("the page");
        let missing: Vec<&str> = tests(&page).into_iter().filter(|name| !exists(name)).collect();
        assert!(missing.is_empty(), "{} names no test with {missing:?}", shown(&path));
    }
}

#[test]
fn every_rule_says_whether_it_holds_for_a_secret() {
    let page = page("docs/fidelity.md");
    for rule in 1..=RULES {
        let cells = row(&page, &rule.to_string());
        let [_, subject, how, named] = cells.as_slice() else { panic!("{cells:?}") };
        let known = ["holds", "cannot hold", "differs"];
        assert!(known.iter().any(|word| how.starts_with(word)), "{subject}: {how}");
        assert!(!tests(named).is_empty(), "{subject} names no test");
    }
}
