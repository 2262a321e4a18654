//! Attribute values in the JSON form of the API: their validity, size and order (FACTS 126 to 128).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::number::Decimal;
use crate::error::AwsError;

/// The attributes of an item by name, each in the JSON form of the API, such as `{"S": "active"}`.
pub type TableItem = BTreeMap<String, Value>;

/// How deep lists and maps may be nested.
const DEPTH: usize = 32;

/// The type of a valid value, such as `S`, and its content.
pub(super) fn parts(value: &Value) -> (&str, &Value) {
    let member = value.as_object().and_then(|members| members.iter().next());
    member.map_or(("", &Value::Null), |(kind, content)| (kind.as_str(), content))
}

/// The text of a value of type `S`.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.get("S")?.as_str()
}

/// The number of a value of type `N`.
pub(super) fn number(value: &Value) -> Option<Decimal> {
    Decimal::parse(value.get("N")?.as_str()?).ok()
}

/// A map of attribute values, each of them checked.
pub(super) fn checked_map(values: &Value, member: &str) -> Result<TableItem, AwsError> {
    let Some(values) = values.as_object() else {
        return Err(serialization(format!("{member} is not a map of attribute values")));
    };
    values.iter().map(|(name, value)| Ok((name.clone(), checked(value)?))).collect()
}

/// A value that `DynamoDB` accepts, as it stores the value: numbers without superfluous zeros, sets sorted.
pub(super) fn checked(value: &Value) -> Result<Value, AwsError> {
    checked_at(value, 0)
}

fn checked_at(value: &Value, depth: usize) -> Result<Value, AwsError> {
    if depth > DEPTH {
        return Err(AwsError::validation(
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
        ));
    }
    let Some(members) = value.as_object() else {
        return Err(serialization("Unexpected value type in payload"));
    };
    let mut members = members.iter();
    let Some((kind, content)) = members.next() else {
        return Err(AwsError::validation(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ));
    };
    if members.next().is_some() {
        return Err(AwsError::validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ));
    }
    let content = match (kind.as_str(), content) {
        ("S" | "N" | "B", Value::String(text)) => json!(scalar(kind, text)?),
        ("BOOL", Value::Bool(_)) | ("NULL", Value::Bool(true)) => content.clone(),
        ("NULL", _) => {
            return Err(AwsError::validation(
                "One or more parameter values were invalid: Null attribute value types must have the value of true",
            ));
        }
        ("L", Value::Array(list)) => {
            list.iter().map(|one| checked_at(one, depth + 1)).collect::<Result<Value, _>>()?
        }
        ("M", Value::Object(map)) => {
            let checked =
                |(name, one): (&String, &Value)| Ok((name.clone(), checked_at(one, depth + 1)?));
            Value::Object(map.iter().map(checked).collect::<Result<Map<_, _>, AwsError>>()?)
        }
        ("SS" | "NS" | "BS", Value::Array(list)) => set(&kind[..1], list)?,
        _ => return Err(serialization(format!("a value of type {kind} has another form"))),
    };
    Ok(json!({ kind: content }))
}

fn scalar(kind: &str, text: &str) -> Result<String, AwsError> {
    match kind {
        "N" => Ok(Decimal::parse(text)?.to_string()),
        "B" => {
            let body = text.trim_end_matches('=');
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
            let is_whole = text.len().is_multiple_of(4) && text.len() - body.len() <= 2;
            if !is_whole || !body.bytes().all(is_base64) {
                return Err(serialization("only base-64-encoded strings are convertible to bytes"));
            }
            Ok(text.to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}

/// A set of scalars of one kind: not empty, and without duplicates.
fn set(kind: &str, list: &[Value]) -> Result<Value, AwsError> {
    if list.is_empty() {
        return Err(AwsError::validation(
            "One or more parameter values were invalid: An set  may not be empty",
        ));
    }
    let mut texts = Vec::new();
    for one in list {
        let Some(text) = one.as_str() else {
            return Err(serialization("a set has an element that is not a string"));
        };
        texts.push(scalar(kind, text)?);
    }
    texts.sort_unstable();
    if texts.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(AwsError::validation(
            "One or more parameter values were invalid: Input collection contains duplicates.",
        ));
    }
    Ok(json!(texts))
}

fn serialization(message: impl Into<String>) -> AwsError {
    AwsError::new("SerializationException", message)
}

/// The size of an item in bytes: the names and values of all attributes.
pub(super) fn item_size(item: &TableItem) -> usize {
    item.iter().map(|(name, value)| name.len() + size(value)).sum()
}

fn size(value: &Value) -> usize {
    let (kind, content) = parts(value);
    let text_size = |kind: &str, text: &str| match kind {
        "N" => number_size(text),
        "B" => text.trim_end_matches('=').len() * 3 / 4,
        _ => text.len(),
    };
    match content {
        Value::String(text) => text_size(kind, text),
        Value::Array(list) if kind == "L" => {
            3 + list.iter().map(|one| 1 + size(one)).sum::<usize>()
        }
        Value::Array(list) => {
            list.iter().filter_map(Value::as_str).map(|one| text_size(&kind[..1], one)).sum()
        }
        Value::Object(map) => {
            3 + map.iter().map(|(name, one)| 1 + name.len() + size(one)).sum::<usize>()
        }
        _ => 1,
    }
}

fn number_size(text: &str) -> usize {
    let Ok(number) = Decimal::parse(text) else { return text.len() };
    let digits = usize::try_from(number.digits()).unwrap_or_default();
    digits.div_ceil(2) + 1 + usize::from(number.is_negative())
}

/// The order of two values of one type that has an order; values of different types have none.
pub(super) fn order(one: &Value, other: &Value) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (text(one), text(other)) {
        return Some(one.as_bytes().cmp(other.as_bytes()));
    }
    Some(number(one)?.cmp(&number(other)?))
}
