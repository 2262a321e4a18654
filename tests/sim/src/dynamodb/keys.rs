//! Keys of items, and key conditions of a query (FACTS 121, 132).

use super::condition::{Condition, Operand};
use super::expression::Placeholders;
use super::value::{TableItem, parts, text};
use crate::error::AwsError;

/// The names of the keys; both are strings.
pub(super) const PARTITION: &str = "pk";
pub(super) const SORT: &str = "sk";
const LONGEST_PARTITION: usize = 2048;
const LONGEST_SORT: usize = 1024;

/// The key of an item: partition key and sort key.
pub(super) type ItemKey = (String, String);

/// The key in an item that is put.
pub(super) fn of_item(item: &TableItem) -> Result<ItemKey, AwsError> {
    for name in [PARTITION, SORT] {
        let wrong = "One or more parameter values were invalid:";
        let Some(value) = item.get(name) else {
            let message = format!("{wrong} Missing the key {name} in the item");
            return Err(AwsError::validation(message));
        };
        let (kind, _) = parts(value);
        if kind != "S" {
            let message =
                format!("{wrong} Type mismatch for key {name} expected: S actual: {kind}");
            return Err(AwsError::validation(message));
        }
    }
    of_key_attributes(item)
}

/// A key as a request names it: both attributes, and no other.
pub(super) fn of_key(key: &TableItem) -> Result<ItemKey, AwsError> {
    if key.len() == 2 {
        return of_key_attributes(key);
    }
    Err(AwsError::validation("The provided key element does not match the schema"))
}

fn of_key_attributes(attributes: &TableItem) -> Result<ItemKey, AwsError> {
    let of = |name: &str| {
        let text = attributes.get(name).and_then(text).ok_or_else(|| {
            AwsError::validation("The provided key element does not match the schema")
        })?;
        check(name, text)?;
        Ok(text.to_owned())
    };
    Ok((of(PARTITION)?, of(SORT)?))
}

/// A key is not empty and not too long.
fn check(name: &str, text: &str) -> Result<(), AwsError> {
    let too_long = match name {
        PARTITION if text.len() > LONGEST_PARTITION => {
            "Size of hashkey has exceeded the maximum size limit of2048 bytes"
        }
        SORT if text.len() > LONGEST_SORT => {
            "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
        }
        _ if text.is_empty() => {
            return Err(AwsError::validation(format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: {name}"
            )));
        }
        _ => return Ok(()),
    };
    let message = format!("One or more parameter values were invalid: {too_long}");
    Err(AwsError::validation(message))
}

/// The items that a query asks for: those of one partition whose sort key fulfils a condition.
#[derive(Debug)]
pub(super) struct KeyRange {
    pub(super) partition: String,
    /// `begins_with` or a comparator, and its operand.
    sort: Option<(&'static str, String)>,
}

impl KeyRange {
    /// Parses a `KeyConditionExpression`.
    pub(super) fn parse(
        expression: &str,
        placeholders: &mut Placeholders,
    ) -> Result<Self, AwsError> {
        let condition = Condition::parse("KeyConditionExpression", expression, placeholders)?;
        let (mut partition, mut sort) = (None, None);
        let mut parts = Vec::new();
        conjuncts(condition, &mut parts)?;
        for (name, comparator, operand) in parts {
            let place = if name == PARTITION { &mut partition } else { &mut sort };
            if name != PARTITION && name != SORT {
                let message = "Query condition missed key schema element: pk";
                return Err(AwsError::validation(message));
            }
            check(&name, &operand)?;
            if place.replace((comparator, operand)).is_some() {
                return Err(AwsError::validation(
                    "KeyConditionExpressions must only contain one condition per key",
                ));
            }
        }
        match partition {
            None => Err(AwsError::validation("Query condition missed key schema element: pk")),
            Some(("=", partition)) => Ok(Self { partition, sort }),
            Some(_) => Err(AwsError::validation("Query key condition not supported")),
        }
    }

    /// Whether a sort key fulfils the condition.
    pub(super) fn contains(&self, sort: &str) -> bool {
        self.sort.as_ref().is_none_or(|(comparator, operand)| {
            let operand = operand.as_str();
            match *comparator {
                "=" => sort == operand,
                "<" => sort < operand,
                "<=" => sort <= operand,
                ">" => sort > operand,
                ">=" => sort >= operand,
                _ => sort.starts_with(operand),
            }
        })
    }

    /// The smallest sort key that can fulfil the condition, if it has a lower bound.
    pub(super) fn from(&self) -> &str {
        match &self.sort {
            Some(("<" | "<=", _)) | None => "",
            Some((_, operand)) => operand,
        }
    }
}

type KeyCondition = (String, &'static str, String);

/// The conditions that `AND` joins: attribute, comparator and operand of each.
fn conjuncts(condition: Condition, into: &mut Vec<KeyCondition>) -> Result<(), AwsError> {
    let (attribute, comparator, operand) = match condition {
        Condition::And(one, other) => {
            conjuncts(*one, into)?;
            return conjuncts(*other, into);
        }
        Condition::BeginsWith(attribute, operand) => (attribute, "begins_with", operand),
        Condition::Compare(attribute, comparator, operand) if comparator != "<>" => {
            (attribute, comparator, operand)
        }
        Condition::Compare(..) => return Err(invalid_operator("<>")),
        Condition::Or(..) => return Err(invalid_operator("OR")),
        Condition::Not(_) => return Err(invalid_operator("NOT")),
        Condition::Exists(_) => return Err(invalid_operator("attribute_exists")),
    };
    let (Operand::Path(path), Operand::Value(value)) = (attribute, operand) else {
        return Err(AwsError::validation(
            "Invalid condition in KeyConditionExpression: the simulator implements only an attribute on the left and a value on the right",
        ));
    };
    let [name] = &path[..] else {
        return Err(AwsError::validation(
            "KeyConditionExpressions cannot have conditions on nested attributes",
        ));
    };
    let Some(text) = text(&value) else {
        return Err(AwsError::validation(
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ));
    };
    into.push((name.clone(), comparator, text.to_owned()));
    Ok(())
}

fn invalid_operator(operator: &str) -> AwsError {
    let message = format!("Invalid operator used in KeyConditionExpression: {operator}");
    AwsError::validation(message)
}
