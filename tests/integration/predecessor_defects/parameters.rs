//! What became of parameters.

use aws_sdk_ssm::types::{ParameterTier, ParameterType};

use super::{create_secret, writes};
use crate::support::{
    Fault, LONG_AGO, MARK, SOURCE, TARGET, World, assert_equal, count, failures, put_event, tag,
};

#[tokio::test]
async fn o03_secure_strings_are_replicated() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    let secure = ssm.put_parameter().name("/password").value("hunter2");
    secure.r#type(ParameterType::SecureString).send().await.expect("put");
    let hub = world.hub(&[]).await;
    assert_eq!(world.sweep(&hub).await["status"], "changed");
    let replica = &world.seen(0, TARGET).await["/password"];
    assert_eq!((replica.value.as_str(), replica.value_type.as_str()), ("hunter2", "SecureString"));
}

#[tokio::test]
async fn o04_a_parameter_needs_no_description() {
    let world = World::new(1);
    world.put(0, SOURCE, "/bare", "x").await;
    let hub = world.hub(&[]).await;
    assert_eq!(world.sweep(&hub).await["status"], "changed");
    assert_eq!(world.seen(0, TARGET).await["/bare"].description, None);
    assert_equal(&world, 0, TARGET).await;
}

#[tokio::test]
async fn o05_advanced_parameters_are_replicated() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    let sorts = [
        ("/advanced", ParameterTier::Advanced, 10),
        ("/intelligent/large", ParameterTier::IntelligentTiering, 5000),
        ("/intelligent/small", ParameterTier::IntelligentTiering, 10),
    ];
    for (name, tier, size) in sorts {
        let large = ssm.put_parameter().name(name).value("x".repeat(size)).tier(tier);
        large.r#type(ParameterType::String).send().await.expect("put");
    }
    let hub = world.hub(&[]).await;
    assert_eq!(world.sweep(&hub).await["status"], "changed");
    let tiers: Vec<String> = world.seen(0, TARGET).await.into_values().map(|p| p.tier).collect();
    assert_eq!(tiers, ["Advanced", "Advanced", "Standard"]);
    assert_equal(&world, 0, TARGET).await;
}

#[tokio::test]
async fn o06_one_bad_parameter_does_not_end_the_run() {
    let world = World::new(1);
    for name in ["/a", "/bad", "/z"] {
        world.put(0, SOURCE, name, "x").await;
    }
    create_secret(&world.secrets(0, SOURCE).await, "db", "s3cret").await;
    let hub = world.hub(&[]).await;
    world.wire.faults(|call| {
        (call.action == "ssm:PutParameter" && call.request["Name"] == "/bad")
            .then_some(Fault::Refused("ValidationException"))
    });
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [("invalid".to_owned(), "/bad".to_owned())]);
    assert_eq!(count(&response, "parameters", "created"), 2);
    assert_eq!(count(&response, "secrets", "replicated"), 1);
    assert_eq!(world.seen(0, TARGET).await.into_keys().collect::<Vec<_>>(), ["/a", "/z"]);
}

#[tokio::test(start_paused = true)]
async fn o07_a_sweep_deletes_orphans_and_goes_on() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    world.put(0, SOURCE, "/goes", "x").await;
    world.put(0, TARGET, "/own", "the failover Region's own").await;
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    ssm.delete_parameter().name("/goes").send().await.expect("delete");
    create_secret(&world.secrets(0, SOURCE).await, "db", "s3cret").await;
    let response = world.sweep_by_a_person(&hub).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    assert_eq!(count(&response, "parameters", "deleted"), 1);
    assert_eq!(count(&response, "secrets", "replicated"), 1);
    assert_eq!(world.seen(0, TARGET).await.into_keys().collect::<Vec<_>>(), ["/own"]);
}

#[tokio::test]
async fn o09_a_name_that_is_taken_is_not_overwritten() {
    let world = World::new(1);
    world.put(0, SOURCE, "/held", "the source's").await;
    world.put(0, TARGET, "/held", "the failover Region's own").await;
    let before = world.seen(0, TARGET).await;
    let hub = world.hub(&[]).await;
    let conflict = [("conflict".to_owned(), "/held".to_owned())];
    assert_eq!(failures(&world.sweep(&hub).await), conflict);
    let event = put_event(world.account(0), LONG_AGO, "/held", 1);
    assert_eq!(failures(&world.ask(&hub, &event).await), conflict);
    assert_eq!(world.seen(0, TARGET).await, before);
}

#[tokio::test]
async fn o12_what_is_equal_is_not_written_again() {
    let world = World::new(1);
    world.put(0, SOURCE, "/a", "x").await;
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    world.wire.take();
    world.sweep(&hub).await;
    world.ask(&hub, &put_event(world.account(0), LONG_AGO, "/a", 1)).await;
    assert_eq!(writes(&world.wire.take()), [""; 0]);
    assert_eq!(world.seen(0, TARGET).await["/a"].version, 1);
}

#[tokio::test]
async fn o13_the_sources_environment_tag_is_kept() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    let tagged = ssm.put_parameter().name("/a").value("x").r#type(ParameterType::String);
    tagged.tags(tag("Environment", "production")).send().await.expect("put");
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    assert_eq!(world.seen(0, TARGET).await["/a"].tags["Environment"], "production");
    let calls = world.wire.take();
    let put = calls.iter().find(|call| call.action == "ssm:PutParameter").expect("a create");
    let tags = put.request["Tags"].as_array().expect("tags").iter();
    let keys: Vec<&str> = tags.filter_map(|tag| tag["Key"].as_str()).collect();
    assert_eq!(keys.iter().filter(|key| **key == "Environment").count(), 1, "{keys:?}");
}

#[tokio::test]
async fn o14_the_tags_that_aws_keeps_are_not_copied() {
    let world = World::new(1);
    world.emulator.aside(&["stack", world.account(0), SOURCE, "/of/a/stack"]);
    let source = &world.seen(0, SOURCE).await["/of/a/stack"];
    assert_eq!(source.tags["aws:cloudformation:stack-name"], "shop");
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [], "{response:#}");
    let replica = &world.seen(0, TARGET).await["/of/a/stack"];
    let keys: Vec<&str> = replica.tags.keys().map(String::as_str).collect();
    assert_eq!(keys, ["ReplicationSource", MARK.0, "team"]);
    assert_eq!(world.sweep(&hub).await["status"], "in_sync", "nor are they missed");
}

#[tokio::test(start_paused = true)]
async fn o15_a_replica_is_marked_as_it_is_created() {
    let world = World::new(1);
    world.put(0, SOURCE, "/a", "x").await;
    let hub = world.hub(&[]).await;
    // The hub dies after its first write.
    world.wire.faults(|call| (call.action == "ssm:AddTagsToResource").then_some(Fault::Lost));
    world.sweep(&hub).await;
    let replica = world.seen(0, TARGET).await.remove("/a").expect("a replica");
    assert_eq!(replica.tags[MARK.0], MARK.1);
    let calls = world.wire.take();
    let put = calls.iter().find(|call| call.action == "ssm:PutParameter").expect("a create");
    assert_ne!(put.request["Overwrite"], true, "a name that is taken is seen");
    // And after the write of a new value: nothing says then that the replica is equal, and the next run mends it.
    world.put(0, SOURCE, "/a", "y").await;
    world.sweep(&hub).await;
    world.wire.faults(|_| None);
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "updated"), 1, "{response:#}");
    assert_equal(&world, 0, TARGET).await;
}
