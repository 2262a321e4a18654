//! A hub with its table over the simulator.

use aws_sim::{Settings, Sim, TableItem, TableSide};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Hub, HubError, RouteFilter};
use failover_replicator::request;
use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, MANAGEMENT, SOURCE, TARGET, batch, hub_on, native_event, simulated,
};

/// The first route of the tests.
pub(super) const ROUTE: &str = "us-east-2=us-east-1";
/// The second route of the tests with two targets.
pub(super) const FAR_ROUTE: &str = "us-east-2=us-west-2";
pub(super) const FAR: &str = "us-west-2";
pub(super) const TWO_TARGETS: (&str, &str) = ("ROUTES", "us-east-2=us-east-1,us-west-2");
const TABLE: &str = "hub";

pub(super) struct Stage {
    pub(super) sim: Sim,
    pub(super) accounts: Vec<String>,
    pub(super) hub: Hub,
    settings: Vec<(&'static str, String)>,
}

impl Stage {
    /// Accounts without parameters, a table, and active routes.
    pub(super) async fn new(accounts: u64, settings: &[(&'static str, &str)]) -> Self {
        let (sim, accounts) = simulated(Settings::default(), accounts);
        let own = sim.account(MANAGEMENT);
        own.region(TARGET).table(TABLE);
        let topic = own.region(TARGET).topic("shared");
        let common =
            [("TABLE", TABLE), ("EXCLUDE_ACCOUNTS", MANAGEMENT), ("SNS_TOPIC_ARN", topic.as_str())];
        let settings: Vec<(&str, String)> = common
            .iter()
            .chain(settings)
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let hub = hub(&sim, &settings).await;
        let stage = Self { sim, accounts, hub, settings };
        let is_two = settings_have_two_targets(&stage.settings);
        for route in [ROUTE, FAR_ROUTE].into_iter().take(if is_two { 2 } else { 1 }) {
            stage.thaw(route).await;
        }
        stage.sim.forget_calls();
        stage
    }

    /// Another process of the hub: its memory is its own.
    pub(super) async fn other_hub(&self) -> Hub {
        hub(&self.sim, &self.settings).await
    }

    pub(super) fn table(&self) -> TableSide<'_> {
        self.sim.account(MANAGEMENT).region(TARGET).table(TABLE)
    }

    /// The only item of a partition.
    pub(super) fn only(&self, partition: &str) -> TableItem {
        let items = self.table().partition(partition);
        let [item] = items.as_slice() else { panic!("{partition}: {items:#?}") };
        item.clone()
    }

    /// The sort keys of a partition.
    pub(super) fn keys(&self, partition: &str) -> Vec<String> {
        self.table().partition(partition).iter().map(|item| text(item, "sk")).collect()
    }

    pub(super) async fn thaw(&self, route: &str) {
        let last = self.keys(&format!("state#{route}")).pop();
        let serial: u64 = last.map_or(0, |key| key.parse().expect("a serial"));
        let thaw = json!({"route": route, "action": "thaw", "serial": serial});
        let answer = self.ask(&json!({ "failover": thaw })).await;
        assert_eq!(answer["state"], "active", "{answer}");
    }

    pub(super) async fn freeze(&self, route: &str) {
        let freeze =
            json!({"route": route, "action": "freeze", "reason": "us-east-2 fails", "wait": false});
        let answer = self.ask(&json!({ "failover": freeze })).await;
        assert_eq!(answer["state"], "frozen", "{answer}");
        // What a run has read of the state is now too old.
        tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    }

    /// The answer of the hub, whatever its form.
    pub(super) async fn ask(&self, request: &Value) -> Value {
        ask(&self.hub, request, Deadline::never()).await.0
    }

    /// A sweep of everything under this name.
    pub(super) async fn sweep(&self, execution: &str) -> Value {
        self.ask(&json!({"detail": {"name": "all", "operation": "sync"}, "execution": execution}))
            .await
    }

    /// The subjects and the e-mails of the digests so far.
    pub(super) fn digests(&self) -> Vec<(String, String)> {
        let messages = self.sim.account(MANAGEMENT).region(TARGET).messages("shared");
        let read = |message: &aws_sim::Message| {
            let document: Value = serde_json::from_str(&message.message).expect("JSON");
            let email = document["email"].as_str().expect("an e-mail").to_owned();
            (message.subject.clone().expect("a subject"), email)
        };
        messages.iter().map(read).collect()
    }

    /// An event about a parameter of an account, which is not waited for.
    pub(super) fn event(&self, account: usize, name: &str) -> Value {
        native_event(&self.accounts[account], LONG_AGO, name, "Update")
    }
}

fn settings_have_two_targets(settings: &[(&str, String)]) -> bool {
    settings.iter().any(|(name, value)| *name == TWO_TARGETS.0 && value == TWO_TARGETS.1)
}

async fn hub(sim: &Sim, settings: &[(&str, String)]) -> Hub {
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    hub_on(sim, &settings).await
}

/// The answer and the metrics.
pub(super) async fn ask(hub: &Hub, request: &Value, deadline: Deadline) -> (Value, Vec<Value>) {
    let run = try_ask(hub, request, deadline).await;
    run.unwrap_or_else(|error| panic!("{request}: {error}"))
}

pub(super) async fn try_ask(
    hub: &Hub,
    request: &Value,
    deadline: Deadline,
) -> Result<(Value, Vec<Value>), HubError> {
    let request = request::from_value(request)?;
    let run = hub.perform(request, RouteFilter::default(), deadline, &|_| ()).await?;
    let metrics = run.metrics.iter().map(|line| serde_json::from_str(line).expect("JSON"));
    Ok((serde_json::to_value(&run.answer).expect("JSON"), metrics.collect()))
}

/// A batch whose messages the queue delivers for this time.
pub(super) fn delivered(
    time: u64,
    messages: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let mut batch = batch(messages);
    for record in batch["Records"].as_array_mut().expect("records") {
        record["attributes"] = json!({"ApproximateReceiveCount": time.to_string()});
    }
    batch
}

/// A text attribute.
pub(super) fn text(item: &TableItem, name: &str) -> String {
    let value = item.get(name).unwrap_or_else(|| panic!("{name} in {item:#?}"));
    value["S"].as_str().unwrap_or_else(|| panic!("{name} is {value}")).to_owned()
}

/// A number attribute.
pub(super) fn number(item: &TableItem, name: &str) -> u64 {
    let value = item.get(name).unwrap_or_else(|| panic!("{name} in {item:#?}"));
    value["N"].as_str().and_then(|digits| digits.parse().ok()).expect("a number")
}

/// The source side of an account.
pub(super) fn put(stage: &Stage, account: usize, name: &str, value: &str) {
    stage.sim.account(&stage.accounts[account]).region(SOURCE).put(name, value);
}
