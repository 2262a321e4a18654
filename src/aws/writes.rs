//! A log line for every write, at the wire: whatever command asked for it, whichever path led to it, and each repetition
//! of the SDK's by itself. What a request sets is never in the line; only the names that it writes to are.

use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing::Level;

use crate::domain::{AccountId, Region};

/// The actions that change something in a member account.
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

/// Whether `action` changes something in a member account.
pub(super) fn is_write(action: &str) -> bool {
    WRITES.contains(&action)
}

/// Logs a write that is about to be sent.
pub(super) fn log(action: &str, account: Option<&AccountId>, region: &Region, body: Option<&[u8]>) {
    if !tracing::enabled!(Level::INFO) {
        return;
    }
    let account = account.map_or("the hub's own", AccountId::as_str);
    let name = names(body.unwrap_or_default());
    tracing::info!(action, account, %region, name, "write");
}

/// What a request writes to. Its other members are passed over without being kept.
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
    fn a_line_names_what_is_written_to_and_nothing_else() {
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
    fn every_action_that_changes_something_is_known() {
        for (action, _) in ACTIONS {
            let (service, operation) = action.split_once(':').expect("an action");
            let reads = ["Get", "Describe", "List", "AssumeRole"];
            let reads = reads.iter().any(|word| operation.starts_with(word));
            assert_eq!(is_write(action), !reads && service != "sns", "{action}");
        }
    }
}
