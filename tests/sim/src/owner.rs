//! What owners do in their own accounts: at once, without quotas, faults or lag, by the same rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Millis;
use crate::error::AwsError;
use crate::identity::{Keys, Principal, Role};
use crate::kms::KeyState;
use crate::secrets::model::CURRENT;
use crate::service::perform;
use crate::sim::Sim;
use crate::sns::Message;
use crate::state::{Call, Lag};
use crate::{secrets, ssm};

const LONGEST_SESSION: u64 = 43_200;

/// An account.
#[derive(Clone, Debug)]
pub struct AccountSide<'a> {
    sim: &'a Sim,
    id: String,
}

/// One Region of an account.
#[derive(Clone, Debug)]
pub struct RegionSide<'a> {
    sim: &'a Sim,
    account: String,
    region: String,
}

/// Who does a call, when, and how far its reads are behind: for whoever keeps the order of all calls himself.
#[derive(Clone, Copy, Debug)]
pub struct Doer<'a> {
    /// The caller's ARN, in the account that is called.
    pub arn: &'a str,
    /// The moment of the call.
    pub at: Millis,
    /// How far its reads are behind.
    pub lag: Lag,
}

/// A parameter as its owner sees it.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own words")]
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

/// A secret as its owner sees it.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own words")]
pub struct SecretView {
    pub arn: String,
    pub value: Option<String>,
    pub key: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub primary: Option<String>,
    /// Status and message by Region.
    pub replicas: BTreeMap<String, (String, Option<String>)>,
    pub is_deleted: bool,
}

impl<'a> AccountSide<'a> {
    pub(crate) fn of(sim: &'a Sim, id: &str) -> Self {
        Self { sim, id: id.to_owned() }
    }

    /// One of its Regions.
    pub fn region(&self, region: &str) -> RegionSide<'a> {
        RegionSide { sim: self.sim, account: self.id.clone(), region: region.to_owned() }
    }

    /// Makes a role, or changes whom it trusts: principals by ARN, an account by its `:root`.
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

    /// Removes a role. Sessions that it gave go on.
    pub fn remove_role(&self, name: &str) -> &Self {
        self.sim.world().account(&self.id).roles.remove(name);
        self
    }

    /// Credentials of its owner, without an end, for an SDK.
    pub fn keys(&self) -> Keys {
        let mut world = self.sim.world();
        let seed = world.settings.seed;
        world.issued.issue(seed, &self.id, owner(&self.id), None)
    }

    /// Its state in the organisation, such as `SUSPENDED`, and its units, such as `ou-1/ou-2`.
    pub fn place(&self, state: &str, units: &str) -> &Self {
        let mut world = self.sim.world();
        let member = world.organization.join(&self.id);
        state.clone_into(&mut member.state);
        units.clone_into(&mut member.units);
        self
    }

    /// Turns a Region off.
    pub fn close_region(&self, region: &str) -> &Self {
        self.sim.world().account(&self.id).closed.insert(region.to_owned());
        self
    }
}

fn owner(account: &str) -> String {
    format!("arn:aws:iam::{account}:user/owner")
}

impl RegionSide<'_> {
    /// Does any operation (`ssm:PutParameter`), with a request as the service's JSON has it.
    ///
    /// # Errors
    /// Why AWS refuses it.
    pub fn call(&self, operation: &str, request: &Value) -> Result<Value, AwsError> {
        let arn = owner(&self.account);
        let doer = Doer { arn: &arn, at: self.sim.now(), lag: Lag::default() };
        self.call_by(doer, operation, request)
    }

    /// The same by anybody of the account, at any moment not before the last change.
    ///
    /// # Errors
    /// Why AWS refuses it.
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
        };
        perform(&mut self.sim.world(), &call)
    }

    fn must(&self, operation: &str, request: &Value) -> Value {
        self.call(operation, request)
            .unwrap_or_else(|error| panic!("{operation} {request}: {error}"))
    }

    /// Writes a plain text, over whatever is there; the version that this makes.
    pub fn put(&self, name: &str, value: &str) -> i64 {
        let request = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
        self.must("ssm:PutParameter", &request)["Version"].as_i64().unwrap_or_default()
    }

    /// Writes a parameter, with a request as `PutParameter` takes it.
    pub fn put_parameter(&self, request: &Value) {
        self.must("ssm:PutParameter", request);
    }

    /// Deletes a parameter, which is there.
    pub fn delete(&self, name: &str) {
        self.must("ssm:DeleteParameter", &json!({ "Name": name }));
    }

    /// Tags a parameter.
    pub fn tag(&self, name: &str, key: &str, value: &str) {
        let tags = json!([{"Key": key, "Value": value}]);
        let request = json!({"ResourceType": "Parameter", "ResourceId": name, "Tags": tags});
        self.must("ssm:AddTagsToResource", &request);
    }

    /// Takes a tag off a parameter.
    pub fn untag(&self, name: &str, key: &str) {
        let request = json!({"ResourceType": "Parameter", "ResourceId": name, "TagKeys": [key]});
        self.must("ssm:RemoveTagsFromResource", &request);
    }

    /// What a service of AWS's does: a tag that begins with `aws:` (FACTS 61).
    ///
    /// # Panics
    /// Nobody holds the name.
    pub fn tag_as_aws(&self, name: &str, key: &str, value: &str) {
        let mut world = self.sim.world();
        let (now, horizon) = (self.sim.now(), world.horizon());
        let parameters = &mut world.region(&self.account, &self.region).parameters;
        let past = parameters.entry(ssm::name::key(name).to_owned()).or_default();
        let mut parameter = past.now().cloned().unwrap_or_else(|| panic!("{name} is there"));
        parameter.tags.insert(key.to_owned(), value.to_owned());
        parameter.was_tagged = true;
        past.set(now, Some(parameter), horizon);
    }

    /// Every parameter, by its name.
    pub fn parameters(&self) -> BTreeMap<String, ParameterView> {
        // Any call lets what is due happen.
        self.must("ssm:DescribeParameters", &json!({}));
        let mut world = self.sim.world();
        let parameters = &world.region(&self.account, &self.region).parameters;
        parameters
            .values()
            .filter_map(|past| past.now())
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

    /// What a service of AWS's does: takes a secret over (FACTS 90).
    ///
    /// # Panics
    /// Nobody holds the name.
    pub fn own_secret(&self, name: &str, service: &str) {
        let mut world = self.sim.world();
        let (now, horizon) = (self.sim.now(), world.horizon());
        let secrets = &mut world.region(&self.account, &self.region).secrets;
        let past = secrets.entry(name.to_owned()).or_default();
        let mut secret = past.now().cloned().unwrap_or_else(|| panic!("{name} is there"));
        secret.owning_service = Some(service.to_owned());
        past.set(now, Some(secret), horizon);
    }

    /// Makes a secret the replica of one in another account (FACTS 105).
    ///
    /// # Panics
    /// Nobody holds the name.
    pub fn of_other_account(&self, name: &str, primary_arn: &str) {
        let mut world = self.sim.world();
        let (now, horizon) = (self.sim.now(), world.horizon());
        let secrets = &mut world.region(&self.account, &self.region).secrets;
        let past = secrets.entry(name.to_owned()).or_default();
        let mut secret = past.now().cloned().unwrap_or_else(|| panic!("{name} is there"));
        secret.primary_account = Some(primary_arn.to_owned());
        past.set(now, Some(secret), horizon);
    }

    /// Every secret, by its name.
    pub fn secrets(&self) -> BTreeMap<String, SecretView> {
        let mut world = self.sim.world();
        secrets::replicate::settle(&mut world, &self.account, self.sim.now());
        let secrets = &world.region(&self.account, &self.region).secrets;
        secrets
            .values()
            .filter_map(|past| past.now())
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

    /// Makes a key, or changes its state.
    pub fn key(&self, id: &str, state: KeyState) -> &Self {
        self.sim.world().region(&self.account, &self.region).ring.keys.insert(id.to_owned(), state);
        self
    }

    /// Names a key.
    pub fn alias(&self, alias: &str, key: &str) -> &Self {
        let mut world = self.sim.world();
        let aliases = &mut world.region(&self.account, &self.region).ring.aliases;
        aliases.insert(alias.to_owned(), key.to_owned());
        self
    }

    /// Makes a topic; its ARN.
    pub fn topic(&self, name: &str) -> String {
        let mut world = self.sim.world();
        world.region(&self.account, &self.region).topics.entry(name.to_owned()).or_default();
        format!("arn:aws:sns:{}:{}:{name}", self.region, self.account)
    }

    /// What a topic took.
    pub fn messages(&self, topic: &str) -> Vec<Message> {
        let mut world = self.sim.world();
        let topics = &world.region(&self.account, &self.region).topics;
        topics.get(topic).map(|topic| topic.0.clone()).unwrap_or_default()
    }
}
