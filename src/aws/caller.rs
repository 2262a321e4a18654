//! The principal whose credentials sign the hub's own calls.

use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;

use super::errors;
use super::response::{complete_response, missing_member};
use crate::domain::{AccountId, Cause, Region};

/// The principal whose credentials sign the hub's own calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The hub's own account.
    pub account: AccountId,
    /// The ARN of the role session or user; empty if STS did not name one.
    pub arn: String,
}

impl CallerIdentity {
    /// Asks STS.
    ///
    /// # Errors
    /// The failure of `GetCallerIdentity`.
    pub(super) async fn ask(sts: &aws_sdk_sts::Client, region: &Region) -> Result<Self, Cause> {
        const OPERATION: &str = "sts:GetCallerIdentity";
        let place = format!("the hub's account in {region}");
        let request = sts.get_caller_identity();
        let is_named = |answer: &GetCallerIdentityOutput| Self::of(answer).is_some();
        let answer = complete_response(|| request.clone().send(), is_named).await;
        let answer = answer.map_err(|error| errors::cause(OPERATION, &place, &error))?;
        let caller = answer.as_ref().and_then(Self::of);
        caller.ok_or_else(|| missing_member(OPERATION, &place, "the account"))
    }

    fn of(answer: &GetCallerIdentityOutput) -> Option<Self> {
        let account = AccountId::parse(answer.account()?).ok()?;
        Some(Self { account, arn: answer.arn().unwrap_or_default().to_owned() })
    }
}
