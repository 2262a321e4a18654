"""Sends a payload to the deployed function hub-sweep, waits for the answer, and prints it.

    invoke.py payloads/sync-account.json

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("payload", type=pathlib.Path)
    parser.add_argument("--config", default="samconfig.toml")
    options = parser.parse_args()
    config = Config(read_timeout=INVOCATION_SECONDS + GRACE_SECONDS, retries={"total_max_attempts": 1})
    client = boto3.client("lambda", region_name=outputs.region(options.config), config=config)
    function = outputs.of_the_hub(options.config)["HubSweepName"]
    response = client.invoke(FunctionName=function, Payload=options.payload.read_bytes())
    answer = json.load(response["Payload"])
    print(json.dumps(answer, indent=2))
    return 1 if response.get("FunctionError") or answer.get("status") in ("failed", "incomplete") else 0


if __name__ == "__main__":
    sys.exit(main())
