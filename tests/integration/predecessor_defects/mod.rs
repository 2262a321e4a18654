//! The predecessor's defects, each under the number that it has in the study of it: each test fails on what it did.
//!
//! O2, O17 and O18 were of its templates.

mod events;
mod parameters;
mod secrets;

use crate::support::{Call, World};

pub(super) async fn create_secret(
    secrets: &aws_sdk_secretsmanager::Client,
    name: &str,
    value: &str,
) {
    secrets.create_secret().name(name).secret_string(value).send().await.expect("create");
}

pub(super) async fn secret_value(world: &World, region: &str, name: &str) -> String {
    let secrets = world.secrets(0, region).await;
    let read = secrets.get_secret_value().secret_id(name).send().await.expect("a value");
    read.secret_string.expect("a text")
}

pub(super) fn writes(calls: &[Call]) -> Vec<&str> {
    let writes = ["ssm:Put", "ssm:Delete", "ssm:Add", "ssm:Remove", "secretsmanager:Replicate"];
    let actions = calls.iter().map(|call| call.action.as_str());
    actions.filter(|action| writes.iter().any(|write| action.starts_with(write))).collect()
}
