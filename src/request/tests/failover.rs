//! Payloads that change or show the states of routes: each field, each fault.

use super::*;
use crate::domain::AccountId;

fn failover(fields: &str) -> FailoverRequest {
    let text = format!(r#"{{"failover":{{"route":"us-east-2=us-east-1",{fields}}}}}"#);
    match parse(text.as_bytes()) {
        Ok(Request::Failover(request)) => request,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_payload_is_read_with_all_its_fields() {
    let freeze = failover(
        r#""action":"freeze","accounts":["111122223333","444455556666","111122223333"],"reason":" it fails ","wait":false"#,
    );
    let FailoverRequest::Freeze(freeze) = freeze else { panic!("{freeze:?}") };
    let accounts: Vec<&str> = freeze.accounts.iter().map(AccountId::as_str).collect();
    assert_eq!(accounts, ["111122223333", "444455556666"]);
    assert_eq!(freeze.pair.to_string(), "us-east-2=us-east-1");
    assert_eq!((freeze.reason.as_str(), freeze.wait), ("it fails", false));
    let whole = failover(r#""action":"freeze","reason":"x""#);
    assert!(matches!(&whole, FailoverRequest::Freeze(one) if one.wait && one.accounts.is_empty()));

    let thaw = failover(r#""action":"thaw","account":"111122223333","serial":7"#);
    let FailoverRequest::Thaw(thaw) = thaw else { panic!("{thaw:?}") };
    assert_eq!((thaw.serial, thaw.accounts.len(), thaw.plan), (Some(7), 1, ThawPlan::Skip));
    assert!(thaw.reason.is_empty());

    assert!(failover(r#""action":"status""#).pair().is_some());
    let all = parse(br#"{"failover":{"action":"status"}}"#);
    assert_eq!(all, Ok(Request::Failover(FailoverRequest::Status(None))));
}

#[test]
fn a_refused_payload_reports_the_reason_and_the_accepted_form() {
    let long = "x".repeat(501);
    let route = r#""route":"us-east-2=us-east-1""#;
    let freeze = format!(r#"{route},"action":"freeze""#);
    let thaw = format!(r#"{route},"action":"thaw""#);
    for (fields, why) in [
        (String::new(), "missing `action` in `failover`; expected one of `freeze`, `thaw`"),
        (r#""action":7"#.to_owned(), "`action` is a number; expected one of `freeze`"),
        (r#""action":"stop""#.to_owned(), "unknown action `stop`; expected one of `freeze`"),
        (r#""action":"freeze","reason":"x""#.to_owned(), "missing `route` in `failover`"),
        (
            r#""action":"freeze","reason":"x","route":"us-east-2""#.to_owned(),
            "`us-east-2` has no target; expected `SOURCE=TARGET`",
        ),
        (
            r#""action":"freeze","reason":"x","route":"us-east-2=us-east-1,us-west-2""#.to_owned(),
            "`us-east-1,us-west-2` is not the name of a Region",
        ),
        (freeze.clone(), "missing `reason` in the action `freeze`"),
        (format!(r#"{freeze},"reason":"  ""#), "the reason is empty"),
        (format!(r#"{freeze},"reason":"a\nb""#), "the reason has a control character"),
        (format!(r#"{freeze},"reason":"{long}""#), "the reason has 501 characters"),
        (format!(r#"{freeze},"reason":null"#), "`reason` is null"),
        (format!(r#"{freeze},"reason":"x","wait":"no""#), "`wait` is a string; expected `true`"),
        (
            format!(r#"{freeze},"reason":"x","acount":"111122223333""#),
            "unknown field `acount` in the action `freeze` (did you mean `account`?); expected one of `route`, `action`, `account`, `accounts`, `reason`, `wait`",
        ),
        (
            format!(r#"{freeze},"reason":"x","serial":1"#),
            "unknown field `serial` in the action `freeze`",
        ),
        (format!(r#"{freeze},"reason":"x","accounts":[]"#), "`accounts` is empty"),
        (
            format!(r#"{freeze},"reason":"x","account":"1234""#),
            "`1234` is not an account id; expected twelve digits",
        ),
        (thaw.clone(), "missing `serial` in the action `thaw`; expected the serial of the route"),
        (format!(r#"{thaw},"serial":"1""#), "invalid `serial`"),
        (format!(r#"{thaw},"serial":-1"#), "invalid `serial`"),
        (format!(r#"{thaw},"serial":1,"wait":true"#), "unknown field `wait`"),
        (
            r#""action":"status","account":"111122223333""#.to_owned(),
            "unknown field `account` in the action `status`",
        ),
    ] {
        let text = format!(r#"{{"failover":{{{fields}}}}}"#);
        let refused = parse(text.as_bytes()).expect_err(&text).to_string();
        assert!(refused.contains(why), "{text}: {refused}");
        assert!(refused.contains("; expected "), "{text}: {refused}");
        assert!(!refused.contains('\n') && refused.len() < 500, "{text}: {refused}");
    }
    for (text, why) in [
        (r#"{"failover":[]}"#, "`failover` is an array; expected `\"failover\":{"),
        (
            r#"{"failover":{"action":"status"},"detail":{"name":"all","operation":"sync"}}"#,
            "unknown field `detail` in the payload (did you mean `failover`?)",
        ),
    ] {
        let refused = parse(text.as_bytes()).expect_err(text).to_string();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}
