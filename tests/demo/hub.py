"""The hub's settings, and hubctl run as an operator does: shows what it was given and what it said."""

import json
import os
import shlex
import subprocess

import catalogue
from emulator import MANAGEMENT_KEYS
from lambda_service import hub_program
from organisation import EXTERNAL_ID

SECONDS = 240
LINES_SHOWN = 60


class HubFailed(Exception):
    """hubctl could not be run to its end."""


class Hub:
    """hubctl with the demo's settings, which are the function's too."""

    def __init__(self, url):
        self.function_program = hub_program()
        self.program = os.environ.get("DEMO_HUBCTL", str(self.function_program.with_name("hubctl")))
        routes = ";".join(f"{source}={','.join(targets)}" for source, targets in catalogue.ROUTES.items())
        keys = {catalogue.LEDGER_KEY: catalogue.LEDGER_STANDBY_KEY}
        self.settings = {
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": "us-west-2",
            "AWS_ACCESS_KEY_ID": MANAGEMENT_KEYS[0],
            "AWS_SECRET_ACCESS_KEY": MANAGEMENT_KEYS[1],
            "REPLICATOR_ROUTES": routes,
            "REPLICATOR_SPOKE_EXTERNAL_ID": EXTERNAL_ID,
            "REPLICATOR_KMS_KEYS": json.dumps(keys),
            "REPLICATOR_QUOTAS": json.dumps({"*/*/*": 1000}),
        }

    def environment(self):
        """The settings, and nothing of AWS or of the hub that the caller's shell may have set."""
        ours = ("AWS_", "REPLICATOR_")
        rest = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        return {**rest, **self.settings, "AWS_EC2_METADATA_DISABLED": "true"}

    def show_settings(self):
        for key, value in self.settings.items():
            print(f"    export {key}={shlex.quote(value)}")

    def run(self, *arguments, show=True):
        """The exit code and standard output of a command, both also printed."""
        print(f"    $ hubctl {shlex.join(arguments)}", flush=True)
        try:
            ran = subprocess.run(
                [self.program, *arguments], env=self.environment(), capture_output=True, text=True, timeout=SECONDS
            )
        except FileNotFoundError as error:
            raise HubFailed(f"{self.program} is not there: `make demo` builds it") from error
        except subprocess.TimeoutExpired as error:
            raise HubFailed(f"hubctl {arguments[0]} did not end within {SECONDS} s") from error
        for text in (ran.stderr, ran.stdout if show else ""):
            self.print_lines(text.splitlines())
        print(f"    (exit code {ran.returncode})")
        return ran.returncode, ran.stdout

    @staticmethod
    def print_lines(lines):
        """Long output is cut in the middle: its end tells the totals."""
        cut = len(lines) - LINES_SHOWN
        if cut > 0:
            half = LINES_SHOWN // 2
            lines = [*lines[:half], f"… {cut} lines more …", *lines[-half:]]
        for line in lines:
            print(f"    | {line}")
