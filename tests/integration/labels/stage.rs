//! One simulated account with a hub, and its owner's labels.

use std::collections::BTreeMap;

use aws_sim::{RegionSide, Settings, Sim};
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, SOURCE, answered, batch, call, hub_on, put_event, simulated, sweep_all,
};

/// A simulated account and a hub.
pub(super) struct Stage {
    pub(super) sim: Sim,
    pub(super) account: String,
    pub(super) hub: Hub,
}

impl Stage {
    pub(super) async fn new(settings: &[(&str, &str)]) -> Self {
        Self::on(Settings::default(), settings).await
    }

    /// Over a simulator with these settings.
    pub(super) async fn on(simulator: Settings, settings: &[(&str, &str)]) -> Self {
        let (sim, mut accounts) = simulated(simulator, 1);
        let mut all = vec![("EXCLUDE_ACCOUNTS", "123456789012")];
        all.extend_from_slice(settings);
        let hub = hub_on(&sim, &all).await;
        Self { account: accounts.remove(0), sim, hub }
    }

    pub(super) fn region(&self, region: &str) -> RegionSide<'_> {
        self.sim.account(&self.account).region(region)
    }

    /// The source's owner writes a value.
    pub(super) fn put(&self, name: &str, value: &str) -> i64 {
        self.region(SOURCE).put(name, value)
    }

    /// Somebody attaches labels to a version.
    pub(super) fn label(&self, region: &str, name: &str, version: i64, labels: &[&str]) {
        let request = json!({"Name": name, "ParameterVersion": version, "Labels": labels});
        let answer = self.region(region).call("ssm:LabelParameterVersion", &request);
        assert_eq!(answer.expect("the owner may label")["InvalidLabels"], json!([]));
    }

    /// Somebody takes a label off the version that has it.
    pub(super) fn unlabel(&self, region: &str, name: &str, label: &str) {
        let version = self.region(region).parameters()[name].labels[label];
        let request = json!({"Name": name, "ParameterVersion": version, "Labels": [label]});
        let answer = self.region(region).call("ssm:UnlabelParameterVersion", &request);
        assert_eq!(answer.expect("the owner may unlabel")["RemovedLabels"], json!([label]));
    }

    /// What each label of a parameter gives; nothing of a parameter that is not there.
    pub(super) fn labels(&self, region: &str, name: &str) -> BTreeMap<String, String> {
        let side = self.region(region);
        let Some(seen) = side.parameters().remove(name) else { return BTreeMap::new() };
        let read = |label: &String| {
            let request = json!({"Name": format!("{name}:{label}"), "WithDecryption": true});
            let read = side.call("ssm:GetParameter", &request).expect("a labelled version");
            read["Parameter"]["Value"].as_str().expect("a value").to_owned()
        };
        seen.labels.keys().map(|label| (label.clone(), read(label))).collect()
    }

    /// Each label gives the same in `target` as in the source, and the current value is the same.
    pub(super) fn assert_same(&self, target: &str, name: &str) {
        assert_eq!(self.labels(target, name), self.labels(SOURCE, name), "{name} in {target}");
        let value = |region: &str| self.region(region).parameters()[name].value.clone();
        assert!(value(target) == value(SOURCE), "{name} in {target}");
    }

    pub(super) async fn sweep(&self) -> Value {
        sweep_all(&self.hub).await
    }

    /// What a run over everything in the account answers, with these fields more.
    pub(super) async fn run(&self, fields: &Value) -> Value {
        let mut payload =
            json!({"account": self.account, "detail": {"name": "all", "operation": "sync"}});
        for (field, value) in fields.as_object().expect("fields") {
            payload[field] = value.clone();
        }
        answered(&self.hub, &payload).await
    }

    /// What `hubctl verify --labels` asks for.
    pub(super) async fn verify(&self) -> Value {
        self.run(&json!({"plan": true, "trust": false, "labels": true})).await
    }

    /// The answer to a queue's batch of these events.
    pub(super) async fn events(&self, events: Vec<Value>) -> Value {
        let messages = events.into_iter().enumerate().map(|(n, event)| (n.to_string(), event));
        answered(&self.hub, &batch(messages)).await
    }

    pub(super) async fn event(&self, event: &Value) -> Value {
        answered(&self.hub, event).await
    }

    pub(super) fn label_event(&self, name: &str) -> Value {
        let request = json!({"name": name, "labels": ["a"]});
        call(&self.account, LONG_AGO, "LabelParameterVersion", &request, &Value::Null)
    }

    pub(super) fn unlabel_event(&self, name: &str) -> Value {
        let request = json!({"name": name, "parameterVersion": 1, "labels": ["a"]});
        call(&self.account, LONG_AGO, "UnlabelParameterVersion", &request, &Value::Null)
    }

    pub(super) fn put_event(&self, name: &str, version: i64) -> Value {
        put_event(&self.account, LONG_AGO, name, version)
    }

    /// Writes to the parameters of `region` over the wire, by operation.
    pub(super) fn writes(&self, region: &str) -> Vec<String> {
        let writes = self.sim.writes().into_iter().filter(|write| write.region == region);
        writes.map(|write| write.operation).filter(|write| write.starts_with("ssm:")).collect()
    }
}
