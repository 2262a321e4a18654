"""The events that reach the hub after a change, based on the samples in payloads/events, and the batches of the queue.

CloudTrail masks secret values. The samples are masked in the same way, and this module adds no values.
"""

import datetime
import hashlib
import json
import pathlib
import uuid

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "payloads" / "events"
SAMPLE_ACCOUNT, SAMPLE_REGION = "111122223333", "us-east-2"


def sample(file, account, region):
    """A sample as an event of this account and Region with the current time. A batch keeps its times."""
    text = (SAMPLES / file).read_text(encoding="utf-8")
    event = json.loads(text.replace(SAMPLE_ACCOUNT, account).replace(SAMPLE_REGION, region))
    if "Records" in event:
        return event
    event["id"] = str(uuid.uuid4())
    event["time"] = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if "eventID" in event["detail"]:
        event["detail"].update(eventID=str(uuid.uuid4()), eventTime=event["time"])
    return event


def put_parameter(account, region, name, type, version, tier="Standard"):
    event = sample("put-parameter.json", account, region)
    event["detail"]["requestParameters"].update(name=name, type=type, overwrite=version > 1)
    event["detail"]["responseElements"] = {"version": version, "tier": tier}
    return event


def delete_parameter(account, region, name):
    event = sample("delete-parameter.json", account, region)
    event["detail"]["requestParameters"] = {"name": name}
    arn = f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"
    event["detail"]["resources"] = [{"accountId": account, "ARN": arn}]
    return event


def add_tags(account, region, name, tags):
    event = sample("add-tags-to-resource.json", account, region)
    listed = [{"key": key, "value": value} for key, value in tags.items()]
    event["detail"]["requestParameters"].update(resourceId=name, tags=listed)
    return event


def record(body):
    """A message of the queue, as Lambda delivers it."""
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "AQEBwExample",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-west-2:123456789012:failover-replicator-events",
        "awsRegion": "us-west-2",
    }


def batch(events):
    """A batch with one message for each event."""
    return {"Records": [record(json.dumps(event)) for event in events]}
