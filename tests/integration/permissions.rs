//! The list of actions that the roles' policies are made of: it has what a full run calls, nothing else, and whatever
//! of it is taken away is named by the failure.

use std::collections::BTreeSet;

use aws_sim::{Effect, Fault, KeyState, RegionSide, Settings, Sim, Write};
use failover_replicator::aws::{ACTIONS, Connection, Environment, Options};
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::{AccountId, Item, ParameterName, Purpose, Region, SecretName};
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use failover_replicator::request::{Accounts, Reconcile, Request, RunOptions};
use serde_json::{Value, json};

use crate::support::{Denials, answered, hub_on, sdk_config, simulated, sweep_all};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";
const MANAGEMENT: &str = "123456789012";
/// The simulator's first account.
const ACCOUNT: &str = "200000000000";

/// What the hub does in its own account and organisation; all else is the spoke role's.
const OF_THE_HUB: [&str; 10] = [
    "dynamodb:BatchWriteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
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
    sim.account(MANAGEMENT).region(TARGET).table("hub");
    let settings = [("EXCLUDE_ACCOUNTS", MANAGEMENT), ("SNS_TOPIC_ARN", &topic), ("TABLE", "hub")];
    let hub = hub_on(&sim, &settings).await;
    thaw(&hub).await;
    let source = sim.account(&accounts[0]).region(SOURCE);
    for name in ["/changed", "/tagged", "/untagged", "/deleted", "/early"] {
        source.put(name, "before");
    }
    source.put("/labelled", "x");
    labels(&source, "ssm:LabelParameterVersion", "goes");
    for region in [SOURCE, TARGET] {
        let side = sim.account(&accounts[0]);
        side.region(region).key("app", KeyState::Enabled).alias("alias/app", "app");
    }
    source.put_parameter(
        &json!({"Name": "/encrypted", "Value": "x", "Type": "SecureString", "KeyId": "alias/app"}),
    );
    source.create_secret("db/released", "a value");
    source.tag("/untagged", "team", "shop");
    let first = sweep_all(&hub).await;
    assert_eq!(first["totals"]["parameters"], json!({"created": 7}), "{first:#}");

    // Its owner asks for the first deletion of the day, which begins the allowance. The sweep finds the second one alone,
    // and counts it in the allowance.
    source.tag("/early", "failover-replicator", "remove");
    source.put("/created", "after");
    source.put("/changed", "after");
    source.tag("/tagged", "team", "shop");
    source.untag("/untagged", "team");
    source.delete("/deleted");
    labels(&source, "ssm:UnlabelParameterVersion", "goes");
    labels(&source, "ssm:LabelParameterVersion", "comes");
    source.create_secret("db/main", "a value");
    source.put("/held", "ours");
    sim.account(&accounts[0]).region(TARGET).put("/held", "of somebody else");
    sim.forget_calls();
    (sim, hub)
}

/// Starts the route, as the first deployment does.
async fn thaw(hub: &Hub) {
    let route = format!("{SOURCE}={TARGET}");
    let thaw = json!({"failover": {"route": route, "action": "thaw", "serial": 0}}).to_string();
    let thawed = hub.run(thaw.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await;
    assert!(matches!(thawed, Ok(Answer::Failover(_))), "{thawed:?}");
}

fn labels(source: &RegionSide<'_>, operation: &str, label: &str) {
    let request = json!({"Name": "/labelled", "ParameterVersion": 1, "Labels": [label]});
    source.call(operation, &request).expect("an owner may");
}

/// A sweep that looks at labels too, and a person's end to the replication of a secret: one of everything.
async fn full_run(hub: &Hub, account: &str) -> [Value; 2] {
    let all = json!({"labels": true, "detail": {"name": "all", "operation": "sync"}});
    let sweep = answered(hub, &all).await;
    let release = Request::Reconcile(Reconcile {
        accounts: Accounts::These(vec![AccountId::parse(account).expect("an account")]),
        region: Some(Region::parse(SOURCE).expect("a Region")),
        item: Some(Item::Secret(SecretName::new("db/released"))),
        options: RunOptions::default(),
        purpose: Purpose::Releasing,
        execution: None,
    });
    let done = hub.perform(release, RouteFilter::default(), Deadline::never(), &|_| ()).await;
    let Answer::Report(released) = done.expect("it begins").answer else { panic!("a report") };
    [sweep, serde_json::to_value(*released).expect("JSON")]
}

/// A hub that has not asked yet who it is.
async fn another_hub(sim: &Sim) -> Hub {
    hub_on(sim, &[("EXCLUDE_ACCOUNTS", MANAGEMENT)]).await
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
    let [response, released] = full_run(&hub, ACCOUNT).await;
    let done = json!({"in_sync": 1, "created": 1, "updated": 1, "retagged": 3, "deleted": 2, "conflict": 1});
    assert_eq!(response["totals"]["parameters"], done, "{response:#}");
    let done = json!({"in_sync": 1, "replicated": 1});
    assert_eq!(response["totals"]["secrets"], done, "{response:#}");
    assert_eq!(released["totals"]["secrets"], json!({"deleted": 1}), "{released:#}");
    // A payload that names no account is the hub's own account's, which the hub asks for, and which is excluded here.
    let own = json!({"detail": {"name": "/a", "operation": "sync"}}).to_string();
    let own = another_hub(&sim)
        .await
        .run(own.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ())
        .await;
    let refused = own.expect_err("an excluded account").to_string();
    assert!(refused.contains(MANAGEMENT), "{refused}");
    // A setting that is kept in Parameter Store.
    sim.account(MANAGEMENT).region(TARGET).put("/failover-replicator/quotas", "{}");
    let config = sdk_config(&sim, sim.hub_keys("hub"), TARGET);
    let options = Options {
        region: Some(Region::parse(TARGET).expect("a Region")),
        environment: Environment {
            http_client: config.http_client(),
            credentials: config.credentials_provider(),
            time_source: config.time_source(),
            breaker: None,
        },
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
async fn the_denials_of_the_spoke_role_refuse_no_write_of_a_full_run() {
    let (sim, hub) = changed_since_replicated().await;
    let denials = Denials::from_now(&sim, ACCOUNT, TARGET);
    full_run(&hub, ACCOUNT).await;
    let writes = sim.writes();
    assert_eq!(denials.clone().refused(&writes), [] as [String; 0]);

    // If somebody had taken the marks off, the denials would refuse tags and deletions, but no create.
    let refused = denials.without_marks().refused(&writes);
    for expected in [
        "ssm:AddTagsToResource /tagged",
        "ssm:RemoveTagsFromResource /untagged",
        "ssm:DeleteParameters /deleted",
    ] {
        assert!(refused.iter().any(|write| write == expected), "{expected}: {refused:#?}");
    }
    let creates = |write: &&Write| {
        write.operation == "ssm:PutParameter" && write.request["Name"] == "/created"
    };
    let create = writes.iter().find(creates).expect("it is created");
    assert!(create.request["Tags"].is_array(), "a create carries its tags: {create:?}");
    assert!(!refused.iter().any(|write| write.ends_with("/created")), "{refused:#?}");
}

#[tokio::test(start_paused = true)]
async fn any_action_of_the_spoke_role_that_is_taken_away_is_named_by_the_failure() {
    let spokes = actions().into_iter().filter(|action| !OF_THE_HUB.contains(action));
    let mut denied = 0;
    for action in spokes {
        let (sim, hub) = changed_since_replicated().await;
        let fault = sim.fault(Fault::new(Effect::AccessDenied).operation(action));
        let told = full_run(&hub, ACCOUNT).await;
        assert!(sim.hits(fault) > 0, "{action} was not called");
        let named = |told: &&Value| {
            has_failure(told, "access_denied", action) && told["status"] == "failed"
        };
        assert!(told.iter().any(|told| named(&told)), "{action}: {told:#?}");
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
        .run(account.to_string().as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ())
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
    let refused = hub.run(all, RouteFilter::default(), Deadline::never(), &|_| ()).await;
    let Err(HubError::Cause(cause)) = refused else { panic!("the run began: {refused:?}") };
    assert_eq!(cause.kind.to_string(), "access_denied");
    assert!(cause.message.contains("organizations:ListAccounts"), "{}", cause.message);
}

#[tokio::test(start_paused = true)]
async fn any_action_on_the_table_that_is_taken_away_is_named_too() {
    for action in OF_THE_HUB.into_iter().filter(|action| action.starts_with("dynamodb:")) {
        let (sim, hub) = changed_since_replicated().await;
        let fault = sim.fault(Fault::new(Effect::AccessDenied).operation(action));
        let response = sweep_all(&hub).await;
        assert!(sim.hits(fault) > 0, "{action} was not called");
        let failures = response["failures"].as_array().expect("failures");
        let names = |failure: &Value| {
            failure["message"].as_str().is_some_and(|message| message.contains(action))
        };
        assert!(failures.iter().any(names), "{action}: {response:#}");
        assert!(response["status"] == "failed" || response["status"] == "frozen", "{response:#}");
    }
}
