//! Reads attributes and tags of single parameters by name.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ssm::types::{ParameterStringFilter, ResourceTypeForTagging};

use super::history::latest;
use super::list::{LIST_PAGE, WriterNames, next_token, page, row, tags_by_arn};
use super::read::{ByName, LAG_PAUSE};
use crate::aws::{Session, cause, code, complete_response, missing_member};
use crate::concurrency::in_parallel;
use crate::domain::{Cause, FailureKind, ParameterName, Region, Tags, Version};
use crate::parameters::model::{Observed, Parameter};

/// SSM takes at most 50 values in a filter of DescribeParameters.
const NAMES_PER_FILTER: usize = 50;
/// What the calls about tags answer for a parameter that does not exist.
pub(super) const NO_SUCH_RESOURCE: &str = "InvalidResourceId";
/// The number of attempts until a list shows a version that was read by name.
const LIST_LAG_TRIES: usize = 4;

/// Attributes and tags of parameters whose versions were read by name. Absent parameters are `Ok(None)`; a parameter that
/// could be read only in part is an error.
pub(in crate::parameters) async fn by_name(
    session: &Session,
    region: &Region,
    read_versions: ByName<Version>,
) -> ByName<Observed> {
    by_name_knowing(session, region, read_versions, BTreeMap::new()).await
}

/// Like [`by_name`], with rows that a list showed already. Attributes change only with the version, so a row of the version
/// that was read is not read again.
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

/// The parameters that DescribeParameters showed, each with its attributes or the cause of a failure.
type DescribedByName = BTreeMap<ParameterName, Result<Parameter, Cause>>;

/// Attributes of parameters that a read by name found. DescribeParameters lags, so the hub asks again until the list shows
/// at least the version that was read.
async fn described(
    session: &Session,
    region: &Region,
    mut present: BTreeMap<ParameterName, Version>,
) -> DescribedByName {
    let mut described = DescribedByName::new();
    for attempt in 0..LIST_LAG_TRIES {
        if present.is_empty() {
            break;
        }
        if attempt > 0 {
            tokio::time::sleep(LAG_PAUSE).await;
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
            "ssm:DescribeParameters in {region} does not yet show version {}",
            version.number
        );
        (name, Err(Cause::new(FailureKind::Unavailable, message)))
    }));
    described
}

/// Moves the parameters that DescribeParameters shows from `awaited` to `described`. AWS filters each page after it cut the
/// page, so a few names in an account of thousands would need hundreds of pages. After as many pages as names, the hub
/// reads the rest from their histories, one or two calls each.
async fn describe(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
    awaited: &mut BTreeMap<ParameterName, Version>,
    described: &mut DescribedByName,
) -> Result<(), Cause> {
    let filter = ParameterStringFilter::builder()
        .key("Name")
        .option("Equals")
        .set_values(Some(names.iter().map(ToString::to_string).collect()))
        .build()
        .map_err(|error| {
            let message = format!("internal error: a filter without a key: {error}");
            Cause::new(FailureKind::Bug, message)
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
        token = next_token("ssm:DescribeParameters", session, region, token.as_deref(), next)?;
    }
    describe_by_history(session, region, names, awaited, described).await;
    Ok(())
}

/// Moves the parameters that are still awaited to `described`, by their histories.
async fn describe_by_history(
    session: &Session,
    region: &Region,
    names: &[ParameterName],
    awaited: &mut BTreeMap<ParameterName, Version>,
    described: &mut DescribedByName,
) {
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
}

/// Whether a row shows the version that was read by name, or a later one. A number returns after a deletion, but a deletion
/// and a create take longer than the dates of one version can differ.
fn shows(row: &Parameter, read: Version) -> bool {
    const SAME: Duration = Duration::from_secs(1);
    row.version > read.number
        || row.version == read.number && read.modified.since(row.modified) < SAME
}

/// All tags of one parameter; `None` if the parameter does not exist. If an answer lacks the list of tags, the hub asks the
/// Tagging API instead.
///
/// # Errors
/// What ListTagsForResource answered, or that neither API answers with the tags.
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
                let lacks = missing_member("ssm:ListTagsForResource", &place, "the list of tags");
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
