"""The state machine of the sweep with a scripted function: the payloads that it sends, and how each end is reached."""

import json
import pathlib
import tempfile
import uuid

import templates
from emulator import MANAGEMENT_ACCOUNT

from .base import HUB_REGION, Check, the_service, wait_for

SCRIPTED = pathlib.Path(__file__).resolve().parents[1] / "scripted_function.py"
SWEPT = {"status": "in_sync", "remaining": []}
FINISHED = {"status": "in_sync"}
ONE, TWO = "111122223333", "444455556666"
ROUNDS = 2


class MachineCheck(Check):
    def setUp(self):
        self.service = the_service()
        self.states = self.service.client("stepfunctions")
        self.name = f"machine-{uuid.uuid4().hex[:12]}"
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "payloads"
        sns = self.service.client("sns")
        self.topic = sns.create_topic(Name=self.name)["TopicArn"]

    def machine(self, sync=(SWEPT,), finish=(FINISHED,), listed=(), topic=None, change=None):
        """A state machine whose function answers so. `change` changes the definition."""
        answers = {"sync": list(sync), "finish": list(finish), "list": list(listed)}
        environment = {"ANSWERS": json.dumps(answers), "PAYLOADS": str(self.file)}
        self.service.deploy(self.name, SCRIPTED, environment)
        definition = templates.definition("sweep.asl.json")
        if change:
            change(definition["States"])
        text = json.dumps(definition)
        for name, value in (
            ("HubSweep", f"arn:aws:lambda:{HUB_REGION}:{MANAGEMENT_ACCOUNT}:function:{self.name}"),
            ("Topic", topic or self.topic),
            ("Batch", "25"),
            ("Rounds", str(ROUNDS)),
        ):
            text = text.replace(f"${{{name}}}", value)
        self.assertNotIn("${", text)
        role = f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/sweep"
        made = self.states.create_state_machine(name=self.name, definition=text, roleArn=role)
        return made["stateMachineArn"]

    def run_machine(self, given, **script):
        """Runs an execution with the name `one` until it ends."""
        started = self.states.start_execution(
            stateMachineArn=self.machine(**script), name="one", input=json.dumps(given)
        )

        def execution_ended():
            found = self.states.describe_execution(executionArn=started["executionArn"])
            return found if found["status"] != "RUNNING" else None

        return wait_for(execution_ended)

    def payloads(self):
        """The payloads in their order."""
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]

    def assert_failed(self, error, execution):
        """The execution failed with this error, and sent `finish` once, as its last payload."""
        self.assertEqual(("FAILED", error), (execution["status"], execution.get("error")), execution)
        self.assertTrue(execution["cause"])
        self.assert_finished()

    def assert_finished(self):
        payloads = self.payloads()
        finish = {"detail": {"name": "sweep", "operation": "finish"}, "execution": "one"}
        self.assertEqual(finish, payloads[-1])
        self.assertEqual(1, payloads.count(finish))

    def test_every_payload_names_the_execution_and_finish_comes_last(self):
        """Two pages of accounts; one account remains after its first invocation."""
        pages = [
            {"batches": [{"accounts": [ONE]}], "next": {"after": ONE}},
            {"batches": [{"accounts": [TWO]}]},
        ]
        sync = [SWEPT, {"status": "incomplete", "remaining": [TWO]}, SWEPT]
        execution = self.run_machine({}, listed=pages, sync=sync)
        self.assertEqual("SUCCEEDED", execution["status"], execution)
        self.assertEqual([{"swept": True}], json.loads(execution["output"])["outcomes"])
        self.assert_finished()
        payloads = self.payloads()
        self.assertEqual({"one"}, {payload["execution"] for payload in payloads})
        operations = [payload["detail"]["operation"] for payload in payloads]
        self.assertEqual(["list", "sync", "list", "sync", "sync", "finish"], operations)
        self.assertEqual([[ONE], [TWO], [TWO]], [one["accounts"] for one in payloads if "accounts" in one])

    def test_a_failed_list_is_finished(self):
        execution = self.run_machine({}, listed=[{"error": "Broken"}])
        self.assert_failed("AccountsNotListed", execution)

    def test_a_list_without_batches_is_finished(self):
        execution = self.run_machine({}, listed=[{"status": "failed", "failures": []}])
        self.assert_failed("AccountsNotListed", execution)

    def test_a_missing_topic_hides_neither_the_failed_list_nor_its_end(self):
        execution = self.run_machine({}, listed=[{"error": "Broken"}], topic=f"{self.topic}-missing")
        self.assert_failed("AccountsNotListed", execution)

    def test_failed_batches_are_finished(self):
        batches = {"batches": [{"accounts": [ONE]}, {"accounts": [TWO]}]}
        execution = self.run_machine(batches, sync=[{"error": "Broken"}])
        self.assert_failed("BatchesFailed", execution)
        self.assertEqual(3, len(self.payloads()))

    def test_accounts_that_remain_are_finished(self):
        execution = self.run_machine({"batches": [{"accounts": [ONE]}]}, sync=[{"remaining": [ONE]}])
        self.assert_failed("BatchesFailed", execution)
        self.assertEqual(ROUNDS + 1, len(self.payloads()))

    def test_a_map_that_fails_is_finished_and_its_error_stays(self):
        """Without the tolerance, a batch that fails as a whole fails the map."""

        def intolerant(states):
            swept = states["SweepBatches"]
            swept["ToleratedFailurePercentage"] = 0
            swept["ItemProcessor"]["States"]["AccountsRemain"] = {"Type": "Fail", "Error": "Broken", "Cause": "a check"}

        execution = self.run_machine({"batches": [{"accounts": [ONE]}]}, change=intolerant)
        self.assert_failed("States.ExceedToleratedFailureThreshold", execution)

    def test_a_failure_of_finish_changes_no_end(self):
        batches = {"batches": [{"accounts": [ONE]}]}
        swept = self.run_machine(batches, finish=[{"error": "Broken"}])
        self.assertEqual("SUCCEEDED", swept["status"], swept)
        self.assertEqual([{"swept": True}], json.loads(swept["output"])["outcomes"])
        self.assert_finished()

    def test_a_failure_of_finish_hides_no_failure(self):
        batches = {"batches": [{"accounts": [ONE]}]}
        execution = self.run_machine(batches, sync=[{"error": "Broken"}], finish=[{"error": "AlsoBroken"}])
        self.assert_failed("BatchesFailed", execution)
        self.assertNotIn("AlsoBroken", json.dumps(execution, default=str))
