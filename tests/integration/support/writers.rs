//! Who writes in an account: roles and users beside its owner; and the writer of each version that a parameter has.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ssm::Client;
use serde_json::Value;

use super::simulated::SPOKE;
use super::world::EXTERNAL_ID;
use super::{SOURCE, TARGET, Wire, World};

/// The role that is the hub in each account.
pub(crate) const HUB_ROLE: &str = SPOKE;
/// The role of each account's owner, as which `World::ssm` writes.
pub(crate) const OWNER: &str = "OrganizationAccountAccessRole";

/// A version of a parameter, as its history shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) number: i64,
    pub(crate) value: String,
    /// The ARN of who wrote it.
    pub(crate) writer: String,
}

impl Written {
    /// Whether the hub wrote it.
    pub(crate) fn is_the_hubs(&self) -> bool {
        let role = self.writer.split(":assumed-role/").nth(1).unwrap_or_default();
        role.split('/').next() == Some(HUB_ROLE)
    }
}

impl World {
    /// Makes a role in an account, which the tests may assume.
    pub(crate) fn make_role(&self, account: usize, role: &str) {
        self.emulator.aside(&["role", self.account(account), role]);
    }

    /// SSM in an account as one of its roles.
    pub(crate) async fn ssm_as(&self, account: usize, region: &str, role: &str) -> Client {
        self.ssm_in_session(account, region, role, "by-hand").await
    }

    /// The same in a session of this name.
    pub(crate) async fn ssm_in_session(
        &self,
        account: usize,
        region: &str,
        role: &str,
        session: &str,
    ) -> Client {
        let base = self.management_config(region);
        let arn = format!("arn:aws:iam::{}:role/{role}", self.account(account));
        let assume = aws_sdk_sts::Client::new(&base).assume_role().role_arn(arn);
        let assume = assume.role_session_name(session).external_id(EXTERNAL_ID);
        let keys = assume.send().await.expect("the role").credentials.expect("credentials");
        let (id, secret) = (keys.access_key_id, keys.secret_access_key);
        client(&base, Credentials::new(id, secret, Some(keys.session_token), None, "role"))
    }

    /// SSM in an account as a user of it, who is made for this.
    pub(crate) fn ssm_of_user(&self, account: usize, region: &str, user: &str) -> Client {
        let key = self.emulator.aside(&["user", self.account(account), user]);
        let text = |part: &Value| part.as_str().expect("a key").to_owned();
        let key = Credentials::new(text(&key[0]), text(&key[1]), None, None, "user");
        client(&self.management_config(region), key)
    }

    /// Every version of a parameter that is still kept, the oldest first.
    pub(crate) async fn history(&self, account: usize, region: &str, name: &str) -> Vec<Written> {
        let ssm = self.ssm(account, region).await;
        let pages = ssm.get_parameter_history().name(name).with_decryption(true);
        let pages = pages.into_paginator().send().try_collect().await.expect("a history");
        let versions = pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default());
        let written = |version: aws_sdk_ssm::types::ParameterHistory| Written {
            number: version.version,
            value: version.value.unwrap_or_default(),
            writer: version.last_modified_user.unwrap_or_default(),
        };
        let mut versions: Vec<Written> = versions.map(written).collect();
        versions.sort_by_key(|version| version.number);
        versions
    }

    /// The number of a replica's present version.
    pub(crate) async fn version(&self, name: &str) -> i64 {
        let read = self.ssm(0, TARGET).await.get_parameter().name(name).send().await;
        read.expect("the replica").parameter.expect("a parameter").version
    }

    /// The value and the tags of the first account's parameters in both Regions of the usual route.
    pub(crate) async fn both_regions(&self) -> [super::Regional; 2] {
        [self.seen(0, SOURCE).await, self.seen(0, TARGET).await]
    }

    /// The same accounts over a wire of its own, for one more hub beside the first.
    pub(crate) fn beside(&self) -> Self {
        let wire = Wire::to(&self.emulator.url);
        Self { emulator: self.emulator, accounts: self.accounts.clone(), wire }
    }
}

fn client(base: &aws_config::SdkConfig, credentials: Credentials) -> Client {
    let provider = SharedCredentialsProvider::new(credentials);
    Client::new(&base.clone().into_builder().credentials_provider(provider).build())
}
