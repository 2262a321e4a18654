//! Payloads, events and batches, from bytes to work.

use serde_json::{Value, json};

use super::*;
use crate::domain::{ParameterName, Timestamp};
use crate::request::{Request, from_value};

const ROUTES: &str = "us-east-2=us-east-1,us-west-2;eu-west-1=eu-central-1";

fn routes() -> Routes {
    Routes::parse(ROUTES).expect("routes")
}

fn account(id: &str) -> AccountId {
    AccountId::parse(id).expect("an account")
}

fn location(id: &str, region: &str) -> Location {
    Location { account: account(id), region: Region::parse(region).expect("a Region") }
}

fn parameter(name: &str) -> Item {
    Item::Parameter(ParameterName::new(name))
}

fn reconcile(payload: &Value) -> Reconcile {
    match from_value(payload).expect("a payload") {
        Request::Reconcile(reconcile) => reconcile,
        other => panic!("{other:?}"),
    }
}

/// A `CloudTrail` event of Parameter Store in 111122223333.
fn event(region: &str, call: &str, second: u32, request: &Value, response: &Value) -> Value {
    json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.ssm",
        "account": "111122223333", "region": region,
        "time": format!("2026-11-24T10:00:{second:02}Z"),
        "detail": {"eventName": call, "requestParameters": request, "responseElements": response},
    })
}

fn put(region: &str, name: &str, version: u32) -> Value {
    event(region, "PutParameter", version, &json!({"name": name}), &json!({"version": version}))
}

/// The batch of these bodies, whose messages are `m0`, `m1` and so on.
fn event_work(bodies: &[Value]) -> EventWork {
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(index, body)| json!({"messageId": format!("m{index}"), "body": body.to_string()}))
        .collect();
    match from_value(&json!({"Records": records})).expect("a batch") {
        Request::Batch(records) => of_batch(records, &routes(), &AccountFilter::default()),
        other => panic!("{other:?}"),
    }
}

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn a_payload_concerns_every_route_or_the_one_of_its_region() {
    let all = json!({"detail": {"name": "all", "operation": "sync"}});
    let every = assignments(&reconcile(&all), &routes()).expect("assignments");
    let shown: Vec<String> = every.iter().map(|a| a.route.to_string()).collect();
    assert_eq!(shown, ["us-east-2=us-east-1,us-west-2", "eu-west-1=eu-central-1"]);
    assert!(every.iter().all(|a| a.scope == Scope::Everything));

    let one = json!({"region": "eu-west-1", "detail": {"name": "/a", "operation": "update"}});
    let one = assignments(&reconcile(&one), &routes()).expect("assignments");
    let wanted = Wanted { item: parameter("/a"), expect: Vec::new() };
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].route.source.as_str(), "eu-west-1");
    assert_eq!(one[0].scope, Scope::Items(vec![wanted]));

    let accounts = [account("111122223333"), account("444455556666")];
    let work: Vec<Work> = of_accounts(&one, accounts.clone()).collect();
    assert_eq!(work.iter().map(|w| w.account.clone()).collect::<Vec<_>>(), accounts);
    assert!(work.iter().all(|w| w.assignments == one));
}

#[test]
fn a_region_without_a_route_is_refused_in_a_payload_and_ignored_in_an_event() {
    // The target of a route is not a source.
    for region in ["ap-south-1", "us-east-1"] {
        let payload = json!({"region": region, "detail": {"name": "all", "operation": "sync"}});
        let refused = assignments(&reconcile(&payload), &routes()).expect_err("no route");
        let text =
            format!("no route has the source Region {region}; expected us-east-2, eu-west-1");
        assert_eq!(refused.to_string(), text);

        let Ok(Request::Event(Ok(event))) = from_value(&put(region, "/a", 1)) else {
            panic!("an event");
        };
        let ignored = of_event(event, &routes(), &AccountFilter::default()).expect_err("no route");
        assert_eq!(ignored.reason(), format!("no route has the source Region {region}"));
    }
}

#[test]
fn an_event_alone_is_the_work_of_its_items() {
    let Ok(Request::Event(Ok(event))) = from_value(&put("us-east-2", "/a", 3)) else {
        panic!("an event");
    };
    let event_work = of_event(event, &routes(), &AccountFilter::default()).expect("work");
    assert_eq!(event_work.work.len(), 1);
    let Scope::Items(items) = &event_work.work[0].assignments[0].scope else { panic!("items") };
    assert_eq!(items[0].item, parameter("/a"));
    assert_eq!(items[0].expect[0].version, Some(3));
}

#[test]
fn an_item_in_many_messages_is_reconciled_once() {
    let root = json!({"name": "root"});
    let event_work = event_work(&[
        put("us-east-2", "/a", 1),
        put("us-east-2", "/a", 2),
        put("us-east-2", "/a", 2),
        put("us-east-2", "/root", 1),
        event("us-east-2", "LabelParameterVersion", 5, &root, &json!(null)),
        put("eu-west-1", "/a", 7),
        event(
            "us-east-2",
            "DeleteParameters",
            9,
            &json!({"names": ["/b", "/b", "bad/name"]}),
            &json!(null),
        ),
        put("us-east-1", "/a", 1),
        json!({"detail": {"name": "all", "operation": "sync"}}),
    ]);
    let [work] = event_work.work.as_slice() else { panic!("one account: {:?}", event_work.work) };
    let lines: Vec<String> = work
        .assignments
        .iter()
        .map(|assignment| {
            let Scope::Items(items) = &assignment.scope else { panic!("items") };
            let items: Vec<String> = items
                .iter()
                .map(|w| {
                    let versions: Vec<i64> = w.expect.iter().filter_map(|e| e.version).collect();
                    let absent = w.expect.iter().any(|e| e.absent);
                    format!("{} {versions:?} {absent}", w.item.name())
                })
                .collect();
            format!("{}: {}", assignment.route.source, items.join(", "))
        })
        .collect();
    assert_eq!(
        lines,
        ["eu-west-1: /a [7] false", "us-east-2: /a [1, 2] false, /b [] true, /root [1] false"]
    );
    let place = location("111122223333", "us-east-2");
    assert_eq!(event_work.messages[&(place.clone(), parameter("/a"))], ids(&["m0", "m1", "m2"]));
    assert_eq!(event_work.messages[&(place.clone(), parameter("root"))], ids(&["m3", "m4"]));
    assert_eq!(event_work.messages[&(place, parameter("/b"))], ids(&["m6"]));
    let ignored: Vec<(&str, &str)> =
        event_work.ignored.iter().map(|(id, why)| (id.as_str(), why.reason())).collect();
    let bad = "the name `bad/name` contains `/` but does not begin with `/`; write `/bad/name`";
    assert_eq!(ignored, [("m6", bad), ("m7", "no route has the source Region us-east-1")]);
    let unreadable: Vec<&str> = event_work.unreadable.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(unreadable, ["m8"]);
}

#[test]
fn a_deletion_and_a_creation_after_it_wait_for_the_creation() {
    let name = json!({"name": "/a"});
    let event_work = event_work(&[
        put("us-east-2", "/a", 9),
        event("us-east-2", "PutParameter", 5, &name, &json!({"version": 5})),
        event("us-east-2", "DeleteParameter", 6, &name, &json!(null)),
    ]);
    let Scope::Items(items) = &event_work.work[0].assignments[0].scope else { panic!("items") };
    let versions: Vec<Option<i64>> = items[0].expect.iter().map(|e| e.version).collect();
    assert_eq!(versions, [Some(9)]);
}

#[test]
fn a_refused_deletion_is_listed_separately_with_its_messages() {
    let mut refused =
        event("us-east-2", "DeleteSecret", 1, &json!({"secretId": "db"}), &json!(null));
    refused["source"] = json!("aws.secretsmanager");
    refused["detail"]["errorCode"] = json!("InvalidParameterException");
    let event_work = event_work(&[refused.clone(), refused]);
    let place = location("111122223333", "us-east-2");
    let secret = SecretName::new("db");
    assert_eq!(
        event_work.messages[&(place.clone(), Item::Secret(secret.clone()))],
        ids(&["m0", "m1"])
    );
    let [work] = event_work.work.as_slice() else { panic!("one account's work") };
    assert!(work.assignments.is_empty());
    assert_eq!(work.refused_deletes, BTreeSet::from([(place.region, secret)]));
}

#[test]
fn every_sample_event_leads_to_work_or_is_left_to_the_sweep() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("payloads/events");
    let mut left = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of events") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a readable file");
        match crate::request::parse(&bytes).expect("a request") {
            Request::Event(Ok(event)) => {
                assert!(event.at >= Timestamp::parse("2026-11-24T10:00:00Z"), "{path:?}");
                let event_work =
                    of_event(event, &routes(), &AccountFilter::default()).expect("work");
                assert!(!event_work.messages.is_empty(), "{path:?}");
            }
            Request::Event(Err(ignored)) => left.push(ignored.to_string()),
            Request::Batch(records) => {
                let event_work = of_batch(records, &routes(), &AccountFilter::default());
                assert_eq!((event_work.messages.len(), event_work.ignored.len()), (2, 1));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        left,
        [
            "the sweep handles RemoveRegionsFromReplication, because the owner may be deleting the secret"
        ]
    );
}

#[test]
fn excluded_accounts_are_refused_together_with_setting_and_remedy() {
    let accounts: Vec<AccountId> =
        (1..=9).map(|n| account(&format!("{n}{n}{n}{n}22223333"))).collect();
    assert_eq!(named_in_scope(&accounts, &AccountFilter::default()), Ok(()));
    let second =
        AccountFilter { exclude: [accounts[1].clone()].into(), ..AccountFilter::default() };
    let refused = named_in_scope(&accounts, &second).expect_err("one of them is excluded");
    assert!(
        refused.problem.contains("exclude 222222223333 (REPLICATOR_EXCLUDE_ACCOUNTS); nothing"),
        "{refused}"
    );
    assert!(refused.accepted.contains("--account 222222223333 --even-if-excluded"), "{refused}");
    assert_eq!(named_in_scope(&accounts[2..], &second), Ok(()));
    let first = AccountFilter { include: [accounts[0].clone()].into(), ..AccountFilter::default() };
    let refused = named_in_scope(&accounts, &first).expect_err("the others are not included");
    assert!(refused.problem.contains("666622223333 (REPLICATOR_INCLUDE_ACCOUNTS) and 3 more"));
    assert!(refused.to_string().len() < 600, "{refused}");
    let or_a_unit = AccountFilter { include_ous: vec!["r-1/ou-1/".to_owned()], ..first };
    assert_eq!(
        named_in_scope(&accounts, &or_a_unit),
        Ok(()),
        "only the list of accounts shows the unit"
    );
}

#[test]
fn the_last_event_of_an_item_and_the_last_deliveries_are_kept() {
    let names = json!({"names": ["/a", "/b"]});
    let bodies = [
        put("us-east-2", "/a", 3),
        event("us-east-2", "DeleteParameters", 9, &names, &Value::Null),
        put("us-east-2", "/a", 4),
    ];
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(index, body)| {
            json!({"messageId": format!("m{index}"), "body": body.to_string(),
                "attributes": {"ApproximateReceiveCount": (index + 4).to_string()}})
        })
        .collect();
    let Ok(Request::Batch(records)) = from_value(&json!({ "Records": records })) else {
        panic!("a batch");
    };
    let work = of_batch(records, &routes(), &AccountFilter::default());
    assert_eq!(work.last_deliveries, ids(&["m1", "m2"]));
    let here = location("111122223333", "us-east-2");
    let last = LastEvent {
        name: "DeleteParameters".to_owned(),
        at: Timestamp::parse("2026-11-24T10:00:09Z"),
    };
    for name in ["/a", "/b"] {
        assert_eq!(work.last_events[&(here.clone(), parameter(name))], last, "{name}");
    }
}
