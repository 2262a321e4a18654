//! Properties that hold for every input from outside, whatever its bytes: payloads and events, the provenance tag of a
//! replica, settings, ARNs. A violated property panics.
//!
//! The fuzz targets check the properties on the inputs of libFuzzer; `tests/integration/corpus.rs` checks them on the
//! committed corpus.

pub mod arn;
pub mod provenance;
pub mod request;
pub mod settings;

/// The maximum length of a message in characters. Messages quote the input only in part.
const MESSAGE: usize = 400;

/// A message fits a log and a terminal: not empty, one line, and short for every input.
fn check_message(text: &str) {
    assert!(!text.trim().is_empty(), "an empty message");
    assert!(text.chars().count() <= MESSAGE, "{} characters: {text}", text.chars().count());
    check_one_line(text);
}

fn check_one_line(text: &str) {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!text.contains(breaks), "more than one line: {text:?}");
}
