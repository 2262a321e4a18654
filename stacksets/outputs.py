"""The outputs of the hub's stack, for the scripts in this directory."""

import tomllib

import boto3


def region(config):
    """The hub's Region, from samconfig.toml."""
    return _deploy(config)["region"]


def of_the_hub(config):
    """The outputs of the hub's stack. The caller's credentials must allow cloudformation:DescribeStacks."""
    cloudformation = boto3.client("cloudformation", region_name=region(config))
    stack = cloudformation.describe_stacks(StackName=_deploy(config)["stack_name"])["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _deploy(config):
    with open(config, "rb") as opened:
        return tomllib.load(opened)["default"]["deploy"]["parameters"]
