"""Creates resources in a running emulator that the hub never creates, for the integration tests.

    topic FILTER                a topic and a queue that subscribes to the topic with this filter policy
    messages QUEUE              receives and deletes the notifications in the queue
    key ACCOUNT REGION ALIAS    a customer key
    stack ACCOUNT REGION NAME   a parameter created by a CloudFormation stack, with AWS's own tags
    role ACCOUNT NAME           a role that the management account may assume
    user ACCOUNT NAME           a user with an access key; prints id and secret
"""

import json
import uuid

import emulator
from furnish import EXTERNAL_ID
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


TASKS = {"topic": topic, "messages": messages, "key": key, "stack": stack, "role": role, "user": user}


def main(running, arguments):
    task, *rest = arguments
    return TASKS[task](running, *rest)
