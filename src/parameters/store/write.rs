//! Writes and deletes replicas: one function per call, without decisions.

use std::collections::BTreeSet;

use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::operation::put_parameter::PutParameterError;
use aws_sdk_ssm::types::{ParameterTier, ParameterType, Tag};

use crate::aws::{OnlyIfRefused, Session, cause, code, naming_key};
use crate::domain::{Cause, FailureKind, Location, Need, ParameterName, Region, SecretText, Tags};
use crate::parameters::model::{TEXT, Tier, ValueType};
use crate::parameters::plan::PlannedWrite;
use crate::parameters::plan::desired::{Desired, data_type_to_send};

/// The result of a create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::parameters) enum Created {
    /// AWS created the replica with all its tags.
    Yes,
    /// Another parameter holds the name.
    NameTaken,
    /// The answer was lost: AWS may have carried out the call.
    Unanswered(Cause),
}

/// The result of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::parameters) enum Put {
    /// AWS made this version.
    Version(i64),
    /// The answer was lost: AWS may have carried out the call.
    Unanswered(Cause),
}

/// The result of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::parameters) enum DeleteAnswer {
    /// AWS deleted some names and states others to be absent. A name in neither list is unanswered.
    Answered {
        /// The deleted names.
        deleted: BTreeSet<ParameterName>,
        /// The absent names.
        absent: BTreeSet<ParameterName>,
    },
    /// The answer was lost: AWS may have carried out the call.
    Unanswered(Cause),
}

/// Creates `desired` with all its tags in one call. Success proves that the name was vacant.
///
/// # Errors
/// Why AWS refused the call; the message never contains the value.
pub(in crate::parameters) async fn create(
    session: &Session,
    target: &Region,
    desired: &Desired,
    policies: Option<String>,
    value: &SecretText,
    tags: &Tags,
) -> Result<Created, Cause> {
    let request = session
        .ssm(target)
        .put_parameter()
        .name(desired.name.as_str())
        .value(value.expose())
        .r#type(value_type(desired.value_type)?)
        .tier(parameter_tier(desired.tier))
        .set_policies(policies)
        .set_key_id(desired.key.clone())
        .set_description(desired.description.as_deref().map(ToOwned::to_owned))
        .set_allowed_pattern(desired.pattern.as_deref().map(ToOwned::to_owned))
        .set_data_type(data_type_to_send(desired, TEXT).map(String::from))
        .set_tags(Some(as_list(tags)?))
        .overwrite(false);
    let request = request.customize().interceptor(session.writes_to([target]));
    match request.config_override(sent_once()).send().await {
        Ok(_) => Ok(Created::Yes),
        Err(error) if code(&error) == Some("ParameterAlreadyExists") => Ok(Created::NameTaken),
        Err(error) => match refused(&session.location(target), &error, value, desired) {
            cause if cause.kind == FailureKind::Unavailable => Ok(Created::Unanswered(cause)),
            cause => Err(cause),
        },
    }
}

/// Overwrites value and attributes of a replica.
///
/// # Errors
/// Why AWS refused the call; the message never contains the value.
pub(in crate::parameters) async fn update(
    session: &Session,
    target: &Region,
    write: &PlannedWrite,
    value: &SecretText,
) -> Result<Put, Cause> {
    let PlannedWrite { desired, tier, policies_to_send, .. } = write;
    let Desired { name, description, key, .. } = desired;
    let request = session
        .ssm(target)
        .put_parameter()
        .name(name.as_str())
        .value(value.expose())
        .r#type(value_type(desired.value_type)?)
        .tier(parameter_tier(*tier))
        .set_policies(policies_to_send.clone())
        .set_key_id(key.clone())
        // AWS keeps what a call leaves out, so a removed description is sent empty.
        .description(description.as_deref().unwrap_or_default())
        .set_allowed_pattern(write.pattern_to_send.as_deref().map(ToOwned::to_owned))
        .set_data_type(write.data_type_to_send.clone().map(String::from))
        .overwrite(true);
    let request = request.customize().interceptor(session.writes_to([target]));
    match request.config_override(sent_once()).send().await {
        Ok(answer) => Ok(Put::Version(answer.version)),
        Err(error) => match refused(&session.location(target), &error, value, desired) {
            cause if cause.kind == FailureKind::Unavailable => Ok(Put::Unanswered(cause)),
            cause => Err(cause),
        },
    }
}

/// PutParameter has no condition: a second attempt could cover what another writer wrote in between.
fn sent_once() -> aws_sdk_ssm::config::Builder {
    aws_sdk_ssm::config::Builder::new().retry_classifier(OnlyIfRefused)
}

/// Deletes up to 10 replicas in one call. The call is never sent twice: AWS may have carried out a call whose answer was
/// lost, and another writer may have created the name since then.
///
/// # Errors
/// Why AWS refused the whole call.
pub(in crate::parameters) async fn delete(
    session: &Session,
    target: &Region,
    names: &[ParameterName],
) -> Result<DeleteAnswer, Cause> {
    let names = names.iter().map(ToString::to_string).collect();
    let request = session.ssm(target).delete_parameters().set_names(Some(names));
    let named = |names: Option<Vec<String>>| {
        names.unwrap_or_default().iter().map(|name| ParameterName::new(name)).collect()
    };
    let intent = session.needing(Need::Delete).writes_to([target]);
    let request = request.customize().interceptor(intent);
    match request.config_override(sent_once()).send().await {
        Ok(answer) => Ok(DeleteAnswer::Answered {
            deleted: named(answer.deleted_parameters),
            absent: named(answer.invalid_parameters),
        }),
        Err(error) => match cause("ssm:DeleteParameters", &session.location(target), &error) {
            cause if cause.kind == FailureKind::Unavailable => Ok(DeleteAnswer::Unanswered(cause)),
            cause => Err(cause),
        },
    }
}

/// Why AWS refused a write. A message of AWS may quote the value. Such a message is not shown at all, because a message that
/// is cut or put on one line could contain a part of the value.
fn refused(
    place: &Location,
    error: &SdkError<PutParameterError>,
    value: &SecretText,
    Desired { key, .. }: &Desired,
) -> Cause {
    let mut cause = cause("ssm:PutParameter", place, error);
    let quotes = |message: &str| message.contains("at 'value'") || value.is_quoted_in(message);
    if error.message().is_some_and(quotes) {
        let code = code(error).unwrap_or_default();
        cause.message = format!(
            "ssm:PutParameter was refused in {place}: {code}; the message is not shown, because it contains the value"
        );
    }
    naming_key(cause, key.as_deref(), &place.region)
}

fn value_type(value_type: ValueType) -> Result<ParameterType, Cause> {
    match value_type {
        ValueType::String => Ok(ParameterType::String),
        ValueType::StringList => Ok(ParameterType::StringList),
        ValueType::SecureString => Ok(ParameterType::SecureString),
        ValueType::Unknown => Err(Cause::new(
            FailureKind::Bug,
            "internal error: a write of a parameter of an unknown type",
        )),
    }
}

fn parameter_tier(tier: Tier) -> ParameterTier {
    match tier {
        Tier::Standard => ParameterTier::Standard,
        Tier::Advanced => ParameterTier::Advanced,
        Tier::IntelligentTiering => ParameterTier::IntelligentTiering,
    }
}

pub(super) fn as_list(tags: &Tags) -> Result<Vec<Tag>, Cause> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect::<Result<_, _>>().map_err(|error| {
        Cause::new(FailureKind::Bug, format!("internal error: a tag without a key: {error}"))
    })
}
