//! Requests: payloads, events, and a queue's batches of events.

use failover_replicator::domain::{AccountId, Item, Kind, ParameterName, Purpose, SecretName};
use failover_replicator::request::{
    Accounts, Event, EventSubject, Ignored, Reconcile, Record, RecordContent, Request, parse,
};
use serde_json::{Value, json};

use super::is_a_message;

/// Asks the properties of any bytes.
pub fn check(bytes: &[u8]) {
    let answer = parse(bytes);
    assert_eq!(answer, parse(bytes), "the same bytes, another answer");
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let value: Option<Value> = serde_json::from_slice(text).ok();
    match answer {
        Err(refused) => {
            is_a_message(&refused.problem);
            is_a_message(&refused.accepted);
            let whole = format!("{}; expected {}", refused.problem, refused.accepted);
            assert_eq!(refused.to_string(), whole);
        }
        Ok(request) => taken(&request, &value.expect("what is taken is JSON")),
    }
}

fn taken(request: &Request, value: &Value) {
    let mut with_a_stranger = value.clone();
    with_a_stranger["fieldOfALaterRelease"] = json!({"name": 1});
    let stranger = parse(with_a_stranger.to_string().as_bytes());
    match request {
        Request::Event(_) | Request::Batch(_) => {
            assert_eq!(stranger.as_ref(), Ok(request), "an unknown field means nothing");
        }
        Request::Reconcile(_) | Request::ListAccounts { .. } => {
            stranger.expect_err("an unknown field of a payload is refused");
        }
    }
    match request {
        Request::Event(Ok(event)) => is_an_event(event, value),
        Request::Event(Err(ignored)) => is_ignored(ignored),
        Request::Batch(records) => answers_each(records, value),
        Request::Reconcile(asked) => {
            is_a_reconcile(asked);
            for operation in ["sync", "update", "delete"] {
                // Of one item the operation is a hint; `all` goes with `sync` alone.
                if operation == "sync" || asked.item.is_some() {
                    let again = parse(payload(asked, operation).to_string().as_bytes());
                    assert_eq!(again.as_ref(), Ok(request), "as {operation}");
                }
            }
        }
        Request::ListAccounts { batch, page } => {
            assert!((1..=1000).contains(batch), "{batch} in a batch");
            let detail = json!({"name": "accounts", "operation": "list"});
            let again = json!({"detail": detail, "batch": batch, "page": page}).to_string();
            assert_eq!(parse(again.as_bytes()).as_ref(), Ok(request));
        }
    }
}

fn is_ignored(ignored: &Ignored) {
    is_a_message(ignored.reason());
    assert_eq!(ignored.to_string(), ignored.reason());
}

/// A batch answers for each message, in the order given, and by what each holds alone.
fn answers_each(records: &[Record], value: &Value) {
    let messages = value["Records"].as_array().expect("a list");
    assert_eq!(records.len(), messages.len());
    for (record, message) in records.iter().zip(messages) {
        assert_eq!(Some(record.message_id.as_str()), message["messageId"].as_str());
        assert!(!record.message_id.is_empty(), "Lambda takes an empty id for the whole batch");
        let body = message["body"].as_str().unwrap_or_default();
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        // In a batch is no batch: an event is one there though it has the field.
        let alone = value.get("Records").is_none().then(|| parse(body.as_bytes()));
        let event = match &record.content {
            RecordContent::Event(event) => {
                is_an_event(event, &value);
                Ok(event.clone())
            }
            RecordContent::Ignored(ignored) => {
                is_ignored(ignored);
                Err(ignored.clone())
            }
            RecordContent::Unreadable(why) => {
                is_a_message(why);
                // A mark of the byte order is an editor's, and no queue's.
                let marked = body.starts_with('\u{feff}');
                assert!(
                    marked || !matches!(alone, Some(Ok(Request::Event(_)))),
                    "{why}: {alone:?}"
                );
                continue;
            }
        };
        assert!(
            alone.is_none_or(|alone| alone == Ok(Request::Event(event))),
            "alone it is another"
        );
    }
}

/// An event is of the place that its envelope names, and asks for items of that place and of the source's kind.
fn is_an_event(event: &Event, value: &Value) {
    let location = &event.location;
    assert_eq!(Some(location.account.as_str()), value["account"].as_str());
    assert_eq!(Some(location.region.as_str()), value["region"].as_str());
    is_a_message(&event.name);
    event.skipped.iter().for_each(is_ignored);
    let kind = if value["source"] == "aws.ssm" { Kind::Parameter } else { Kind::Secret };
    let place = format!(":{}:{}:secret:", location.region, location.account);
    let of_that_place = |name: &str| !name.starts_with("arn:") || name.contains(&place);
    match &event.subject {
        EventSubject::Items(items) => {
            assert!(!items.is_empty(), "an event that asks for nothing");
            for wanted in items {
                assert_eq!(wanted.item.kind(), kind);
                is_an_item(&wanted.item);
                assert!(of_that_place(wanted.item.name()), "{} in {location}", wanted.item.name());
            }
        }
        EventSubject::RefusedDelete(name) => {
            assert_eq!(kind, Kind::Secret);
            is_an_item(&Item::Secret(name.clone()));
            assert!(of_that_place(name.as_str()), "{name} in {location}");
        }
    }
}

/// What was taken as a name is taken as one again.
fn is_an_item(item: &Item) {
    match item {
        Item::Parameter(name) => {
            let again = ParameterName::parse(name.as_str());
            assert_eq!(again.as_ref().map(ParameterName::as_str), Ok(name.as_str()));
        }
        Item::Secret(name) => assert_eq!(SecretName::parse(name.as_str()).as_ref(), Ok(name)),
    }
}

fn is_a_reconcile(asked: &Reconcile) {
    assert_eq!(asked.purpose, Purpose::Equality);
    match &asked.accounts {
        Accounts::Organization => assert_eq!(asked.item, None, "an item of every account"),
        Accounts::Hub => assert!(asked.item.is_some(), "only an item is the hub's own account's"),
        Accounts::These(accounts) => {
            assert!(!accounts.is_empty(), "no account would be every account");
            let twice = accounts.iter().enumerate().find(|(at, one)| accounts[..*at].contains(one));
            assert_eq!(twice, None);
        }
    }
    let one_account = matches!(&asked.accounts, Accounts::These(accounts) if accounts.len() == 1);
    assert!(asked.options.max_deletes.is_none() || one_account, "a brake for several accounts");
    asked.item.iter().for_each(is_an_item);
}

/// The payload that says in full what `asked` is.
fn payload(asked: &Reconcile, operation: &str) -> Value {
    let options = asked.options;
    let detail = match &asked.item {
        None => json!({"name": "all", "operation": operation}),
        Some(item) => {
            // By its ARN a parameter may have the name that means everything, which is spelled otherwise in a payload.
            let name = if item.name() == "all" { "/all" } else { item.name() };
            json!({"name": name, "operation": operation, "kind": item.kind().word()})
        }
    };
    let mut payload = json!({
        "detail": detail, "plan": options.plan, "trust": options.trust, "labels": options.labels,
    });
    if let Accounts::These(accounts) = &asked.accounts {
        match accounts.as_slice() {
            [one] => payload["account"] = one.as_str().into(),
            several => {
                let several: Vec<&str> = several.iter().map(AccountId::as_str).collect();
                payload["accounts"] = several.into();
            }
        }
    }
    if let Some(region) = &asked.region {
        payload["region"] = region.as_str().into();
    }
    if let Some(brake) = options.max_deletes {
        payload["max_deletes"] = brake.to_string().into();
    }
    payload
}
