//! A table in memory for unit tests: items by their keys, pages of two, and answers that leave writes unprocessed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Table;
use crate::aws::fake::{FakeAws, FakeResponse, Sent, json_error};

/// The items of a table by partition and sort key, in the JSON form of the API.
pub(crate) type Items = BTreeMap<(String, String), Value>;

/// A table in memory.
#[derive(Clone, Debug)]
pub(crate) struct MemoryTable {
    pub(crate) fake: FakeAws,
    items: Arc<Mutex<Items>>,
}

/// The items of one page.
const PAGE: usize = 2;

impl MemoryTable {
    /// An empty table. `fails` may answer a call in the table's place.
    pub(crate) fn new(
        fails: impl Fn(&Sent) -> Option<FakeResponse> + Send + Sync + 'static,
    ) -> Self {
        let items: Arc<Mutex<Items>> = Arc::default();
        let held = Arc::clone(&items);
        let fake = FakeAws::new(move |sent| {
            fails(sent).unwrap_or_else(|| answer(&mut held.lock().unwrap(), sent))
        });
        Self { fake, items }
    }

    /// The table, over a connection in us-east-1.
    pub(crate) async fn table(&self) -> Table {
        Table::new(self.fake.connect(|_| ()).await, "hub", "spoke")
    }

    pub(crate) fn items(&self) -> Items {
        self.items.lock().unwrap().clone()
    }

    /// The item with these keys.
    pub(crate) fn item(&self, pk: &str, sk: &str) -> Option<Value> {
        self.items().remove(&(pk.to_owned(), sk.to_owned()))
    }

    /// Adds a text to an item, as another writer does.
    pub(crate) fn add(&self, pk: &str, sk: &str, name: &str, value: &str) {
        let mut items = self.items.lock().unwrap();
        let item = items.get_mut(&(pk.to_owned(), sk.to_owned())).expect("an item");
        item[name] = json!({ "S": value });
    }
}

fn key(item: &Value) -> (String, String) {
    let text = |name: &str| item[name]["S"].as_str().expect("a key").to_owned();
    (text("pk"), text("sk"))
}

fn answer(items: &mut Items, sent: &Sent) -> FakeResponse {
    let asked: Value = serde_json::from_str(&sent.body).expect("JSON");
    let found = match sent.operation.as_str() {
        "GetItem" => {
            let item = items.get(&key(&asked["Key"]));
            item.map_or_else(|| json!({}), |item| json!({ "Item": item }))
        }
        "Query" => query(items, &asked),
        "PutItem" => {
            let item = asked["Item"].clone();
            let is_new = asked["ConditionExpression"] == "attribute_not_exists(pk)";
            if is_new && items.contains_key(&key(&item)) {
                return json_error(400, "ConditionalCheckFailedException");
            }
            items.insert(key(&item), item);
            json!({})
        }
        "UpdateItem" => {
            let Some(item) = items.get_mut(&key(&asked["Key"])) else {
                return json_error(400, "ConditionalCheckFailedException");
            };
            assert_eq!(asked["UpdateExpression"], "SET #published = :now");
            item["published"] = asked["ExpressionAttributeValues"][":now"].clone();
            json!({})
        }
        "BatchWriteItem" => batch(items, &asked["RequestItems"]["hub"]),
        other => panic!("{other} is not an operation of the table"),
    };
    (200, found.to_string())
}

fn query(items: &Items, asked: &Value) -> Value {
    let pk = asked["ExpressionAttributeValues"][":pk"]["S"].as_str().expect("a partition");
    let start = asked.get("ExclusiveStartKey").map(key);
    assert_eq!(asked["ConsistentRead"], true);
    let mut rest = items
        .iter()
        .filter(|((partition, _), _)| partition == pk)
        .filter(|(key, _)| start.as_ref().is_none_or(|start| *key > start))
        .map(|(_, item)| item)
        .peekable();
    let page: Vec<&Value> = rest.by_ref().take(PAGE).collect();
    let last = page.last().filter(|_| rest.peek().is_some());
    let last = last.map(|item| json!({"pk": item["pk"], "sk": item["sk"]}));
    json!({"Items": page, "LastEvaluatedKey": last})
}

fn batch(items: &mut Items, writes: &Value) -> Value {
    let writes = writes.as_array().expect("writes");
    assert!((1..=25).contains(&writes.len()), "{} writes", writes.len());
    // A call takes at most twenty.
    let (taken, left) = writes.split_at(writes.len().min(20));
    for write in taken {
        let put = &write["PutRequest"]["Item"];
        if put.is_object() {
            items.insert(key(put), put.clone());
        } else {
            items.remove(&key(&write["DeleteRequest"]["Key"]));
        }
    }
    if left.is_empty() { json!({}) } else { json!({"UnprocessedItems": {"hub": left}}) }
}
