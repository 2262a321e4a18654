//! Every action that the hub calls, and the bucket that AWS counts it into.

use crate::settings::Bucket;

/// Every action of AWS's that the hub calls, spelled as IAM policies spell it, with the bucket that it counts into.
///
/// The roles' policies in `stacksets/` are compared with this list, and the list with what the simulator is asked for: an
/// action that the code calls stands here, and in a policy. Nothing on it reads the value of a secret.
pub const ACTIONS: &[(&str, Bucket)] = &[
    ("ssm:GetParameter", Bucket::SsmRead),
    ("ssm:GetParameters", Bucket::SsmRead),
    ("ssm:DescribeParameters", Bucket::SsmControl),
    ("ssm:GetParameterHistory", Bucket::SsmControl),
    ("ssm:PutParameter", Bucket::SsmControl),
    ("ssm:LabelParameterVersion", Bucket::SsmControl),
    ("ssm:UnlabelParameterVersion", Bucket::SsmControl),
    ("ssm:DeleteParameters", Bucket::SsmDelete),
    ("ssm:AddTagsToResource", Bucket::SsmTags),
    ("ssm:RemoveTagsFromResource", Bucket::SsmTags),
    ("ssm:ListTagsForResource", Bucket::SsmTags),
    ("tag:GetResources", Bucket::Tagging),
    ("kms:DescribeKey", Bucket::Kms),
    ("secretsmanager:ListSecrets", Bucket::SecretsList),
    ("secretsmanager:DescribeSecret", Bucket::SecretsList),
    ("secretsmanager:ReplicateSecretToRegions", Bucket::SecretsWrite),
    ("secretsmanager:RemoveRegionsFromReplication", Bucket::SecretsWrite),
    ("organizations:ListAccounts", Bucket::Organizations),
    ("sts:AssumeRole", Bucket::Sts),
    ("sts:GetCallerIdentity", Bucket::Sts),
    ("sns:Publish", Bucket::Sns),
];

/// The bucket of an action of [`ACTIONS`]; `None` for one that the hub is not known to call.
pub(in crate::aws) fn bucket_of(action: &str) -> Option<Bucket> {
    ACTIONS.iter().find(|(known, _)| *known == action).map(|(_, bucket)| *bucket)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_bucket_has_its_word_and_every_action_stands_once() {
        for bucket in Bucket::ALL {
            assert_eq!(Bucket::parse(bucket.word()), Some(bucket));
        }
        assert_eq!(Bucket::parse("ssm"), None);
        let distinct: BTreeSet<&str> = ACTIONS.iter().map(|(action, _)| *action).collect();
        assert_eq!(distinct.len(), ACTIONS.len());
        assert!(!distinct.iter().any(|action| action.ends_with("SecretValue")));
    }
}
