//! Logs every write when it is sent, for every command and including each retry of the SDK.
//!
//! A line holds the names of what is written to, and never a value.

use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing::Level;

use crate::domain::{AccountId, Region};

/// The actions that change a member account.
const WRITES: [&str; 8] = [
    "ssm:PutParameter",
    "ssm:LabelParameterVersion",
    "ssm:UnlabelParameterVersion",
    "ssm:DeleteParameters",
    "ssm:AddTagsToResource",
    "ssm:RemoveTagsFromResource",
    "secretsmanager:ReplicateSecretToRegions",
    "secretsmanager:RemoveRegionsFromReplication",
];

pub(super) fn is_write(action: &str) -> bool {
    WRITES.contains(&action)
}

pub(super) fn log(action: &str, account: Option<&AccountId>, region: &Region, body: Option<&[u8]>) {
    if !tracing::enabled!(Level::INFO) {
        return;
    }
    let account = account.map_or("hub", AccountId::as_str);
    let name = names(body.unwrap_or_default());
    tracing::info!(action, account, %region, name, "write");
}

/// What a request writes to. Other members of the request, such as the value, are not kept.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Named {
    name: Option<String>,
    names: Vec<String>,
    resource_id: Option<String>,
    secret_id: Option<String>,
    #[serde(rename = "Value")]
    _value: IgnoredAny,
}

fn names(body: &[u8]) -> String {
    let named: Named = serde_json::from_slice(body).unwrap_or_default();
    let one = named.name.or(named.resource_id).or(named.secret_id);
    one.unwrap_or_else(|| named.names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ACTIONS;

    #[test]
    fn a_line_holds_the_names_and_no_value() {
        for (body, expected) in [
            (r#"{"Name":"/a","Value":"hunter2","Tags":[{"Key":"k","Value":"v"}]}"#, "/a"),
            (r#"{"Names":["/a","/b"]}"#, "/a /b"),
            (r#"{"ResourceType":"Parameter","ResourceId":"/a","TagKeys":["k"]}"#, "/a"),
            (r#"{"SecretId":"db/main","AddReplicaRegions":[]}"#, "db/main"),
            ("{", ""),
        ] {
            assert_eq!(names(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn every_write_in_the_list_of_actions_is_logged() {
        for (action, _) in ACTIONS {
            let (service, operation) = action.split_once(':').expect("an action");
            let reads = ["Get", "Describe", "List", "AssumeRole"];
            let reads = reads.iter().any(|word| operation.starts_with(word));
            let changes_a_member = !["sns", "dynamodb"].contains(&service);
            assert_eq!(is_write(action), !reads && changes_a_member, "{action}");
        }
    }
}
