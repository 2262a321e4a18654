//! What owners, and others, do between two sweeps. Whatever AWS refuses is not done.

use aws_sim::Sim;
use serde_json::json;

use super::furnish::{NAMES, SECRETS, parameter, secret};
use super::random::Random;
use crate::support::MARK;

/// Writes parameters that were deleted as ones of another type.
pub(super) fn create_anew(sim: &Sim, account: &str, names: &[&str]) {
    for name in names {
        let anew = json!({"Name": name, "Value": "anew", "Type": "StringList"});
        drop(sim.account(account).region("us-east-2").call("ssm:PutParameter", &anew));
    }
}

/// Changes an account; the parameters that are to be written anew.
pub(super) fn account(sim: &Sim, account: &str, random: &mut Random) -> Vec<&'static str> {
    let mut anew = Vec::new();
    let account = sim.account(account);
    if random.one_in(30) {
        // Everything is gone at once.
        for name in NAMES {
            drop(account.region("us-east-2").call("ssm:DeleteParameter", &json!({"Name": name})));
        }
        return anew;
    }
    for name in NAMES {
        let region = if random.one_in(8) { "us-west-2" } else { "us-east-2" };
        let (source, target) = (account.region(region), account.region("us-east-1"));
        let call = |operation: &str, request: &serde_json::Value| {
            drop(source.call(operation, request));
        };
        let value = |value: &str| json!({"Name": name, "Value": value, "Overwrite": true});
        let tag = |key: &str, value: &str| {
            json!({"ResourceType": "Parameter", "ResourceId": name,
                "Tags": [{"Key": key, "Value": value}]})
        };
        match random.under(16) {
            0 | 1 => call("ssm:PutParameter", &value("second")),
            2 => call("ssm:AddTagsToResource", &tag("team", "tools")),
            3 => call("ssm:AddTagsToResource", &tag("failover-replicator", "exclude")),
            4 => call("ssm:AddTagsToResource", &tag("failover-replicator", "remove")),
            5 | 6 => call("ssm:DeleteParameter", &json!({"Name": name})),
            7 => {
                call("ssm:DeleteParameter", &json!({"Name": name}));
                anew.push(name);
            }
            8 => drop(target.call("ssm:DeleteParameter", &json!({"Name": name}))),
            9 | 10 => drop(target.call("ssm:PutParameter", &value("changed"))),
            11 => drop(target.call(
                "ssm:RemoveTagsFromResource",
                &json!({"ResourceType": "Parameter", "ResourceId": name, "TagKeys": [MARK.0]}),
            )),
            12 => drop(target.call("ssm:AddTagsToResource", &tag("theirs", "yes"))),
            13 => parameter(&source, name, random),
            _ => {}
        }
    }
    for name in SECRETS {
        let source = account.region("us-east-2");
        let call = |operation: &str, request: &serde_json::Value| {
            drop(source.call(operation, request));
        };
        match random.under(8) {
            0 => call(
                "secretsmanager:PutSecretValue",
                &json!({"SecretId": name, "SecretString": "second"}),
            ),
            1 => call(
                "secretsmanager:TagResource",
                &json!({"SecretId": name, "Tags": [{"Key": "team", "Value": "tools"}]}),
            ),
            2 => call(
                "secretsmanager:RemoveRegionsFromReplication",
                &json!({"SecretId": name, "RemoveReplicaRegions": ["us-east-1"]}),
            ),
            3 => secret(&source, name, random),
            _ => {}
        }
    }
    anew
}
