//! The size of what a reader has to take in at once: files, functions, and one meaning for each type's name.

use std::collections::BTreeMap;

use crate::support::RustFile;

const FILE: usize = 400;
const FUNCTION: usize = 60;

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let files = RustFile::all();
    assert!(files.len() > 150, "the files are read at all: {}", files.len());
    let long = files
        .iter()
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > FILE)
        .map(|(lines, path)| format!("{path}: {lines} lines"));
    assert_none(&long.collect::<Vec<_>>(), "split these files");
}

/// A test may be longer: a table of cases is easy to read.
#[test]
fn no_function_is_longer_than_sixty_lines() {
    let files = RustFile::all();
    let functions = files
        .iter()
        .flat_map(|file| file.functions().into_iter().map(move |function| (&file.path, function)));
    let mut seen = 0;
    let mut long = Vec::new();
    for (path, function) in functions {
        seen += 1;
        if function.lines > FUNCTION && !function.is_of_tests {
            let (line, name, lines) = (function.line, function.name, function.lines);
            long.push(format!("{path}:{line} {name}: {lines} lines"));
        }
    }
    assert!(seen > 1_500, "the functions are read at all: {seen}");
    assert_none(&long, "take these functions apart");
}

#[test]
fn every_name_of_a_type_has_one_meaning() {
    let files = RustFile::all();
    let mut places: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for file in &files {
        for (keyword, name, at) in file.types() {
            if !file.is_of_tests(at) {
                // One file declares a name twice only for two platforms.
                let place = format!("{}:{} {keyword}", file.path, file.line(at));
                places.entry(name).or_default().insert(&file.path, place);
            }
        }
    }
    assert!(places.len() > 250, "the types are read at all: {}", places.len());
    let doubled = places.iter().filter(|(_, places)| places.len() > 1).map(|(name, places)| {
        format!("{name}: {}", places.values().cloned().collect::<Vec<_>>().join(", "))
    });
    assert_none(&doubled.collect::<Vec<_>>(), "rename all but one of these types");
}

#[test]
fn the_reader_of_code_reads_it() {
    let text = r##"
        /// A doc with fn and "quotes".
        pub(crate) fn first<'a>(text: &'a str) -> [u8; { 2 }] where u8: Copy { // struct Comment
            let braces = ["}", "\"}", r#"{"fn": 1}"#, 'x'.into(), '\''.into(), '{'.into()];
            let pointer: fn(u8) -> u8 = |x| x; /* fn hidden() {} */
            struct Inner { field: u8 }
        }
        trait Named { fn without_a_body(&self); fn with_one(&self) { } }
        #[cfg(test)]
        #[expect(dead_code, reason = "a ] in a text")]
        mod tests { struct OfTests; }
        enum Last { A }
    "##;
    let file = RustFile::new("src/a.rs", text.to_owned());
    let names: Vec<_> =
        file.functions().iter().map(|one| (one.name, one.line, one.lines)).collect();
    assert_eq!(names, [("first", 3, 5), ("with_one", 8, 1)]);
    let mut types: Vec<_> =
        file.types().into_iter().map(|(_, name, at)| (name, file.is_of_tests(at))).collect();
    types.sort_unstable();
    let expected = [("Inner", false), ("Last", false), ("Named", false), ("OfTests", true)];
    assert_eq!(types, expected);
    let literals: Vec<&str> = file.literals.iter().map(|range| &text[range.clone()]).collect();
    assert_eq!(literals, [r#""}""#, r#""\"}""#, r##"r#"{"fn": 1}"#"##, "\"a ] in a text\""]);
    let comments: Vec<&str> = file.comments.iter().map(|range| &text[range.clone()]).collect();
    assert_eq!(comments.len(), 3, "{comments:?}");
    let parents = RustFile::new("src/a/mod.rs", "#[cfg(test)]\nmod tests;\n".to_owned());
    assert_eq!(parents.modules_of_tests(), ["src/a/tests"]);
}
