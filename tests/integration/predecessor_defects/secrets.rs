//! What became of secrets, and of what both kinds share: keys, and routes both ways.

use aws_sdk_secretsmanager::types::ReplicaRegionType;
use aws_sdk_ssm::types::ParameterType;
use serde_json::json;

use super::{create_secret, secret_value, writes};
use crate::support::{Call, LONG_AGO, ROUTES, SOURCE, TARGET, World, failures, native_event};

#[tokio::test]
async fn o10_an_independent_secret_of_the_same_name_is_kept() {
    let world = World::new(1);
    create_secret(&world.secrets(0, SOURCE).await, "db", "the source's").await;
    create_secret(&world.secrets(0, TARGET).await, "db", "the failover Region's own").await;
    create_secret(&world.secrets(0, SOURCE).await, "free", "x").await;
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [("conflict".to_owned(), "db".to_owned())]);
    assert_eq!(secret_value(&world, TARGET, "db").await, "the failover Region's own");
    assert_eq!(secret_value(&world, TARGET, "free").await, "x");
    let calls = world.wire.take();
    let asked: Vec<&Call> =
        calls.iter().filter(|call| call.action.contains("ReplicateSecret")).collect();
    assert_eq!(asked.len(), 1);
    assert_ne!(asked[0].request["ForceOverwriteReplicaSecret"], true);
}

#[tokio::test(start_paused = true)]
async fn o16_a_customer_key_is_never_replaced_by_the_default_one() {
    let world = World::furnished(&["--regions", SOURCE, TARGET, "--alias", "alias/app"]);
    world.emulator.aside(&["key", world.account(0), SOURCE, "alias/only-here"]);
    let (ssm, secrets) = (world.ssm(0, SOURCE).await, world.secrets(0, SOURCE).await);
    for (name, key) in [("/app", "alias/app"), ("/keyless", "alias/only-here")] {
        let secure = ssm.put_parameter().name(name).value("x").key_id(key);
        secure.r#type(ParameterType::SecureString).send().await.expect("put");
        let secret = secrets.create_secret().name(name).secret_string("x").kms_key_id(key);
        secret.send().await.expect("create");
    }
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    let mut failed = failures(&response);
    failed.sort();
    let missing = ("missing_key".to_owned(), "/keyless".to_owned());
    assert_eq!(failed, [missing.clone(), missing], "{response:#}");
    let replicas = world.seen(0, TARGET).await;
    assert_eq!(replicas.len(), 1);
    assert_eq!(replicas["/app"].key.as_deref(), Some("alias/app"));
    let described = world.secrets(0, TARGET).await.describe_secret().secret_id("/app");
    assert_eq!(described.send().await.expect("it").kms_key_id.as_deref(), Some("alias/app"));
}

#[tokio::test(start_paused = true)]
async fn o19_a_secret_is_done_when_each_of_its_replicas_is() {
    let world = World::new(1);
    let (secrets, elsewhere) = (world.secrets(0, SOURCE).await, world.secrets(0, TARGET).await);
    let replicate = |name: &str, region: &str| {
        let region = ReplicaRegionType::builder().region(region).build();
        secrets.replicate_secret_to_regions().secret_id(name).add_replica_regions(region)
    };
    // Replicated already, but not into every Region that the route wants.
    create_secret(&secrets, "half", "x").await;
    replicate("half", TARGET).send().await.expect("replicate");
    // Asked for, and `Failed`: the name is held.
    create_secret(&elsewhere, "failed", "the failover Region's own").await;
    create_secret(&secrets, "failed", "x").await;
    replicate("failed", TARGET).send().await.expect("replicate");
    // The same for its key: it is asked for again, under the right one.
    create_secret(&secrets, "keyless", "x").await;
    let region = ReplicaRegionType::builder().region(TARGET).kms_key_id("alias/absent").build();
    let keyless = secrets.replicate_secret_to_regions().secret_id("keyless");
    keyless.add_replica_regions(region).send().await.expect("replicate");
    // Another Region's replica, whose primary no route leads from, and a secret that is being deleted.
    create_secret(&elsewhere, "foreign", "x").await;
    let region = ReplicaRegionType::builder().region(SOURCE).build();
    let foreign = elsewhere.replicate_secret_to_regions().secret_id("foreign");
    foreign.add_replica_regions(region).send().await.expect("replicate");
    create_secret(&secrets, "deleted", "x").await;
    secrets.delete_secret().secret_id("deleted").send().await.expect("delete");

    let hub = world.hub(&[("ROUTES", "us-east-2=us-east-1,us-west-2")]).await;
    let response = world.sweep(&hub).await;
    let failed = [("conflict", "failed"), ("conflict", "foreign")];
    let failed = failed.map(|(kind, name)| (kind.to_owned(), name.to_owned()));
    assert_eq!(failures(&response), failed, "{response:#}");
    assert_eq!(
        response["totals"]["secrets"],
        json!({"in_sync": 2, "replicated": 4, "conflict": 2, "skipped": 2}),
        "{response:#}"
    );
    assert_eq!(secret_value(&world, "us-west-2", "half").await, "x");
    let mut asked: Vec<(String, Vec<String>)> = world
        .wire
        .take()
        .into_iter()
        .filter(|call| call.action.contains("ReplicateSecret"))
        .map(|call| {
            let regions = call.request["AddReplicaRegions"].as_array().expect("Regions").iter();
            let regions = regions.filter_map(|region| region["Region"].as_str());
            let arn = call.request["SecretId"].as_str().unwrap_or_default();
            let name = arn.split(':').next_back().unwrap_or_default();
            let name = name.split('-').next().unwrap_or_default();
            (name.to_owned(), regions.map(str::to_owned).collect())
        })
        .collect();
    asked.sort();
    let far = || vec!["us-west-2".to_owned()];
    let both = vec![TARGET.to_owned(), "us-west-2".to_owned()];
    let expected = [("failed", far()), ("half", far()), ("keyless", both)];
    let expected = expected.map(|(name, regions)| (name.to_owned(), regions));
    assert_eq!(asked, expected, "of what is missing or failed, and of that alone");
}

#[tokio::test(start_paused = true)]
async fn o21_replicas_are_not_replicated_back() {
    let world = World::new(1);
    world.put(0, SOURCE, "/of/two", "x").await;
    world.put(0, TARGET, "/of/one", "y").await;
    create_secret(&world.secrets(0, SOURCE).await, "db", "x").await;
    let both_ways = format!("{ROUTES};{TARGET}={SOURCE}");
    let hub = world.hub(&[("ROUTES", &both_ways)]).await;
    assert_eq!(failures(&world.sweep(&hub).await), []);
    let (two, one) = (world.seen(0, SOURCE).await, world.seen(0, TARGET).await);
    assert_eq!((two.len(), one.len()), (2, 2));
    world.wire.take();

    assert_eq!(failures(&world.sweep(&hub).await), []);
    // The hub's own writes come as events too.
    for (region, name) in [(TARGET, "/of/two"), (SOURCE, "/of/one")] {
        for operation in ["Create", "Delete"] {
            let mut event = native_event(world.account(0), LONG_AGO, name, operation);
            event["region"] = region.into();
            assert_eq!(failures(&world.ask(&hub, &event).await), []);
        }
    }
    assert_eq!(writes(&world.wire.take()), [""; 0]);
    assert_eq!((world.seen(0, SOURCE).await, world.seen(0, TARGET).await), (two, one));
}
