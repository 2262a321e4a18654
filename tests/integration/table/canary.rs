//! The table is a log: no item has the value of a parameter or secret, or the value of an override tag.

use aws_sim::{Effect, Fault};
use serde_json::{Value, json};

use super::stage::{FAR, FAR_ROUTE, ROUTE, Stage, TWO_TARGETS, delivered};
use crate::support::{SOURCE, TARGET, batch, tag_event};

const CANARY: &str = "CanaryTableZq7w";
const NAMES: [&str; 5] =
    ["/canary/text", "/canary/_.-/odd", "root", "/canary/override", "/canary/refused"];

fn plant(stage: &Stage) {
    let account = stage.sim.account(&stage.accounts[0]);
    let source = account.region(SOURCE);
    for name in NAMES {
        source.put_parameter(
            &json!({"Name": name, "Type": "SecureString", "Value": format!("{CANARY} of {name}")}),
        );
    }
    source.tag("/canary/override", "failover-replicator:value", &format!("{CANARY} override"));
    source.tag("/canary/text", "failover-replicator:value/us-west-2", &format!("{CANARY} far"));
    source.create_secret("canary/_+=.@-", CANARY);
    // A conflict and a replica that its owner changed quote nothing either.
    account.region(TARGET).put("/canary/text", &format!("{CANARY} theirs"));
    account.region(FAR).put("/canary/_.-/odd", CANARY);
}

#[tokio::test(start_paused = true)]
async fn no_item_has_a_value() {
    let stage = Stage::new(1, &[TWO_TARGETS]).await;
    let account = stage.accounts[0].clone();
    plant(&stage);
    let refused = Effect::Refused("ValidationException");
    stage.sim.fault(Fault::new(refused).operation("ssm:PutParameter").naming("/canary/refused"));
    stage.sweep("daily-1").await;
    let list = json!({"detail": {"name": "accounts", "operation": "list"}, "execution": "daily-1"});
    stage.ask(&list).await;
    stage
        .ask(&json!({"detail": {"name": "sweep", "operation": "finish"}, "execution": "daily-1"}))
        .await;
    let events = || -> Vec<(&'static str, Value)> {
        let tag = ("failover-replicator:value", format!("{CANARY} by event"));
        let tagged = tag_event(&account, "2026-11-28T10:00:05Z", "root", tag.0, &tag.1);
        let mut put = stage.event(0, "/canary/override");
        put["detail"]["value"] = CANARY.into();
        let secret = json!({"secretId": "canary/_+=.@-", "secretString": CANARY});
        let secret = crate::support::call(
            &account,
            "2026-11-28T10:00:05Z",
            "UpdateSecret",
            &secret,
            &json!({"name": "canary/_+=.@-"}),
        );
        vec![("1", tagged), ("2", put), ("3", secret)]
    };
    stage.sim.fault(Fault::new(Effect::ServerError).operation("ssm:GetParameters"));
    stage.ask(&delivered(5, events())).await;
    stage.sim.mend_all();
    stage.freeze(ROUTE).await;
    stage.ask(&batch(events())).await;
    stage.sim.account(&account).region(SOURCE).delete("/canary/override");
    let deleted =
        crate::support::delete_event(&account, "2026-11-28T10:00:06Z", "/canary/override");
    stage.ask(&batch([("4", deleted)])).await;
    let items = stage.table().items();
    let kinds: std::collections::BTreeSet<&str> =
        items.keys().map(|(pk, _)| pk.split('#').next().unwrap_or_default()).collect();
    let expected = ["accounts", "deletes", "fail", "held", "last", "state", "sweep"];
    assert_eq!(kinds, expected.into(), "every kind of item is there");
    assert!(!stage.table().partition(&format!("held#{FAR_ROUTE}")).is_empty());
    assert!(stage.table().partition(&format!("fail#{account}")).len() >= 3, "{items:#?}");
    let shown = format!("{items:?}");
    assert!(
        shown.contains("/canary/refused") && shown.contains("canary/_+=.@-"),
        "names are there"
    );
    assert!(!shown.contains(CANARY), "{items:#?}");
    // The values were replicated, so they would have been seen.
    let replicas = stage.sim.account(&account).region(FAR).parameters();
    assert!(replicas["/canary/text"].value.contains(CANARY), "{replicas:#?}");
}
