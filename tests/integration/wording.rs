//! Phrases that a reader has to read twice, and what to write instead: in messages, comments and documents.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{RustFile, files_below};

/// Phrase, and what to write instead. Whole words, in any case; what stands in back quotes is not read.
const PHRASES: [(&str, &str); 71] = [
    // A state has a word.
    ("is none", "is invalid, is unknown, is not set, is missing"),
    ("are none", "are missing, is empty"),
    ("was none", "was missing, was empty"),
    ("there is none", "is missing; not set"),
    ("not ours", "is not one of the hub's"),
    ("of ours", "of the hub"),
    ("is over", "has expired, has ended; exceeds"),
    ("are over", "have expired, have ended; exceed"),
    ("was over", "had expired, had ended; exceeded"),
    ("is no more", "no longer exists"),
    ("are no more", "no longer exist"),
    ("without an end", "unlimited"),
    ("at hand", "available, present"),
    ("on its way", "in progress"),
    ("for good", "permanently"),
    ("in silence", "silently"),
    ("in vain", "without a result"),
    ("on no grounds", "without a reason"),
    // A program reports.
    ("told", "reported, answered, sent; told apart: distinguished"),
    ("tells of", "reports, describes"),
    ("tell of", "report, describe"),
    ("is said", "is reported"),
    ("are said", "are reported"),
    // A relation has a verb.
    ("of its own", "its own; separate; an internal error"),
    ("of their own", "their own; separate"),
    ("another's own", "different"),
    ("a target's own", "a value override"),
    ("is of", "belongs to, has, is in"),
    ("are of", "belong to, have, are in"),
    ("whose it is", "who owns it"),
    ("whose this is", "who owns this"),
    ("by what", "how; what … from"),
    ("came of", "resulted from; the result of"),
    ("comes of", "results from; the result of"),
    ("come of", "result from; the result of"),
    ("comes to", "results in, ends as, reaches"),
    ("came to", "resulted in, ended as, reached"),
    ("come to nothing", "fail"),
    ("goes by", "uses, follows; is removed"),
    ("go by", "use, follow"),
    ("goes round", "is processed again"),
    ("go round", "are processed again"),
    ("stands in", "is in; replaces"),
    ("stand in", "are in; replace"),
    ("in the way", "blocks; holds the name"),
    ("passed over", "skipped, ignored"),
    ("taken for", "treated as"),
    // Who acts has a name.
    ("somebody", "the owner, an operator, another writer"),
    ("someone", "the owner, an operator, another writer"),
    ("nobody", "no caller, no role, no writer"),
    ("anybody", "any caller, any role"),
    ("everybody", "every caller, every role"),
    ("whoever", "the owner, the operator, the caller that"),
    ("whom", "who; or name the role"),
    ("person's word", "an operator's decision"),
    // Words of another century.
    ("anew", "again"),
    ("nought", "nothing, zero"),
    ("hitherto", "until now"),
    ("thereof", "of it"),
    ("lest", "so that … not"),
    ("of late", "recently"),
    ("but for", "except, without"),
    ("nothing but", "only"),
    ("be they", "even if"),
    ("save those", "except"),
    ("is to be", "must be, will be"),
    ("are to be", "must be, will be"),
    ("mend", "fix, correct"),
    ("mends", "fixes, corrects"),
    ("mended", "fixed, corrected"),
    ("so many", "this many; the number"),
];

/// What people read besides the code.
const DOCUMENTS: [&str; 5] =
    ["README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "RELEASING.md"];

/// Words as they are read: one space between them, lower case, and the line that each byte came from.
#[derive(Default)]
struct Prose {
    text: String,
    lines: Vec<usize>,
}

impl Prose {
    fn push(&mut self, text: &str, first_line: usize) {
        for (number, line) in text.lines().enumerate() {
            for word in line.split_whitespace() {
                let before = self.text.len();
                self.text.push(' ');
                self.text.push_str(&word.to_lowercase());
                self.lines.resize(self.lines.len() + self.text.len() - before, first_line + number);
            }
        }
    }

    /// Line and number of each phrase that is found.
    fn found(&self) -> Vec<(usize, usize)> {
        let readable = without_quotes(&self.text);
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let mut found = Vec::new();
        for (number, (phrase, _)) in PHRASES.iter().enumerate() {
            for (at, _) in readable.match_indices(phrase) {
                let end = at + phrase.len();
                if !readable[..at].ends_with(part_of_word)
                    && !readable[end..].starts_with(part_of_word)
                {
                    found.push((self.lines[at], number));
                }
            }
        }
        found
    }
}

/// The text with other characters in place of what stands in back quotes: names, commands, and settings.
fn without_quotes(text: &str) -> String {
    let blank = |part: &str| "#".repeat(part.len());
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(n, part)| if n % 2 == 1 { blank(part) } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}

/// The comments of a file, those on neighbouring lines as one, and the texts of what is not for tests alone.
fn of_code(file: &RustFile) -> Vec<Prose> {
    let mut all: Vec<Prose> = Vec::new();
    let mut last_line = None;
    for range in &file.comments {
        let line = file.line(range.start);
        let text = file.text[range.clone()].trim_start_matches(['/', '!', '*']);
        if last_line != Some(line - 1) || text.trim().is_empty() {
            all.push(Prose::default());
        }
        if let Some(prose) = all.last_mut() {
            prose.push(text, line);
        }
        last_line = Some(line);
    }
    for range in file.literals.iter().filter(|range| !file.is_of_tests(range.start)) {
        let mut prose = Prose::default();
        prose.push(file.text[range.clone()].trim_matches('"'), file.line(range.start));
        all.push(prose);
    }
    all
}

/// The paragraphs of a document, without its blocks of code.
fn of_document(text: &str) -> Vec<Prose> {
    let mut all = vec![Prose::default()];
    let mut is_code = false;
    for (number, line) in text.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        // A row of a table is read by itself.
        if line.trim().is_empty() || line.starts_with('|') || is_fence {
            all.push(Prose::default());
        }
        if let (Some(prose), false) = (all.last_mut(), is_code || is_fence) {
            prose.push(line, number + 1);
        }
    }
    all
}

fn findings(path: &str, prose: &[Prose]) -> Vec<String> {
    let mut found: Vec<(usize, usize)> = prose.iter().flat_map(Prose::found).collect();
    found.sort_unstable();
    found
        .iter()
        .map(|(line, number)| {
            let (phrase, instead) = PHRASES[*number];
            format!("{path}:{line} \"{phrase}\": write {instead}")
        })
        .collect()
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{} phrases to rewrite:\n{}", found.len(), found.join("\n"));
}

#[test]
fn messages_and_comments_use_plain_words() {
    let files = RustFile::all();
    let found: Vec<String> =
        files.iter().flat_map(|file| findings(&file.path, &of_code(file))).collect();
    assert_none(&found);
}

#[test]
fn documents_use_plain_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = DOCUMENTS.iter().map(|name| root.join(name)).collect();
    files_below(&root.join("docs"), "md", &mut paths);
    let mut found = Vec::new();
    for path in paths {
        let name = path.strip_prefix(root).expect("below the crate").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        found.extend(findings(&name, &of_document(&text)));
    }
    assert_none(&found);
}

#[test]
fn the_reader_of_prose_reads_it() {
    let text = "//! The key is\n//! none. `nobody`\nfn f() { \"Nobody's key\"; } // anew-er\n\n\
                /// Nobody_s, lends-told\n#[cfg(test)]\nmod tests { fn g() { \"nobody\"; } } // is over.\n";
    let file = RustFile::new("src/a.rs", text.to_owned());
    let found = findings("src/a.rs", &of_code(&file));
    let places: Vec<&str> = found.iter().filter_map(|line| line.split(':').nth(1)).collect();
    assert_eq!(places, ["1 \"is none\"", "3 \"nobody\"", "7 \"is over\""], "{found:#?}");
    let document = "The key\nis none.\n```sh\nnobody\n```\n| is |\n| over |\n";
    assert_eq!(findings("a.md", &of_document(document)).len(), 1);
    let phrases: std::collections::BTreeSet<_> = PHRASES.iter().map(|(phrase, _)| phrase).collect();
    assert_eq!(phrases.len(), PHRASES.len(), "each stands once");
}
