//! Histories: what AWS keeps of a parameter's versions, at most 100 of them.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ssm::types::{ParameterHistory, ParameterMetadata, ParameterType};

use super::list::{WriterNames, attributes, following};
use crate::aws::{Session, cause, code, complete_response, missing_member, timestamp};
use crate::domain::{Cause, FailureKind, ParameterName, Region, Version};
use crate::ownership::PastVersion;
use crate::parameters::model::Parameter;

/// SSM gives at most 50 versions per `GetParameterHistory` call.
const HISTORY_PAGE: i32 = 50;
const HISTORY: &str = "ssm:GetParameterHistory";
/// How often, and how far apart, a history is read again that does not yet show a version that was read by name.
const HISTORY_LAG_TRIES: u32 = 5;
const HISTORY_LAG_PAUSE: Duration = Duration::from_millis(400);

/// The history of a parameter, the oldest version first, read until it shows `version`; `None` where that is not the
/// current one any more.
///
/// # Errors
/// What AWS answered, or that it does not show the version yet.
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
            // Written since, or deleted and created again.
            Some(shown) if shown.number >= version.number || shown.modified > version.modified => {
                return Ok(None);
            }
            None if attempt == HISTORY_LAG_TRIES => return Ok(None),
            _ if attempt == HISTORY_LAG_TRIES => {}
            _ => tokio::time::sleep(HISTORY_LAG_PAUSE * attempt).await,
        }
    }
    let message = format!(
        "ssm:GetParameterHistory in {region} does not show its version {} yet",
        version.number
    );
    Err(Cause::new(FailureKind::Unavailable, message))
}

/// All versions of one parameter, the oldest first; `None` where there is no such parameter.
///
/// # Errors
/// What AWS answered; that its answers had no list, or a version in it no number or date.
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
        let told = answer.and_then(|answer| Some((answer.parameters?, answer.next_token)));
        let (page, next) = told.ok_or_else(|| missing_member(HISTORY, &place, "its list"))?;
        rows.extend(page);
        let next = next.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
        token = following(HISTORY, session, region, token.as_deref(), next)?;
    }
    if rows.iter().any(|row| version_of(row).is_none()) {
        return Err(missing_member(HISTORY, &place, "the number or date of a version"));
    }
    rows.sort_by_key(|row| row.version);
    Ok(Some(rows))
}

/// Which version a row is.
pub(in crate::parameters) fn version_of(row: &ParameterHistory) -> Option<Version> {
    let modified = timestamp(row.last_modified_date.as_ref()?);
    let number = Some(row.version).filter(|number| *number > 0)?;
    Some(Version { number, modified })
}

/// Whether a row shows its value in clear.
pub(in crate::parameters) fn is_plain(row: &ParameterHistory, decrypted: bool) -> bool {
    decrypted || row.r#type != Some(ParameterType::SecureString)
}

/// Who wrote the versions of a parameter, up to `version`; `None` where that is not the current one any more. With
/// `decrypt`, encrypted values are compared too, as far as AWS decrypts them.
///
/// # Errors
/// What AWS answered, or that it does not show the version yet.
pub(in crate::parameters) async fn past_versions(
    session: &Session,
    region: &Region,
    name: &ParameterName,
    version: Version,
    decrypt: bool,
) -> Result<Option<Arc<[PastVersion]>>, Cause> {
    let (rows, decrypted) = match rows_at(session, region, name, version, decrypt).await {
        // Values that AWS does not decrypt are taken for different ones.
        Err(cause) if decrypt && !cause.kind.may_pass() => {
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

/// A parameter as the last version of its history shows it; `None` where there is no such parameter.
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
