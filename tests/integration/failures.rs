//! What fails, fails alone: every other item is replicated, and the response names just what was not, and why.

use std::collections::BTreeMap;

use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging};
use serde_json::{Value, json};

use crate::support::{Call, Fault, Microburst, Seen, World, count, put, tag, told};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";

fn remedies(response: &Value) -> String {
    let list = response["failures"].as_array().expect("failures");
    list.iter().filter_map(|failure| failure["remedy"].as_str()).collect::<Vec<_>>().join("\n")
}

fn is_of(call: &Call, action: &str, name: &str) -> bool {
    call.action == action && (call.request["Name"] == name || call.request["ResourceId"] == name)
}

async fn put_secure(ssm: &aws_sdk_ssm::Client, name: &str, key: Option<&str>) {
    let request = ssm.put_parameter().name(name).value(format!("value of {name}"));
    let request = request.r#type(ParameterType::SecureString).set_key_id(key.map(str::to_owned));
    request.send().await.expect("the owner may write");
}

fn names(seen: &BTreeMap<String, Seen>) -> Vec<&str> {
    seen.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_account_without_the_role_is_named_and_the_others_are_replicated() {
    let mut world = World::new(2);
    world.accounts.extend(world.emulator.accounts(&["--without-role"]));
    for account in 0..3 {
        world.put(account, SOURCE, "/a", "x").await;
    }
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), ["account - - no_spoke_role"], "{response:#}");
    assert_eq!(response["failures"][0]["account"], world.account(2));
    assert!(remedies(&response).contains("spoke stack"), "{response:#}");
    assert_eq!(response["totals"]["accounts"], json!({"changed": 2, "failed": 1}));
    for account in 0..2 {
        assert_eq!(names(&world.seen(account, TARGET).await), ["/a"]);
    }
    assert!(world.seen(2, TARGET).await.is_empty());
}

#[tokio::test]
async fn a_key_that_the_target_lacks_fails_its_own_parameter_alone() {
    let world = World::furnished(&["--regions", SOURCE, "--alias", "alias/app"]);
    let ssm = world.ssm(0, SOURCE).await;
    put_secure(&ssm, "/default", None).await;
    put_secure(&ssm, "/customer", Some("alias/app")).await;
    put(&ssm, "/plain", "x").await;
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), ["parameter /customer us-east-1 missing_key"], "{response:#}");
    let remedy = remedies(&response);
    assert!(remedy.contains(TARGET) || remedy.contains("target Region"), "{remedy}");
    assert!(remedy.contains("REPLICATOR_KMS_KEYS"), "{remedy}");
    assert_eq!(names(&world.seen(0, TARGET).await), ["/default", "/plain"]);
}

#[tokio::test]
async fn a_disabled_key_at_the_source_fails_its_own_parameters_alone() {
    let world = World::furnished(&["--regions", SOURCE, TARGET, "--alias", "alias/app"]);
    let ssm = world.ssm(0, SOURCE).await;
    // Thirty under one alias. One of them was written under the key that the alias named before: no list tells it from
    // its neighbours, and every call that reads its value with theirs is refused as a whole.
    put_secure(&ssm, "/app/15", Some("alias/app")).await;
    let aliases = world.kms(0, SOURCE, "ListAliases", &json!({})).await;
    let aliases = aliases["Aliases"].as_array().expect("aliases");
    let alias = aliases.iter().find(|alias| alias["AliasName"] == "alias/app").expect("the alias");
    let old_key = alias["TargetKeyId"].clone();
    let new_key = world.kms(0, SOURCE, "CreateKey", &json!({})).await;
    let new_key = new_key["KeyMetadata"]["KeyId"].clone();
    let renamed = json!({"AliasName": "alias/app", "TargetKeyId": new_key});
    world.kms(0, SOURCE, "UpdateAlias", &renamed).await;
    for n in (0..30).filter(|n| *n != 15) {
        put_secure(&ssm, &format!("/app/{n:02}"), Some("alias/app")).await;
    }
    world.kms(0, SOURCE, "DisableKey", &json!({"KeyId": old_key})).await;

    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), ["parameter /app/15 us-east-2 disabled_key"], "{response:#}");
    assert!(remedies(&response).contains("enable the key"), "{response:#}");
    assert_eq!(count(&response, "parameters", "created"), 29);
    let replicas = world.seen(0, TARGET).await;
    assert_eq!(replicas.len(), 29);
    assert!(replicas.iter().all(|(name, seen)| seen.value == format!("value of {name}")));

    world.kms(0, SOURCE, "EnableKey", &json!({"KeyId": old_key})).await;
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), [""; 0]);
    assert_eq!(count(&response, "parameters", "created"), 1, "{response:#}");
}

#[tokio::test]
async fn a_call_that_stays_throttled_fails_its_own_item_alone() {
    let world = World::new(1);
    for name in ["/a", "/b", "/c"] {
        world.put(0, SOURCE, name, "x").await;
    }
    let hub = world.hub(&[]).await;
    world.wire.faults(|call| {
        is_of(call, "ssm:PutParameter", "/b").then_some(Fault::Refused("ThrottlingException"))
    });
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), ["parameter /b us-east-1 throttled"], "{response:#}");
    assert!(remedies(&response).contains("the next sweep tries again"), "{response:#}");
    let attempts =
        world.wire.take().into_iter().filter(|call| is_of(call, "ssm:PutParameter", "/b")).count();
    assert_eq!(attempts, 5, "asked more than once, and not for ever");
    assert_eq!(names(&world.seen(0, TARGET).await), ["/a", "/c"]);

    world.wire.faults(|_| None);
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "created"), 1, "{response:#}");
}

#[tokio::test]
async fn one_throttled_call_costs_no_item() {
    let world = World::new(1);
    for name in ["/a", "/b", "/c"] {
        world.put(0, SOURCE, name, "x").await;
    }
    let throttled = |service: &str, operation: &str| {
        json!({"service": service, "operation": operation, "times": 1,
            "error": {"code": "ThrottlingException", "message": "Rate exceeded"}})
    };
    let rules = json!([
        throttled("ssm", "PutParameter"),
        throttled("ssm", "DescribeParameters"),
        throttled("secretsmanager", "ListSecrets"),
        throttled("resourcegroupstaggingapi", "GetResources"),
        throttled("organizations", "ListAccounts"),
    ]);
    let proxy = Microburst::before(&world.emulator.url);
    proxy.rules(&rules);
    let hubctl = world.hubctl().with("AWS_ENDPOINT_URL", &proxy.url);
    let ran = hubctl.run(&["sweep", "--format", "json"]).await;
    assert_eq!(proxy.fired(), 5, "each of the five was throttled once: {ran:#?}");
    let response = ran.json();
    assert_eq!((ran.code, told(&response)), (0, vec![]), "{response:#}");
    assert_eq!(response["totals"]["parameters"], json!({"created": 3}));
    assert_eq!(names(&world.seen(0, TARGET).await), ["/a", "/b", "/c"]);
}

#[tokio::test]
async fn refused_tags_stop_the_step_before_its_value_moves() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    for name in ["/a", "/b"] {
        put(&ssm, name, "old").await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    let before = world.seen(0, TARGET).await;
    for name in ["/a", "/b"] {
        put(&ssm, name, "new").await;
        let add = ssm.add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter);
        add.resource_id(name).tags(tag("team", "not allowed")).send().await.expect("tags");
    }
    put(&ssm, "/c", "new").await;

    world.wire.take();
    world.wire.faults(|call| {
        is_of(call, "ssm:AddTagsToResource", "/a").then_some(Fault::Refused("TagPolicyException"))
    });
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), ["parameter /a us-east-1 tag_policy"], "{response:#}");
    assert!(remedies(&response).contains("tag policy"), "{response:#}");
    let calls = world.wire.take();
    assert!(!calls.iter().any(|call| is_of(call, "ssm:PutParameter", "/a")));
    assert!(calls.iter().any(|call| is_of(call, "ssm:PutParameter", "/b")));
    let after = world.seen(0, TARGET).await;
    assert_eq!(after["/a"], before["/a"]);
    assert_eq!((after["/b"].value.as_str(), after["/c"].value.as_str()), ("new", "new"));
}

#[tokio::test]
async fn a_lost_connection_and_a_lost_answer_cost_no_item() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    for name in ["/a", "/b"] {
        put(&ssm, name, "old").await;
    }
    let hub = world.hub(&[]).await;
    for (fault, round) in [(Fault::Lost, "old"), (Fault::AnswerLost, "new")] {
        for name in ["/a", "/b", &format!("/{round}")] {
            put(&ssm, name, round).await;
        }
        // The first attempt of every action, of every kind that the hub makes.
        let mut seen = std::collections::BTreeSet::new();
        world.wire.take();
        world.wire.faults(move |call| seen.insert(call.action.clone()).then(|| fault.clone()));
        let response = world.sweep(&hub).await;
        assert_eq!(told(&response), [""; 0], "{response:#}");
        let puts = world.wire.counts()["ssm:PutParameter"];
        assert!(puts > 3, "one of three was sent again: {puts}");
        world.wire.faults(|_| None);
        let replicas = world.seen(0, TARGET).await;
        assert!(["/a", "/b"].iter().all(|name| replicas[*name].value == round), "{replicas:#?}");
        let response = world.sweep(&hub).await;
        assert_eq!(response["status"], "in_sync", "{response:#}");
    }
}
