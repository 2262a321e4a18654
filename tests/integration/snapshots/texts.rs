//! Helps, refusals and remedies.

use std::fmt::Write as _;

use aws_sim::Settings;
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::FailureKind;
use failover_replicator::hub::{Answer, RouteFilter};
use failover_replicator::settings::known;
use serde_json::{Value, json};

use super::assert_reads;
use crate::support::{Hubctl, LONG_AGO, call, hub_on, put_event, simulated};

const ACCOUNT: &str = "111122223333";

fn hubctl() -> Hubctl {
    // Nothing answers there: what is tested makes no call.
    Hubctl::new("http://127.0.0.1:9", &[])
}

#[tokio::test]
async fn every_help() {
    let whole = hubctl().run(&["--help"]).await;
    whole.ended(0);
    assert_reads("help", &whole.stdout);
    let commands = [
        "invoke", "sweep", "plan", "verify", "prune", "resolve", "release", "freeze", "thaw",
        "status",
    ];
    for command in commands {
        let ran = hubctl().run(&[command, "--help"]).await;
        ran.ended(0);
        assert_reads(&format!("help-{command}"), &ran.stdout);
    }
    let listed = whole.stdout.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next());
    let names: Vec<&str> = listed
        .expect("a list of commands")
        .lines()
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, [&commands[..], &["help"]].concat(), "each command has its snapshot");
}

#[tokio::test]
async fn refused_arguments() {
    let mut text = String::new();
    for arguments in [
        "",
        "mirror",
        "sweep --account 1234",
        "sweep --route us-east",
        "sweep --max-deletes 100%",
        "sweep --account 111122223333 --max-deletes 101%",
        "sweep --even-if-excluded",
        "plan --format html",
        "prune --yes",
        "prune --yes --expect 1234",
        "resolve /a --account 111122223333 --region us-east-2",
        "resolve a:b --account 111122223333 --region us-east-2 --take source",
        "release key a --account 111122223333 --region us-east-2",
        "freeze --reason it-fails",
        "freeze --route us-east-2 --reason it-fails",
        "freeze --route us-east-2=us-east-1 --reason it-fails",
        "thaw --route us-east-2=us-east-1 --serial last",
        "invoke no-such-file.json",
    ] {
        let ran = hubctl().run(&arguments.split_whitespace().collect::<Vec<_>>()).await;
        ran.ended(2);
        let said = [ran.stdout.trim_end(), ran.stderr.trim_end()].concat();
        writeln!(text, "$ hubctl {arguments}\n{said}\n").expect("a text takes it");
    }
    assert_reads("refused-arguments", &text);
}

#[tokio::test]
async fn wrong_settings() {
    let mut hubctl = hubctl().with("REPLICATOR_ROUTE", "us-east-2=us-east-1");
    for (name, text) in [
        ("ACCOUNT_CONCURRENCY", "0"),
        ("DELETE_GRACE_DAYS", "-1"),
        ("EVENT_CONCURRENCY", "many"),
        ("EXCLUDE_ACCOUNTS", "1234"),
        ("EXCLUDE_NAMES", "/app/[a"),
        ("EXCLUDE_OUS", "ou-1"),
        ("FAILOVER_ROLE_NAME", "dr role"),
        ("INCLUDE_ACCOUNTS", "111122223333,everyone"),
        ("INCLUDE_NAMES", "/app/{a"),
        ("INCLUDE_OUS", "/"),
        ("ITEMS_IN_FLIGHT", "10"),
        ("KMS_KEYS", "alias/app"),
        ("MAX_DELETES", "lots"),
        ("ON_CONFLICT", "overwrite"),
        ("ON_TARGET_CHANGE", "Restore it"),
        ("OPERATOR_ROLE_ARN", "operator"),
        ("QUOTAS", r#"{"ssm.read":-1}"#),
        ("ROUTES", "us-east-2=us-east-2;us-east-2=us-east-1;nowhere"),
        ("SNS_TOPIC_ARN", "arn:aws:sqs:us-east-1:111122223333:alerts"),
        ("SOURCE_QUOTA_SHARE", "0"),
        ("SPOKE_EXTERNAL_ID", "a b"),
        ("SPOKE_ROLE_NAME", "a role"),
        ("TABLE", "a b"),
        ("TARGET_QUOTA_SHARE", "150%"),
        ("TRUSTED_WRITERS", "arn:aws:iam::111122223333:role/a"),
    ] {
        hubctl = hubctl.with(&format!("REPLICATOR_{name}"), text);
    }
    let ran = hubctl.run(&["plan"]).await;
    ran.ended(2);
    assert_reads("wrong-settings", &ran.stderr);
    for setting in known() {
        let fault = format!("  invalid `{}` value ", setting.name);
        assert!(ran.stderr.contains(&fault), "{} has no wrong value here", setting.name);
    }
}

#[tokio::test]
async fn refused_payloads() {
    let (sim, _) = simulated(Settings::default(), 1);
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", "123456789012")]).await;
    let sync = json!({"name": "all", "operation": "sync"});
    let of =
        |name: &str, operation: &str| json!({"detail": {"name": name, "operation": operation}});
    let with = |field: &str, value: Value| json!({"detail": sync, field: value});
    let mut text = String::new();
    let mut refused = Vec::new();
    for bytes in ["", "{\"detail\":", "[]", "\"all\""] {
        refused.push(bytes.to_owned());
    }
    let arn = format!("arn:aws:ssm:us-east-2:{ACCOUNT}:parameter/a");
    for payload in [
        json!({}),
        json!({"detail": []}),
        json!({"detail": {"operation": "sync"}}),
        json!({"detail": {"name": "all"}}),
        json!({"detail": {"name": "all", "operation": 1}}),
        of("/a", "copy"),
        of("all", "create"),
        of("ALL", "sync"),
        json!({"detail": {"name": "all", "operation": "sync", "kind": "secret"}}),
        json!({"detail": {"name": "/a", "operation": "sync", "kind": "key"}}),
        json!({"detail": {"name": "/a", "operatoin": "sync"}}),
        of("a:b", "sync"),
        of("arn:aws:ssm:us-east-2", "sync"),
        json!({"account": "444455556666", "detail": {"name": arn, "operation": "sync"}}),
        json!({"detail": {"name": arn, "operation": "sync", "kind": "secret"}}),
        with("acount", ACCOUNT.into()),
        with("account", "1234".into()),
        with("account", 111_122_223_333_u64.into()),
        with("accounts", ACCOUNT.into()),
        with("accounts", json!([])),
        with("accounts", json!([1])),
        json!({"account": ACCOUNT, "accounts": [ACCOUNT], "detail": sync}),
        with("region", "europe".into()),
        with("region", "eu-west-1".into()),
        with("plan", "yes".into()),
        with("max_deletes", "100%".into()),
        json!({"account": ACCOUNT, "max_deletes": "some", "detail": sync}),
        with("batch", 5.into()),
        of("everyone", "list"),
        json!({"detail": {"name": "accounts", "operation": "list"}, "batch": 0}),
        json!({"detail": {"name": "accounts", "operation": "list"}, "page": 2}),
        json!({"detail": {"name": "accounts", "operation": "list"}, "plan": true}),
        json!({"account": "123456789012", "detail": sync}),
        json!({"account": "999999999999", "detail": sync}),
        json!({"failover": []}),
        json!({"failover": {"route": "us-east-2=us-east-1"}}),
        json!({"failover": {"route": "us-east-2=us-east-1", "action": "stop"}}),
        json!({"failover": {"route": "us-east-2", "action": "freeze", "reason": "x"}}),
        json!({"failover": {"route": "us-east-2=us-east-1", "action": "freeze"}}),
        json!({"failover": {"route": "us-east-2=us-east-1", "action": "thaw"}}),
        json!({"failover": {"action": "status", "accounts": [ACCOUNT]}}),
        json!({"failover": {"action": "status"}}),
        json!({"Records": {}}),
        json!({"Records": [{"body": "{}"}]}),
    ] {
        refused.push(payload.to_string());
    }
    for payload in refused {
        let answer =
            hub.run(payload.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await;
        let said = match answer {
            Err(error) => error.to_string(),
            Ok(answer) => serde_json::to_string(&answer).expect("JSON"),
        };
        writeln!(text, "{payload}\n  {said}").expect("a text takes it");
    }
    assert_reads("refused-payloads", &text);
}

#[tokio::test]
async fn ignored_events() {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", "123456789012")]).await;
    let account = accounts[0].as_str();
    let mut failed = put_event(account, LONG_AGO, "/a", 1);
    failed["detail"]["errorCode"] = "AccessDenied".into();
    let mut elsewhere = put_event(account, LONG_AGO, "/a", 1);
    elsewhere["region"] = "eu-west-1".into();
    elsewhere["detail"]["awsRegion"] = "eu-west-1".into();
    let mut of_no_account = put_event(account, LONG_AGO, "/a", 1);
    of_no_account["account"] = Value::Null;
    let event = |name: &str, request: Value| call(account, LONG_AGO, name, &request, &Value::Null);
    let mut secret = event("RemoveRegionsFromReplication", json!({"secretId": "db/a"}));
    secret["source"] = "aws.secretsmanager".into();
    secret["detail"]["eventSource"] = "secretsmanager.amazonaws.com".into();
    let of_document = json!({"resourceType": "Document", "resourceId": "d"});
    let other_place = format!("arn:aws:ssm:us-west-2:{account}:parameter/a");
    let mut text = String::new();
    for (case, event) in [
        (
            "another service",
            json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {}}),
        ),
        ("no account", of_no_account),
        ("a Region without a route", elsewhere),
        ("an excluded account", put_event("123456789012", LONG_AGO, "/a", 1)),
        ("a failed call", failed),
        ("a call of no interest", event("GetParameter", json!({"name": "/a"}))),
        ("a document's tags", event("AddTagsToResource", of_document)),
        ("no resource type", event("AddTagsToResource", json!({"resourceId": "/a"}))),
        ("no name", event("PutParameter", json!({}))),
        ("a malformed name", event("PutParameter", json!({"name": "a:b"}))),
        ("a path", event("PutParameter", json!({"name": "/a/../b"}))),
        ("an ARN of another place", event("PutParameter", json!({"name": other_place}))),
        ("a secret's Region removed", secret),
    ] {
        let bytes = event.to_string();
        let answer =
            hub.run(bytes.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await;
        let said = match answer {
            Ok(Answer::Ignored(why)) => why,
            Ok(other) => serde_json::to_string(&other).expect("JSON"),
            Err(error) => format!("error: {error}"),
        };
        writeln!(text, "{case}: {said}").expect("a text takes it");
    }
    assert_reads("ignored-events", &text);
}

#[test]
fn the_remedy_of_every_kind_of_failure() {
    let lines: Vec<String> =
        FailureKind::ALL.iter().map(|kind| format!("{}: {}", kind.word(), kind.remedy())).collect();
    assert_reads("remedies", &lines.join("\n"));
}
