//! The whole state of the simulated AWS: accounts, Regions and their resources.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::clock::{Millis, millis};
use crate::dynamodb::Table;
use crate::error::AwsError;
use crate::faults::Faults;
use crate::identity::{AccessKeys, Principal, Role};
use crate::journal::Journal;
use crate::kms::KeyRing;
use crate::organizations::Organization;
use crate::quotas::Quotas;
use crate::secrets::model::{PendingReplication, Secret};
use crate::sns::Topic;
use crate::ssm::model::Parameter;
use crate::timeline::Timeline;

/// How far reads lag behind writes (FACTS 56, 72, 88).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Lag of reads by name: `GetParameters`, `ListTagsForResource`, `DescribeSecret`; and of reads of a table that do not
    /// ask for consistency.
    pub reads: Duration,
    /// Lag of lists: `DescribeParameters`, `ListSecrets`.
    pub lists: Duration,
    /// Lag of `GetResources`.
    pub tagging: Duration,
}

/// The operations that include a role's session in `LastModifiedUser`; the others show `assumed-role/ROLE` (FACTS 39).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// Whether `DescribeParameters` includes the session.
    pub lists: bool,
    /// Whether `GetParameterHistory` includes the session.
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
            _ => return Err(format!("expected both, lists, histories or neither; got {text}")),
        };
        Ok(Self { lists, histories })
    }
}

/// The result of a create within 30 seconds of the name's deletion (FACTS 34).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyCreate {
    /// The create succeeds.
    Allowed,
    /// AWS refuses the create with `TooManyUpdates`.
    #[default]
    Refused,
    /// The create succeeds, but no read by name sees the parameter before the 30 seconds have passed.
    Unseen,
}

/// The behaviours that AWS leaves open or that vary.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The seed of suffixes, ids and randomly selected calls.
    pub seed: u64,
    /// The start time in seconds since 1970.
    pub beginning: u64,
    /// The organisation's management account.
    pub management: String,
    /// The duration of a call.
    pub latency: Duration,
    /// How far reads lag behind writes.
    pub lag: Lag,
    /// The result of a create soon after a delete.
    pub early_create: EarlyCreate,
    /// How long Secrets Manager takes to replicate a change.
    pub replication: Duration,
    /// The operations that include a role's session.
    pub sessions: Sessions,
    /// Whether every list starts with an empty page.
    pub empty_pages: bool,
    /// Whether the simulator checks the date of a signature against its clock.
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

#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    /// Parameters by name without a leading slash: `/Foo` and `Foo` name the same parameter (FACTS 23).
    pub(crate) parameters: BTreeMap<String, Timeline<Parameter>>,
    /// The expiration times of parameters, with their names.
    pub(crate) expiries: BTreeSet<(Millis, String)>,
    /// Secrets by name.
    pub(crate) secrets: BTreeMap<String, Timeline<Secret>>,
    pub(crate) ring: KeyRing,
    pub(crate) topics: BTreeMap<String, Topic>,
    /// `DynamoDB`'s tables by name.
    pub(crate) tables: BTreeMap<String, Table>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) regions: BTreeMap<String, Region>,
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) disabled_regions: BTreeSet<String>,
    pub(crate) pending_replications: Vec<PendingReplication>,
}

/// The state of the simulated AWS.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) organization: Organization,
    pub(crate) access_keys: AccessKeys,
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
            access_keys: AccessKeys::default(),
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

    /// How long earlier states are kept.
    pub(crate) fn horizon(&self) -> Millis {
        let Lag { reads, lists, tagging } = self.settings.lag;
        millis(reads.max(lists).max(tagging))
    }
}

/// A call whose caller is identified.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The operation, such as `ssm:PutParameter`.
    pub(crate) operation: &'a str,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) caller: &'a Principal,
    pub(crate) now: Millis,
    /// The lag of the call's reads; zero for calls by an owner.
    pub(crate) lag: Lag,
    pub(crate) input: &'a Value,
    /// Whether a fault cuts a batch short.
    pub(crate) is_cut: bool,
}

impl Call<'_> {
    /// A string member of the request.
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.input.get(member)?.as_str()
    }

    /// A required string member.
    pub(crate) fn needed(&self, member: &str) -> Result<&str, AwsError> {
        self.text(member).ok_or_else(|| missing(member))
    }

    /// Whether a member is `true`.
    pub(crate) fn flag(&self, member: &str) -> bool {
        self.input.get(member).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A list member; empty if the member is missing.
    pub(crate) fn list(&self, member: &str) -> &[Value] {
        self.input.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A list of strings.
    pub(crate) fn texts(&self, member: &str) -> Vec<String> {
        self.list(member).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A number from 1 to `most`; the default is `most`.
    pub(crate) fn size(&self, member: &str, most: u64) -> Result<usize, AwsError> {
        let size = self.input.get(member).and_then(Value::as_u64).unwrap_or(most);
        if (1..=most).contains(&size) {
            return Ok(usize::try_from(size).unwrap_or(usize::MAX));
        }
        Err(AwsError::validation(format!(
            "1 validation error detected: Value '{size}' at '{member}' failed to satisfy constraint: Member must have value between 1 and {most}"
        )))
    }

    /// A list of tags as a map.
    pub(crate) fn tags(&self, member: &str) -> BTreeMap<String, String> {
        let text = |tag: &Value, field: &str| {
            tag.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        self.list(member).iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
    }

    /// The time whose state a read by name sees.
    pub(crate) fn read_at(&self) -> Millis {
        self.now.saturating_sub(millis(self.lag.reads))
    }

    /// The time whose state a list sees.
    pub(crate) fn listed_at(&self) -> Millis {
        self.now.saturating_sub(millis(self.lag.lists))
    }

    /// The time whose state the Tagging API sees.
    pub(crate) fn tagged_at(&self) -> Millis {
        self.now.saturating_sub(millis(self.lag.tagging))
    }
}

/// The error for a missing required member.
pub(crate) fn missing(member: &str) -> AwsError {
    AwsError::validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

/// Tags in the JSON format of the services.
pub(crate) fn tag_list(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| serde_json::json!({"Key": key, "Value": value})).collect()
}
