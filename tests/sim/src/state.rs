//! All that AWS holds: accounts, their Regions, and what is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::clock::{Millis, millis};
use crate::error::AwsError;
use crate::faults::Faults;
use crate::identity::{Issued, Principal, Role};
use crate::journal::Journal;
use crate::kms::KeyRing;
use crate::organizations::Organization;
use crate::past::Past;
use crate::quotas::Quotas;
use crate::secrets::model::{Due, Secret};
use crate::sns::Topic;
use crate::ssm::model::Parameter;

/// How far reads are behind (FACTS 56, 72, 88).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Reads by name: `GetParameters`, `ListTagsForResource`, `DescribeSecret`.
    pub reads: Duration,
    /// Lists: `DescribeParameters`, `ListSecrets`.
    pub lists: Duration,
    /// `GetResources`.
    pub tagging: Duration,
}

/// Which answers show a role's session in `LastModifiedUser`; the others show `assumed-role/ROLE` alone (FACTS 39).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// `DescribeParameters`.
    pub lists: bool,
    /// `GetParameterHistory`.
    pub histories: bool,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { lists: true, histories: true }
    }
}

impl FromStr for Sessions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (lists, histories) = match text {
            "both" => (true, true),
            "lists" => (true, false),
            "histories" => (false, true),
            "neither" => (false, false),
            _ => return Err(format!("expected both, lists, histories or neither, got {text}")),
        };
        Ok(Self { lists, histories })
    }
}

/// What comes of a create within 30 seconds of the name's deletion (FACTS 34).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyCreate {
    /// It works.
    Allowed,
    /// It is refused with `TooManyUpdates`.
    #[default]
    Refused,
    /// It works, but no read by name sees it until the time is over.
    Unseen,
}

/// How this AWS behaves, where AWS leaves a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What suffixes, ids and chosen calls are made of.
    pub seed: u64,
    /// Seconds since 1970 at the beginning.
    pub beginning: u64,
    /// The management account of the organisation.
    pub management: String,
    /// How long a call takes.
    pub latency: Duration,
    /// How far reads are behind.
    pub lag: Lag,
    /// What comes of an early create.
    pub early_create: EarlyCreate,
    /// How long Secrets Manager takes to bring a replica about.
    pub replication: Duration,
    /// Which answers show a role's session.
    pub sessions: Sessions,
    /// Whether every list begins with an empty page.
    pub empty_pages: bool,
    /// Whether a signature's date is checked. It is the caller's clock that it is compared with.
    pub signatures: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            beginning: crate::clock::BEGINNING,
            management: "123456789012".to_owned(),
            latency: Duration::from_millis(10),
            lag: Lag::default(),
            early_create: EarlyCreate::default(),
            replication: Duration::from_secs(3),
            sessions: Sessions::default(),
            empty_pages: false,
            signatures: true,
        }
    }
}

/// One Region of one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    /// By name without a leading slash: `/Foo` and `Foo` are one (FACTS 23).
    pub(crate) parameters: BTreeMap<String, Past<Parameter>>,
    /// When parameters expire.
    pub(crate) expiries: BTreeSet<(Millis, String)>,
    /// By name.
    pub(crate) secrets: BTreeMap<String, Past<Secret>>,
    pub(crate) ring: KeyRing,
    pub(crate) topics: BTreeMap<String, Topic>,
}

/// One account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) regions: BTreeMap<String, Region>,
    pub(crate) roles: BTreeMap<String, Role>,
    /// Regions that are not enabled.
    pub(crate) closed: BTreeSet<String>,
    /// What Secrets Manager has still to do.
    pub(crate) due: Vec<Due>,
}

/// Everything.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) organization: Organization,
    pub(crate) issued: Issued,
    pub(crate) quotas: Quotas,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        let organization = Organization::of(&settings.management);
        Self {
            settings,
            accounts: BTreeMap::new(),
            organization,
            issued: Issued::default(),
            quotas: Quotas::default(),
            faults: Faults::default(),
            journal: Journal::default(),
        }
    }

    pub(crate) fn account(&mut self, account: &str) -> &mut Account {
        self.accounts.entry(account.to_owned()).or_default()
    }

    pub(crate) fn region(&mut self, account: &str, region: &str) -> &mut Region {
        self.account(account).regions.entry(region.to_owned()).or_default()
    }

    /// For how long past states are kept.
    pub(crate) fn horizon(&self) -> Millis {
        let Lag { reads, lists, tagging } = self.settings.lag;
        millis(reads.max(lists).max(tagging))
    }
}

/// One call, once it is known who calls.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// `ssm:PutParameter`.
    pub(crate) operation: &'a str,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) caller: &'a Principal,
    pub(crate) now: Millis,
    /// None for the owner's side, who sees what is.
    pub(crate) lag: Lag,
    pub(crate) input: &'a Value,
}

impl Call<'_> {
    /// A text of the request.
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.input.get(member)?.as_str()
    }

    /// A text that must be there.
    pub(crate) fn needed(&self, member: &str) -> Result<&str, AwsError> {
        self.text(member).ok_or_else(|| missing(member))
    }

    /// Whether a member is true.
    pub(crate) fn flag(&self, member: &str) -> bool {
        self.input.get(member).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A list of the request.
    pub(crate) fn list(&self, member: &str) -> &[Value] {
        self.input.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A list of texts.
    pub(crate) fn texts(&self, member: &str) -> Vec<String> {
        self.list(member).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A number between 1 and `most`, which is also the default.
    pub(crate) fn size(&self, member: &str, most: u64) -> Result<usize, AwsError> {
        let size = self.input.get(member).and_then(Value::as_u64).unwrap_or(most);
        if (1..=most).contains(&size) {
            return Ok(usize::try_from(size).unwrap_or(usize::MAX));
        }
        Err(AwsError::validation(format!(
            "1 validation error detected: Value '{size}' at '{member}' failed to satisfy constraint: Member must have value between 1 and {most}"
        )))
    }

    /// The tags of a member, as a map.
    pub(crate) fn tags(&self, member: &str) -> BTreeMap<String, String> {
        let text = |tag: &Value, field: &str| {
            tag.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        self.list(member).iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
    }

    /// The moment that a read by name answers from.
    pub(crate) fn read_at(&self) -> Millis {
        self.now.saturating_sub(millis(self.lag.reads))
    }

    /// The moment that a list answers from.
    pub(crate) fn listed_at(&self) -> Millis {
        self.now.saturating_sub(millis(self.lag.lists))
    }

    /// The moment that the Tagging API answers from.
    pub(crate) fn tagged_at(&self) -> Millis {
        self.now.saturating_sub(millis(self.lag.tagging))
    }
}

/// A member that the service's model requires.
pub(crate) fn missing(member: &str) -> AwsError {
    AwsError::validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

/// Tags as services spell them.
pub(crate) fn tag_list(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| serde_json::json!({"Key": key, "Value": value})).collect()
}
