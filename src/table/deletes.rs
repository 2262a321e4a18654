//! The deletions of a UTC day in one target of one account: `deletes#111122223333#us-east-1` / `2026-11-28`.
//!
//! `allowances.rs` decides how many deletions a day has; this file reads and changes the numbers. A change that adds may
//! happen twice if its answer was lost, and a change that gives back happens at most once. So the number of used
//! deletions may be too large, and is never too small.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use super::calls::Repeats;
use super::items::{keyed, number, set_number, set_ttl};
use super::{Conditional, Table};
use crate::domain::{Cause, Location, Timestamp};

/// Only the present day counts. The days before stay for a person who asks what happened.
const KEPT: Duration = Duration::from_hours(3 * 24);

/// The deletions of one UTC day in one target of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeleteDay {
    /// The reserved deletions.
    pub used: u64,
    /// The replicas owned when the day began, if they were counted.
    pub owned: Option<u64>,
    /// The deletions that the settings allowed when one was last reserved.
    pub allowance: u64,
}

impl Table {
    /// The deletions of the day of `now`; `None` if none was reserved.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_day(
        &self,
        place: &Location,
        now: Timestamp,
    ) -> Result<Option<DeleteDay>, Cause> {
        let item = self.get(&partition(place), &date(now)).await?;
        Ok(item.map(|item| DeleteDay {
            // An unreadable number allows nothing.
            used: number(&item, "used").unwrap_or(u64::MAX),
            owned: number(&item, "owned"),
            allowance: number(&item, "allowance").unwrap_or_default(),
        }))
    }

    /// Writes the first reservation of the day of `now`.
    pub(crate) async fn begin_delete_day(
        &self,
        place: &Location,
        now: Timestamp,
        day: DeleteDay,
    ) -> Result<Conditional, Cause> {
        let mut item = keyed(partition(place), date(now));
        set_number(&mut item, "used", day.used);
        set_number(&mut item, "allowance", day.allowance);
        if let Some(owned) = day.owned {
            set_number(&mut item, "owned", owned);
        }
        set_ttl(&mut item, now, KEPT);
        self.put_new(item).await
    }

    /// Adds `many` deletions to the day of `now`, if it then has at most the allowance of `day`.
    pub(crate) async fn use_deletes(
        &self,
        place: &Location,
        now: Timestamp,
        many: u64,
        day: DeleteDay,
    ) -> Result<Conditional, Cause> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let most = day.allowance.saturating_sub(many);
        let change = match day.owned {
            Some(_) => "SET #used = #used + :many, #allowance = :allowance, #owned = :owned",
            None => "SET #used = #used + :many, #allowance = :allowance",
        };
        let request = self
            .update_of(place, now)
            .update_expression(change)
            .condition_expression("#used <= :most")
            .expression_attribute_names("#allowance", "allowance")
            .expression_attribute_values(":many", number(many))
            .expression_attribute_values(":most", number(most))
            .expression_attribute_values(":allowance", number(day.allowance));
        let request = match day.owned {
            Some(owned) => request
                .expression_attribute_names("#owned", "owned")
                .expression_attribute_values(":owned", number(owned)),
            None => request,
        };
        self.update(request, Repeats::Allowed).await
    }

    /// Takes `many` deletions off the day of `now`. The call is never repeated: a second one would take off too many.
    pub(crate) async fn give_back_deletes(
        &self,
        place: &Location,
        now: Timestamp,
        many: u64,
    ) -> Result<Conditional, Cause> {
        let request = self
            .update_of(place, now)
            .update_expression("SET #used = #used - :many")
            .condition_expression("#used >= :many")
            .expression_attribute_values(":many", AttributeValue::N(many.to_string()));
        self.update(request, Repeats::Never).await
    }

    fn update_of(&self, place: &Location, now: Timestamp) -> UpdateItemFluentBuilder {
        self.connection()
            .dynamodb()
            .update_item()
            .table_name(self.name())
            .set_key(Some(keyed(partition(place), date(now))))
            .expression_attribute_names("#used", "used")
    }
}

fn partition(Location { account, region }: &Location) -> String {
    format!("deletes#{account}#{region}")
}

/// `2026-11-28`.
fn date(now: Timestamp) -> String {
    now.to_string().chars().take("2026-11-28".len()).collect()
}
