//! `GetItem` and `Query` (FACTS 122 to 124).

use std::sync::Arc;

use serde_json::{Value, json};

use super::expression::Placeholders;
use super::keys::{ItemKey, KeyRange, PARTITION, SORT, of_key};
use super::table::{Seen, Table};
use super::value::{TableItem, checked_map, item_size};
use super::{known_members, table};
use crate::error::{Answer, AwsError};
use crate::state::{Call, World, missing};

/// The items of a page have at most this many bytes.
const PAGE_BYTES: usize = 1 << 20;

pub(super) fn get_item(world: &mut World, call: &Call<'_>) -> Answer {
    known_members(call, &["TableName", "Key", "ConsistentRead"])?;
    let key = call.input.get("Key").ok_or_else(|| missing("key"))?;
    let key = checked_map(key, "Key")?;
    let table = table(world, call, call.needed("TableName")?)?;
    let item = table.item(&of_key(&key)?, seen(call));
    Ok(item.map_or_else(|| json!({}), |item| json!({"Item": **item})))
}

fn seen(call: &Call<'_>) -> Seen {
    if call.flag("ConsistentRead") { Seen::Now } else { Seen::At(call.read_at()) }
}

pub(super) fn query(world: &mut World, call: &Call<'_>) -> Answer {
    known_members(
        call,
        &[
            "TableName",
            "KeyConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ScanIndexForward",
            "Limit",
            "ConsistentRead",
            "ExclusiveStartKey",
        ],
    )?;
    let limit = limit(call)?;
    let mut placeholders = Placeholders::of(call)?;
    let expression = call.text("KeyConditionExpression").ok_or_else(|| {
        let message = "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.";
        AwsError::validation(message)
    })?;
    let range = KeyRange::parse(expression, &mut placeholders)?;
    placeholders.all_used()?;
    let start = start_key(call, &range)?;
    let is_forward = call.input.get("ScanIndexForward").and_then(Value::as_bool) != Some(false);
    let table = table(world, call, call.needed("TableName")?)?;
    let (items, last) = page(table, &range, start.as_deref(), limit, is_forward, seen(call));
    let mut answer = json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items});
    if let Some(sort) = last {
        answer["LastEvaluatedKey"] = json!({PARTITION: {"S": range.partition}, SORT: {"S": sort}});
    }
    Ok(answer)
}

fn limit(call: &Call<'_>) -> Result<Option<usize>, AwsError> {
    match call.input.get("Limit").filter(|limit| !limit.is_null()) {
        None => Ok(None),
        Some(limit) => match limit.as_i64().map(usize::try_from) {
            Some(Ok(limit)) if limit > 0 => Ok(Some(limit)),
            _ => Err(AwsError::validation(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
            ))),
        },
    }
}

/// The sort key after which the page starts. The key must be one that the query can reach.
fn start_key(call: &Call<'_>, range: &KeyRange) -> Result<Option<String>, AwsError> {
    let given = call.input.get("ExclusiveStartKey").filter(|key| !key.is_null());
    let Some(given) = given else { return Ok(None) };
    let invalid = |why: &str| AwsError::validation(format!("The provided starting key {why}"));
    let key = checked_map(given, "ExclusiveStartKey")
        .and_then(|key| of_key(&key))
        .map_err(|error| invalid(&format!("is invalid: {}", error.message)))?;
    let (partition, sort): ItemKey = key;
    if partition != range.partition {
        return Err(invalid("is outside query boundaries based on provided conditions"));
    }
    if !range.contains(&sort) {
        return Err(invalid("does not match the range key predicate"));
    }
    Ok(Some(sort))
}

/// The items of a page, and the sort key of the last of them if the page ended before the query did.
fn page(
    table: &Table,
    range: &KeyRange,
    start: Option<&str>,
    limit: Option<usize>,
    is_forward: bool,
    seen: Seen,
) -> (Vec<Value>, Option<String>) {
    let is_left = |sort: &str| match start {
        None => true,
        Some(start) if is_forward => sort > start,
        Some(start) => sort < start,
    };
    let items = table.partition(&range.partition, range.from(), seen);
    let mut items: Box<dyn Iterator<Item = (&str, &Arc<TableItem>)>> =
        if is_forward { Box::new(items) } else { Box::new(items.rev()) };
    let (mut page, mut last, mut bytes) = (Vec::new(), None, 0);
    // A page that the limit ends has a key even if no item follows (FACTS 124).
    while limit.is_none_or(|limit| page.len() < limit) {
        let next = items.by_ref().find(|(sort, _)| is_left(sort) && range.contains(sort));
        let Some((sort, item)) = next else { return (page, None) };
        bytes += item_size(item);
        if bytes > PAGE_BYTES && last.is_some() {
            break;
        }
        page.push(json!(**item));
        last = Some(sort.to_owned());
    }
    (page, last)
}
