//! The deletions that a UTC day has left per account and target: the memory of `REPLICATOR_MAX_DELETES`.
//!
//! The hub reserves a deletion before the call and gives it back if nothing was deleted. Many small batches therefore share
//! one limit. The hub's table keeps the numbers, so that all functions and all terminals share them; without a table, and
//! for a run with its own limit, the memory belongs to one process and ends with it.
//!
//! A reservation whose answer was lost may count twice in the table, and never counts too little: see `table/deletes.rs`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Cause, FailureKind, Location, Timestamp};
use crate::settings::MaxDeletes;
use crate::table::{Conditional, DeleteDay, Table};

/// How often a reservation is tried again because another one came first. Each time the other one was successful.
const TRIES: u32 = 10;

/// The deletions of the present day per account and target.
#[derive(Debug, Default)]
pub struct Allowances {
    /// The memory, where there is no table.
    days: Mutex<HashMap<Location, InMemory>>,
    table: Option<Table>,
}

/// One UTC day of one location.
#[derive(Clone, Copy, Debug)]
struct InMemory {
    number: i64,
    day: DeleteDay,
}

/// The answer to a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// This many deletions are reserved.
    Granted(u64),
    /// The limit is a percentage, and the number of owned replicas is not known.
    NeedsCount,
}

impl Allowances {
    /// The deletions that the hub's table counts.
    pub fn of_table(table: Table) -> Self {
        Self { table: Some(table), ..Self::default() }
    }

    /// Reserves up to `asked` of the deletions that `limit` allows in `place` today. `owned` is the present number of owned
    /// replicas there, if known; the deletions of the day are added to it.
    ///
    /// # Errors
    /// The table is unreachable, or other reservations came first each time. Deletions may be reserved all the same.
    pub async fn reserve(
        &self,
        place: &Location,
        asked: u64,
        limit: MaxDeletes,
        owned: Option<u64>,
        now: Timestamp,
    ) -> Result<Reserved, Cause> {
        let Some(table) = &self.table else {
            let mut days = self.lock();
            days.retain(|_, kept| kept.number == now.day());
            let today = InMemory { number: now.day(), day: DeleteDay::default() };
            let day = &mut days.entry(place.clone()).or_insert(today).day;
            *day = counted(*day, limit, owned);
            let reserved = judged(*day, asked, limit);
            if let Reserved::Granted(many) = reserved {
                day.used += many;
            }
            return Ok(reserved);
        };
        for _ in 0..TRIES {
            let found = table.delete_day(place, now).await?;
            let mut day = counted(found.unwrap_or_default(), limit, owned);
            let many = match judged(day, asked, limit) {
                Reserved::Granted(many) if many > 0 => many,
                nothing => return Ok(nothing),
            };
            let written = if found.is_some() {
                table.use_deletes(place, now, many, day).await?
            } else {
                day.used = many;
                table.begin_delete_day(place, now, day).await?
            };
            if written == Conditional::Written {
                return Ok(Reserved::Granted(many));
            }
        }
        let message = format!(
            "other runs changed the day's number of deletions in {place} {TRIES} times meanwhile, so no deletion was reserved"
        );
        Err(Cause::new(FailureKind::Throttled, message))
    }

    /// What [`Self::reserve`] would answer now. Nothing is reserved: a plan uses no allowance.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn peek(
        &self,
        place: &Location,
        asked: u64,
        limit: MaxDeletes,
        owned: Option<u64>,
        now: Timestamp,
    ) -> Result<Reserved, Cause> {
        let day = match &self.table {
            Some(table) => table.delete_day(place, now).await?,
            None => {
                let days = self.lock();
                days.get(place).filter(|kept| kept.number == now.day()).map(|kept| kept.day)
            }
        };
        Ok(judged(counted(day.unwrap_or_default(), limit, owned), asked, limit))
    }

    /// Gives back reserved deletions that did not happen. If the table does not answer, they stay reserved: the day then
    /// has fewer deletions than it could have.
    pub async fn give_back(&self, place: &Location, many: u64, now: Timestamp) {
        if many == 0 {
            return;
        }
        let Some(table) = &self.table else {
            let mut days = self.lock();
            if let Some(kept) = days.get_mut(place).filter(|kept| kept.number == now.day()) {
                kept.day.used = kept.day.used.saturating_sub(many);
            }
            return;
        };
        if let Err(cause) = table.give_back_deletes(place, now, many).await {
            tracing::warn!(%place, many, "deletions stay reserved today: {}", cause.message);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Location, InMemory>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The day with the number of owned replicas, if it is known, and with the allowance that follows from it.
fn counted(day: DeleteDay, limit: MaxDeletes, owned: Option<u64>) -> DeleteDay {
    // Two routes may lead to one target; each counts only its own replicas.
    let now = owned.map(|owned| owned.saturating_add(day.used));
    let owned = day.owned.max(now);
    DeleteDay { owned, allowance: limit.allowed(owned.unwrap_or_default()), ..day }
}

fn judged(day: DeleteDay, asked: u64, limit: MaxDeletes) -> Reserved {
    let left = day.allowance.saturating_sub(day.used);
    if matches!(limit, MaxDeletes::Percent(_)) && day.owned.is_none() && asked > left {
        return Reserved::NeedsCount;
    }
    Reserved::Granted(asked.min(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, Region};

    const TEN_PERCENT: MaxDeletes = MaxDeletes::Percent(10);

    fn place(region: &str) -> Location {
        Location {
            account: AccountId::parse("111122223333").expect("an id"),
            region: Region::parse(region).expect("a Region"),
        }
    }

    fn day(day: i64) -> Timestamp {
        Timestamp::from_millis((day * 24 + 12) * 3_600_000)
    }

    #[tokio::test]
    async fn many_calls_share_the_limit_of_one() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = |many, owned| allowances.reserve(&here, many, TEN_PERCENT, owned, day(1));
        // At least five deletions are allowed.
        assert_eq!(ask(3, None), Reserved::Granted(3));
        assert_eq!(ask(3, None), Reserved::NeedsCount);
        // 97 and the three deleted ones make 100, and 10 % are 10.
        assert_eq!(ask(3, Some(97)), Reserved::Granted(3));
        assert_eq!(ask(9, None), Reserved::Granted(4));
        assert_eq!(ask(1, Some(90)), Reserved::Granted(0));
    }

    #[tokio::test]
    async fn each_day_and_each_target_has_its_own() {
        let allowances = Allowances::default();
        let ask = |region, number| {
            allowances.reserve(&place(region), 5, TEN_PERCENT, Some(10), day(number))
        };
        assert_eq!(ask("us-east-1", 1), Reserved::Granted(5));
        assert_eq!(ask("us-east-1", 1), Reserved::Granted(0));
        assert_eq!(ask("us-west-2", 1), Reserved::Granted(5));
        assert_eq!(ask("us-east-1", 2), Reserved::Granted(5));
    }

    #[tokio::test]
    async fn deletions_that_did_not_happen_are_given_back_on_the_same_day() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = |number| allowances.reserve(&here, 5, TEN_PERCENT, Some(5), day(number));
        assert_eq!(ask(1), Reserved::Granted(5));
        allowances.give_back(&here, 2, day(1));
        assert_eq!(ask(1), Reserved::Granted(2));
        assert_eq!(ask(2), Reserved::Granted(5));
        allowances.give_back(&here, 5, day(1));
        assert_eq!(ask(2), Reserved::Granted(0), "yesterday's deletions do not count today");
    }

    #[tokio::test]
    async fn a_limit_by_number_ignores_what_is_owned() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = |many, limit, owned| allowances.reserve(&here, many, limit, owned, day(1));
        assert_eq!(ask(9, MaxDeletes::Count(7), None), Reserved::Granted(7));
        assert_eq!(ask(1, MaxDeletes::Count(0), Some(1000)), Reserved::Granted(0));
        assert_eq!(ask(2000, MaxDeletes::Percent(100), None), Reserved::Granted(1000));
    }
}
