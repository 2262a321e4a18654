"""All checks of the hub share one emulated organisation and one Lambda service. Every check uses its own names."""

import atexit
import functools
import itertools
import json
import unittest

import furnish
import hub_table
from emulator import MANAGEMENT_ACCOUNT, Emulator
from lambda_service import LambdaService, hub_program

SOURCE, TARGETS = "us-east-2", ("us-east-1", "us-west-2")
HUB_REGION = "us-west-2"
MARK = {"ReplicationStatus": "monitored-by-parameter-store-replication-lambda"}
PROVENANCE = "ReplicationSource"
MEMBERS = 5
LIFETIME_SECONDS = 600

_numbers = itertools.count(1)


class World:
    """The organisation with the spoke role in every account, the hub's topic and table, and the Lambda service."""

    def __init__(self):
        self.emulator = Emulator(lifetime=LIFETIME_SECONDS)
        atexit.register(self.emulator.end)
        organizations = furnish.organisation_of(self.emulator)
        made = [
            organizations.create_account(AccountName=f"member-{number}", Email=f"member-{number}@example.com")
            for number in range(MEMBERS)
        ]
        self.members = [account["CreateAccountStatus"]["AccountId"] for account in made]
        for account in (MANAGEMENT_ACCOUNT, *self.members):
            furnish.furnish(self.emulator, account, regions=(), aliases=())
        sns = self.emulator.client("sns", region=HUB_REGION)
        self.topic = sns.create_topic(Name="failures")["TopicArn"]
        self.table = self.active_table(hub_table.NAME)
        self.service = LambdaService(HUB_REGION, lifetime=LIFETIME_SECONDS)
        atexit.register(self.service.end)

    def active_table(self, name=None):
        """Creates a table in which every route is active, and returns its name."""
        client = self.emulator.client("dynamodb", region=HUB_REGION)
        return hub_table.activate(client, {SOURCE: TARGETS}, name or f"table-{next(_numbers)}")

    @functools.cache
    def function(self):
        """A function with the usual settings."""
        return self.deploy()

    def deploy(self, timeout=60, **environment):
        """Deploys a function with the usual settings and the given ones. The value None removes a setting."""
        settings = {
            "AWS_ENDPOINT_URL": self.emulator.url,
            "REPLICATOR_ROUTES": f"{SOURCE}={','.join(TARGETS)}",
            "REPLICATOR_SPOKE_EXTERNAL_ID": furnish.EXTERNAL_ID,
            "REPLICATOR_SNS_TOPIC_ARN": self.topic,
            "REPLICATOR_TABLE": self.table,
            "REPLICATOR_QUOTAS": json.dumps({"*/*/*": 1000}),
            # All checks share the accounts' daily allowance of deletes.
            "REPLICATOR_MAX_DELETES": "1000",
            **environment,
        }
        settings = {key: value for key, value in settings.items() if value is not None}
        return self.service.deploy(f"hub-{next(_numbers)}", hub_program(), settings, timeout)


@functools.cache
def the_world():
    """The shared organisation. The first call starts it; the end of this process stops it."""
    return World()


class Check(unittest.TestCase):
    """Clients, a fresh name, and comparisons of sources with replicas by boto3 alone."""

    maxDiff = None

    def setUp(self):
        self.world = the_world()
        self.emulator = self.world.emulator
        self.name = f"/check/{next(_numbers)}/value"

    def ssm(self, account, region=SOURCE):
        return self.emulator.client("ssm", account, region)

    def put(self, account, name=None, value="1", type="String", region=SOURCE, **settings):
        """Writes a parameter and returns its new version."""
        put = self.ssm(account, region).put_parameter(Name=name or self.name, Value=value, Type=type, **settings)
        return put["Version"]

    def answer(self, payload, function=None):
        """Invokes the hub, which must succeed, and returns its answer."""
        invocation = (function or self.world.function()).invoke(payload)
        self.assertIsNone(invocation.error, invocation.payload)
        return invocation.payload

    def found(self, account, name, region):
        """A parameter with its tags, or None if it does not exist."""
        ssm = self.ssm(account, region)
        try:
            parameter = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        except ssm.exceptions.ParameterNotFound:
            return None
        listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
        return {**parameter, "Tags": {tag["Key"]: tag["Value"] for tag in listed}}

    def assert_replicated(self, account, name=None, version=None):
        """Every target has a marked replica that equals the source, with this version if one is given."""
        name = name or self.name
        source = self.found(account, name, SOURCE)
        self.assertIsNotNone(source, f"{name} does not exist in the source")
        for target in TARGETS:
            where = f"{name} in {target} of {account}"
            replica = self.found(account, name, target)
            self.assertIsNotNone(replica, where)
            tags = replica["Tags"]
            self.assertIn(f"region={SOURCE}", tags.pop(PROVENANCE, "").split(), where)
            self.assertEqual({**source["Tags"], **MARK}, tags, where)
            for attribute in ("Value", "Type", "DataType"):
                self.assertEqual(source[attribute], replica[attribute], f"{attribute} of {where}")
            if version is not None:
                self.assertEqual(version, replica["Version"], f"version of {where}")

    def assert_in_no_target(self, account, name=None):
        for target in TARGETS:
            self.assertIsNone(self.found(account, name or self.name, target), f"{name or self.name} in {target}")
