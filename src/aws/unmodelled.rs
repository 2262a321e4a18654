//! Reads members of responses that the SDK's model does not have yet, from the JSON that AWS sent.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

/// An interceptor that collects the ARNs of the resources that have a given member.
///
/// A response that does not contain the member's name is not parsed a second time.
#[derive(Clone, Debug)]
pub struct Unmodelled {
    member: &'static str,
    holders: Arc<Mutex<BTreeSet<String>>>,
}

impl Unmodelled {
    /// Looks for `member` beside the member `ARN`.
    pub fn new(member: &'static str) -> Self {
        Self { member, holders: Arc::default() }
    }

    /// Whether the resource of this ARN had the member.
    pub fn is_in(&self, arn: &str) -> bool {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner).contains(arn)
    }

    fn read(&self, body: &[u8]) {
        let name = self.member.as_bytes();
        if !body.windows(name.len()).any(|window| window == name) {
            return;
        }
        // The SDK reports a body that is not JSON.
        let Ok(answer) = serde_json::from_slice::<Value>(body) else { return };
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        self.collect(&answer, &mut holders);
    }

    fn collect(&self, value: &Value, holders: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let (Some(arn), Some(held)) =
                    (members.get("ARN").and_then(Value::as_str), members.get(self.member))
                    && !held.is_null()
                {
                    holders.insert(arn.to_owned());
                }
                members.values().for_each(|member| self.collect(member, holders));
            }
            Value::Array(values) => values.iter().for_each(|value| self.collect(value, holders)),
            _ => {}
        }
    }
}

#[dyn_dispatch_hint]
impl Intercept for Unmodelled {
    fn name(&self) -> &'static str {
        "Unmodelled"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = context.response().body().bytes() {
            self.read(body);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_with_the_member_are_found_by_their_arns() {
        let unmodelled = Unmodelled::new("CrossAccountPrimary");
        for body in [
            r#"{"ARN":"one","CrossAccountPrimary":{"ARN":"elsewhere"}}"#,
            r#"{"SecretList":[{"ARN":"two","CrossAccountPrimary":"x"},{"ARN":"three"}]}"#,
            r#"{"ARN":"four","CrossAccountPrimary":null}"#,
            "no JSON, but CrossAccountPrimary",
        ] {
            unmodelled.read(body.as_bytes());
        }
        assert!(unmodelled.is_in("one") && unmodelled.is_in("two"));
        for without in ["three", "four", "elsewhere"] {
            assert!(!unmodelled.is_in(without), "{without}");
        }
    }
}
