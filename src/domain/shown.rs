//! Texts of callers, owners and AWS inside messages.

/// The most characters of a text that a message shows.
const SHOWN: usize = 80;

/// The most characters of the ARN of a caller or of a reason. The name of a session is at the end of an ARN.
const SHOWN_OF_CALLER: usize = 200;

/// `text` for a message: on one line, cut after [`SHOWN`] characters.
pub(crate) fn shown(text: &str) -> String {
    shown_up_to(SHOWN, text)
}

/// The same for the ARN of a caller or for a reason, which may be longer.
pub(super) fn shown_caller(text: &str) -> String {
    shown_up_to(SHOWN_OF_CALLER, text)
}

fn shown_up_to(most: usize, text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut shown: String =
        text.chars().take(most).map(|c| if breaks(c) { ' ' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_on_one_line_and_cut() {
        assert_eq!(shown("a\nb\u{2028}c\u{2029}d"), "a b c d");
        assert_eq!(shown(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(shown(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
        assert_eq!(shown_caller(&"é".repeat(201)), format!("{}…", "é".repeat(200)));
    }
}
