//! ARNs, by the way that they come: as the name in a payload, and as the name in an event.

use failover_replicator::domain::{AccountId, Item, Kind, Region};
use failover_replicator::request::{
    Accounts, EventSubject, Ignored, Reconcile, Refused, Request, parse,
};
use serde_json::{Value, json};

use super::is_a_message;

/// Asks the properties of any bytes that begin as an ARN does.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if !text.starts_with("arn:") {
        return;
    }
    let taken: Vec<Kind> = [Kind::Parameter, Kind::Secret]
        .into_iter()
        .filter(|kind| match by_payload(&named(*kind, text)) {
            Ok(asked) => {
                is_what_it_names(*kind, text, &asked);
                true
            }
            Err(refused) => {
                is_a_message(&refused.problem);
                is_a_message(&refused.accepted);
                false
            }
        })
        .collect();
    assert!(taken.len() < 2, "an ARN of both kinds");
}

/// The ARN can be made again of what was taken from it, and binds the payload and the event that it stands in.
fn is_what_it_names(kind: Kind, text: &str, asked: &Reconcile) {
    let (Accounts::These(accounts), Some(region), Some(item)) =
        (&asked.accounts, &asked.region, &asked.item)
    else {
        panic!("an ARN brings account, Region and item: {asked:?}");
    };
    let [account] = accounts.as_slice() else { panic!("of one account: {accounts:?}") };
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
        assert_eq!(by_payload(&payload).as_ref(), Ok(asked), "with its own {field}");
        payload[field] = wrong;
        let refused = by_payload(&payload).expect_err("another place is refused").problem;
        assert!(refused.contains("the ARN has account"), "{refused}");
    }
    if kind == Kind::Parameter {
        // In a payload `all` is everything.
        let name = if item.name() == "all" { "/all" } else { item.name() };
        let mut payload = named(kind, name);
        payload["account"] = account.as_str().into();
        payload["region"] = region.as_str().into();
        assert_eq!(by_payload(&payload).as_ref(), Ok(asked), "its name means the same");
    }

    let told = by_event(kind, text, account.as_str(), region.as_str());
    let by_name = by_event(kind, item.name(), account.as_str(), region.as_str());
    match (&told, &by_name) {
        (Ok(told), Ok(by_name)) => {
            assert_eq!(told, item);
            assert_eq!(told, by_name, "an event means the same by ARN and by name");
        }
        (Err(told), Err(_)) => is_a_message(told.reason()),
        _ => panic!("an event by ARN: {told:?}; by name: {by_name:?}"),
    }
    for (account, region) in [(other_account, region.as_str()), (account.as_str(), other_region)] {
        let ignored = by_event(kind, text, account, region).expect_err("of another place");
        is_a_message(ignored.reason());
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
        Request::Reconcile(asked) => Ok(asked),
        other => panic!("a payload is not {other:?}"),
    }
}

/// The item that a native event of this place asks for by `name`.
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
                let [wanted] = items.as_slice() else { panic!("one name, and {items:?}") };
                Ok(wanted.item.clone())
            }
            EventSubject::RefusedDelete(name) => panic!("nothing was refused: {name}"),
        },
        other => panic!("an event is not {other:?}"),
    }
}
