//! The simulator in the emulator's place: its time is tokio's, so that a test which pauses tokio's clock runs through
//! hours at once.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sim::{Clock, Keys, Settings, Sim};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use failover_replicator::aws::{BreakerLimits, Environment};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Answer, Hub, Progress, RouteFilter};
use failover_replicator::settings::RawSettings;
use serde_json::{Value, json};

use super::parity::PROVENANCE;
use super::world::{EXTERNAL_ID, MARK, ROUTES, SOURCE};

/// The role that the hub takes on in each account.
pub(crate) const SPOKE: &str = "failover-replicator-spoke";

/// The simulator's time, for the SDK.
#[derive(Clone, Debug)]
struct Time(Clock);

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0.system_time()
    }
}

/// A simulator with so many accounts, each with the spoke role.
pub(crate) fn simulated(settings: Settings, accounts: u64) -> (Sim, Vec<String>) {
    let root = format!("arn:aws:iam::{}:root", settings.management);
    let sim = Sim::new(settings);
    let accounts: Vec<String> =
        (0..accounts).map(|n| format!("{:012}", 200_000_000_000 + n)).collect();
    for account in &accounts {
        sim.account(account).role(SPOKE, &[&root], Some(EXTERNAL_ID));
    }
    (sim, accounts)
}

/// What an SDK client over the simulator is made of.
pub(crate) fn sdk_config(sim: &Sim, keys: Keys, region: &str) -> aws_config::SdkConfig {
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials(keys)))
        .http_client(SharedHttpClient::new(sim.clone()))
        .time_source(SharedTimeSource::new(Time(sim.clock())))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .build()
}

fn credentials(keys: Keys) -> Credentials {
    let Keys { access_key_id, secret_access_key, session_token } = keys;
    Credentials::new(access_key_id, secret_access_key, session_token, None, "simulator")
}

/// A hub over the simulator, with settings as the environment would give them (without `REPLICATOR_`).
pub(crate) async fn hub_on(sim: &Sim, settings: &[(&str, &str)]) -> Hub {
    hub_over(sim, SharedHttpClient::new(sim.clone()), settings).await
}

/// The same over another network, which leads to the simulator or not.
pub(crate) async fn hub_over(
    sim: &Sim,
    network: SharedHttpClient,
    settings: &[(&str, &str)],
) -> Hub {
    built("hub", sim, network, None, settings).await
}

/// The same with the credentials of this role of the hub's account.
pub(crate) async fn hub_of(
    role: &str,
    sim: &Sim,
    network: SharedHttpClient,
    settings: &[(&str, &str)],
) -> Hub {
    built(role, sim, network, None, settings).await
}

/// The same with other limits of the breaker.
pub(crate) async fn hub_with_breaker(
    sim: &Sim,
    network: SharedHttpClient,
    breaker: Option<BreakerLimits>,
    settings: &[(&str, &str)],
) -> Hub {
    built("hub", sim, network, breaker, settings).await
}

async fn built(
    role: &str,
    sim: &Sim,
    network: SharedHttpClient,
    breaker: Option<BreakerLimits>,
    settings: &[(&str, &str)],
) -> Hub {
    let mut variables = BTreeMap::from([
        ("REPLICATOR_ROUTES".to_owned(), ROUTES.to_owned()),
        ("REPLICATOR_TABLE".to_owned(), "none".to_owned()),
        ("REPLICATOR_SPOKE_EXTERNAL_ID".to_owned(), EXTERNAL_ID.to_owned()),
        // Few tests can wait a day.
        ("REPLICATOR_DELETE_GRACE_DAYS".to_owned(), "0".to_owned()),
    ]);
    variables.extend(
        settings.iter().map(|(name, value)| (format!("REPLICATOR_{name}"), (*value).to_owned())),
    );
    let settings = RawSettings::from_variables(variables.into_iter()).parse().expect("settings");
    let environment = Environment {
        http_client: Some(network),
        credentials: Some(SharedCredentialsProvider::new(credentials(sim.hub_keys(role)))),
        time_source: Some(SharedTimeSource::new(Time(sim.clock()))),
        breaker,
    };
    Hub::with(settings, environment).await.expect("a hub")
}

/// A sweep of the whole organisation.
pub(crate) async fn sweep_all(hub: &Hub) -> Value {
    sweep_by(hub, Deadline::never()).await
}

/// The same, to be over by a deadline.
pub(crate) async fn sweep_by(hub: &Hub, deadline: Deadline) -> Value {
    let payload = json!({"detail": {"name": "all", "operation": "sync"}});
    told_of(hub, &payload, deadline, &|_| ()).await
}

/// What the hub answers to a payload, an event or a batch, with all the time that it needs.
pub(crate) async fn answered(hub: &Hub, request: &Value) -> Value {
    told_of(hub, request, Deadline::never(), &|_| ()).await
}

/// What the hub answers to a payload; `progress` sees each account as it is finished.
pub(crate) async fn told_of(
    hub: &Hub,
    payload: &Value,
    deadline: Deadline,
    progress: &(dyn Fn(Progress) + Sync),
) -> Value {
    let bytes = payload.to_string();
    let answer = hub.run(bytes.as_bytes(), RouteFilter::default(), deadline, progress).await;
    match answer.expect("the run begins") {
        Answer::Report(response) => serde_json::to_value(*response).expect("JSON"),
        Answer::Batch(answer, _) => answer,
        other => panic!("{payload} is answered with a report: {other:?}"),
    }
}

/// Where an account's replicas in `target` are not what its sources ask for, as the owner sees both: `missing`, `other`
/// (with what differs), or `orphan`, each with its name. What stands in `foreign` is not the hub's and passed over.
pub(crate) fn out_of_step(sim: &Sim, account: &str, target: &str, foreign: &[&str]) -> Vec<String> {
    let sources = sim.account(account).region(SOURCE).parameters();
    let mut replicas = sim.account(account).region(target).parameters();
    let mut wrong = Vec::new();
    for (name, source) in sources {
        if foreign.contains(&name.as_str()) {
            replicas.remove(&name);
            continue;
        }
        let Some(mut replica) = replicas.remove(&name) else {
            wrong.push(format!("missing {name}"));
            continue;
        };
        let mark = replica.tags.remove(MARK.0);
        let provenance = replica.tags.remove(PROVENANCE).unwrap_or_default();
        let number = replica.version;
        (replica.modified, replica.user) = (source.modified, source.user.clone());
        (replica.version, replica.labels) = (source.version, source.labels.clone());
        let names = format!("region={SOURCE} version={} ", source.version);
        if mark.as_deref() != Some(MARK.1)
            || !provenance.starts_with(&names)
            || !provenance.contains(&format!(" replica={number} "))
        {
            wrong.push(format!("other {name}: mark {mark:?}, provenance `{provenance}`"));
        } else if replica != source {
            wrong.push(format!("other {name}: {replica:?}, not {source:?}"));
        }
    }
    wrong.extend(
        replicas
            .keys()
            .filter(|name| !foreign.contains(&name.as_str()))
            .map(|name| format!("orphan {name}")),
    );
    wrong
}
