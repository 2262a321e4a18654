//! The owner's view of an account. Calls by the owner follow the same rules, without latency, quotas, faults or lag.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Millis;
use crate::dynamodb::owner::TableSide;
use crate::error::AwsError;
use crate::identity::{Keys, Principal, Role};
use crate::kms::KeyState;
use crate::secrets::model::{CURRENT, Secret};
use crate::service::perform;
use crate::sim::Sim;
use crate::sns::Message;
use crate::state::{Call, Lag};
use crate::{secrets, ssm};

const LONGEST_SESSION: u64 = 43_200;

/// The owner's view of an account.
#[derive(Clone, Debug)]
pub struct AccountSide<'a> {
    sim: &'a Sim,
    id: String,
}

/// The owner's view of one Region of an account.
#[derive(Clone, Debug)]
pub struct RegionSide<'a> {
    sim: &'a Sim,
    account: String,
    region: String,
}

/// The caller, time and read lag of a call. Model tests that order all calls themselves use this type.
#[derive(Clone, Copy, Debug)]
pub struct Doer<'a> {
    /// The caller's ARN, in the account that is called.
    pub arn: &'a str,
    /// The time of the call.
    pub at: Millis,
    /// The lag of the call's reads.
    pub lag: Lag,
}

/// All attributes of a parameter.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields have AWS's names")]
pub struct ParameterView {
    pub value: String,
    pub version: i64,
    pub kind: String,
    pub tier: String,
    pub description: String,
    pub pattern: String,
    pub data_type: String,
    pub key: Option<String>,
    pub policies: Vec<String>,
    pub tags: BTreeMap<String, String>,
    pub labels: BTreeMap<String, i64>,
    pub modified: Millis,
    pub user: String,
}

/// All attributes of a secret.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields have AWS's names")]
pub struct SecretView {
    pub arn: String,
    pub value: Option<String>,
    pub key: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub primary: Option<String>,
    /// Status and message of each replica, by Region.
    pub replicas: BTreeMap<String, (String, Option<String>)>,
    pub is_deleted: bool,
}

impl<'a> AccountSide<'a> {
    pub(crate) fn of(sim: &'a Sim, id: &str) -> Self {
        Self { sim, id: id.to_owned() }
    }

    /// The owner's view of one Region.
    pub fn region(&self, region: &str) -> RegionSide<'a> {
        RegionSide { sim: self.sim, account: self.id.clone(), region: region.to_owned() }
    }

    /// Creates or replaces a role that trusts these principals: an ARN, or an account by its `:root` ARN.
    pub fn role(&self, name: &str, trusts: &[&str], external_id: Option<&str>) -> &Self {
        let role = Role {
            name: name.to_owned(),
            trusts: trusts.iter().map(|principal| (*principal).to_owned()).collect(),
            external_id: external_id.map(str::to_owned),
            longest_seconds: LONGEST_SESSION,
        };
        self.sim.world().account(&self.id).roles.insert(name.to_owned(), role);
        self
    }

    /// Removes a role. Existing sessions stay valid.
    pub fn remove_role(&self, name: &str) -> &Self {
        self.sim.world().account(&self.id).roles.remove(name);
        self
    }

    /// Permanent credentials of the account's owner.
    pub fn keys(&self) -> Keys {
        let mut world = self.sim.world();
        let seed = world.settings.seed;
        world.access_keys.issue(seed, &self.id, owner(&self.id), None)
    }

    /// Sets the account's state, such as `SUSPENDED`, and its path of organisational units, such as `ou-1/ou-2`.
    pub fn place(&self, state: &str, units: &str) -> &Self {
        let mut world = self.sim.world();
        let member = world.organization.join(&self.id);
        state.clone_into(&mut member.state);
        units.clone_into(&mut member.units);
        self
    }

    /// Disables a Region.
    pub fn close_region(&self, region: &str) -> &Self {
        self.sim.world().account(&self.id).disabled_regions.insert(region.to_owned());
        self
    }
}

fn owner(account: &str) -> String {
    format!("arn:aws:iam::{account}:user/owner")
}

impl<'a> RegionSide<'a> {
    /// A table with the keys `pk` and `sk` and the TTL attribute `ttl`. A table that does not exist is created.
    pub fn table(&self, name: &str) -> TableSide<'a> {
        TableSide::of(self.sim, self, name)
    }

    /// Account and Region.
    pub(crate) fn place(&self) -> (String, String) {
        (self.account.clone(), self.region.clone())
    }

    /// Executes an operation such as `ssm:PutParameter`, with a request in the service's JSON format.
    ///
    /// # Errors
    /// The error of the service.
    pub fn call(&self, operation: &str, request: &Value) -> Result<Value, AwsError> {
        let arn = owner(&self.account);
        let doer = Doer { arn: &arn, at: self.sim.now(), lag: Lag::default() };
        self.call_by(doer, operation, request)
    }

    /// Executes an operation as another caller of the account, at a time not before the last change.
    ///
    /// # Errors
    /// The error of the service.
    pub fn call_by(
        &self,
        doer: Doer<'_>,
        operation: &str,
        request: &Value,
    ) -> Result<Value, AwsError> {
        let Doer { arn, at, lag } = doer;
        let account = self.account.clone();
        let caller = Principal { account, arn: arn.to_owned(), token: None, ends: None };
        let call = Call {
            operation,
            account: self.account.clone(),
            region: self.region.clone(),
            caller: &caller,
            now: at,
            lag,
            input: request,
            is_cut: false,
        };
        perform(&mut self.sim.world(), &call)
    }

    fn must(&self, operation: &str, request: &Value) -> Value {
        self.call(operation, request)
            .unwrap_or_else(|error| panic!("{operation} {request}: {error}"))
    }

    /// Creates or overwrites a plain text parameter and returns the new version.
    pub fn put(&self, name: &str, value: &str) -> i64 {
        let request = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
        self.must("ssm:PutParameter", &request)["Version"].as_i64().unwrap_or_default()
    }

    /// Writes a parameter with a request of `PutParameter`.
    pub fn put_parameter(&self, request: &Value) {
        self.must("ssm:PutParameter", request);
    }

    /// Deletes an existing parameter.
    pub fn delete(&self, name: &str) {
        self.must("ssm:DeleteParameter", &json!({ "Name": name }));
    }

    /// Adds a tag to a parameter.
    pub fn tag(&self, name: &str, key: &str, value: &str) {
        let tags = json!([{"Key": key, "Value": value}]);
        let request = json!({"ResourceType": "Parameter", "ResourceId": name, "Tags": tags});
        self.must("ssm:AddTagsToResource", &request);
    }

    /// Removes a tag from a parameter.
    pub fn untag(&self, name: &str, key: &str) {
        let request = json!({"ResourceType": "Parameter", "ResourceId": name, "TagKeys": [key]});
        self.must("ssm:RemoveTagsFromResource", &request);
    }

    /// Adds a tag with the prefix `aws:`, which only AWS services can write (FACTS 61).
    ///
    /// # Panics
    /// If the parameter does not exist.
    pub fn tag_as_aws(&self, name: &str, key: &str, value: &str) {
        let mut world = self.sim.world();
        let (now, horizon) = (self.sim.now(), world.horizon());
        let parameters = &mut world.region(&self.account, &self.region).parameters;
        let changed = parameters.get_mut(ssm::name::key(name)).is_some_and(|timeline| {
            timeline.change(now, horizon, |parameter| {
                parameter.tags.insert(key.to_owned(), value.to_owned());
                parameter.was_tagged = true;
            })
        });
        assert!(changed, "the parameter {name} does not exist");
    }

    /// All parameters by name.
    pub fn parameters(&self) -> BTreeMap<String, ParameterView> {
        // Any SSM call first deletes the parameters that have expired.
        self.must("ssm:DescribeParameters", &json!({}));
        let mut world = self.sim.world();
        let parameters = &world.region(&self.account, &self.region).parameters;
        parameters
            .values()
            .filter_map(|timeline| timeline.now())
            .map(|parameter| {
                let latest = parameter.latest();
                let view = ParameterView {
                    value: latest.value.clone(),
                    version: latest.number,
                    kind: latest.kind.clone(),
                    tier: latest.tier.to_owned(),
                    description: latest.description.clone(),
                    pattern: latest.pattern.clone(),
                    data_type: latest.data_type.clone(),
                    key: latest.key.clone(),
                    policies: latest.policies.iter().map(|policy| policy.text.clone()).collect(),
                    tags: parameter.tags.clone(),
                    labels: parameter.labels.clone(),
                    modified: latest.modified,
                    user: latest.user.clone(),
                };
                (parameter.name.clone(), view)
            })
            .collect()
    }

    /// Creates a secret.
    pub fn create_secret(&self, name: &str, value: &str) {
        self.must("secretsmanager:CreateSecret", &json!({"Name": name, "SecretString": value}));
    }

    /// Makes an AWS service the owner of a secret (FACTS 90).
    ///
    /// # Panics
    /// If the secret does not exist.
    pub fn own_secret(&self, name: &str, service: &str) {
        self.change_secret(name, |secret| secret.owning_service = Some(service.to_owned()));
    }

    /// Turns a secret into the replica of a secret in another account (FACTS 105).
    ///
    /// # Panics
    /// If the secret does not exist.
    pub fn of_other_account(&self, name: &str, primary_arn: &str) {
        self.change_secret(name, |secret| secret.primary_account = Some(primary_arn.to_owned()));
    }

    fn change_secret(&self, name: &str, change: impl FnOnce(&mut Secret)) {
        let mut world = self.sim.world();
        let (now, horizon) = (self.sim.now(), world.horizon());
        let timeline = world.region(&self.account, &self.region).secrets.get_mut(name);
        let changed = timeline.is_some_and(|timeline| timeline.change(now, horizon, change));
        assert!(changed, "the secret {name} does not exist");
    }

    /// All secrets by name.
    pub fn secrets(&self) -> BTreeMap<String, SecretView> {
        let mut world = self.sim.world();
        secrets::replicate::run_due_replications(&mut world, &self.account, self.sim.now());
        let secrets = &world.region(&self.account, &self.region).secrets;
        secrets
            .values()
            .filter_map(|timeline| timeline.now())
            .map(|secret| {
                let current =
                    secret.versions.values().find(|version| version.stages.contains(CURRENT));
                let replicas = secret.replicas.iter().map(|(region, replica)| {
                    (region.clone(), (replica.status.to_owned(), replica.message.clone()))
                });
                let view = SecretView {
                    arn: secret.arn.clone(),
                    value: current.map(|version| version.value.clone()),
                    key: secret.key.clone(),
                    tags: secret.tags.clone(),
                    primary: secret.primary.clone(),
                    replicas: replicas.collect(),
                    is_deleted: secret.deleted.is_some(),
                };
                (secret.name.clone(), view)
            })
            .collect()
    }

    /// Creates a key, or changes the state of a key.
    pub fn key(&self, id: &str, state: KeyState) -> &Self {
        self.sim.world().region(&self.account, &self.region).ring.keys.insert(id.to_owned(), state);
        self
    }

    /// Creates an alias of a key.
    pub fn alias(&self, alias: &str, key: &str) -> &Self {
        let mut world = self.sim.world();
        let aliases = &mut world.region(&self.account, &self.region).ring.aliases;
        aliases.insert(alias.to_owned(), key.to_owned());
        self
    }

    /// Creates a topic and returns the topic's ARN.
    pub fn topic(&self, name: &str) -> String {
        let mut world = self.sim.world();
        world.region(&self.account, &self.region).topics.entry(name.to_owned()).or_default();
        format!("arn:aws:sns:{}:{}:{name}", self.region, self.account)
    }

    /// The messages published to a topic.
    pub fn messages(&self, topic: &str) -> Vec<Message> {
        let mut world = self.sim.world();
        let topics = &world.region(&self.account, &self.region).topics;
        topics.get(topic).map(|topic| topic.0.clone()).unwrap_or_default()
    }
}
