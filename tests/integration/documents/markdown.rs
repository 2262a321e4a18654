//! As much of Markdown as the documents use: fenced code, code spans, links, headings.

use std::collections::BTreeMap;

/// A page taken apart.
pub(super) struct Page {
    /// The lines of fenced code.
    pub(super) fenced: Vec<String>,
    /// The texts of code spans.
    pub(super) spans: Vec<String>,
    /// The targets of links.
    pub(super) links: Vec<String>,
    /// The anchors of headings, as GitHub makes them.
    pub(super) anchors: Vec<String>,
}

impl Page {
    pub(super) fn of(text: &str) -> Self {
        let (mut fenced, mut prose, mut headings) = (Vec::new(), String::new(), Vec::new());
        let mut is_code = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
            } else if is_code {
                fenced.push(line.trim().to_owned());
            } else {
                if line.starts_with('#') {
                    headings.push(line.trim_start_matches('#').trim());
                }
                prose += line;
                prose.push('\n');
            }
        }
        assert!(!is_code, "a fence is not closed");
        let spans = prose.split('`').skip(1).step_by(2);
        let spans = spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "));
        // A code span may hold what looks like a link.
        let plain: String = prose.split('`').step_by(2).collect();
        let links = plain.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        Self {
            fenced,
            spans: spans.collect(),
            links: links.map(str::to_owned).collect(),
            anchors: anchors(&headings),
        }
    }
}

/// GitHub's anchors: lower case, without punctuation, a hyphen for each space, a number for each repetition.
fn anchors(headings: &[&str]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = Vec::new();
    for heading in headings {
        let kept = heading.to_lowercase().replace(' ', "-");
        let kept: String =
            kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
        let repeated = seen.entry(kept.clone()).or_default();
        anchors.push(if *repeated == 0 { kept } else { format!("{kept}-{repeated}") });
        *repeated += 1;
    }
    anchors
}

#[test]
fn a_page_is_taken_apart() {
    let page = Page::of(
        "# A `b` (c): d\n[e](f.md#g) `h](i)` `j\nk` [l](#m)\n```sh\n$ n [o](p)\n```\n## A\n## A\n",
    );
    assert_eq!(page.anchors, ["a-b-c-d", "a", "a-1"]);
    assert_eq!(page.links, ["f.md#g", "#m"]);
    assert_eq!(page.spans, ["b", "h](i)", "j k"]);
    assert_eq!(page.fenced, ["$ n [o](p)"]);
}
