"""The hub's settings, and hubctl as an operator runs it. The output shows the commands and their results."""

import json
import os
import shlex
import subprocess

import catalogue
import hub_table
from emulator import MANAGEMENT_KEYS
from lambda_service import hub_program
from organisation import EXTERNAL_ID

SECONDS = 240
LINES_SHOWN = 60


class HubFailed(Exception):
    """hubctl could not run, or did not finish."""


class Hub:
    """hubctl with the settings of the demo. The Lambda function has the same settings."""

    def __init__(self, url):
        self.function_program = hub_program()
        self.program = os.environ.get("DEMO_HUBCTL", str(self.function_program.with_name("hubctl")))
        routes = ";".join(f"{source}={','.join(targets)}" for source, targets in catalogue.ROUTES.items())
        keys = {catalogue.LEDGER_KEY: catalogue.LEDGER_STANDBY_KEY}
        self.settings = {
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": catalogue.HUB_REGION,
            "AWS_ACCESS_KEY_ID": MANAGEMENT_KEYS[0],
            "AWS_SECRET_ACCESS_KEY": MANAGEMENT_KEYS[1],
            "REPLICATOR_ROUTES": routes,
            "REPLICATOR_SPOKE_EXTERNAL_ID": EXTERNAL_ID,
            "REPLICATOR_TABLE": hub_table.NAME,
            "REPLICATOR_KMS_KEYS": json.dumps(keys),
            "REPLICATOR_QUOTAS": json.dumps({"*/*/*": 1000}),
        }

    def environment(self):
        """The demo's settings and the caller's environment without the caller's own AWS and hub settings."""
        ours = ("AWS_", "REPLICATOR_")
        rest = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        return {**rest, **self.settings, "AWS_EC2_METADATA_DISABLED": "true"}

    def show_settings(self):
        for key, value in self.settings.items():
            print(f"    export {key}={shlex.quote(value)}")

    def run(self, *arguments, show=True):
        """Runs a command, prints its output, and returns exit code and standard output."""
        print(f"    $ hubctl {shlex.join(arguments)}", flush=True)
        try:
            ran = subprocess.run(
                [self.program, *arguments], env=self.environment(), capture_output=True, text=True, timeout=SECONDS
            )
        except FileNotFoundError as error:
            raise HubFailed(f"{self.program} does not exist; run `make demo`, which builds it") from error
        except subprocess.TimeoutExpired as error:
            raise HubFailed(f"hubctl {arguments[0]} did not finish within {SECONDS} s") from error
        for text in (ran.stderr, ran.stdout if show else ""):
            self.print_lines(text.splitlines())
        print(f"    (exit code {ran.returncode})")
        return ran.returncode, ran.stdout

    @staticmethod
    def print_lines(lines):
        """Prints the lines. Of a long output the start and the end stay, because the end has the totals."""
        cut = len(lines) - LINES_SHOWN
        if cut > 0:
            half = LINES_SHOWN // 2
            lines = [*lines[:half], f"… {cut} more lines …", *lines[-half:]]
        for line in lines:
            print(f"    | {line}")
