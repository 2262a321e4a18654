//! Accounts in the emulator, as their owners see them, and a hub over them.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ssm::types::ResourceTypeForTagging;
use aws_smithy_async::time::SharedTimeSource;
use failover_replicator::aws::Environment;
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::{AccountId, Purpose};
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use failover_replicator::report::ExitCode;
use failover_replicator::request::{Accounts, Reconcile, Request, RunOptions};
use failover_replicator::settings::{MaxDeletes, RawSettings};
use serde_json::{Value, json};

use super::{Clock, Emulator, Hubctl, Wire, http, put};

/// The external id that the emulator's spoke roles ask for.
pub(crate) const EXTERNAL_ID: &str = "test-external-id";
/// One source, one target.
pub(crate) const ROUTES: &str = "us-east-2=us-east-1";
/// The organisation's management account, which is the hub's own.
pub(crate) const MANAGEMENT: &str = "123456789012";
/// Where `ROUTES` begins.
pub(crate) const SOURCE: &str = "us-east-2";
/// Where `ROUTES` ends.
pub(crate) const TARGET: &str = "us-east-1";
/// Key and value of the mark.
pub(crate) const MARK: (&str, &str) =
    ("ReplicationStatus", "monitored-by-parameter-store-replication-lambda");

/// Some accounts of an emulator, and the wire that their hub's calls go over.
pub(crate) struct World {
    pub(crate) emulator: &'static Emulator,
    pub(crate) accounts: Vec<String>,
    pub(crate) wire: Wire,
}

/// What a parameter looks like to its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) value: String,
    pub(crate) version: i64,
    pub(crate) value_type: String,
    pub(crate) tier: String,
    pub(crate) description: Option<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl World {
    /// `accounts` new ones in the shared emulator.
    pub(crate) fn new(accounts: usize) -> Self {
        Self::furnished(&["--accounts", &accounts.to_string()])
    }

    /// New ones in the shared emulator, as `furnish.py` takes its arguments.
    pub(crate) fn furnished(arguments: &[&str]) -> Self {
        Self::on(Emulator::shared(), arguments)
    }

    /// New ones in an emulator.
    pub(crate) fn on(emulator: &'static Emulator, arguments: &[&str]) -> Self {
        Self { emulator, accounts: emulator.accounts(arguments), wire: Wire::to(&emulator.url) }
    }

    /// An account's id.
    pub(crate) fn account(&self, index: usize) -> &str {
        &self.accounts[index]
    }

    /// A hub over these accounts alone, with settings as the environment would give them (without `REPLICATOR_`).
    pub(crate) async fn hub(&self, settings: &[(&str, &str)]) -> Hub {
        self.hub_at(None, settings).await
    }

    /// The same by a clock of the test's own.
    pub(crate) async fn hub_at(&self, clock: Option<&Clock>, settings: &[(&str, &str)]) -> Hub {
        let mut variables = BTreeMap::from([
            ("REPLICATOR_ROUTES".to_owned(), ROUTES.to_owned()),
            ("REPLICATOR_TABLE".to_owned(), "none".to_owned()),
            ("REPLICATOR_SPOKE_EXTERNAL_ID".to_owned(), EXTERNAL_ID.to_owned()),
            ("REPLICATOR_QUOTAS".to_owned(), r#"{"*/*/*":100000}"#.to_owned()),
            ("REPLICATOR_INCLUDE_ACCOUNTS".to_owned(), self.accounts.join(",")),
            // Few tests can wait a day.
            ("REPLICATOR_DELETE_GRACE_DAYS".to_owned(), "0".to_owned()),
        ]);
        variables.extend(
            settings
                .iter()
                .map(|(name, value)| (format!("REPLICATOR_{name}"), (*value).to_owned())),
        );
        variables.insert("AWS_ENDPOINT_URL".to_owned(), self.emulator.url.clone());
        let settings =
            RawSettings::from_variables(variables.into_iter()).parse().expect("settings");
        let environment = Environment {
            http_client: Some(self.wire.client()),
            credentials: Some(SharedCredentialsProvider::new(management())),
            time_source: clock.cloned().map(SharedTimeSource::new),
            breaker: None,
        };
        Hub::with(settings, environment).await.expect("a hub")
    }

    /// `hubctl` over these accounts alone.
    pub(crate) fn hubctl(&self) -> Hubctl {
        Hubctl::new(&self.emulator.url, &self.accounts)
    }

    /// What the hub answers to a payload.
    pub(crate) async fn ask(&self, hub: &Hub, payload: &Value) -> Value {
        self.try_ask(hub, payload).await.unwrap_or_else(|error| panic!("{payload}: {error}"))
    }

    /// What the hub answers to a payload, or why it refuses it.
    pub(crate) async fn try_ask(&self, hub: &Hub, payload: &Value) -> Result<Value, HubError> {
        Ok(match answer(hub, payload).await? {
            Answer::Report(response) => serde_json::to_value(*response).expect("JSON"),
            Answer::Ignored(reason) => json!({"status": "in_sync", "ignored": reason}),
            Answer::Accounts(answer) | Answer::Batch(answer, _) | Answer::Execution(answer) => {
                answer
            }
            Answer::Failover(answer) => serde_json::to_value(*answer).expect("JSON"),
            Answer::Status(status) => serde_json::to_value(*status).expect("JSON"),
        })
    }

    /// What the hub answers to a payload that it works for, and the code that `hubctl` exits with then.
    pub(crate) async fn ask_for_code(&self, hub: &Hub, payload: &Value) -> (Value, u8) {
        match answer(hub, payload).await {
            Ok(Answer::Report(response)) => {
                let code = ExitCode::of(&response).number();
                (serde_json::to_value(*response).expect("JSON"), code)
            }
            other => panic!("{payload}: {other:?}"),
        }
    }

    /// A person's sweep of these accounts, who lets everything go at once that misses its source.
    pub(crate) async fn sweep_by_a_person(&self, hub: &Hub) -> Value {
        let id = |account: &String| AccountId::parse(account).expect("an id");
        let request = Request::Reconcile(Reconcile {
            accounts: Accounts::These(self.accounts.iter().map(id).collect()),
            region: None,
            item: None,
            options: RunOptions {
                max_deletes: Some(MaxDeletes::Percent(100)),
                lifts_brake: true,
                ..RunOptions::default()
            },
            purpose: Purpose::Equality,
            execution: None,
        });
        let done = hub.perform(request, RouteFilter::default(), Deadline::never(), &|_| ()).await;
        let done = done.unwrap_or_else(|error| panic!("a person's sweep: {error}"));
        serde_json::to_value(done.answer).expect("JSON")
    }

    /// A sweep of these accounts.
    pub(crate) async fn sweep(&self, hub: &Hub) -> Value {
        self.ask(hub, &json!({"detail": {"name": "all", "operation": "sync"}})).await
    }

    /// A payload for all of the first account.
    pub(crate) fn all(&self) -> Value {
        json!({"account": self.accounts[0], "detail": {"name": "all", "operation": "sync"}})
    }

    /// A payload for one parameter of the first account.
    pub(crate) fn one(&self, name: &str, operation: &str) -> Value {
        json!({"account": self.accounts[0], "detail": {"name": name, "operation": operation}})
    }

    /// An administrator's SSM in an account.
    pub(crate) async fn ssm(&self, account: usize, region: &str) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::new(&self.config(account, region).await)
    }

    /// An administrator's Secrets Manager in an account.
    pub(crate) async fn secrets(
        &self,
        account: usize,
        region: &str,
    ) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config(account, region).await)
    }

    /// How many accounts the emulator's organisation has, the management account among them.
    pub(crate) async fn organisation(&self) -> usize {
        let base = config(&self.emulator.url, "us-east-1", management());
        let organizations = aws_sdk_organizations::Client::new(&base);
        let pages = organizations.list_accounts().into_paginator().send().try_collect().await;
        pages.expect("pages of accounts").iter().map(|page| page.accounts().len()).sum()
    }

    /// A call of an account's KMS, such as `DisableKey`.
    pub(crate) async fn kms(
        &self,
        account: usize,
        region: &str,
        operation: &str,
        body: &Value,
    ) -> Value {
        let config = self.config(account, region).await;
        let credentials = config.credentials_provider().expect("the owner's").clone();
        let key = credentials.provide_credentials().await.expect("credentials");
        let key = key.access_key_id();
        // The emulator looks at who signs and where, not at the signature.
        let scope = format!("{key}/20260101/{region}/kms/aws4_request");
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let headers = [
            ("Authorization", signed),
            ("X-Amz-Target", format!("TrentService.{operation}")),
            ("Content-Type", "application/x-amz-json-1.1".to_owned()),
        ];
        http::send(&self.emulator.url, "POST /", &headers, body)
    }

    async fn config(&self, account: usize, region: &str) -> aws_config::SdkConfig {
        let base = config(&self.emulator.url, region, management());
        if self.accounts[account] == MANAGEMENT {
            return base;
        }
        let role =
            format!("arn:aws:iam::{}:role/OrganizationAccountAccessRole", self.accounts[account]);
        let answer = aws_sdk_sts::Client::new(&base)
            .assume_role()
            .role_arn(role)
            .role_session_name("owner")
            .send()
            .await
            .expect("the owner's role");
        let keys = answer.credentials.expect("credentials");
        let (id, secret) = (keys.access_key_id, keys.secret_access_key);
        let credentials = Credentials::new(id, secret, Some(keys.session_token), None, "owner");
        config(&self.emulator.url, region, credentials)
    }

    /// Writes a plain parameter.
    pub(crate) async fn put(&self, account: usize, region: &str, name: &str, value: &str) {
        let ssm = self.ssm(account, region).await;
        put(&ssm, name, value).await;
    }

    /// Every parameter of an account's Region, by name.
    pub(crate) async fn seen(&self, account: usize, region: &str) -> BTreeMap<String, Seen> {
        let ssm = self.ssm(account, region).await;
        let mut pages = ssm.describe_parameters().into_paginator().send();
        let mut seen = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for listed in page.expect("a page").parameters.unwrap_or_default() {
                let name = listed.name.expect("a name");
                let read = ssm
                    .get_parameter()
                    .name(&name)
                    .with_decryption(true)
                    .send()
                    .await
                    .expect("a value");
                let read = read.parameter.expect("a parameter");
                let tags = ssm
                    .list_tags_for_resource()
                    .resource_type(ResourceTypeForTagging::Parameter)
                    .resource_id(&name)
                    .send()
                    .await
                    .expect("tags");
                let tags = tags
                    .tag_list
                    .unwrap_or_default()
                    .into_iter()
                    .map(|tag| (tag.key, tag.value))
                    .collect();
                seen.insert(
                    name,
                    Seen {
                        value: read.value.unwrap_or_default(),
                        version: read.version,
                        value_type: listed.r#type.expect("a type").as_str().to_owned(),
                        tier: listed.tier.expect("a tier").as_str().to_owned(),
                        description: listed.description.filter(|text| !text.is_empty()),
                        pattern: listed.allowed_pattern.filter(|text| !text.is_empty()),
                        key: listed.key_id,
                        tags,
                    },
                );
            }
        }
        seen
    }
}

/// A payload with one more field beside `detail`.
pub(crate) fn with(mut payload: Value, field: &str, value: impl Into<Value>) -> Value {
    payload[field] = value.into();
    payload
}

/// A count of the response's totals.
pub(crate) fn count(response: &Value, kind: &str, outcome: &str) -> u64 {
    response["totals"][kind][outcome].as_u64().unwrap_or(0)
}

/// The response's failures as (`error_kind`, name).
pub(crate) fn failures(response: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = response["failures"].as_array().expect("failures");
    list.iter().map(|failure| (text(&failure["error_kind"]), text(&failure["name"]))).collect()
}

async fn answer(hub: &Hub, payload: &Value) -> Result<Answer, HubError> {
    let bytes = payload.to_string();
    hub.run(bytes.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await
}

/// Each failure as `kind name region error_kind`; all of them must say what to do.
pub(crate) fn told(response: &Value) -> Vec<String> {
    let list = response["failures"].as_array().expect("failures");
    let text = |failure: &Value, field: &str| failure[field].as_str().unwrap_or("-").to_owned();
    list.iter()
        .map(|failure| {
            for field in ["message", "remedy"] {
                assert!(text(failure, field).len() > 10, "{failure:#}");
            }
            ["kind", "name", "region", "error_kind"].map(|field| text(failure, field)).join(" ")
        })
        .collect()
}

fn management() -> Credentials {
    Credentials::new(
        "AKIAMANAGEMENTACCOUNT",
        "management-account-secret-key",
        None,
        None,
        "management",
    )
}

fn config(url: &str, region: &str, credentials: Credentials) -> aws_config::SdkConfig {
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(region.to_owned()))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Wire::to(url).client())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .build()
}

impl World {
    /// What an SDK client of the account's owner is made of.
    pub(crate) async fn owner_config(&self, account: usize, region: &str) -> aws_config::SdkConfig {
        self.config(account, region).await
    }

    /// What an SDK client of the management account is made of.
    pub(crate) fn management_config(&self, region: &str) -> aws_config::SdkConfig {
        config(&self.emulator.url, region, management())
    }
}
