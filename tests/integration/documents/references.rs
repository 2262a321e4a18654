//! What the pages refer to: other pages and their headings, files, commands of `hubctl`, targets of `make`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::markdown::Page;
use super::{page, pages, root, shown};

/// Folders whose files pages name in code spans.
const FOLDERS: [&str; 5] = ["docs/", "payloads/", "src/", "stacksets/", "tests/"];

fn taken_apart(path: &Path) -> Page {
    Page::of(&fs::read_to_string(path).expect("a page"))
}

#[test]
fn every_relative_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    let (mut broken, mut followed) = (Vec::new(), 0);
    for path in pages() {
        for link in taken_apart(&path).links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => path.clone(),
                _ => path.parent().expect("a folder").join(file),
            };
            let leads = target.exists()
                && (anchor.is_empty()
                    || target.is_file()
                        && taken_apart(&target).anchors.iter().any(|own| own == anchor));
            if !leads {
                broken.push(format!("{}: {link}", shown(&path)));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(followed > 30, "{followed}");
}

#[test]
fn every_file_that_a_page_names_is_there() {
    let mut missing = Vec::new();
    for path in pages() {
        let Page { spans, fenced, .. } = taken_apart(&path);
        let words = spans.iter().chain(&fenced).flat_map(|text| text.split([' ', '=']));
        for word in words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder))) {
            let is_path = word.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
            if is_path && !root().join(word).exists() {
                missing.push(format!("{}: {word}", shown(&path)));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_target_of_make_exists() {
    let makefile = page("Makefile");
    let mut targets: BTreeSet<String> = makefile
        .lines()
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(names, _)| names.split_whitespace())
        .map(str::to_owned)
        .collect();
    let fuzzers = makefile.lines().find_map(|line| line.strip_prefix("FUZZERS := "));
    targets
        .extend(fuzzers.into_iter().flat_map(str::split_whitespace).map(|f| format!("fuzz-{f}")));
    let (mut missing, mut found) = (Vec::new(), 0);
    for path in pages() {
        let Page { spans, fenced, .. } = taken_apart(&path);
        for text in spans.iter().chain(&fenced) {
            let mut words = text.trim_start_matches("$ ").split_whitespace();
            // Variables may stand before the command.
            let first = words.find(|word| !word.contains('='));
            let target = words.find(|word| !word.contains('=') && !word.starts_with('-'));
            if let (Some("make"), Some(target)) = (first, target) {
                found += 1;
                if !target.starts_with('#') && !targets.contains(target) {
                    missing.push(format!("{}: make {target}", shown(&path)));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(found > 5, "{found}");
}

/// How `hubctl` took arguments, in an environment without settings.
enum Took {
    /// It understood them, and then missed its settings; or it showed its help.
    Understood,
    /// Why not.
    Refused(String),
}

fn try_arguments(arguments: &[String]) -> Took {
    let ran = Command::new(env!("CARGO_BIN_EXE_hubctl"))
        .args(arguments)
        .env_clear()
        .current_dir(root())
        .output()
        .expect("hubctl runs");
    let said = String::from_utf8_lossy(&ran.stderr);
    // Settings are read once the arguments and the file are.
    if ran.status.success() || said.contains("REPLICATOR_ROUTES") {
        Took::Understood
    } else {
        Took::Refused(said.lines().next().unwrap_or_default().to_owned())
    }
}

/// The arguments of a command line of `hubctl`, with an example for each placeholder; `None` where the text is no such
/// line, or leaves something out.
fn arguments(text: &str) -> Option<Vec<String>> {
    let line = text.trim_start_matches("$ ");
    let line = line.split(" #").next().unwrap_or(line);
    let words = words(line);
    let mut words = words.iter().map(String::as_str).skip_while(|word| word.contains('='));
    if words.next() != Some("hubctl") || line.contains('…') {
        return None;
    }
    let mut arguments: Vec<String> = Vec::new();
    for word in words {
        let is_plan = arguments.last().is_some_and(|last| last == "--expect");
        arguments.push(match word {
            "ID" if is_plan => "1a2b3c4d".to_owned(),
            "ID" => "111122223333".to_owned(),
            "NAME" => "/shop/db/url".to_owned(),
            "FILE" => "payloads/sync-all.json".to_owned(),
            "SOURCE" | "REGION" => "us-east-2".to_owned(),
            "TARGET" => "us-east-1".to_owned(),
            other => other.to_owned(),
        });
    }
    Some(arguments)
}

/// The words of a line, as a shell separates them: text in double quotes is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, part) in line.split('"').enumerate() {
        if n % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Pages that also describe what is not built yet, and shorten commands. All others show commands to copy.
const DESIGN: [&str; 5] =
    ["docs/aws-facts.md", "docs/decisions/", "docs/design.md", "docs/failover.md", "docs/models/"];

/// Commands and options that the design plans.
const PLANNED: [&str; 11] = [
    "--hub",
    "ack",
    "completions",
    "doctor",
    "drill",
    "explain",
    "failback",
    "failover",
    "report",
    "retire",
    "settings",
];

/// Whether a page of the design may name a command so: it is planned, or it exists and so does each of its options.
fn is_known(arguments: &[String]) -> bool {
    let Some(command) = arguments.first() else { return false };
    if arguments.iter().any(|argument| PLANNED.contains(&argument.as_str())) {
        return true;
    }
    let help = Command::new(env!("CARGO_BIN_EXE_hubctl")).args([command, "--help"]).output();
    let help = help.expect("hubctl runs");
    let shown = String::from_utf8_lossy(&help.stdout);
    let mut options = arguments.iter().filter(|argument| argument.starts_with("--"));
    help.status.success() && options.all(|option| shown.contains(option.as_str()))
}

#[test]
fn every_command_of_hubctl_is_understood() {
    let (mut refused, mut lines) = (Vec::new(), 0);
    for path in pages() {
        let name = shown(&path);
        let is_design = DESIGN.iter().any(|page| name.starts_with(page));
        let Page { spans, fenced, .. } = taken_apart(&path);
        let spans = spans.iter().map(|text| (text, true));
        for (text, is_span) in spans.chain(fenced.iter().map(|text| (text, false))) {
            let Some(mut arguments) = arguments(text) else { continue };
            lines += 1;
            if is_design && is_known(&arguments) {
                continue;
            }
            // `hubctl release secret` alone names a command; its own help shows whether there is one.
            if is_span && !arguments.iter().any(|argument| argument.starts_with('-')) {
                arguments.push("--help".to_owned());
            }
            if let Took::Refused(why) = try_arguments(&arguments) {
                refused.push(format!("{name}: `{text}`: {why}"));
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(lines > 30, "{lines}");
}

#[test]
fn what_is_planned_is_not_built() {
    for planned in PLANNED {
        let took = try_arguments(&[planned.to_owned(), "--help".to_owned()]);
        assert!(matches!(took, Took::Refused(_)), "{planned} is built: take it off PLANNED");
    }
}

#[test]
fn every_command_of_hubctl_has_an_example_for_operators() {
    let Page { fenced, .. } = taken_apart(&root().join("docs/operating.md"));
    for command in [
        "hubctl plan",
        "hubctl sweep --take-over",
        "hubctl sweep --labels",
        "hubctl verify --labels",
        "hubctl prune --yes --expect",
        "hubctl resolve",
        "hubctl release parameter",
        "hubctl release secret",
        "hubctl freeze",
        "hubctl thaw",
        "hubctl status",
        "hubctl invoke",
    ] {
        assert!(fenced.iter().any(|line| line.starts_with(command)), "{command}");
    }
    for side in ["--take source", "--take target"] {
        assert!(fenced.iter().any(|line| line.contains(side)), "{side}");
    }
}

#[test]
fn words_of_a_command_line_are_its_arguments() {
    let of = |text| arguments(text).map(|arguments| arguments.join(" "));
    assert_eq!(
        of("$ A=b hubctl plan --account ID  # why"),
        Some("plan --account 111122223333".into())
    );
    assert_eq!(of("hubctl prune --yes --expect ID"), Some("prune --yes --expect 1a2b3c4d".into()));
    assert_eq!(of("hubctl … --labels"), None);
    let quoted = arguments(r#"hubctl freeze --reason "it fails" --route a=b"#).expect("a line");
    assert_eq!(quoted, ["freeze", "--reason", "it fails", "--route", "a=b"]);
    assert_eq!(of("make demo"), None);
    assert!(matches!(try_arguments(&["plan".into(), "--no".into()]), Took::Refused(_)));
    assert!(matches!(try_arguments(&["plan".into()]), Took::Understood));
}
