//! One organisation with everything that a report can show, and what is reported of it.

use std::time::Duration;

use aws_sim::{Doer, Effect, Fault, KeyState, Lag, RegionSide, Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::{
    AccountId, AccountOutcome, Leftovers, Purpose, RoutePair, RouteState, StateEntry, Timestamp,
    Withheld,
};
use failover_replicator::hub::{Answer, Hub, RouteFilter};
use failover_replicator::ownership::Fingerprint;
use failover_replicator::report::{Report, Response, View, table};
use failover_replicator::request::{Accounts, Reconcile, Request, RunOptions};
use serde_json::{Value, json};

use super::assert_reads;
use crate::support::{
    LONG_AGO, MANAGEMENT, MARK, PROVENANCE, SOURCE, SPOKE, TARGET, batch, hub_on, native_event,
    put_event, simulated, sweep_all,
};

const TERMINAL: View = View::Terminal { width: 100 };
/// In every value, and in no text that leaves the hub.
const CANARY: &str = "canary-3f9c2e";
const DAY: Duration = Duration::from_hours(24);

/// The accounts of the story, by their places.
const CONFLICTS: usize = 1;
const SOURCES: usize = 2;
const ROLELESS: usize = 3;
const SHARE_GONE: usize = 4;
const ALL_GONE: usize = 5;
const WAITING: usize = 6;
const REFUSED: usize = 7;
const CHANGED: usize = 8;

struct Story {
    sim: Sim,
    accounts: Vec<String>,
    topic: String,
}

impl Story {
    fn region(&self, account: usize, region: &str) -> RegionSide<'_> {
        self.sim.account(&self.accounts[account]).region(region)
    }

    async fn hub(&self, settings: &[(&str, &str)]) -> Hub {
        let own = [
            ("EXCLUDE_ACCOUNTS", "123456789012,999999999999"),
            ("INCLUDE_NAMES", "/app/*,/none/*,db/*"),
            ("DELETE_GRACE_DAYS", "1"),
            ("SNS_TOPIC_ARN", self.topic.as_str()),
        ];
        let own = own.into_iter().filter(|(name, _)| settings.iter().all(|(set, _)| set != name));
        hub_on(&self.sim, &own.chain(settings.iter().copied()).collect::<Vec<_>>()).await
    }

    /// A write by the hub's own role, as an invocation makes it that ends before it tags.
    fn put_as_hub(&self, account: usize, name: &str, value: &str) {
        let arn = format!("arn:aws:sts::{}:assumed-role/{SPOKE}/test", self.accounts[account]);
        let doer = Doer { arn: &arn, at: self.sim.now(), lag: Lag::default() };
        let request = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
        let put = self.region(account, TARGET).call_by(doer, "ssm:PutParameter", &request);
        put.expect("the role may write");
    }

    fn create_secret(&self, account: usize, region: &str, name: &str, more: &Value) {
        let mut request = json!({"Name": name, "SecretString": CANARY});
        for (member, value) in more.as_object().expect("members") {
            request[member] = value.clone();
        }
        let created = self.region(account, region).call("secretsmanager:CreateSecret", &request);
        created.expect("the owner may create it");
    }
}

fn copy_tags(from: &RegionSide<'_>, name: &str) -> Vec<Value> {
    let tags = &from.parameters()[name].tags;
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// The organisation before its last sweep: replicas of two days ago, and all that happened since.
async fn story() -> Story {
    let (sim, accounts) = simulated(Settings::default(), 9);
    let topic = sim.account(MANAGEMENT).region(TARGET).topic("alerts");
    sim.account(&accounts[ROLELESS]).remove_role(SPOKE);
    let story = Story { sim, accounts, topic };
    for name in ["/app/changed", "/app/claimed", "/app/released", "/app/written-over"] {
        story.region(CONFLICTS, SOURCE).put(name, CANARY);
    }
    for n in 0..20 {
        for account in [0, SHARE_GONE, ALL_GONE, WAITING, CHANGED] {
            story.region(account, SOURCE).put(&format!("/app/{n:02}"), CANARY);
        }
    }
    let first = sweep_all(&story.hub(&[("INCLUDE_NAMES", "")]).await).await;
    assert_eq!(first["totals"]["parameters"], json!({"created": 104}), "{first:#}");

    for n in 0..20 {
        let name = format!("/app/{n:02}");
        story.region(ALL_GONE, SOURCE).delete(&name);
        if n < 5 {
            story.region(SHARE_GONE, SOURCE).delete(&name);
        }
    }
    story.region(CHANGED, SOURCE).delete("/app/19");
    tokio::time::sleep(DAY).await;
    sweep_all(&story.hub(&[("INCLUDE_NAMES", "")]).await).await;
    tokio::time::sleep(2 * DAY).await;
    conflicts(&story).await;
    faulty_sources(&story);
    secrets(&story);
    refusals(&story);
    for n in 0..3 {
        story.region(WAITING, SOURCE).delete(&format!("/app/{n:02}"));
        story.region(CHANGED, SOURCE).put(&format!("/app/{n:02}"), &format!("{CANARY} {n}"));
        story.region(CHANGED, SOURCE).put(&format!("/app/new-{n}"), CANARY);
    }
    story.region(CHANGED, SOURCE).tag("/app/10", "team", "shop");
    story
}

/// One conflict of each class that one route can have.
async fn conflicts(story: &Story) {
    let (source, target) = (story.region(CONFLICTS, SOURCE), story.region(CONFLICTS, TARGET));
    target.put("/app/changed", "theirs");
    let tags = copy_tags(&target, "/app/claimed");
    target.delete("/app/claimed");
    tokio::time::sleep(Duration::from_mins(1)).await;
    target.put_parameter(
        &json!({"Name": "/app/claimed", "Value": "theirs", "Type": "String", "Tags": tags}),
    );
    target.untag("/app/released", MARK.0);
    target.put("/app/written-over", "theirs");
    story.put_as_hub(CONFLICTS, "/app/written-over", CANARY);
    for name in ["/app/mark-only", "/app/marked-source", "/app/other-route", "/app/unmarked"] {
        source.put(name, CANARY);
    }
    source.tag("/app/marked-source", MARK.0, MARK.1);
    for name in ["/app/mark-only", "/app/other-route", "/app/unmarked"] {
        target.put(name, "theirs");
    }
    for name in ["/app/mark-only", "/app/other-route"] {
        target.tag(name, MARK.0, MARK.1);
    }
    let elsewhere =
        "region=eu-west-1 version=1 modified=2026-11-24T10:00:00.123Z replica=1 form=9c1e20aa";
    target.tag("/app/other-route", PROVENANCE, elsewhere);
    source.put("/app/untagged", CANARY);
    story.put_as_hub(CONFLICTS, "/app/untagged", "theirs");
}

/// Sources that cannot be replicated as they are, and one that is told to stay.
fn faulty_sources(story: &Story) {
    let source = story.region(SOURCES, SOURCE);
    source.key("1234abcd", KeyState::Enabled).alias("alias/app", "1234abcd");
    let arn = format!("arn:aws:kms:{SOURCE}:{}:key/1234abcd", story.accounts[SOURCES]);
    for (name, key) in [("/app/key", "alias/app"), ("/app/key-by-arn", arn.as_str())] {
        source.put_parameter(
            &json!({"Name": name, "Value": CANARY, "Type": "SecureString", "KeyId": key}),
        );
    }
    for name in ["/app/excluded", "/app/reference", "/app/tag"] {
        source.put(name, CANARY);
    }
    source.tag("/app/excluded", "failover-replicator", "exclude");
    source.tag("/app/reference", "failover-replicator:value-from", "/app/not-there");
    source.tag("/app/tag", "failover-replicator", "perhaps");
}

fn secrets(story: &Story) {
    let nothing = json!({});
    for name in ["db/fine", "db/held"] {
        story.create_secret(SOURCES, SOURCE, name, &nothing);
    }
    story.create_secret(SOURCES, TARGET, "db/held", &nothing);
    story.create_secret(SOURCES, SOURCE, "db/key", &json!({"KmsKeyId": "alias/app"}));
    story.create_secret(CHANGED, SOURCE, "db/new", &nothing);
}

/// Writes that AWS refuses, each for a reason of its class.
fn refusals(story: &Story) {
    for (name, effect) in [
        ("/app/denied", Effect::AccessDenied),
        ("/app/full", Effect::Refused("ParameterLimitExceeded")),
        ("/app/ill", Effect::ServerError),
        ("/app/invalid", Effect::Refused("ValidationException")),
        ("/app/policy", Effect::Refused("TagPolicyException")),
        ("/app/slow", Effect::Throttle),
    ] {
        story.region(REFUSED, SOURCE).put(name, CANARY);
        let fault = Fault::new(effect).operation("ssm:PutParameter").region(TARGET).naming(name);
        story.sim.fault(fault.account(&story.accounts[REFUSED]));
    }
}

async fn report(hub: &Hub, payload: &Value) -> Response {
    let bytes = payload.to_string();
    let answer =
        hub.run(bytes.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await;
    match answer.expect("the run begins") {
        Answer::Report(response) => *response,
        other => panic!("{payload} is answered with a report: {other:?}"),
    }
}

fn assert_shown(name: &str, response: &Response) {
    let text = table(response, TERMINAL);
    assert!(!text.contains(CANARY));
    assert_reads(&format!("{name}-table"), &text);
}

fn pretty(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("JSON");
    assert!(!text.contains(CANARY));
    text
}

fn all() -> Value {
    json!({"detail": {"name": "all", "operation": "sync"}})
}

#[tokio::test(start_paused = true)]
async fn a_plan_and_the_sweep_after_it() {
    let story = story().await;
    let hub = story.hub(&[]).await;
    let mut payload = all();
    payload["plan"] = true.into();
    let plan = report(&hub, &payload).await;
    assert_shown("plan", &plan);
    assert_reads("plan-json", &pretty(&plan));

    let before = story.sim.account(MANAGEMENT).region(TARGET).messages("alerts").len();
    let swept = report(&hub, &all()).await;
    assert_shown("sweep", &swept);
    assert_reads("sweep-plain", &table(&swept, View::Plain));
    assert_reads("sweep-json", &pretty(&swept));
    let messages = story.sim.account(MANAGEMENT).region(TARGET).messages("alerts");
    let [message] = &messages[before..] else { panic!("one digest: {messages:#?}") };
    let parts: Value = serde_json::from_str(&message.message).expect("JSON");
    let text = |part: &str| parts[part].as_str().expect("a text").to_owned();
    let attributes: Vec<String> =
        message.attributes.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let subject = message.subject.as_deref().expect("a subject");
    assert_reads(
        "digest-email",
        &format!("Subject: {subject}\n{}\n\n{}", attributes.join("\n"), text("email")),
    );
    let document: Value = serde_json::from_str(&text("default")).expect("JSON");
    assert_reads("digest-json", &pretty(&document));

    // Two more ways to ask: what differs in value alone, and what left the scope.
    story.sim.mend_all();
    payload["trust"] = false.into();
    payload["labels"] = true.into();
    let label = json!({"Name": "/app/05", "Labels": ["live"]});
    story.region(0, SOURCE).call("ssm:LabelParameterVersion", &label).expect("it may be labelled");
    assert_shown("verify", &report(&hub, &payload).await);
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_what_left_the_scope() {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let source = sim.account(&accounts[0]).region(SOURCE);
    for name in ["/app/a", "/app/b", "/shop/a"] {
        source.put(name, CANARY);
    }
    let scope = ("EXCLUDE_ACCOUNTS", "123456789012");
    sweep_all(&hub_on(&sim, &[scope]).await).await;
    let hub = hub_on(&sim, &[scope, ("EXCLUDE_NAMES", "/shop/*")]).await;
    let prune = |expect: Option<Fingerprint>| {
        let options = RunOptions { plan: expect.is_none(), expect, ..RunOptions::default() };
        let purpose = Purpose::Pruning(Leftovers::default());
        let accounts = Accounts::Organization;
        let (region, item, execution) = (None, None, None);
        Request::Reconcile(Reconcile { accounts, region, item, options, purpose, execution })
    };
    let done = hub.perform(prune(None), RouteFilter::default(), Deadline::never(), &|_| ()).await;
    let Answer::Report(response) = done.expect("it is planned").answer else { panic!("a report") };
    assert_shown("prune", &response);
    let other = prune(Fingerprint::parse("1a2b3c4d"));
    let refused = hub.perform(other, RouteFilter::default(), Deadline::never(), &|_| ()).await;
    assert_reads("prune-refused", &refused.expect_err("another plan is named").to_string());
}

#[tokio::test(start_paused = true)]
async fn a_queue_s_batch() {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let source = sim.account(&accounts[0]).region(SOURCE);
    for name in ["/app/fine", "/app/held"] {
        source.put(name, CANARY);
    }
    sim.account(&accounts[0]).region(TARGET).put("/app/held", "theirs");
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", "123456789012")]).await;
    let records = batch([
        ("fine", put_event(&accounts[0], LONG_AGO, "/app/fine", 1)),
        ("held", native_event(&accounts[0], LONG_AGO, "/app/held", "Update")),
        ("role", put_event("300000000000", LONG_AGO, "/app/fine", 1)),
        ("other", json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {}})),
    ]);
    let bytes = records.to_string();
    let answer =
        hub.run(bytes.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await;
    let Ok(Answer::Batch(answer, response)) = answer else { panic!("a batch: {answer:?}") };
    assert_reads("batch", &format!("{answer}\n\n{}", table(&response, TERMINAL)));
}

fn frozen(report: &mut Report) {
    let entry = StateEntry {
        state: RouteState::Frozen,
        serial: 2,
        since: Timestamp::parse("2026-11-28T10:00:00Z"),
        by: "arn:aws:sts::123456789012:assumed-role/failover-replicator-operator/ann".to_owned(),
        reason: "us-east-2 fails".to_owned(),
        run: None,
    };
    let account = AccountId::parse("111122223333").expect("an account");
    let mut outcome = AccountOutcome::new(account);
    let pair = RoutePair::parse("us-east-2=us-east-1").expect("a pair");
    outcome.withheld.insert(pair, Withheld::State(entry));
    report.take(outcome);
}

#[test]
fn runs_without_work() {
    let shown = |change: fn(&mut Report)| {
        let mut report = Report::new();
        change(&mut report);
        table(&report.response(), TERMINAL)
    };
    let texts = [
        ("in sync", shown(|_| ())),
        ("frozen", shown(frozen)),
        ("stopped", shown(Report::stopped)),
        ("a plan of nothing", table(&Report::of_plan().response(), TERMINAL)),
    ];
    let texts: Vec<String> = texts.map(|(name, text)| format!("# {name}\n{text}")).into();
    assert_reads("runs-without-work", &texts.join("\n"));
}
