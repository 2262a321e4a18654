//! Condition expressions: comparisons, `attribute_exists`, `attribute_not_exists`, `begins_with`, `AND`, `OR`, `NOT` and
//! parentheses (FACTS 131). Anything else is refused with an error that names the expression.

use std::cmp::Ordering;

use serde_json::Value;

use super::expression::{DocumentPath, Placeholders, Reader, Token, at_path, shown};
use super::value::{TableItem, order, parts, text};
use crate::error::AwsError;

const COMPARATORS: [&str; 6] = ["<=", ">=", "<>", "<", ">", "="];

/// A condition on an item.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Exists(DocumentPath),
    BeginsWith(Operand, Operand),
    Compare(Operand, &'static str, Operand),
}

/// An attribute, or a value of the request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Path(DocumentPath),
    Value(Value),
}

impl Operand {
    fn of<'a>(&'a self, item: &'a TableItem) -> Option<&'a Value> {
        match self {
            Self::Path(path) => at_path(item, path),
            Self::Value(value) => Some(value),
        }
    }
}

impl Condition {
    /// Parses the expression in this member of a request.
    pub(super) fn parse(
        kind: &'static str,
        text: &str,
        placeholders: &mut Placeholders,
    ) -> Result<Self, AwsError> {
        let mut reader = Reader::new(kind, text, placeholders)?;
        let (condition, _) = either(&mut reader)?;
        reader.ends()?;
        Ok(condition)
    }

    /// Whether the item fulfils the condition. An item that does not exist has no attributes.
    pub(super) fn holds(&self, item: &TableItem) -> bool {
        match self {
            Self::And(one, other) => one.holds(item) && other.holds(item),
            Self::Or(one, other) => one.holds(item) || other.holds(item),
            Self::Not(condition) => !condition.holds(item),
            Self::Exists(path) => at_path(item, path).is_some(),
            Self::BeginsWith(operand, prefix) => {
                let start = prefix.of(item).and_then(text);
                let whole = operand.of(item).and_then(text);
                whole.zip(start).is_some_and(|(whole, start)| whole.starts_with(start))
            }
            Self::Compare(one, comparator, other) => {
                compares(one.of(item), comparator, other.of(item))
            }
        }
    }
}

/// A missing attribute and a value of another type are unequal to every value, and neither smaller nor larger.
fn compares(one: Option<&Value>, comparator: &str, other: Option<&Value>) -> bool {
    let are_equal = one.is_some() && one == other;
    let order = one.zip(other).and_then(|(one, other)| order(one, other));
    match comparator {
        "=" => are_equal,
        "<>" => !are_equal,
        "<" => order == Some(Ordering::Less),
        ">" => order == Some(Ordering::Greater),
        "<=" => order.is_some_and(Ordering::is_le),
        _ => order.is_some_and(Ordering::is_ge),
    }
}

/// A condition, and whether it is enclosed in parentheses.
type Parsed = Result<(Condition, bool), AwsError>;

fn either(reader: &mut Reader<'_>) -> Parsed {
    let (mut condition, mut is_enclosed) = both(reader)?;
    while reader.keyword("OR") {
        condition = Condition::Or(Box::new(condition), Box::new(both(reader)?.0));
        is_enclosed = false;
    }
    Ok((condition, is_enclosed))
}

fn both(reader: &mut Reader<'_>) -> Parsed {
    let (mut condition, mut is_enclosed) = single(reader)?;
    while reader.keyword("AND") {
        condition = Condition::And(Box::new(condition), Box::new(single(reader)?.0));
        is_enclosed = false;
    }
    Ok((condition, is_enclosed))
}

fn single(reader: &mut Reader<'_>) -> Parsed {
    if reader.keyword("NOT") {
        return Ok((Condition::Not(Box::new(single(reader)?.0)), false));
    }
    if reader.symbol("(") {
        let (condition, is_enclosed) = either(reader)?;
        reader.must(")")?;
        if is_enclosed {
            return Err(reader.invalid("The expression has redundant parentheses;"));
        }
        return Ok((condition, true));
    }
    let condition = match reader.function() {
        Some(name) => function(reader, &name)?,
        None => comparison(reader)?,
    };
    Ok((condition, false))
}

fn function(reader: &mut Reader<'_>, name: &str) -> Result<Condition, AwsError> {
    let condition = match name {
        "attribute_exists" => Condition::Exists(only_path(reader, name)?),
        "attribute_not_exists" => {
            Condition::Not(Box::new(Condition::Exists(only_path(reader, name)?)))
        }
        "begins_with" => {
            let whole = operand(reader)?;
            reader.must(",")?;
            let start = operand(reader)?;
            for one in [&whole, &start] {
                if let Operand::Value(value) = one {
                    check_type(reader, name, "operator or function", value, &["S"])?;
                }
            }
            distinct(reader, name, &whole, &start)?;
            Condition::BeginsWith(whole, start)
        }
        "attribute_type" | "contains" | "size" => return Err(reader.unknown(name)),
        _ => return Err(reader.invalid(&format!("Invalid function name; function: {name}"))),
    };
    reader.must(")")?;
    Ok(condition)
}

fn only_path(reader: &mut Reader<'_>, name: &str) -> Result<DocumentPath, AwsError> {
    if matches!(reader.peek(), Some(Token::Value(_))) {
        return Err(reader.invalid(&format!(
            "Operator or function requires a document path; operator or function: {name}"
        )));
    }
    reader.path()
}

fn comparison(reader: &mut Reader<'_>) -> Result<Condition, AwsError> {
    let one = operand(reader)?;
    for keyword in ["BETWEEN", "IN"] {
        if reader.keyword(keyword) {
            return Err(reader.unknown(keyword));
        }
    }
    let comparator = reader.one_of(&COMPARATORS).ok_or_else(|| reader.unexpected())?;
    let other = operand(reader)?;
    if !matches!(comparator, "=" | "<>") {
        for operand in [&one, &other] {
            if let Operand::Value(value) = operand {
                check_type(reader, comparator, "operator", value, &["S", "N"])?;
            }
        }
    }
    distinct(reader, comparator, &one, &other)?;
    Ok(Condition::Compare(one, comparator, other))
}

fn operand(reader: &mut Reader<'_>) -> Result<Operand, AwsError> {
    if let Some(name) = reader.function() {
        return Err(reader.unknown(&format!("{name} as an operand")));
    }
    match reader.peek() {
        Some(Token::Value(_)) => Ok(Operand::Value(reader.value()?)),
        _ => Ok(Operand::Path(reader.path()?)),
    }
}

fn check_type(
    reader: &Reader<'_>,
    name: &str,
    what: &str,
    value: &Value,
    allowed: &[&str],
) -> Result<(), AwsError> {
    let (kind, _) = parts(value);
    if allowed.contains(&kind) {
        return Ok(());
    }
    if kind == "B" {
        return Err(reader.unknown("the order of binary values"));
    }
    Err(reader.invalid(&format!(
        "Incorrect operand type for operator or function; {what}: {name}, operand type: {kind}"
    )))
}

fn distinct(
    reader: &Reader<'_>,
    name: &str,
    one: &Operand,
    other: &Operand,
) -> Result<(), AwsError> {
    match (one, other) {
        (Operand::Path(path), Operand::Path(same)) if path == same => Err(reader.invalid(&format!(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: {name}, first operand: {}",
            shown(path)
        ))),
        _ => Ok(()),
    }
}
