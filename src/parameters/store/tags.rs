//! Sets tags and takes tags off.

use aws_sdk_ssm::types::ResourceTypeForTagging;

use super::read::{NO_SUCH_RESOURCE, tags};
use super::write::as_list;
use crate::aws::{Session, cause, code};
use crate::domain::{
    Cause, EXCLUDE_TAG, FailureKind, MARK_KEY, PROVENANCE_KEY, ParameterName, Region, Tags, shown,
};
use crate::parameters::plan::with_mark;

/// What came of tagging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parameters) enum Tagged {
    /// Done.
    Yes,
    /// There is no such parameter any more.
    Gone,
}

/// Takes tags off first and sets tags then, so that the 50 are never passed on the way.
///
/// A refused call for several keys is made again key by key, so that one does not keep the others; the source's tags are
/// set then too, but not provenance, which would call the whole done.
///
/// # Errors
/// Why AWS refused one of the calls.
pub(in crate::parameters) async fn retag(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    set: &Tags,
    remove: &[String],
) -> Result<Tagged, Cause> {
    let refused = match take_off(session, target, name, remove).await? {
        TagRemoval::Gone => return Ok(Tagged::Gone),
        TagRemoval::All => None,
        TagRemoval::AllBut(cause) => Some(cause),
    };
    let mut set = set.clone();
    if refused.is_some() {
        set.remove(PROVENANCE_KEY);
    }
    let tagged = add(session, target, name, &set).await?;
    match refused {
        Some(cause) if tagged == Tagged::Yes => Err(cause),
        _ => Ok(tagged),
    }
}

/// What came of taking tags off.
enum TagRemoval {
    All,
    /// AWS refused some of them, and this is why.
    AllBut(Cause),
    Gone,
}

async fn take_off(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    keys: &[String],
) -> Result<TagRemoval, Cause> {
    if keys.is_empty() {
        return Ok(TagRemoval::All);
    }
    let refusal = match remove(session, target, name, keys).await {
        Ok(Tagged::Yes) => return Ok(TagRemoval::All),
        Ok(Tagged::Gone) => return Ok(TagRemoval::Gone),
        Err(cause) => cause,
    };
    // The hub's own two come off in one call or not at all.
    let is_ours = |key: &String| [MARK_KEY, PROVENANCE_KEY].contains(&key.as_str());
    if refusal.kind.may_succeed_later() || keys.iter().any(is_ours) {
        return Err(refusal);
    }
    if keys.len() == 1 {
        let refused: Vec<String> = keys.iter().map(|key| shown(key)).collect();
        return Ok(TagRemoval::AllBut(naming(refusal, &refused)));
    }
    let mut refused = Vec::new();
    let mut first = None;
    for key in keys {
        match remove(session, target, name, std::slice::from_ref(key)).await {
            Ok(Tagged::Yes) => {}
            Ok(Tagged::Gone) => return Ok(TagRemoval::Gone),
            Err(cause) => {
                refused.push(shown(key));
                first.get_or_insert(cause);
            }
        }
    }
    let Some(cause) = first else { return Ok(TagRemoval::All) };
    Ok(TagRemoval::AllBut(naming(cause, &refused)))
}

fn naming(cause: Cause, refused: &[String]) -> Cause {
    let message = format!("{} (the tags {})", cause.message, refused.join(", "));
    Cause { message, ..cause }
}

async fn remove(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    keys: &[String],
) -> Result<Tagged, Cause> {
    let request = session
        .ssm(target)
        .remove_tags_from_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name.as_str())
        .set_tag_keys(Some(keys.to_vec()));
    match request.send().await {
        Ok(_) => Ok(Tagged::Yes),
        Err(error) if code(&error) == Some(NO_SUCH_RESOURCE) => Ok(Tagged::Gone),
        Err(error) => {
            let place = session.location(target);
            let cause = cause("ssm:RemoveTagsFromResource", &place, &error);
            gone_or(session, target, name, cause).await
        }
    }
}

async fn add(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    set: &Tags,
) -> Result<Tagged, Cause> {
    if set.is_empty() {
        return Ok(Tagged::Yes);
    }
    let request = session
        .ssm(target)
        .add_tags_to_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name.as_str())
        .set_tags(Some(as_list(set)?));
    match request.send().await {
        Ok(_) => Ok(Tagged::Yes),
        Err(error) if code(&error) == Some(NO_SUCH_RESOURCE) => Ok(Tagged::Gone),
        Err(error) => {
            let place = session.location(target);
            let cause = cause("ssm:AddTagsToResource", &place, &error);
            gone_or(session, target, name, cause).await
        }
    }
}

async fn gone_or(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    refused: Cause,
) -> Result<Tagged, Cause> {
    if is_refused_for_its_absence(session, target, name, &refused).await {
        return Ok(Tagged::Gone);
    }
    Err(refused)
}

/// Whether a refusal says no more than that the parameter vanished since it was read: a role that may touch only what
/// carries the mark is refused where there are no tags to judge it by.
pub(in crate::parameters) async fn is_refused_for_its_absence(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    refused: &Cause,
) -> bool {
    refused.kind == FailureKind::AccessDenied
        && matches!(tags(session, target, name).await, Ok(None))
}

/// Takes the hub's tags off a replica of which the guard said that it may be. The tag that declares it its owner's is set
/// first: without that tag, the opposite route takes a version 1 of the hub's without its tags for a create that lost them.
///
/// # Errors
/// Why AWS refused one of the two calls.
pub(in crate::parameters) async fn mark_released(
    session: &Session,
    target: &Region,
    name: &ParameterName,
) -> Result<Tagged, Cause> {
    // AWS is told to refuse tags of ours on what is not marked, unless the request carries the mark.
    let released = Tags::from([(EXCLUDE_TAG.to_owned(), "released".to_owned())]);
    let released = with_mark(released);
    match retag(session, target, name, &released, &[]).await? {
        Tagged::Gone => Ok(Tagged::Gone),
        Tagged::Yes => {
            let ours = [MARK_KEY.to_owned(), PROVENANCE_KEY.to_owned()];
            retag(session, target, name, &Tags::new(), &ours).await
        }
    }
}
