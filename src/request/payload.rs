//! A person's payload, in the shape that the predecessor's had: `{"detail":{"name":…,"operation":…}}`.
//!
//! Everything that it does not know is refused: a misspelled `account` would otherwise mean every account.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::arn::{self, Arn};
use super::reconcile::{Accounts, Reconcile, RunOptions};
use super::{Refused, Request, sort};
use crate::domain::{AccountId, Item, Kind, ParameterName, Purpose, Region, SecretName, shown};
use crate::settings::MaxDeletes;

const FIELDS: [&str; 10] = [
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
];
const DETAIL_FIELDS: [&str; 3] = ["name", "operation", "kind"];
const DETAIL: &str = "`\"detail\":{\"name\":…,\"operation\":…}`, such as `{\"name\":\"all\",\"operation\":\"sync\"}` or `{\"name\":\"/a/b\",\"operation\":\"update\"}`";
const OPERATIONS: &str =
    "`create`, `update`, `delete` or `sync`, or `list` with the name `accounts`";
const ACCOUNT: &str = "twelve digits in quotes, such as `\"111122223333\"`";
const ACCOUNTS: &str = "a list of accounts, such as `[\"111122223333\",\"444455556666\"]`";
const REGION: &str = "the name of a Region, such as `\"us-east-2\"`";
const MAX_DELETES: &str = "a whole number, or a percentage such as `\"100%\"`";
const BATCH: &str = "a whole number from 1 to 1000";
/// Accounts in a batch where the payload does not say: a Lambda's time is enough for as many large ones.
const DEFAULT_BATCH: usize = 25;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// `create`, `update` or `delete` of one item: a hint that is not needed, since what is read decides.
    OneItem,
    Sync,
    List,
}

pub(super) fn read(fields: &Map<String, Value>) -> Result<Request, Refused> {
    known_fields("the payload", fields, &FIELDS)?;
    let detail = match fields.get("detail") {
        Some(Value::Object(detail)) => detail,
        Some(other) => return Err(Refused::new(format!("`detail` is {}", sort(other)), DETAIL)),
        None => return Err(Refused::new("the payload has no `detail`", DETAIL)),
    };
    known_fields("`detail`", detail, &DETAIL_FIELDS)?;
    let name = text(detail, "name", DETAIL)?
        .ok_or_else(|| Refused::new("`detail` has no `name`", DETAIL))?;
    let word = text(detail, "operation", OPERATIONS)?
        .ok_or_else(|| Refused::new("`detail` has no `operation`", DETAIL))?;
    let operation = match word.to_ascii_lowercase().as_str() {
        "create" | "update" | "delete" => Operation::OneItem,
        "sync" => Operation::Sync,
        "list" => Operation::List,
        _ => {
            let problem = format!("the operation `{}` is none", shown(word));
            return Err(Refused::new(problem, OPERATIONS));
        }
    };
    if operation == Operation::List {
        return list_accounts(fields, detail, name);
    }
    if let Some(field) = ["batch", "page"].iter().find(|field| fields.contains_key(**field)) {
        return Err(Refused::new(
            format!("`{field}` goes only with the operation `list`"),
            "a payload without it",
        ));
    }
    reconcile(fields, detail, name, operation).map(Request::Reconcile)
}

fn list_accounts(
    fields: &Map<String, Value>,
    detail: &Map<String, Value>,
    name: &str,
) -> Result<Request, Refused> {
    const LIST: &str = "`{\"detail\":{\"name\":\"accounts\",\"operation\":\"list\"}}`, with `batch` and `page` beside `detail`";
    if name != "accounts" {
        let problem = format!("`list` is of `accounts`, not of `{}`", shown(name));
        return Err(Refused::new(problem, LIST));
    }
    let stray =
        fields.keys().map(String::as_str).find(|f| !["detail", "batch", "page"].contains(f));
    if let Some(field) = stray.or(detail.contains_key("kind").then_some("kind")) {
        return Err(Refused::new(format!("`{field}` does not go with the operation `list`"), LIST));
    }
    let batch = match fields.get("batch") {
        None => DEFAULT_BATCH,
        Some(value) => value
            .as_u64()
            .and_then(|batch| usize::try_from(batch).ok())
            .filter(|batch| (1..=1000).contains(batch))
            .ok_or_else(|| Refused::new("`batch` is no such number", BATCH))?,
    };
    // Null is what `next` of the last answer is: a state machine hands it on as it is.
    let page = match fields.get("page") {
        None | Some(Value::Null) => None,
        Some(Value::String(page)) if !page.is_empty() => Some(page.clone()),
        Some(_) => {
            return Err(Refused::new("`page` is no text", "the `next` of the answer before"));
        }
    };
    Ok(Request::ListAccounts { batch, page })
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
    let item = if name == "all" {
        everything(kind, operation)?;
        None
    } else if kind.is_none() && name.eq_ignore_ascii_case("all") {
        // Everything, or the parameter that is called so: neither is guessed.
        return Err(Refused::new(
            format!("the name `{}` may mean everything or a parameter", shown(name)),
            format!(
                "`all` with the operation `sync` for everything, `/{}` for the parameter",
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
                    "an ARN of the `account` and `region` beside `detail`, or a name",
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
    Ok(Reconcile { accounts, region, item, options, purpose: Purpose::Equality })
}

/// `all` is every parameter and every secret.
fn everything(kind: Option<Kind>, operation: Operation) -> Result<(), Refused> {
    const ALL: &str = "`{\"name\":\"all\",\"operation\":\"sync\"}`; a parameter of this name is `/all`, a secret its ARN";
    if operation != Operation::Sync {
        return Err(Refused::new("`all` goes only with the operation `sync`", ALL));
    }
    if kind.is_some() {
        return Err(Refused::new("`all` is of every kind and goes without `kind`", ALL));
    }
    Ok(())
}

fn kind(detail: &Map<String, Value>) -> Result<Option<Kind>, Refused> {
    const KINDS: &str = "`parameter` or `secret`";
    match text(detail, "kind", KINDS)? {
        None => Ok(None),
        Some("parameter") => Ok(Some(Kind::Parameter)),
        Some("secret") => Ok(Some(Kind::Secret)),
        Some(other) => Err(Refused::new(format!("the kind `{}` is none", shown(other)), KINDS)),
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
        Ok(_) => Err(refused(format!("the ARN is not a {example}'s"))),
        Err(error) => Err(refused(error.to_string())),
    }
}

/// The item that a person names by its name or its ARN, which is there in this place.
///
/// # Errors
/// The name of no item of this kind, and the ARN of one in another place.
pub fn item_at(
    kind: Kind,
    name: &str,
    account: &AccountId,
    region: &Region,
) -> Result<Item, Refused> {
    let (item, place) = item(kind, name)?;
    match place {
        Some(arn) if arn.account != *account || arn.region != *region => {
            Err(elsewhere(&arn, "an ARN of the account and Region that are named, or a name"))
        }
        _ => Ok(item),
    }
}

fn elsewhere(arn: &Arn, accepted: &str) -> Refused {
    let Arn { account, region, .. } = arn;
    Refused::new(
        format!("the ARN is of {account} in {region}, and the request of another place"),
        accepted,
    )
}

fn accounts(fields: &Map<String, Value>) -> Result<Option<Vec<AccountId>>, Refused> {
    let id = |text: &str| AccountId::parse(text).map_err(|e| Refused::new(e.to_string(), ACCOUNT));
    let one = text(fields, "account", ACCOUNT)?;
    let Some(many) = fields.get("accounts") else {
        return one.map(|one| Ok(vec![id(one)?])).transpose();
    };
    if one.is_some() {
        return Err(Refused::new("both `account` and `accounts` are there", "one of them"));
    }
    let Value::Array(many) = many else {
        return Err(Refused::new(format!("`accounts` is {}", sort(many)), ACCOUNTS));
    };
    if many.is_empty() {
        return Err(Refused::new("`accounts` is empty", ACCOUNTS));
    }
    let mut seen = BTreeSet::new();
    let mut accounts = Vec::new();
    for one in many {
        let Value::String(one) = one else {
            return Err(Refused::new(format!("among `accounts` is {}", sort(one)), ACCOUNTS));
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
            Err(Refused::new(format!("`{field}` is {}", sort(other)), "`true` or `false`"))
        }
    };
    let max_deletes = fields.get("max_deletes").map(brake).transpose()?;
    if max_deletes.is_some() && !fields.contains_key("account") {
        return Err(Refused::new(
            "`max_deletes` is for one account and none is named",
            "it with `\"account\":\"111122223333\"` beside it",
        ));
    }
    Ok(RunOptions {
        plan: flag("plan", false)?,
        trust: flag("trust", true)?,
        labels: flag("labels", false)?,
        max_deletes,
        // The rest is a person's at a terminal.
        ..RunOptions::default()
    })
}

fn brake(value: &Value) -> Result<MaxDeletes, Refused> {
    match value {
        Value::Number(count) => count.as_u64().map(MaxDeletes::Count),
        Value::String(text) => MaxDeletes::parse(text).ok(),
        _ => None,
    }
    .ok_or_else(|| Refused::new("`max_deletes` is no such number", MAX_DELETES))
}

/// The text of a field, if the field is there. Null is no text: an empty variable of a template must not turn one
/// account into all.
fn text<'a>(
    fields: &'a Map<String, Value>,
    field: &str,
    accepted: &str,
) -> Result<Option<&'a str>, Refused> {
    match fields.get(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refused::new(format!("`{field}` is {}", sort(other)), accepted)),
    }
}

fn known_fields(of: &str, fields: &Map<String, Value>, known: &[&str]) -> Result<(), Refused> {
    let Some(unknown) = fields.keys().find(|field| !known.contains(&field.as_str())) else {
        return Ok(());
    };
    // Cut first: the comparison takes memory for each pair of their characters.
    let unknown = shown(unknown);
    let lower = unknown.to_ascii_lowercase();
    let nearest = known.iter().min_by_key(|name| strsim::damerau_levenshtein(&lower, name));
    Err(Refused::new(
        format!(
            "{of} has the unknown field `{unknown}`; the nearest known one is `{}`",
            nearest.unwrap_or(&"detail")
        ),
        known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    ))
}
