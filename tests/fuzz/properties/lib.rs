//! What must hold of everything that others hand to the hub, whatever the bytes: payloads and events, the tag of a
//! replica, settings, ARNs.
//!
//! They stand once and are asked twice: of what libFuzzer invents, by the targets beside this folder, and of the
//! committed corpus, by `tests/integration/corpus.rs`. One that does not hold is a panic.

pub mod arn;
pub mod provenance;
pub mod request;
pub mod settings;

/// Characters that a message may have: what it says by itself, and some pieces of the input, each cut.
const MESSAGE: usize = 400;

/// A message is for a log and a terminal, and what is in it may be anybody's: it says something, on one line, and is
/// short however long the input was.
fn is_a_message(text: &str) {
    assert!(!text.trim().is_empty(), "a message that says nothing");
    assert!(text.chars().count() <= MESSAGE, "{} characters: {text}", text.chars().count());
    is_one_line(text);
}

fn is_one_line(text: &str) {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!text.contains(breaks), "not on one line: {text:?}");
}
