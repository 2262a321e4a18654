//! Whole locations by lists. Lists are hints, the Tagging API's most: they say what is surely in sync and where to look.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use aws_sdk_ssm::types::{ParameterMetadata, ParameterTier, ParameterType};

use crate::aws::{Session, cause};
use crate::domain::{Cause, MARK_KEY, MARK_VALUE, ParameterName, Region, Tags, Timestamp};
use crate::parameters::model::{Listing, Observed, Parameter, TEXT, Tier, ValueType};
use crate::parameters::policies::Policies;

/// SSM gives at most 50 parameters per DescribeParameters call.
pub(super) const LIST_PAGE: i32 = 50;
/// The Tagging API gives at most 100 resources per GetResources call.
const TAG_PAGE: i32 = 100;

/// The ARNs of writers, each once: thousands of parameters have the same.
#[derive(Debug, Default)]
pub(super) struct WriterNames(HashSet<Arc<str>>);

impl WriterNames {
    /// The one text of this ARN.
    pub(super) fn shared(&mut self, arn: &str) -> Arc<str> {
        if let Some(known) = self.0.get(arn) {
            return Arc::clone(known);
        }
        let arn: Arc<str> = arn.into();
        self.0.insert(Arc::clone(&arn));
        arn
    }
}

/// All parameters of a Region and all their tags, as the lists show them: ⌈n/50⌉ and ⌈tagged/100⌉ calls, at least one
/// of each, both kinds at once.
///
/// # Errors
/// Whatever cut the list: half a list is none.
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
    let mut pages =
        session.ssm(region).describe_parameters().max_results(LIST_PAGE).into_paginator().send();
    let mut parameters = Vec::new();
    let mut writers = WriterNames::default();
    while let Some(page) = pages.next().await {
        let page = page
            .map_err(|error| cause("ssm:DescribeParameters", &session.location(region), &error))?;
        let listed = page.parameters.unwrap_or_default();
        session.keep(listed.len()).await;
        parameters.extend(listed.into_iter().filter_map(|m| attributes(m, &mut writers)));
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
pub(in crate::parameters) async fn marked(
    session: &Session,
    region: &Region,
) -> Result<BTreeMap<ParameterName, Tags>, Cause> {
    list_tags(session, region, true).await
}

/// Every location's list at once, each location once.
pub(in crate::parameters) async fn lists(
    session: &Session,
    regions: BTreeSet<&Region>,
) -> BTreeMap<Region, Result<Listing, Cause>> {
    let all = regions
        .into_iter()
        .map(|region| async move { (region.clone(), list(session, region).await) });
    futures::future::join_all(all).await.into_iter().collect()
}

/// A parameter as a list shows it.
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
        version: listed.version,
        modified: Timestamp::from_aws(&listed.last_modified_date?),
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
