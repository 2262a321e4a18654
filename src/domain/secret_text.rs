//! The only type that holds the value of a parameter.

use std::fmt;

use zeroize::Zeroizing;

/// The value of a parameter. Memory is wiped on drop, and `Debug` prints no value.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes ownership of the value.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, for the call that writes it. Logs, errors, reports and metrics must never use this.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `message` contains the value. Such a message is not shown.
    ///
    /// Short values occur in messages by chance: "a" in many words, "true" in some sentences. A value of eight or more
    /// characters therefore counts anywhere, a value of four to seven only as a separate word, and a value of up to three
    /// only in quotes or after the word "value". A message that contains a short value in a different form is shown; no
    /// message of AWS is known to do so.
    pub fn is_quoted_in(&self, message: &str) -> bool {
        const LONG: usize = 8;
        const SHORT: usize = 3;
        let value: &str = &self.0;
        if value.is_empty() {
            return false;
        }
        let length = value.chars().count();
        message.match_indices(value).any(|(at, _)| {
            let before = &message[..at];
            let after = message[at + value.len()..].chars().next();
            let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            let stands_alone = is_apart(before.chars().next_back()) && is_apart(after);
            let is_in = |quotes: &str| {
                before.ends_with(|c| quotes.contains(c))
                    && after.is_some_and(|c| quotes.contains(c))
            };
            let lead = before.trim_end_matches([' ', ':', '=']).to_ascii_lowercase();
            match length {
                LONG.. => true,
                0..=SHORT => {
                    stands_alone
                        && (is_in("'\"`") || lead.len() < before.len() && lead.ends_with("value"))
                        || message.trim() == value
                }
                _ => stands_alone,
            }
        })
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[value withheld]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_hides_a_message_anywhere_and_a_short_one_where_it_is_quoted() {
        for (value, message, expected) in [
            ("correct horse", "xcorrect horsey", true),
            ("hunter2", "Parameter value hunter2, cannot be validated", true),
            ("hunter2", "hunter21 will not do", false),
            ("true", "A version of true is invalid", true),
            ("true", "untrue", false),
            ("a", "a validation error was found at a parameter", false),
            ("1", "1 validation error detected", false),
            ("1", "1 validation error detected: Value '1' at 'x' failed", true),
            ("1", "Parameter value 1, cannot be validated", true),
            ("1", "the value: 1", true),
            ("a", "a", true),
            ("é", "Not valid: \"é\"", true),
            ("", "anything", false),
        ] {
            let found = SecretText::new(value.to_owned()).is_quoted_in(message);
            assert_eq!(found, expected, "{value} in {message}");
        }
    }

    #[test]
    fn a_value_does_not_print() {
        let value = SecretText::new("canary".to_owned());
        assert_eq!(format!("{value:?} {value:#?}"), "[value withheld] [value withheld]");
    }
}
