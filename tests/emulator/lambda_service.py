"""Runs the hub as a Lambda function: starts and stops the service, deploys the program, invokes the function."""

import dataclasses
import functools
import io
import json
import os
import pathlib
import shutil
import tempfile
import zipfile

import boto3
from botocore.config import Config
from emulator import MANAGEMENT_ACCOUNT, MANAGEMENT_KEYS, every
from launched import Launched

LAUNCHER = pathlib.Path(__file__).with_name("launch_lambda.py")
ROOT = pathlib.Path(__file__).resolve().parents[2]
INVOKE_SECONDS = 120


def hub_program():
    """The hub that cargo built, or the packaged hub if the variable HUB_PROGRAM names one."""
    if packaged := os.environ.get("HUB_PROGRAM"):
        return pathlib.Path(packaged)
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return pathlib.Path(target) / "debug" / "hub"


@dataclasses.dataclass(frozen=True)
class Invocation:
    """The result of an invocation. `error` is Lambda's function error, or None."""

    payload: object
    error: str | None


class LambdaService:
    """A running service. As a context manager it stops the service and the processes of its functions."""

    def __init__(self, region="us-west-2", lifetime=600):
        self.scratch = tempfile.mkdtemp(prefix="lambda-service-")
        try:
            self.launched = Launched(LAUNCHER, lifetime, "--scratch", self.scratch, group=True)
        except BaseException:
            self.clean_up()
            raise
        self.url = self.launched.url
        self.region = region
        self.lambda_client = self.client("lambda")
        self.logs_client = self.client("logs")

    def client(self, service, region=None):
        """A client of the management account, by default in the service's Region."""
        return boto3.client(
            service,
            region_name=region or self.region,
            endpoint_url=self.url,
            aws_access_key_id=MANAGEMENT_KEYS[0],
            aws_secret_access_key=MANAGEMENT_KEYS[1],
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=INVOKE_SECONDS),
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.launched.end()
        self.clean_up()

    def clean_up(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def deploy(self, name, program, environment, timeout=60):
        """Deploys a function that runs the file `program`. An invocation may take `timeout` seconds."""
        self.lambda_client.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role=f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/hub",
            Code={"ZipFile": packed(program)},
            Environment={"Variables": environment},
            Timeout=timeout,
        )
        return Function(self, name)


@functools.cache
def packed(program):
    """The deployment package, with fast compression because a debug build is large."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        opened.write(program, "bootstrap")
    return package.getvalue()


class Function:
    """A deployed function."""

    def __init__(self, service, name):
        self.service = service
        self.name = name

    def invoke(self, payload):
        """Sends a document and returns the result of the invocation."""
        got = self.service.lambda_client.invoke(FunctionName=self.name, Payload=json.dumps(payload))
        return Invocation(json.load(got["Payload"]), got.get("FunctionError"))

    def log(self):
        """The lines of the function's log, with the lines that Lambda adds.

        The service may write the last lines of an invocation only during the next invocation.
        """
        group = f"/aws/lambda/{self.name}"
        events = every(self.service.logs_client, "filter_log_events", "events", logGroupName=group)
        return [event["message"] for event in events]
