//! `hubctl` with a table of the emulator: the same records as on the simulator.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use serde_json::{Value, json};

use super::stage::ROUTE;
use crate::support::{
    Hubctl, LONG_AGO, SOURCE, TARGET, World, batch, delete, delete_event, returned,
};

/// A table with the keys of the hub's, which only this test uses.
async fn create(client: &aws_sdk_dynamodb::Client, name: &str) {
    let mut request =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (key, key_type) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(key)
            .attribute_type(ScalarAttributeType::S)
            .build();
        let element = KeySchemaElement::builder().attribute_name(key).key_type(key_type).build();
        request = request
            .attribute_definitions(attribute.expect("an attribute"))
            .key_schema(element.expect("a key"));
    }
    request.send().await.expect("a table");
}

/// The items of the table by partition and sort key.
async fn items(
    client: &aws_sdk_dynamodb::Client,
    name: &str,
) -> BTreeMap<(String, String), std::collections::HashMap<String, AttributeValue>> {
    let all = client.scan().table_name(name).consistent_read(true).send().await.expect("items");
    let key = |item: &std::collections::HashMap<String, AttributeValue>, name: &str| {
        item[name].as_s().expect("a key").clone()
    };
    all.items().iter().map(|item| ((key(item, "pk"), key(item, "sk")), item.clone())).collect()
}

async fn invoke(hubctl: &Hubctl, payload: &Value, code: i32) -> Value {
    let ran = hubctl.fed(&["invoke", "-"], &payload.to_string()).await;
    assert_eq!(ran.code, code, "{}\n{}", ran.stdout, ran.stderr);
    ran.json()
}

#[tokio::test]
async fn a_sweep_of_hubctl_is_recorded_under_its_time_and_its_execution_can_be_ended() {
    let world = World::new(1);
    let account = world.account(0).to_owned();
    let table = format!("records-{account}");
    let client = aws_sdk_dynamodb::Client::new(&world.management_config(TARGET));
    create(&client, &table).await;
    let hubctl = world.hubctl().with("REPLICATOR_TABLE", &table);
    let thawed = hubctl.run(&["thaw", "--route", ROUTE, "--reason", "first deployment"]).await;
    assert_eq!(thawed.code, 0, "{}\n{}", thawed.stdout, thawed.stderr);
    for n in 0..12 {
        world.put(0, SOURCE, &format!("/{n:02}"), "1").await;
    }
    let swept = hubctl.run(&["sweep", "--account", &account, "--format", "json"]).await;
    assert_eq!(swept.code, 0, "{}\n{}", swept.stdout, swept.stderr);
    let recorded = items(&client, &table).await;
    let last = &recorded[&(format!("last#{ROUTE}"), account.clone())];
    let execution = last["execution"].as_s().expect("a name").clone();
    assert!(execution.starts_with("hubctl-2") && execution.ends_with('Z'), "{execution}");
    let result = &recorded[&(format!("sweep#{execution}"), format!("{account}#{ROUTE}"))];
    assert_eq!(result["status"].as_s().map(String::as_str), Ok("changed"));

    let ssm = world.ssm(0, SOURCE).await;
    for (n, used) in [(0, "1"), (1, "2")] {
        let name = format!("/{n:02}");
        delete(&ssm, &[&name]).await;
        let event = delete_event(&account, LONG_AGO, &name);
        let answer = invoke(&hubctl, &batch([("1", event)]), 0).await;
        assert_eq!(returned(&answer), [""; 0]);
        let recorded = items(&client, &table).await;
        let day = recorded.iter().find(|((pk, _), _)| *pk == format!("deletes#{account}#{TARGET}"));
        assert_eq!(day.expect("a day").1["used"].as_n().map(String::as_str), Ok(used));
    }
    assert_eq!(world.seen(0, TARGET).await.len(), 10);

    let finish =
        json!({"detail": {"name": "sweep", "operation": "finish"}, "execution": execution});
    let ended = invoke(&hubctl, &finish, 0).await;
    let counts = ["accounts", "in_sync"].map(|name| ended[name].as_u64());
    assert_eq!((counts, &ended["status"]), ([Some(1), Some(1)], &json!("in_sync")), "{ended}");
    assert_eq!(invoke(&hubctl, &finish, 0).await, ended);
    let other = json!({"detail": {"name": "sweep", "operation": "finish"}, "execution": "other"});
    assert_eq!(invoke(&hubctl, &other, 4).await["accounts"], 0, "nothing was swept");

    let list = json!({"detail": {"name": "accounts", "operation": "list"}, "execution": "listed"});
    invoke(&hubctl, &list, 0).await;
    let recorded = items(&client, &table).await;
    assert!(recorded.contains_key(&("accounts".to_owned(), account.clone())));

    let frozen =
        hubctl.run(&["freeze", "--route", ROUTE, "--reason", "us-east-2 fails", "--no-wait"]).await;
    assert_eq!(frozen.code, 0, "{}\n{}", frozen.stdout, frozen.stderr);
    let event = delete_event(&account, LONG_AGO, "/02");
    assert_eq!(returned(&invoke(&hubctl, &batch([("1", event)]), 3).await), [""; 0]);
    let recorded = items(&client, &table).await;
    let held = &recorded[&(format!("held#{ROUTE}"), format!("{account}#parameter#02"))];
    assert_eq!(held["why"].as_s().map(String::as_str), Ok("frozen"));
}
