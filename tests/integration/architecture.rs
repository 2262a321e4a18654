//! The arrows between the modules, and the places where the SDK may appear: read from the code, compared with the
//! design.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each group may use what stands in later groups; within a group, only what [`WITHIN`] lists.
const GROUPS: [&[&str]; 12] = [
    &["lambda", "cli"],
    &["hub"],
    &["notify", "sweep", "failover", "status", "work", "organization", "report", "logs"],
    &["request", "parameters", "secrets"],
    &["guard"],
    &["run_policy", "recent_deletes", "ownership", "partial_counts"],
    &["allowances", "route_gate"],
    &["table"],
    &["aws"],
    &["concurrency", "deadline"],
    &["settings"],
    &["domain"],
];
const WITHIN: [(&str, &str); 4] =
    [("notify", "report"), ("sweep", "work"), ("failover", "report"), ("status", "report")];

/// The same inside `parameters/`: each room may use what stands in later rooms.
const PARAMETERS: [&[&str]; 10] = [
    &["prune", "release"],
    &["reconcile"],
    &["labels"],
    &["attempt"],
    &["context"],
    &["results", "store"],
    &["candidate", "label_reads"],
    &["plan"],
    &["value_override", "model"],
    &["policies", "causes"],
];

/// The rooms that may name SDK crates.
const SDK_ROOMS: [&str; 2] = ["aws/", "table/"];

/// Further files that may name an SDK crate.
const SDK_FILES: [&str; 11] = [
    "organization.rs",
    "notify.rs",
    "parameters/store/describe.rs",
    "parameters/store/list.rs",
    "parameters/store/read.rs",
    "parameters/store/history.rs",
    "parameters/store/tags.rs",
    "parameters/store/write.rs",
    "parameters/labels/store.rs",
    "secrets/observe.rs",
    "secrets/apply.rs",
];

/// Modules that are pure: no task, no sleep, no file, no SDK.
const PURE: [&str; 11] = [
    "domain/",
    "request/",
    "work",
    "report/",
    "guard.rs",
    "run_policy.rs",
    "ownership/",
    "parameters/plan/",
    "parameters/labels/plan.rs",
    "parameters/labels/history.rs",
    "secrets/plan",
];

/// The product's files, each without its test modules: tests may do what the rooms that they test may not.
fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of the crate") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    let mut all = BTreeMap::new();
    let mut tests = BTreeSet::new();
    for path in found.iter().filter(|path| path.extension().is_some_and(|name| name == "rs")) {
        let name = path.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
        let (code, modules) = without_tests(&fs::read_to_string(path).expect("a source file"));
        let folder = name.trim_end_matches(".rs").trim_end_matches("/mod").to_owned();
        tests.extend(modules.into_iter().map(|module| format!("{folder}/{module}")));
        all.insert(name, code);
    }
    all.retain(|name, _| {
        let module = name.trim_end_matches(".rs");
        !tests.iter().any(|test| module == test || module.starts_with(&format!("{test}/")))
    });
    all
}

/// The code without what stands behind `#[cfg(test)]`, and the names of the modules there that have files of their own.
fn without_tests(source: &str) -> (String, Vec<String>) {
    let mut code = String::new();
    let mut modules = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            code.push_str(line);
            code.push('\n');
            continue;
        }
        let Some(item) = lines.next() else { break };
        let indent = item.len() - item.trim_start().len();
        if let Some(name) =
            item.trim_end_matches(';').split("mod ").nth(1).filter(|_| item.ends_with(';'))
        {
            modules.push(name.to_owned());
        } else if !item.ends_with(';') && !item.ends_with('}') {
            let end = format!("{}}}", " ".repeat(indent));
            for line in lines.by_ref() {
                if line == end {
                    break;
                }
            }
        }
    }
    (code, modules)
}

/// The modules that a file's code names right below `prefix`, such as `crate::x`, also inside `use crate::{a, b}`.
fn used(source: &str, prefix: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let word = |text: &str| {
            text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        };
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut part = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        used.insert(word(part.trim()));
                        part.clear();
                        continue;
                    }
                    _ => {}
                }
                part.push(c);
            }
            used.insert(word(part.trim()));
        } else {
            used.insert(word(rest));
        }
    }
    used.remove("");
    used
}

fn module_of(file: &str) -> String {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

fn may_use(from: &str, to: &str) -> bool {
    let group = |module: &str| GROUPS.iter().position(|group| group.contains(&module));
    match (group(from), group(to)) {
        (Some(from_group), Some(to_group)) => {
            from == to
                || from_group < to_group
                || from_group == to_group && WITHIN.contains(&(from, to))
        }
        _ => false,
    }
}

#[test]
fn arrows_point_one_way() {
    let sources = sources();
    let modules: BTreeSet<String> = sources.keys().map(|file| module_of(file)).collect();
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for (file, source) in &sources {
        let from = module_of(file);
        if from == "lib" || from == "bin" {
            continue;
        }
        for to in used(source, "crate::").into_iter().filter(|to| modules.contains(to)) {
            arrows += 1;
            if !may_use(&from, &to) {
                wrong.push(format!("{file} uses crate::{to}"));
            }
        }
    }
    assert!(arrows > 50, "the arrows are read at all: {arrows}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arrows_inside_parameters_point_one_way() {
    let room = |module: &str| PARAMETERS.iter().position(|rooms| rooms.contains(&module));
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for (file, source) in &sources() {
        let Some(inner) = file.strip_prefix("parameters/").filter(|inner| *inner != "mod.rs")
        else {
            continue;
        };
        let from = module_of(inner);
        let Some(from_room) = room(&from) else {
            wrong.push(format!("{file} has no room"));
            continue;
        };
        let mut targets = used(source, "crate::parameters::");
        if !inner.contains('/') {
            targets.extend(used(source, "super::"));
        }
        for to in targets.into_iter().filter(|to| *to != from) {
            let Some(to_room) = room(&to) else { continue };
            arrows += 1;
            if from_room >= to_room {
                wrong.push(format!("{file} uses parameters::{to}"));
            }
        }
    }
    assert!(arrows > 50, "the arrows are read at all: {arrows}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_sdk_stays_where_the_calls_are() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(file, source)| {
            names_sdk(source)
                && !SDK_ROOMS.iter().any(|room| file.starts_with(room))
                && !SDK_FILES.contains(&file.as_str())
        })
        .map(|(file, _)| file)
        .collect();
    assert!(wrong.is_empty(), "these name an SDK crate: {}", wrong.join(", "));
}

/// Whether the code names a path in an SDK crate, and not only the crate in a text.
fn names_sdk(source: &str) -> bool {
    const CRATES: [&str; 4] = ["aws_sdk_", "aws_smithy_", "aws_credential_types", "aws_types"];
    CRATES.iter().flat_map(|name| source.split(name).skip(1)).any(|rest| {
        rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').starts_with("::")
    })
}

#[test]
fn the_pure_rooms_do_nothing() {
    const EFFECTS: [&str; 6] =
        ["tokio::", "aws_sdk_ssm::", "std::fs", "std::net", "SystemTime::now", "async fn"];
    let sources = sources();
    for prefix in PURE {
        assert!(sources.keys().any(|file| file.starts_with(prefix)), "{prefix} names something");
    }
    let wrong: Vec<String> = sources
        .iter()
        .filter(|(file, _)| PURE.iter().any(|pure| file.starts_with(pure)))
        .flat_map(|(file, source)| {
            EFFECTS
                .iter()
                .filter(|effect| source.contains(**effect))
                .map(move |effect| format!("{file}: {effect}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_a_hall() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(file, source)| (file, source.lines().count()))
        .filter(|(_, lines)| *lines > 600)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split: {}", long.join(", "));
}

#[test]
fn the_reader_of_arrows_reads_them() {
    let code = "use crate::{aws::{Session, cause}, domain::Item};\nfn f() { crate::guard::x() } // crate::cli";
    let expected: BTreeSet<String> = ["aws", "domain", "guard"].map(str::to_owned).into();
    assert_eq!(used(code, "crate::"), expected);
    assert!(
        may_use("hub", "parameters") && may_use("notify", "report") && may_use("aws", "settings")
    );
    assert!(
        !may_use("parameters", "secrets")
            && !may_use("aws", "guard")
            && !may_use("report", "notify")
    );
}
