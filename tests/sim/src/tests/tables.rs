//! `DynamoDB`: keys, reads, conditions, updates, batches, and the owner's view of a table.

use std::time::Duration;

use serde_json::{Value, json};

use super::table_refusals::{TABLE, ask, empty, item, refusal, region, with};
use super::{ACCOUNT, OTHER, REGION, code, send};
use crate::service::Reply;
use crate::{Effect, Fault, Lag, TableItem};

/// The next state of a route, put only if no other writer has put the same serial.
fn next_state(serial: u64, state: &str) -> Value {
    let item = with(item("state#a=b", &format!("{serial:010}")), "state", json!({"S": state}));
    json!({"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"})
}

fn sorts(answer: &Value) -> Vec<&str> {
    let items = answer["Items"].as_array().expect("items");
    items.iter().map(|item| item["sk"]["S"].as_str().expect("a sort key")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_query_sorts_and_filters_the_items_of_one_partition() {
    let (sim, _) = empty();
    let table = region(&sim).table(TABLE);
    for sort in ["b#1", "a#2", "a#1", "é", "c"] {
        table.put(&item("p", sort));
        table.put(&item("q", sort));
    }
    let query = |condition: &str, more: Value| {
        let mut request = json!({"KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":p": {"S": "p"}}});
        for (name, content) in more.as_object().expect("members") {
            match content.as_object().filter(|_| name == "ExpressionAttributeValues") {
                Some(values) => {
                    values.iter().for_each(|(key, value)| request[name][key] = value.clone());
                }
                None => request[name] = content.clone(),
            }
        }
        ask(&sim, "Query", &request).unwrap_or_else(|error| panic!("{condition}: {error}"))
    };
    let values = |value: &str| json!({"ExpressionAttributeValues": {":s": {"S": value}}});
    let all = ["a#1", "a#2", "b#1", "c", "é"];
    let answer = query("pk = :p", json!({}));
    assert_eq!((sorts(&answer), &answer["Count"]), (all.to_vec(), &json!(5)));
    assert!(answer.get("LastEvaluatedKey").is_none(), "{answer}");
    let descending = query("pk = :p", json!({"ScanIndexForward": false}));
    assert_eq!(sorts(&descending), all.into_iter().rev().collect::<Vec<_>>());
    for (condition, operand, found) in [
        ("pk = :p AND begins_with(sk, :s)", "a#", &all[..2]),
        ("begins_with(sk, :s) AND pk = :p", "a#", &all[..2]),
        ("(pk = :p) and (sk = :s)", "c", &all[3..4]),
        ("pk = :p AND sk < :s", "b#1", &all[..2]),
        ("pk = :p AND sk <= :s", "b#1", &all[..3]),
        ("pk = :p AND sk > :s", "b#1", &all[3..]),
        ("pk = :p AND sk >= :s", "b#1", &all[2..]),
    ] {
        assert_eq!(sorts(&query(condition, values(operand))), found, "{condition}");
    }
    let names = json!({"ExpressionAttributeNames": {"#k": "pk"}});
    assert_eq!(sorts(&query("#k = :p", names)), all);
}

#[tokio::test(start_paused = true)]
async fn the_pages_of_a_query_contain_every_item_once() {
    let (sim, _) = empty();
    let table = region(&sim).table(TABLE);
    let large = "x".repeat(300 << 10);
    for n in 0..7 {
        table.put(&with(item("large", &n.to_string()), "text", json!({"S": large})));
        table.put(&item("small", &n.to_string()));
    }
    for (partition, limit, is_forward, pages) in [
        ("small", Some(3), true, vec![3, 3, 1]),
        ("small", Some(3), false, vec![3, 3, 1]),
        // The key of the page does not mean that more items follow.
        ("small", Some(7), true, vec![7, 0]),
        ("large", None, true, vec![3, 3, 1]),
        ("large", Some(2), false, vec![2, 2, 2, 1]),
        ("none", Some(1), true, vec![0]),
    ] {
        let mut request = json!({"KeyConditionExpression": "pk = :p", "ScanIndexForward": is_forward,
            "ExpressionAttributeValues": {":p": {"S": partition}}});
        if let Some(limit) = limit {
            request["Limit"] = json!(limit);
        }
        let (mut seen, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let answer = ask(&sim, "Query", &request).unwrap();
            let page: Vec<String> = sorts(&answer).into_iter().map(str::to_owned).collect();
            sizes.push(page.len());
            seen.extend(page);
            match answer.get("LastEvaluatedKey") {
                Some(key) => request["ExclusiveStartKey"] = key.clone(),
                None => break,
            }
        }
        let mut expected: Vec<String> = (0..7).map(|n| n.to_string()).collect();
        if !is_forward {
            expected.reverse();
        }
        expected.retain(|_| partition != "none");
        assert_eq!((seen, sizes), (expected, pages), "{partition} {limit:?} {is_forward}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_of_one_serial_exactly_one_wins() {
    for delay in 0..30 {
        let (sim, keys) = empty();
        region(&sim).table(TABLE);
        let put = async |state: &str, wait: u64| {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            code(&send(&sim, &keys, "DynamoDB_20120810.PutItem", &next_state(1, state)).await)
        };
        let (one, other) = tokio::join!(put("frozen", 15), put("active", delay));
        let lost = "ConditionalCheckFailedException";
        let (winner, codes) =
            if one == "ok" { ("frozen", [&one, &other]) } else { ("active", [&other, &one]) };
        assert_eq!(codes, ["ok", lost], "{delay}");
        let held = region(&sim).table(TABLE).item("state#a=b", "0000000001").expect("the item");
        assert_eq!(held["state"], json!({"S": winner}));
        // The state changes in the middle of the call, and the earlier call wins.
        if delay != 15 {
            assert_eq!(winner == "active", delay < 15, "{delay}");
        }
        let count = sim.count("dynamodb:PutItem", ACCOUNT, REGION);
        assert_eq!((count.calls, count.done, count.refused), (2, 1, 1));
        let refused: Vec<_> = sim.table_writes().into_iter().map(|write| write.refused).collect();
        assert_eq!(refused, [None, Some(lost.to_owned())]);
        assert!(sim.writes().is_empty(), "writes to a table are listed separately");
    }
}

#[tokio::test(start_paused = true)]
async fn only_consistent_reads_see_the_latest_state() {
    let (sim, keys) = empty();
    let lag = Lag { reads: Duration::from_secs(2), ..Lag::default() };
    sim.set_lag(lag);
    let table = region(&sim).table(TABLE);
    table.put(&with(item("p", "s"), "n", json!({"N": "1"})));
    tokio::time::sleep(Duration::from_mins(1)).await;
    table.put(&with(item("p", "s"), "n", json!({"N": "2"})));
    table.put(&item("p", "t"));
    let seen = async |is_consistent: bool| {
        let get =
            json!({"TableName": TABLE, "Key": item("p", "s"), "ConsistentRead": is_consistent});
        let query = json!({"TableName": TABLE, "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": {":p": {"S": "p"}}, "ConsistentRead": is_consistent});
        let mut answers = Vec::new();
        for (operation, request) in [("GetItem", get), ("Query", query)] {
            let target = format!("DynamoDB_20120810.{operation}");
            let Reply::Answer(answer) = send(&sim, &keys, &target, &request).await else {
                panic!("an answer")
            };
            assert_eq!(answer.content_type, "application/x-amz-json-1.0");
            answers.push(serde_json::from_str::<Value>(&answer.body).unwrap());
        }
        (answers[0]["Item"]["n"]["N"].as_str().unwrap().to_owned(), answers[1]["Count"].clone())
    };
    assert_eq!(seen(true).await, ("2".to_owned(), json!(2)));
    assert_eq!(seen(false).await, ("1".to_owned(), json!(1)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(seen(false).await, ("2".to_owned(), json!(2)));
    let absent = ask(&sim, "GetItem", &json!({"Key": item("p", "other")})).unwrap();
    assert_eq!(absent, json!({}));
}

#[tokio::test(start_paused = true)]
async fn a_condition_decides_by_the_current_item() {
    let (sim, _) = empty();
    let table = region(&sim).table(TABLE);
    let held = json!({"pk": {"S": "p"}, "sk": {"S": "s"}, "n": {"N": "5"}, "state": {"S": "active"},
        "accounts": {"M": {"1": {"M": {"serial": {"N": "7"}}}}}});
    table.put(&held);
    for (condition, holds) in [
        ("attribute_exists(pk)", true),
        ("attribute_not_exists(pk)", false),
        ("attribute_not_exists(absent)", true),
        ("n = :five", true),
        ("n <> :five", false),
        ("n < :ten", true),
        ("n <= :five AND n >= :five", true),
        ("n > :five OR #state = :active", true),
        ("NOT n > :five", true),
        (":ten > n", true),
        // A missing attribute, or a value of another type, is unequal and has no order.
        ("absent <> :five", true),
        ("absent < :ten", false),
        ("absent = :five", false),
        ("n <> :active", true),
        ("n < :active", false),
        ("begins_with(#state, :act)", true),
        ("begins_with(absent, :act)", false),
        ("#accounts.#one.serial = :seven", true),
        ("attribute_exists(#accounts.#one) and not attribute_exists(#accounts.absent)", true),
        // AND binds closer than OR.
        ("n = :five OR n = :five AND n = :ten", true),
        ("(n = :five OR n = :five) AND n = :ten", false),
    ] {
        let values = json!({":five": {"N": "5.0"}, ":ten": {"N": "10"}, ":seven": {"N": "7"},
            ":active": {"S": "active"}, ":act": {"S": "act"}});
        let names = json!({"#state": "state", "#accounts": "accounts", "#one": "1"});
        let mut request = json!({"Item": held, "ConditionExpression": condition});
        for (member, all) in
            [("ExpressionAttributeValues", values), ("ExpressionAttributeNames", names)]
        {
            for (key, content) in all.as_object().unwrap() {
                let is_used =
                    condition.split(|c: char| !(c.is_alphanumeric() || "#:_".contains(c)));
                if is_used.into_iter().any(|word| word == key) {
                    request[member][key] = content.clone();
                }
            }
        }
        let answer = ask(&sim, "PutItem", &request);
        let expected =
            if holds { Ok(()) } else { Err("ConditionalCheckFailedException".to_owned()) };
        assert_eq!(answer.map(|_| ()).map_err(|error| error.code), expected, "{condition}");
    }
}

fn attributes(answer: &Value) -> TableItem {
    serde_json::from_value(answer["Attributes"].clone()).expect("attributes")
}

#[tokio::test(start_paused = true)]
async fn an_update_changes_attributes_by_the_item_before_it() {
    let (sim, _) = empty();
    let update = |expression: &str, values: Value| {
        let request = json!({"Key": item("p", "s"), "UpdateExpression": expression,
            "ExpressionAttributeValues": values, "ReturnValues": "ALL_NEW"});
        attributes(
            &ask(&sim, "UpdateItem", &request)
                .unwrap_or_else(|error| panic!("{expression}: {error}")),
        )
    };
    // The first update creates the item.
    let first = update(
        "SET used_up = if_not_exists(used_up, :zero) + :n, allowance = if_not_exists(allowance, :all), twin = :n",
        json!({":zero": {"N": "0"}, ":n": {"N": "3"}, ":all": {"N": "100"}}),
    );
    assert_eq!(first["pk"], json!({"S": "p"}));
    assert_eq!(
        (&first["used_up"], &first["allowance"]),
        (&json!({"N": "3"}), &json!({"N": "100"}))
    );
    // Each right side sees the item before the update.
    let second = update(
        "set used_up = used_up + :n, twin = used_up, unspent = allowance - used_up remove allowance add hits :n",
        json!({":n": {"N": "4"}}),
    );
    let number = |name: &str| second.get(name).map(|value| value["N"].as_str().unwrap().to_owned());
    let numbers = ["used_up", "twin", "unspent", "allowance", "hits"].map(number);
    let expected = [Some("7"), Some("3"), Some("97"), None, Some("4")];
    assert_eq!(numbers.each_ref().map(Option::as_deref), expected);
    let third = update("ADD hits :n", json!({":n": {"N": "-0.5"}}));
    assert_eq!(third["hits"], json!({"N": "3.5"}));
    let mapped = update("SET m = :m", json!({":m": {"M": {"a": {"M": {}}}}}));
    assert_eq!(mapped["m"], json!({"M": {"a": {"M": {}}}}));
    assert_eq!(
        update("SET m.a.b = :m", json!({":m": {"BOOL": true}}))["m"]["M"]["a"]["M"]["b"]["BOOL"],
        true
    );
    // A condition guards an update like a put.
    let guarded = json!({"Key": item("p", "s"), "UpdateExpression": "SET used_up = used_up + :n",
        "ConditionExpression": "used_up <= :most", "ExpressionAttributeValues": {":n": {"N": "1"}, ":most": {"N": "7"}}});
    assert_eq!(ask(&sim, "UpdateItem", &guarded), Ok(json!({})));
    assert!(refusal(&sim, "UpdateItem", &guarded).starts_with("ConditionalCheckFailedException"));
    assert_eq!(region(&sim).table(TABLE).item("p", "s").unwrap()["used_up"], json!({"N": "8"}));
}

#[tokio::test(start_paused = true)]
async fn a_batch_puts_and_deletes_and_a_fault_leaves_its_second_half() {
    let (sim, keys) = empty();
    let table = region(&sim).table(TABLE);
    table.put(&item("p", "old"));
    let put = |n: usize| json!({"PutRequest": {"Item": item("p", &format!("{n:02}"))}});
    let delete = json!({"DeleteRequest": {"Key": item("p", "old")}});
    let batch = |list: Vec<Value>| json!({"RequestItems": {TABLE: list}});
    let all: Vec<Value> = (0..24).map(put).chain([delete.clone()]).collect();
    let answer = ask(&sim, "BatchWriteItem", &batch(all)).unwrap();
    assert_eq!(answer, json!({"UnprocessedItems": {}}));
    assert_eq!(table.items().len(), 24);
    assert!(table.item("p", "old").is_none());
    for (list, why) in [
        ((0..26).map(put).collect::<Vec<_>>(), "length less than or equal to 25"),
        (vec![], "greater than or equal to 1"),
        (vec![put(90), put(91), put(90)], "contains duplicates"),
        (vec![put(90), json!({"DeleteRequest": {"Key": item("p", "90")}})], "contains duplicates"),
        (
            vec![put(90), json!({"PutRequest": {"Item": {"pk": {"S": "p"}}}})],
            "does not match the schema",
        ),
        (vec![put(90), json!({})], "more than one datatypes"),
    ] {
        let error = refusal(&sim, "BatchWriteItem", &batch(list));
        assert!(error.starts_with("ValidationException") && error.contains(why), "{error}");
    }
    assert_eq!(table.items().len(), 24, "an invalid request refuses the whole batch");
    let fault = sim.fault(Fault::new(Effect::Unprocessed).operation("dynamodb:BatchWriteItem"));
    let request = batch(vec![put(50), put(51), put(52)]);
    let reply = send(&sim, &keys, "DynamoDB_20120810.BatchWriteItem", &request).await;
    let Reply::Answer(answer) = reply else { panic!("an answer") };
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer, json!({"UnprocessedItems": {TABLE: [put(51), put(52)]}}));
    assert_eq!((table.items().len(), sim.hits(fault)), (25, 1));
}

#[tokio::test(start_paused = true)]
async fn a_table_belongs_to_one_account_and_region() {
    let (sim, keys) = empty();
    let get = json!({"TableName": TABLE, "Key": item("p", "s")});
    assert_eq!(code(&send(&sim, &keys, "DynamoDB_20120810.GetItem", &get).await), "ok");
    for (account, region) in [(ACCOUNT, OTHER), ("444455556666", REGION)] {
        let error = sim.account(account).region(region).call("dynamodb:GetItem", &get).unwrap_err();
        assert_eq!(error.code, "ResourceNotFoundException", "{account} {region}");
    }
    region(&sim).table(TABLE).remove();
    let reply = send(&sim, &keys, "DynamoDB_20120810.GetItem", &get).await;
    let Reply::Answer(answer) = &reply else { panic!("an answer") };
    let kind = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";
    assert!(answer.status == 400 && answer.body.contains(kind), "{}", answer.body);
    let invalid = json!({"TableName": "arn:aws:dynamodb:x", "Key": item("p", "s")});
    let reply = send(&sim, &keys, "DynamoDB_20120810.GetItem", &invalid).await;
    let Reply::Answer(answer) = &reply else { panic!("an answer") };
    assert!(
        answer.body.contains("com.amazon.coral.validate#ValidationException"),
        "{}",
        answer.body
    );
}

#[tokio::test(start_paused = true)]
async fn the_owner_copies_restores_clears_and_expires_a_table() {
    let (sim, _) = empty();
    sim.set_lag(Lag { reads: Duration::from_hours(1), ..Lag::default() });
    let table = region(&sim).table(TABLE);
    assert_eq!(table.arn(), format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}"));
    let now = sim.now() / 1000;
    for (sort, ttl) in [("gone", now - 1), ("due", now), ("later", now + 60)] {
        table.put(&with(item("p", sort), "ttl", json!({"N": ttl.to_string()})));
    }
    table.put(&item("p", "always"));
    let copy = table.copy();
    assert_eq!(table.expire(), 1);
    assert!(table.delete("p", "due") && !table.delete("p", "due"));
    let sorts = || {
        let items = region(&sim).table(TABLE).partition("p");
        items.iter().map(|item| item["sk"]["S"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sorts(), ["always", "later"]);
    assert_ne!(table.copy(), copy);
    let fork = sim.fork();
    table.restore(&copy);
    assert_eq!(sorts(), ["always", "due", "gone", "later"]);
    assert_eq!(table.copy(), copy);
    // No read sees the table that was replaced, not even one that lags.
    let lagging = crate::Doer {
        arn: "arn",
        at: sim.now(),
        lag: Lag { reads: Duration::from_mins(1), ..Lag::default() },
    };
    let get = json!({"TableName": TABLE, "Key": item("p", "due")});
    let answer = region(&sim).call_by(lagging, "dynamodb:GetItem", &get).unwrap();
    assert_eq!(answer["Item"]["sk"]["S"], "due");
    table.clear();
    assert!(sorts().is_empty());
    assert_eq!(
        fork.account(ACCOUNT).region(REGION).table(TABLE).items().len(),
        2,
        "a fork keeps its table"
    );
}
