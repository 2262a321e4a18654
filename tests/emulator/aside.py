"""Creates resources in a running emulator that the hub never creates, for the integration tests.

    topic FILTER                a topic and a queue that subscribes to the topic with this filter policy
    messages QUEUE              receives and deletes the notifications in the queue
    key ACCOUNT REGION ALIAS    a customer key
    stack ACCOUNT REGION NAME   a parameter created by a CloudFormation stack, with AWS's own tags
    role ACCOUNT NAME           a role that the management account may assume
    user ACCOUNT NAME           a user with an access key; prints id and secret
    table NAME                  a table for the hub, for a test that sets its own states
    state TABLE ROUTE STATE     the next state of a route such as us-east-2=us-east-1; prints its serial
    items TABLE PARTITION       the items of a partition of a table
"""

import json
import uuid

import emulator
import hub_table
from furnish import EXTERNAL_ID, HUB_REGION
from member_account import create_keys, create_role


def topic(running, filter_policy):
    name = f"digests-{uuid.uuid4().hex[:12]}"
    sns, sqs = running.client("sns"), running.client("sqs")
    arn = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    endpoint = f"arn:aws:sqs:us-east-1:{emulator.MANAGEMENT_ACCOUNT}:{name}"
    attributes = {"FilterPolicy": filter_policy} if json.loads(filter_policy) else {}
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)
    return {"arn": arn, "queue": queue}


def messages(running, queue):
    return emulator.receive_all(running.client("sqs"), queue)


def key(running, account, region, alias):
    create_keys(running.client("kms", account, region), [alias])


def stack(running, account, region, name):
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": "shop"}, {"Key": "team", "Value": "shop"}]
    properties = {"Name": name, "Type": "String", "Value": "of a stack", "Tags": tags}
    template = {"Resources": {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": properties}}}
    running.client("cloudformation", account, region).create_stack(StackName="shop", TemplateBody=json.dumps(template))


def role(running, account, name):
    create_role(running.client("iam", account), name, EXTERNAL_ID)


def user(running, account, name):
    iam = running.client("iam", account)
    iam.create_user(UserName=name)
    created = iam.create_access_key(UserName=name)["AccessKey"]
    return [created["AccessKeyId"], created["SecretAccessKey"]]


def table(running, name):
    return hub_table.create(running.client("dynamodb", region=HUB_REGION), name)


def state(running, name, route, word):
    return hub_table.set_state(running.client("dynamodb", region=HUB_REGION), route, word, name)


def items(running, name, partition):
    return hub_table.items(running.client("dynamodb", region=HUB_REGION), partition, name)


TASKS = {
    "topic": topic,
    "messages": messages,
    "key": key,
    "stack": stack,
    "role": role,
    "user": user,
    "table": table,
    "state": state,
    "items": items,
}


def main(running, arguments):
    task, *rest = arguments
    return TASKS[task](running, *rest)
