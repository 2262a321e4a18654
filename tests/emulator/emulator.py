"""Starts and stops the emulator, and creates boto3 clients for any account. Checks and demo use it."""

import collections
import functools
import json
import pathlib
import urllib.request

import boto3
from botocore.config import Config
from launched import Launched

LAUNCHER = pathlib.Path(__file__).with_name("launch.py")
MANAGEMENT_ACCOUNT = "123456789012"
ACCOUNT_ACCESS_ROLE = "OrganizationAccountAccessRole"
# moto assigns access keys that no account issued to the management account.
MANAGEMENT_KEYS = ("AKIAMANAGEMENTACCOUNT", "management-account-secret-key")

_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=16)


class Emulator:
    """A running emulator. As a context manager it stops the emulator's process by its id."""

    def __init__(self, lifetime=600, stock=False, sessions="both"):
        self.launched = Launched(LAUNCHER, lifetime, "--sessions", sessions, *["--stock"] * stock)
        self.url = self.launched.url

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.launched.end()

    def calls(self):
        """The number of calls so far, by operation such as `AmazonSSM.GetParameters`."""
        with urllib.request.urlopen(f"{self.url}/calls", timeout=30) as answer:
            return collections.Counter(json.load(answer))

    @functools.cache
    def client_with(self, keys, service, region):
        """A client with the given credentials: (access key id, secret access key[, session token])."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            aws_session_token=keys[2] if len(keys) > 2 else None,
            config=_CONFIG,
        )

    @functools.cache
    def keys_of(self, account):
        """Credentials of an account, from the role that Organizations creates in every new account."""
        if account == MANAGEMENT_ACCOUNT:
            return MANAGEMENT_KEYS
        return self.assume(f"arn:aws:iam::{account}:role/{ACCOUNT_ACCESS_ROLE}", "administrator")

    def assume(self, role_arn, session, keys=MANAGEMENT_KEYS, **arguments):
        """Credentials of a role."""
        sts = self.client_with(keys, "sts", "us-east-1")
        got = sts.assume_role(RoleArn=role_arn, RoleSessionName=session, **arguments)["Credentials"]
        return got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]

    def client(self, service, account=MANAGEMENT_ACCOUNT, region="us-east-1"):
        """A client with administrator access to an account."""
        return self.client_with(self.keys_of(account), service, region)


def every(client, operation, key, **arguments):
    """All items of a list operation, from all pages."""
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page[key]]


def receive_all(sqs, queue):
    """Receives and deletes the messages in a queue, and returns them as parsed JSON."""
    bodies = []
    while got := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in got:
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return bodies
