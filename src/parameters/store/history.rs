//! Reads histories: AWS keeps at most 100 versions of a parameter.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ssm::types::{ParameterHistory, ParameterMetadata, ParameterType};

use super::list::{WriterNames, attributes, next_token};
use crate::aws::{Session, cause, code, complete_response, missing_member, timestamp};
use crate::domain::{Cause, FailureKind, ParameterName, Region, Version};
use crate::ownership::PastVersion;
use crate::parameters::model::Parameter;

/// SSM returns at most 50 versions per `GetParameterHistory` call.
const HISTORY_PAGE: i32 = 50;
const HISTORY: &str = "ssm:GetParameterHistory";
/// Attempts and pause until a history shows a version that was read by name.
const HISTORY_LAG_TRIES: u32 = 5;
const HISTORY_LAG_PAUSE: Duration = Duration::from_millis(400);

/// The history of a parameter, the oldest version first, up to `version`; `None` if `version` is no longer the current one.
/// The hub reads again until the history shows the version.
///
/// # Errors
/// What AWS answered, or that the history does not yet show the version.
pub(in crate::parameters) async fn rows_at(
    session: &Session,
    region: &Region,
    name: &ParameterName,
    version: Version,
    decrypt: bool,
) -> Result<Option<Vec<ParameterHistory>>, Cause> {
    for attempt in 1..=HISTORY_LAG_TRIES {
        let rows = rows(session, region, name, decrypt).await?;
        let shown = rows.as_ref().and_then(|rows| version_of(rows.last()?));
        match shown {
            Some(shown) if shown == version => return Ok(rows),
            // The parameter was written since then, or deleted and created again.
            Some(shown) if shown.number >= version.number || shown.modified > version.modified => {
                return Ok(None);
            }
            None if attempt == HISTORY_LAG_TRIES => return Ok(None),
            _ if attempt == HISTORY_LAG_TRIES => {}
            _ => tokio::time::sleep(HISTORY_LAG_PAUSE * attempt).await,
        }
    }
    let message =
        format!("ssm:GetParameterHistory in {region} does not yet show version {}", version.number);
    Err(Cause::new(FailureKind::Unavailable, message))
}

/// All versions of one parameter, the oldest first; `None` if the parameter does not exist.
///
/// # Errors
/// What AWS answered, or that an answer lacks the list, or a version its number or date.
async fn rows(
    session: &Session,
    region: &Region,
    name: &ParameterName,
    decrypt: bool,
) -> Result<Option<Vec<ParameterHistory>>, Cause> {
    let request = session
        .ssm(region)
        .get_parameter_history()
        .name(name.as_str())
        .with_decryption(decrypt)
        .max_results(HISTORY_PAGE);
    let (place, mut rows, mut token) = (session.location(region), Vec::new(), None::<String>);
    loop {
        let request = request.clone().set_next_token(token.clone());
        let answer = match complete_response(
            || request.clone().send(),
            |answer| answer.parameters.is_some(),
        )
        .await
        {
            Err(error) if code(&error) == Some("ParameterNotFound") => return Ok(None),
            answer => answer.map_err(|error| cause(HISTORY, &place, &error))?,
        };
        let read = answer.and_then(|answer| Some((answer.parameters?, answer.next_token)));
        let (page, next) = read.ok_or_else(|| missing_member(HISTORY, &place, "the list"))?;
        rows.extend(page);
        let next = next.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
        token = next_token(HISTORY, session, region, token.as_deref(), next)?;
    }
    if rows.iter().any(|row| version_of(row).is_none()) {
        return Err(missing_member(HISTORY, &place, "the number or date of a version"));
    }
    rows.sort_by_key(|row| row.version);
    Ok(Some(rows))
}

/// The number and date of a row.
pub(in crate::parameters) fn version_of(row: &ParameterHistory) -> Option<Version> {
    let modified = timestamp(row.last_modified_date.as_ref()?);
    let number = Some(row.version).filter(|number| *number > 0)?;
    Some(Version { number, modified })
}

/// Whether a row shows its value in plain text.
pub(in crate::parameters) fn is_plain(row: &ParameterHistory, decrypted: bool) -> bool {
    decrypted || row.r#type != Some(ParameterType::SecureString)
}

/// The writers of a parameter's versions up to `version`; `None` if `version` is no longer the current one. With `decrypt`,
/// encrypted values are compared, too, as far as AWS decrypts them.
///
/// # Errors
/// What AWS answered, or that the history does not yet show the version.
pub(in crate::parameters) async fn past_versions(
    session: &Session,
    region: &Region,
    name: &ParameterName,
    version: Version,
    decrypt: bool,
) -> Result<Option<Arc<[PastVersion]>>, Cause> {
    let (rows, decrypted) = match rows_at(session, region, name, version, decrypt).await {
        // Values that AWS does not decrypt count as different.
        Err(cause) if decrypt && !cause.kind.may_succeed_later() => {
            (rows_at(session, region, name, version, false).await?, false)
        }
        rows => (rows?, decrypt),
    };
    let Some(rows) = rows else { return Ok(None) };
    let mut writers = WriterNames::default();
    let next = rows.iter().skip(1).map(Some).chain([None]);
    let past = rows.iter().zip(next).filter_map(|(row, next)| {
        let shows = |row: &ParameterHistory| is_plain(row, decrypted) && row.value.is_some();
        let next = next.filter(|next| shows(next) && shows(row));
        Some(PastVersion {
            version: version_of(row)?,
            writer: row.last_modified_user.as_deref().map(|arn| writers.shared(arn)),
            same_as_next: next.map(|next| next.value == row.value),
        })
    });
    Ok(Some(past.collect()))
}

/// The last version of a history; `None` if the parameter does not exist.
///
/// # Errors
/// What AWS answered.
pub(super) async fn latest(
    session: &Session,
    region: &Region,
    name: &ParameterName,
) -> Result<Option<Parameter>, Cause> {
    let last = rows(session, region, name, false).await?.and_then(|mut rows| rows.pop());
    let Some(last) = last else { return Ok(None) };
    match attributes(as_listed(last), &mut WriterNames::default()) {
        Some(parameter) => Ok(Some(parameter)),
        None => {
            Err(missing_member(HISTORY, &session.location(region), "the name or type of a version"))
        }
    }
}

/// A version in the form of a list's row.
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
