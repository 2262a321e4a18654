//! Retries a call with new credentials if AWS reports that the credentials have expired early.
//!
//! The SDK treats `ExpiredToken` as a final error. A role can be assumed again, so the call is worth another attempt.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::credentials::RoleCredentials;
use crate::aws::errors::wire::error_code;

/// A marker on a response: retry the attempt, which will be signed with new credentials.
#[derive(Clone, Copy, Debug)]
pub(super) struct CredentialsRenewed;

/// The id of the access key that signed an attempt.
#[derive(Clone, Debug)]
struct SigningKey(String);

impl Storable for SigningKey {
    type Storer = StoreReplace<Self>;
}

/// Rejects a role's credentials when AWS reports them as expired.
#[derive(Debug)]
pub(super) struct RenewalInterceptor(pub(super) RoleCredentials);

#[dyn_dispatch_hint]
impl Intercept for RenewalInterceptor {
    fn name(&self) -> &'static str {
        "RenewalInterceptor"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
        let signature = context.request().headers().get("authorization").unwrap_or_default();
        if let Some((_, rest)) = signature.split_once("Credential=")
            && let Some((key, _)) = rest.split_once('/')
        {
            config.interceptor_state().store_put(SigningKey(key.to_owned()));
        }
        Ok(())
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(response) = context.response_mut() else { return Ok(()) };
        let is_expired = error_code(response).is_some_and(|code| code.starts_with("ExpiredToken"));
        if is_expired
            && let Some(SigningKey(key)) = config.load::<SigningKey>()
            && self.0.reject(key)
        {
            response.add_extension(CredentialsRenewed);
        }
        Ok(())
    }
}
