//! Reads versions and values of single parameters by name, before the hub writes or deletes them.
//!
//! The hub reads existence and version without decryption, because one bad key fails all ten names of a call. It reads
//! values with decryption, grouped by key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ssm::types::Parameter as SdkParameter;

use crate::aws::{Session, cause, naming_key, timestamp};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, FailureKind, ParameterName, Region, SecretText, Version};

/// SSM takes at most 10 names per GetParameters or DeleteParameters call.
pub(in crate::parameters) const NAMES_PER_CALL: usize = 10;
/// The pause before the hub asks again what AWS does not show yet.
pub(super) const LAG_PAUSE: Duration = Duration::from_secs(1);

/// The result of a read for each name, in the spelling of AWS. Absent parameters are `Ok(None)`.
pub(in crate::parameters) type ByName<T> = BTreeMap<ParameterName, Result<Option<T>, Cause>>;

/// A value with its version.
#[derive(Clone, Debug)]
pub(in crate::parameters) struct Valued {
    /// The value; without decryption, whatever AWS shows in its place.
    pub(in crate::parameters) text: SecretText,
    /// The version that has this value.
    pub(in crate::parameters) version: Version,
}

/// The versions of parameters by name, 10 per call, without decryption.
pub(in crate::parameters) async fn versions(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
) -> ByName<Version> {
    only_versions(get(session, region, &latest_of(names), false).await)
}

/// The dates of numbered versions: the hub asks for the versions under those that it just wrote. A version that AWS no
/// longer keeps is absent. botocore documents `NAME:NUMBER` for GetParameters.
pub(in crate::parameters) async fn numbered_versions(
    session: &Session,
    region: &Region,
    wanted: &[(ParameterName, i64)],
) -> ByName<Version> {
    let selectors: Vec<NameSelector> = wanted
        .iter()
        .map(|(name, number)| NameSelector { name: name.clone(), number: Some(*number) })
        .collect();
    only_versions(get(session, region, &selectors, false).await)
}

fn only_versions(read: ByName<Valued>) -> ByName<Version> {
    let version = |valued: Valued| valued.version;
    read.into_iter().map(|(name, read)| (name, read.map(|read| read.map(version)))).collect()
}

/// The values of parameters by name, 10 names with one key per call, decrypted. The hub repeats a refused call name by
/// name, so that a bad key fails only its own parameters.
pub(in crate::parameters) async fn values<'a>(
    session: &Session,
    region: &Region,
    wanted: impl IntoIterator<Item = (&'a ParameterName, Option<&'a str>)>,
) -> ByName<Valued> {
    let mut by_key: BTreeMap<Option<&str>, BTreeSet<ParameterName>> = BTreeMap::new();
    for (name, key) in wanted {
        by_key.entry(key).or_default().insert(name.clone());
    }
    let groups = by_key.into_iter().map(|(key, names)| async move {
        let names: Vec<ParameterName> = names.into_iter().collect();
        let read = get(session, region, &latest_of(&names), true).await;
        let named = |read: Result<_, Cause>| read.map_err(|cause| naming_key(cause, key, region));
        read.into_iter().map(|(name, read)| (name, named(read))).collect::<ByName<_>>()
    });
    in_parallel(groups).await.into_iter().flatten().collect()
}

/// The latest version of a parameter, or the version with a number.
#[derive(Clone)]
struct NameSelector {
    name: ParameterName,
    number: Option<i64>,
}

impl NameSelector {
    fn text(&self) -> String {
        match self.number {
            Some(number) => format!("{}:{number}", self.name.as_str()),
            None => self.name.to_string(),
        }
    }

    /// Whether `invalid` names this selector: as it was sent, or with either spelling of a root name.
    fn is_named_by(&self, invalid: &str) -> bool {
        let name = invalid.split_once(':').map_or(invalid, |(name, _)| name);
        ParameterName::new(name) == self.name
    }
}

fn latest_of(names: &[ParameterName]) -> Vec<NameSelector> {
    names.iter().map(|name| NameSelector { name: name.clone(), number: None }).collect()
}

async fn get(
    session: &Session,
    region: &Region,
    selectors: &[NameSelector],
    decrypt: bool,
) -> ByName<Valued> {
    let calls = selectors.chunks(NAMES_PER_CALL).map(|selectors| async move {
        match get_together(session, region, selectors, decrypt).await {
            Err(cause) if selectors.len() > 1 && !cause.kind.may_succeed_later() => {
                let mut singly = ByName::new();
                for one in selectors.chunks(1) {
                    let read = get_together(session, region, one, decrypt).await;
                    singly.extend(read.unwrap_or_else(|cause| failed(one, &cause)));
                }
                singly
            }
            Err(cause) => failed(selectors, &cause),
            Ok(read) => read,
        }
    });
    in_parallel(calls).await.into_iter().flatten().collect()
}

fn failed<T>(selectors: &[NameSelector], cause: &Cause) -> ByName<T> {
    selectors.iter().map(|selector| (selector.name.clone(), Err(cause.clone()))).collect()
}

/// Reads up to ten names. A name that the answer neither shows nor calls invalid is read once more.
async fn get_together(
    session: &Session,
    region: &Region,
    selectors: &[NameSelector],
    decrypt: bool,
) -> Result<ByName<Valued>, Cause> {
    let all: Vec<&NameSelector> = selectors.iter().collect();
    let mut read = call(session, region, &all, decrypt).await?;
    let is_open =
        |read: &ByName<Valued>, selector: &NameSelector| !read.contains_key(&selector.name);
    let open: Vec<&NameSelector> =
        selectors.iter().filter(|selector| is_open(&read, selector)).collect();
    if open.is_empty() {
        return Ok(read);
    }
    tokio::time::sleep(LAG_PAUSE).await;
    let again = call(session, region, &open, decrypt).await;
    let refused = again.as_ref().err().cloned();
    read.extend(again.unwrap_or_default());
    for selector in open {
        if is_open(&read, selector) {
            let cause = refused.clone().unwrap_or_else(|| {
                let place = session.location(region);
                let message =
                    format!("ssm:GetParameters gave no answer in {place} for {}", selector.name);
                Cause::new(FailureKind::Unavailable, message)
            });
            read.insert(selector.name.clone(), Err(cause));
        }
    }
    Ok(read)
}

/// The answer of one call: the parameters that exist, and those that AWS states to be absent.
async fn call(
    session: &Session,
    region: &Region,
    selectors: &[&NameSelector],
    decrypt: bool,
) -> Result<ByName<Valued>, Cause> {
    let request = session
        .ssm(region)
        .get_parameters()
        .set_names(Some(selectors.iter().map(|selector| selector.text()).collect()))
        .with_decryption(decrypt);
    let answer = request
        .send()
        .await
        .map_err(|error| cause("ssm:GetParameters", &session.location(region), &error))?;
    let invalid = answer.invalid_parameters.unwrap_or_default();
    let is_absent =
        |selector: &NameSelector| invalid.iter().any(|invalid| selector.is_named_by(invalid));
    let absent = selectors.iter().filter(|selector| is_absent(selector));
    let mut read: ByName<Valued> =
        absent.map(|selector| (selector.name.clone(), Ok(None))).collect();
    for parameter in answer.parameters.unwrap_or_default() {
        if let Some((name, valued)) = valued(parameter) {
            // An insert keeps an equal key, so the entry is removed first: the map then has the spelling of AWS.
            read.remove(&name);
            read.insert(name, Ok(Some(valued)));
        }
    }
    Ok(read)
}

/// A parameter of an answer; `None` if a member that every parameter has is missing.
fn valued(read: SdkParameter) -> Option<(ParameterName, Valued)> {
    let number = Some(read.version).filter(|number| *number > 0)?;
    let version = Version { number, modified: timestamp(&read.last_modified_date?) };
    let text = SecretText::new(read.value?);
    read.r#type?;
    Some((ParameterName::new(&read.name?), Valued { text, version }))
}
