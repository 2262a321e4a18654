//! The one type that holds a value.

use std::fmt;

use zeroize::Zeroizing;

/// The value of a parameter: wiped from memory when dropped, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the value over.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, for the one call that writes it. Never for a log, an error, a report or a metric.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `message` quotes the value, so that it is not shown.
    ///
    /// A value of eight characters and more is looked for anywhere. A shorter one stands in many a message by chance: "a"
    /// in every word, "true" in some sentence. It is quoted where it stands by itself, and one of up to three characters
    /// only where the message sets it apart as a value: in quotes, or after the word "value". What AWS says in
    /// plain words then stays readable. A message that has a short value without setting it apart is shown; none of AWS's
    /// messages is known to do that.
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
            let said = before.trim_end_matches([' ', ':', '=']).to_ascii_lowercase();
            match length {
                LONG.. => true,
                0..=SHORT => {
                    stands_alone
                        && (is_in("'\"`") || said.len() < before.len() && said.ends_with("value"))
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
            let held = SecretText::new(value.to_owned()).is_quoted_in(message);
            assert_eq!(held, expected, "{value} in {message}");
        }
    }

    #[test]
    fn a_value_does_not_print() {
        let value = SecretText::new("canary".to_owned());
        assert_eq!(format!("{value:?} {value:#?}"), "[value withheld] [value withheld]");
    }
}
