"""The hub's table in a running emulator, with the keys of stacksets/hub.yaml. Checks, tests and demo use it.

A new table has no state of any route, so the hub plans and writes nothing. `set_state` adds the item that `hubctl thaw`
or `hubctl freeze` adds.
"""

import datetime
import uuid

from emulator import MANAGEMENT_ACCOUNT
from member_account import SPOKE_ROLE

NAME = "failover-replicator"
FORMAT = 1
SERIAL = "{:010}"


def create(dynamodb, name=NAME):
    """Creates the table, unless it exists, and returns its name."""
    try:
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
        )
    except dynamodb.exceptions.ResourceInUseException:
        pass
    return name


def items(dynamodb, partition, name=NAME):
    """The items of a partition in the order of their sort keys, as consistent reads show them."""
    pages = dynamodb.get_paginator("query").paginate(
        TableName=name,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": partition}},
    )
    return [item for page in pages for item in page["Items"]]


def _entry(state):
    """The attributes of a state that a route and an account have in common."""
    text = {
        "state": state,
        "since": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "by": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:user/check",
        "reason": "set by a check",
    }
    return {key: {"S": value} for key, value in text.items()}


def set_state(dynamodb, route, state="active", name=NAME, active_accounts=()):
    """Sets the state of a route, such as `us-east-2=us-east-1`, and returns the serial of the new item.

    `active_accounts` became active after the route got this state.
    """
    partition = f"state#{route}"
    before = max((int(item["sk"]["S"]) for item in items(dynamodb, partition, name)), default=0)
    serial = before + 1 + bool(active_accounts)
    own = {account: {"M": _entry("active") | {"serial": {"N": str(serial)}}} for account in active_accounts}
    item = _entry(state) | {
        "pk": {"S": partition},
        "sk": {"S": SERIAL.format(serial)},
        "home": {"S": f"{dynamodb.meta.region_name}/{name} {SPOKE_ROLE}"},
        "request": {"S": uuid.uuid4().hex},
        "route_serial": {"N": str(before + 1)},
        "accounts": {"M": own},
        "format": {"N": str(FORMAT)},
    }
    dynamodb.put_item(TableName=name, Item=item, ConditionExpression="attribute_not_exists(pk)")
    return serial


def activate(dynamodb, routes, name=NAME):
    """Creates the table with every route active. `routes` has the targets of each source Region."""
    create(dynamodb, name)
    for source, targets in routes.items():
        for target in targets:
            set_state(dynamodb, f"{source}={target}", name=name)
    return name
