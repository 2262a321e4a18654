//! The hub on moto as it comes, without the project's patches: what it asks of AWS is what a stock emulator knows too.

use aws_sdk_ssm::types::ParameterType;
use serde_json::json;

use crate::support::{Emulator, MARK, World, put};

#[tokio::test]
async fn a_plain_sweep_works_on_the_stock_emulator_and_is_then_in_sync() {
    let world = World::on(Emulator::alone(&["--stock"]), &[]);
    let ssm = world.ssm(0, "us-east-2").await;
    for n in 0..12 {
        put(&ssm, &format!("/plain/{n:02}"), &format!("value {n}")).await;
    }
    let request = ssm.put_parameter().name("/secure").value("hunter2");
    request.r#type(ParameterType::SecureString).send().await.expect("the owner may write");
    let secrets = world.secrets(0, "us-east-2").await;
    secrets.create_secret().name("db/main").secret_string("x").send().await.expect("a secret");

    // It records no writers.
    let hub = world.hub(&[("TRUSTED_WRITERS", "*")]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    assert_eq!(response["totals"]["parameters"], json!({"created": 13}), "{response:#}");
    assert_eq!(response["totals"]["secrets"], json!({"replicated": 1}), "{response:#}");
    let (sources, replicas) = (world.seen(0, "us-east-2").await, world.seen(0, "us-east-1").await);
    assert_eq!(replicas.len(), 13);
    for (name, replica) in &replicas {
        let source = &sources[name];
        assert_eq!((&replica.value, &replica.value_type), (&source.value, &source.value_type));
        assert_eq!(replica.tags.get(MARK.0).map(String::as_str), Some(MARK.1), "{name}");
    }

    put(&ssm, "/plain/03", "changed").await;
    ssm.delete_parameter().name("/plain/04").send().await.expect("delete");
    let response = world.sweep(&hub).await;
    let expected = json!({"in_sync": 11, "updated": 1, "deleted": 1});
    assert_eq!(response["totals"]["parameters"], expected, "{response:#}");
    world.wire.take();
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "in_sync", "{response:#}");
    assert_eq!(response["totals"]["parameters"], json!({"in_sync": 12}));
    assert_eq!(response["totals"]["secrets"], json!({"in_sync": 1}));
    let counts = world.wire.counts();
    assert!(counts.keys().all(|action| action != "ssm:GetParameters"), "{counts:?}");
}
