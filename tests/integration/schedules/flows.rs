//! One flow of the hub's for each way in which it writes parameters.

use serde_json::{Value, json};

use super::asked::Input;
use super::case::touched;
use super::history::{self, ANOTHER, Change, NAME, SOURCE, VALUE};
use super::store::{ACCOUNT, Dates, Store, Who};
use super::{alone, check, stranger};
use crate::support::{LONG_AGO, PROVENANCE, batch, delete_event};

pub(super) const ROUTES: &str = "us-east-2=us-east-1";
pub(super) const TARGET: &str = "us-east-1";

/// A flow: a world, and an invocation that has something to write there.
pub(super) struct Flow {
    pub(super) name: &'static str,
    pub(super) store: Store,
    pub(super) input: Input,
    /// What was wrong with what the hub did to prepare it.
    pub(super) fault: Option<String>,
}

type Settings = &'static [(&'static str, &'static str)];

/// A sweep with settings, which looks at labels too where it is asked to.
pub(super) fn sweep(settings: Settings, labels: bool) -> Input {
    let payload = json!({"account": ACCOUNT, "labels": labels, "detail": {"name": "all", "operation": "sync"}});
    Input { settings, ..Input::of_payload(ROUTES, &payload) }
}

/// All of them.
pub(super) fn all() -> Vec<Flow> {
    let flow = |name, input: Input, prepare: fn(&mut World)| {
        let store = Store::new(Dates::Counted, aws_sim::Settings::default());
        let mut world = World { store, fault: None };
        prepare(&mut world);
        let World { store, fault } = world;
        Flow { name, store, input, fault }
    };
    let event = touched(ROUTES);
    vec![
        flow("create", event.clone(), |world| world.owner(Change::Create)),
        flow("update", event.clone(), |world| {
            world.replicated();
            world.owner(Change::Value);
        }),
        flow("update of value and tag", event.clone(), |world| {
            world.replicated();
            world.owner(Change::Value);
            world.owner(Change::Tag);
        }),
        flow("retag", event.clone(), |world| {
            world.replicated();
            world.owner(Change::Tag);
        }),
        flow("recreate", event.clone(), |world| {
            world.replicated();
            world.owner(Change::Delete);
            world.put(Who::Owner, SOURCE, json!({"Type": "StringList", "Value": value(1)}));
        }),
        flow("adopt", sweep(ADOPT, false), World::adoptable),
        flow("resolve", Input::of_resolve(ROUTES, NAME), |world| {
            world.owner(Change::Create);
            world.taken(&format!("{}own", stranger::VALUE));
        }),
        flow("delete", event.clone(), |world| {
            world.replicated();
            world.owner(Change::Delete);
        }),
        flow("tombstone", sweep(GRACE, false), |world| {
            world.replicated();
            world.owner(Change::Delete);
        }),
        flow("delete by a witness", Input::of_payload(ROUTES, &deletion()), |world| {
            world.replicated();
            world.owner(Change::Delete);
        }),
        flow("a tombstone that is due", sweep(GRACE, false), |world| {
            world.replicated();
            world.owner(Change::Delete);
            world.run(&sweep(GRACE, false));
            make_due(&mut world.store);
        }),
        flow("a tombstone undone", sweep(GRACE, false), |world| {
            world.replicated();
            world.owner(Change::Delete);
            world.run(&sweep(GRACE, false));
            world.owner(Change::Create);
        }),
        flow("release of an adopted one", sweep(ADOPT, false), |world| {
            world.adoptable();
            world.run(&sweep(ADOPT, false));
            world.owner(Change::Delete);
        }),
        flow("an untagged create", event.clone(), |world| {
            world.owner(Change::Create);
            world.put(Who::Hub, TARGET, json!({"Type": "String", "Value": value(1)}));
        }),
        flow("labelled create", event, World::labelled),
        flow("label moves", sweep(&[], true), |world| {
            world.labelled();
            world.run(&check::sweep(ROUTES));
            world.label(2, "blue");
            world.label(1, "green");
        }),
    ]
}

/// A queue's event of the deletion.
fn deletion() -> Value {
    batch([("1", delete_event(ACCOUNT, LONG_AGO, NAME))])
}

const ADOPT: Settings = &[("ON_CONFLICT", "adopt")];
const GRACE: Settings = &[("DELETE_GRACE_DAYS", "1")];

fn value(nth: usize) -> String {
    format!("{VALUE}{NAME}-{nth}")
}

/// The tombstone of the replica is due, as if its days had passed.
pub(super) fn make_due(store: &mut Store) {
    let held = store.parameter(TARGET, NAME).expect("a replica");
    let provenance = &held.tags[PROVENANCE];
    let (before, _) = provenance.split_once(" gone=").expect("a tombstone");
    let due = format!("{before} gone=2020-01-01T00:00:00Z by=list");
    let request = json!({"ResourceType": "Parameter", "ResourceId": NAME,
        "Tags": [{"Key": PROVENANCE, "Value": due}]});
    store.must(Who::Hub, TARGET, "ssm:AddTagsToResource", &request);
}

/// A world that is being prepared.
struct World {
    store: Store,
    fault: Option<String>,
}

impl World {
    fn run(&mut self, input: &Input) {
        let fault = alone::live(&mut self.store, input, None).fault;
        self.fault = self.fault.take().or(fault);
    }

    fn owner(&mut self, change: Change) {
        let nth = self.store.parameter(SOURCE, NAME).map_or(0, |held| held.version);
        history::happen(
            &mut self.store,
            NAME,
            change,
            usize::try_from(nth).expect("a version") + 1,
        );
    }

    /// The name is replicated, and so is another: where all sources are gone, a sweep holds everything back.
    fn replicated(&mut self) {
        history::happen(&mut self.store, ANOTHER, Change::Create, 0);
        self.owner(Change::Create);
        self.run(&check::sweep(ROUTES));
    }

    fn put(&mut self, who: Who, region: &str, mut request: Value) {
        request["Name"] = NAME.into();
        self.store.must(who, region, "ssm:PutParameter", &request);
    }

    /// A stranger holds the name in the target.
    fn taken(&mut self, value: &str) {
        self.put(Who::Stranger, TARGET, json!({"Type": "String", "Value": value}));
    }

    /// The same, and all is equal but for the hub's tags.
    fn adoptable(&mut self) {
        self.owner(Change::Create);
        let request =
            json!({"Type": "String", "Value": value(1), "Tags": [{"Key": "team", "Value": "a"}]});
        self.put(Who::Stranger, TARGET, request);
    }

    /// The source has three versions and a label on each.
    fn labelled(&mut self) {
        self.owner(Change::Create);
        self.label(1, "blue");
        self.owner(Change::Value);
        self.label(2, "green");
        self.owner(Change::Value);
        self.label(3, "white");
    }

    fn label(&mut self, version: i64, label: &str) {
        let request = json!({"Name": NAME, "ParameterVersion": version, "Labels": [label]});
        self.store.must(Who::Owner, SOURCE, "ssm:LabelParameterVersion", &request);
    }
}
