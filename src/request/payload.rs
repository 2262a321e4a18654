//! Payloads of operators, in the shape of the predecessor: `{"detail":{"name":…,"operation":…}}`.
//!
//! Every unknown field is refused. Otherwise a misspelled `account` would mean every account.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::arn::{self, Arn};
use super::reconcile::{Accounts, Reconcile, RunOptions};
use super::{Refused, Request, json_type};
use crate::domain::{
    AccountId, ExecutionName, Item, Kind, ParameterName, Purpose, Region, SecretName, shown,
};
use crate::settings::MaxDeletes;

const FIELDS: [&str; 11] = [
    "detail",
    "account",
    "accounts",
    "region",
    "plan",
    "trust",
    "labels",
    "max_deletes",
    "batch",
    "page",
    "execution",
];
const DETAIL_FIELDS: [&str; 3] = ["name", "operation", "kind"];
const DETAIL: &str = "`\"detail\":{\"name\":…,\"operation\":…}`, such as `{\"name\":\"all\",\"operation\":\"sync\"}` or `{\"name\":\"/a/b\",\"operation\":\"update\"}`";
const OPERATIONS: &str = "one of `create`, `update`, `delete`, `sync`, `list` with the name `accounts`, or `finish` with the name `sweep`";
const ACCOUNT: &str = "a string of twelve digits, such as `\"111122223333\"`";
const ACCOUNTS: &str = "an array of account ids, such as `[\"111122223333\",\"444455556666\"]`";
const REGION: &str = "the name of a Region, such as `\"us-east-2\"`";
const MAX_DELETES: &str = "an integer, or a percentage such as `\"100%\"`";
const EXECUTION: &str =
    "the name of an execution of the state machine: a string of 1 to 80 characters without spaces";
const BATCH: &str = "an integer from 1 to 1000";
/// The default number of accounts in a batch. The time of one invocation is sufficient for 25 large accounts.
const DEFAULT_BATCH: usize = 25;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// `create`, `update` or `delete` of one item. The hub does not need this hint: it decides from what it reads.
    OneItem,
    Sync,
    List,
    Finish,
}

pub(super) fn read(fields: &Map<String, Value>) -> Result<Request, Refused> {
    check_fields("the payload", fields, &FIELDS)?;
    let detail = match fields.get("detail") {
        Some(Value::Object(detail)) => detail,
        Some(other) => {
            return Err(Refused::new(format!("`detail` is {}", json_type(other)), DETAIL));
        }
        None => return Err(Refused::new("missing `detail`", DETAIL)),
    };
    check_fields("`detail`", detail, &DETAIL_FIELDS)?;
    let name = text(detail, "name", DETAIL)?
        .ok_or_else(|| Refused::new("missing `name` in `detail`", DETAIL))?;
    let word = text(detail, "operation", OPERATIONS)?
        .ok_or_else(|| Refused::new("missing `operation` in `detail`", DETAIL))?;
    let operation = match word.to_ascii_lowercase().as_str() {
        "create" | "update" | "delete" => Operation::OneItem,
        "sync" => Operation::Sync,
        "list" => Operation::List,
        "finish" => Operation::Finish,
        _ => {
            let problem = format!("unknown operation `{}`", shown(word));
            return Err(Refused::new(problem, OPERATIONS));
        }
    };
    match operation {
        Operation::List => return list_accounts(fields, detail, name),
        Operation::Finish => return finish(fields, detail, name),
        Operation::OneItem | Operation::Sync => {}
    }
    if let Some(field) = ["batch", "page"].iter().find(|field| fields.contains_key(**field)) {
        return Err(Refused::new(
            format!("`{field}` is accepted only with the operation `list`"),
            format!("a payload without `{field}`"),
        ));
    }
    reconcile(fields, detail, name, operation).map(Request::Reconcile)
}

fn list_accounts(
    fields: &Map<String, Value>,
    detail: &Map<String, Value>,
    name: &str,
) -> Result<Request, Refused> {
    const LIST: &str = "`{\"detail\":{\"name\":\"accounts\",\"operation\":\"list\"}}`, optionally with `batch`, `page` and `execution` next to `detail`";
    if name != "accounts" {
        let problem = format!("unknown name `{}` for the operation `list`", shown(name));
        return Err(Refused::new(problem, LIST));
    }
    only(fields, detail, &["detail", "batch", "page", "execution"], ("list", LIST))?;
    let batch = match fields.get("batch") {
        None => DEFAULT_BATCH,
        Some(value) => value
            .as_u64()
            .and_then(|batch| usize::try_from(batch).ok())
            .filter(|batch| (1..=1000).contains(batch))
            .ok_or_else(|| Refused::new("invalid `batch`", BATCH))?,
    };
    // The `next` of the last answer is null, and a state machine sends it back unchanged.
    let page = match fields.get("page") {
        None | Some(Value::Null) => None,
        Some(Value::String(page)) if !page.is_empty() => Some(page.clone()),
        Some(_) => {
            return Err(Refused::new("invalid `page`", "the `next` of the previous answer"));
        }
    };
    Ok(Request::ListAccounts { batch, page, execution: execution(fields)? })
}

fn finish(
    fields: &Map<String, Value>,
    detail: &Map<String, Value>,
    name: &str,
) -> Result<Request, Refused> {
    const FINISH: &str =
        "`{\"detail\":{\"name\":\"sweep\",\"operation\":\"finish\"},\"execution\":\"NAME\"}`";
    if name != "sweep" {
        let problem = format!("unknown name `{}` for the operation `finish`", shown(name));
        return Err(Refused::new(problem, FINISH));
    }
    only(fields, detail, &["detail", "execution"], ("finish", FINISH))?;
    let execution = execution(fields)?;
    execution.map(Request::Finish).ok_or_else(|| Refused::new("missing `execution`", FINISH))
}

/// Refuses fields that an operation does not take.
fn only(
    fields: &Map<String, Value>,
    detail: &Map<String, Value>,
    taken: &[&str],
    (operation, accepted): (&str, &str),
) -> Result<(), Refused> {
    let stray = fields.keys().map(String::as_str).find(|field| !taken.contains(field));
    match stray.or(detail.contains_key("kind").then_some("kind")) {
        Some(field) => Err(Refused::new(
            format!("`{field}` is not accepted with the operation `{operation}`"),
            accepted,
        )),
        None => Ok(()),
    }
}

fn execution(fields: &Map<String, Value>) -> Result<Option<ExecutionName>, Refused> {
    let name = text(fields, "execution", EXECUTION)?.map(ExecutionName::parse);
    name.transpose().map_err(|_| Refused::new("invalid `execution`", EXECUTION))
}

fn reconcile(
    fields: &Map<String, Value>,
    detail: &Map<String, Value>,
    name: &str,
    operation: Operation,
) -> Result<Reconcile, Refused> {
    let kind = kind(detail)?;
    let mut accounts = accounts(fields)?;
    let mut region = match text(fields, "region", REGION)? {
        Some(region) => {
            Some(Region::parse(region).map_err(|e| Refused::new(e.to_string(), REGION))?)
        }
        None => None,
    };
    let options = options(fields)?;
    let execution = execution(fields)?;
    if execution.is_some() && (name != "all" || options.plan) {
        return Err(Refused::new(
            "`execution` is accepted only with the name `all`, and not in a plan, which records nothing",
            "a payload without `execution`",
        ));
    }
    let item = if name == "all" {
        everything(kind, operation)?;
        None
    } else if kind.is_none() && name.eq_ignore_ascii_case("all") {
        // The name may mean everything or a parameter; the hub does not guess.
        return Err(Refused::new(
            format!("ambiguous name `{}`", shown(name)),
            format!(
                "`all` with the operation `sync` for everything, or `/{}` for the parameter",
                shown(name)
            ),
        ));
    } else {
        let (item, place) = item(kind.unwrap_or(Kind::Parameter), name)?;
        if let Some(arn) = place {
            let in_account = accounts.get_or_insert_with(|| vec![arn.account.clone()]);
            let in_region = region.get_or_insert_with(|| arn.region.clone());
            if *in_account != [arn.account.clone()] || *in_region != arn.region {
                return Err(elsewhere(
                    &arn,
                    "an ARN with the `account` and `region` of the payload, or a name",
                ));
            }
        }
        Some(item)
    };
    let accounts = match accounts {
        Some(accounts) => Accounts::These(accounts),
        None if item.is_some() => Accounts::Hub,
        None => Accounts::Organization,
    };
    Ok(Reconcile { accounts, region, item, options, purpose: Purpose::Equality, execution })
}

/// Checks a request for every parameter and every secret.
fn everything(kind: Option<Kind>, operation: Operation) -> Result<(), Refused> {
    const ALL: &str = "`{\"name\":\"all\",\"operation\":\"sync\"}`; for a parameter with this name use `/all`, for a secret use the ARN";
    if operation != Operation::Sync {
        return Err(Refused::new("the name `all` is accepted only with the operation `sync`", ALL));
    }
    if kind.is_some() {
        return Err(Refused::new("`kind` is not accepted with the name `all`", ALL));
    }
    Ok(())
}

fn kind(detail: &Map<String, Value>) -> Result<Option<Kind>, Refused> {
    const KINDS: &str = "`parameter` or `secret`";
    match text(detail, "kind", KINDS)? {
        None => Ok(None),
        Some("parameter") => Ok(Some(Kind::Parameter)),
        Some("secret") => Ok(Some(Kind::Secret)),
        Some(other) => Err(Refused::new(format!("unknown kind `{}`", shown(other)), KINDS)),
    }
}

fn item(kind: Kind, name: &str) -> Result<(Item, Option<Arn>), Refused> {
    let (accepted, example) = match kind {
        Kind::Parameter => ("the name or the ARN of a parameter, such as `/a/b`", "parameter"),
        Kind::Secret => ("the name or the ARN of a secret, such as `db/main`", "secret"),
    };
    let refused = |problem: String| Refused::new(problem, accepted);
    if !name.starts_with("arn:") {
        let item = match kind {
            Kind::Parameter => ParameterName::parse(name).map(Item::Parameter),
            Kind::Secret => SecretName::parse(name).map(Item::Secret),
        };
        return item.map(|item| (item, None)).map_err(|error| refused(error.to_string()));
    }
    match arn::parse(name) {
        Ok(arn) if arn.item.kind() == kind => Ok((arn.item.clone(), Some(arn))),
        Ok(_) => Err(refused(format!("the ARN is not the ARN of a {example}"))),
        Err(error) => Err(refused(error.to_string())),
    }
}

/// Parses the name or the ARN of an item in this account and Region.
///
/// # Errors
/// The name is invalid, or the ARN has another kind, account or Region.
pub fn item_at(
    kind: Kind,
    name: &str,
    account: &AccountId,
    region: &Region,
) -> Result<Item, Refused> {
    let (item, place) = item(kind, name)?;
    match place {
        Some(arn) if arn.account != *account || arn.region != *region => {
            Err(elsewhere(&arn, "an ARN with the account and Region of the arguments, or a name"))
        }
        _ => Ok(item),
    }
}

fn elsewhere(arn: &Arn, accepted: &str) -> Refused {
    let Arn { account, region, .. } = arn;
    Refused::new(
        format!("the ARN has account {account} and Region {region}, which differ from the request"),
        accepted,
    )
}

pub(super) fn accounts(fields: &Map<String, Value>) -> Result<Option<Vec<AccountId>>, Refused> {
    let id = |text: &str| AccountId::parse(text).map_err(|e| Refused::new(e.to_string(), ACCOUNT));
    let one = text(fields, "account", ACCOUNT)?;
    let Some(many) = fields.get("accounts") else {
        return one.map(|one| Ok(vec![id(one)?])).transpose();
    };
    if one.is_some() {
        return Err(Refused::new("both `account` and `accounts` are set", "only one of them"));
    }
    let Value::Array(many) = many else {
        return Err(Refused::new(format!("`accounts` is {}", json_type(many)), ACCOUNTS));
    };
    if many.is_empty() {
        return Err(Refused::new("`accounts` is empty", ACCOUNTS));
    }
    let mut seen = BTreeSet::new();
    let mut accounts = Vec::new();
    for one in many {
        let Value::String(one) = one else {
            return Err(Refused::new(format!("`accounts` contains {}", json_type(one)), ACCOUNTS));
        };
        let account = id(one)?;
        if seen.insert(account.clone()) {
            accounts.push(account);
        }
    }
    Ok(Some(accounts))
}

fn options(fields: &Map<String, Value>) -> Result<RunOptions, Refused> {
    let flag = |field: &str, default: bool| match fields.get(field) {
        None => Ok(default),
        Some(Value::Bool(is)) => Ok(*is),
        Some(other) => {
            Err(Refused::new(format!("`{field}` is {}", json_type(other)), "`true` or `false`"))
        }
    };
    let max_deletes = fields.get("max_deletes").map(brake).transpose()?;
    if max_deletes.is_some() && !fields.contains_key("account") {
        return Err(Refused::new(
            "`max_deletes` requires `account`",
            "`max_deletes` together with `\"account\":\"111122223333\"`",
        ));
    }
    Ok(RunOptions {
        plan: flag("plan", false)?,
        trust: flag("trust", true)?,
        labels: flag("labels", false)?,
        max_deletes,
        // Only `hubctl` can set the other options.
        ..RunOptions::default()
    })
}

fn brake(value: &Value) -> Result<MaxDeletes, Refused> {
    match value {
        Value::Number(count) => count.as_u64().map(MaxDeletes::Count),
        Value::String(text) => MaxDeletes::parse(text).ok(),
        _ => None,
    }
    .ok_or_else(|| Refused::new("invalid `max_deletes`", MAX_DELETES))
}

/// The string in a field. `None` if the field is missing. Null is refused, so that an empty template variable cannot turn
/// one account into all accounts.
pub(super) fn text<'a>(
    fields: &'a Map<String, Value>,
    field: &str,
    accepted: &str,
) -> Result<Option<&'a str>, Refused> {
    match fields.get(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refused::new(format!("`{field}` is {}", json_type(other)), accepted)),
    }
}

pub(super) fn check_fields(
    part: &str,
    fields: &Map<String, Value>,
    known: &[&str],
) -> Result<(), Refused> {
    let Some(unknown) = fields.keys().find(|field| !known.contains(&field.as_str())) else {
        return Ok(());
    };
    // The name is cut first, because the comparison needs memory for each pair of characters.
    let unknown = shown(unknown);
    let lower = unknown.to_ascii_lowercase();
    let nearest = known.iter().min_by_key(|name| strsim::damerau_levenshtein(&lower, name));
    Err(Refused::new(
        format!(
            "unknown field `{unknown}` in {part} (did you mean `{}`?)",
            nearest.unwrap_or(&"detail")
        ),
        format!(
            "one of {}",
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    ))
}
