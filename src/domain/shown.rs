//! Texts of callers, owners and AWS inside messages.

/// The most characters of a text that a message shows.
const SHOWN: usize = 80;

/// `text` for a message: on one line, cut after [`SHOWN`] characters.
pub(crate) fn shown(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if breaks(c) { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
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
    }
}
