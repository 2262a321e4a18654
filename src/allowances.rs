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
        let day = if let Some(table) = &self.table {
            table.delete_day(place, now).await?
        } else {
            let days = self.lock();
            days.get(place).filter(|kept| kept.number == now.day()).map(|kept| kept.day)
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
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::fake::{FakeAws, json_error};
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

    async fn granted(
        allowances: &Allowances,
        (place, asked): (&Location, u64),
        (limit, owned): (MaxDeletes, Option<u64>),
        now: Timestamp,
    ) -> Option<u64> {
        let peeked = allowances.peek(place, asked, limit, owned, now).await.expect("an answer");
        let reserved = allowances.reserve(place, asked, limit, owned, now).await;
        let reserved = reserved.expect("an answer");
        assert_eq!(peeked, reserved, "a plan shows what a run does");
        match reserved {
            Reserved::Granted(many) => Some(many),
            Reserved::NeedsCount => None,
        }
    }

    /// A table with the deletions of one day, and the calls that it answers before it counts as broken.
    fn table_of_one_day() -> FakeAws {
        let used: Mutex<Option<u64>> = Mutex::default();
        let owned: Mutex<Option<String>> = Mutex::default();
        FakeAws::new(move |sent| {
            let asked: Value = serde_json::from_str(&sent.body).expect("JSON");
            let number = |value: &Value| value["N"].as_str().expect("a number").to_owned();
            let values = &asked["ExpressionAttributeValues"];
            let mut used = used.lock().expect("no test panics here");
            let mut owned = owned.lock().expect("no test panics here");
            match (sent.operation.as_str(), *used) {
                ("GetItem", None) => (200, "{}".to_owned()),
                ("GetItem", Some(many)) => {
                    let mut item = json!({"used": {"N": many.to_string()}});
                    if let Some(owned) = &*owned {
                        item["owned"] = json!({"N": owned});
                    }
                    (200, json!({ "Item": item }).to_string())
                }
                ("PutItem", None) => {
                    *used = Some(number(&asked["Item"]["used"]).parse().expect("a number"));
                    *owned = asked["Item"]["owned"]["N"].as_str().map(str::to_owned);
                    (200, "{}".to_owned())
                }
                ("UpdateItem", Some(many)) => {
                    let by: u64 = number(&values[":many"]).parse().expect("a number");
                    if values[":most"].is_null() {
                        *used = Some(many - by);
                        return (200, "{}".to_owned());
                    }
                    if many > number(&values[":most"]).parse().expect("a number") {
                        return json_error(400, "ConditionalCheckFailedException");
                    }
                    *used = Some(many + by);
                    *owned = values[":owned"]["N"].as_str().map(str::to_owned).or(owned.clone());
                    (200, "{}".to_owned())
                }
                _ => json_error(400, "ConditionalCheckFailedException"),
            }
        })
    }

    async fn of(fake: &FakeAws) -> Allowances {
        Allowances::of_table(Table::new(fake.connect(|_| ()).await, "table", "spoke"))
    }

    #[tokio::test(start_paused = true)]
    async fn many_calls_share_the_limit_of_one_in_memory_and_in_the_table() {
        for allowances in [Allowances::default(), of(&table_of_one_day()).await] {
            let here = place("us-east-1");
            let ask = async |many, owned| {
                granted(&allowances, (&here, many), (TEN_PERCENT, owned), day(1)).await
            };
            // At least five deletions are allowed.
            assert_eq!(ask(3, None).await, Some(3));
            assert_eq!(ask(3, None).await, None);
            // 97 and the three deleted ones make 100, and 10 % are 10.
            assert_eq!(ask(3, Some(97)).await, Some(3));
            assert_eq!(ask(9, None).await, Some(4));
            assert_eq!(ask(1, Some(90)).await, Some(0));
            allowances.give_back(&here, 2, day(1)).await;
            assert_eq!(ask(5, None).await, Some(2));
        }
    }

    #[tokio::test]
    async fn each_day_and_each_target_has_its_own() {
        let allowances = Allowances::default();
        let ask = async |region, number| {
            let here = place(region);
            granted(&allowances, (&here, 5), (TEN_PERCENT, Some(10)), day(number)).await
        };
        assert_eq!(ask("us-east-1", 1).await, Some(5));
        assert_eq!(ask("us-east-1", 1).await, Some(0));
        assert_eq!(ask("us-west-2", 1).await, Some(5));
        assert_eq!(ask("us-east-1", 2).await, Some(5));
    }

    #[tokio::test]
    async fn deletions_that_did_not_happen_are_given_back_on_the_same_day() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = async |number| {
            granted(&allowances, (&here, 5), (TEN_PERCENT, Some(5)), day(number)).await
        };
        assert_eq!(ask(1).await, Some(5));
        allowances.give_back(&here, 2, day(1)).await;
        assert_eq!(ask(1).await, Some(2));
        assert_eq!(ask(2).await, Some(5));
        allowances.give_back(&here, 5, day(1)).await;
        assert_eq!(ask(2).await, Some(0), "yesterday's deletions do not count today");
    }

    #[tokio::test]
    async fn a_limit_by_number_ignores_what_is_owned() {
        let (allowances, here) = (Allowances::default(), place("us-east-1"));
        let ask = async |many, limit, owned| {
            granted(&allowances, (&here, many), (limit, owned), day(1)).await
        };
        assert_eq!(ask(9, MaxDeletes::Count(7), None).await, Some(7));
        assert_eq!(ask(1, MaxDeletes::Count(0), Some(1000)).await, Some(0));
        assert_eq!(ask(2000, MaxDeletes::Percent(100), None).await, Some(1000));
    }

    #[tokio::test(start_paused = true)]
    async fn the_items_of_the_table_name_the_day_and_what_is_allowed() {
        let fake = table_of_one_day();
        let allowances = of(&fake).await;
        let here = place("us-east-1");
        let now = Timestamp::parse("2026-11-28T23:59:59Z").expect("a time");
        granted(&allowances, (&here, 3), (TEN_PERCENT, Some(97)), now).await;
        granted(&allowances, (&here, 2), (TEN_PERCENT, Some(94)), now).await;
        allowances.give_back(&here, 1, now).await;
        let bodies = |operation: &str| -> Vec<Value> {
            let sent = fake.sent(operation).into_iter();
            sent.map(|sent| serde_json::from_str(&sent.body).expect("JSON")).collect()
        };
        assert_eq!(
            bodies("PutItem")[0]["Item"],
            json!({
                "pk": {"S": "deletes#111122223333#us-east-1"}, "sk": {"S": "2026-11-28"},
                "used": {"N": "3"}, "owned": {"N": "97"}, "allowance": {"N": "9"},
                "ttl": {"N": "1796169599"},
            })
        );
        let [used, given_back] = bodies("UpdateItem").try_into().expect("two updates");
        let Value::Object(values) = &used["ExpressionAttributeValues"] else { panic!("{used}") };
        let values: Vec<&str> = [":many", ":most", ":owned", ":allowance"]
            .map(|name| values[name]["N"].as_str().expect("a number"))
            .to_vec();
        assert_eq!(values, ["2", "7", "97", "9"]);
        assert_eq!(used["ConditionExpression"], "#used <= :most");
        assert_eq!(given_back["ConditionExpression"], "#used >= :many");
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_that_does_not_answer_reserves_nothing_and_giving_back_is_sent_once() {
        let fake = FakeAws::new(|_| json_error(500, "InternalServerError"));
        let allowances = of(&fake).await;
        let here = place("us-east-1");
        let asked = allowances.reserve(&here, 1, TEN_PERCENT, None, day(1)).await;
        assert_eq!(asked.map_err(|cause| cause.kind), Err(FailureKind::Unavailable));
        allowances.give_back(&here, 1, day(1)).await;
        let sent = ["GetItem", "PutItem", "UpdateItem"].map(|operation| fake.sent(operation).len());
        assert_eq!(sent, [5, 0, 1], "a repeated read, and one call that takes deletions off");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reservation_that_always_comes_second_ends_as_throttled() {
        let fake = FakeAws::new(|sent| match sent.operation.as_str() {
            "GetItem" => (200, r#"{"Item":{"used":{"N":"1"}}}"#.to_owned()),
            _ => json_error(400, "ConditionalCheckFailedException"),
        });
        let allowances = of(&fake).await;
        let asked = allowances.reserve(&place("us-east-1"), 1, TEN_PERCENT, None, day(1)).await;
        let cause = asked.expect_err("no reservation");
        assert_eq!(cause.kind, FailureKind::Throttled);
        assert_eq!(fake.sent("UpdateItem").len(), 10);
    }
}
