//! The emulator or the simulator, as a scenario sees them: SDK clients, and a notebook.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sim::Sim;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;

use super::Seen;
use crate::support::{EXTERNAL_ID, SPOKE, World, sdk_config};

pub(super) const SOURCE: &str = "us-east-2";
pub(super) const TARGET: &str = "us-east-1";

/// Where scenarios are performed.
pub(super) enum Stage {
    Emulated(World),
    Simulated(Sim, Vec<String>),
}

impl Stage {
    pub(super) fn emulated(world: World) -> Self {
        Self::Emulated(world)
    }

    pub(super) fn simulated(sim: Sim, accounts: Vec<String>) -> Self {
        Self::Simulated(sim, accounts)
    }

    /// One of the two accounts' ids.
    pub(super) fn account(&self, index: usize) -> &str {
        match self {
            Self::Emulated(world) => world.account(index),
            Self::Simulated(_, accounts) => &accounts[index],
        }
    }

    /// What the owner's clients are made of. Nothing is tried twice: what is refused is to be seen.
    pub(super) async fn config(&self, account: usize, region: &str) -> SdkConfig {
        let config = match self {
            Self::Emulated(world) => world.owner_config(account, region).await,
            Self::Simulated(sim, accounts) => {
                sdk_config(sim, sim.account(&accounts[account]).keys(), region)
            }
        };
        config.into_builder().retry_config(RetryConfig::disabled()).build()
    }

    /// What the management account's clients are made of.
    pub(super) fn management(&self, region: &str) -> SdkConfig {
        let config = match self {
            Self::Emulated(world) => world.management_config(region),
            Self::Simulated(sim, _) => sdk_config(sim, sim.hub_keys("hub"), region),
        };
        config.into_builder().retry_config(RetryConfig::disabled()).build()
    }

    pub(super) async fn ssm(&self, region: &str) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::new(&self.config(0, region).await)
    }

    /// A second caller of the first account: a session of its spoke role.
    pub(super) async fn ssm_of_spoke(&self, region: &str, session: &str) -> aws_sdk_ssm::Client {
        let role = format!("arn:aws:iam::{}:role/{SPOKE}", self.account(0));
        let hub = aws_sdk_sts::Client::new(&self.management(region));
        let assumed = hub.assume_role().role_arn(role).role_session_name(session);
        let assumed = assumed.external_id(EXTERNAL_ID).send().await.expect("a session");
        let keys = assumed.credentials.expect("credentials");
        let token = Some(keys.session_token);
        let credentials =
            Credentials::new(keys.access_key_id, keys.secret_access_key, token, None, "spoke");
        let config = self.config(0, region).await.into_builder();
        let config = config.credentials_provider(SharedCredentialsProvider::new(credentials));
        aws_sdk_ssm::Client::new(&config.build())
    }

    pub(super) async fn secrets(&self, region: &str) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config(0, region).await)
    }

    /// Lets time pass where time matters. The emulator does everything at once.
    pub(super) async fn wait(&self, seconds: u64) {
        if matches!(self, Self::Simulated(..)) {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
    }
}

/// What was seen, by scenario and step.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) seen: Seen,
}

/// One scenario's page of the notebook.
pub(super) struct Page<'a> {
    scenario: &'static str,
    seen: &'a mut Seen,
}

impl Notes {
    pub(super) fn of(&mut self, scenario: &'static str) -> Page<'_> {
        Page { scenario, seen: &mut self.seen }
    }
}

impl Page<'_> {
    /// Notes what a step came to. No step is noted twice.
    pub(super) fn note(&mut self, step: &str, seen: impl Into<String>) {
        let key = format!("{}: {step}", self.scenario);
        let before = self.seen.insert(key, seen.into());
        assert!(before.is_none(), "{}: {step} is noted twice", self.scenario);
    }

    /// Notes `ok`, or AWS's code.
    pub(super) fn outcome<T, E, R>(&mut self, step: &str, result: Result<T, SdkError<E, R>>)
    where
        E: ProvideErrorMetadata + Debug,
        R: Debug,
    {
        self.note(step, told(result, |_| "ok".to_owned()));
    }
}

/// What `tell` says of a success, or AWS's code.
pub(super) fn told<T, E, R>(
    result: Result<T, SdkError<E, R>>,
    tell: impl FnOnce(T) -> String,
) -> String
where
    E: ProvideErrorMetadata + Debug,
    R: Debug,
{
    match result {
        Ok(answer) => tell(answer),
        Err(SdkError::ServiceError(error)) => {
            error.err().code().unwrap_or("a refusal without a code").to_owned()
        }
        Err(other) => format!("{other:?}"),
    }
}

/// Keys and values on one line.
pub(super) fn pairs<K: Debug + Ord, V: Debug>(pairs: impl IntoIterator<Item = (K, V)>) -> String {
    format!("{:?}", pairs.into_iter().collect::<BTreeMap<K, V>>())
}
