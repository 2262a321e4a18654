//! Every fact number that the code cites exists in `FACTS.md`.

use std::collections::BTreeSet;
use std::path::Path;

/// The numbers in citations such as `(FACTS 1, 3 to 5)`.
fn cited(source: &str) -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    for (at, _) in source.match_indices("(FACTS ") {
        let list = source[at + "(FACTS ".len()..].split(')').next().unwrap_or_default();
        for part in list.split(',') {
            let ends: Vec<u32> =
                part.split(" to ").filter_map(|end| end.trim().parse().ok()).collect();
            numbers.extend(ends);
        }
    }
    numbers
}

fn walk(folder: &Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, sources);
        } else {
            sources.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_cited_fact_exists() {
    let facts: BTreeSet<u32> =
        crate::FACTS.lines().filter_map(|line| line.split_once(". ")?.0.parse().ok()).collect();
    assert!(facts.len() > 60, "found too few facts: {}", facts.len());
    let mut sources = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let cited: BTreeSet<u32> = sources.iter().flat_map(|source| cited(source)).collect();
    assert!(cited.len() > 30, "found too few citations: {cited:?}");
    let unknown: Vec<&u32> = cited.difference(&facts).collect();
    assert!(unknown.is_empty(), "FACTS.md does not have the cited facts {unknown:?}");
}
