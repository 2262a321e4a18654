//! Reads histories for their labels.

use aws_sdk_ssm::types::ParameterHistory;

use super::history::{History, Kept};
use crate::aws::Session;
use crate::domain::{Cause, ParameterName, Region, SecretText, Version};
use crate::parameters::store::{is_plain, rows_at, version_of};

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
    let rows = rows_at(session, region, name, version, decrypt).await?;
    let kept = |rows: Vec<ParameterHistory>| {
        rows.into_iter().filter_map(|row| kept(row, decrypt)).collect()
    };
    Ok(rows.map(|rows| History::new(kept(rows))))
}

fn kept(shown: ParameterHistory, decrypted: bool) -> Option<Kept> {
    let (version, is_plain) = (version_of(&shown)?, is_plain(&shown, decrypted));
    let value = SecretText::new(shown.value.unwrap_or_default());
    let labels = shown.labels.unwrap_or_default().into_iter().collect();
    Some(Kept { version, value: is_plain.then_some(value), labels })
}
