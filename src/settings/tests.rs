//! Valid and invalid values of every setting.

use super::*;
use crate::domain::TrustedWriters;
use crate::settings::{RawSettings, known};

const GOOD_ROUTES: (&str, &str) = ("ROUTES", "us-east-2=us-east-1,us-west-2");

fn raw(variables: &[(&str, &str)]) -> RawSettings {
    RawSettings::from_variables(
        variables.iter().map(|(name, value)| (format!("REPLICATOR_{name}"), (*value).to_owned())),
    )
}

fn with(name: &str, value: &str) -> Settings {
    raw(&[GOOD_ROUTES, (name, value)]).parse().unwrap_or_else(|e| panic!("{name}={value}: {e}"))
}

/// The problem of one invalid setting among valid settings.
fn problem(name: &str, value: &str) -> String {
    let error = raw(&[GOOD_ROUTES, (name, value)]).parse().expect_err(value);
    let [fault] = error.faults.as_slice() else { panic!("{name}={value}: {error}") };
    assert_eq!(fault.setting, format!("REPLICATOR_{name}"));
    fault.problem.to_string()
}

#[test]
fn only_routes_are_required_and_the_other_settings_have_defaults() {
    let settings = raw(&[("ROUTES", "us-east-2=us-east-1")]).parse().expect("settings");
    assert_eq!(settings.spoke_role_name, "failover-replicator-spoke");
    assert_eq!(settings.failover_role_name, "failover-replicator-failover");
    assert_eq!(settings.trusted_writers, TrustedWriters::default());
    assert_eq!(settings.on_target_change, OnTargetChange::Report);
    assert_eq!(settings.spoke_external_id, None);
    assert_eq!(settings.operator_role_arn, None);
    assert_eq!(settings.sns_topic, None);
    assert_eq!(settings.table, TableSetting::Unset);
    assert_eq!(settings.accounts, AccountFilter::default());
    assert!(settings.names.matches("/anything"));
    assert!(!settings.names.matches("/cdk-bootstrap/hnb659fds/version"));
    assert_eq!(settings.kms_keys, KmsKeys::default());
    assert_eq!(settings.on_conflict, OnConflict::Report);
    assert_eq!(settings.delete_grace_days, 1);
    assert_eq!(settings.max_deletes, MaxDeletes::Percent(10));
    assert!((settings.source_quota_share - 0.5).abs() < f64::EPSILON);
    assert!((settings.target_quota_share - 0.9).abs() < f64::EPSILON);
    assert!(settings.quotas.is_empty());
    assert_eq!(settings.account_concurrency, 64);
    assert_eq!(settings.items_in_flight, 100_000);
    assert_eq!(settings.event_concurrency, 2);
}

#[test]
fn all_faults_are_reported_together() {
    let error = raw(&[
        ("ROUTES", "us-east-2"),
        ("MAX_DELETES", "lots"),
        ("ROUTE", "us-east-2=us-east-1"),
        ("QUOTAS", "ssm:/a b"),
        ("EVENT_CONCURRENCY", "0"),
    ])
    .parse()
    .expect_err("five faults");
    insta::assert_snapshot!(error, @r#"
    5 settings are invalid:
      invalid `REPLICATOR_EVENT_CONCURRENCY` value `0`: out of range; expected an integer from 1 to 1000
      invalid `REPLICATOR_MAX_DELETES` value `lots`: neither an integer nor a percentage from 0% to 100%; expected an integer such as `25`, or a percentage from `0%` to `100%`
      invalid `REPLICATOR_QUOTAS` value `ssm:/a b`: expected the name of a parameter after `ssm:`: the name contains the character ' '; the name of a parameter contains only letters, digits and `_.-/`; expected a JSON object from `account/region/bucket` to calls per second, where `*` matches every account, Region or bucket, such as `{"111122223333/us-east-2/ssm.read":1000,"*/*/ssm.control":10}`
      unknown setting `REPLICATOR_ROUTE`; did you mean `REPLICATOR_ROUTES`?
      invalid `REPLICATOR_ROUTES` value `us-east-2`: `us-east-2` is not a route; write `SOURCE=TARGET[,TARGET]`, such as `us-east-2=us-east-1,us-west-2`; expected `SOURCE=TARGET[,TARGET]`, separated by `;`, such as `us-east-2=us-east-1,us-west-2;eu-west-1=eu-central-1`
    "#);
}

#[test]
fn an_empty_variable_is_not_set() {
    assert_eq!(with("SPOKE_EXTERNAL_ID", " ").spoke_external_id, None);
    assert_eq!(with("MAX_DELETES", "").max_deletes, MaxDeletes::Percent(10));
    let error = raw(&[("ROUTES", "")]).parse().expect_err("no route");
    assert_eq!(error.faults[0].problem, SettingProblem::Missing);
}

#[test]
fn only_the_lambda_needs_a_topic_and_a_table() {
    let error = raw(&[GOOD_ROUTES]).parse_for_lambda().expect_err("no topic and no table");
    let missing: Vec<&str> = error.faults.iter().map(|fault| fault.setting.as_str()).collect();
    assert_eq!(missing, ["REPLICATOR_SNS_TOPIC_ARN", "REPLICATOR_TABLE"]);
    let arn = "arn:aws:sns:us-east-1:111122223333:alerts";
    let settings =
        raw(&[GOOD_ROUTES, ("SNS_TOPIC_ARN", arn), ("TABLE", "none")]).parse_for_lambda();
    let topic = settings.expect("settings").sns_topic.expect("a topic");
    assert_eq!((topic.arn.as_str(), topic.region.as_str()), (arn, "us-east-1"));
}

#[test]
fn each_setting_is_read() {
    assert_eq!(with("SPOKE_ROLE_NAME", "a+b=c,d.e@f-g_h").spoke_role_name, "a+b=c,d.e@f-g_h");
    assert_eq!(with("FAILOVER_ROLE_NAME", "dr").failover_role_name, "dr");
    assert_eq!(with("ON_TARGET_CHANGE", "restore").on_target_change, OnTargetChange::Restore);
    let roles = BTreeSet::from(["old-spoke", "predecessor"].map(str::to_owned));
    let trusted = with("TRUSTED_WRITERS", "predecessor, old-spoke").trusted_writers;
    assert_eq!(trusted, TrustedWriters::Roles(roles));
    assert_eq!(with("TABLE", "none").table, TableSetting::NoTable);
    let table = TableSetting::Named("failover-replicator".to_owned());
    assert_eq!(with("TABLE", "failover-replicator").table, table);
    let external = with("SPOKE_EXTERNAL_ID", "a:/b").spoke_external_id;
    assert_eq!(external.as_deref(), Some("a:/b"));
    let arn = "arn:aws-us-gov:iam::111122223333:role/ops/hub";
    assert_eq!(with("OPERATOR_ROLE_ARN", arn).operator_role_arn.as_deref(), Some(arn));
    let both =
        BTreeSet::from(["111122223333", "444455556666"].map(|a| AccountId::parse(a).unwrap()));
    assert_eq!(with("INCLUDE_ACCOUNTS", "111122223333, 444455556666,").accounts.include, both);
    assert_eq!(with("EXCLUDE_ACCOUNTS", "444455556666,111122223333").accounts.exclude, both);
    let ous = "o-a1b2c3d4e5/r-f6g7,o-a1b2c3d4e5/r-f6g7/ou-f6g7-h8i9j0k1/";
    let units = ["o-a1b2c3d4e5/r-f6g7/", "o-a1b2c3d4e5/r-f6g7/ou-f6g7-h8i9j0k1/"];
    assert_eq!(with("INCLUDE_OUS", ous).accounts.include_ous, units);
    assert_eq!(with("EXCLUDE_OUS", ous).accounts.exclude_ous, units);
    let names = with("INCLUDE_NAMES", "/a/{b,c}/*, /d").names;
    assert!(["/a/b/x", "/a/c/x", "/d"].iter().all(|name| names.matches(name)));
    assert!(!names.matches("/a/d/x"));
    let bookkeeping = "/cdk-bootstrap/hnb659fds/version";
    for (exclude, leaves_out) in [
        ("/a/*", [true, false, false]),
        ("default", [false, true, false]),
        ("default, /a/*", [true, true, false]),
        ("/default,/a/b", [true, false, true]),
    ] {
        let names = with("EXCLUDE_NAMES", exclude).names;
        let left_out = ["/a/b", bookkeeping, "default"].map(|name| !names.matches(name));
        assert_eq!(left_out, leaves_out, "{exclude}");
    }
    assert_ne!(with("KMS_KEYS", r#"{"alias/a":"alias/b"}"#).kms_keys, KmsKeys::default());
    assert_eq!(with("ON_CONFLICT", "adopt").on_conflict, OnConflict::Adopt);
    assert_eq!(with("DELETE_GRACE_DAYS", "30").delete_grace_days, 30);
    assert_eq!(with("MAX_DELETES", "25").max_deletes, MaxDeletes::Count(25));
    assert!((with("SOURCE_QUOTA_SHARE", "1").source_quota_share - 1.0).abs() < f64::EPSILON);
    assert!((with("TARGET_QUOTA_SHARE", ".25").target_quota_share - 0.25).abs() < f64::EPSILON);
    assert_eq!(with("QUOTAS", r#"{"*/*/ssm.read":1000}"#).quotas.len(), 1);
    assert_eq!(with("ACCOUNT_CONCURRENCY", "1").account_concurrency, 1);
    assert_eq!(with("ITEMS_IN_FLIGHT", "1000").items_in_flight, 1000);
    assert_eq!(with("EVENT_CONCURRENCY", "8").event_concurrency, 8);
}

#[test]
fn an_invalid_setting_reports_the_reason() {
    for (name, value, why) in [
        ("SPOKE_ROLE_NAME", "path/role", "not the name of a role"),
        ("FAILOVER_ROLE_NAME", "path/role", "not the name of a role"),
        ("FAILOVER_ROLE_NAME", "failover-replicator-spoke", "the same role as"),
        ("TRUSTED_WRITERS", "old-*", "`old-*` is a pattern"),
        ("TRUSTED_WRITERS", "*", "only for an emulator on loopback"),
        ("TRUSTED_WRITERS", "path/old", "`path/old` has a path"),
        ("TRUSTED_WRITERS", "old,", "empty name"),
        ("TRUSTED_WRITERS", "failover-replicator-failover", "is REPLICATOR_FAILOVER_ROLE_NAME"),
        ("ON_TARGET_CHANGE", "Restore", "unknown value"),
        ("SPOKE_EXTERNAL_ID", "x", "not an external id"),
        ("OPERATOR_ROLE_ARN", "arn:aws:iam::111122223333:user/me", "not the ARN of a role"),
        ("OPERATOR_ROLE_ARN", "arn:aws:iam::1111:role/me", "not the ARN of a role"),
        ("OPERATOR_ROLE_ARN", "arn:aws-ü:iam::111122223333:role/me", "not the ARN of a role"),
        ("SNS_TOPIC_ARN", "alerts", "not the ARN of a topic"),
        ("SNS_TOPIC_ARN", "arn:aws\n:sns:us-east-1:111122223333:a", "not the ARN of a topic"),
        ("SNS_TOPIC_ARN", "arn:aws:sns:x:111122223333:alerts", "the Region in the ARN is invalid"),
        ("SNS_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:a b", "is not the name of a topic"),
        ("SNS_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:a.fifo", "a FIFO topic"),
        ("INCLUDE_ACCOUNTS", "111122223333;444455556666", "is not an account id"),
        ("EXCLUDE_ACCOUNTS", "prod", "`prod` is not an account id"),
        ("INCLUDE_OUS", "ou-f6g7-h8i9j0k1", "is not the path of an organisational unit"),
        ("EXCLUDE_OUS", "/Prod", "`/Prod` is not the path of an organisational unit"),
        ("INCLUDE_NAMES", "/a/[b", "invalid glob `/a/[b`: unclosed character class"),
        ("EXCLUDE_NAMES", "/a/{b", "invalid glob `/a/{b`: unclosed alternate group"),
        ("KMS_KEYS", "alias/a=alias/b", "invalid JSON: expected value at line 1 column 1"),
        (
            "KMS_KEYS",
            r#"{"alias/a":{"eu-west-1":"alias/b"}}"#,
            "eu-west-1 is not the target of a route",
        ),
        ("ON_CONFLICT", "overwrite", "unknown value"),
        ("DELETE_GRACE_DAYS", "-1", "not an integer"),
        ("DELETE_GRACE_DAYS", "3651", "out of range"),
        ("MAX_DELETES", "101%", "neither an integer nor a percentage"),
        ("SOURCE_QUOTA_SHARE", "0", "out of range"),
        ("SOURCE_QUOTA_SHARE", "NaN", "out of range"),
        ("TARGET_QUOTA_SHARE", "90%", "not a number"),
        ("QUOTAS", r#"{"*/*/ssm.put":1}"#, "unknown bucket `ssm.put`"),
        ("ACCOUNT_CONCURRENCY", "0", "out of range"),
        ("ITEMS_IN_FLIGHT", "100,000", "not an integer"),
        ("EVENT_CONCURRENCY", "99999999999999999999", "out of range"),
    ] {
        let problem = problem(name, value);
        assert!(problem.contains(why), "{name}={value}: {problem}");
    }
}

#[test]
fn a_long_value_is_cut_and_the_value_of_an_unknown_variable_is_not_shown() {
    let long = format!("{{\"a\":{}}}", "1".repeat(500));
    let error = raw(&[GOOD_ROUTES, ("QUOTAS", &long), ("TOKEN", "canary")]).parse();
    let text = error.expect_err("two faults").to_string();
    assert!(!text.contains("canary"), "{text}");
    assert!(text.len() < 1000, "{text}");
    let name = format!("TOKEN\n{}", "X".repeat(500));
    let text = raw(&[GOOD_ROUTES, (&name, "canary")]).parse().expect_err("no setting").to_string();
    assert!(text.lines().count() == 1 && text.len() < 300, "{text}");
}

#[test]
fn every_default_is_valid() {
    for setting in known() {
        if let Some(default) = setting.default {
            with(setting.name.strip_prefix("REPLICATOR_").expect("the prefix"), default);
        }
    }
}

#[test]
fn roles_are_compared_with_each_other_by_their_exact_names() {
    let both = |failover: &str, trusted: &str| {
        raw(&[
            GOOD_ROUTES,
            ("SPOKE_ROLE_NAME", "spoke"),
            ("FAILOVER_ROLE_NAME", failover),
            ("TRUSTED_WRITERS", trusted),
        ])
        .parse()
        .map_err(|error| error.faults.into_iter().map(|fault| fault.setting).collect::<Vec<_>>())
    };
    assert!(both("failover", "spoke").is_ok(), "the spoke role always counts as the hub");
    assert!(both("Spoke", "failover").is_ok(), "upper and lower case are different");
    let failover = "REPLICATOR_FAILOVER_ROLE_NAME".to_owned();
    let trusted = "REPLICATOR_TRUSTED_WRITERS".to_owned();
    assert_eq!(both("failover", "a,failover").unwrap_err(), std::slice::from_ref(&trusted));
    assert_eq!(both("spoke", "spoke").unwrap_err(), std::slice::from_ref(&failover));
    assert_eq!(both("a/b", "c*").unwrap_err(), [failover, trusted]);
}

#[test]
fn every_writer_is_trusted_only_with_an_endpoint_on_loopback() {
    let trusted = |endpoint: &str| {
        let variables = [
            ("REPLICATOR_ROUTES", "us-east-2=us-east-1"),
            ("REPLICATOR_TRUSTED_WRITERS", " * "),
            ("AWS_ENDPOINT_URL", endpoint),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        RawSettings::from_variables(variables.into_iter()).parse()
    };
    let settings = trusted("http://localhost:5000").expect("settings");
    assert_eq!(settings.trusted_writers, TrustedWriters::Anyone);
    let error = trusted("https://ssm.us-east-1.amazonaws.com").expect_err("AWS itself");
    insta::assert_snapshot!(error, @"invalid `REPLICATOR_TRUSTED_WRITERS` value `*`: `*` trusts every writer and is only for an emulator on loopback, but the host of AWS_ENDPOINT_URL is not `localhost`, `[::1]` or in 127.0.0.0/8; expected exact names of roles without their paths, separated by commas, such as `parameter-store-replication,old-spoke`; or only `*`, if AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_SSM is an emulator on loopback");
}
