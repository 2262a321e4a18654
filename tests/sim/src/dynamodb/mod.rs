//! Amazon `DynamoDB`: the operations of one kind of table, whose keys `pk` and `sk` are strings (FACTS 120 to 138).

mod condition;
mod expression;
mod keys;
mod number;
pub(crate) mod owner;
mod read;
mod table;
mod update;
mod value;
mod write;

pub(crate) use table::Table;
pub use value::TableItem;

use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

const SHORTEST_NAME: usize = 3;
const LONGEST_NAME: usize = 255;

/// Executes an operation; `None` if the simulator does not implement it.
pub(crate) fn perform(world: &mut World, call: &Call<'_>) -> Option<Answer> {
    Some(match call.operation {
        "dynamodb:Query" => read::query(world, call),
        "dynamodb:GetItem" => read::get_item(world, call),
        "dynamodb:PutItem" => write::put_item(world, call),
        "dynamodb:UpdateItem" => write::update_item(world, call),
        "dynamodb:BatchWriteItem" => write::batch_write_item(world, call),
        _ => return None,
    })
}

/// The form in which `DynamoDB` sends an error code (FACTS 120).
pub(crate) fn qualified(code: &str) -> String {
    let space = match code {
        "ValidationException" => "com.amazon.coral.validate",
        "ThrottlingException" => "com.amazon.coral.availability",
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "SerializationException"
        | "UnknownOperationException"
        | "UnrecognizedClientException" => "com.amazon.coral.service",
        _ => "com.amazonaws.dynamodb.v20120810",
    };
    format!("{space}#{code}")
}

/// Refuses members that the simulator does not implement: it would ignore them, and `DynamoDB` does not.
fn known_members(call: &Call<'_>, known: &[&str]) -> Result<(), AwsError> {
    let members = call.input.as_object().into_iter().flatten();
    let given = members.filter(|(_, content)| !content.is_null()).map(|(name, _)| name.as_str());
    match given.into_iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(AwsError::validation(format!(
            "the simulator does not implement the member {name} of {}",
            call.operation
        ))),
    }
}

/// A table's name as `DynamoDB` accepts it. The simulator refuses the ARN of a table, which `DynamoDB` accepts too.
fn table_name(name: &str) -> Result<&str, AwsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if (SHORTEST_NAME..=LONGEST_NAME).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(name);
    }
    Err(AwsError::validation(format!(
        "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )))
}

/// The table with this name in the caller's account and Region (FACTS 136).
fn table<'a>(world: &'a mut World, call: &Call<'_>, name: &str) -> Result<&'a mut Table, AwsError> {
    let name = table_name(name)?;
    let tables = &mut world.region(&call.account, &call.region).tables;
    tables.get_mut(name).ok_or_else(|| {
        let message = format!("Requested resource not found: Table: {name} not found");
        AwsError::new("ResourceNotFoundException", message)
    })
}
