//! Writes that AWS executes although the caller receives no answer.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ACCOUNT, OTHER, REGION, code, send, send_form, world};
use crate::journal::writes as is_write;
use crate::service::Reply;
use crate::{Fault, Keys, LOST_ANSWERS, Sim};

const TOPIC: &str = "digests";
const TABLE: &str = "failover";

/// The state of the Region as its owner sees it.
fn snapshot(sim: &Sim) -> String {
    let region = sim.account(ACCOUNT).region(REGION);
    let history = |name: &String| {
        region.call("ssm:GetParameterHistory", &json!({ "Name": name })).expect("a history")
    };
    let parameters = region.parameters();
    let histories: Vec<Value> = parameters.keys().map(history).collect();
    let (secrets, items) = (region.secrets(), region.table(TABLE).items());
    format!("{parameters:?} {histories:?} {secrets:?} {:?} {items:?}", region.messages(TOPIC))
}

/// The key of an item, which is an item too.
fn key(sort: &str) -> Value {
    json!({"pk": {"S": "p"}, "sk": {"S": sort}})
}

/// Creates a parameter with two versions, a label and a tag; a secret with a tag and a replica; a secret without a
/// replica; the replica of a secret of another Region; and a table with an item.
fn create_resources(sim: &Sim) -> String {
    let (region, other) = (sim.account(ACCOUNT).region(REGION), sim.account(ACCOUNT).region(OTHER));
    other.create_secret("theirs", "1");
    let replica = json!({"SecretId": "theirs", "AddReplicaRegions": [{"Region": REGION}]});
    other.call("secretsmanager:ReplicateSecretToRegions", &replica).expect("a replica");
    region.put("/held", "1");
    region.put("/held", "2");
    region.tag("/held", "k", "v");
    let label = json!({"Name": "/held", "ParameterVersion": 1, "Labels": ["old"]});
    region.call("ssm:LabelParameterVersion", &label).expect("a label");
    for name in ["held", "alone"] {
        region.create_secret(name, "1");
    }
    let tag = json!({"SecretId": "held", "Tags": [{"Key": "k", "Value": "v"}]});
    region.call("secretsmanager:TagResource", &tag).expect("a tag");
    let replica = json!({"SecretId": "held", "AddReplicaRegions": [{"Region": OTHER}]});
    region.call("secretsmanager:ReplicateSecretToRegions", &replica).expect("a replica");
    region.table(TABLE).put(&key("held"));
    region.topic(TOPIC)
}

/// A request for every write operation of the simulator. Each request changes something.
fn writes() -> Vec<(&'static str, Value)> {
    let parameter = || json!({"ResourceType": "Parameter", "ResourceId": "/held"});
    let with = |mut request: Value, member: &str, value: Value| {
        request[member] = value;
        request
    };
    let tags = json!([{"Key": "n", "Value": "v"}]);
    let labels = |label: &str| json!({"Name": "/held", "ParameterVersion": 1, "Labels": [label]});
    vec![
        ("AmazonSSM.PutParameter", json!({"Name": "/new", "Value": "x", "Type": "String"})),
        ("AmazonSSM.PutParameter", json!({"Name": "/held", "Value": "2", "Overwrite": true})),
        ("AmazonSSM.DeleteParameter", json!({"Name": "/held"})),
        ("AmazonSSM.DeleteParameters", json!({"Names": ["/held", "/none"]})),
        ("AmazonSSM.AddTagsToResource", with(parameter(), "Tags", tags.clone())),
        ("AmazonSSM.RemoveTagsFromResource", with(parameter(), "TagKeys", json!(["k"]))),
        ("AmazonSSM.LabelParameterVersion", labels("new")),
        ("AmazonSSM.UnlabelParameterVersion", labels("old")),
        ("secretsmanager.CreateSecret", json!({"Name": "new", "SecretString": "x"})),
        ("secretsmanager.PutSecretValue", json!({"SecretId": "held", "SecretString": "2"})),
        ("secretsmanager.UpdateSecret", json!({"SecretId": "held", "SecretString": "3"})),
        ("secretsmanager.StopReplicationToReplica", json!({"SecretId": "theirs"})),
        ("secretsmanager.TagResource", json!({"SecretId": "held", "Tags": tags})),
        ("secretsmanager.UntagResource", json!({"SecretId": "held", "TagKeys": ["k"]})),
        ("secretsmanager.DeleteSecret", json!({"SecretId": "alone"})),
        (
            "secretsmanager.ReplicateSecretToRegions",
            json!({"SecretId": "alone", "AddReplicaRegions": [{"Region": OTHER}]}),
        ),
        (
            "secretsmanager.RemoveRegionsFromReplication",
            json!({"SecretId": "held", "RemoveReplicaRegions": [OTHER]}),
        ),
        ("sns.Publish", json!("Message=words")),
        (
            "DynamoDB_20120810.PutItem",
            json!({"TableName": TABLE, "Item": key("new"), "ConditionExpression": "attribute_not_exists(pk)"}),
        ),
        (
            "DynamoDB_20120810.UpdateItem",
            json!({"TableName": TABLE, "Key": key("held"), "UpdateExpression": "ADD spent :n",
                "ExpressionAttributeValues": {":n": {"N": "1"}}}),
        ),
        (
            "DynamoDB_20120810.BatchWriteItem",
            json!({"RequestItems": {TABLE: [{"DeleteRequest": {"Key": key("held")}}]}}),
        ),
    ]
}

/// The write operations in the dispatch tables of the services.
fn known_writes() -> BTreeSet<String> {
    let tables = [
        include_str!("../ssm/mod.rs"),
        include_str!("../secrets/mod.rs"),
        include_str!("../dynamodb/mod.rs"),
    ];
    let quoted = tables.iter().flat_map(|table| table.split('"').skip(1).step_by(2));
    let operations = quoted.filter(|text| text.contains(':') && !text.contains(' '));
    operations.filter(|operation| is_write(operation)).map(str::to_owned).collect()
}

#[test]
fn the_list_covers_every_write_operation() {
    let tried: BTreeSet<String> = writes()
        .into_iter()
        .map(|(target, _)| {
            let target = target.replace("AmazonSSM.", "ssm:");
            target.replace("DynamoDB_20120810.", "dynamodb:").replace('.', ":")
        })
        .filter(|operation| !operation.starts_with("sns:"))
        .collect();
    assert!(tried.len() > 12, "{tried:?}");
    assert!(tried.contains("dynamodb:UpdateItem"), "{tried:?}");
    assert_eq!(tried, known_writes());
}

async fn ask(sim: &Sim, keys: &Keys, target: &str, input: &Value, topic: &str) -> Reply {
    match input.as_str() {
        Some(members) => {
            let body = format!("Action=Publish&TopicArn={topic}&{members}");
            send_form(sim, keys, "sns", &body).await
        }
        None => send(sim, keys, target, input).await,
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_is_executed_whichever_way_its_answer_is_lost() {
    for (target, input) in writes() {
        // All forks execute the call at the same time, so the dates in their states are equal.
        let (sim, keys) = world(|settings| settings.latency = Duration::ZERO);
        let topic = create_resources(&sim);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let before = snapshot(&sim);
        let answered = sim.fork();
        let reply = ask(&answered, &keys, target, &input, &topic).await;
        assert!(matches!(&reply, Reply::Answer(answer) if answer.status == 200), "{reply:?}");
        let done = answered.count("", ACCOUNT, REGION).done;
        assert_eq!(done, 1, "{target}");
        let after = snapshot(&answered);
        assert_ne!(after, before, "{target} changes something");

        for (effect, seen) in LOST_ANSWERS.into_iter().zip(["Never", "Lost", "500"]) {
            let lost = sim.fork();
            let fault = lost.fault(Fault::new(effect).writes().nth(1).after_execution());
            let reply = ask(&lost, &keys, target, &input, &topic).await;
            match &reply {
                Reply::Answer(answer) => assert_eq!(answer.status.to_string(), seen, "{target}"),
                other => assert_eq!(code(other), seen, "{target}"),
            }
            assert_eq!(lost.hits(fault), 1, "{target} {effect:?}");
            assert_eq!(snapshot(&lost), after, "{target} {effect:?}: the write is executed");
            let count = lost.count("", ACCOUNT, REGION);
            assert_eq!((count.done, count.faulted), (1, 1), "{target} {effect:?}");
            let all = [lost.writes(), lost.table_writes()].concat();
            let [write] = &all[..] else { panic!("{target}: one write") };
            assert_eq!(write.refused, None, "{target} {effect:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_whose_answer_is_lost_changes_nothing() {
    for effect in LOST_ANSWERS {
        let (sim, keys) = world(|_| ());
        create_resources(&sim);
        let before = snapshot(&sim);
        sim.fault(Fault::new(effect).writes().after_execution());
        let create = json!({"Name": "/held", "Value": "x", "Type": "String"});
        let reply = send(&sim, &keys, "AmazonSSM.PutParameter", &create).await;
        assert_ne!(code(&reply), "ParameterAlreadyExists", "{effect:?}: the error is lost too");
        assert_eq!(snapshot(&sim), before, "{effect:?}");
        assert_eq!(sim.writes()[0].refused.as_deref(), Some("ParameterAlreadyExists"));
    }
}
