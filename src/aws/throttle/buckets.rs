//! The actions that the hub calls, each with the bucket that AWS counts it into.

use crate::settings::Bucket;

/// Every AWS action that the hub calls, as IAM policies spell it, with its bucket.
///
/// Tests compare this list with the policies of the roles in `stacksets/` and with the calls that the simulator
/// receives. No action on it reads the value of a secret.
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
    ("dynamodb:Query", Bucket::Table),
    ("dynamodb:GetItem", Bucket::Table),
    ("dynamodb:PutItem", Bucket::Table),
    ("dynamodb:UpdateItem", Bucket::Table),
    ("dynamodb:BatchWriteItem", Bucket::Table),
    ("sns:Publish", Bucket::Sns),
];

/// `None` if the action is not in [`ACTIONS`].
pub(in crate::aws) fn bucket_of(action: &str) -> Option<Bucket> {
    ACTIONS.iter().find(|(known, _)| *known == action).map(|(_, bucket)| *bucket)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_bucket_has_a_word_and_every_action_is_listed_once() {
        for bucket in Bucket::ALL {
            assert_eq!(Bucket::parse(bucket.word()), Some(bucket));
        }
        assert_eq!(Bucket::parse("ssm"), None);
        let distinct: BTreeSet<&str> = ACTIONS.iter().map(|(action, _)| *action).collect();
        assert_eq!(distinct.len(), ACTIONS.len());
        assert!(!distinct.iter().any(|action| action.ends_with("SecretValue")));
    }
}
