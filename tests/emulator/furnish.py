"""Makes accounts in a running emulator, for the integration tests: answers with their ids.

    furnish --accounts 3 --regions us-east-2 us-east-1 --alias alias/app

Every account has the spoke role, which trusts the management account with the external id, and the named aliases, each
of a key of its own, in every named Region. `--management` furnishes the management account too, and names it first.
"""

import argparse
import json
import uuid

import emulator

SPOKE_ROLE = "failover-replicator-spoke"
EXTERNAL_ID = "test-external-id"


class Running(emulator.Emulator):
    """An emulator that somebody else started, and ends."""

    def __init__(self, url):
        self.url = url


def trust_policy():
    """Who may assume the spoke role: the management account, with the external id."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{emulator.MANAGEMENT_ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def organisation_of(running):
    """The organisation's client; the organisation is made by whoever comes first."""
    client = running.client("organizations")
    try:
        client.create_organization(FeatureSet="ALL")
    except client.exceptions.AlreadyInOrganizationException:
        pass
    return client


def furnish(running, account, regions, aliases, role=True):
    if role:
        iam = running.client("iam", account)
        iam.create_role(RoleName=SPOKE_ROLE, AssumeRolePolicyDocument=trust_policy())
    for region in regions:
        kms = running.client("kms", account, region)
        for alias in aliases:
            kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


def main(running, arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=1, help="how many accounts to make (1)")
    parser.add_argument("--regions", nargs="*", default=[], help="where the aliases are made")
    parser.add_argument("--alias", nargs="*", default=[], help="aliases of customer keys")
    parser.add_argument("--without-role", action="store_true", help="leave the spoke role out")
    parser.add_argument("--management", action="store_true", help="the management account too, named first")
    options = parser.parse_args(arguments)
    organizations = organisation_of(running)
    accounts = []
    if options.management:
        furnish(running, emulator.MANAGEMENT_ACCOUNT, options.regions, options.alias)
        accounts.append(emulator.MANAGEMENT_ACCOUNT)
    for _ in range(options.accounts):
        name = f"test-{uuid.uuid4().hex[:12]}"
        made = organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        account = made["CreateAccountStatus"]["AccountId"]
        furnish(running, account, options.regions, options.alias, role=not options.without_role)
        accounts.append(account)
    return accounts
