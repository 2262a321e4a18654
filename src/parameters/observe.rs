//! Reads parameters: whole locations by lists, single ones by name.
//!
//! Lists are hints, the Tagging API's most: they say what is surely in sync and where to look. What is written or
//! deleted is read by name first. Existence and version are read without decryption, since one bad key fails all ten
//! names of a call; values with it, grouped by key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::model::{Lender, Listing, Observed, Parameter, TEXT, Tier, ValueType, Version};
use super::policies::Policies;
use crate::aws::{Session, at_once, cause, code, naming_key};
use crate::domain::{
    Cause, FailureKind, MARK_KEY, MARK_VALUE, ParameterName, Region, SecretText, Tags, Timestamp,
};
use aws_sdk_ssm::types::{
    Parameter as Read, ParameterHistory, ParameterMetadata, ParameterStringFilter, ParameterTier,
    ParameterType, ResourceTypeForTagging,
};

/// SSM gives at most 50 parameters per DescribeParameters call.
const LIST_PAGE: i32 = 50;
/// The Tagging API gives at most 100 resources per GetResources call.
const TAG_PAGE: i32 = 100;
/// SSM takes at most 10 names per GetParameters or DeleteParameters call.
pub(super) const NAMES_PER_CALL: usize = 10;
/// SSM takes at most 50 values in a filter of DescribeParameters.
const NAMES_PER_FILTER: usize = 50;
/// What the calls about tags answer of a parameter that is not there.
pub(super) const NO_SUCH_RESOURCE: &str = "InvalidResourceId";
/// How often, and how far apart, a list is asked again that does not yet show what a read by name did.
const LIST_LAG_TRIES: usize = 4;
const LIST_LAG_PAUSE: Duration = Duration::from_secs(1);

/// What came of reading one name: absent is `Ok(None)`. What is there has its name as it is spelled there.
pub(super) type ByName<T> = BTreeMap<ParameterName, Result<Option<T>, Cause>>;

/// A value, and the version that it is the value of.
#[derive(Clone, Debug)]
pub(super) struct Valued {
    /// The value; without decryption, whatever AWS showed in its place.
    pub(super) text: SecretText,
    /// Its version.
    pub(super) version: Version,
    /// Whether it is encrypted.
    pub(super) secure: bool,
}

/// All parameters of a Region and all their tags, as the lists show them: ⌈n/50⌉ and ⌈tagged/100⌉ calls, at least one
/// of each, both kinds at once.
///
/// # Errors
/// Whatever cut the list: half a list is none.
pub(super) async fn list(session: &Session, region: &Region) -> Result<Listing, Cause> {
    let (parameters, mut tags) =
        futures::try_join!(list_parameters(session, region), list_tags(session, region, false))?;
    Ok(parameters
        .into_iter()
        .map(|parameter| {
            let tags = tags.remove(&parameter.name).unwrap_or_default();
            (parameter.name.clone(), Observed { parameter, tags })
        })
        .collect())
}

async fn list_parameters(session: &Session, region: &Region) -> Result<Vec<Parameter>, Cause> {
    let mut pages =
        session.ssm(region).describe_parameters().max_results(LIST_PAGE).into_paginator().send();
    let mut parameters = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page
            .map_err(|error| cause("ssm:DescribeParameters", &session.location(region), &error))?;
        let listed = page.parameters.unwrap_or_default();
        session.keep(listed.len()).await;
        parameters.extend(listed.into_iter().filter_map(|m| attributes(session, m)));
    }
    Ok(parameters)
}

async fn list_tags(
    session: &Session,
    region: &Region,
    marked_only: bool,
) -> Result<BTreeMap<ParameterName, Tags>, Cause> {
    let marked = aws_sdk_resourcegroupstagging::types::TagFilter::builder()
        .key(MARK_KEY)
        .values(MARK_VALUE)
        .build();
    let mut pages = session
        .tagging(region)
        .get_resources()
        .resource_type_filters("ssm:parameter")
        .set_tag_filters(marked_only.then(|| vec![marked]))
        .resources_per_page(TAG_PAGE)
        .into_paginator()
        .send();
    let mut tags = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| cause("tag:GetResources", &session.location(region), &error))?;
        for resource in page.resource_tag_mapping_list.unwrap_or_default() {
            // An ARN does not tell whether a root name has a slash, and names compare without it.
            let Some((_, key)) =
                resource.resource_arn.as_deref().and_then(|arn| arn.split_once(":parameter/"))
            else {
                continue;
            };
            let pairs = resource
                .tags
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect();
            tags.insert(ParameterName::new(key), pairs);
        }
    }
    Ok(tags)
}

/// The tags of every marked parameter of a Region, by the Tagging API: what the brake counts replicas by.
///
/// # Errors
/// Whatever cut the list.
pub(super) async fn marked(
    session: &Session,
    region: &Region,
) -> Result<BTreeMap<ParameterName, Tags>, Cause> {
    list_tags(session, region, true).await
}

/// Attributes and tags of parameters whose versions were read by name. Absent ones are `Ok(None)`; a name that could
/// be read only in part is an error.
pub(super) async fn by_name(
    session: &Session,
    region: &Region,
    read_versions: ByName<Version>,
) -> ByName<Observed> {
    let mut read = BTreeMap::new();
    let mut present = BTreeMap::new();
    for (name, version) in read_versions {
        match version {
            Ok(Some(version)) => drop(present.insert(name, version)),
            Ok(None) => drop(read.insert(name, Ok(None))),
            Err(cause) => drop(read.insert(name, Err(cause))),
        }
    }
    let attributes = described(session, region, present).await;
    let tagged = attributes.into_iter().map(|(name, parameter)| async move {
        let observed = match parameter {
            Err(cause) => Err(cause),
            Ok(parameter) => match tags(session, region, &name).await {
                Ok(Some(tags)) => Ok(Some(Observed { parameter, tags })),
                Ok(None) => Ok(None),
                Err(cause) => Err(cause),
            },
        };
        (name, observed)
    });
    read.extend(at_once(tagged).await);
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
    let place = session.location(region);
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
    let mut pages = request.into_paginator().send();
    for _ in 0..names.len() {
        if !names.iter().any(|name| awaited.contains_key(name)) {
            return Ok(());
        }
        let Some(page) = pages.next().await else { return Ok(()) };
        let page = page.map_err(|error| cause("ssm:DescribeParameters", &place, &error))?;
        for parameter in
            page.parameters.unwrap_or_default().into_iter().filter_map(|m| attributes(session, m))
        {
            if awaited.get(&parameter.name).is_some_and(|read| read.number <= parameter.version) {
                awaited.remove(&parameter.name);
                described.insert(parameter.name.clone(), Ok(parameter));
            }
        }
    }
    let rest = names.iter().filter(|name| awaited.contains_key(*name));
    let rest = rest.map(|name| async move { (name, latest(session, region, name).await) });
    for (name, read) in at_once(rest.collect::<Vec<_>>()).await {
        let shows = |parameter: &Parameter| {
            awaited.get(name).is_some_and(|read| read.number <= parameter.version)
        };
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

/// A parameter as the last version of its history shows it; `None` where there is no such parameter.
async fn latest(
    session: &Session,
    region: &Region,
    name: &ParameterName,
) -> Result<Option<Parameter>, Cause> {
    let request = session.ssm(region).get_parameter_history().name(name.as_str());
    let mut pages = request.max_results(LIST_PAGE).into_paginator().send();
    let mut last: Option<ParameterHistory> = None;
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) if code(&error) == Some("ParameterNotFound") => return Ok(None),
            Err(error) => {
                return Err(cause("ssm:GetParameterHistory", &session.location(region), &error));
            }
        };
        last = page
            .parameters
            .unwrap_or_default()
            .into_iter()
            .chain(last)
            .max_by_key(|one| one.version);
    }
    Ok(last.and_then(|last| attributes(session, as_listed(last))))
}

/// A version as a list would show it.
fn as_listed(version: ParameterHistory) -> ParameterMetadata {
    ParameterMetadata::builder()
        .set_name(version.name)
        .set_type(version.r#type)
        .version(version.version)
        .set_last_modified_date(version.last_modified_date)
        .set_last_modified_user(version.last_modified_user)
        .set_description(version.description)
        .set_allowed_pattern(version.allowed_pattern)
        .set_tier(version.tier)
        .set_policies(version.policies)
        .set_data_type(version.data_type)
        .set_key_id(version.key_id)
        .build()
}

/// The versions of parameters by name, 10 a call, without decryption.
pub(super) async fn versions(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
) -> ByName<Version> {
    let read = get(session, region, names, false).await;
    read.into_iter()
        .map(|(name, read)| (name, read.map(|valued| valued.map(|valued| valued.version))))
        .collect()
}

/// The parameters, by name, that lend their values to others.
pub(super) async fn lenders(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
) -> ByName<Lender> {
    let read = get(session, region, names, false).await;
    let lender = |read: Valued| Lender { version: read.version, secure: read.secure };
    read.into_iter().map(|(name, read)| (name, read.map(|read| read.map(lender)))).collect()
}

/// The values of parameters by name and key, 10 a call of one key each, decrypted. A refused call is made again name
/// by name, so that a bad key is only its own parameters' failure.
pub(super) async fn values<'a>(
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
        let read = get(session, region, &names, true).await;
        let named = |read: Result<_, Cause>| read.map_err(|cause| naming_key(cause, key, region));
        read.into_iter().map(|(name, read)| (name, named(read))).collect::<ByName<_>>()
    });
    at_once(groups).await.into_iter().flatten().collect()
}

async fn get(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
    decrypt: bool,
) -> ByName<Valued> {
    let calls = names.chunks(NAMES_PER_CALL).map(|names| async move {
        match get_at_once(session, region, names, decrypt).await {
            Err(cause) if names.len() > 1 && !cause.kind.may_pass() => {
                let mut singly = ByName::new();
                for name in names.chunks(1) {
                    let read = get_at_once(session, region, name, decrypt).await;
                    singly.extend(read.unwrap_or_else(|cause| failed(name, &cause)));
                }
                singly
            }
            Err(cause) => failed(names, &cause),
            Ok(read) => read,
        }
    });
    at_once(calls).await.into_iter().flatten().collect()
}

fn failed<T>(names: &[ParameterName], cause: &Cause) -> ByName<T> {
    names.iter().map(|name| (name.clone(), Err(cause.clone()))).collect()
}

async fn get_at_once(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
    decrypt: bool,
) -> Result<ByName<Valued>, Cause> {
    let request = session
        .ssm(region)
        .get_parameters()
        .set_names(Some(names.iter().map(ToString::to_string).collect()))
        .with_decryption(decrypt);
    let answer = request
        .send()
        .await
        .map_err(|error| cause("ssm:GetParameters", &session.location(region), &error))?;
    let mut read: ByName<Valued> = names.iter().map(|name| (name.clone(), Ok(None))).collect();
    for parameter in answer.parameters.unwrap_or_default() {
        if let Some((name, valued)) = valued(parameter) {
            // An equal key would stay as it is, in the spelling that was asked for.
            read.remove(&name);
            read.insert(name, Ok(Some(valued)));
        }
    }
    Ok(read)
}

fn valued(read: Read) -> Option<(ParameterName, Valued)> {
    let version =
        Version { number: read.version, modified: Timestamp::from_aws(&read.last_modified_date?) };
    let text = SecretText::new(read.value.unwrap_or_default());
    let secure = read.r#type == Some(ParameterType::SecureString);
    Some((ParameterName::new(&read.name?), Valued { text, version, secure }))
}

/// All tags of one parameter; `None` where there is no such parameter.
///
/// # Errors
/// What ListTagsForResource answered.
pub(super) async fn tags(
    session: &Session,
    region: &Region,
    name: &ParameterName,
) -> Result<Option<Tags>, Cause> {
    let request = session
        .ssm(region)
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name.as_str());
    match request.send().await {
        Ok(answer) => Ok(Some(
            answer
                .tag_list
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect(),
        )),
        Err(error) if code(&error) == Some(NO_SUCH_RESOURCE) => Ok(None),
        Err(error) => Err(cause("ssm:ListTagsForResource", &session.location(region), &error)),
    }
}

/// The tags of several parameters.
pub(super) async fn tags_of(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
) -> ByName<Tags> {
    let calls =
        names.iter().map(|name| async move { (name.clone(), tags(session, region, name).await) });
    at_once(calls).await.into_iter().collect()
}

/// Every location's list at once, each location once.
pub(super) async fn lists(
    session: &Session,
    regions: BTreeSet<&Region>,
) -> BTreeMap<Region, Result<Listing, Cause>> {
    let all = regions
        .into_iter()
        .map(|region| async move { (region.clone(), list(session, region).await) });
    futures::future::join_all(all).await.into_iter().collect()
}

fn attributes(session: &Session, listed: ParameterMetadata) -> Option<Parameter> {
    let value_type = match listed.r#type? {
        ParameterType::String => ValueType::String,
        ParameterType::StringList => ValueType::StringList,
        ParameterType::SecureString => ValueType::SecureString,
        _ => ValueType::Unknown,
    };
    let tier = match listed.tier {
        Some(ParameterTier::Advanced) => Tier::Advanced,
        Some(ParameterTier::IntelligentTiering) => Tier::IntelligentTiering,
        _ => Tier::Standard,
    };
    let text =
        |text: Option<String>| text.filter(|text| !text.is_empty()).map(String::into_boxed_str);
    Some(Parameter {
        name: ParameterName::new(&listed.name?),
        value_type,
        version: listed.version,
        modified: Timestamp::from_aws(&listed.last_modified_date?),
        written_by_spoke: listed.last_modified_user.is_some_and(|arn| is_spoke(session, &arn)),
        description: text(listed.description),
        pattern: text(listed.allowed_pattern),
        tier,
        policies: Policies::new(listed.policies.unwrap_or_default().iter().filter_map(|policy| {
            let finished = policy.policy_status.as_deref() == Some("Finished");
            Some((policy.policy_text.as_deref()?, finished))
        })),
        data_type: text(listed.data_type).unwrap_or_else(|| TEXT.into()),
        key: text(listed.key_id),
    })
}

/// Whether `arn` is the spoke role's in this account: `arn:aws:sts::111122223333:assumed-role/ROLE/SESSION`.
fn is_spoke(session: &Session, arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, _, account, resource) = (parts.next(), parts.next(), parts.next(), parts.next());
    let mut path = resource.unwrap_or_default().split('/');
    service == Some("sts")
        && account == Some(session.account().as_str())
        && path.next() == Some("assumed-role")
        && path.next() == Some(session.role_name())
        && path.next().is_some()
        && path.next().is_none()
}
