"""Changes in the sources that reach the hub as events: CloudTrail tells of each, a queue hands it to the function.

The hub is the program `hub` under a Runtime API, as in Lambda. What it answers is shown; what it did is looked
for with boto3.
"""

import json
import time

import cloudtrail
from catalogue import ROUTES, Parameter

HUB_REGION = "us-west-2"
ACCOUNT, SOURCE = "shop-production", "us-east-2"
CREATED = Parameter("/shop/checkout/flags/one-click", "on", "SecureString", "A new feature", tags={"team": "checkout"})
CHANGED, DELETED = "/shop/catalogue/db/user", "/shop/payments/greeting"
NOTHING_RETURNED = {"batchItemFailures": []}


class EventFailed(Exception):
    """An event did not lead to what it should have."""


def deploy(service, organisation, hub):
    """The function, with hubctl's settings and the topic that the hub of an organisation must have."""
    sns = organisation.client("sns", "management", HUB_REGION)
    topic = sns.create_topic(Name="failover-replicator-failures")["TopicArn"]
    # Region and credentials are the function's own.
    own = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    settings = {key: value for key, value in hub.settings.items() if key not in own}
    return service.deploy("failover-replicator", hub.function_program, {**settings, "REPLICATOR_SNS_TOPIC_ARN": topic})


class Live:
    """The three events."""

    def __init__(self, organisation, function):
        self.organisation = organisation
        self.function = function
        self.account = organisation.ids[ACCOUNT]
        self.ssm = organisation.client("ssm", ACCOUNT, SOURCE)

    def create(self):
        put = self.ssm.put_parameter(**CREATED.request())
        event = cloudtrail.put_parameter(self.account, SOURCE, CREATED.name, CREATED.type, put["Version"])
        self.follow("created", CREATED.name, event)

    def change(self):
        put = self.ssm.put_parameter(Name=CHANGED, Value="catalogue-2027", Type="String", Overwrite=True)
        event = cloudtrail.put_parameter(self.account, SOURCE, CHANGED, "String", put["Version"])
        self.follow("changed", CHANGED, event)

    def delete(self):
        self.ssm.delete_parameter(Name=DELETED)
        self.follow("deleted", DELETED, cloudtrail.delete_parameter(self.account, SOURCE, DELETED))

    def follow(self, what, name, event):
        """Sends the event through a batch of the queue, shows the answer, and looks for the replicas."""
        before = {target: self.replica(name, target) for target in ROUTES[SOURCE]}
        print(f"    {what} by its owner: {name} in {SOURCE} of {ACCOUNT}")
        asked = json.dumps(event["detail"]["requestParameters"])
        print(f"      event:        CloudTrail {event['detail']['eventName']} {asked}", flush=True)
        began = time.monotonic()
        invocation = self.function.invoke(cloudtrail.batch([event]))
        print(f"      hub answered: {json.dumps(invocation.payload)} after {time.monotonic() - began:.1f} s")
        if invocation.error or invocation.payload != NOTHING_RETURNED:
            raise EventFailed(f"the hub should have answered {json.dumps(NOTHING_RETURNED)} to {what} {name}")
        for target in ROUTES[SOURCE]:
            print(f"      boto3 found:  {self.found(what, name, target, before[target])}")

    def found(self, what, name, target, before):
        """What became of a replica, in words."""
        replica, source = self.replica(name, target), self.replica(name, SOURCE)
        where = f"{name} in {target}"
        if (before is None) != (what == "created"):
            was = "there" if before else "not there"
            raise EventFailed(f"before it was {what} in the source, {where} was {was}")
        if what == "deleted":
            if replica:
                raise EventFailed(f"{where} is still there")
            return f"{target}: version {before['Version']} was there and is gone"
        if not replica or replica["Value"] != source["Value"]:
            raise EventFailed(f"{where} does not have the source's value")
        was = f"version {before['Version']} had another value, " if before else "there was none, "
        if before and before["Value"] == replica["Value"]:
            raise EventFailed(f"{where} had the new value before")
        return f"{target}: {was}version {replica['Version']} has the source's"

    def replica(self, name, region):
        ssm = self.organisation.client("ssm", ACCOUNT, region)
        try:
            return ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        except ssm.exceptions.ParameterNotFound:
            return None
