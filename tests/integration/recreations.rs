//! Kind: a type change that AWS refuses never takes the standby away for nothing, nor twice.
//!
//! Neighbours: a key that is missing, disabled or pending deletion in the target; a refusal for another reason, which is
//! remembered until the source moves or a person names the item; two targets, of which the first is refused; the history
//! and labels of a standby.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use serde_json::{Value, json};

use crate::support::{
    Call, Fault, SOURCE, TARGET, World, assert_equal, assert_no_value, count, delete, failures,
    put, put_secure, told,
};

const OREGON: &str = "us-west-2";
const NAME: &str = "/app/db";
const KEY: &str = "alias/app";

/// A source whose standby has two versions and a label on the first.
async fn with_history(routes: &[(&str, &str)]) -> (World, failover_replicator::hub::Hub, Client) {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    let hub = world.hub(routes).await;
    for value in ["canary one", "canary two"] {
        put(&ssm, NAME, value).await;
        world.sweep(&hub).await;
    }
    let target = world.ssm(0, TARGET).await;
    let label = target.label_parameter_version().name(NAME).parameter_version(1).labels("blue");
    label.send().await.expect("a label");
    (world, hub, ssm)
}

async fn create_key(world: &World, region: &str) -> String {
    let made = world.kms(0, region, "CreateKey", &json!({})).await;
    let id = made["KeyMetadata"]["KeyId"].as_str().expect("a key").to_owned();
    world.kms(0, region, "CreateAlias", &json!({"AliasName": KEY, "TargetKeyId": id})).await;
    id
}

/// Versions and labels of the standby.
async fn kept(world: &World, region: &str) -> Vec<(i64, Vec<String>)> {
    let ssm = world.ssm(0, region).await;
    let history = ssm.get_parameter_history().name(NAME).send().await.expect("a history");
    history.parameters().iter().map(|row| (row.version, row.labels().to_vec())).collect()
}

fn deletes(world: &World) -> usize {
    let is_delete = |call: &&Call| call.action.starts_with("ssm:Delete");
    world.wire.take().iter().filter(is_delete).count()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_while_the_targets_key_may_not_be_used() {
    let (world, hub, ssm) = with_history(&[]).await;
    create_key(&world, SOURCE).await;
    delete(&ssm, &[NAME]).await;
    put_secure(&ssm, NAME, "canary three", KEY).await;
    let before = kept(&world, TARGET).await;
    assert_eq!(before.len(), 2);
    world.wire.take();
    let refused = |kind: &str| vec![(kind.to_owned(), NAME.to_owned())];
    for _ in 0..2 {
        assert_eq!(failures(&world.sweep(&hub).await), refused("missing_key"));
    }
    let id = create_key(&world, TARGET).await;
    world.kms(0, TARGET, "DisableKey", &json!({"KeyId": id})).await;
    assert_eq!(failures(&world.sweep(&hub).await), refused("disabled_key"));
    let end = json!({"KeyId": id, "PendingWindowInDays": 7});
    world.kms(0, TARGET, "ScheduleKeyDeletion", &end).await;
    assert_eq!(failures(&world.sweep(&hub).await), refused("disabled_key"));
    assert_eq!(deletes(&world), 0);
    assert_eq!(kept(&world, TARGET).await, before, "versions and labels stay");
    // Mended, nothing keeps it back.
    world.kms(0, TARGET, "CancelKeyDeletion", &json!({"KeyId": id})).await;
    world.kms(0, TARGET, "EnableKey", &json!({"KeyId": id})).await;
    let swept = world.sweep(&hub).await;
    assert_eq!(count(&swept, "parameters", "recreated"), 1, "{swept:#}");
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
}

/// Refuses what creates a list in these Regions.
fn refuse_lists(world: &World, regions: &'static [&'static str]) {
    world.wire.faults(move |call| {
        let is_it = call.action == "ssm:PutParameter"
            && regions.contains(&call.region.as_str())
            && call.request["Type"] == json!("StringList");
        is_it.then_some(Fault::Refused("ValidationException"))
    });
}

async fn retype(ssm: &Client, value: &str) {
    delete(ssm, &[NAME]).await;
    let anew = ssm.put_parameter().name(NAME).value(value).r#type(ParameterType::StringList);
    anew.send().await.expect("put");
}

/// The payload that a remedy names.
fn payload_in(response: &Value) -> Value {
    let remedy = response["failures"][0]["remedy"].as_str().expect("a remedy");
    let (_, rest) = remedy.split_once("`hubctl invoke` with ").expect("how to try again");
    serde_json::from_str(rest).expect("a payload")
}

#[tokio::test(start_paused = true)]
async fn what_aws_refused_is_not_tried_again_until_a_person_names_it_or_the_source_moves() {
    let (world, hub, ssm) = with_history(&[]).await;
    retype(&ssm, "canary three").await;
    refuse_lists(&world, &[TARGET]);
    world.wire.take();
    let first = world.sweep(&hub).await;
    assert_eq!(told(&first), [format!("parameter {NAME} {TARGET} invalid")], "{first:#}");
    assert_no_value(&first.to_string());
    assert_eq!(deletes(&world), 1);
    let standby = world.seen(0, TARGET).await[NAME].clone();
    assert_eq!((&standby.value[..], &standby.value_type[..]), ("canary two", "String"));
    // Whoever sweeps: the replica's own tag remembers.
    for hub in [&hub, &world.hub(&[]).await] {
        let later = world.sweep(hub).await;
        assert_eq!(told(&later), told(&first), "{later:#}");
        assert_eq!(deletes(&world), 0);
    }
    assert_eq!(world.seen(0, TARGET).await[NAME], standby);

    let payload = payload_in(&world.sweep(&hub).await);
    assert_eq!(told(&world.ask(&hub, &payload).await), told(&first));
    assert_eq!(deletes(&world), 1, "a person named it");
    let list = ssm.put_parameter().name(NAME).value("canary four").overwrite(true);
    list.r#type(ParameterType::StringList).send().await.expect("put");
    assert_eq!(told(&world.sweep(&hub).await), told(&first));
    assert_eq!(deletes(&world), 1, "the source has another version");

    world.wire.faults(|_| None);
    assert_eq!(told(&world.sweep(&hub).await), told(&first), "nobody named it yet");
    let named = world.ask(&hub, &payload).await;
    assert_eq!(count(&named, "parameters", "recreated"), 1, "{named:#}");
    assert_equal(&world, 0, TARGET).await;
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
}

#[tokio::test(start_paused = true)]
async fn of_two_targets_the_second_keeps_its_standby_where_the_first_is_refused() {
    let (world, hub, ssm) = with_history(&[("ROUTES", "us-east-2=us-east-1,us-west-2")]).await;
    retype(&ssm, "canary three").await;
    refuse_lists(&world, &[TARGET, OREGON]);
    let before = kept(&world, OREGON).await;
    let response = world.sweep(&hub).await;
    let expected = [TARGET, OREGON].map(|region| format!("parameter {NAME} {region} invalid"));
    assert_eq!(told(&response), expected, "{response:#}");
    assert_eq!(kept(&world, OREGON).await, before);
}
