"""Does in a running emulator what the hub never does, and its SDKs cannot: for the integration tests.

    topic FILTER                a topic and a queue that subscribes to it with this filter policy
    messages QUEUE              the notifications in the queue, which it then holds no more
    key ACCOUNT REGION ALIAS    a customer key
    stack ACCOUNT REGION NAME   a parameter as a CloudFormation stack makes it, with AWS's own tags
    role ACCOUNT NAME           a role that the management account may assume
    user ACCOUNT NAME           a user with an access key: its id and its secret
"""

import json
import uuid

import emulator
from furnish import trust_policy


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
    return emulator.taken(running.client("sqs"), queue)


def key(running, account, region, alias):
    kms = running.client("kms", account, region)
    kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


def stack(running, account, region, name):
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": "shop"}, {"Key": "team", "Value": "shop"}]
    properties = {"Name": name, "Type": "String", "Value": "of a stack", "Tags": tags}
    template = {"Resources": {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": properties}}}
    running.client("cloudformation", account, region).create_stack(StackName="shop", TemplateBody=json.dumps(template))


def role(running, account, name):
    running.client("iam", account).create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy())


def user(running, account, name):
    iam = running.client("iam", account)
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return [made["AccessKeyId"], made["SecretAccessKey"]]


TASKS = {"topic": topic, "messages": messages, "key": key, "stack": stack, "role": role, "user": user}


def main(running, arguments):
    task, *rest = arguments
    return TASKS[task](running, *rest)
