"""Deploys the hub's stack into the service as `sam deploy` does: artefacts to a bucket, then a change set.

The service's CloudFormation does not support the types in NOT_CREATED, so these resources are left out. The other
emulator, which has an organisation, checks the StackSet. Only the linter checks the policy of the event bus.
"""

import copy
import json

import templates
from lambda_service import packed

STACK = "failover-replicator"
BUCKET = "artefacts"
NOT_CREATED = {"AWS::CloudFormation::StackSet", "AWS::Events::EventBusPolicy"}
ORGANIZATION = "o-a1b2c3d4e5"
USUAL = {
    "OrganizationId": ORGANIZATION,
    "SourceRegion": "us-east-2",
    "TargetRegions": "us-east-1,us-west-2",
    "TopicArn": "create",
}


class NotDeployed(Exception):
    """The deployment failed, with CloudFormation's message."""


def store(service, key, body):
    """Uploads an artefact and returns its location."""
    s3 = service.client("s3")
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": service.region})
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return {"Bucket": BUCKET, "Key": key}


def packaged(service, program):
    """The template with the locations of the uploaded artefacts instead of local files."""
    template = copy.deepcopy(templates.load(templates.HUB))
    template["Globals"]["Function"]["CodeUri"] = store(service, "hub.zip", packed(program))
    for resource in template["Resources"].values():
        if file := resource["Properties"].get("DefinitionUri"):
            body = (templates.FOLDER / file).read_bytes()
            resource["Properties"]["DefinitionUri"] = store(service, file, body)
    return template


def emulated(template):
    """The template without the resources that the service cannot create."""
    kept = {name: one for name, one in template["Resources"].items() if one["Type"] not in NOT_CREATED}
    template = copy.deepcopy({**template, "Resources": kept})
    # The service passes a parameter on as a string where CloudFormation converts it to a number.
    queue = template["Resources"]["HubEvents"]["Properties"]["Events"]["Queue"]["Properties"]
    queue["ScalingConfig"] = {"MaximumConcurrency": template["Parameters"]["EventConcurrency"]["Default"]}
    return template


def create(service, name, template, parameters):
    """Creates a stack, waits for it, and returns its outputs.

    Raises NotDeployed with the reason, before the creation or after the rollback.
    """
    cloudformation = service.client("cloudformation")
    try:
        cloudformation.create_change_set(
            StackName=name,
            ChangeSetName="create",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except cloudformation.exceptions.ClientError as error:
        raise NotDeployed(error.response["Error"]["Message"]) from error
    made = cloudformation.describe_change_set(StackName=name, ChangeSetName="create")
    if made["Status"] != "CREATE_COMPLETE":
        raise NotDeployed(made.get("StatusReason", made["Status"]))
    cloudformation.execute_change_set(StackName=name, ChangeSetName="create")
    waiter = cloudformation.get_waiter("stack_create_complete")
    try:
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    except Exception as error:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed]
        raise NotDeployed("; ".join(reasons)) from error
    outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def remove(service, name):
    """Deletes a stack and waits for the end of the deletion."""
    cloudformation = service.client("cloudformation")
    cloudformation.delete_stack(StackName=name)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
