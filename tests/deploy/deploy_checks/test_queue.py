"""Events during an outage: every event ends in a replica or in the dead-letter queue."""

import json

import cloudtrail
from emulator import receive_all

from .base import SOURCE, Check, wait_for
from .deployed import TARGET, the_deployment

EVENTS = 12  # of each kind
SENT_AT_ONCE = 10
ATTEMPTS = 5
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


class QueueCheck(Check):
    def setUp(self):
        self.deployment = the_deployment()
        self.emulator, self.service = self.deployment.emulator, self.deployment.service
        self.sqs = self.service.client("sqs")
        self.queue = self.sqs.get_queue_url(QueueName="failover-replicator-events")["QueueUrl"]
        self.dead = self.sqs.get_queue_url(QueueName="failover-replicator-events-dead-letters")["QueueUrl"]
        self.sqs.purge_queue(QueueUrl=self.dead)
        self.name = f"/queue/{self._testMethodName}"
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["All"])["Attributes"]
        self.assertEqual(ATTEMPTS, int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"]))
        # Only the time is shortened: a message returns after two seconds instead of twelve minutes.
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"VisibilityTimeout": "2"})
        self.addCleanup(self.deployment.configure, "hub-events")

    def created(self, account, kind):
        """Creates sources and yields an event for each."""
        ssm = self.emulator.client("ssm", account, SOURCE)
        for number in range(EVENTS):
            name = f"{self.name}/{kind}/{number}"
            ssm.put_parameter(Name=name, Value=f"{kind} {number}", Type="String")
            yield cloudtrail.put_parameter(account, SOURCE, name, "String", 1)

    def send(self, events):
        bodies = [json.dumps(event) for event in events]
        for start in range(0, len(bodies), SENT_AT_ONCE):
            batch = enumerate(bodies[start : start + SENT_AT_ONCE])
            entries = [{"Id": str(n), "MessageBody": body} for n, body in batch]
            refused = self.sqs.send_message_batch(QueueUrl=self.queue, Entries=entries).get("Failed")
            self.assertFalse(refused)

    def in_queue(self, queue):
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(COUNTS))["Attributes"]
        return sum(int(attributes.get(count, 0)) for count in COUNTS)

    def wait_until_empty(self):
        def the_queue_to_be_empty():
            return self.in_queue(self.queue) == 0

        wait_for(the_queue_to_be_empty, 120)

    def replicated(self, account, kind):
        """How many of an account's sources of this kind have a replica."""
        ssm = self.emulator.client("ssm", account, TARGET)
        values = {f"{self.name}/{kind}/{number}": f"{kind} {number}" for number in range(EVENTS)}
        names = list(values)
        found = [
            parameter
            for start in range(0, EVENTS, 10)
            for parameter in ssm.get_parameters(Names=names[start : start + 10])["Parameters"]
        ]
        return sum(parameter["Value"] == values[parameter["Name"]] for parameter in found)

    def dead_names(self):
        """The parameters in the dead letters."""
        dead = receive_all(self.sqs, self.dead)
        return [event["detail"]["requestParameters"]["name"] for event in dead]

    def test_one_account_is_down(self):
        """The events of the unreachable account end in the dead-letter queue. The events of the other account succeed."""
        up, down = self.deployment.members[10], self.deployment.outside
        sent = [*self.created(up, "up"), *self.created(down, "down")]
        self.send(sent)
        self.wait_until_empty()
        done, dead = self.replicated(up, "up"), self.dead_names()
        self.assertEqual(len(sent), done + len(dead))
        self.assertEqual(EVENTS, done)
        self.assertEqual({f"{self.name}/down/{number}" for number in range(EVENTS)}, set(dead))

    def test_the_topic_is_down(self):
        """A failure that cannot be reported returns to the queue. The other events succeed."""
        account = self.deployment.members[11]
        held = list(self.created(account, "held"))
        target = self.emulator.client("ssm", account, TARGET)
        for number in range(EVENTS):
            target.put_parameter(Name=f"{self.name}/held/{number}", Value="of another owner", Type="String")
        missing = self.deployment.outputs["TopicArn"] + "-missing"
        self.deployment.configure("hub-events", REPLICATOR_SNS_TOPIC_ARN=missing)
        sent = [*held, *self.created(account, "free")]
        self.send(sent)
        self.wait_until_empty()
        done, dead = self.replicated(account, "free"), self.dead_names()
        self.assertEqual(len(sent), done + len(dead))
        self.assertEqual(EVENTS, done)
        self.assertEqual(0, self.replicated(account, "held"), "a conflict is never written")

    def test_the_function_itself_is_down(self):
        """The function fails for every event. After the repair, it processes the events that are still in the queue."""
        account = self.deployment.members[12]
        self.deployment.configure("hub-events", REPLICATOR_ROUTES="us-east-2=us-east-2")
        sent = list(self.created(account, "one"))
        self.send(sent)

        def an_attempt():
            group = "/aws/lambda/failover-replicator-hub-events"
            events = self.service.logs_client.filter_log_events(logGroupName=group)["events"]
            return [event for event in events if "InvalidSettings" in event["message"]]

        wait_for(an_attempt)
        self.assertEqual(0, self.replicated(account, "one"))
        self.assertEqual(len(sent), self.in_queue(self.queue) + self.in_queue(self.dead))
        self.deployment.configure("hub-events", REPLICATOR_ROUTES=f"{SOURCE}={TARGET}")
        more = list(self.created(account, "two"))
        self.send(more)
        self.wait_until_empty()
        done = self.replicated(account, "one") + self.replicated(account, "two")
        self.assertEqual(len(sent) + len(more), done + len(self.dead_names()))
        self.assertEqual(EVENTS, self.replicated(account, "two"))

    def test_the_table_is_down(self):
        """No state can be read, so nothing is written. After the repair, the events still in the queue are processed."""
        account = self.deployment.members[13]
        self.deployment.configure("hub-events", REPLICATOR_TABLE="missing")
        before = self.emulator.calls()
        sent = list(self.created(account, "unread"))
        self.send(sent)

        def an_attempt():
            return (self.emulator.calls() - before)["DynamoDB_20120810.Query"]

        wait_for(an_attempt)
        self.assertEqual(0, self.replicated(account, "unread"))
        self.assertEqual(len(sent), self.in_queue(self.queue) + self.in_queue(self.dead))
        self.deployment.configure("hub-events", REPLICATOR_TABLE=self.deployment.outputs["TableName"])
        more = list(self.created(account, "read"))
        self.send(more)
        self.wait_until_empty()
        done = self.replicated(account, "unread") + self.replicated(account, "read")
        self.assertEqual(len(sent) + len(more), done + len(self.dead_names()))
        self.assertEqual(EVENTS, self.replicated(account, "read"))
