"""Runs the hub as a Lambda function: starts and ends the service, deploys the program, invokes it."""

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
    """The hub as cargo built it; the packaged one where HUB_PROGRAM names it."""
    if packaged := os.environ.get("HUB_PROGRAM"):
        return pathlib.Path(packaged)
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return pathlib.Path(target) / "debug" / "hub"


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What an invocation came to. `error` is None, or what Lambda calls the function error."""

    payload: object
    error: str | None


class LambdaService:
    """A running service; a context manager that ends it and the functions' processes, whatever happened."""

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
        """A client of the management account's, in the service's own Region if none is named."""
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
        """A function whose program is the file `program`; an invocation may take `timeout` seconds."""
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
    """The deployment package. A debug build is large: it is compressed, but not for long."""
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
        """Sends a document and waits for what comes of it."""
        got = self.service.lambda_client.invoke(FunctionName=self.name, Payload=json.dumps(payload))
        return Invocation(json.load(got["Payload"]), got.get("FunctionError"))

    def log(self):
        """The lines of its log: its output and Lambda's own lines.

        The service may put an invocation's last lines into the log with the next invocation only.
        """
        group = f"/aws/lambda/{self.name}"
        events = every(self.service.logs_client, "filter_log_events", "events", logGroupName=group)
        return [event["message"] for event in events]
