//! Single parameters by name. What is written or deleted is read so first.
//!
//! Existence and version are read without decryption, since one bad key fails all ten
//! names of a call; values with it, grouped by key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ssm::types::{
    Parameter as SdkParameter, ParameterStringFilter, ResourceTypeForTagging,
};

use super::history::latest;
use super::list::{LIST_PAGE, WriterNames, following, page, row, tags_by_arn};
use crate::aws::{Session, cause, code, complete_response, missing_member, naming_key, timestamp};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, FailureKind, ParameterName, Region, SecretText, Tags, Version};
use crate::parameters::model::{Observed, Parameter};

/// SSM takes at most 10 names per GetParameters or DeleteParameters call.
pub(in crate::parameters) const NAMES_PER_CALL: usize = 10;
/// SSM takes at most 50 values in a filter of DescribeParameters.
const NAMES_PER_FILTER: usize = 50;
/// What the calls about tags answer of a parameter that is not there.
pub(in crate::parameters) const NO_SUCH_RESOURCE: &str = "InvalidResourceId";
/// How often, and how far apart, a list is asked again that does not yet show what a read by name did.
const LIST_LAG_TRIES: usize = 4;
const LIST_LAG_PAUSE: Duration = Duration::from_secs(1);

/// What came of reading one name: absent is `Ok(None)`. What is there has its name as it is spelled there.
pub(in crate::parameters) type ByName<T> = BTreeMap<ParameterName, Result<Option<T>, Cause>>;

/// A value, and the version that it is the value of.
#[derive(Clone, Debug)]
pub(in crate::parameters) struct Valued {
    /// The value; without decryption, whatever AWS showed in its place.
    pub(in crate::parameters) text: SecretText,
    /// Its version.
    pub(in crate::parameters) version: Version,
}

/// Attributes and tags of parameters whose versions were read by name. Absent ones are `Ok(None)`; a name that could
/// be read only in part is an error.
pub(in crate::parameters) async fn by_name(
    session: &Session,
    region: &Region,
    read_versions: ByName<Version>,
) -> ByName<Observed> {
    by_name_knowing(session, region, read_versions, BTreeMap::new()).await
}

/// The same, where a list showed some of them already: an attribute changes only with the version, so that of a version
/// that was both listed and read none is asked for again.
pub(in crate::parameters) async fn by_name_knowing(
    session: &Session,
    region: &Region,
    read_versions: ByName<Version>,
    mut listed: BTreeMap<ParameterName, Parameter>,
) -> ByName<Observed> {
    let mut read = BTreeMap::new();
    let mut present = BTreeMap::new();
    listed.retain(|name, parameter| {
        matches!(read_versions.get(name), Some(Ok(Some(now))) if *now == parameter.version())
    });
    for (name, version) in read_versions {
        match version {
            Ok(Some(_)) if listed.contains_key(&name) => {}
            Ok(Some(version)) => drop(present.insert(name, version)),
            Ok(None) => drop(read.insert(name, Ok(None))),
            Err(cause) => drop(read.insert(name, Err(cause))),
        }
    }
    let mut attributes = described(session, region, present).await;
    attributes.extend(listed.into_iter().map(|(name, parameter)| (name, Ok(parameter))));
    let tagged = attributes.into_iter().map(|(name, parameter)| async move {
        let observed = match parameter {
            Err(cause) => Err(cause),
            Ok(parameter) => match tags(session, region, &name).await {
                Ok(Some(tags)) => Ok(Some(Observed::new(parameter, tags))),
                Ok(None) => Ok(None),
                Err(cause) => Err(cause),
            },
        };
        (name, observed)
    });
    read.extend(in_parallel(tagged).await);
    read
}

/// Attributes of parameters that a read by name found. DescribeParameters filters each page after paging, and lags:
/// it is read on until all names are seen in at least the version that was read, and asked again a few times.
async fn described(
    session: &Session,
    region: &Region,
    mut present: BTreeMap<ParameterName, Version>,
) -> BTreeMap<ParameterName, Result<Parameter, Cause>> {
    let mut described = BTreeMap::new();
    for attempt in 0..LIST_LAG_TRIES {
        if present.is_empty() {
            break;
        }
        if attempt > 0 {
            tokio::time::sleep(LIST_LAG_PAUSE).await;
        }
        let names: Vec<ParameterName> = present.keys().cloned().collect();
        for names in names.chunks(NAMES_PER_FILTER) {
            if let Err(cause) = describe(session, region, names, &mut present, &mut described).await
            {
                for name in names {
                    if present.remove(name).is_some() {
                        described.insert(name.clone(), Err(cause.clone()));
                    }
                }
            }
        }
    }
    described.extend(present.into_iter().map(|(name, version)| {
        let message = format!(
            "ssm:DescribeParameters in {region} does not show its version {} yet",
            version.number
        );
        (name, Err(Cause::new(FailureKind::Unavailable, message)))
    }));
    described
}

/// Moves what DescribeParameters shows of `names` from `awaited` to `described`. It leaves names out of each page only
/// once the page is made, so that a few names in an account of thousands would cost hundreds of pages: after as many
/// pages as there are names, the rest are read by their histories, one or two calls each.
async fn describe(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
    awaited: &mut BTreeMap<ParameterName, Version>,
    described: &mut BTreeMap<ParameterName, Result<Parameter, Cause>>,
) -> Result<(), Cause> {
    let filter = ParameterStringFilter::builder()
        .key("Name")
        .option("Equals")
        .set_values(Some(names.iter().map(ToString::to_string).collect()))
        .build()
        .map_err(|error| {
            Cause::new(FailureKind::Bug, format!("a filter without a key: {error}"))
        })?;
    let request =
        session.ssm(region).describe_parameters().parameter_filters(filter).max_results(LIST_PAGE);
    let mut writers = WriterNames::default();
    let mut token = None;
    for _ in 0..names.len() {
        if !names.iter().any(|name| awaited.contains_key(name)) {
            return Ok(());
        }
        let request = request.clone().set_next_token(token.clone());
        let (listed, next) = page(session, region, request).await?;
        for listed in listed {
            let parameter = row(session, region, listed, &mut writers)?;
            if awaited.get(&parameter.name).is_some_and(|read| shows(&parameter, *read)) {
                awaited.remove(&parameter.name);
                described.insert(parameter.name.clone(), Ok(parameter));
            }
        }
        if next.is_none() {
            return Ok(());
        }
        token = following("ssm:DescribeParameters", session, region, token.as_deref(), next)?;
    }
    let rest = names.iter().filter(|name| awaited.contains_key(*name));
    let rest = rest.map(|name| async move { (name, latest(session, region, name).await) });
    for (name, read) in in_parallel(rest.collect::<Vec<_>>()).await {
        let shows =
            |parameter: &Parameter| awaited.get(name).is_some_and(|read| shows(parameter, *read));
        match read {
            Ok(parameter) => {
                if let Some(parameter) = parameter.filter(shows) {
                    awaited.remove(name);
                    described.insert(name.clone(), Ok(parameter));
                }
            }
            Err(cause) => {
                awaited.remove(name);
                described.insert(name.clone(), Err(cause));
            }
        }
    }
    Ok(())
}

/// Whether a row is of a version that was read by name, or of a later one. A number comes again where a parameter was
/// deleted and created anew, which takes longer than any two dates of one version differ.
fn shows(row: &Parameter, read: Version) -> bool {
    const SAME: Duration = Duration::from_secs(1);
    row.version > read.number
        || row.version == read.number && read.modified.since(row.modified) < SAME
}

/// The versions of parameters by name, 10 a call, without decryption.
pub(in crate::parameters) async fn versions(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
) -> ByName<Version> {
    only_versions(get(session, region, &latest_of(names), false).await)
}

/// The same of older versions, each by its number: what lies under a version that was just written. A version that AWS
/// does not keep is absent. botocore documents `NAME:NUMBER` for GetParameters.
pub(in crate::parameters) async fn numbered_versions(
    session: &Session,
    region: &Region,
    wanted: &[(ParameterName, i64)],
) -> ByName<Version> {
    let asked: Vec<NameSelector> = wanted
        .iter()
        .map(|(name, number)| NameSelector { name: name.clone(), number: Some(*number) })
        .collect();
    only_versions(get(session, region, &asked, false).await)
}

fn only_versions(read: ByName<Valued>) -> ByName<Version> {
    let version = |valued: Valued| valued.version;
    read.into_iter().map(|(name, read)| (name, read.map(|read| read.map(version)))).collect()
}

/// A parameter's latest version, or the one with a number.
#[derive(Clone)]
struct NameSelector {
    name: ParameterName,
    number: Option<i64>,
}

impl NameSelector {
    fn selector(&self) -> String {
        match self.number {
            Some(number) => format!("{}:{number}", self.name.as_str()),
            None => self.name.to_string(),
        }
    }

    /// Whether this is what `invalid` names: the selector as it was sent, or the name in either spelling of a root name.
    fn is_named_by(&self, invalid: &str) -> bool {
        let name = invalid.split_once(':').map_or(invalid, |(name, _)| name);
        ParameterName::new(name) == self.name
    }
}

fn latest_of(names: &[ParameterName]) -> Vec<NameSelector> {
    names.iter().map(|name| NameSelector { name: name.clone(), number: None }).collect()
}

/// The values of parameters by name and key, 10 a call of one key each, decrypted. A refused call is made again name
/// by name, so that a bad key is only its own parameters' failure.
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

async fn get(
    session: &Session,
    region: &Region,
    asked: &[NameSelector],
    decrypt: bool,
) -> ByName<Valued> {
    let calls = asked.chunks(NAMES_PER_CALL).map(|asked| async move {
        match get_at_once(session, region, asked, decrypt).await {
            Err(cause) if asked.len() > 1 && !cause.kind.may_pass() => {
                let mut singly = ByName::new();
                for one in asked.chunks(1) {
                    let read = get_at_once(session, region, one, decrypt).await;
                    singly.extend(read.unwrap_or_else(|cause| failed(one, &cause)));
                }
                singly
            }
            Err(cause) => failed(asked, &cause),
            Ok(read) => read,
        }
    });
    in_parallel(calls).await.into_iter().flatten().collect()
}

fn failed<T>(asked: &[NameSelector], cause: &Cause) -> ByName<T> {
    asked.iter().map(|asked| (asked.name.clone(), Err(cause.clone()))).collect()
}

async fn get_at_once(
    session: &Session,
    region: &Region,
    asked: &[NameSelector],
    decrypt: bool,
) -> Result<ByName<Valued>, Cause> {
    let all: Vec<&NameSelector> = asked.iter().collect();
    let mut read = answered(session, region, &all, decrypt).await?;
    let is_open = |read: &ByName<Valued>, asked: &NameSelector| !read.contains_key(&asked.name);
    let open: Vec<&NameSelector> = asked.iter().filter(|asked| is_open(&read, asked)).collect();
    if open.is_empty() {
        return Ok(read);
    }
    // Neither there nor stated to be absent: asked once more.
    tokio::time::sleep(LIST_LAG_PAUSE).await;
    let again = answered(session, region, &open, decrypt).await;
    let refused = again.as_ref().err().cloned();
    read.extend(again.unwrap_or_default());
    for asked in open {
        if is_open(&read, asked) {
            let cause = refused.clone().unwrap_or_else(|| {
                let place = session.location(region);
                let text =
                    format!("ssm:GetParameters gave no answer in {place} for {}", asked.name);
                Cause::new(FailureKind::Unavailable, text)
            });
            read.insert(asked.name.clone(), Err(cause));
        }
    }
    Ok(read)
}

/// What one call says of the names: those that are there, and those that it states to be absent.
async fn answered(
    session: &Session,
    region: &Region,
    asked: &[&NameSelector],
    decrypt: bool,
) -> Result<ByName<Valued>, Cause> {
    let request = session
        .ssm(region)
        .get_parameters()
        .set_names(Some(asked.iter().map(|asked| asked.selector()).collect()))
        .with_decryption(decrypt);
    let answer = request
        .send()
        .await
        .map_err(|error| cause("ssm:GetParameters", &session.location(region), &error))?;
    let invalid = answer.invalid_parameters.unwrap_or_default();
    let is_absent = |asked: &NameSelector| invalid.iter().any(|invalid| asked.is_named_by(invalid));
    let absent = asked.iter().filter(|asked| is_absent(asked));
    let mut read: ByName<Valued> = absent.map(|asked| (asked.name.clone(), Ok(None))).collect();
    for parameter in answer.parameters.unwrap_or_default() {
        if let Some((name, valued)) = valued(parameter) {
            // An equal key would stay as it is, in the spelling that was asked for.
            read.remove(&name);
            read.insert(name, Ok(Some(valued)));
        }
    }
    Ok(read)
}

/// What a call shows of a parameter; `None` where it lacks what every parameter has.
fn valued(read: SdkParameter) -> Option<(ParameterName, Valued)> {
    let number = Some(read.version).filter(|number| *number > 0)?;
    let version = Version { number, modified: timestamp(&read.last_modified_date?) };
    let text = SecretText::new(read.value?);
    read.r#type?;
    Some((ParameterName::new(&read.name?), Valued { text, version }))
}

/// All tags of one parameter; `None` where the parameter does not exist. If an answer lacks its list of tags, the hub asks
/// the Tagging API instead.
///
/// # Errors
/// What ListTagsForResource answered, or that neither API says which tags there are.
pub(in crate::parameters) async fn tags(
    session: &Session,
    region: &Region,
    name: &ParameterName,
) -> Result<Option<Tags>, Cause> {
    let request = session
        .ssm(region)
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name.as_str());
    match complete_response(|| request.clone().send(), |answer| answer.tag_list.is_some()).await {
        Ok(answer) => match answer.and_then(|answer| answer.tag_list) {
            Some(tags) => Ok(Some(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())),
            None => tags_by_arn(session, region, name).await.map(Some).map_err(|cause| {
                let place = session.location(region);
                let lacks = missing_member("ssm:ListTagsForResource", &place, "its list of tags");
                Cause { message: format!("{}; {}", lacks.message, cause.message), ..cause }
            }),
        },
        Err(error) if code(&error) == Some(NO_SUCH_RESOURCE) => Ok(None),
        Err(error) => Err(cause("ssm:ListTagsForResource", &session.location(region), &error)),
    }
}

/// The tags of several parameters.
pub(in crate::parameters) async fn tags_of(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
) -> ByName<Tags> {
    let calls =
        names.iter().map(|name| async move { (name.clone(), tags(session, region, name).await) });
    in_parallel(calls).await.into_iter().collect()
}
