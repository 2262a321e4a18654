//! The attributes that AWS makes hard: a type that changes, policies, an id that is another one in each Region, a key
//! that is disabled behind our back. On the emulator, with the real SDK.

use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use serde_json::json;

use crate::support::{
    SOURCE, TARGET, World, assert_equal, count, failures, put, remove_tags, set_tags, steps, told,
    with,
};

const EXPIRES: &str = r#"[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2099-06-30T00:00:00.000Z"}},{"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"5","Unit":"Days"}}]"#;

/// What the target's list shows of a parameter's policies, as JSON texts.
async fn policies(world: &World, region: &str, name: &str) -> Vec<String> {
    let ssm = world.ssm(0, region).await;
    let listed = ssm.describe_parameters().max_results(50).send().await.expect("a list");
    let found = listed.parameters().iter().find(|listed| listed.name() == Some(name));
    let policies = found.expect("it is there").policies().iter();
    policies.filter_map(|policy| policy.policy_text.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_source_of_another_type_has_its_replica_created_anew_with_all_that_it_had() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    put(&ssm, "/retyped", "a,b").await;
    put(&ssm, "/other", "x").await;
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    ssm.delete_parameter().name("/retyped").send().await.expect("delete");
    let anew =
        ssm.put_parameter().name("/retyped").value("a,b,c").r#type(ParameterType::StringList);
    anew.description("a list now").send().await.expect("put");
    set_tags(&ssm, "/retyped", &[("team", "shop")]).await;
    let plan = world.ask(&hub, &with(world.all(), "plan", true)).await;
    assert_eq!(steps(&plan), ["us-east-1 /retyped recreate"]);
    assert_eq!(plan["steps"][0]["because"], json!(["type"]));
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "recreated"), 1, "{response:#}");
    assert_equal(&world, 0, TARGET).await;
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
}

#[tokio::test]
async fn policies_come_change_and_go_with_their_source() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    let put = |policies: &str, overwrite| {
        let request = ssm.put_parameter().name("/mortal").value("x").overwrite(overwrite);
        let request = request.r#type(ParameterType::String).tier(ParameterTier::Advanced);
        request.policies(policies).send()
    };
    put(EXPIRES, false).await.expect("put");
    let hub = world.hub(&[]).await;
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "created"), 1);
    assert_equal(&world, 0, TARGET).await;
    assert_eq!(policies(&world, TARGET, "/mortal").await.len(), 2);
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
    let later = EXPIRES.replace("2099", "2098");
    put(&later, true).await.expect("put");
    world.sweep(&hub).await;
    let shown = policies(&world, TARGET, "/mortal").await;
    assert!(shown.iter().any(|policy| policy.contains("2098")), "{shown:?}");
    put("[{}]", true).await.expect("put");
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "updated"), 1, "{response:#}");
    assert_eq!(policies(&world, TARGET, "/mortal").await, Vec::<String>::new());
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
}

#[tokio::test]
async fn a_target_gets_the_value_that_the_sources_tags_give_it() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    put(&ssm, "/url", "https://us-east-2.example.com").await;
    put(&ssm, "/standby/url", "https://us-east-1.example.com").await;
    put(&ssm, "/size", "10").await;
    set_tags(&ssm, "/url", &[("failover-replicator:value-from/us-east-1", "/standby/url")]).await;
    set_tags(&ssm, "/standby/url", &[("failover-replicator:lends-to", "/url")]).await;
    set_tags(&ssm, "/size", &[("failover-replicator:value", "20")]).await;
    let hub = world.hub(&[]).await;
    let plan = world.ask(&hub, &with(world.all(), "plan", true)).await;
    let overridden = plan["steps"].as_array().expect("steps").iter();
    let overridden = overridden.filter(|step| step["because"] == json!(["missing", "override"]));
    assert_eq!(overridden.count(), 2, "{plan:#}");
    assert!(!plan.to_string().contains("example.com"), "the plan says that, never what");
    world.sweep(&hub).await;
    let value = async |name: &str| world.seen(0, TARGET).await[name].value.clone();
    assert_eq!(value("/url").await, "https://us-east-1.example.com");
    assert_eq!(value("/size").await, "20");
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
    put(&ssm, "/standby/url", "https://standby.example.com").await;
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "updated"), 2);
    assert_eq!(value("/url").await, "https://standby.example.com");
    remove_tags(&ssm, "/size", &["failover-replicator:value"]).await;
    world.sweep(&hub).await;
    assert_eq!(value("/size").await, "10");
    set_tags(&ssm, "/size", &[("failover-replicator:vale", "1")]).await;
    set_tags(&ssm, "/size", &[("failover-replicator:value-form", "1")]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [("invalid".to_owned(), "/size".to_owned())]);
}

#[tokio::test]
async fn a_replica_under_a_key_that_was_disabled_is_told_and_its_neighbours_are_in_sync() {
    let world = World::furnished(&["--regions", SOURCE, TARGET, "--alias", "alias/app", "alias/b"]);
    let ssm = world.ssm(0, SOURCE).await;
    for (name, key) in [("/a", "alias/app"), ("/b", "alias/b"), ("/c", "alias/aws/ssm")] {
        let request = ssm.put_parameter().name(name).value("x").key_id(key);
        request.r#type(ParameterType::SecureString).send().await.expect("put");
    }
    let hub = world.hub(&[]).await;
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "created"), 3);
    let described = world.kms(0, TARGET, "DescribeKey", &json!({"KeyId": "alias/app"})).await;
    let id = &described["KeyMetadata"]["KeyId"];
    world.kms(0, TARGET, "DisableKey", &json!({ "KeyId": id })).await;
    world.wire.take();
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), ["parameter /a us-east-1 disabled_key"], "{response:#}");
    assert_eq!(count(&response, "parameters", "in_sync"), 2);
    let message = response["failures"][0]["message"].as_str().expect("a message");
    assert!(message.contains("alias/app"), "{message}");
    let calls = world.wire.take();
    let asked: Vec<&serde_json::Value> = calls
        .iter()
        .filter(|call| call.action == "kms:DescribeKey")
        .map(|call| &call.request["KeyId"])
        .collect();
    assert_eq!(asked, ["alias/app", "alias/b"], "once a key, and AWS's own not at all");
    world.kms(0, TARGET, "EnableKey", &json!({ "KeyId": id })).await;
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
}
