//! AWS's limits of labels, and what AWS refuses.

use std::collections::BTreeMap;

use aws_sim::{Doer, Effect, Fault, KeyState, Lag};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::{SOURCE, TARGET, count, told};

const NAME: &str = "/a";

fn remedy(response: &Value) -> &str {
    response["failures"][0]["remedy"].as_str().expect("a remedy")
}

#[tokio::test(start_paused = true)]
async fn two_versions_with_ten_labels_each_change_their_places() {
    let stage = Stage::new(&[]).await;
    let ten = |from: usize| (from..from + 10).map(|n| format!("l{n:02}")).collect::<Vec<_>>();
    let label = |version: i64, labels: &[String]| {
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        stage.label(SOURCE, NAME, version, &labels);
    };
    for (value, version) in [("one", 1), ("two", 2)] {
        assert_eq!(stage.put(NAME, value), version);
        label(version, &ten(10 * usize::try_from(version).expect("small")));
    }
    assert_eq!(count(&stage.sweep().await, "parameters", "created"), 1);
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.labels(TARGET, NAME).len(), 20);

    // Twenty labels change places by way of a third version.
    stage.put(NAME, "three");
    label(3, &ten(10));
    label(1, &ten(20));
    label(2, &ten(10));
    stage.event(&stage.put_event(NAME, 3)).await;
    let moved = stage.event(&stage.label_event(NAME)).await;
    assert_eq!(count(&moved, "parameters", "retagged"), 1, "{moved:#}");
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.labels(TARGET, NAME)["l10"], "two");
}

#[tokio::test(start_paused = true)]
async fn a_labelled_oldest_of_100_versions_is_told_with_its_way_out_and_gives_way_where_it_can() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "first");
    stage.label(SOURCE, NAME, 1, &["old"]);
    stage.put(NAME, "second");
    stage.sweep().await;
    // Invocations that end before their provenance write over the replica until it is full.
    let arn = format!(
        "arn:aws:sts::{}:assumed-role/failover-replicator-spoke/failover-replicator",
        stage.account
    );
    for n in 0..98 {
        let doer = Doer { arn: &arn, at: stage.sim.now(), lag: Lag::default() };
        let request = json!({"Name": NAME, "Value": n.to_string(), "Overwrite": true});
        let put = stage.region(TARGET).call_by(doer, "ssm:PutParameter", &request);
        put.expect("the hub may");
    }
    for _ in 0..2 {
        let swept = stage.sweep().await;
        assert_eq!(told(&swept), ["parameter /a us-east-1 limit"]);
        assert!(remedy(&swept).contains("move the label at the source"), "{swept:#}");
    }
    assert_eq!(stage.labels(TARGET, NAME), BTreeMap::from([("old".into(), "first".into())]));

    stage.label(SOURCE, NAME, 2, &["old"]);
    let moved = stage.event(&stage.label_event(NAME)).await;
    assert_eq!(told(&moved), [""; 0]);
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.sweep().await["status"], "in_sync");
}

#[tokio::test(start_paused = true)]
async fn an_older_value_that_the_replica_never_had_is_told_and_its_label_gives_no_other_value() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "first");
    stage.put(NAME, "second");
    stage.label(SOURCE, NAME, 2, &["live"]);
    stage.sweep().await;
    stage.assert_same(TARGET, NAME);

    stage.label(SOURCE, NAME, 1, &["live"]);
    let moved = stage.event(&stage.label_event(NAME)).await;
    assert_eq!(told(&moved), ["parameter /a us-east-1 unsupported"]);
    assert_eq!(stage.labels(TARGET, NAME), BTreeMap::new());
    assert_eq!(stage.region(TARGET).parameters()[NAME].version, 1, "no older value is written");
    assert_eq!(stage.sweep().await["status"], "in_sync");
    assert_eq!(told(&stage.verify().await), ["parameter /a us-east-1 unsupported"]);

    // What the remedy says.
    assert!(remedy(&moved).contains("delete the replica by hand"), "{moved:#}");
    stage.region(TARGET).delete(NAME);
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    assert_eq!(count(&stage.sweep().await, "parameters", "created"), 1);
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.labels(TARGET, NAME)["live"], "first");
}

#[tokio::test(start_paused = true)]
async fn values_written_before_the_allowed_pattern_are_reproduced_under_it() {
    let stage = Stage::new(&[]).await;
    stage.put(NAME, "words");
    stage.label(SOURCE, NAME, 1, &["old"]);
    stage.region(SOURCE).put_parameter(&json!({"Name": NAME, "Value": "123",
        "AllowedPattern": "^[0-9]+$", "Overwrite": true}));
    let swept = stage.sweep().await;
    assert_eq!(told(&swept), [""; 0]);
    stage.assert_same(TARGET, NAME);
    assert_eq!(stage.region(TARGET).parameters()[NAME].pattern, "^[0-9]+$");
    assert_eq!(stage.sweep().await["status"], "in_sync");
}

#[tokio::test(start_paused = true)]
async fn an_older_version_whose_key_is_disabled_costs_its_labels_alone() {
    let stage = Stage::new(&[]).await;
    for region in [SOURCE, TARGET] {
        for key in ["k1", "k2"] {
            let alias = format!("alias/{key}");
            stage.region(region).key(key, KeyState::Enabled).alias(&alias, key);
        }
    }
    for key in ["alias/k1", "alias/k2"] {
        let request = json!({"Name": NAME, "Value": format!("under {key}"), "KeyId": key,
            "Type": "SecureString", "Overwrite": true});
        stage.region(SOURCE).put_parameter(&request);
    }
    stage.label(SOURCE, NAME, 1, &["old"]);
    stage.label(SOURCE, NAME, 2, &["live"]);
    stage.region(SOURCE).key("k1", KeyState::Disabled);

    let swept = stage.sweep().await;
    assert_eq!(told(&swept), ["parameter /a us-east-1 disabled_key"], "{swept:#}");
    let live = BTreeMap::from([("live".to_owned(), "under alias/k2".to_owned())]);
    assert_eq!(stage.labels(TARGET, NAME), live);
    assert_eq!(stage.sweep().await["status"], "in_sync", "and it is not written every day");
}

#[tokio::test(start_paused = true)]
async fn a_role_without_the_labels_actions_copies_values_and_tells_of_the_labels() {
    for action in ["ssm:GetParameterHistory", "ssm:LabelParameterVersion"] {
        let stage = Stage::new(&[]).await;
        stage.put(NAME, "value");
        stage.label(SOURCE, NAME, 1, &["live"]);
        let denied = Fault::new(Effect::AccessDenied).operation(action).account(&stage.account);
        stage.sim.fault(denied);
        let swept = stage.sweep().await;
        assert_eq!(told(&swept), ["parameter /a us-east-1 access_denied"], "{action}");
        assert!(remedy(&swept).contains("hubctl sweep --labels"), "{swept:#}");
        assert_eq!(stage.region(TARGET).parameters()[NAME].value, "value");
        assert_eq!(stage.sweep().await["status"], "in_sync", "{action}");

        stage.sim.mend_all();
        stage.run(&json!({"labels": true})).await;
        stage.assert_same(TARGET, NAME);
    }
}
