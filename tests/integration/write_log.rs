//! Every write has a line in the log: as many lines as writes on the wire, whatever command asked for them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sim::{Effect, Fault, Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::{
    AccountId, Item, Leftovers, ParameterName, Purpose, Region, SecretName, Take,
};
use failover_replicator::hub::{Answer, Hub, RouteFilter};
use failover_replicator::request::{Accounts, Reconcile, Request, RunOptions};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{
    LONG_AGO, MANAGEMENT, SOURCE, TARGET, answered, batch, hub_on, put_event, simulated, sweep_all,
};

const VALUE: &str = "canary-51f0b7";

/// The lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// What was logged of writes since the last time: action, account, Region and name.
    fn take(&self) -> Vec<[String; 4]> {
        let bytes = std::mem::take(&mut *self.0.lock().expect("no panic"));
        let text = String::from_utf8(bytes).expect("text");
        assert!(!text.contains(VALUE), "{text}");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let field = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        lines
            .filter(|line| line["message"] == "write")
            .map(|line| ["action", "account", "region", "name"].map(|name| field(&line, name)))
            .collect()
    }
}

/// What the simulator was asked to write since the last time.
fn on_the_wire(sim: &Sim) -> Vec<[String; 4]> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let writes = sim.writes().into_iter().map(|write| {
        let request = &write.request;
        let names = request["Names"].as_array().into_iter().flatten().filter_map(text);
        let one = ["Name", "ResourceId", "SecretId"].iter().find_map(|name| text(&request[name]));
        let name = one.unwrap_or_else(|| names.collect::<Vec<_>>().join(" "));
        [write.operation.clone(), write.account.clone(), write.region.clone(), name]
    });
    let writes = writes.filter(|[operation, ..]| !operation.starts_with("sns:")).collect();
    sim.forget_calls();
    writes
}

struct World {
    sim: Sim,
    account: String,
    hub: Hub,
    lines: Lines,
    /// Every action that was seen.
    seen: std::collections::BTreeSet<String>,
}

impl World {
    async fn by_a_person(
        &mut self,
        item: Option<Item>,
        purpose: Purpose,
        options: RunOptions,
    ) -> Value {
        let region = item.is_some().then(|| Region::parse(SOURCE).expect("a Region"));
        let account = AccountId::parse(&self.account).expect("an account");
        let accounts = Accounts::These(vec![account]);
        let execution = None;
        let reconcile = Reconcile { accounts, region, item, options, purpose, execution };
        let request = Request::Reconcile(reconcile);
        let never = Deadline::never();
        let done = self.hub.perform(request, RouteFilter::default(), never, &|_| ()).await;
        match done.expect("a run").answer {
            Answer::Report(response) => serde_json::to_value(*response).expect("JSON"),
            other => panic!("{other:?}"),
        }
    }

    /// Lines and writes are the same, and there are some.
    fn compare(&mut self, what: &str) {
        let (mut lines, mut writes) = (self.lines.take(), on_the_wire(&self.sim));
        lines.sort();
        writes.sort();
        assert_eq!(lines, writes, "{what}");
        assert!(!writes.is_empty(), "{what} writes something");
        self.seen.extend(writes.into_iter().map(|[action, ..]| action));
    }

    async fn sweep(&mut self, what: &str) {
        tokio::time::sleep(Duration::from_mins(20)).await;
        self.sim.forget_calls();
        drop(self.lines.take());
        let response = sweep_all(&self.hub).await;
        assert_ne!(response["status"], "failed", "{what}: {response:#}");
        self.compare(what);
    }
}

#[tokio::test(start_paused = true)]
async fn every_write_of_every_command_is_logged_once_and_never_with_its_value() {
    let lines = Lines::default();
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone());
    let _guard = tracing::subscriber::set_default(log.finish());
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = accounts[0].clone();
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", MANAGEMENT), ("ON_CONFLICT", "report")]).await;
    let mut world = World { sim: sim.clone(), account, hub, lines, seen: <_>::default() };
    let source = sim.account(&world.account).region(SOURCE);
    let target = sim.account(&world.account).region(TARGET);
    let label = |version: i64, label: &str| {
        let request = json!({"Name": "/labelled", "ParameterVersion": version, "Labels": [label]});
        source.call("ssm:LabelParameterVersion", &request).expect("the owner may label");
    };

    for name in ["/a", "/b", "/labelled", "/gone", "/released", "/taken"] {
        source.put(name, VALUE);
    }
    label(1, "old");
    source.put("/labelled", &format!("{VALUE}-2"));
    label(2, "live");
    source.create_secret("s", VALUE);
    world.sweep("a first fill").await;

    source.put("/a", &format!("{VALUE}-3"));
    source.tag("/b", "team", "shop");
    source.untag("/b", "team");
    source.tag("/b", "stage", "live");
    source.put("/labelled", &format!("{VALUE}-4"));
    label(3, "live");
    source.delete("/gone");
    world.sweep("updates, tags, labels, a deletion").await;

    // What is sent again is logged again.
    source.put("/a", &format!("{VALUE}-6"));
    tokio::time::sleep(Duration::from_mins(20)).await;
    let throttle = Fault::new(Effect::Throttle).operation("ssm:PutParameter").region(TARGET);
    sim.fault(throttle.first(2));
    sim.forget_calls();
    sweep_all(&world.hub).await;
    let attempts = sim.count("ssm:PutParameter", &world.account, TARGET).calls;
    let lines = world.lines.take();
    let logged = lines.iter().filter(|[action, ..]| action == "ssm:PutParameter").count();
    assert_eq!((logged as u64, attempts), (3, 3), "{lines:?}");

    source.untag("/b", "stage");
    source.delete("/a");
    tokio::time::sleep(Duration::from_mins(1)).await;
    source.put_parameter(&json!({"Name": "/a", "Value": VALUE, "Type": "SecureString"}));
    world.sweep("a tag less, another type").await;

    source.put("/b", &format!("{VALUE}-5"));
    let event = put_event(&world.account, LONG_AGO, "/b", 2);
    answered(&world.hub, &batch([("1", event)])).await;
    world.compare("an event");

    target.put("/taken", "theirs");
    sim.forget_calls();
    let named = |name: &str| Some(Item::Parameter(ParameterName::new(name)));
    let options = RunOptions::default();
    for (what, name, purpose) in [
        ("resolve --take source", "/taken", Purpose::Resolving(Take::Source)),
        ("resolve --take target", "/taken", Purpose::Resolving(Take::Target)),
        ("release", "/released", Purpose::Releasing),
    ] {
        let response = world.by_a_person(named(name), purpose, options).await;
        assert_eq!(response["failures"], json!([]), "{what}: {response:#}");
        world.compare(what);
    }
    let secret = Some(Item::Secret(SecretName::new("s")));
    world.by_a_person(secret, Purpose::Releasing, options).await;
    world.compare("release of a secret");

    // A Region that no route leads to any more.
    let leftovers = Leftovers {
        regions: [Region::parse(TARGET).expect("a Region")].into(),
        ..Leftovers::default()
    };
    let settings = [("EXCLUDE_ACCOUNTS", MANAGEMENT), ("ROUTES", "us-east-2=us-west-2")];
    world.hub = hub_on(&sim, &settings).await;
    let plan = RunOptions { plan: true, ..options };
    let shown = world.by_a_person(None, Purpose::Pruning(leftovers.clone()), plan).await;
    let id = shown["plan_id"].as_str().expect("an id");
    let expect = failover_replicator::ownership::Fingerprint::parse(id);
    let carried_out = RunOptions { expect, ..options };
    let pruned = world.by_a_person(None, Purpose::Pruning(leftovers), carried_out).await;
    assert_eq!(pruned["failures"], json!([]), "{pruned:#}");
    world.compare("prune");

    let expected = [
        "secretsmanager:RemoveRegionsFromReplication",
        "secretsmanager:ReplicateSecretToRegions",
        "ssm:AddTagsToResource",
        "ssm:DeleteParameters",
        "ssm:LabelParameterVersion",
        "ssm:PutParameter",
        "ssm:RemoveTagsFromResource",
    ];
    assert_eq!(world.seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
