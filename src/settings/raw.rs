//! The settings as text, with the values that they refer to.

use std::collections::BTreeMap;
use std::io::Read;

use super::fault::{SettingFault, SettingProblem, SettingsError};
use super::known::{PREFIX, known, nearest};
use super::trusted_writers::{ENDPOINT_VARIABLES, Endpoint};
use super::{Settings, parse};
use crate::domain::{ParameterName, shown};

/// The largest accepted size of a `file:`, in bytes. It exceeds every reasonable setting and limits the memory.
const FILE_LIMIT: u64 = 1024 * 1024;

/// A setting with its value in Parameter Store, in the hub's account and Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The full name of the setting.
    pub setting: &'static str,
    /// The parameter with the value.
    pub name: ParameterName,
}

/// The content of a variable.
#[derive(Clone, Debug)]
enum RawValue {
    /// Text from the environment, which may be a reference.
    Given(String),
    /// The text of a referenced parameter. It is never a reference itself.
    Fetched(String),
    /// Bytes that are not UTF-8 text.
    NotUnicode,
}

/// The unchecked settings.
#[derive(Clone, Debug, Default)]
pub struct RawSettings {
    values: BTreeMap<String, RawValue>,
    endpoint: Endpoint,
}

/// Whether the process runs in Lambda, which sets the address of its runtime API.
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub fn runs_in_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

impl RawSettings {
    /// Reads the variables that begin with `REPLICATOR_`, and the variables of the SDK for endpoints. An empty variable
    /// counts as not set, because a template can empty a variable but cannot omit it.
    pub fn from_variables(variables: impl Iterator<Item = (String, String)>) -> Self {
        let mut raw = Self::default();
        for (name, value) in variables {
            raw.endpoint.take(&name, &value);
            if is_ours(&name) && !value.trim().is_empty() {
                raw.values.insert(name, RawValue::Given(value));
            }
        }
        raw
    }

    /// Reads the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
    pub fn from_environment() -> Self {
        // `std::env::vars` panics for every variable that is not Unicode, also for variables of other programs.
        let (text, other): (Vec<_>, Vec<_>) = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.into_string()))
            .filter(|(name, _)| is_ours(name) || ENDPOINT_VARIABLES.contains(&name.as_str()))
            .partition(|(_, value)| value.is_ok());
        let text = text.into_iter().filter_map(|(name, value)| Some((name, value.ok()?)));
        let mut raw = Self::from_variables(text);
        let other = other.into_iter().filter(|(name, _)| is_ours(name));
        raw.values.extend(other.map(|(name, _)| (name, RawValue::NotUnicode)));
        raw
    }

    /// The settings whose values must be fetched from Parameter Store before `parse`. An invalid reference is omitted
    /// here; `parse` reports it as a fault.
    pub fn references(&self) -> Vec<Reference> {
        known()
            .iter()
            .filter_map(|setting| match self.values.get(setting.name) {
                Some(RawValue::Given(text)) => {
                    let name = ParameterName::parse(text.trim().strip_prefix("ssm:")?).ok()?;
                    Some(Reference { setting: setting.name, name })
                }
                _ => None,
            })
            .collect()
    }

    /// Replaces every reference to the parameter with its text. The text itself is not resolved again.
    #[must_use]
    pub fn with_fetched(mut self, name: &ParameterName, text: &str) -> Self {
        for reference in self.references() {
            if reference.name == *name {
                let fetched = RawValue::Fetched(text.trim().to_owned());
                self.values.insert(reference.setting.to_owned(), fetched);
            }
        }
        self
    }

    /// Checks the settings for `hubctl`, and reads referenced files.
    pub fn parse(self) -> Result<Settings, SettingsError> {
        parse::settings(self.resolve(), parse::SettingsReader::Terminal)
    }

    /// Checks the settings for the Lambda. The topic is required there, because failures must reach an operator.
    pub fn parse_for_lambda(self) -> Result<Settings, SettingsError> {
        parse::settings(self.resolve(), parse::SettingsReader::Lambda)
    }

    fn resolve(self) -> parse::Resolved {
        let mut resolved =
            parse::Resolved { endpoint: self.endpoint, ..parse::Resolved::default() };
        for (name, value) in self.values {
            let Some(setting) = known().iter().find(|setting| setting.name == name) else {
                // The value is not shown, because it may be a secret for another program.
                let name = shown(&name);
                resolved.faults.push(SettingFault {
                    problem: SettingProblem::Unknown,
                    accepted: nearest(&name).to_owned(),
                    setting: name,
                    read: None,
                });
                continue;
            };
            match value.text() {
                Ok(text) if text.is_empty() => {}
                Ok(text) => {
                    resolved.texts.insert(setting.name, text);
                }
                Err((read, reason)) => {
                    resolved.unread.push(setting.name);
                    let problem = SettingProblem::Invalid(reason);
                    resolved.faults.push(SettingFault::new(setting, read.as_deref(), problem));
                }
            }
        }
        resolved
    }
}

impl RawValue {
    /// The text of the setting. The error contains the text that was read and the reason.
    fn text(self) -> Result<String, (Option<String>, String)> {
        let given = match self {
            Self::Fetched(text) => return Ok(text),
            Self::NotUnicode => return Err((None, "not UTF-8 text".to_owned())),
            Self::Given(text) => text.trim().to_owned(),
        };
        if let Some(name) = given.strip_prefix("ssm:") {
            let reason = match ParameterName::parse(name) {
                Ok(_) => "the parameter was not fetched".to_owned(),
                Err(invalid) => {
                    format!("expected the name of a parameter after `ssm:`: {invalid}")
                }
            };
            return Err((Some(given), reason));
        }
        match given.strip_prefix("file:") {
            Some(path) => read_file(path).map_err(|error| {
                (Some(given.clone()), format!("the file cannot be read: {error}"))
            }),
            None => Ok(given),
        }
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX)
}

fn read_file(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(FILE_LIMIT + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > FILE_LIMIT) {
        return Err(std::io::Error::other("the file is larger than 1 MiB"));
    }
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(variables: &[(&str, &str)]) -> RawSettings {
        RawSettings::from_variables(
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn a_value_in_parameter_store_is_fetched() {
        let given = raw(&[
            ("REPLICATOR_ROUTES", "ssm:/hub/routes"),
            ("REPLICATOR_QUOTAS", " ssm:/hub/quotas "),
            ("REPLICATOR_KMS_KEYS", "ssm:"),
            ("PATH", "ssm:/not/ours"),
        ]);
        let references: Vec<(&str, String)> =
            given.references().into_iter().map(|r| (r.setting, r.name.to_string())).collect();
        assert_eq!(
            references,
            [
                ("REPLICATOR_ROUTES", "/hub/routes".to_owned()),
                ("REPLICATOR_QUOTAS", "/hub/quotas".to_owned())
            ]
        );

        let fetched = |name: &str| ParameterName::parse(name).expect("a name");
        let settings = raw(&[("REPLICATOR_ROUTES", "ssm:/hub/routes")])
            .with_fetched(&fetched("/hub/routes"), "us-east-2=us-east-1\n");
        assert!(settings.references().is_empty());
        assert_eq!(settings.parse().expect("settings").routes.iter().count(), 1);

        let faults = given.parse().expect_err("nothing was fetched").faults;
        let problems: Vec<String> = faults.iter().map(|fault| fault.problem.to_string()).collect();
        assert_eq!(
            problems,
            [
                "expected the name of a parameter after `ssm:`: the name is empty",
                "the parameter was not fetched",
                "the parameter was not fetched",
            ]
        );
    }

    #[test]
    fn a_fetched_text_is_not_a_reference() {
        let name = ParameterName::parse("/a").expect("a name");
        let settings = raw(&[("REPLICATOR_ROUTES", "ssm:/a")]).with_fetched(&name, "ssm:/b");
        assert!(settings.references().is_empty());
        let faults = settings.parse().expect_err("no route").faults;
        assert_eq!(faults[0].read.as_deref(), Some("ssm:/b"));
    }

    #[test]
    fn a_file_is_read_and_a_missing_file_is_a_fault() {
        let path = std::env::temp_dir().join(format!("routes-{}", std::process::id()));
        std::fs::write(&path, "us-east-2=us-east-1\n").expect("a file");
        let reference = format!("file:{}", path.display());
        let settings = raw(&[("REPLICATOR_ROUTES", &reference)]).parse();
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(settings.expect("settings").routes.iter().count(), 1);

        let faults = raw(&[("REPLICATOR_ROUTES", &reference)]).parse().expect_err("gone").faults;
        assert_eq!(faults.len(), 1, "{faults:?}");
        let problem = faults[0].problem.to_string();
        assert!(problem.starts_with("the file cannot be read: "), "{problem}");
    }
}
