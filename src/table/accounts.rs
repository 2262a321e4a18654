//! The accounts of the organisation as the last list showed them: `accounts` / `111122223333`.
//!
//! Reports name accounts by these items, and an event is limited to the units that the settings include.

use std::time::Duration;

use super::Table;
use super::calls::TableWrite;
use super::items::{account, keyed, set_text, set_time, set_ttl, text, time};
use crate::domain::{AccountId, Cause, ExecutionName, Timestamp};

const PARTITION: &str = "accounts";
/// An account that no list has shown for so long has left the organisation, or its sweeps have ended.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// An account as a list of the organisation showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// `111122223333`.
    pub account: AccountId,
    /// The name in the organisation; empty if AWS gave no name.
    pub name: String,
    /// Its place in the organisation, such as `o-a/r-b/ou-1/111122223333/`; empty if AWS gave no place.
    pub path: String,
    /// When a list last showed the account.
    pub seen: Timestamp,
    /// The last execution that listed the account.
    pub execution: ExecutionName,
}

impl Table {
    /// Replaces the items of these accounts.
    ///
    /// # Errors
    /// The table is unreachable; a part of the items may be written.
    pub async fn put_accounts(&self, accounts: &[KnownAccount]) -> Result<(), Cause> {
        let writes = accounts.iter().map(|known| {
            let mut item = keyed(PARTITION, known.account.as_str());
            set_text(&mut item, "account", known.account.as_str());
            set_text(&mut item, "name", &known.name);
            set_text(&mut item, "path", &known.path);
            set_time(&mut item, "seen", known.seen);
            set_text(&mut item, "execution", known.execution.as_str());
            set_ttl(&mut item, known.seen, KEPT);
            TableWrite::Put(item)
        });
        self.write_all(writes.collect()).await
    }

    /// The accounts that a list has shown in the last 90 days, by id. An item in another format is left out.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn accounts(&self) -> Result<Vec<KnownAccount>, Cause> {
        let items = self.all(PARTITION).await?;
        let known = items.iter().filter_map(|item| {
            Some(KnownAccount {
                account: account(item, "account")?,
                name: text(item, "name").unwrap_or_default().to_owned(),
                path: text(item, "path").unwrap_or_default().to_owned(),
                seen: time(item, "seen")?,
                execution: ExecutionName::parse(text(item, "execution")?).ok()?,
            })
        });
        Ok(known.collect())
    }
}
