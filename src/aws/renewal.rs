//! Credentials that AWS calls over before their time: another attempt is made, with new ones.
//!
//! The SDK takes `ExpiredToken` for a refusal. For a role's session it is none: the role can be assumed again.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::credentials::RoleCredentials;
use crate::aws::errors::wire::error_code;

/// On an answer: the attempt is worth another one, with other credentials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renewed;

/// The access key that signed an attempt.
#[derive(Clone, Debug)]
struct SignedBy(String);

impl Storable for SignedBy {
    type Storer = StoreReplace<Self>;
}

/// Tells a role's credentials when AWS calls them over.
#[derive(Debug)]
pub(super) struct Renewal(pub(super) RoleCredentials);

#[dyn_dispatch_hint]
impl Intercept for Renewal {
    fn name(&self) -> &'static str {
        "Renewal"
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
            config.interceptor_state().store_put(SignedBy(key.to_owned()));
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
        let is_over = error_code(response).is_some_and(|code| code.starts_with("ExpiredToken"));
        if is_over
            && let Some(SignedBy(key)) = config.load::<SignedBy>()
            && self.0.doubt(key)
        {
            response.add_extension(Renewed);
        }
        Ok(())
    }
}
