//! Update expressions: `SET` with sums, differences and `if_not_exists`, `ADD` of numbers, and `REMOVE` (FACTS 133).
//! Anything else is refused with an error that names the expression.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::expression::{DocumentPath, Placeholders, Reader, Token, at_path, shown};
use super::keys::{PARTITION, SORT};
use super::number::Decimal;
use super::value::{TableItem, number, parts};
use crate::error::AwsError;

/// The changes of an update expression.
#[derive(Debug, Default)]
pub(super) struct Update(Vec<(DocumentPath, Change)>);

#[derive(Debug)]
enum Change {
    Set(NewValue),
    Add(Decimal),
    Remove,
}

/// The right side of an assignment.
#[derive(Debug)]
enum NewValue {
    Path(DocumentPath),
    Value(Value),
    IfNotExists(DocumentPath, Box<NewValue>),
    Sum(Box<NewValue>, Box<NewValue>),
    Difference(Box<NewValue>, Box<NewValue>),
}

impl Update {
    /// Parses an `UpdateExpression`.
    pub(super) fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Self, AwsError> {
        let mut reader = Reader::new("UpdateExpression", text, placeholders)?;
        let mut update = Self::default();
        let mut clauses = BTreeSet::new();
        while reader.peek().is_some() {
            let clauses_known = ["SET", "ADD", "REMOVE", "DELETE"];
            let clause = clauses_known.into_iter().find(|clause| reader.keyword(clause));
            let clause = clause.ok_or_else(|| reader.unexpected())?;
            if !clauses.insert(clause) {
                return Err(reader.invalid(&format!(
                    "The \"{clause}\" section can only be used once in an update expression;"
                )));
            }
            loop {
                update.clause(clause, &mut reader)?;
                if !reader.symbol(",") {
                    break;
                }
            }
        }
        Ok(update)
    }

    fn clause(&mut self, clause: &str, reader: &mut Reader<'_>) -> Result<(), AwsError> {
        if clause == "DELETE" {
            return Err(reader.unknown("DELETE"));
        }
        let path = reader.path()?;
        self.check_path(reader, &path)?;
        let change = match clause {
            "SET" => {
                reader.must("=")?;
                Change::Set(sum(reader)?)
            }
            "ADD" => {
                let value = reader.value()?;
                let added = number(&value).ok_or_else(|| match parts(&value).0 {
                    "SS" | "NS" | "BS" => reader.unknown("ADD of a set"),
                    kind => reader.invalid(&format!(
                        "Incorrect operand type for operator or function; operator: ADD, operand type: {kind}"
                    )),
                })?;
                Change::Add(added)
            }
            _ => Change::Remove,
        };
        self.0.push((path, change));
        Ok(())
    }

    /// A path does not name a key, and does not overlap with an earlier path.
    fn check_path(&self, reader: &Reader<'_>, path: &[String]) -> Result<(), AwsError> {
        if let [PARTITION | SORT] = path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            return Err(AwsError::validation(format!(
                "One or more parameter values were invalid: Cannot update attribute {}. This attribute is part of the key",
                path[0]
            )));
        }
        let overlaps = |(earlier, _): &&(DocumentPath, Change)| {
            earlier.starts_with(path) || path.starts_with(earlier)
        };
        match self.0.iter().find(overlaps) {
            None => Ok(()),
            Some((earlier, _)) => Err(reader.invalid(&format!(
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {}, path two: {}",
                shown(earlier),
                shown(path)
            ))),
        }
    }

    /// The item after the update. Every right side sees the item before the update.
    pub(super) fn apply(&self, before: &TableItem) -> Result<TableItem, AwsError> {
        let mut after = before.clone();
        for (path, change) in &self.0 {
            let value = match change {
                Change::Set(value) => Some(value.of(before)?),
                Change::Remove => None,
                Change::Add(added) => {
                    let held = at_path(before, path);
                    let held = held.map(|held| number(held).ok_or_else(wrong_type)).transpose()?;
                    let sum = held.map_or(Ok(*added), |held| held.plus(*added))?;
                    Some(json!({"N": sum.to_string()}))
                }
            };
            place(&mut after, path, value)?;
        }
        Ok(after)
    }
}

impl NewValue {
    fn of(&self, item: &TableItem) -> Result<Value, AwsError> {
        let numbers = |one: &Self, other: &Self| {
            let of = |value: &Self| number(&value.of(item)?).ok_or_else(wrong_type);
            Ok::<_, AwsError>((of(one)?, of(other)?))
        };
        let result = match self {
            Self::Value(value) => return Ok(value.clone()),
            Self::Path(path) => {
                return at_path(item, path).cloned().ok_or_else(|| {
                    let message = "The provided expression refers to an attribute that does not exist in the item";
                    AwsError::validation(message)
                });
            }
            Self::IfNotExists(path, otherwise) => {
                return at_path(item, path).cloned().map_or_else(|| otherwise.of(item), Ok);
            }
            Self::Sum(one, other) => numbers(one, other).and_then(|(one, other)| one.plus(other)),
            Self::Difference(one, other) => {
                numbers(one, other).and_then(|(one, other)| one.plus(other.negative()))
            }
        };
        Ok(json!({"N": result?.to_string()}))
    }
}

fn wrong_type() -> AwsError {
    AwsError::validation("An operand in the update expression has an incorrect data type")
}

/// Sets or removes the value at a path. All maps above it must exist.
fn place(item: &mut TableItem, path: &[String], value: Option<Value>) -> Result<(), AwsError> {
    let invalid = || {
        let message = "The document path provided in the update expression is invalid for update";
        AwsError::validation(message)
    };
    let Some((last, parents)) = path.split_last() else { return Err(invalid()) };
    let Some((first, below)) = parents.split_first() else {
        match value {
            Some(value) => item.insert(last.clone(), value),
            None => item.remove(last),
        };
        return Ok(());
    };
    let mut map = item.get_mut(first).and_then(entries).ok_or_else(invalid)?;
    for name in below {
        map = map.get_mut(name).and_then(entries).ok_or_else(invalid)?;
    }
    match value {
        Some(value) => map.insert(last.clone(), value),
        None => map.remove(last),
    };
    Ok(())
}

/// The entries of a value of type `M`.
fn entries(value: &mut Value) -> Option<&mut Map<String, Value>> {
    value.get_mut("M")?.as_object_mut()
}

fn sum(reader: &mut Reader<'_>) -> Result<NewValue, AwsError> {
    let one = operand(reader)?;
    let Some(operator) = reader.one_of(&["+", "-"]) else { return Ok(one) };
    let other = operand(reader)?;
    for operand in [&one, &other] {
        if let NewValue::Value(value) = operand
            && number(value).is_none()
        {
            return Err(reader.invalid(&format!(
                "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {}",
                parts(value).0
            )));
        }
    }
    let (one, other) = (Box::new(one), Box::new(other));
    Ok(if operator == "+" { NewValue::Sum(one, other) } else { NewValue::Difference(one, other) })
}

fn operand(reader: &mut Reader<'_>) -> Result<NewValue, AwsError> {
    if reader.symbol("(") {
        let operand = operand(reader)?;
        reader.must(")")?;
        return Ok(operand);
    }
    if let Some(name) = reader.function() {
        if name == "list_append" {
            return Err(reader.unknown(&name));
        }
        if name != "if_not_exists" {
            return Err(reader.invalid(&format!("Invalid function name; function: {name}")));
        }
        if matches!(reader.peek(), Some(Token::Value(_))) {
            return Err(reader.invalid(&format!(
                "Operator or function requires a document path; operator or function: {name}"
            )));
        }
        let path = reader.path()?;
        reader.must(",")?;
        let otherwise = operand(reader)?;
        reader.must(")")?;
        return Ok(NewValue::IfNotExists(path, Box::new(otherwise)));
    }
    match reader.peek() {
        Some(Token::Value(_)) => Ok(NewValue::Value(reader.value()?)),
        _ => Ok(NewValue::Path(reader.path()?)),
    }
}
