//! How many replicas a day may lose, for each account and target: the memory of `REPLICATOR_MAX_DELETES`.
//!
//! A deletion is reserved before its call and given back when it did not come about, so that many small batches cannot
//! do together what one may not. The memory is this process's own: another process has another, and one that ends
//! forgets. Callers see `reserve` and `give_back` alone, so that a shared table can take its place.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Location, Timestamp};
use crate::settings::MaxDeletes;

/// How many replicas a day may lose, for each account and target.
#[derive(Debug, Default)]
pub struct Allowances(Mutex<HashMap<Location, Day>>);

/// One UTC day of one location.
#[derive(Clone, Copy, Debug)]
struct Day {
    number: i64,
    /// The replicas owned when the day began, where they were counted.
    owned: Option<u64>,
    /// Deletions that are reserved.
    used: u64,
}

/// What came of asking for deletions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// So many may be carried out.
    Granted(u64),
    /// It depends on the number of replicas owned, which was not given.
    NeedsCount,
}

impl Allowances {
    /// Reserves up to `asked` deletions in `place` of those that `limit` allows today. `owned` is the number of replicas
    /// owned there now, where it is known; what the day took before is added to it.
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
            // Two routes may lead here, each with replicas of its own.
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

    /// Gives back what was reserved and did not come about.
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
    fn what_one_call_may_not_many_may_not_either() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = |many, owned| allowances.reserve(&here, many, TEN_PERCENT, owned, day(1));
        // Five are allowed however few there are.
        assert_eq!(ask(3, None), Reserved::Granted(3));
        assert_eq!(ask(3, None), Reserved::NeedsCount);
        // 97 and the three that went: 10 of 100.
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
    fn what_did_not_come_about_is_given_back_on_its_day() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = |number| allowances.reserve(&here, 5, TEN_PERCENT, Some(5), day(number));
        assert_eq!(ask(1), Reserved::Granted(5));
        allowances.give_back(&here, 2, day(1));
        assert_eq!(ask(1), Reserved::Granted(2));
        assert_eq!(ask(2), Reserved::Granted(5));
        allowances.give_back(&here, 5, day(1));
        assert_eq!(ask(2), Reserved::Granted(0), "yesterday's are no use today");
    }

    #[test]
    fn a_number_is_a_number_whatever_is_owned() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = |many, limit, owned| allowances.reserve(&here, many, limit, owned, day(1));
        assert_eq!(ask(9, MaxDeletes::Count(7), None), Reserved::Granted(7));
        assert_eq!(ask(1, MaxDeletes::Count(0), Some(1000)), Reserved::Granted(0));
        assert_eq!(ask(2000, MaxDeletes::Percent(100), None), Reserved::Granted(1000));
    }
}
