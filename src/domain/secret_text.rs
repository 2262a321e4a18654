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
    fn a_value_does_not_print() {
        let value = SecretText::new("canary".to_owned());
        assert_eq!(format!("{value:?} {value:#?}"), "[value withheld] [value withheld]");
    }
}
