//! Each setting's text → its value. A fault of one setting keeps none of the others from being checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::fault::{Fault, SettingsError};
use super::known::{self as names, Known};
use super::trusted_writers::{self, Endpoint};
use super::{AccountFilter, MaxDeletes, OnConflict, OnTargetChange, Settings, Topic, maps};
use crate::domain::{AccountId, KmsKeys, NameFilter, Region, Routes, shown, split_globs};

/// For whom the settings are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Terminal,
    Lambda,
}

/// What each setting says, and the faults so far.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) texts: BTreeMap<&'static str, String>,
    /// Settings that are among the faults already: their defaults must not be taken for what was meant.
    pub(super) unread: Vec<&'static str>,
    pub(super) faults: Vec<Fault>,
    /// Where AWS is.
    pub(super) endpoint: Endpoint,
}

/// The setting's fault is noted already.
struct Faulty;

pub(super) fn settings(resolved: Resolved, reader: For) -> Result<Settings, SettingsError> {
    let mut texts = Texts(resolved);
    let settings = check(&mut texts, reader);
    let mut faults = texts.0.faults;
    faults.sort_by(|a, b| a.setting.cmp(&b.setting));
    match settings {
        Ok(settings) if faults.is_empty() => Ok(settings),
        _ => Err(SettingsError { faults }),
    }
}

fn check(texts: &mut Texts, reader: For) -> Result<Settings, Faulty> {
    // Every setting is read before the first `?`: all faults are to be told at once.
    let routes = texts.required(&names::ROUTES, Routes::parse);
    let spoke_role_name = texts.required(&names::SPOKE_ROLE_NAME, role_name);
    let failover_role_name = texts.required(&names::FAILOVER_ROLE_NAME, |text| {
        let name = role_name(text)?;
        match &spoke_role_name {
            Ok(spoke) if *spoke == name => Err(
                "the same role as REPLICATOR_SPOKE_ROLE_NAME, so that no version would count as the hub's",
            ),
            _ => Ok(name),
        }
    });
    let endpoint = std::mem::take(&mut texts.0.endpoint);
    let trusted_writers = texts.optional(&names::TRUSTED_WRITERS, |text| {
        let failover_role = failover_role_name.as_ref().ok().map(String::as_str);
        trusted_writers::parse(text, failover_role, &endpoint)
    });
    let spoke_external_id = texts.optional(&names::SPOKE_EXTERNAL_ID, external_id);
    let operator_role_arn = texts.optional(&names::OPERATOR_ROLE_ARN, role_arn);
    let sns_topic = match reader {
        For::Terminal => texts.optional(&names::SNS_TOPIC_ARN, topic),
        For::Lambda => texts.required(&names::SNS_TOPIC_ARN, topic).map(Some),
    };
    let include = texts.optional(&names::INCLUDE_ACCOUNTS, accounts);
    let exclude = texts.optional(&names::EXCLUDE_ACCOUNTS, accounts);
    let include_ous = texts.optional(&names::INCLUDE_OUS, ous);
    let exclude_ous = texts.optional(&names::EXCLUDE_OUS, ous);
    let include_names = texts.optional(&names::INCLUDE_NAMES, globs);
    let exclude_names = texts.required(&names::EXCLUDE_NAMES, globs);
    let targets: Option<Vec<&Region>> = routes
        .as_ref()
        .ok()
        .map(|routes: &Routes| routes.iter().flat_map(|route| &route.targets).collect());
    let kms_keys = texts.required(&names::KMS_KEYS, |text| {
        let keys = maps::kms_keys(text)?;
        match targets.as_ref().and_then(|targets| maps::region_out_of_place(&keys, targets)) {
            Some(region) => Err(format!("{region} is no route's target")),
            None => Ok(KmsKeys::new(keys)),
        }
    });
    let on_conflict = texts.required(&names::ON_CONFLICT, on_conflict);
    let on_target_change = texts.required(&names::ON_TARGET_CHANGE, on_target_change);
    let delete_grace_days = texts.required(&names::DELETE_GRACE_DAYS, |t| whole(t, 0..=3650));
    let max_deletes = texts.required(&names::MAX_DELETES, MaxDeletes::parse);
    let source_quota_share = texts.required(&names::SOURCE_QUOTA_SHARE, share);
    let target_quota_share = texts.required(&names::TARGET_QUOTA_SHARE, share);
    let quotas = texts.required(&names::QUOTAS, maps::quotas);
    let account_concurrency = texts.required(&names::ACCOUNT_CONCURRENCY, |t| whole(t, 1..=1000));
    let items_in_flight = texts.required(&names::ITEMS_IN_FLIGHT, |t| whole(t, 1000..=10_000_000));
    let event_concurrency = texts.required(&names::EVENT_CONCURRENCY, |t| whole(t, 1..=1000));

    // Each glob compiled alone, so all of them compile.
    let filter = name_filter(&include_names?.unwrap_or_default(), &exclude_names?);
    Ok(Settings {
        routes: routes?,
        spoke_role_name: spoke_role_name?,
        failover_role_name: failover_role_name?,
        trusted_writers: trusted_writers?.unwrap_or_default(),
        spoke_external_id: spoke_external_id?,
        operator_role_arn: operator_role_arn?,
        sns_topic: sns_topic?,
        accounts: AccountFilter {
            include: include?.unwrap_or_default(),
            exclude: exclude?.unwrap_or_default(),
            include_ous: include_ous?.unwrap_or_default(),
            exclude_ous: exclude_ous?.unwrap_or_default(),
        },
        names: filter.map_err(|error| texts.add(&names::INCLUDE_NAMES, None, &error))?,
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

struct Texts(Resolved);

impl Texts {
    /// The setting's value or its default's.
    fn required<T, E: Display>(
        &mut self,
        setting: &Known,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Faulty> {
        match self.value(setting, parse)? {
            Some(value) => Ok(value),
            None => Err(self.add(setting, None, &"it is not set and has no default")),
        }
    }

    /// The setting's value or its default's; `None` where there is neither.
    fn optional<T, E: Display>(
        &mut self,
        setting: &Known,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Faulty> {
        self.value(setting, parse)
    }

    fn value<T, E: Display>(
        &mut self,
        setting: &Known,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Faulty> {
        if self.0.unread.contains(&setting.name) {
            return Err(Faulty);
        }
        let text = self.0.texts.remove(setting.name);
        let Some(text) = text.or_else(|| setting.default.map(str::to_owned)) else {
            return Ok(None);
        };
        match parse(&text) {
            Ok(value) => Ok(Some(value)),
            Err(problem) => Err(self.add(setting, Some(&text), &problem)),
        }
    }

    fn add(&mut self, setting: &Known, read: Option<&str>, problem: &dyn Display) -> Faulty {
        self.0.faults.push(Fault::of(setting, read, problem.to_string()));
        Faulty
    }
}

/// IAM's rule for the name of a role: at most 64 of these characters.
pub(super) fn role_name(text: &str) -> Result<String, &'static str> {
    if text.len() <= 64 && made_of(text, "_+=,.@-") {
        Ok(text.to_owned())
    } else {
        Err("not the name of a role")
    }
}

/// STS's rule for an external id.
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
                return Err("a FIFO topic, which asks for groups that a digest does not have");
            }
            let region = Region::parse(region).map_err(|_| "its Region is none")?;
            if name.len() <= 256 && made_of(name, "_-") {
                Ok(Topic { arn: text.to_owned(), region })
            } else {
                Err("its name is none of a topic")
            }
        }
        _ => Err("not the ARN of a topic"),
    }
}

/// By its shape, as Regions are known: `aws`, `aws-cn`, `aws-us-gov` and those to come.
fn is_partition(text: &str) -> bool {
    text.starts_with("aws") && made_of(text, "-")
}

/// Whether `text` is there and has only letters, digits and `others`.
fn made_of(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn accounts(text: &str) -> Result<BTreeSet<AccountId>, String> {
    parts(text).map(|part| AccountId::parse(part).map_err(|e| e.to_string())).collect()
}

/// Paths, each with a `/` at its end, so that a unit's path is no beginning of another unit's.
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
            _ => Err(format!("`{}` is not the path of a unit", shown(part))),
        })
        .collect()
}

/// Globs; a comma inside `{a,b}` is the glob's own.
fn globs(text: &str) -> Result<Vec<String>, String> {
    let mut globs = Vec::new();
    for glob in split_globs(text, |c| c == ',') {
        if let Err(error) = NameFilter::new([glob], []) {
            let why = shown(&error.kind().to_string());
            return Err(format!("`{}` is no glob: {why}", shown(glob)));
        }
        globs.push(glob.to_owned());
    }
    Ok(globs)
}

/// In `exclude` the word `default` stands for the bookkeeping of deployment tools; the root name is `/default`.
fn name_filter(include: &[String], exclude: &[String]) -> Result<NameFilter, globset::Error> {
    const DEFAULT: &str = "default";
    let globs = exclude.iter().map(String::as_str).filter(|glob| *glob != DEFAULT);
    let filter = NameFilter::new(include.iter().map(String::as_str), globs)?;
    if exclude.iter().any(|glob| glob == DEFAULT) {
        filter.without_bookkeeping()
    } else {
        Ok(filter)
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn on_conflict(text: &str) -> Result<OnConflict, &'static str> {
    match text {
        "report" => Ok(OnConflict::Report),
        "adopt" => Ok(OnConflict::Adopt),
        _ => Err("neither of the two"),
    }
}

fn on_target_change(text: &str) -> Result<OnTargetChange, &'static str> {
    match text {
        "report" => Ok(OnTargetChange::Report),
        "restore" => Ok(OnTargetChange::Restore),
        _ => Err("neither of the two"),
    }
}

fn share(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        Ok(_) => Err("out of range"),
        Err(_) => Err("not a number"),
    }
}

fn whole<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Result<T, &'static str> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("not a whole number");
    }
    text.parse().ok().filter(|number| range.contains(number)).ok_or("out of range")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
