//! Settings from environment variables. A line is `NAME=value`; a line without `=` continues the previous value.

use std::collections::{BTreeMap, BTreeSet};

use failover_replicator::domain::{Routes, TrustedWriters};
use failover_replicator::settings::{
    ENDPOINT_VARIABLES, MaxDeletes, PREFIX, RawSettings, SettingFault, Settings, SettingsError,
    TableSetting, known,
};

use super::{check_message, check_one_line};

/// More than the number of settings.
const VARIABLES: usize = 32;
/// The maximum number of unknown variables: the search for the nearest known name is slow.
const UNKNOWN_VARIABLES: usize = 2;
const ROUTES: &str = "REPLICATOR_ROUTES";
/// Settings that are compared with other settings.
const COMPARED: [&str; 3] = [ROUTES, "REPLICATOR_SPOKE_ROLE_NAME", "REPLICATOR_FAILOVER_ROLE_NAME"];
/// Settings that only the Lambda function requires.
const REQUIRED_IN_LAMBDA: [&str; 2] = ["REPLICATOR_SNS_TOPIC_ARN", "REPLICATOR_TABLE"];
/// The variable with the value of the parameters to which settings refer.
const FETCHED: &str = "FETCHED";

/// Checks the properties for any bytes. Inputs that refer to a file are skipped: the file is not part of the input.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let variables = variables(&text);
    let unknown = variables.iter().filter(|(name, _)| name.starts_with(PREFIX) && !is_known(name));
    if variables.len() > VARIABLES
        || unknown.count() > UNKNOWN_VARIABLES
        || variables.iter().any(in_a_file)
    {
        return;
    }
    let answer = raw(&variables).parse();
    let mut with_others = variables.clone();
    with_others.push(("PATH".to_owned(), "/bin".to_owned()));
    check_same(&answer, &raw(&with_others).parse());
    match &answer {
        Ok(settings) => check_settings(settings),
        Err(error) => {
            check_all_faults(error, &variables, bytes.len() % 5);
            check_hidden_values(error, &variables);
        }
    }
    check_lambda(&answer, &variables);
    check_references(&variables);
}

fn variables(text: &str) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = Vec::new();
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        match (line.split_once('='), variables.last_mut()) {
            (Some((name, value)), _) => variables.push((name.to_owned(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push('\n');
                value.push_str(line);
            }
            (None, None) => {}
        }
    }
    variables
}

fn in_a_file((name, value): &(String, String)) -> bool {
    name.starts_with(PREFIX) && value.trim().starts_with("file:")
}

fn is_known(name: &str) -> bool {
    known().iter().any(|setting| setting.name == name) || ENDPOINT_VARIABLES.contains(&name)
}

fn raw(variables: &[(String, String)]) -> RawSettings {
    RawSettings::from_variables(variables.iter().cloned())
}

type Answer = Result<Settings, SettingsError>;

/// Both results are equal: a variable of another program has no effect.
fn check_same(one: &Answer, other: &Answer) {
    match (one, other) {
        (Ok(one), Ok(other)) => assert_eq!(comparable(one), comparable(other)),
        (Err(one), Err(other)) => assert_eq!(one, other),
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => panic!("a different result: {error}"),
    }
}

/// All settings except the globs, which are compiled.
fn comparable(settings: &Settings) -> String {
    let Settings { routes, spoke_role_name, spoke_external_id, operator_role_arn, .. } = settings;
    let Settings { sns_topic, accounts, kms_keys, on_conflict, delete_grace_days, .. } = settings;
    let Settings { max_deletes, source_quota_share, target_quota_share, quotas, .. } = settings;
    let Settings { account_concurrency, items_in_flight, event_concurrency, .. } = settings;
    let Settings { failover_role_name, trusted_writers, on_target_change, table, .. } = settings;
    format!(
        "{routes:?} {spoke_role_name} {spoke_external_id:?} {operator_role_arn:?} {sns_topic:?} {accounts:?} \
         {kms_keys:?} {on_conflict:?} {delete_grace_days} {max_deletes} {source_quota_share} {target_quota_share} \
         {quotas:?} {account_concurrency} {items_in_flight} {event_concurrency} {failover_role_name} \
         {trusted_writers:?} {on_target_change:?} {table:?}"
    )
}

/// Accepted settings satisfy every rule.
fn check_settings(settings: &Settings) {
    let routes: Vec<String> = settings.routes.iter().map(ToString::to_string).collect();
    assert!(!routes.is_empty(), "no route");
    assert_eq!(Routes::parse(&routes.join(";")).as_ref(), Ok(&settings.routes));
    for route in settings.routes.iter() {
        assert!(!route.targets.contains(&route.source), "{route}");
        assert_eq!(route.targets.iter().collect::<BTreeSet<_>>().len(), route.targets.len());
    }
    assert_eq!(MaxDeletes::parse(&settings.max_deletes.to_string()), Ok(settings.max_deletes));
    for share in [settings.source_quota_share, settings.target_quota_share] {
        assert!(share > 0.0 && share <= 1.0, "{share}");
    }
    for quota in &settings.quotas {
        let rate = quota.calls_per_second;
        assert!(rate > 0.0 && rate.is_finite(), "{rate}");
    }
    assert!((1..=1000).contains(&settings.account_concurrency));
    assert!((1000..=10_000_000).contains(&settings.items_in_flight));
    assert!((1..=1000).contains(&settings.event_concurrency));
    assert!(settings.delete_grace_days <= 3650);
    if let Some(topic) = &settings.sns_topic {
        assert!(topic.arn.contains(&format!(":sns:{}:", topic.region)), "{}", topic.arn);
    }
    let filter = &settings.accounts;
    assert!(filter.include_ous.iter().chain(&filter.exclude_ous).all(|path| path.ends_with('/')));
    let named = [&settings.spoke_role_name].into_iter().chain(&settings.spoke_external_id);
    let arns =
        settings.operator_role_arn.iter().chain(settings.sns_topic.iter().map(|topic| &topic.arn));
    for text in named.chain(arns) {
        assert!(text.bytes().all(|b| b.is_ascii_graphic()), "{text}");
    }
    assert_ne!(settings.failover_role_name, settings.spoke_role_name);
    if let TrustedWriters::Roles(roles) = &settings.trusted_writers {
        assert!(!roles.contains(&settings.failover_role_name), "{roles:?}");
        assert!(roles.iter().all(|role| !role.is_empty() && !role.contains(['*', '/', ':'])));
    }
    // Matching never fails, whatever the globs are.
    for name in ["", "/", "/shop/db/host", "db/main-a1b2c3"] {
        let _in_scope = settings.names.matches(name);
    }
}

/// The error lists all faults at once: the faults of one half of the variables and those of the other half. `bit`
/// selects the halves, so that any two variables can be in different halves.
fn check_all_faults(error: &SettingsError, variables: &[(String, String)], bit: usize) {
    assert!(!error.faults.is_empty(), "an error without a fault");
    error.faults.iter().for_each(check_fault);
    let lines = if let [_] = error.faults.as_slice() { 1 } else { error.faults.len() + 1 };
    assert_eq!(error.to_string().split('\n').count(), lines, "{error}");

    let given: BTreeMap<&str, &str> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, value)| {
            let means_something = name.starts_with(PREFIX) && !value.trim().is_empty();
            means_something || ENDPOINT_VARIABLES.contains(name)
        })
        .collect();
    let mut apart: BTreeSet<String> = BTreeSet::new();
    for half in 0..2 {
        // A key's Region must be the target of a route, and the roles must differ, so both halves have these settings.
        let in_both = |name: &str| COMPARED.contains(&name) || ENDPOINT_VARIABLES.contains(&name);
        let given = given
            .iter()
            .enumerate()
            .filter(|(at, (name, _))| at >> bit & 1 == half || in_both(name));
        let given = given.map(|(_, (name, value))| ((*name).to_owned(), (*value).to_owned()));
        let faults = RawSettings::from_variables(given).parse().err();
        let faults = faults.map_or_else(Vec::new, |error| error.faults);
        apart.extend(faults.iter().map(ToString::to_string));
    }
    let together: BTreeSet<String> = error.faults.iter().map(ToString::to_string).collect();
    assert_eq!(together, apart);
}

/// The error shows the value of no unknown variable, only the name.
fn check_hidden_values(error: &SettingsError, variables: &[(String, String)]) {
    if variables.iter().all(|(name, _)| is_known(name)) {
        return;
    }
    let hidden = variables.iter().cloned().map(|(name, value)| {
        let shown = is_known(&name) || value.trim().is_empty();
        let value = if shown { value } else { "hidden".to_owned() };
        (name, value)
    });
    assert_eq!(RawSettings::from_variables(hidden).parse().err().as_ref(), Some(error));
}

fn check_fault(fault: &SettingFault) {
    let SettingFault { setting, read, problem, accepted } = fault;
    check_message(&problem.to_string());
    check_message(accepted);
    check_message(setting);
    assert!(setting.starts_with(PREFIX), "{setting}");
    assert!(setting.chars().count() <= 81, "{setting}");
    if let Some(read) = read {
        check_one_line(read);
        assert!(read.chars().count() <= 81, "{read}");
    }
    if let Some(known) = known().iter().find(|known| known.name == setting) {
        assert_eq!(accepted, known.accepted);
    } else {
        assert_eq!(*read, None);
        assert!(known().iter().any(|known| accepted.contains(known.name)), "{accepted}");
    }
}

/// The Lambda function requires a topic and a table. All other faults are the same.
fn check_lambda(answer: &Answer, variables: &[(String, String)]) {
    match (answer, raw(variables).parse_for_lambda()) {
        (Ok(settings), Ok(lambda)) => {
            assert!(lambda.sns_topic.is_some(), "the Lambda function has a topic");
            assert_ne!(lambda.table, TableSetting::Unset, "the Lambda function has a table");
            assert_eq!(comparable(settings), comparable(&lambda));
        }
        (Ok(settings), Err(error)) => {
            assert!(settings.sns_topic.is_none() || settings.table == TableSetting::Unset);
            let is_required =
                |fault: &SettingFault| REQUIRED_IN_LAMBDA.contains(&fault.setting.as_str());
            assert!(error.faults.iter().all(is_required), "{error}");
            error.faults.iter().for_each(check_fault);
        }
        (Err(terminal), Err(lambda)) => {
            let mut faults = lambda.faults;
            faults.retain(|fault| {
                let is_required = REQUIRED_IN_LAMBDA.contains(&fault.setting.as_str());
                !is_required || terminal.faults.contains(fault)
            });
            assert_eq!(terminal.faults, faults);
        }
        (Err(error), Ok(_)) => panic!("only hubctl refuses the settings: {error}"),
    }
}

/// Each parameter with a setting is requested once, and its value contains no further reference.
fn check_references(variables: &[(String, String)]) {
    let mut settings = raw(variables);
    let references = settings.references();
    if references.is_empty() {
        return;
    }
    let names: BTreeSet<&str> = references.iter().map(|reference| reference.setting).collect();
    assert_eq!(names.len(), references.len(), "a setting is requested twice");
    let fetched = variables.iter().find(|(name, _)| name == FETCHED);
    let fetched = fetched.map_or("us-east-2=us-east-1", |(_, value)| value.as_str());
    for reference in &references {
        let value = variables.iter().rev().find(|(name, _)| name == reference.setting);
        assert!(value.is_some(), "{} is not among the variables", reference.setting);
        settings = settings.with_fetched(&reference.name, fetched);
    }
    assert_eq!(settings.references(), []);
    if let Err(error) = settings.parse() {
        for fault in error.faults {
            check_fault(&fault);
            let problem = fault.problem.to_string();
            assert_ne!(problem, "the parameter was not fetched");
            assert!(!problem.starts_with("the file cannot be read"), "{fault}");
        }
    }
}
