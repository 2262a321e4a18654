"""All checks share one emulator, with an organisation of two member accounts. Every check uses its own names."""

import atexit
import contextlib
import functools
import itertools
import json
import unittest

from botocore.exceptions import ClientError
from emulator import Emulator

HOME, FAR = "us-east-1", "eu-central-1"
EXTERNAL_ID = "replication-1"

_numbers = itertools.count(1)


class World:
    """The emulator and its accounts."""

    def __init__(self):
        self.emulator = Emulator(lifetime=300)
        organizations = self.emulator.client("organizations")
        self.organization_id = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        self.root = organizations.list_roots()["Roots"][0]["Id"]
        self.members = [self.create_account(name) for name in ("shop", "billing")]

    def create_account(self, name):
        organizations = self.emulator.client("organizations")
        status = organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        return status["CreateAccountStatus"]["AccountId"]


@functools.cache
def the_world():
    """The shared emulator. The first call starts it; the end of this process stops it."""
    world = World()
    atexit.register(world.emulator.end)
    return world


def trust(principal, **conditions):
    """A trust policy with one statement."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if conditions:
        statement["Condition"] = conditions
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Check(unittest.TestCase):
    """The clients and a fresh name for a check."""

    @property
    def world(self):
        return the_world()

    @property
    def member(self):
        return the_world().members[0]

    def setUp(self):
        self.number = next(_numbers)
        self.name = f"/check/{self.number}/value"
        self.ssm = self.client("ssm")

    def client(self, service, account=None, region=HOME):
        return the_world().emulator.client(service, account or self.member, region)

    def role(self, trust_policy, account=None, path="/", **settings):
        """Creates a role in an account (default: the first member) and returns its ARN."""
        iam = self.client("iam", account)
        name = f"role-{self.number}-{next(_numbers)}"
        made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust_policy, **settings)
        return made["Role"]["Arn"]

    def put(self, name=None, value="1", type="String", client=None, **settings):
        return (client or self.ssm).put_parameter(Name=name or self.name, Value=value, Type=type, **settings)

    def described(self, name=None, client=None):
        filters = [{"Key": "Name", "Option": "Equals", "Values": [name or self.name]}]
        pages = (client or self.ssm).get_paginator("describe_parameters").paginate(ParameterFilters=filters)
        (found,) = [parameter for page in pages for parameter in page["Parameters"]]
        return found

    def tags(self, name=None, client=None):
        got = (client or self.ssm).list_tags_for_resource(ResourceType="Parameter", ResourceId=name or self.name)
        return {tag["Key"]: tag["Value"] for tag in got["TagList"]}

    @contextlib.contextmanager
    def refused(self, code, status=400):
        """Expects that the block fails with this error code and HTTP status."""
        with self.assertRaises(ClientError) as caught:
            yield
        response = caught.exception.response
        self.assertEqual((code, status), (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]))
