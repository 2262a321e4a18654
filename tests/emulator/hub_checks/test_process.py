"""The function's process: warm starts, deadlines, metrics and log."""

import json
import os
import subprocess
import sys
import time
import uuid

import cloudtrail
from emulator import MANAGEMENT_ACCOUNT
from lambda_service import LAUNCHER

from .base import HUB_REGION, SOURCE, TARGETS, Check

END_SECONDS = 30
EVERYTHING = {"detail": {"name": "all", "operation": "sync"}}
LIST = {"detail": {"name": "accounts", "operation": "list"}, "batch": 25}


class ProcessCheck(Check):
    def test_a_warm_process_does_not_repeat_a_notification(self):
        """A process reports the failure of an item once an hour. The second invocation runs in the same process."""
        topic, queue = self.topic_with_queue()
        member = self.world.members[0]
        self.put(member)
        self.put(member, value="of another owner", region=TARGETS[0])
        payload = {"account": member, "region": SOURCE, "detail": {"name": self.name, "operation": "sync"}}
        function = self.world.deploy(REPLICATOR_SNS_TOPIC_ARN=topic)
        for _ in range(2):
            answer = self.answer(payload, function)
            self.assertEqual(["conflict"], [failure["error_kind"] for failure in answer["failures"]])
        (digest,) = self.received(queue)
        self.assertIn(self.name, digest)
        cold = self.world.deploy(REPLICATOR_SNS_TOPIC_ARN=topic)
        self.answer(payload, cold)
        self.assertEqual(1, len(self.received(queue)), "a different process reports the failure again")

    def topic_with_queue(self):
        sns, sqs = (self.emulator.client(service, region=HUB_REGION) for service in ("sns", "sqs"))
        topic = sns.create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"]
        queue = sqs.create_queue(QueueName=f"queue-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return topic, queue

    def received(self, queue):
        """Receives and deletes the messages in the queue."""
        sqs = self.emulator.client("sqs", region=HUB_REGION)
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def test_a_deadline_leaves_accounts_to_the_next_invocation(self):
        function = self.world.deploy(timeout=10)  # the hub starts no account with less than 20 s left
        member = self.world.members[0]
        version = self.put(member)
        answer = self.answer(EVERYTHING, function)
        self.assertEqual("incomplete", answer["status"])
        self.assertEqual(sorted([MANAGEMENT_ACCOUNT, *self.world.members]), sorted(answer["remaining"]))
        self.assertEqual([], answer["failures"])
        batch = cloudtrail.batch([cloudtrail.put_parameter(member, SOURCE, self.name, "String", version)])
        returned = [{"itemIdentifier": batch["Records"][0]["messageId"]}]
        self.assertEqual({"batchItemFailures": returned}, self.answer(batch, function))
        self.assert_in_no_target(member)
        # With enough time, a second invocation continues with the remaining accounts.
        self.answer({"accounts": answer["remaining"], **EVERYTHING})
        self.assert_replicated(member)

    def test_the_log_has_metrics_and_no_values(self):
        canary = f"canary-{uuid.uuid4()}"
        member = self.world.members[1]
        secretsmanager = self.emulator.client("secretsmanager", member, SOURCE)
        secretsmanager.create_secret(Name=self.name, SecretString=canary)
        version = self.put(member, value=canary, type="SecureString")
        function = self.world.deploy(RUST_LOG="trace")
        event = cloudtrail.put_parameter(member, SOURCE, self.name, "SecureString", version)
        self.answer(cloudtrail.batch([event]), function)
        self.assertEqual(canary, self.found(member, self.name, TARGETS[0])["Value"])
        self.put(member, value=f"{canary}-2", type="SecureString", Overwrite=True)
        self.answer({"account": member, **EVERYTHING}, function)
        self.assertEqual(f"{canary}-2", self.found(member, self.name, TARGETS[0])["Value"])
        log = self.log_of(function, runs=2)
        self.assertTrue([line for line in log if '"level":"DEBUG"' in line or '"level":"TRACE"' in line])
        self.assertEqual([], [line for line in log if canary in line])
        self.assert_metrics([line for line in log if "_aws" in line], events=1, written=2)

    def log_of(self, function, runs):
        """The complete log. The service writes the last lines of an invocation during the next one."""
        deadline = time.monotonic() + END_SECONDS
        while True:
            self.answer(LIST, function)
            log = function.log()
            if len([line for line in log if '"EventAge"' in line or '"Remaining"' in line]) > runs:
                return log
            self.assertLess(time.monotonic(), deadline, "the log does not have the metrics of every invocation")

    def assert_metrics(self, lines, events, written):
        """Checks the embedded metric format: one document a line, which contains its metrics and dimensions."""
        found = {}
        for line in lines:
            document = json.loads(line)
            self.assertIsInstance(document["_aws"]["Timestamp"], int)
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            self.assertEqual("FailoverReplicator", directive["Namespace"])
            (dimensions,) = directive["Dimensions"]
            for metric in directive["Metrics"]:
                key = (metric["Name"], *(document[dimension] for dimension in dimensions))
                found.setdefault(key, []).append(document[metric["Name"]])
        self.assertEqual([0, 0], found["Failures",])
        self.assertEqual(events, len(found["EventAge",][0]))
        puts = sum(found["Calls", "ssm:PutParameter"])
        self.assertGreaterEqual(puts, written * len(TARGETS))
        self.assertIn(("Items", "parameter", "created"), found)
        self.assertIn(("Items", "parameter", "updated"), found)

    def test_the_service_ends_with_its_parent_process(self):
        """The function's process ends too. A separate process starts the service and is killed."""
        program = (
            "import sys, time; sys.path.insert(0, sys.argv[1])\n"
            "from lambda_service import LambdaService, hub_program\n"
            "service = LambdaService(lifetime=60)\n"
            "service.deploy('hub', hub_program(), {}).invoke({})\n"
            "print(service.launched.process.pid, service.scratch, flush=True)\n"
            "time.sleep(60)\n"
        )
        command = [sys.executable, "-c", program, str(LAUNCHER.parent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
            pid, scratch = parent.stdout.readline().split()
            parent.kill()
        group, deadline = int(pid), time.monotonic() + END_SECONDS
        while self.is_there(group) or os.path.exists(scratch):
            self.assertLess(time.monotonic(), deadline, "the service or the function still runs without its parent")
            time.sleep(0.1)

    @staticmethod
    def is_there(group):
        """Whether a process of this process group still runs."""
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        return True
