"""Changes in the sources that reach the hub as events. A queue delivers a CloudTrail event to the function.

The hub is the program `hub` under a Lambda Runtime API. The demo prints the function's answer and reads the replicas
with boto3.
"""

import json
import time

import cloudtrail
from catalogue import HUB_REGION, ROUTES, Parameter

ACCOUNT, SOURCE = "shop-production", "us-east-2"
CREATED = Parameter("/shop/checkout/flags/one-click", "on", "SecureString", "A new feature", tags={"team": "checkout"})
CHANGED, DELETED = "/shop/catalogue/db/user", "/shop/payments/greeting"
NOTHING_RETURNED = {"batchItemFailures": []}


class EventFailed(Exception):
    """An event did not have the expected effect."""


def deploy(service, organisation, hub):
    """Deploys the function with hubctl's settings and an SNS topic, which the function requires."""
    sns = organisation.client("sns", "management", HUB_REGION)
    topic = sns.create_topic(Name="failover-replicator-failures")["TopicArn"]
    # Lambda sets the function's Region and credentials.
    own = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    settings = {key: value for key, value in hub.settings.items() if key not in own}
    return service.deploy("failover-replicator", hub.function_program, {**settings, "REPLICATOR_SNS_TOPIC_ARN": topic})


class Live:
    """The three events of the demo."""

    def __init__(self, organisation, function):
        self.organisation = organisation
        self.function = function
        self.account = organisation.ids[ACCOUNT]
        self.ssm = organisation.client("ssm", ACCOUNT, SOURCE)

    def create(self):
        put = self.ssm.put_parameter(**CREATED.request())
        event = cloudtrail.put_parameter(self.account, SOURCE, CREATED.name, CREATED.type, put["Version"])
        self.deliver("created", CREATED.name, event)

    def change(self):
        put = self.ssm.put_parameter(Name=CHANGED, Value="catalogue-2027", Type="String", Overwrite=True)
        event = cloudtrail.put_parameter(self.account, SOURCE, CHANGED, "String", put["Version"])
        self.deliver("changed", CHANGED, event)

    def delete(self):
        self.ssm.delete_parameter(Name=DELETED)
        self.deliver("deleted", DELETED, cloudtrail.delete_parameter(self.account, SOURCE, DELETED))

    def deliver(self, what, name, event):
        """Sends the event to the function in a batch, prints the answer, and checks the replicas."""
        before = {target: self.replica(name, target) for target in ROUTES[SOURCE]}
        print(f"    the owner {what} {name} in {SOURCE} of {ACCOUNT}")
        parameters = json.dumps(event["detail"]["requestParameters"])
        print(f"      event:        CloudTrail {event['detail']['eventName']} {parameters}", flush=True)
        began = time.monotonic()
        invocation = self.function.invoke(cloudtrail.batch([event]))
        print(f"      hub answered: {json.dumps(invocation.payload)} after {time.monotonic() - began:.1f} s")
        if invocation.error or invocation.payload != NOTHING_RETURNED:
            raise EventFailed(
                f"the owner {what} {name}: the hub answered {json.dumps(invocation.payload)};"
                f" expected {json.dumps(NOTHING_RETURNED)}"
            )
        for target in ROUTES[SOURCE]:
            print(f"      boto3 found:  {self.check(what, name, target, before[target])}")

    def check(self, what, name, target, before):
        """Checks a replica and returns its change in words."""
        replica, source = self.replica(name, target), self.replica(name, SOURCE)
        where = f"{name} in {target}"
        if (before is None) != (what == "created"):
            state = "already existed" if before else "did not exist"
            raise EventFailed(f"{where} {state} before the owner {what} the source")
        if what == "deleted":
            if replica:
                raise EventFailed(f"{where} still exists")
            return f"{target}: the replica (version {before['Version']}) is deleted"
        if not replica or replica["Value"] != source["Value"]:
            raise EventFailed(f"{where} does not have the value of its source")
        if before and before["Value"] == replica["Value"]:
            raise EventFailed(f"{where} had the new value before the event")
        change = f"changed from version {before['Version']} to" if before else "created:"
        return f"{target}: {change} version {replica['Version']}, with the value of the source"

    def replica(self, name, region):
        ssm = self.organisation.client("ssm", ACCOUNT, region)
        try:
            return ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        except ssm.exceptions.ParameterNotFound:
            return None
