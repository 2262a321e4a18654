//! The crate's own code as text: its comments, its literals, and the rest, for the tests of its shape and its wording.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One file below `src`.
pub(crate) struct RustFile {
    /// Its path below the crate, such as `src/lib.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with spaces in place of comments and literals: every other byte stands where it stood.
    pub(crate) code: String,
    pub(crate) comments: Vec<Range<usize>>,
    /// Texts, with their quotes.
    pub(crate) literals: Vec<Range<usize>>,
    /// What is compiled for tests alone; the whole file where its module is.
    tests: Vec<Range<usize>>,
}

/// A function with a body.
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    pub(crate) lines: usize,
    /// Whether it is compiled for tests alone.
    pub(crate) is_of_tests: bool,
}

impl RustFile {
    /// Every file below `src`.
    pub(crate) fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut paths = Vec::new();
        files_below(&root.join("src"), "rs", &mut paths);
        let mut files: Vec<Self> = paths
            .iter()
            .map(|path| {
                let below = path.strip_prefix(root).expect("below the crate").to_string_lossy();
                Self::new(&below, fs::read_to_string(path).expect("a source file"))
            })
            .collect();
        // A module of tests is a file, or a folder, that its parent declares.
        let modules: BTreeSet<String> = files.iter().flat_map(Self::modules_of_tests).collect();
        for file in &mut files {
            let of_tests = |module: &String| {
                let rest = file.path.strip_prefix(module.as_str());
                rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            if modules.iter().any(of_tests) {
                file.tests = std::iter::once(0..file.text.len()).collect();
            }
        }
        files
    }

    pub(crate) fn new(path: &str, text: String) -> Self {
        let (comments, literals, others) = parts(&text);
        let mut code = text.clone().into_bytes();
        for range in comments.iter().chain(&literals).chain(&others) {
            code[range.clone()].iter_mut().filter(|byte| **byte != b'\n').for_each(|b| *b = b' ');
        }
        let code = String::from_utf8(code).expect("whole characters were replaced");
        let tests = ranges_of_tests(&text, &code);
        Self { path: path.to_owned(), text, code, comments, literals, tests }
    }

    /// The line that a byte is in, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    /// Whether a byte is compiled for tests alone.
    pub(crate) fn is_of_tests(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// Every function with a body.
    pub(crate) fn functions(&self) -> Vec<Function<'_>> {
        words(&self.code, "fn")
            .filter_map(|at| {
                let name = word_at(&self.code, at + "fn".len())?;
                let body = body(&self.code, at)?;
                let lines = self.text[at..body.end].matches('\n').count() + 1;
                let is_of_tests = self.is_of_tests(at);
                Some(Function { name, line: self.line(at), lines, is_of_tests })
            })
            .collect()
    }

    /// Keyword, name and place of each type that is declared here.
    pub(crate) fn types(&self) -> Vec<(&'static str, &str, usize)> {
        let keywords = ["struct", "enum", "trait", "union"];
        let of = |keyword: &'static str| {
            words(&self.code, keyword)
                .filter_map(move |at| Some((keyword, word_at(&self.code, at + keyword.len())?, at)))
        };
        keywords.into_iter().flat_map(of).collect()
    }

    /// The paths, without `.rs`, of the modules that are declared here for tests alone.
    pub(crate) fn modules_of_tests(&self) -> Vec<String> {
        let file = Path::new(&self.path);
        let folder = match file.file_name().and_then(|name| name.to_str()) {
            Some("mod.rs" | "lib.rs") => file.parent().expect("a folder").to_path_buf(),
            _ => file.with_extension(""),
        };
        self.tests
            .iter()
            .filter_map(|range| {
                let item = &self.code[range.clone()];
                let at = words(item, "mod").next()?;
                let name = item.ends_with(';').then(|| word_at(item, at + "mod".len()))??;
                Some(folder.join(name).to_string_lossy().into_owned())
            })
            .collect()
    }
}

/// Every file of a kind below a folder, in order.
pub(crate) fn files_below(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder of the project");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files_below(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// Where a word stands as a whole.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        !code[..*at].ends_with(part) && !code[*at + word.len()..].starts_with(part)
    })
}

/// The word that follows after spaces, if one does.
fn word_at(code: &str, at: usize) -> Option<&str> {
    let rest = code[at..].trim_start();
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// The braces of the item that begins at a byte; `None` where the item ends without any.
fn body(code: &str, from: usize) -> Option<Range<usize>> {
    let mut depth = 0_usize;
    let mut start = None;
    for (at, c) in code[from..].char_indices().map(|(at, c)| (from + at, c)) {
        match c {
            ';' if depth == 0 => return None,
            '(' | '[' | '{' => {
                if c == '{' && depth == 0 {
                    start = Some(at);
                }
                depth += 1;
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if let (0, Some(start)) = (depth, start) {
                    return Some(start..at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// What each `#[cfg(test)]` is for, up to its end.
fn ranges_of_tests(text: &str, code: &str) -> Vec<Range<usize>> {
    let attribute = "#[cfg(test)]";
    let is_code = |at: &usize| code[*at..].starts_with(attribute);
    let places = text.match_indices(attribute).map(|(at, _)| at).filter(is_code);
    places
        .map(|at| {
            // Further attributes may follow.
            let mut item = at;
            while let Some(rest) = code[item..].trim_start().strip_prefix("#[") {
                let begin = code.len() - rest.len();
                item = begin + rest.find(']').map_or(rest.len(), |end| end + 1);
            }
            let end = body(code, item).map(|braces| braces.end);
            let end = end.or_else(|| code[item..].find(';').map(|end| item + end + 1));
            at..end.unwrap_or(code.len())
        })
        .collect()
}

/// Comments, texts, and the literals of single characters.
#[expect(clippy::type_complexity, reason = "three lists of one kind")]
fn parts(text: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>, Vec<Range<usize>>) {
    let (mut comments, mut literals, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let is_in_word = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if rest.starts_with("//") {
            let end = rest.find('\n').map_or(text.len(), |end| at + end);
            comments.push(at..end);
            at = end;
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(text.len(), |end| at + end + 2);
            comments.push(at..end);
            at = end;
        } else if let Some(length) = raw_text(rest).filter(|_| !is_in_word) {
            literals.push(at..at + length);
            at += length;
        } else if c == '"' {
            let length = quoted(rest);
            literals.push(at..at + length);
            at += length;
        } else if let Some(length) = character(rest) {
            others.push(at..at + length);
            at += length;
        } else {
            at += c.len_utf8();
        }
    }
    (comments, literals, others)
}

/// The length of a raw text, such as `r#"…"#`, that begins here.
fn raw_text(text: &str) -> Option<usize> {
    let after = ["br", "cr", "r"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inside = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside.find(&close)?;
    Some(text.len() - inside.len() + end + close.len())
}

/// The length of the text in quotes that begins here.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character in quotes; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let mut chars = inside.char_indices();
    match chars.next()? {
        (_, '\\') => {
            let (after, _) = chars.nth(1)?;
            inside[after..].find('\'').map(|end| after + end + 2)
        }
        (_, '\'') => None,
        _ => chars.next().filter(|(_, c)| *c == '\'').map(|(end, _)| end + 2),
    }
}
