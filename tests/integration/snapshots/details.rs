//! What is rare: secrets in every state, labels without a place, values and forms that cannot be copied, deletes beyond the
//! allowance, and what a person asks for by name.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sim::{KeyState, RegionSide, Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::{
    AccountId, Item, ParameterName, Purpose, Region, SecretName, Take,
};
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use failover_replicator::report::{View, table};
use failover_replicator::request::{Accounts, Reconcile, Request, RunOptions};
use serde_json::{Value, json};

use super::assert_reads;
use crate::support::{
    LONG_AGO, MARK, SOURCE, TARGET, batch, call, delete_event, hub_on, simulated, sweep_all,
};

const SCOPE: (&str, &str) = ("EXCLUDE_ACCOUNTS", "123456789012");
const ELSEWHERE: &str = "eu-west-1";
/// Lists show what is older, and replicas are there by then.
const A_WHILE: Duration = Duration::from_mins(20);

fn world() -> (Sim, String) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = accounts[0].clone();
    (sim, account)
}

fn shown(answer: Result<Answer, HubError>) -> String {
    match answer {
        Ok(Answer::Report(response) | Answer::Batch(_, response)) => table(&response, View::Plain),
        Ok(other) => serde_json::to_string_pretty(&other).expect("JSON"),
        Err(error) => format!("error: {error}"),
    }
}

async fn ask(hub: &Hub, payload: &Value) -> String {
    let bytes = payload.to_string();
    shown(hub.run(bytes.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await)
}

async fn swept(sim: &Sim, settings: &[(&str, &str)]) -> String {
    let hub = hub_on(sim, &[&[SCOPE], settings].concat()).await;
    ask(&hub, &json!({"detail": {"name": "all", "operation": "sync"}})).await
}

fn secret(region: &RegionSide<'_>, name: &str, more: &Value) {
    let mut request = json!({"Name": name, "SecretString": "x"});
    for (member, value) in more.as_object().expect("members") {
        request[member] = value.clone();
    }
    region.call("secretsmanager:CreateSecret", &request).expect("the owner may create it");
}

fn replicate(region: &RegionSide<'_>, name: &str, into: &str) {
    let request = json!({"SecretId": name, "AddReplicaRegions": [{"Region": into}]});
    region.call("secretsmanager:ReplicateSecretToRegions", &request).expect("the owner may");
}

#[tokio::test(start_paused = true)]
async fn secrets_in_every_state() {
    let (sim, account) = world();
    let of = |region: &str| sim.account(&account).region(region);
    let (source, target, far) = (of(SOURCE), of(TARGET), of(ELSEWHERE));
    for (name, state) in [
        ("denied", KeyState::Denied),
        ("disabled", KeyState::Disabled),
        ("leaving", KeyState::PendingDeletion),
        ("weaker", KeyState::Enabled),
    ] {
        let alias = format!("alias/{name}");
        source.key(name, KeyState::Enabled).alias(&alias, name);
        target.key(name, state).alias(&alias, name);
        secret(&source, &format!("key/{name}"), &json!({"KmsKeyId": alias}));
    }
    replicate(&source, "key/weaker", TARGET);
    secret(&source, "promoted", &json!({}));
    replicate(&source, "promoted", TARGET);
    secret(&far, "elsewhere", &json!({}));
    replicate(&far, "elsewhere", SOURCE);
    for region in [&source, &target] {
        secret(region, "of-other-account", &json!({}));
        secret(region, "scheduled", &json!({}));
    }
    let primary = format!("arn:aws:secretsmanager:{SOURCE}:999999999999:secret:s-a1b2c3");
    target.of_other_account("of-other-account", &primary);
    let delete = json!({"SecretId": "scheduled", "RecoveryWindowInDays": 7});
    target.call("secretsmanager:DeleteSecret", &delete).expect("the owner may delete it");
    let tags = json!([{"Key": "failover-replicator:value", "Value": "x"}]);
    secret(&source, "value", &json!({"Tags": tags}));
    tokio::time::sleep(A_WHILE).await;
    let stop = json!({"SecretId": "promoted"});
    target.call("secretsmanager:StopReplicationToReplica", &stop).expect("a replica");
    tokio::time::sleep(A_WHILE).await;
    assert_reads("secrets", &swept(&sim, &[]).await);

    // Its owner meets this once the secret has a replica.
    let mut event =
        call(&account, LONG_AGO, "DeleteSecret", &json!({"secretId": "key/weaker"}), &Value::Null);
    event["detail"]["errorCode"] = "InvalidParameterException".into();
    let hub = hub_on(&sim, &[SCOPE]).await;
    assert_reads("refused-deletion-of-a-secret", &ask(&hub, &event).await);
}

#[tokio::test(start_paused = true)]
async fn parameters_that_cannot_be_copied_whole() {
    let (sim, account) = world();
    let (source, target) =
        (sim.account(&account).region(SOURCE), sim.account(&account).region(TARGET));
    let tagged = |name: &str, tags: &[(&str, &str)]| {
        source.put(name, "x");
        for (key, value) in tags {
            source.tag(name, key, value);
        }
    };
    tagged("/lender", &[]);
    tagged("/value/not-lent", &[("failover-replicator:value-from", "/lender")]);
    tagged("/value/nested", &[("failover-replicator:value-from", "a:b")]);
    tagged(
        "/value/two",
        &[("failover-replicator:value", "y"), ("failover-replicator:value-from", "/lender")],
    );
    tagged("/tags/unknown-value", &[("failover-replicator", "no")]);
    source.put("/tags/fifty", "x");
    for n in 0..50 {
        source.tag("/tags/fifty", &format!("key-{n:02}"), "x");
    }
    source.put_parameter(&json!({"Name": "/image", "Value": "ami-0123456789abcdef0",
        "Type": "String", "DataType": "aws:ec2:image"}));
    source.put_parameter(
        &json!({"Name": "/tier", "Value": "x", "Type": "String", "Tier": "Advanced"}),
    );
    source.put("/type", "x");
    for n in 1..=3 {
        source.put("/labels", &format!("value {n}"));
    }
    sweep_all(&hub_on(&sim, &[SCOPE]).await).await;

    source.delete("/tier");
    source.delete("/type");
    tokio::time::sleep(A_WHILE).await;
    source.put("/tier", "x");
    source.put_parameter(&json!({"Name": "/type", "Value": "a,b", "Type": "StringList"}));
    for (version, label) in [(1, "old"), (3, "live")] {
        let request = json!({"Name": "/labels", "ParameterVersion": version, "Labels": [label]});
        source.call("ssm:LabelParameterVersion", &request).expect("it may be labelled");
    }
    let hub = hub_on(&sim, &[SCOPE]).await;
    let payload = json!({"labels": true, "detail": {"name": "all", "operation": "sync"}});
    assert_reads("parameters-in-part", &ask(&hub, &payload).await);
    assert!(target.parameters().contains_key("/type"));
}

#[tokio::test(start_paused = true)]
async fn deletes_beyond_the_allowance() {
    let (sim, account) = world();
    let source = sim.account(&account).region(SOURCE);
    for n in 0..8 {
        source.put(&format!("/app/{n}"), "x");
    }
    let hub = hub_on(&sim, &[SCOPE, ("MAX_DELETES", "2"), ("DELETE_GRACE_DAYS", "1")]).await;
    sweep_all(&hub).await;
    tokio::time::sleep(A_WHILE).await;
    let mut events = Vec::new();
    for n in 0..5 {
        let name = format!("/app/{n}");
        source.delete(&name);
        events.push((n.to_string(), delete_event(&account, LONG_AGO, &name)));
    }
    tokio::time::sleep(A_WHILE).await;
    assert_reads("deletes-beyond-the-allowance", &ask(&hub, &batch(events)).await);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_asks_for_by_name() {
    let (sim, account) = world();
    let (source, target) =
        (sim.account(&account).region(SOURCE), sim.account(&account).region(TARGET));
    for name in ["/app/fine", "/app/held"] {
        source.put(name, "x");
    }
    target.put("/app/held", "theirs");
    secret(&source, "db/main", &json!({}));
    let hub = hub_on(&sim, &[SCOPE]).await;
    sweep_all(&hub).await;
    tokio::time::sleep(A_WHILE).await;
    assert!(target.parameters()["/app/fine"].tags.contains_key(MARK.0));

    let parameter = |name: &str| Item::Parameter(ParameterName::parse(name).expect("a name"));
    let of_secret = || Item::Secret(SecretName::parse("db/main").expect("a name"));
    let mut text = String::new();
    for (title, item, purpose, plan) in [
        (
            "resolve /app/held --take source",
            parameter("/app/held"),
            Purpose::Resolving(Take::Source),
            true,
        ),
        (
            "resolve /app/held --take target",
            parameter("/app/held"),
            Purpose::Resolving(Take::Target),
            true,
        ),
        (
            "resolve /app/fine --take target",
            parameter("/app/fine"),
            Purpose::Resolving(Take::Target),
            true,
        ),
        (
            "resolve /app/none --take source",
            parameter("/app/none"),
            Purpose::Resolving(Take::Source),
            true,
        ),
        ("release parameter /app/fine", parameter("/app/fine"), Purpose::Releasing, true),
        ("release parameter /app/held", parameter("/app/held"), Purpose::Releasing, true),
        ("release secret db/main", of_secret(), Purpose::Releasing, true),
        (
            "resolve /app/held --take target --yes",
            parameter("/app/held"),
            Purpose::Resolving(Take::Target),
            false,
        ),
        ("release parameter /app/fine --yes", parameter("/app/fine"), Purpose::Releasing, false),
        ("release secret db/main --yes", of_secret(), Purpose::Releasing, false),
        ("release secret db/main --yes, again", of_secret(), Purpose::Releasing, false),
    ] {
        let request = Request::Reconcile(Reconcile {
            accounts: Accounts::These(vec![AccountId::parse(&account).expect("an id")]),
            region: Some(Region::parse(SOURCE).expect("a Region")),
            item: Some(item),
            options: RunOptions { plan, ..RunOptions::default() },
            purpose,
            execution: None,
        });
        let done = hub.perform(request, RouteFilter::default(), Deadline::never(), &|_| ()).await;
        let said = shown(done.map(|done| done.answer));
        writeln!(text, "# {title}\n{said}").expect("a text takes it");
        tokio::time::sleep(A_WHILE).await;
    }
    let sweep = ask(&hub, &json!({"detail": {"name": "all", "operation": "sync"}})).await;
    writeln!(text, "# sweep\n{sweep}").expect("a text takes it");
    assert_reads("by-name", &text);
}

#[tokio::test(start_paused = true)]
async fn account_filters_that_match_nothing() {
    let (sim, _) = world();
    let filters = [
        ("INCLUDE_ACCOUNTS", "200000000000,999999999999"),
        ("INCLUDE_OUS", "o-a1b2c3d4e5/r-f6g7/ou-f6g7-h8i9j0k1/"),
        ("INCLUDE_NAMES", "/none/*"),
        ("EXCLUDE_ACCOUNTS", "888888888888"),
    ];
    let hub = hub_on(&sim, &filters).await;
    let mut text = ask(&hub, &json!({"detail": {"name": "all", "operation": "sync"}})).await;
    let list = json!({"detail": {"name": "accounts", "operation": "list"}, "batch": 2});
    writeln!(text, "\n{}", ask(&hub, &list).await).expect("a text takes it");
    text.push_str(&swept(&sim, &[("INCLUDE_NAMES", "/none/*")]).await);
    assert_reads("filters-without-a-match", &text);
}
