"""Creates accounts in a running emulator for the integration tests, and returns their ids.

    furnish --accounts 3 --regions us-east-2 us-east-1 --alias alias/app

Every account has the spoke role, which trusts the management account with the external id. In every named Region the
account has the named aliases, each for its own key. `--management` adds the management account, as the first one.
The management account has the hub's table in HUB_REGION, without a state of any route.
"""

import argparse
import uuid

import emulator
import hub_table
from member_account import SPOKE_ROLE, create_keys, create_role

EXTERNAL_ID = "test-external-id"
HUB_REGION = "us-east-1"


class Running(emulator.Emulator):
    """An emulator of another process. This class does not stop it."""

    def __init__(self, url):
        self.url = url


def organisation_of(running):
    """A client of the organisation. The first call creates the organisation."""
    client = running.client("organizations")
    try:
        client.create_organization(FeatureSet="ALL")
    except client.exceptions.AlreadyInOrganizationException:
        pass
    return client


def furnish(running, account, regions, aliases, role=True):
    if role:
        create_role(running.client("iam", account), SPOKE_ROLE, EXTERNAL_ID)
    for region in regions:
        create_keys(running.client("kms", account, region), aliases)


def main(running, arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=1, help="number of accounts (default 1)")
    parser.add_argument("--regions", nargs="*", default=[], help="Regions of the aliases")
    parser.add_argument("--alias", nargs="*", default=[], help="aliases of customer keys")
    parser.add_argument("--without-role", action="store_true", help="do not create the spoke role")
    parser.add_argument("--management", action="store_true", help="include the management account, as the first one")
    options = parser.parse_args(arguments)
    organizations = organisation_of(running)
    hub_table.create(running.client("dynamodb", region=HUB_REGION))
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
