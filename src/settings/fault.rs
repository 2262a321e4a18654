//! Faults of the settings. Each fault names the setting, the value that was read, the problem and the accepted values.

use std::fmt;

use super::known::KnownSetting;
use crate::domain::shown;

/// A fault of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The full name of the environment variable. The name of an unknown variable is cut.
    pub setting: String,
    /// The value that was read, cut. `None` if no value was read or if the variable is unknown.
    pub read: Option<String>,
    /// Why the setting cannot be used.
    pub problem: SettingProblem,
    /// The accepted values; for an unknown variable the name of the most similar setting.
    pub accepted: String,
}

/// The problem of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingProblem {
    /// The variable begins with `REPLICATOR_` and is not a setting.
    Unknown,
    /// A required setting is not set and has no default.
    Missing,
    /// The value cannot be read or is not accepted, for this reason.
    Invalid(String),
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown setting",
            Self::Missing => "not set and without a default",
            Self::Invalid(reason) => reason,
        })
    }
}

impl SettingFault {
    pub(super) fn new(setting: &KnownSetting, read: Option<&str>, problem: SettingProblem) -> Self {
        let KnownSetting { name, accepted, .. } = setting;
        Self {
            setting: (*name).to_owned(),
            read: read.map(shown),
            problem,
            accepted: (*accepted).to_owned(),
        }
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, read, problem, accepted } = self;
        match (problem, read) {
            (SettingProblem::Unknown, _) => {
                write!(f, "unknown setting `{setting}`; did you mean `{accepted}`?")
            }
            (SettingProblem::Missing, _) => write!(f, "missing `{setting}`; expected {accepted}"),
            (SettingProblem::Invalid(reason), Some(read)) => {
                write!(f, "invalid `{setting}` value `{read}`: {reason}; expected {accepted}")
            }
            (SettingProblem::Invalid(reason), None) => {
                write!(f, "invalid `{setting}`: {reason}; expected {accepted}")
            }
        }
    }
}

/// All faults of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// At least one fault.
    pub faults: Vec<SettingFault>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.as_slice() {
            [fault] => write!(f, "{fault}"),
            faults => {
                write!(f, "{} settings are invalid:", faults.len())?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}
