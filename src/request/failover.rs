//! Payloads that change or show the states of routes: `{"failover":{"route":"us-east-2=us-east-1","action":"freeze",…}}`.
//!
//! They are as strict as the other payloads: a field that an action does not have is refused, because a misspelled
//! `account` would mean every account.

use serde_json::{Map, Value};

use super::payload::{accounts, check_fields, text};
use super::{Refused, json_type};
use crate::domain::{AccountId, RoutePair, shown};

/// A request that changes or shows the states of routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailoverRequest {
    /// Stop the replication.
    Freeze(FreezeRequest),
    /// Start the replication.
    Thaw(ThawRequest),
    /// Show the states, the results of the sweeps and the known failures; `None` for every route.
    Status(Option<RoutePair>),
}

impl FailoverRequest {
    /// The value of `action`.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Freeze(_) => "freeze",
            Self::Thaw(_) => "thaw",
            Self::Status(_) => "status",
        }
    }

    /// The route of the request, if the request names one.
    pub const fn pair(&self) -> Option<&RoutePair> {
        match self {
            Self::Freeze(freeze) => Some(&freeze.pair),
            Self::Thaw(thaw) => Some(&thaw.pair),
            Self::Status(pair) => pair.as_ref(),
        }
    }
}

/// A request to stop the replication of a route, or of some accounts of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeRequest {
    /// The route.
    pub pair: RoutePair,
    /// The accounts, each once; empty for the whole route.
    pub accounts: Vec<AccountId>,
    /// The reason, which `status` shows.
    pub reason: String,
    /// Whether the request ends only when no request of the hub can be under way.
    pub wait: bool,
}

/// A request to start the replication of a route, or of some accounts of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThawRequest {
    /// The route.
    pub pair: RoutePair,
    /// The accounts, each once; empty for the whole route.
    pub accounts: Vec<AccountId>,
    /// The reason, which `status` shows; may be empty.
    pub reason: String,
    /// The serial that the caller saw. `None` (only `hubctl`): the serial that the request itself reads first.
    pub serial: Option<u64>,
    /// What the request shows before the replication starts. A payload shows nothing.
    pub plan: ThawPlan,
}

/// The plan that a thaw shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThawPlan {
    /// No plan.
    Skip,
    /// The plan, and then the state is set.
    Show,
    /// Only the plan: the state stays.
    Only,
}

/// The longest reason, in characters.
const REASON_LIMIT: usize = 500;

const FIELDS: [&str; 1] = ["failover"];
const COMMON: [&str; 4] = ["route", "action", "account", "accounts"];
const FORM: &str = "`\"failover\":{\"route\":\"us-east-2=us-east-1\",\"action\":…}` with the action `freeze`, `thaw` or `status`";
const ACTIONS: &str = "one of `freeze`, `thaw`, `status`";
const ROUTE: &str = "`SOURCE=TARGET` with one target, such as `us-east-2=us-east-1`";
const REASON: &str = "a text of 1 to 500 characters on one line that says why";
const SERIAL: &str = "the serial of the route that `status` shows, such as `\"serial\":2`";

pub(super) fn read(fields: &Map<String, Value>) -> Result<FailoverRequest, Refused> {
    check_fields("the payload", fields, &FIELDS)?;
    let fields = match fields.get("failover") {
        Some(Value::Object(fields)) => fields,
        other => {
            let found = json_type(other.unwrap_or(&Value::Null));
            return Err(Refused::new(format!("`failover` is {found}"), FORM));
        }
    };
    let action = text(fields, "action", ACTIONS)?
        .ok_or_else(|| Refused::new("missing `action` in `failover`", ACTIONS))?;
    match action {
        "freeze" => freeze(fields).map(FailoverRequest::Freeze),
        "thaw" => thaw(fields).map(FailoverRequest::Thaw),
        "status" => {
            check_fields("the action `status`", fields, &["route", "action"])?;
            Ok(FailoverRequest::Status(text(fields, "route", ROUTE)?.map(route).transpose()?))
        }
        other => Err(Refused::new(format!("unknown action `{}`", shown(other)), ACTIONS)),
    }
}

fn freeze(fields: &Map<String, Value>) -> Result<FreezeRequest, Refused> {
    check_fields("the action `freeze`", fields, &[&COMMON[..], &["reason", "wait"]].concat())?;
    let wait = match fields.get("wait") {
        None => true,
        Some(Value::Bool(wait)) => *wait,
        Some(other) => {
            return Err(Refused::new(
                format!("`wait` is {}", json_type(other)),
                "`true` or `false`",
            ));
        }
    };
    let why = text(fields, "reason", REASON)?
        .ok_or_else(|| Refused::new("missing `reason` in the action `freeze`", REASON))?;
    let (pair, accounts) = scope(fields)?;
    Ok(FreezeRequest { pair, accounts, reason: reason(why)?, wait })
}

fn thaw(fields: &Map<String, Value>) -> Result<ThawRequest, Refused> {
    check_fields("the action `thaw`", fields, &[&COMMON[..], &["reason", "serial"]].concat())?;
    let serial = match fields.get("serial") {
        None => return Err(Refused::new("missing `serial` in the action `thaw`", SERIAL)),
        Some(serial) => {
            Some(serial.as_u64().ok_or_else(|| Refused::new("invalid `serial`", SERIAL))?)
        }
    };
    let reason = text(fields, "reason", REASON)?.map(reason).transpose()?.unwrap_or_default();
    let (pair, accounts) = scope(fields)?;
    Ok(ThawRequest { pair, accounts, reason, serial, plan: ThawPlan::Skip })
}

fn scope(fields: &Map<String, Value>) -> Result<(RoutePair, Vec<AccountId>), Refused> {
    let pair = text(fields, "route", ROUTE)?
        .ok_or_else(|| Refused::new("missing `route` in `failover`", ROUTE))?;
    Ok((route(pair)?, accounts(fields)?.unwrap_or_default()))
}

/// Reads the route of a failover request.
///
/// # Errors
/// The text has another shape, or a name is not the name of a Region.
pub fn route(text: &str) -> Result<RoutePair, Refused> {
    if !text.contains('=') {
        return Err(Refused::new(format!("`{}` has no target", shown(text)), ROUTE));
    }
    RoutePair::parse(text).map_err(|error| Refused::new(error.to_string(), ROUTE))
}

/// Checks the reason of a failover request: reports show it on one line.
///
/// # Errors
/// The text is blank, too long, or has a control character.
pub fn reason(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    let problem = if text.is_empty() {
        "the reason is empty".to_owned()
    } else if text.chars().count() > REASON_LIMIT {
        format!("the reason has {} characters", text.chars().count())
    } else if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        "the reason has a control character".to_owned()
    } else {
        return Ok(text.to_owned());
    };
    Err(Refused::new(problem, REASON))
}
