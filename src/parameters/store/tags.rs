//! Sets and removes tags.

use aws_sdk_ssm::types::ResourceTypeForTagging;

use super::describe::{NO_SUCH_RESOURCE, tags};
use super::write::as_list;
use crate::aws::{Session, cause, code};
use crate::domain::{
    Cause, EXCLUDE_TAG, FailureKind, MARK_KEY, PROVENANCE_KEY, ParameterName, Region, Tags, shown,
};
use crate::parameters::plan::with_mark;

/// The result of a call about tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parameters) enum Tagged {
    /// The tags were changed.
    Yes,
    /// The parameter no longer exists.
    Gone,
}

/// Removes tags first and sets tags then, so that the parameter never has more than 50.
///
/// The hub repeats a refused removal of several keys key by key, so that one key does not keep the others. It then sets the
/// tags without provenance, because provenance would declare the whole change done.
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
    let refused = match remove_all(session, target, name, remove).await? {
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

/// The result of removing tags.
enum TagRemoval {
    All,
    /// AWS refused some of the keys.
    AllBut(Cause),
    Gone,
}

async fn remove_all(
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
    // The hub's own two tags are removed in one call or not at all.
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
    let request = request.customize().interceptor(session.writes_to([target]));
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
    let request = request.customize().interceptor(session.writes_to([target]));
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

/// Whether AWS refused a call only because the parameter no longer exists. The spoke role may change only what carries the
/// mark, and a missing parameter carries none.
pub(in crate::parameters) async fn is_refused_for_its_absence(
    session: &Session,
    target: &Region,
    name: &ParameterName,
    refused: &Cause,
) -> bool {
    refused.kind == FailureKind::AccessDenied
        && matches!(tags(session, target, name).await, Ok(None))
}

/// Removes the hub's tags from a replica; the caller asked the guard. The tag `released` is set first: without that tag, the
/// opposite route would treat a version 1 by the hub as a create that lost its tags.
///
/// # Errors
/// Why AWS refused one of the two calls.
pub(in crate::parameters) async fn mark_released(
    session: &Session,
    target: &Region,
    name: &ParameterName,
) -> Result<Tagged, Cause> {
    // The spoke role may tag a parameter without the mark only if the request sets the mark.
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
