//! What an owner does to a source, and what a sweep makes of the replica: on the emulator, with the real SDK.

use aws_sdk_ssm::types::{ParameterTier, ParameterType, ResourceTypeForTagging};
use serde_json::json;

use crate::support::{SOURCE, TARGET, World, assert_equal, count, failures, put, tag};

#[tokio::test]
async fn every_type_attribute_and_kind_of_name_is_replicated_and_then_in_sync() {
    let world = World::furnished(&["--regions", SOURCE, TARGET, "--alias", "alias/app"]);
    let ssm = world.ssm(0, SOURCE).await;
    let text =
        ssm.put_parameter().name("/shop/host").value("db.internal").r#type(ParameterType::String);
    text.description("the database")
        .tags(tag("team", "shop"))
        .tags(tag("stage", "prod"))
        .send()
        .await
        .expect("put");
    let list =
        ssm.put_parameter().name("/shop/list").value("a,b,c").r#type(ParameterType::StringList);
    list.allowed_pattern("^[a-c,]+$").send().await.expect("put");
    let secret = ssm
        .put_parameter()
        .name("/shop/password")
        .value("hunter2")
        .r#type(ParameterType::SecureString);
    secret.send().await.expect("put");
    let own_key =
        ssm.put_parameter().name("/shop/token").value("t0ken").r#type(ParameterType::SecureString);
    own_key.key_id("alias/app").send().await.expect("put");
    let large = ssm
        .put_parameter()
        .name("/shop/large")
        .value("x".repeat(5000))
        .r#type(ParameterType::String);
    large.tier(ParameterTier::Advanced).send().await.expect("put");
    put(&ssm, "root", "without a slash").await;
    put(&ssm, "/slashed", "with a slash").await;

    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    assert_eq!(count(&response, "parameters", "created"), 7, "{response:#}");
    assert_equal(&world, 0, TARGET).await;

    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "in_sync", "{response:#}");
    assert_eq!(count(&response, "parameters", "in_sync"), 7);
}

#[tokio::test]
async fn what_changes_at_the_source_changes_at_the_replica() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    for name in ["/value", "/tags", "/description", "/cleared", "/goes", "/stays"] {
        let request = ssm.put_parameter().name(name).value("before").r#type(ParameterType::String);
        request
            .description("before")
            .tags(tag("kept", "1"))
            .tags(tag("old", "1"))
            .send()
            .await
            .expect("put");
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;

    put(&ssm, "/value", "after").await;
    let described = ssm.put_parameter().name("/description").value("before").overwrite(true);
    described.description("after").send().await.expect("put");
    let cleared = ssm.put_parameter().name("/cleared").value("before").overwrite(true);
    cleared.description("").send().await.expect("put");
    let on = |name: &str| (ResourceTypeForTagging::Parameter, name.to_owned());
    let (kind, id) = on("/tags");
    let add = ssm.add_tags_to_resource().resource_type(kind.clone()).resource_id(&id);
    add.tags(tag("new", "1")).tags(tag("kept", "2")).send().await.expect("tags");
    ssm.remove_tags_from_resource()
        .resource_type(kind)
        .resource_id(&id)
        .tag_keys("old")
        .send()
        .await
        .expect("tags");
    ssm.delete_parameter().name("/goes").send().await.expect("delete");
    put(&ssm, "/comes", "new").await;

    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    let counted = |outcome| count(&response, "parameters", outcome);
    assert_eq!(
        (
            counted("updated"),
            counted("retagged"),
            counted("deleted"),
            counted("created"),
            counted("in_sync")
        ),
        (3, 1, 1, 1, 1),
        "{response:#}"
    );
    assert_equal(&world, 0, TARGET).await;
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
}

#[tokio::test]
async fn a_hundred_and_twenty_parameters_and_several_targets() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    for n in 0..120 {
        put(&ssm, &format!("/many/{n:03}"), &format!("value {n}")).await;
    }
    let hub = world.hub(&[("ROUTES", "us-east-2=us-east-1,us-west-2")]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "created"), 240, "{response:#}");
    assert_equal(&world, 0, TARGET).await;
    assert_equal(&world, 0, "us-west-2").await;
}

#[tokio::test]
async fn five_accounts_at_once_each_get_their_own() {
    let world = World::new(5);
    for account in 0..5 {
        world.put(account, SOURCE, "/same/name", &format!("of account {account}")).await;
        world.put(account, SOURCE, &format!("/only/{account}"), "x").await;
    }
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(response["totals"]["accounts"], json!({"changed": 5}), "{response:#}");
    assert_eq!(count(&response, "parameters", "created"), 10);
    for account in 0..5 {
        assert_equal(&world, account, TARGET).await;
    }
}

#[tokio::test]
async fn a_named_item_is_reconciled_whatever_the_operation_says() {
    let world = World::new(1);
    world.put(0, SOURCE, "/named", "one").await;
    world.put(0, SOURCE, "/other", "left alone").await;
    let hub = world.hub(&[]).await;
    for operation in ["delete", "Create", "UPDATE", "sync"] {
        let payload = json!({"account": world.account(0), "region": SOURCE,
            "detail": {"name": "/named", "operation": operation}});
        let response = world.ask(&hub, &payload).await;
        assert_eq!(failures(&response), [], "{response:#}");
        let replicas = world.seen(0, TARGET).await;
        assert_eq!(
            replicas.keys().map(String::as_str).collect::<Vec<_>>(),
            ["/named"],
            "after {operation}"
        );
        assert_eq!(replicas["/named"].version, 1);
    }
    world.ssm(0, SOURCE).await.delete_parameter().name("/named").send().await.expect("delete");
    let payload =
        json!({"account": world.account(0), "detail": {"name": "/named", "operation": "create"}});
    let response = world.ask(&hub, &payload).await;
    assert_eq!(count(&response, "parameters", "deleted"), 1, "{response:#}");
    assert!(world.seen(0, TARGET).await.is_empty());
}
