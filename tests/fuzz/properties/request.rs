//! Requests: payloads, events, and a queue's batches of events.

use std::collections::BTreeSet;

use failover_replicator::domain::{AccountId, Item, Kind, ParameterName, Purpose, SecretName};
use failover_replicator::request::{
    Accounts, Event, EventSubject, FailoverRequest, Ignored, Reconcile, Record, RecordContent,
    Request, ThawPlan, parse,
};
use serde_json::{Value, json};

use super::check_message;

/// Checks the properties for any bytes.
pub fn check(bytes: &[u8]) {
    let answer = parse(bytes);
    assert_eq!(answer, parse(bytes), "the same bytes give a different result");
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let value: Option<Value> = serde_json::from_slice(text).ok();
    match answer {
        Err(refused) => {
            check_message(&refused.problem);
            check_message(&refused.accepted);
            let whole = format!("{}; expected {}", refused.problem, refused.accepted);
            assert_eq!(refused.to_string(), whole);
        }
        Ok(request) => check_accepted(&request, &value.expect("an accepted request is JSON")),
    }
}

fn check_accepted(request: &Request, value: &Value) {
    let mut extended = value.clone();
    extended["fieldOfALaterRelease"] = json!({"name": 1});
    let with_unknown_field = parse(extended.to_string().as_bytes());
    match request {
        Request::Event(_) | Request::Batch(_) => {
            assert_eq!(with_unknown_field.as_ref(), Ok(request), "an unknown field is ignored");
        }
        Request::Reconcile(_)
        | Request::ListAccounts { .. }
        | Request::Finish(_)
        | Request::Failover(_) => {
            with_unknown_field.expect_err("an unknown field of a payload is refused");
        }
    }
    match request {
        Request::Event(Ok(event)) => check_event(event, value),
        Request::Event(Err(ignored)) => check_ignored(ignored),
        Request::Batch(records) => check_batch(records, value),
        Request::Finish(execution) => {
            let detail = json!({"name": "sweep", "operation": "finish"});
            let again = json!({"detail": detail, "execution": execution.as_str()}).to_string();
            assert_eq!(parse(again.as_bytes()).as_ref(), Ok(request));
        }
        Request::Failover(failover) => check_failover(failover, value),
        Request::Reconcile(reconcile) => {
            check_reconcile(reconcile);
            for operation in ["sync", "update", "delete"] {
                // For one item the operation is only a hint; `all` is valid only with `sync`.
                if operation == "sync" || reconcile.item.is_some() {
                    let again = parse(payload(reconcile, operation).to_string().as_bytes());
                    assert_eq!(again.as_ref(), Ok(request), "with {operation}");
                }
            }
        }
        Request::ListAccounts { batch, page, execution } => {
            assert!((1..=1000).contains(batch), "{batch} in a batch");
            let detail = json!({"name": "accounts", "operation": "list"});
            let mut again = json!({"detail": detail, "batch": batch, "page": page});
            if let Some(execution) = execution {
                again["execution"] = execution.as_str().into();
            }
            assert_eq!(parse(again.to_string().as_bytes()).as_ref(), Ok(request));
        }
    }
}

/// A failover payload names no account twice, has a reason on one line, and refuses an unknown field.
fn check_failover(failover: &FailoverRequest, value: &Value) {
    let mut extended = value.clone();
    extended["failover"]["fieldOfALaterRelease"] = json!(1);
    parse(extended.to_string().as_bytes()).expect_err("an unknown field is refused");
    let (accounts, reason) = match failover {
        FailoverRequest::Freeze(freeze) => (freeze.accounts.as_slice(), freeze.reason.as_str()),
        FailoverRequest::Thaw(thaw) => {
            assert!(thaw.serial.is_some(), "only hubctl thaws without a serial");
            assert_eq!(thaw.plan, ThawPlan::Skip);
            (thaw.accounts.as_slice(), thaw.reason.as_str())
        }
        FailoverRequest::Status(_) => (&[][..], ""),
    };
    let distinct: BTreeSet<_> = accounts.iter().collect();
    assert_eq!(distinct.len(), accounts.len());
    assert!(reason.chars().count() <= 500 && !reason.contains(['\n', '\r']), "{reason:?}");
}

fn check_ignored(ignored: &Ignored) {
    check_message(ignored.reason());
    assert_eq!(ignored.to_string(), ignored.reason());
}

/// A batch has one record for each message, in order. The record depends only on its message.
fn check_batch(records: &[Record], value: &Value) {
    let messages = value["Records"].as_array().expect("a list");
    assert_eq!(records.len(), messages.len());
    for (record, message) in records.iter().zip(messages) {
        assert_eq!(Some(record.message_id.as_str()), message["messageId"].as_str());
        assert!(!record.message_id.is_empty(), "Lambda reads an empty id as the whole batch");
        let body = message["body"].as_str().unwrap_or_default();
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        // A message cannot contain a batch, so an event with the field `Records` is still an event.
        let alone = value.get("Records").is_none().then(|| parse(body.as_bytes()));
        let event = match &record.content {
            RecordContent::Event(event) => {
                check_event(event, &value);
                Ok(event.clone())
            }
            RecordContent::Ignored(ignored) => {
                check_ignored(ignored);
                Err(ignored.clone())
            }
            RecordContent::Unreadable(why) => {
                check_message(why);
                // Only editors write a byte order mark; a message with one is unreadable.
                let has_mark = body.starts_with('\u{feff}');
                assert!(
                    has_mark || !matches!(alone, Some(Ok(Request::Event(_)))),
                    "{why}: {alone:?}"
                );
                continue;
            }
        };
        assert!(
            alone.is_none_or(|alone| alone == Ok(Request::Event(event))),
            "the event alone gives a different result"
        );
    }
}

/// An event has the account and Region of its envelope, and names only items of that location and of its source's kind.
fn check_event(event: &Event, value: &Value) {
    let location = &event.location;
    assert_eq!(Some(location.account.as_str()), value["account"].as_str());
    assert_eq!(Some(location.region.as_str()), value["region"].as_str());
    check_message(&event.name);
    event.skipped.iter().for_each(check_ignored);
    let kind = if value["source"] == "aws.ssm" { Kind::Parameter } else { Kind::Secret };
    let place = format!(":{}:{}:secret:", location.region, location.account);
    let of_that_place = |name: &str| !name.starts_with("arn:") || name.contains(&place);
    match &event.subject {
        EventSubject::Items(items) => {
            assert!(!items.is_empty(), "an event without items");
            for wanted in items {
                assert_eq!(wanted.item.kind(), kind);
                check_item(&wanted.item);
                assert!(of_that_place(wanted.item.name()), "{} in {location}", wanted.item.name());
            }
        }
        EventSubject::RefusedDelete(name) => {
            assert_eq!(kind, Kind::Secret);
            check_item(&Item::Secret(name.clone()));
            assert!(of_that_place(name.as_str()), "{name} in {location}");
        }
    }
}

/// An accepted name is accepted again.
fn check_item(item: &Item) {
    match item {
        Item::Parameter(name) => {
            let again = ParameterName::parse(name.as_str());
            assert_eq!(again.as_ref().map(ParameterName::as_str), Ok(name.as_str()));
        }
        Item::Secret(name) => assert_eq!(SecretName::parse(name.as_str()).as_ref(), Ok(name)),
    }
}

fn check_reconcile(reconcile: &Reconcile) {
    assert_eq!(reconcile.purpose, Purpose::Equality);
    match &reconcile.accounts {
        Accounts::Organization => assert_eq!(reconcile.item, None, "one item in every account"),
        Accounts::Hub => {
            assert!(reconcile.item.is_some(), "only one item can be in the hub's account");
        }
        Accounts::These(accounts) => {
            assert!(!accounts.is_empty(), "an empty list of accounts");
            let twice = accounts.iter().enumerate().find(|(at, one)| accounts[..*at].contains(one));
            assert_eq!(twice, None);
        }
    }
    let one_account =
        matches!(&reconcile.accounts, Accounts::These(accounts) if accounts.len() == 1);
    assert!(
        reconcile.options.max_deletes.is_none() || one_account,
        "max_deletes for several accounts"
    );
    reconcile.item.iter().for_each(check_item);
}

/// The payload with all fields of `reconcile`.
fn payload(reconcile: &Reconcile, operation: &str) -> Value {
    let options = reconcile.options;
    let detail = match &reconcile.item {
        None => json!({"name": "all", "operation": operation}),
        Some(item) => {
            // A parameter named `all`, known from its ARN, is `/all` in a payload, where `all` means every parameter.
            let name = if item.name() == "all" { "/all" } else { item.name() };
            json!({"name": name, "operation": operation, "kind": item.kind().word()})
        }
    };
    let mut payload = json!({
        "detail": detail, "plan": options.plan, "trust": options.trust, "labels": options.labels,
    });
    if let Accounts::These(accounts) = &reconcile.accounts {
        match accounts.as_slice() {
            [one] => payload["account"] = one.as_str().into(),
            several => {
                let several: Vec<&str> = several.iter().map(AccountId::as_str).collect();
                payload["accounts"] = several.into();
            }
        }
    }
    if let Some(region) = &reconcile.region {
        payload["region"] = region.as_str().into();
    }
    if let Some(execution) = &reconcile.execution {
        payload["execution"] = execution.as_str().into();
    }
    if let Some(brake) = options.max_deletes {
        payload["max_deletes"] = brake.to_string().into();
    }
    if let Some(execution) = &reconcile.execution {
        payload["execution"] = execution.as_str().into();
    }
    payload
}
