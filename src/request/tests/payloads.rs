//! Payloads of operators: each field, each fault.

use serde_json::json;

use super::*;
use crate::domain::{AccountId, ExecutionName, Item, Kind};
use crate::settings::MaxDeletes;

fn reconcile(text: &str) -> Reconcile {
    match parse(text.as_bytes()) {
        Ok(Request::Reconcile(reconcile)) => reconcile,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_payload_is_read_with_all_its_fields() {
    let all = reconcile(
        r#"{"account":"111122223333","region":"us-east-2","plan":true,"trust":false,"labels":true,"max_deletes":"100%",
            "detail":{"name":"all","operation":"SYNC"}}"#,
    );
    let account = AccountId::parse("111122223333").expect("an account");
    assert_eq!(all.accounts, Accounts::These(vec![account.clone()]));
    assert_eq!(all.region, Region::parse("us-east-2").ok());
    assert_eq!(all.item, None);
    let max_deletes = Some(MaxDeletes::Percent(100));
    let options =
        RunOptions { plan: true, trust: false, labels: true, max_deletes, ..RunOptions::default() };
    assert_eq!(all.options, options);

    let some = reconcile(
        r#"{"accounts":["111122223333","111122223333"],"detail":{"name":"all","operation":"sync"}}"#,
    );
    assert_eq!(some.accounts, Accounts::These(vec![account]));
    let number =
        r#"{"account":"111122223333","max_deletes":7,"detail":{"name":"all","operation":"sync"}}"#;
    assert_eq!(reconcile(number).options.max_deletes, Some(MaxDeletes::Count(7)));
    for operation in ["create", "Update", "DELETE", "sync"] {
        let text = format!(r#"{{"detail":{{"name":"/a","operation":"{operation}"}}}}"#);
        let one = reconcile(&text);
        assert_eq!((one.accounts, one.region), (Accounts::Hub, None));
        assert_eq!(one.item.map(|item| item.kind()), Some(Kind::Parameter));
    }
}

#[test]
fn an_arn_sets_account_and_region() {
    let arn = "arn:aws:secretsmanager:us-east-2:111122223333:secret:db/main-a1b2c3";
    let text = format!(r#"{{"detail":{{"kind":"secret","name":"{arn}","operation":"sync"}}}}"#);
    let one = reconcile(&text);
    assert_eq!(one.accounts, Accounts::These(vec![AccountId::parse("111122223333").unwrap()]));
    assert_eq!(one.region, Region::parse("us-east-2").ok());
    assert_eq!(one.item.as_ref().map(Item::name), Some(arn));
}

#[test]
fn a_state_machine_sends_next_back_unchanged() {
    let list = |page: &str| {
        parse(format!(r#"{{"detail":{{"name":"accounts","operation":"List"}}{page}}}"#).as_bytes())
    };
    let first = Ok(Request::ListAccounts { batch: 25, page: None, execution: None });
    assert_eq!(list(""), first);
    assert_eq!(list(r#","page":null"#), first);
    let next = Ok(Request::ListAccounts { batch: 10, page: Some("x".to_owned()), execution: None });
    assert_eq!(list(r#","page":"x","batch":10"#), next);
}

#[test]
fn a_state_machine_names_its_execution() {
    let name = ExecutionName::parse("daily-2026-11-28").ok();
    let execution = r#""execution":"daily-2026-11-28""#;
    let all = format!(r#"{{"detail":{{"name":"all","operation":"sync"}},{execution}}}"#);
    assert_eq!(reconcile(&all).execution, name);
    let list = format!(r#"{{"detail":{{"name":"accounts","operation":"list"}},{execution}}}"#);
    let listed = Request::ListAccounts { batch: 25, page: None, execution: name.clone() };
    assert_eq!(parse(list.as_bytes()), Ok(listed));
    let finish = format!(r#"{{"detail":{{"name":"sweep","operation":"finish"}},{execution}}}"#);
    assert_eq!(parse(finish.as_bytes()).ok(), name.map(Request::Finish));
}

#[test]
fn only_the_last_delivery_of_a_message_is_the_last() {
    for (attributes, is_last) in [
        (json!({"ApproximateReceiveCount": "5"}), true),
        (json!({"ApproximateReceiveCount": "17"}), true),
        (json!({"ApproximateReceiveCount": "4"}), false),
        (json!({"ApproximateReceiveCount": "many"}), false),
        (json!({"ApproximateReceiveCount": 5}), false),
        (json!(null), false),
    ] {
        let batch =
            json!({"Records": [{"messageId": "m", "body": "{}", "attributes": attributes}]});
        let Ok(Request::Batch(records)) = from_value(&batch) else { panic!("{batch}") };
        assert_eq!(records[0].is_last_delivery, is_last, "{batch}");
    }
}

#[test]
fn a_refused_request_reports_the_reason_and_the_accepted_form() {
    let long = "x".repeat(1012);
    let named = |name: &str| json!({"detail": {"name": name, "operation": "sync"}}).to_string();
    let cases = [
        ("", "the request is empty"),
        (
            "{\"detail\":\n {\"name\":}}",
            "the request is not JSON: expected value at line 2 column 10",
        ),
        ("[]", "the request is an array"),
        ("null", "the request is null"),
        ("\"sync\"", "the request is a string"),
        ("{}", "missing `detail`"),
        (r#"{"detail":7}"#, "`detail` is a number"),
        (r#"{"detail":{}}"#, "missing `name` in `detail`"),
        (r#"{"detail":{"name":"/a"}}"#, "missing `operation` in `detail`"),
        (r#"{"detail":{"name":7,"operation":"sync"}}"#, "`name` is a number"),
        (r#"{"detail":{"name":"/a","operation":null}}"#, "`operation` is null"),
        (
            r#"{"detail":{"name":"/a","operation":"put"}}"#,
            "unknown operation `put`; expected one of `create`, `update`",
        ),
        (
            r#"{"detail":{"name":"all","operation":"delete"}}"#,
            "`all` is accepted only with the operation `sync`",
        ),
        (
            r#"{"detail":{"name":"all","kind":"secret","operation":"sync"}}"#,
            "`kind` is not accepted with the name `all`",
        ),
        (r#"{"detail":{"name":"a","kind":"key","operation":"sync"}}"#, "unknown kind `key`"),
        (
            r#"{"acount":"111122223333","detail":{"name":"all","operation":"sync"}}"#,
            "unknown field `acount` in the payload (did you mean `account`?)",
        ),
        (
            r#"{"detail":{"name":"all","opration":"sync"}}"#,
            "unknown field `opration` in `detail` (did you mean `operation`?)",
        ),
        (
            r#"{"account":"1111","detail":{"name":"all","operation":"sync"}}"#,
            "`1111` is not an account id",
        ),
        (
            r#"{"account":111122223333,"detail":{"name":"all","operation":"sync"}}"#,
            "`account` is a number; expected a string of twelve digits",
        ),
        (r#"{"account":null,"detail":{"name":"all","operation":"sync"}}"#, "`account` is null"),
        (r#"{"account":"","detail":{"name":"all","operation":"sync"}}"#, "`` is not an account id"),
        (r#"{"accounts":[],"detail":{"name":"all","operation":"sync"}}"#, "`accounts` is empty"),
        (
            r#"{"accounts":"111122223333","detail":{"name":"all","operation":"sync"}}"#,
            "`accounts` is a string",
        ),
        (
            r#"{"accounts":[1],"detail":{"name":"all","operation":"sync"}}"#,
            "`accounts` contains a number",
        ),
        (
            r#"{"account":"111122223333","accounts":[],"detail":{"name":"all","operation":"sync"}}"#,
            "both `account` and `accounts`",
        ),
        (
            r#"{"region":"ohio","detail":{"name":"all","operation":"sync"}}"#,
            "`ohio` is not the name of a Region",
        ),
        (
            r#"{"plan":"yes","detail":{"name":"all","operation":"sync"}}"#,
            "`plan` is a string; expected `true` or `false`",
        ),
        (
            r#"{"max_deletes":"100%","detail":{"name":"all","operation":"sync"}}"#,
            "`max_deletes` requires `account`",
        ),
        (
            r#"{"account":"111122223333","max_deletes":"all","detail":{"name":"all","operation":"sync"}}"#,
            "invalid `max_deletes`; expected an integer",
        ),
        (
            r#"{"batch":5,"detail":{"name":"all","operation":"sync"}}"#,
            "`batch` is accepted only with",
        ),
        (
            r#"{"batch":0,"detail":{"name":"accounts","operation":"list"}}"#,
            "invalid `batch`; expected an integer from 1 to 1000",
        ),
        (r#"{"page":7,"detail":{"name":"accounts","operation":"list"}}"#, "invalid `page`"),
        (r#"{"page":"","detail":{"name":"accounts","operation":"list"}}"#, "invalid `page`"),
        (
            r#"{"plan":true,"detail":{"name":"accounts","operation":"list"}}"#,
            "`plan` is not accepted with",
        ),
        (
            r#"{"detail":{"name":"accounts","kind":"secret","operation":"list"}}"#,
            "`kind` is not accepted with",
        ),
        (
            r#"{"detail":{"name":"all","operation":"list"}}"#,
            "unknown name `all` for the operation `list`",
        ),
        (
            r#"{"execution":"a b","detail":{"name":"all","operation":"sync"}}"#,
            "invalid `execution`; expected the name of an execution of the state machine",
        ),
        (
            r#"{"execution":7,"detail":{"name":"all","operation":"sync"}}"#,
            "`execution` is a number",
        ),
        (
            r#"{"execution":"daily","detail":{"name":"/a","operation":"sync"}}"#,
            "`execution` is accepted only with the name `all`",
        ),
        (
            r#"{"execution":"daily","plan":true,"detail":{"name":"all","operation":"sync"}}"#,
            "and not in a plan, which records nothing",
        ),
        (r#"{"detail":{"name":"sweep","operation":"finish"}}"#, "missing `execution`"),
        (
            r#"{"execution":"daily","detail":{"name":"all","operation":"finish"}}"#,
            "unknown name `all` for the operation `finish`",
        ),
        (
            r#"{"execution":"daily","account":"111122223333","detail":{"name":"sweep","operation":"finish"}}"#,
            "`account` is not accepted with the operation `finish`",
        ),
        (r#"{"Records":{}}"#, "`Records` is an object"),
        (r#"{"Records":[{"Sns":{}}]}"#, "record 1 of the batch has no `messageId`"),
        (
            r#"{"Records":[{"messageId":"","body":"{}"}]}"#,
            "record 1 of the batch has no `messageId`",
        ),
        (
            r#"{"region":"eu-west-1","detail":{"kind":"secret","name":"arn:aws:secretsmanager:us-east-2:111122223333:secret:a","operation":"sync"}}"#,
            "the ARN has account 111122223333 and Region us-east-2",
        ),
        (
            r#"{"detail":{"name":"arn:aws:secretsmanager:us-east-2:111122223333:secret:a","operation":"sync"}}"#,
            "the ARN is not the ARN of a parameter",
        ),
        (&named(""), "the name is empty"),
        (&named("a/b"), "write `/a/b`"),
        (&named("/a b"), "the character ' '"),
        (&named(&long), "the name has 1012 characters"),
    ];
    for (text, why) in cases {
        let refused = parse(text.as_bytes()).expect_err(text).to_string();
        assert!(refused.contains(why), "{text}: {refused}");
        assert!(refused.contains("; expected "), "{text}: {refused}");
        assert!(!refused.contains('\n') && refused.len() < 500, "{text}: {refused}");
    }
}
