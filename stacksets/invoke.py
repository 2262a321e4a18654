"""Sends a payload to the deployed function hub-sweep, waits for the answer, and prints it.

    invoke.py payloads/sync-account.json

Exit codes: 0; 1 if the invocation or an item failed, or something is not finished; 3 if a route is not active.

This replaces `sam remote invoke`, which times out after a minute and then sends the payload again. A sweep may take
fifteen minutes.
"""

import argparse
import json
import pathlib
import sys

import boto3
import outputs
from botocore.config import Config

INVOCATION_SECONDS = 900
GRACE_SECONDS = 30


def code_of(payload, error, answer):
    """The exit code for the answer to a payload. `error` is Lambda's function error, or None."""
    # A freeze with `"wait": false` is not done when it answers, as its sender asked.
    awaited = payload.get("failover", {}).get("wait", True)
    if error or answer.get("status") in ("failed", "incomplete") or (awaited and answer.get("done") is False):
        return 1
    return 3 if answer.get("status") == "frozen" or answer.get("clean") is False else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("payload", type=pathlib.Path)
    parser.add_argument("--config", default="samconfig.toml")
    options = parser.parse_args()
    config = Config(read_timeout=INVOCATION_SECONDS + GRACE_SECONDS, retries={"total_max_attempts": 1})
    client = boto3.client("lambda", region_name=outputs.region(options.config), config=config)
    function = outputs.of_the_hub(options.config)["HubSweepName"]
    sent = options.payload.read_bytes()
    response = client.invoke(FunctionName=function, Payload=sent)
    answer = json.load(response["Payload"])
    print(json.dumps(answer, indent=2))
    return code_of(json.loads(sent), response.get("FunctionError"), answer)


if __name__ == "__main__":
    sys.exit(main())
