//! ARNs as names in payloads and in events.

use failover_replicator::domain::{AccountId, Item, Kind, Region};
use failover_replicator::request::{
    Accounts, EventSubject, Ignored, Reconcile, Refused, Request, parse,
};
use serde_json::{Value, json};

use super::check_message;

/// Checks the properties for bytes that start like an ARN.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if !text.starts_with("arn:") {
        return;
    }
    let accepted: Vec<Kind> = [Kind::Parameter, Kind::Secret]
        .into_iter()
        .filter(|kind| match by_payload(&named(*kind, text)) {
            Ok(reconcile) => {
                check_accepted(*kind, text, &reconcile);
                true
            }
            Err(refused) => {
                check_message(&refused.problem);
                check_message(&refused.accepted);
                false
            }
        })
        .collect();
    assert!(accepted.len() < 2, "an ARN accepted as both kinds");
}

/// The parsed parts give the same ARN again, and the ARN must agree with the payload or event that contains it.
fn check_accepted(kind: Kind, text: &str, reconcile: &Reconcile) {
    let (Accounts::These(accounts), Some(region), Some(item)) =
        (&reconcile.accounts, &reconcile.region, &reconcile.item)
    else {
        panic!("an ARN contains account, Region and item: {reconcile:?}");
    };
    let [account] = accounts.as_slice() else { panic!("expected one account: {accounts:?}") };
    assert_eq!(item.kind(), kind);
    let again = match item {
        Item::Parameter(name) => {
            let partition = region.partition();
            format!("arn:{partition}:ssm:{region}:{account}:parameter/{}", name.key())
        }
        Item::Secret(name) => name.to_string(),
    };
    assert_eq!(again, text);

    let (other_account, other_region) = others(account, region);
    for (field, right, wrong) in [
        ("account", json!(account.as_str()), json!(other_account)),
        ("accounts", json!([account.as_str()]), json!([account.as_str(), other_account])),
        ("region", json!(region.as_str()), json!(other_region)),
    ] {
        let mut payload = named(kind, text);
        payload[field] = right;
        assert_eq!(by_payload(&payload).as_ref(), Ok(reconcile), "with the same {field}");
        payload[field] = wrong;
        let refused = by_payload(&payload).expect_err("a different location is refused").problem;
        assert!(refused.contains("the ARN has account"), "{refused}");
    }
    if kind == Kind::Parameter {
        // In a payload the name `all` means every parameter.
        let name = if item.name() == "all" { "/all" } else { item.name() };
        let mut payload = named(kind, name);
        payload["account"] = account.as_str().into();
        payload["region"] = region.as_str().into();
        assert_eq!(
            by_payload(&payload).as_ref(),
            Ok(reconcile),
            "the ARN and the name mean the same"
        );
    }

    let by_arn = by_event(kind, text, account.as_str(), region.as_str());
    let by_name = by_event(kind, item.name(), account.as_str(), region.as_str());
    match (&by_arn, &by_name) {
        (Ok(by_arn), Ok(by_name)) => {
            assert_eq!(by_arn, item);
            assert_eq!(by_arn, by_name, "an event by ARN and by name");
        }
        (Err(ignored), Err(_)) => check_message(ignored.reason()),
        _ => panic!("an event by ARN: {by_arn:?}; by name: {by_name:?}"),
    }
    for (account, region) in [(other_account, region.as_str()), (account.as_str(), other_region)] {
        let ignored =
            by_event(kind, text, account, region).expect_err("a different location is ignored");
        check_message(ignored.reason());
    }
}

fn others(account: &AccountId, region: &Region) -> (&'static str, &'static str) {
    let other = |one: &str, is: &'static str, or: &'static str| if one == is { or } else { is };
    (
        other(account.as_str(), "444455556666", "111122223333"),
        other(region.as_str(), "eu-west-1", "us-east-2"),
    )
}

fn named(kind: Kind, name: &str) -> Value {
    json!({"detail": {"name": name, "kind": kind.word(), "operation": "sync"}})
}

fn by_payload(payload: &Value) -> Result<Reconcile, Refused> {
    match parse(payload.to_string().as_bytes())? {
        Request::Reconcile(reconcile) => Ok(reconcile),
        other => panic!("expected a reconcile request: {other:?}"),
    }
}

/// The item that a native event of this account and Region names.
fn by_event(kind: Kind, name: &str, account: &str, region: &str) -> Result<Item, Ignored> {
    let (source, detail_type) = match kind {
        Kind::Parameter => ("aws.ssm", "Parameter Store Change"),
        Kind::Secret => ("aws.secretsmanager", "Secret Label Updated"),
    };
    let event = json!({
        "source": source, "detail-type": detail_type, "account": account, "region": region,
        "detail": {"name": name, "operation": "Update"},
    });
    match parse(event.to_string().as_bytes()) {
        Ok(Request::Event(event)) => match event?.subject {
            EventSubject::Items(items) => {
                let [wanted] = items.as_slice() else { panic!("expected one item: {items:?}") };
                Ok(wanted.item.clone())
            }
            EventSubject::RefusedDelete(name) => {
                panic!("expected items, got a refused deletion: {name}")
            }
        },
        other => panic!("expected an event: {other:?}"),
    }
}
