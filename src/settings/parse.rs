//! Converts the text of each setting to its value. A fault of one setting does not prevent the check of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::fault::{SettingFault, SettingProblem, SettingsError};
use super::known::{self as names, KnownSetting};
use super::trusted_writers::{self, Endpoint};
use super::{
    AccountFilter, MaxDeletes, OnConflict, OnTargetChange, Settings, TableSetting, Topic, maps,
};
use crate::domain::{
    AccountId, KmsKeys, NameFilter, Region, Routes, TrustedWriters, shown, split_globs,
};

/// The program that reads the settings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SettingsReader {
    Terminal,
    Lambda,
}

/// The text of each setting, and the faults so far.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) texts: BTreeMap<&'static str, String>,
    /// Settings with a recorded fault. Their defaults do not apply, because the operator intended another value.
    pub(super) unread: Vec<&'static str>,
    pub(super) faults: Vec<SettingFault>,
    pub(super) endpoint: Endpoint,
}

/// The fault of the setting is already recorded.
struct FaultRecorded;

pub(super) fn settings(
    resolved: Resolved,
    reader: SettingsReader,
) -> Result<Settings, SettingsError> {
    let mut texts = SettingTexts(resolved);
    let settings = check(&mut texts, reader);
    let mut faults = texts.0.faults;
    faults.sort_by(|a, b| a.setting.cmp(&b.setting));
    match settings {
        Ok(settings) if faults.is_empty() => Ok(settings),
        _ => Err(SettingsError { faults }),
    }
}

fn check(texts: &mut SettingTexts, reader: SettingsReader) -> Result<Settings, FaultRecorded> {
    // Every setting is read before the first `?`, so that all faults are reported together.
    let routes = texts.required(&names::ROUTES, Routes::parse);
    let roles = roles(texts);
    let spoke_external_id = texts.optional(&names::SPOKE_EXTERNAL_ID, external_id);
    let operator_role_arn = texts.optional(&names::OPERATOR_ROLE_ARN, role_arn);
    let sns_topic = match reader {
        SettingsReader::Terminal => texts.optional(&names::SNS_TOPIC_ARN, topic),
        SettingsReader::Lambda => texts.required(&names::SNS_TOPIC_ARN, topic).map(Some),
    };
    let table = match reader {
        SettingsReader::Terminal => texts.optional(&names::TABLE, table),
        SettingsReader::Lambda => texts.required(&names::TABLE, table).map(Some),
    };
    let accounts = account_filter(texts);
    let names = name_filter(texts);
    let kms_keys = kms_keys(texts, routes.as_ref().ok());
    let on_conflict = texts.required(&names::ON_CONFLICT, on_conflict);
    let on_target_change = texts.required(&names::ON_TARGET_CHANGE, on_target_change);
    let delete_grace_days = texts.required(&names::DELETE_GRACE_DAYS, |t| integer(t, 0..=3650));
    let max_deletes = texts.required(&names::MAX_DELETES, MaxDeletes::parse);
    let source_quota_share = texts.required(&names::SOURCE_QUOTA_SHARE, share);
    let target_quota_share = texts.required(&names::TARGET_QUOTA_SHARE, share);
    let quotas = texts.required(&names::QUOTAS, maps::quotas);
    let account_concurrency = texts.required(&names::ACCOUNT_CONCURRENCY, |t| integer(t, 1..=1000));
    let items_in_flight =
        texts.required(&names::ITEMS_IN_FLIGHT, |t| integer(t, 1000..=10_000_000));
    let event_concurrency = texts.required(&names::EVENT_CONCURRENCY, |t| integer(t, 1..=1000));

    let Roles { spoke, failover, trusted } = roles?;
    Ok(Settings {
        routes: routes?,
        spoke_role_name: spoke,
        failover_role_name: failover,
        trusted_writers: trusted,
        spoke_external_id: spoke_external_id?,
        operator_role_arn: operator_role_arn?,
        sns_topic: sns_topic?,
        table: table?.unwrap_or(TableSetting::Unset),
        accounts: accounts?,
        names: names?,
        kms_keys: kms_keys?,
        on_conflict: on_conflict?,
        on_target_change: on_target_change?,
        delete_grace_days: delete_grace_days?,
        max_deletes: max_deletes?,
        source_quota_share: source_quota_share?,
        target_quota_share: target_quota_share?,
        quotas: quotas?,
        account_concurrency: account_concurrency?,
        items_in_flight: items_in_flight?,
        event_concurrency: event_concurrency?,
    })
}

/// The three settings that name roles. Each is checked against the others.
struct Roles {
    spoke: String,
    failover: String,
    trusted: TrustedWriters,
}

fn roles(texts: &mut SettingTexts) -> Result<Roles, FaultRecorded> {
    let spoke = texts.required(&names::SPOKE_ROLE_NAME, role_name);
    let failover = texts.required(&names::FAILOVER_ROLE_NAME, |text| {
        let name = role_name(text)?;
        match &spoke {
            Ok(spoke) if *spoke == name => Err(
                "the same role as REPLICATOR_SPOKE_ROLE_NAME, so that no version would count as the hub's",
            ),
            _ => Ok(name),
        }
    });
    let endpoint = std::mem::take(&mut texts.0.endpoint);
    let trusted = texts.optional(&names::TRUSTED_WRITERS, |text| {
        let failover = failover.as_ref().ok().map(String::as_str);
        trusted_writers::parse(text, failover, &endpoint)
    });
    Ok(Roles { spoke: spoke?, failover: failover?, trusted: trusted?.unwrap_or_default() })
}

fn account_filter(texts: &mut SettingTexts) -> Result<AccountFilter, FaultRecorded> {
    let include = texts.optional(&names::INCLUDE_ACCOUNTS, accounts);
    let exclude = texts.optional(&names::EXCLUDE_ACCOUNTS, accounts);
    let include_ous = texts.optional(&names::INCLUDE_OUS, ous);
    let exclude_ous = texts.optional(&names::EXCLUDE_OUS, ous);
    Ok(AccountFilter {
        include: include?.unwrap_or_default(),
        exclude: exclude?.unwrap_or_default(),
        include_ous: include_ous?.unwrap_or_default(),
        exclude_ous: exclude_ous?.unwrap_or_default(),
    })
}

/// In `EXCLUDE_NAMES` the word `default` means the bookkeeping of deployment tools. A parameter of this name is `/default`.
fn name_filter(texts: &mut SettingTexts) -> Result<NameFilter, FaultRecorded> {
    const DEFAULT: &str = "default";
    let include = texts.optional(&names::INCLUDE_NAMES, globs);
    let exclude = texts.required(&names::EXCLUDE_NAMES, globs);
    let (include, exclude) = (include?.unwrap_or_default(), exclude?);
    let excluded = exclude.iter().map(String::as_str).filter(|glob| *glob != DEFAULT);
    let filter = NameFilter::new(include.iter().map(String::as_str), excluded);
    let filter = if exclude.iter().any(|glob| glob == DEFAULT) {
        filter.and_then(NameFilter::without_bookkeeping)
    } else {
        filter
    };
    // Each glob alone was valid, so the filter is valid too.
    filter.map_err(|error| texts.invalid(&names::INCLUDE_NAMES, None, &error))
}

fn kms_keys(texts: &mut SettingTexts, routes: Option<&Routes>) -> Result<KmsKeys, FaultRecorded> {
    let targets: Option<Vec<&Region>> =
        routes.map(|routes| routes.iter().flat_map(|route| &route.targets).collect());
    texts.required(&names::KMS_KEYS, |text| {
        let keys = maps::kms_keys(text)?;
        match targets.as_ref().and_then(|targets| maps::region_without_route(&keys, targets)) {
            Some(region) => Err(format!("{region} is not the target of a route")),
            None => Ok(KmsKeys::new(keys)),
        }
    })
}

struct SettingTexts(Resolved);

impl SettingTexts {
    /// The value of the setting, or its default.
    fn required<T, E: Display>(
        &mut self,
        setting: &KnownSetting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, FaultRecorded> {
        match self.optional(setting, parse)? {
            Some(value) => Ok(value),
            None => Err(self.record(setting, None, SettingProblem::Missing)),
        }
    }

    /// The value of the setting, or its default. `None` if the setting has neither.
    fn optional<T, E: Display>(
        &mut self,
        setting: &KnownSetting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, FaultRecorded> {
        if self.0.unread.contains(&setting.name) {
            return Err(FaultRecorded);
        }
        let text = self.0.texts.remove(setting.name);
        let Some(text) = text.or_else(|| setting.default.map(str::to_owned)) else {
            return Ok(None);
        };
        match parse(&text) {
            Ok(value) => Ok(Some(value)),
            Err(reason) => Err(self.invalid(setting, Some(&text), &reason)),
        }
    }

    fn invalid(
        &mut self,
        setting: &KnownSetting,
        read: Option<&str>,
        reason: &dyn Display,
    ) -> FaultRecorded {
        self.record(setting, read, SettingProblem::Invalid(reason.to_string()))
    }

    fn record(
        &mut self,
        setting: &KnownSetting,
        read: Option<&str>,
        problem: SettingProblem,
    ) -> FaultRecorded {
        self.0.faults.push(SettingFault::new(setting, read, problem));
        FaultRecorded
    }
}

/// Checks the name of a role by the rule of IAM.
pub(super) fn role_name(text: &str) -> Result<String, &'static str> {
    if text.len() <= 64 && made_of(text, "_+=,.@-") {
        Ok(text.to_owned())
    } else {
        Err("not the name of a role")
    }
}

/// Checks an external id by the rule of STS.
fn external_id(text: &str) -> Result<String, &'static str> {
    if (2..=1224).contains(&text.len()) && made_of(text, "_+=,.@:/-") {
        Ok(text.to_owned())
    } else {
        Err("not an external id")
    }
}

fn role_arn(text: &str) -> Result<String, &'static str> {
    let is_role = matches!(
        text.splitn(6, ':').collect::<Vec<_>>().as_slice(),
        ["arn", partition, "iam", "", account, resource]
            if is_partition(partition)
                && AccountId::parse(account).is_ok()
                && resource.strip_prefix("role/").is_some_and(|name| made_of(name, "_+=,.@/-"))
    );
    if is_role { Ok(text.to_owned()) } else { Err("not the ARN of a role") }
}

fn topic(text: &str) -> Result<Topic, &'static str> {
    match text.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "sns", region, account, name]
            if is_partition(partition) && AccountId::parse(account).is_ok() =>
        {
            if name.strip_suffix(".fifo").is_some() {
                return Err("a FIFO topic requires message groups, which digests do not have");
            }
            let region = Region::parse(region).map_err(|_| "the Region in the ARN is invalid")?;
            if name.len() <= 256 && made_of(name, "_-") {
                Ok(Topic { arn: text.to_owned(), region })
            } else {
                Err("the name in the ARN is not the name of a topic")
            }
        }
        _ => Err("not the ARN of a topic"),
    }
}

/// Checks the name of a table by the rule of `DynamoDB`. `none` is not a possible name of the hub's table.
fn table(text: &str) -> Result<TableSetting, &'static str> {
    if text == "none" {
        Ok(TableSetting::NoTable)
    } else if (3..=255).contains(&text.len()) && made_of(text, "_.-") {
        Ok(TableSetting::Named(text.to_owned()))
    } else {
        Err("not the name of a table")
    }
}

/// Checks the form only, so that partitions of the future are accepted like `aws`, `aws-cn` and `aws-us-gov`.
fn is_partition(text: &str) -> bool {
    text.starts_with("aws") && made_of(text, "-")
}

/// Whether `text` is not empty and contains only letters, digits and `others`.
fn made_of(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn accounts(text: &str) -> Result<BTreeSet<AccountId>, String> {
    parts(text).map(|part| AccountId::parse(part).map_err(|e| e.to_string())).collect()
}

/// Paths of units, each with a final `/`, so that the path of one unit is never a prefix of another unit's path.
fn ous(text: &str) -> Result<Vec<String>, String> {
    let is_path = |path: &str| {
        let mut ids = path.split('/');
        let begins = |id: Option<&str>, prefix: &str| {
            id.and_then(|id| id.strip_prefix(prefix)).is_some_and(|rest| made_of(rest, "-"))
        };
        begins(ids.next(), "o-")
            && begins(ids.next(), "r-")
            && ids.all(|id| begins(Some(id), "ou-"))
    };
    parts(text)
        .map(|part| match part.strip_suffix('/').unwrap_or(part) {
            path if is_path(path) => Ok(format!("{path}/")),
            _ => Err(format!("`{}` is not the path of an organisational unit", shown(part))),
        })
        .collect()
}

/// Globs, separated by commas. A comma inside `{a,b}` belongs to the glob.
fn globs(text: &str) -> Result<Vec<String>, String> {
    let mut globs = Vec::new();
    for glob in split_globs(text, |c| c == ',') {
        if let Err(error) = NameFilter::new([glob], []) {
            let reason = shown(&error.kind().to_string());
            return Err(format!("invalid glob `{}`: {reason}", shown(glob)));
        }
        globs.push(glob.to_owned());
    }
    Ok(globs)
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn on_conflict(text: &str) -> Result<OnConflict, &'static str> {
    match text {
        "report" => Ok(OnConflict::Report),
        "adopt" => Ok(OnConflict::Adopt),
        _ => Err("unknown value"),
    }
}

fn on_target_change(text: &str) -> Result<OnTargetChange, &'static str> {
    match text {
        "report" => Ok(OnTargetChange::Report),
        "restore" => Ok(OnTargetChange::Restore),
        _ => Err("unknown value"),
    }
}

fn share(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        Ok(_) => Err("out of range"),
        Err(_) => Err("not a number"),
    }
}

fn integer<T: FromStr + PartialOrd>(
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, &'static str> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("not an integer");
    }
    text.parse().ok().filter(|number| range.contains(number)).ok_or("out of range")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
