"""Deploys or removes the spoke stack in accounts that the service-managed StackSet does not reach.

    spoke.py deploy                      in the hub's account, in every source Region
    spoke.py deploy --profile NAME       in the account of a profile, such as the management account
    spoke.py remove [--profile NAME]

The parameters and Regions of the spoke come from the outputs of the hub's stack. samconfig.toml has the name and Region
of that stack. A Region whose spoke belongs to a StackSet is skipped.
"""

import argparse
import json
import pathlib
import sys

import boto3
import outputs

TEMPLATE = pathlib.Path(__file__).with_name("spoke.yaml")
STACK = "failover-replicator-spoke"
BY_STACK_SET = "StackSet-failover-replicator-spoke-"
GONE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
WAIT = {"Delay": 5, "MaxAttempts": 120}


def stacks(cloudformation):
    """The names of the existing stacks."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return [one["StackName"] for page in pages for one in page["Stacks"] if one["StackStatus"] not in GONE]


def deploy(cloudformation, parameters):
    """Creates or updates the stack, and returns what was done."""
    existing = stacks(cloudformation)
    if any(name.startswith(BY_STACK_SET) for name in existing):
        return "skipped; the StackSet deploys the spoke here"
    wanted = {
        "StackName": STACK,
        "TemplateBody": TEMPLATE.read_text(encoding="utf-8"),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }
    if STACK not in existing:
        cloudformation.create_stack(**wanted)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=WAIT)
        return "created"
    try:
        cloudformation.update_stack(**wanted)
    except cloudformation.exceptions.ClientError as error:
        if "No updates are to be performed" in str(error):
            return "already up to date"
        raise
    cloudformation.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig=WAIT)
    return "updated"


def remove(cloudformation, _parameters):
    if STACK not in stacks(cloudformation):
        return "skipped; the stack does not exist"
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig=WAIT)
    return "removed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["deploy", "remove"])
    parser.add_argument("--profile", help="AWS profile for the spoke's account; default: the caller's account")
    parser.add_argument("--config", default="samconfig.toml")
    options = parser.parse_args()
    hub = outputs.of_the_hub(options.config)
    parameters = json.loads(hub["SpokeParameters"])
    regions = hub["SpokeRegions"].split(",")
    # The first Region's stack owns the IAM roles, so it is created first and removed last.
    for region in regions if options.what == "deploy" else reversed(regions):
        cloudformation = boto3.Session(profile_name=options.profile).client("cloudformation", region_name=region)
        work = deploy if options.what == "deploy" else remove
        print(f"spoke in {region}: {work(cloudformation, parameters)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
