//! Reads histories.

use std::time::Duration;

use aws_sdk_ssm::types::{ParameterHistory, ParameterType};

use super::history::{History, Kept};
use crate::aws::{Session, cause, code};
use crate::domain::{Cause, FailureKind, ParameterName, Region, SecretText, Timestamp};
use crate::parameters::model::Version;

/// SSM gives at most 50 versions per `GetParameterHistory` call; it keeps 100.
const HISTORY_PAGE: i32 = 50;
/// How often, and how far apart, a history is read again that does not yet show a version that was read by name.
const HISTORY_LAG_TRIES: u32 = 5;
const HISTORY_LAG_PAUSE: Duration = Duration::from_millis(400);

/// The history of a parameter, read until it shows `version`; `None` where that is not the current one any more.
///
/// # Errors
/// What AWS answered, or that it does not show the version yet.
pub(super) async fn history_at(
    session: &Session,
    region: &Region,
    name: &ParameterName,
    version: Version,
    decrypt: bool,
) -> Result<Option<History>, Cause> {
    for attempt in 1..=HISTORY_LAG_TRIES {
        let history = history(session, region, name, decrypt).await?;
        let shown = history.as_ref().and_then(History::current).map(|kept| kept.version);
        match shown {
            Some(shown) if shown == version => return Ok(history),
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

/// All versions of one parameter; `None` where there is no such parameter.
async fn history(
    session: &Session,
    region: &Region,
    name: &ParameterName,
    decrypt: bool,
) -> Result<Option<History>, Cause> {
    let request = session
        .ssm(region)
        .get_parameter_history()
        .name(name.as_str())
        .with_decryption(decrypt)
        .max_results(HISTORY_PAGE);
    let mut pages = request.into_paginator().send();
    let mut versions = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => versions.extend(
                page.parameters
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|one| kept(one, decrypt)),
            ),
            Err(error) if code(&error) == Some("ParameterNotFound") => return Ok(None),
            Err(error) => {
                return Err(cause("ssm:GetParameterHistory", &session.location(region), &error));
            }
        }
    }
    Ok(Some(History::new(versions)))
}

fn kept(shown: ParameterHistory, decrypted: bool) -> Option<Kept> {
    let version = Version {
        number: shown.version,
        modified: Timestamp::from_aws(&shown.last_modified_date?),
    };
    let is_plain = decrypted || shown.r#type != Some(ParameterType::SecureString);
    let value = SecretText::new(shown.value.unwrap_or_default());
    let labels = shown.labels.unwrap_or_default().into_iter().collect();
    Some(Kept { version, value: is_plain.then_some(value), labels })
}
