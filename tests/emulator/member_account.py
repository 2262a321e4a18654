"""Resources of an account in the emulator: the spoke role and customer keys. The tests and the demo create them."""

import json

from emulator import MANAGEMENT_ACCOUNT

SPOKE_ROLE = "failover-replicator-spoke"


def create_role(iam, name, external_id):
    """Creates a role that the management account may assume with the external id."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)


def create_keys(kms, aliases):
    """Creates a key for each alias."""
    for alias in aliases:
        kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
