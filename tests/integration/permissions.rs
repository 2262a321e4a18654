//! The list of actions that the roles' policies are made of: it has what a full run calls, nothing else, and whatever
//! of it is taken away is named by the failure.

use std::collections::BTreeSet;

use aws_sim::{Effect, Fault, Settings, Sim};
use failover_replicator::aws::{ACTIONS, Connection, Deadline, Options};
use failover_replicator::domain::{ParameterName, Region};
use failover_replicator::hub::{Answer, Hub, HubError, Narrow};
use serde_json::{Value, json};

use crate::support::{hub_on, sdk_config, simulated, sweep_all};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";
const MANAGEMENT: &str = "123456789012";

/// What the hub does in its own account and organisation; all else is the spoke role's.
const OF_THE_HUB: [&str; 5] = [
    "organizations:ListAccounts",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
    "sns:Publish",
    "ssm:GetParameter",
];

fn actions() -> BTreeSet<&'static str> {
    ACTIONS.iter().map(|(action, _)| *action).collect()
}

/// One account, replicated once; then its owner changes one of everything, so that the next sweep has each sort of
/// step to do. One name is held in the target, so that there is something to tell.
async fn changed_since_replicated() -> (Sim, Hub) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let topic = sim.account(MANAGEMENT).region(TARGET).topic("failures");
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", MANAGEMENT), ("SNS_TOPIC_ARN", &topic)]).await;
    let source = sim.account(&accounts[0]).region(SOURCE);
    for name in ["/changed", "/tagged", "/untagged", "/deleted"] {
        source.put(name, "before");
    }
    source.tag("/untagged", "team", "shop");
    let first = sweep_all(&hub).await;
    assert_eq!(first["totals"]["parameters"], json!({"created": 4}), "{first:#}");

    source.put("/created", "after");
    source.put("/changed", "after");
    source.tag("/tagged", "team", "shop");
    source.untag("/untagged", "team");
    source.delete("/deleted");
    source.create_secret("db/main", "a value");
    source.put("/held", "ours");
    sim.account(&accounts[0]).region(TARGET).put("/held", "of somebody else");
    sim.forget_calls();
    (sim, hub)
}

fn has_failure(response: &Value, kind: &str, action: &str) -> bool {
    response["failures"].as_array().expect("failures").iter().any(|failure| {
        failure["error_kind"] == kind
            && failure["message"].as_str().is_some_and(|m| m.contains(action))
    })
}

#[tokio::test(start_paused = true)]
async fn a_full_run_calls_every_action_of_the_list_and_no_other() {
    let (sim, hub) = changed_since_replicated().await;
    let response = sweep_all(&hub).await;
    let done = json!({"created": 1, "updated": 1, "retagged": 2, "deleted": 1, "conflict": 1});
    assert_eq!(response["totals"]["parameters"], done, "{response:#}");
    assert_eq!(response["totals"]["secrets"], json!({"replicated": 1}), "{response:#}");
    // A payload that names no account is the hub's own account's, which the hub asks for.
    let own = json!({"detail": {"name": "/a", "operation": "sync"}}).to_string();
    hub.run(own.as_bytes(), Narrow::default(), Deadline::never(), &|_| ()).await.expect("a run");
    // A setting that is kept in Parameter Store.
    sim.account(MANAGEMENT).region(TARGET).put("/failover-replicator/quotas", "{}");
    let config = sdk_config(&sim, sim.hub_keys("hub"), TARGET);
    let options = Options {
        region: Some(Region::parse(TARGET).expect("a Region")),
        http_client: config.http_client(),
        credentials: config.credentials_provider(),
        time_source: config.time_source(),
        ..Options::default()
    };
    let connection = Connection::open(options).await.expect("a connection");
    let name = ParameterName::parse("/failover-replicator/quotas").expect("a name");
    assert_eq!(connection.own_parameter(&name).await.as_deref(), Ok("{}"));

    let counts = sim.counts();
    let called: BTreeSet<&str> = counts.keys().map(String::as_str).collect();
    assert_eq!(called, actions());
}

#[tokio::test(start_paused = true)]
async fn any_action_of_the_spoke_role_that_is_taken_away_is_named_by_the_failure() {
    let spokes = actions().into_iter().filter(|action| !OF_THE_HUB.contains(action));
    let mut denied = 0;
    for action in spokes {
        let (sim, hub) = changed_since_replicated().await;
        let fault = sim.fault(Fault::new(Effect::AccessDenied).operation(action));
        let response = sweep_all(&hub).await;
        assert!(sim.hits(fault) > 0, "{action} was not called");
        assert!(has_failure(&response, "access_denied", action), "{action}: {response:#}");
        assert_eq!(response["status"], "failed", "{action}");
        denied += 1;
    }
    assert_eq!(denied, ACTIONS.len() - OF_THE_HUB.len());
}

#[tokio::test(start_paused = true)]
async fn any_action_of_the_hubs_own_role_that_is_taken_away_is_named_too() {
    let (sim, hub) = changed_since_replicated().await;
    sim.fault(Fault::new(Effect::AccessDenied).operation("sts:AssumeRole"));
    let account =
        json!({"account": "300000000000", "detail": {"name": "all", "operation": "sync"}});
    let answer = hub
        .run(account.to_string().as_bytes(), Narrow::default(), Deadline::never(), &|_| ())
        .await
        .expect("a run");
    let Answer::Report(response) = answer else { panic!("a report: {answer:?}") };
    let response = serde_json::to_value(*response).expect("JSON");
    assert!(has_failure(&response, "no_spoke_role", "sts:AssumeRole"), "{response:#}");

    let (sim, hub) = changed_since_replicated().await;
    sim.fault(Fault::new(Effect::AccessDenied).operation("sns:Publish"));
    let response = sweep_all(&hub).await;
    assert!(has_failure(&response, "access_denied", "sns:Publish"), "{response:#}");

    let (sim, hub) = changed_since_replicated().await;
    sim.fault(Fault::new(Effect::AccessDenied).operation("organizations:ListAccounts"));
    let all = br#"{"detail":{"name":"all","operation":"sync"}}"#;
    let refused = hub.run(all, Narrow::default(), Deadline::never(), &|_| ()).await;
    let Err(HubError::Cause(cause)) = refused else { panic!("the run began: {refused:?}") };
    assert_eq!(cause.kind.to_string(), "access_denied");
    assert!(cause.message.contains("organizations:ListAccounts"), "{}", cause.message);
}
