//! The documents for people: what they name exists, and their tables are complete.

use std::fs;
use std::path::{Path, PathBuf};

mod markdown;
mod operators;
mod references;
mod tests_named;

/// The folder of the project.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page's text, by its path in the project.
fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page: those of the project's folder, and all below `docs`.
fn pages() -> Vec<PathBuf> {
    let mut found = files(root(), "md", false);
    found.extend(files(&root().join("docs"), "md", true));
    assert!(found.len() > 6, "{found:?}");
    found
}

/// The files with this extension in a folder, and below it.
fn files(folder: &Path, extension: &str, below: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && below {
            found.extend(files(&path, extension, below));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The path of a page in the project, for messages.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The cells of the one row whose first cell is `first`.
fn row<'a>(page: &'a str, first: &str) -> Vec<&'a str> {
    let rows = rows(page, first);
    let [row] = rows.as_slice() else { panic!("{first} has {} rows", rows.len()) };
    row.clone()
}

/// The cells of every row whose first cell is `first`.
fn rows<'a>(page: &'a str, first: &str) -> Vec<Vec<&'a str>> {
    let start = format!("| {first} |");
    let cells = |line: &'a str| line.trim_matches('|').split('|').map(str::trim).collect();
    page.lines().filter(|line| line.starts_with(&start)).map(cells).collect()
}
