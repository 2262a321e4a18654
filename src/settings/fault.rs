//! What is wrong with the settings: each fault names the setting, what was read and what is accepted.

use std::fmt;

use super::known::Known;
use crate::domain::shown;

/// One fault of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The full name of the environment variable; of one that is none of ours, cut.
    pub setting: String,
    /// What was read, cut; nothing where nothing was read or the variable is none of ours.
    pub read: Option<String>,
    /// What is wrong with it.
    pub problem: String,
    /// What is accepted.
    pub accepted: String,
}

impl Fault {
    /// What is wrong with a known setting, and with what was read of it.
    pub(super) fn of(setting: &Known, read: Option<&str>, problem: String) -> Self {
        let Known { name, accepted, .. } = setting;
        Self {
            setting: (*name).to_owned(),
            read: read.map(shown),
            problem,
            accepted: (*accepted).to_owned(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, read, problem, accepted } = self;
        match read {
            Some(read) => write!(f, "{setting} is `{read}`: {problem}; accepted is {accepted}"),
            None => write!(f, "{setting}: {problem}; accepted is {accepted}"),
        }
    }
}

/// Every fault of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// At least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.as_slice() {
            [fault] => write!(f, "{fault}"),
            faults => {
                write!(f, "{} settings are wrong:", faults.len())?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}
