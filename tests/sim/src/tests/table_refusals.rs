//! Requests that `DynamoDB` refuses, and what the tests of tables share.

use serde_json::{Value, json};

use super::{ACCOUNT, REGION, world};
use crate::error::AwsError;
use crate::{Keys, RegionSide, Sim};

pub(super) const TABLE: &str = "failover";

pub(super) fn region(sim: &Sim) -> RegionSide<'_> {
    sim.account(ACCOUNT).region(REGION)
}

/// Executes an operation on the table as its owner.
pub(super) fn ask(sim: &Sim, operation: &str, request: &Value) -> Result<Value, AwsError> {
    let mut request = request.clone();
    if operation != "BatchWriteItem" {
        request["TableName"] = json!(TABLE);
    }
    region(sim).call(&format!("dynamodb:{operation}"), &request)
}

pub(super) fn refusal(sim: &Sim, operation: &str, request: &Value) -> String {
    match ask(sim, operation, request) {
        Ok(answer) => panic!("{operation} {request} succeeds: {answer}"),
        Err(error) => error.to_string(),
    }
}

/// A simulator whose table has no items.
pub(super) fn empty() -> (Sim, Keys) {
    let (sim, keys) = world(|_| ());
    region(&sim).table(TABLE);
    (sim, keys)
}

pub(super) fn item(partition: &str, sort: &str) -> Value {
    json!({"pk": {"S": partition}, "sk": {"S": sort}})
}

pub(super) fn with(mut item: Value, name: &str, value: Value) -> Value {
    item[name] = value;
    item
}

#[tokio::test(start_paused = true)]
async fn what_dynamodb_refuses_is_refused() {
    let (sim, _) = empty();
    let held = json!({"pk": {"S": "p"}, "sk": {"S": "s"}, "n": {"N": "1"}, "word": {"S": "x"}});
    region(&sim).table(TABLE).put(&held);
    let put = |item: Value| ("PutItem", json!({ "Item": item }));
    let update = |expression: &str, values: Value| {
        let request = json!({"Key": item("p", "s"), "UpdateExpression": expression,
            "ExpressionAttributeValues": values});
        ("UpdateItem", request)
    };
    let query = |condition: &str| {
        let values = json!({":p": {"S": "p"}, ":q": {"S": "q"}});
        ("Query", json!({"KeyConditionExpression": condition, "ExpressionAttributeValues": values}))
    };
    let condition = |expression: &str, values: Value| {
        let request = json!({"Item": held, "ConditionExpression": expression,
            "ExpressionAttributeValues": values});
        ("PutItem", request)
    };
    let n = || json!({":n": {"N": "1"}});
    let valid = item("p", "s");
    for ((operation, request), why) in [
        (put(json!({"pk": {"S": "p"}})), "Missing the key sk in the item"),
        (
            put(json!({"pk": {"N": "1"}, "sk": {"S": "s"}})),
            "Type mismatch for key pk expected: S actual: N",
        ),
        (put(item("", "s")), "cannot contain an empty string value. Key: pk"),
        (put(item("p", "")), "cannot contain an empty string value. Key: sk"),
        (put(item(&"x".repeat(2049), "s")), "2048 bytes"),
        (put(item("p", &"x".repeat(1025))), "1024 bytes"),
        (
            put(with(valid.clone(), "a", json!({}))),
            "must contain exactly one of the supported datatypes",
        ),
        (put(with(valid.clone(), "a", json!({"S": "x", "N": "1"}))), "more than one datatypes set"),
        (
            put(with(valid.clone(), "a", json!({"N": "one"}))),
            "cannot be converted to a numeric value: one",
        ),
        (put(with(valid.clone(), "a", json!({"S": 1}))), "SerializationException"),
        (put(with(valid.clone(), "a", json!({"X": "1"}))), "SerializationException"),
        (put(with(valid.clone(), "a", json!({"NULL": false}))), "must have the value of true"),
        (put(with(valid.clone(), "a", json!({"SS": []}))), "may not be empty"),
        (put(with(valid.clone(), "a", json!({"NS": ["1", "1.0"]}))), "contains duplicates"),
        (
            put(with(valid.clone(), "a", json!({"S": "x".repeat(400 << 10)}))),
            "Item size has exceeded",
        ),
        (("GetItem", json!({"Key": {"pk": {"S": "p"}}})), "does not match the schema"),
        (("GetItem", json!({"Key": held})), "does not match the schema"),
        (("GetItem", json!({"Key": item("p", "")})), "empty string value. Key: sk"),
        (
            ("GetItem", json!({"Key": valid, "AttributesToGet": ["n"]})),
            "does not implement the member AttributesToGet",
        ),
        (
            condition("n = :n AND", n()),
            "Invalid ConditionExpression: Syntax error; token: \"<EOF>\"",
        ),
        (condition("n = :n ! n", n()), "Syntax error; token: \"!\""),
        (condition("n = :n n", n()), "Syntax error; token: \"n\""),
        (condition("", n()), "The expression can not be empty"),
        (condition("((n = :n))", n()), "redundant parentheses"),
        (condition("state = :n", n()), "reserved keyword: state"),
        (condition("n = :m", n()), "value used in expression is not defined; attribute value: :m"),
        (
            condition("#n = :n", n()),
            "name used in the document path is not defined; attribute name: #n",
        ),
        (
            condition("attribute_exists(n)", n()),
            "ExpressionAttributeValues unused in expressions: keys: {:n}",
        ),
        (condition("n = :n", json!({})), "ExpressionAttributeValues must not be empty"),
        (condition("exists(n)", n()), "Invalid function name; function: exists"),
        (condition("attribute_exists(:n)", n()), "requires a document path"),
        (
            condition("begins_with(n, :n)", n()),
            "operator or function: begins_with, operand type: N",
        ),
        (condition("n < :n", json!({":n": {"BOOL": true}})), "operator: <, operand type: BOOL"),
        (condition("n = n", n()), "first operand must be distinct"),
        (
            condition("contains(n, :n)", n()),
            "does not implement contains; expression: contains(n, :n)",
        ),
        (
            condition("n BETWEEN :n AND :n", n()),
            "does not implement BETWEEN; expression: n BETWEEN",
        ),
        (condition("n IN (:n)", n()), "does not implement IN"),
        (condition("size(n) > :n", n()), "does not implement size"),
        (condition("n[0] = :n", n()), "does not implement elements of lists"),
        (
            ("PutItem", json!({"Item": valid, "ExpressionAttributeNames": {"#a": "a"}})),
            "only be specified when using expressions",
        ),
        (
            ("PutItem", json!({"Item": valid, "ReturnValues": "ALL_NEW"})),
            "does not implement ReturnValues ALL_NEW",
        ),
        (
            update("SET pk = :n", n()),
            "Cannot update attribute pk. This attribute is part of the key",
        ),
        (update("SET a = absent", n()), "unused in expressions"),
        (update("SET a = absent + :n", n()), "refers to an attribute that does not exist"),
        (update("SET a = word + :n", n()), "incorrect data type"),
        (update("ADD word :n", n()), "incorrect data type"),
        (update("ADD a :n", json!({":n": {"S": "x"}})), "operator: ADD, operand type: S"),
        (
            update("SET a = :n + :n", json!({":n": {"S": "x"}})),
            "operator or function: +, operand type: S",
        ),
        (update("SET a = :n SET b = :n", n()), "The \"SET\" section can only be used once"),
        (update("SET a = :n, a = :n", n()), "Two document paths overlap"),
        (update("SET a.b = :n REMOVE a", n()), "path one: [a, b], path two: [a]"),
        (update("SET a.b = :n", n()), "document path provided in the update expression is invalid"),
        (update("SET a = list_append(a, :n)", n()), "does not implement list_append"),
        (update("DELETE a :n", n()), "does not implement DELETE"),
        (update("PUT a = :n", n()), "Syntax error; token: \"PUT\""),
        (update("SET ttl = :n", n()), "reserved keyword: ttl"),
        (query("sk = :p AND sk > :q"), "only contain one condition per key"),
        (query("pk = :p OR sk = :q"), "Invalid operator used in KeyConditionExpression: OR"),
        (query("pk = :p AND sk <> :q"), "Invalid operator used in KeyConditionExpression: <>"),
        (query("pk > :p AND sk = :q"), "Query key condition not supported"),
        (query("n = :p AND sk = :q"), "missed key schema element: pk"),
        (query("pk = :p AND pk.a = :q"), "nested attributes"),
        (("Query", json!({})), "KeyConditionExpression parameter must be specified"),
    ] {
        let error = refusal(&sim, operation, &request);
        assert!(error.contains(why), "{operation} {request}: {error}");
    }
    let values = json!({":p": {"S": "p"}});
    for (member, content, why) in [
        ("Limit", json!(0), "greater than or equal to 1"),
        ("ExclusiveStartKey", item("q", "s"), "outside query boundaries"),
        ("ExclusiveStartKey", json!({"pk": {"S": "p"}}), "starting key is invalid"),
        ("FilterExpression", json!("n = :p"), "does not implement the member FilterExpression"),
    ] {
        let mut request =
            json!({"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": values});
        request[member] = content;
        let error = refusal(&sim, "Query", &request);
        assert!(error.contains(why), "{member}: {error}");
    }
    let items = region(&sim).table(TABLE).items();
    assert_eq!(items.len(), 1);
    assert_eq!(json!(items.values().next()), held, "nothing has changed");
}
