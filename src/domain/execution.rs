//! The name of an execution: one run of the state machine over all accounts, or one sweep of `hubctl`.

use std::fmt;
use std::sync::Arc;

use super::shown::shown;
use super::timestamp::Timestamp;

/// The text is not the name of an execution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the name of an execution; expected 1 to 80 characters without spaces, control characters and any of {FORBIDDEN}"
)]
pub struct InvalidExecution(String);

/// The characters that Step Functions does not accept in a name. The table separates its keys with `#`.
const FORBIDDEN: &str = r##"`<>{}[]?*"#%\^|~$&,;:/"##;

/// The name of an execution, by the rules of Step Functions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecutionName(Arc<str>);

impl ExecutionName {
    /// The longest name in characters.
    pub const LIMIT: usize = 80;

    /// Accepts the names that Step Functions accepts.
    ///
    /// # Errors
    /// The name is empty or too long, or has a character that Step Functions refuses.
    pub fn parse(text: &str) -> Result<Self, InvalidExecution> {
        let length = text.chars().count();
        let fits = |c: char| {
            !c.is_whitespace()
                && !c.is_control()
                && !FORBIDDEN.contains(c)
                && !('\u{FFFE}'..='\u{FFFF}').contains(&c)
        };
        if (1..=Self::LIMIT).contains(&length) && text.chars().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidExecution(shown(text)))
        }
    }

    /// The name of a sweep that `hubctl` began at this time: `hubctl-20261128T101500123Z`.
    pub fn of_hubctl(began: Timestamp) -> Self {
        let time: String = began.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
        Self(format!("hubctl-{time}").into())
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExecutionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExecutionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_accepted_as_step_functions_accepts_it() {
        for right in ["daily-2026-11-28", "a", "ü_.-()=+!@'", &"x".repeat(80)] {
            assert_eq!(ExecutionName::parse(right).expect(right).as_str(), right);
        }
        let wrong = ["", "a b", "a#b", "a/b", "a\n", "a:b", "a\u{85}", "a\u{FFFE}", "a*"];
        for wrong in wrong.into_iter().chain([&*"x".repeat(81)]) {
            let error = ExecutionName::parse(wrong).expect_err(wrong).to_string();
            assert!(error.contains("1 to 80 characters"), "{error}");
        }
    }

    #[test]
    fn a_sweep_of_hubctl_is_named_by_its_time() {
        let time = |text| Timestamp::parse(text).expect("a time");
        let name = |text| ExecutionName::of_hubctl(time(text)).to_string();
        assert_eq!(name("2026-11-28T10:15:00Z"), "hubctl-20261128T101500Z");
        assert_eq!(name("2026-11-28T10:15:00.123Z"), "hubctl-20261128T101500123Z");
        assert!(ExecutionName::parse(&name("2026-11-28T10:15:00.5Z")).is_ok());
    }
}
