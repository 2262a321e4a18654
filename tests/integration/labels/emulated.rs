//! The same over HTTP, against the emulator: creation, a label that moves by its event, a sweep, and `hubctl verify`.

use std::collections::BTreeMap;

use aws_sdk_ssm::types::ParameterType;
use serde_json::{Value, json};

use crate::support::{LONG_AGO, SOURCE, TARGET, World, assert_equal, call, count, steps, told};

const NAME: &str = "/labelled";
const VALUES: [&str; 4] = ["canary-1", "canary-2", "canary-3", "canary-4"];

async fn put(ssm: &aws_sdk_ssm::Client, value: &str) {
    let request = ssm.put_parameter().name(NAME).value(value).overwrite(true);
    request.r#type(ParameterType::SecureString).send().await.expect("the owner may write");
}

async fn label(ssm: &aws_sdk_ssm::Client, version: i64, labels: &[&str]) {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    let request = ssm.label_parameter_version().name(NAME).parameter_version(version);
    request.set_labels(Some(labels)).send().await.expect("the owner may label");
}

/// What each label gives.
async fn labels(world: &World, region: &str) -> BTreeMap<String, String> {
    let ssm = world.ssm(0, region).await;
    let history = ssm.get_parameter_history().name(NAME).send().await.expect("a history");
    let names = history.parameters.unwrap_or_default().into_iter();
    let mut labels = BTreeMap::new();
    for label in names.flat_map(|kept| kept.labels.unwrap_or_default()) {
        let read = ssm.get_parameter().name(format!("{NAME}:{label}")).with_decryption(true);
        let read = read.send().await.expect("a labelled version").parameter.expect("a parameter");
        labels.insert(label, read.value.expect("a value"));
    }
    labels
}

async fn assert_same(world: &World, many: usize) {
    let ours = labels(world, TARGET).await;
    assert_eq!(ours, labels(world, SOURCE).await);
    assert_eq!(ours.len(), many, "{ours:?}");
    assert_equal(world, 0, TARGET).await;
}

#[tokio::test]
async fn labels_are_created_moved_by_event_swept_and_verified() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    for value in &VALUES[..3] {
        put(&ssm, value).await;
    }
    label(&ssm, 1, &["old"]).await;
    label(&ssm, 3, &["live", "next"]).await;
    let hub = world.hub(&[]).await;
    let created = world.sweep(&hub).await;
    assert_eq!(count(&created, "parameters", "created"), 1, "{created:#}");
    assert_same(&world, 3).await;

    label(&ssm, 1, &["live"]).await;
    let request = json!({"name": NAME, "labels": ["live"]});
    let event = call(world.account(0), LONG_AGO, "LabelParameterVersion", &request, &Value::Null);
    let moved = world.ask(&hub, &event).await;
    assert_eq!(count(&moved, "parameters", "retagged"), 1, "{moved:#}");
    assert_same(&world, 3).await;

    put(&ssm, VALUES[3]).await;
    label(&ssm, 4, &["live"]).await;
    let swept = world.sweep(&hub).await;
    assert_eq!(count(&swept, "parameters", "updated"), 1, "{swept:#}");
    assert_same(&world, 3).await;

    let hubctl = world.hubctl();
    let verify = ["verify", "--labels", "--format", "json"];
    hubctl.run(&verify).await.ended(0);
    label(&ssm, 1, &["next"]).await;
    hubctl.run(&["plan"]).await.ended(0);
    hubctl.run(&["verify"]).await.ended(0);
    let found = hubctl.run(&verify).await;
    found.ended(3);
    assert_eq!(steps(&found.json()), ["us-east-1 /labelled retag"]);
    assert_eq!(found.json()["steps"][0]["because"], json!(["labels"]));
    let table = hubctl.run(&["verify", "--labels"]).await;
    table.ended(3);
    assert!(table.stdout.contains("labels"), "{table:#?}");

    hubctl.run(&["sweep", "--labels"]).await.ended(0);
    hubctl.run(&verify).await.ended(0);
    assert_same(&world, 3).await;

    // Its replica never had this value.
    label(&ssm, 2, &["next"]).await;
    let failed = hubctl.run(&verify).await;
    failed.ended(4);
    assert_eq!(told(&failed.json()), ["parameter /labelled us-east-1 unsupported"]);
    for value in VALUES {
        assert!(!failed.stdout.contains(value) && !failed.stderr.contains(value), "{failed:#?}");
    }
}
