//! The environment's variables as text, with what they refer to read in.

use std::collections::BTreeMap;
use std::io::Read;

use super::fault::{Fault, SettingsError};
use super::known::{PREFIX, known, nearest};
use super::trusted_writers::{ENDPOINT_VARIABLES, Endpoint};
use super::{Settings, parse};
use crate::domain::{ParameterName, shown};

/// Bytes that are read of a `file:`: far over any setting, far under what would hurt.
const FILE_LIMIT: u64 = 1024 * 1024;

/// A setting whose value stands in Parameter Store, in the hub's own account and Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The full name of the setting.
    pub setting: &'static str,
    /// The parameter that holds its value.
    pub name: ParameterName,
}

/// What a variable holds.
#[derive(Clone, Debug)]
enum Value {
    /// Text of the environment, which may refer to another place.
    Given(String),
    /// Text from such a place, taken as it is.
    Fetched(String),
    /// Bytes that are no text.
    NotUnicode,
}

/// The settings before they are checked.
#[derive(Clone, Debug, Default)]
pub struct RawSettings {
    values: BTreeMap<String, Value>,
    endpoint: Endpoint,
}

/// Whether this process is one of Lambda's: its runtime says where it listens.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn runs_in_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

impl RawSettings {
    /// Takes the variables that begin with `REPLICATOR_`; an empty one counts as not set, since templates can set a
    /// variable to nothing but not leave it out. Of the others only those count that say where AWS is.
    pub fn from_variables(variables: impl Iterator<Item = (String, String)>) -> Self {
        let mut raw = Self::default();
        for (name, value) in variables {
            raw.endpoint.take(&name, &value);
            if is_ours(&name) && !value.trim().is_empty() {
                raw.values.insert(name, Value::Given(value));
            }
        }
        raw
    }

    /// Takes them from the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_environment() -> Self {
        // `std::env::vars` panics at any variable that is no Unicode, another program's too.
        let (text, other): (Vec<_>, Vec<_>) = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.into_string()))
            .filter(|(name, _)| is_ours(name) || ENDPOINT_VARIABLES.contains(&name.as_str()))
            .partition(|(_, value)| value.is_ok());
        let text = text.into_iter().filter_map(|(name, value)| Some((name, value.ok()?)));
        let mut raw = Self::from_variables(text);
        let other = other.into_iter().filter(|(name, _)| is_ours(name));
        raw.values.extend(other.map(|(name, _)| (name, Value::NotUnicode)));
        raw
    }

    /// The settings whose value is to be fetched from Parameter Store before `parse`. One that does not name a
    /// parameter is left out here and is a fault there.
    pub fn references(&self) -> Vec<Reference> {
        known()
            .iter()
            .filter_map(|setting| match self.values.get(setting.name) {
                Some(Value::Given(text)) => {
                    let name = ParameterName::parse(text.trim().strip_prefix("ssm:")?).ok()?;
                    Some(Reference { setting: setting.name, name })
                }
                _ => None,
            })
            .collect()
    }

    /// Puts the parameter's text in the place of every reference to it. The text is taken as it is: it refers to
    /// nothing further.
    #[must_use]
    pub fn with_fetched(mut self, name: &ParameterName, text: &str) -> Self {
        for reference in self.references() {
            if reference.name == *name {
                let fetched = Value::Fetched(text.trim().to_owned());
                self.values.insert(reference.setting.to_owned(), fetched);
            }
        }
        self
    }

    /// Checks all of it for a terminal; reads what stands in files.
    pub fn parse(self) -> Result<Settings, SettingsError> {
        parse::settings(self.resolve(), parse::For::Terminal)
    }

    /// Checks all of it for the Lambda, where failures must reach someone: the topic is required.
    pub fn parse_for_lambda(self) -> Result<Settings, SettingsError> {
        parse::settings(self.resolve(), parse::For::Lambda)
    }

    fn resolve(self) -> parse::Resolved {
        let mut resolved =
            parse::Resolved { endpoint: self.endpoint, ..parse::Resolved::default() };
        for (name, value) in self.values {
            let Some(setting) = known().iter().find(|setting| setting.name == name) else {
                // Not what it holds: it is none of ours to show.
                let name = shown(&name);
                resolved.faults.push(Fault {
                    problem: "there is no such setting".to_owned(),
                    accepted: format!("`{}`, which is the nearest", nearest(&name)),
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
                Err((read, problem)) => {
                    resolved.unread.push(setting.name);
                    resolved.faults.push(Fault::of(setting, read.as_deref(), problem));
                }
            }
        }
        resolved
    }
}

impl Value {
    /// The text itself; else what was read and why it is of no use.
    fn text(self) -> Result<String, (Option<String>, String)> {
        let given = match self {
            Self::Fetched(text) => return Ok(text),
            Self::NotUnicode => return Err((None, "not text in UTF-8".to_owned())),
            Self::Given(text) => text.trim().to_owned(),
        };
        if let Some(name) = given.strip_prefix("ssm:") {
            let problem = match ParameterName::parse(name) {
                Ok(_) => "the parameter was not fetched".to_owned(),
                Err(invalid) => {
                    format!("`ssm:` is followed by the name of a parameter, and {invalid}")
                }
            };
            return Err((Some(given), problem));
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
        return Err(std::io::Error::other("it has over a mebibyte"));
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
    fn a_value_in_parameter_store_is_asked_for_and_taken() {
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
        let problems: Vec<&str> = faults.iter().map(|fault| fault.problem.as_str()).collect();
        assert_eq!(
            problems,
            [
                "`ssm:` is followed by the name of a parameter, and the name is empty",
                "the parameter was not fetched",
                "the parameter was not fetched",
            ]
        );
    }

    #[test]
    fn a_fetched_text_refers_to_nothing_further() {
        let name = ParameterName::parse("/a").expect("a name");
        let settings = raw(&[("REPLICATOR_ROUTES", "ssm:/a")]).with_fetched(&name, "ssm:/b");
        assert!(settings.references().is_empty());
        let faults = settings.parse().expect_err("no route").faults;
        assert_eq!(faults[0].read.as_deref(), Some("ssm:/b"));
    }

    #[test]
    fn a_file_is_read_or_a_fault() {
        let path = std::env::temp_dir().join(format!("routes-{}", std::process::id()));
        std::fs::write(&path, "us-east-2=us-east-1\n").expect("a file");
        let reference = format!("file:{}", path.display());
        let settings = raw(&[("REPLICATOR_ROUTES", &reference)]).parse();
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(settings.expect("settings").routes.iter().count(), 1);

        let faults = raw(&[("REPLICATOR_ROUTES", &reference)]).parse().expect_err("gone").faults;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].problem.starts_with("the file cannot be read: "), "{faults:?}");
    }
}
