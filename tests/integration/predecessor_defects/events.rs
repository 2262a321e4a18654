//! What events came to, and how failures were told.

use aws_sdk_ssm::types::ParameterType;
use serde_json::{Value, json};

use super::{create_secret, secret_value, writes};
use crate::support::{
    LONG_AGO, MARK, SOURCE, TARGET, Topic, World, assert_equal, call, count, delete_event,
    failures, native_event, put, put_event, tag,
};

#[tokio::test(start_paused = true)]
async fn o01_capitalised_operations_are_understood() {
    let world = World::new(1);
    let (account, ssm) = (world.account(0), world.ssm(0, SOURCE).await);
    let hub = world.hub(&[]).await;
    for (operation, outcome) in
        [("Create", "created"), ("Update", "updated"), ("Delete", "deleted")]
    {
        match operation {
            "Delete" => drop(ssm.delete_parameter().name("/a").send().await.expect("delete")),
            value => put(&ssm, "/a", value).await,
        }
        let response = world.ask(&hub, &native_event(account, LONG_AGO, "/a", operation)).await;
        assert_eq!(count(&response, "parameters", outcome), 1, "{response:#}");
        assert_equal(&world, 0, TARGET).await;
    }
}

#[tokio::test(start_paused = true)]
async fn o08_a_delete_event_leaves_what_the_failover_region_owns() {
    let world = World::new(1);
    world.put(0, TARGET, "/own", "the failover Region's own").await;
    // The predecessor took any tag with the mark's value for the mark, whatever its key.
    let ssm = world.ssm(0, TARGET).await;
    let marked = ssm.put_parameter().name("/other").value("x").r#type(ParameterType::String);
    marked.tags(tag("owner", MARK.1)).send().await.expect("put");
    let before = world.seen(0, TARGET).await;
    let hub = world.hub(&[]).await;
    for name in ["/own", "/other"] {
        world.ask(&hub, &delete_event(world.account(0), LONG_AGO, name)).await;
        world.ask(&hub, &native_event(world.account(0), LONG_AGO, name, "Delete")).await;
    }
    assert_eq!(world.seen(0, TARGET).await, before);
    assert_eq!(writes(&world.wire.take()), [""; 0]);
}

#[tokio::test]
async fn o11_a_new_secret_is_replicated_by_its_event() {
    let world = World::new(1);
    let secrets = world.secrets(0, SOURCE).await;
    create_secret(&secrets, "db", "s3cret").await;
    create_secret(&secrets, "other", "left to the sweep").await;
    let hub = world.hub(&[]).await;
    let event = call(
        world.account(0),
        LONG_AGO,
        "CreateSecret",
        &json!({"name": "db", "clientRequestToken": "c7a2ea20-b2f1-4c94-ae05-319acb5c7427"}),
        &Value::Null,
    );
    let response = world.ask(&hub, &event).await;
    assert_eq!(response["totals"]["secrets"], json!({"replicated": 1}), "{response:#}");
    assert_eq!(secret_value(&world, TARGET, "db").await, "s3cret");
}

#[tokio::test(start_paused = true)]
async fn o20_a_late_event_wins_over_nothing_newer() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    let first = ssm.put_parameter().name("/a").value("one").r#type(ParameterType::String);
    first.tags(tag("old", "1")).tags(tag("kept", "1")).send().await.expect("put");
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    put(&ssm, "/a", "two").await;
    put(&ssm, "/a", "three").await;
    let untag = ssm.remove_tags_from_resource().resource_id("/a").tag_keys("old");
    let kind = aws_sdk_ssm::types::ResourceTypeForTagging::Parameter;
    untag.resource_type(kind).send().await.expect("untag");
    for version in [3, 2, 1] {
        world.ask(&hub, &put_event(world.account(0), LONG_AGO, "/a", version)).await;
        let replica = &world.seen(0, TARGET).await["/a"];
        assert_eq!((replica.value.as_str(), replica.version), ("three", 2), "after {version}");
        assert!(!replica.tags.contains_key("old") && replica.tags.contains_key("kept"));
    }
}

#[tokio::test(start_paused = true)]
async fn o22_many_failures_and_many_tries_are_one_message() {
    let world = World::new(1);
    for n in 0..12 {
        let name = format!("/held/{n}");
        world.put(0, SOURCE, &name, "x").await;
        world.put(0, TARGET, &name, "the failover Region's own").await;
    }
    let topic = Topic::new(world.emulator, &json!({}));
    let hub = world.hub(&[("SNS_TOPIC_ARN", &topic.arn)]).await;
    // An asynchronous invocation that fails is tried three times.
    for _ in 0..3 {
        assert_eq!(failures(&world.sweep(&hub).await).len(), 12);
    }
    assert_eq!(topic.take().len(), 1);
}
