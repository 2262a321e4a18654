//! `PutItem`, `UpdateItem` and `BatchWriteItem` (FACTS 121, 125, 134, 135).

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::condition::Condition;
use super::expression::Placeholders;
use super::keys::{ItemKey, of_item, of_key};
use super::table::Seen;
use super::update::Update;
use super::value::{TableItem, checked_map, item_size};
use super::{known_members, table, table_name};
use crate::error::{Answer, AwsError};
use crate::state::{Call, World, missing};

const ITEM_BYTES: usize = 400 << 10;
const BATCH: usize = 25;

pub(super) fn put_item(world: &mut World, call: &Call<'_>) -> Answer {
    known_members(
        call,
        &[
            "TableName",
            "Item",
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ReturnValues",
        ],
    )?;
    let returned = return_values(call, &["NONE", "ALL_OLD"])?;
    let item = call.input.get("Item").ok_or_else(|| missing("item"))?;
    let item = checked_map(item, "Item")?;
    check_size(&item, "Item size has exceeded the maximum allowed size")?;
    let mut placeholders = Placeholders::of(call)?;
    let condition = condition(call, &mut placeholders)?;
    match condition {
        Some(_) => placeholders.all_used()?,
        None => placeholders.need_an_expression("ConditionExpression")?,
    }
    let (now, horizon) = (call.now, world.horizon());
    let table = table(world, call, call.needed("TableName")?)?;
    let key = of_item(&item)?;
    let before = table.item(&key, Seen::Now).cloned();
    check_condition(condition.as_ref(), before.as_deref())?;
    table.set(key, Some(Arc::new(item)), now, horizon);
    Ok(match (returned, before) {
        ("ALL_OLD", Some(before)) => json!({"Attributes": *before}),
        _ => json!({}),
    })
}

pub(super) fn update_item(world: &mut World, call: &Call<'_>) -> Answer {
    known_members(
        call,
        &[
            "TableName",
            "Key",
            "UpdateExpression",
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ReturnValues",
        ],
    )?;
    let returned = return_values(call, &["NONE", "ALL_OLD", "ALL_NEW"])?;
    let key = call.input.get("Key").ok_or_else(|| missing("key"))?;
    let key_attributes = checked_map(key, "Key")?;
    let mut placeholders = Placeholders::of(call)?;
    let update = call.text("UpdateExpression");
    let has_expression = update.is_some() || call.text("ConditionExpression").is_some();
    let update = match update {
        Some(text) => Update::parse(text, &mut placeholders)?,
        None => Update::default(),
    };
    let condition = condition(call, &mut placeholders)?;
    if has_expression {
        placeholders.all_used()?;
    } else {
        placeholders.need_an_expression("UpdateExpression and ConditionExpression")?;
    }
    let (now, horizon) = (call.now, world.horizon());
    let table = table(world, call, call.needed("TableName")?)?;
    let key = of_key(&key_attributes)?;
    let before = table.item(&key, Seen::Now).cloned();
    check_condition(condition.as_ref(), before.as_deref())?;
    let after = update.apply(before.as_deref().unwrap_or(&key_attributes))?;
    check_size(&after, "Item size to update has exceeded the maximum allowed size")?;
    let after = Arc::new(after);
    table.set(key, Some(after.clone()), now, horizon);
    Ok(match (returned, before) {
        ("ALL_NEW", _) => json!({"Attributes": *after}),
        ("ALL_OLD", Some(before)) => json!({"Attributes": *before}),
        _ => json!({}),
    })
}

fn condition(
    call: &Call<'_>,
    placeholders: &mut Placeholders,
) -> Result<Option<Condition>, AwsError> {
    let member = "ConditionExpression";
    call.text(member).map(|text| Condition::parse(member, text, placeholders)).transpose()
}

fn check_condition(
    condition: Option<&Condition>,
    before: Option<&TableItem>,
) -> Result<(), AwsError> {
    let nothing = TableItem::new();
    if condition.is_none_or(|condition| condition.holds(before.unwrap_or(&nothing))) {
        return Ok(());
    }
    Err(AwsError::new("ConditionalCheckFailedException", "The conditional request failed"))
}

fn check_size(item: &TableItem, message: &str) -> Result<(), AwsError> {
    if item_size(item) > ITEM_BYTES { Err(AwsError::validation(message)) } else { Ok(()) }
}

fn return_values<'a>(call: &'a Call<'_>, known: &[&str]) -> Result<&'a str, AwsError> {
    let wanted = call.text("ReturnValues").unwrap_or("NONE");
    if known.contains(&wanted) {
        return Ok(wanted);
    }
    Err(AwsError::validation(format!(
        "the simulator does not implement ReturnValues {wanted} for {}",
        call.operation
    )))
}

/// A request of a batch: the item that it puts, or the key of the item that it deletes.
struct BatchRequest {
    table: String,
    key: ItemKey,
    item: Option<Arc<TableItem>>,
    /// As the caller sent it.
    sent: Value,
}

pub(super) fn batch_write_item(world: &mut World, call: &Call<'_>) -> Answer {
    known_members(call, &["RequestItems"])?;
    let tables = call.input.get("RequestItems").and_then(Value::as_object);
    let tables = tables.ok_or_else(|| missing("requestItems"))?;
    let counts: Vec<usize> =
        tables.values().map(|list| list.as_array().map_or(0, Vec::len)).collect();
    let total: usize = counts.iter().sum();
    if total == 0 || total > BATCH || counts.contains(&0) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value of {total} requests at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"
        )));
    }
    let mut requests = Vec::new();
    for (name, list) in tables {
        table(world, call, name)?;
        for sent in list.as_array().into_iter().flatten() {
            requests.push(batch_request(table_name(name)?, sent)?);
        }
    }
    let keys: BTreeSet<_> = requests.iter().map(|one| (&one.table, &one.key)).collect();
    if keys.len() < requests.len() {
        return Err(AwsError::validation("Provided list of item keys contains duplicates"));
    }
    // A fault leaves the second half unprocessed.
    let done = if call.is_cut { requests.len() / 2 } else { requests.len() };
    let rest = requests.split_off(done);
    let (now, horizon) = (call.now, world.horizon());
    for request in requests {
        table(world, call, &request.table)?.set(request.key, request.item, now, horizon);
    }
    let mut unprocessed: Map<String, Value> = Map::new();
    for request in rest {
        let list = unprocessed.entry(request.table).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(request.sent);
        }
    }
    Ok(json!({ "UnprocessedItems": unprocessed }))
}

fn batch_request(table: &str, sent: &Value) -> Result<BatchRequest, AwsError> {
    let request = |kind: &str, member: &str| Some(sent.get(kind)?.get(member)?.clone());
    let (key, item) = match (request("PutRequest", "Item"), request("DeleteRequest", "Key")) {
        (Some(item), None) => {
            let item = checked_map(&item, "Item")?;
            check_size(&item, "Item size has exceeded the maximum allowed size")?;
            let key = of_item(&item).map_err(|error| {
                // In a batch the error for a missing or mistyped key is the one for keys.
                let is_schema = ["Missing the key", "Type mismatch"];
                if is_schema.iter().any(|text| error.message.contains(text)) {
                    AwsError::validation("The provided key element does not match the schema")
                } else {
                    error
                }
            })?;
            (key, Some(Arc::new(item)))
        }
        (None, Some(key)) => (of_key(&checked_map(&key, "Key")?)?, None),
        _ => {
            return Err(AwsError::validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
            ));
        }
    };
    Ok(BatchRequest { table: table.to_owned(), key, item, sent: sent.clone() })
}
