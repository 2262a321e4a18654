//! The deletions that a UTC day has left per account and target: the memory of `REPLICATOR_MAX_DELETES`.
//!
//! The hub reserves a deletion before the call and gives it back if nothing was deleted. Many small batches therefore share
//! one limit. The memory belongs to one process and ends with it. Callers use only `reserve` and `give_back`, so a shared
//! table can replace the memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Location, Timestamp};
use crate::settings::MaxDeletes;

/// The deletions of the present day per account and target.
#[derive(Debug, Default)]
pub struct Allowances(Mutex<HashMap<Location, Day>>);

/// One UTC day of one location.
#[derive(Clone, Copy, Debug)]
struct Day {
    number: i64,
    /// The replicas owned when the day began, if they were counted.
    owned: Option<u64>,
    /// The reserved deletions.
    used: u64,
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
    /// Reserves up to `asked` of the deletions that `limit` allows in `place` today. `owned` is the present number of owned
    /// replicas there, if known; the deletions of the day are added to it.
    pub fn reserve(
        &self,
        place: &Location,
        asked: u64,
        limit: MaxDeletes,
        owned: Option<u64>,
        now: Timestamp,
    ) -> Reserved {
        let mut days = self.lock();
        days.retain(|_, day| day.number == now.day());
        let day =
            days.entry(place.clone()).or_insert(Day { number: now.day(), owned: None, used: 0 });
        if let Some(owned) = owned {
            // Two routes may lead to one target; each counts only its own replicas.
            day.owned = Some(day.owned.unwrap_or_default().max(owned + day.used));
        }
        let allowed = limit.allowed(day.owned.unwrap_or_default());
        let left = allowed.saturating_sub(day.used);
        if matches!(limit, MaxDeletes::Percent(_)) && day.owned.is_none() && asked > left {
            return Reserved::NeedsCount;
        }
        let granted = asked.min(left);
        day.used += granted;
        Reserved::Granted(granted)
    }

    /// Gives back reserved deletions that did not happen.
    pub fn give_back(&self, place: &Location, many: u64, now: Timestamp) {
        if let Some(day) = self.lock().get_mut(place).filter(|day| day.number == now.day()) {
            day.used = day.used.saturating_sub(many);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Location, Day>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    #[test]
    fn many_calls_share_the_limit_of_one() {
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

    #[test]
    fn each_day_and_each_target_has_its_own() {
        let allowances = Allowances::default();
        let ask = |region, number| {
            allowances.reserve(&place(region), 5, TEN_PERCENT, Some(10), day(number))
        };
        assert_eq!(ask("us-east-1", 1), Reserved::Granted(5));
        assert_eq!(ask("us-east-1", 1), Reserved::Granted(0));
        assert_eq!(ask("us-west-2", 1), Reserved::Granted(5));
        assert_eq!(ask("us-east-1", 2), Reserved::Granted(5));
    }

    #[test]
    fn deletions_that_did_not_happen_are_given_back_on_the_same_day() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = |number| allowances.reserve(&here, 5, TEN_PERCENT, Some(5), day(number));
        assert_eq!(ask(1), Reserved::Granted(5));
        allowances.give_back(&here, 2, day(1));
        assert_eq!(ask(1), Reserved::Granted(2));
        assert_eq!(ask(2), Reserved::Granted(5));
        allowances.give_back(&here, 5, day(1));
        assert_eq!(ask(2), Reserved::Granted(0), "yesterday's deletions do not count today");
    }

    #[test]
    fn a_limit_by_number_ignores_what_is_owned() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = |many, limit, owned| allowances.reserve(&here, many, limit, owned, day(1));
        assert_eq!(ask(9, MaxDeletes::Count(7), None), Reserved::Granted(7));
        assert_eq!(ask(1, MaxDeletes::Count(0), Some(1000)), Reserved::Granted(0));
        assert_eq!(ask(2000, MaxDeletes::Percent(100), None), Reserved::Granted(1000));
    }
}
