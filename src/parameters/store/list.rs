//! Lists whole locations. A list proves what is in sync and names what to look at. Lists lag, those of the Tagging API most.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use aws_sdk_resourcegroupstagging::operation::get_resources::GetResourcesOutput;
use aws_sdk_resourcegroupstagging::operation::get_resources::builders::GetResourcesFluentBuilder;
use aws_sdk_resourcegroupstagging::types::ResourceTagMapping;
use aws_sdk_ssm::operation::describe_parameters::builders::DescribeParametersFluentBuilder;
use aws_sdk_ssm::types::{ParameterMetadata, ParameterTier, ParameterType};

use crate::aws::{Session, cause, complete_response, missing_member, timestamp};
use crate::domain::{Cause, MARK_KEY, MARK_VALUE, ParameterName, Region, Tags};
use crate::parameters::model::{Listing, Observed, Parameter, TEXT, Tier, ValueType};
use crate::parameters::policies::Policies;

/// SSM returns at most 50 parameters per DescribeParameters call.
pub(super) const LIST_PAGE: i32 = 50;
/// The Tagging API returns at most 100 resources per GetResources call.
const TAG_PAGE: i32 = 100;

const DESCRIBE: &str = "ssm:DescribeParameters";
const RESOURCES: &str = "tag:GetResources";

/// The ARNs of writers, each stored once, because thousands of parameters have the same writer.
#[derive(Debug, Default)]
pub(super) struct WriterNames(HashSet<Arc<str>>);

impl WriterNames {
    /// The stored text of this ARN.
    pub(super) fn shared(&mut self, arn: &str) -> Arc<str> {
        if let Some(known) = self.0.get(arn) {
            return Arc::clone(known);
        }
        let arn: Arc<str> = arn.into();
        self.0.insert(Arc::clone(&arn));
        arn
    }
}

/// All parameters of a Region with their tags: ⌈n/50⌉ and ⌈tagged/100⌉ calls, at least one of each, both kinds in parallel.
///
/// # Errors
/// Why a list is not complete: the hub never uses a part of a list.
pub(in crate::parameters) async fn list(
    session: &Session,
    region: &Region,
) -> Result<Listing, Cause> {
    let (parameters, mut tags) =
        futures::try_join!(list_parameters(session, region), list_tags(session, region, false))?;
    Ok(parameters
        .into_iter()
        .map(|parameter| {
            let tags = tags.remove(&parameter.name).unwrap_or_default();
            (parameter.name.clone(), Observed::new(parameter, tags))
        })
        .collect())
}

async fn list_parameters(session: &Session, region: &Region) -> Result<Vec<Parameter>, Cause> {
    let mut parameters = Vec::new();
    let mut writers = WriterNames::default();
    let mut token = None;
    loop {
        let request = session.ssm(region).describe_parameters().max_results(LIST_PAGE);
        let (listed, next) = page(session, region, request.set_next_token(token.clone())).await?;
        session.reserve_memory(listed.len()).await;
        for listed in listed {
            parameters.push(row(session, region, listed, &mut writers)?);
        }
        if next.is_none() {
            return Ok(parameters);
        }
        token = next_token(DESCRIBE, session, region, token.as_deref(), next)?;
    }
}

/// One page of parameters, and the token of the next page.
///
/// # Errors
/// What DescribeParameters answered, or that its answers lack the list. A missing list is not an empty list.
pub(super) async fn page(
    session: &Session,
    region: &Region,
    request: DescribeParametersFluentBuilder,
) -> Result<(Vec<ParameterMetadata>, Option<String>), Cause> {
    let place = session.location(region);
    let answer = complete_response(|| request.clone().send(), |answer| answer.parameters.is_some())
        .await
        .map_err(|error| cause(DESCRIBE, &place, &error))?;
    let read = answer.and_then(|answer| Some((answer.parameters?, answer.next_token)));
    let (listed, next) = read.ok_or_else(|| missing_member(DESCRIBE, &place, "the list"))?;
    Ok((listed, next.filter(|token| !token.is_empty())))
}

/// The token of the next page.
///
/// # Errors
/// AWS returned the token of the present page again, which would never end.
pub(super) fn next_token(
    operation: &str,
    session: &Session,
    region: &Region,
    before: Option<&str>,
    next: Option<String>,
) -> Result<Option<String>, Cause> {
    if next.is_some() && next.as_deref() == before {
        let place = session.location(region);
        return Err(missing_member(operation, &place, "the token of a further page"));
    }
    Ok(next)
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
    let request = session
        .tagging(region)
        .get_resources()
        .resource_type_filters("ssm:parameter")
        .set_tag_filters(marked_only.then(|| vec![marked]))
        .resources_per_page(TAG_PAGE);
    let mut tags = BTreeMap::new();
    let mut token = None;
    loop {
        let request = request.clone().set_pagination_token(token.clone());
        let (listed, next) = tagged(session, region, request).await?;
        tags.extend(listed);
        if next.is_none() {
            return Ok(tags);
        }
        token = next_token(RESOURCES, session, region, token.as_deref(), next)?;
    }
}

/// One page of tagged parameters, and the token of the next page.
///
/// # Errors
/// What GetResources answered, or that its answers lack the list or the tags of a parameter.
async fn tagged(
    session: &Session,
    region: &Region,
    request: GetResourcesFluentBuilder,
) -> Result<(BTreeMap<ParameterName, Tags>, Option<String>), Cause> {
    let place = session.location(region);
    let has_members = |one: &ResourceTagMapping| one.resource_arn.is_some() && one.tags.is_some();
    let is_complete = |answer: &GetResourcesOutput| {
        answer.resource_tag_mapping_list.as_ref().is_some_and(|list| list.iter().all(has_members))
    };
    let answer = complete_response(|| request.clone().send(), is_complete)
        .await
        .map_err(|error| cause(RESOURCES, &place, &error))?;
    let read = answer.and_then(|a| Some((a.resource_tag_mapping_list?, a.pagination_token)));
    let (listed, next) =
        read.ok_or_else(|| missing_member(RESOURCES, &place, "the list of tags"))?;
    let named = listed.into_iter().filter_map(|resource| {
        // An ARN does not show whether a root name has a slash; names compare without the slash.
        let (_, key) = resource.resource_arn.as_deref()?.split_once(":parameter/")?;
        let pairs = resource.tags?.into_iter().map(|tag| (tag.key, tag.value)).collect();
        Some((ParameterName::new(key), pairs))
    });
    Ok((named.collect(), next.filter(|token| !token.is_empty())))
}

/// The tags of one parameter by the Tagging API, which names only what is tagged. Used if ListTagsForResource does not
/// answer with the tags.
///
/// # Errors
/// What GetResources answered, or that its answers lack the list.
pub(super) async fn tags_by_arn(
    session: &Session,
    region: &Region,
    name: &ParameterName,
) -> Result<Tags, Cause> {
    let (partition, account, key) = (region.partition(), session.account(), name.key());
    let arn = format!("arn:{partition}:ssm:{region}:{account}:parameter/{key}");
    let request = session.tagging(region).get_resources().resource_arn_list(arn);
    let (mut listed, _) = tagged(session, region, request).await?;
    Ok(listed.remove(name).unwrap_or_default())
}

/// The tags of every marked parameter of a Region, by the Tagging API. The brake counts replicas with this list.
///
/// # Errors
/// Why the list is not complete.
pub(in crate::parameters) async fn marked(
    session: &Session,
    region: &Region,
) -> Result<BTreeMap<ParameterName, Tags>, Cause> {
    list_tags(session, region, true).await
}

/// The lists of several Regions, read in parallel.
pub(in crate::parameters) async fn lists(
    session: &Session,
    regions: BTreeSet<&Region>,
) -> BTreeMap<Region, Result<Listing, Cause>> {
    let all = regions
        .into_iter()
        .map(|region| async move { (region.clone(), list(session, region).await) });
    futures::future::join_all(all).await.into_iter().collect()
}

/// A parameter as a row of a list shows it.
///
/// # Errors
/// The row lacks a member that every parameter has, so the list is invalid.
pub(super) fn row(
    session: &Session,
    region: &Region,
    listed: ParameterMetadata,
    writers: &mut WriterNames,
) -> Result<Parameter, Cause> {
    attributes(listed, writers).ok_or_else(|| {
        let what = "the name, type, version or date of a parameter";
        missing_member(DESCRIBE, &session.location(region), what)
    })
}

/// A parameter as a list shows it; `None` if the row lacks a member that every parameter has.
pub(super) fn attributes(
    listed: ParameterMetadata,
    writers: &mut WriterNames,
) -> Option<Parameter> {
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
        version: Some(listed.version).filter(|version| *version > 0)?,
        modified: timestamp(&listed.last_modified_date?),
        writer: listed.last_modified_user.as_deref().map(|arn| writers.shared(arn)),
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
