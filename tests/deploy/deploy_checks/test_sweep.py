"""The state machine of the sweep, started by the schedule, over a whole organisation."""

import contextlib
import datetime
import json

import hub_table
from emulator import MANAGEMENT_ACCOUNT
from interfering_owner import PASSES, InterferingOwner

from .base import HUB_REGION, SOURCE, Check, wait_for
from .deployed import BATCH, ROUNDS, TARGET, the_deployment

EVERYTHING = {"name": "all", "operation": "sync"}


class SweepCheck(Check):
    def setUp(self):
        self.deployment = the_deployment()
        self.emulator, self.service = self.deployment.emulator, self.deployment.service
        self.states = self.service.client("stepfunctions")
        self.name = f"/sweep/{self._testMethodName}"
        self.deployment.digests(), self.deployment.state_machine_messages()

    @contextlib.contextmanager
    def changing(self, account, name, writes):
        """Changes a source after each of the first `writes` writes of its replica."""
        with InterferingOwner(self.emulator, account, name, SOURCE, TARGET, writes) as owner:
            self.deployment.configure("hub-sweep", AWS_ENDPOINT_URL=owner.url)
            try:
                yield
            finally:
                self.deployment.configure("hub-sweep")
        self.assertEqual(0, owner.left)

    def put(self, account, value):
        self.emulator.client("ssm", account, SOURCE).put_parameter(Name=self.name, Value=value, Type="String")

    def assert_replicated(self, account, name=None):
        name = name or self.name
        source, target = (
            self.emulator.client("ssm", account, region).get_parameter(Name=name)["Parameter"]
            for region in (SOURCE, TARGET)
        )
        self.assertEqual(source["Value"], target["Value"], f"{name} of {account}")

    def executions(self, machine="sweep"):
        arn = self.deployment.outputs["SweepArn"].replace("failover-replicator-sweep", f"failover-replicator-{machine}")
        return self.states.list_executions(stateMachineArn=arn)["executions"]

    def ended(self, arn):
        def execution_ended():
            found = self.states.describe_execution(executionArn=arn)
            return found if found["status"] != "RUNNING" else None

        return wait_for(execution_ended, 120)

    def sweep(self, given):
        """Runs the state machine with this input until it ends."""
        arn = self.states.start_execution(stateMachineArn=self.deployment.outputs["SweepArn"], input=json.dumps(given))
        return self.ended(arn["executionArn"])

    def batches(self, execution):
        """The executions of the batches, with their inputs and outputs."""
        runs = self.states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
        children = [
            child for run in runs for child in self.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        ]
        return [self.states.describe_execution(executionArn=child["executionArn"]) for child in children]

    def run_schedule(self, day):
        """Starts what the stack's schedule starts, with the time of this day."""
        scheduler = self.service.client("scheduler")
        schedule = scheduler.get_schedule(Name="failover-replicator-daily-sweep")
        self.assertEqual("cron(0 2 * * ? *)", schedule["ScheduleExpression"])
        self.assertEqual("FLEXIBLE", schedule["FlexibleTimeWindow"]["Mode"])
        self.assertIn("<aws.scheduler.scheduled-time>", schedule["Target"]["Input"])
        given = schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", f"{day}T02:00:00Z")
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
        scheduler.create_schedule(
            Name=f"on-{day}",
            ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={**schedule["Target"], "Input": given},
        )
        return given

    def test_after_a_scheduled_sweep_every_account_is_in_sync(self):
        """One of thirty accounts answers `remaining` twice, and one account has no spoke."""
        members, moving = self.deployment.members, self.deployment.members[3]
        for account in (*members, MANAGEMENT_ACCOUNT):
            self.put(account, f"of {account}")
        hot = f"{self.name}/hot"
        already = len(self.remained())
        with self.changing(moving, hot, writes=2 * PASSES):
            given = self.run_schedule("2026-11-24")

            def the_scheduled_execution():
                named = [one for one in self.executions() if one["name"] == "sweep-2026-11-24"]
                return named[0]["executionArn"] if named else None

            execution = self.ended(wait_for(the_scheduled_execution))
        self.assertEqual([], self.deployment.state_machine_messages(), "no batch failed")
        self.assertEqual("SUCCEEDED", execution["status"], execution)
        for account in (*members, MANAGEMENT_ACCOUNT):
            self.assert_replicated(account)
        self.assert_replicated(moving, hot)

        batches = self.batches(execution)
        swept = [account for batch in batches for account in json.loads(batch["input"])["accounts"]]
        self.assertEqual(sorted((*members, self.deployment.outside, MANAGEMENT_ACCOUNT)), sorted(swept))
        self.assertLessEqual(max(len(json.loads(batch["input"])["accounts"]) for batch in batches), BATCH)
        self.assertEqual([{"swept": True}] * len(batches), [json.loads(batch["output"]) for batch in batches])

        of_batches, whole = self.digests("sweep-2026-11-24")
        of_the_failing = [digest for digest in of_batches if self.deployment.outside in json.dumps(digest)]
        self.assertEqual(1, len(of_the_failing), of_batches)
        self.assertEqual(["no_spoke_role"], [one["error_kind"] for one in of_the_failing[0]["failures"]])
        self.assertEqual(len(members) + 2, whole["accounts"], whole)
        self.assertEqual((len(members) + 1, 1, []), (whole["in_sync"], whole["failed"], whole["not_swept"]), whole)
        self.assertEqual([self.deployment.outside], [one["account"] for one in whole["not_in_sync"]])
        self.assertEqual([1, 1], self.remained()[already:], "one account, twice")

        # Scheduler may deliver twice. The second execution of a day has the same name and is refused.
        before = len(self.executions())
        again = self.ended(self.start("daily-sweep", given))
        self.assertEqual("SUCCEEDED", again["status"], again)
        self.assertEqual(before, len(self.executions()))
        self.assertIn("SUCCEEDED", self.ended(self.start("daily-sweep", given.replace("11-24", "11-25")))["status"])
        self.assertEqual(before + 1, len(self.executions()))
        # The tests share the deployment, so this sweep must end before the next test.
        (last,) = [one for one in self.executions() if one["name"] == "sweep-2026-11-25"]
        self.ended(last["executionArn"])

    def digests(self, execution):
        """The digests of invocations since the last call, and the digest of the whole execution, as documents."""
        documents = [json.loads(digest["Message"]) for digest in self.deployment.digests()]
        (whole,) = [document for document in documents if document.get("execution") == execution]
        return [document for document in documents if "execution" not in document], whole

    def start(self, machine, given):
        arn = self.deployment.outputs["SweepArn"].replace("failover-replicator-sweep", f"failover-replicator-{machine}")
        return self.states.start_execution(stateMachineArn=arn, input=given)["executionArn"]

    def remained(self):
        """The number of remaining accounts in each answer with remaining accounts, from the function's metrics."""
        logs = self.service.logs_client
        events = logs.filter_log_events(logGroupName="/aws/lambda/failover-replicator-hub-sweep")["events"]
        lines = [json.loads(event["message"]) for event in events if event["message"].startswith('{"')]
        return [line["Remaining"] for line in lines if line.get("Remaining")]

    def test_named_accounts_are_swept_without_organizations(self):
        """Organizations is not available while us-east-1 is down."""
        account = self.deployment.members[0]
        self.put(account, "named")
        before = self.emulator.calls()
        execution = self.sweep({"batches": [{"accounts": [account]}, {"accounts": self.deployment.members[1:3]}]})
        self.assertEqual("SUCCEEDED", execution["status"], execution)
        self.assert_replicated(account)
        calls = self.emulator.calls() - before
        self.assertFalse([call for call in calls if call.startswith("AWSOrganizations")], calls)
        self.assertEqual(2, len(self.batches(execution)))

    def test_the_state_machine_reports_a_failed_batch_and_sweeps_the_others(self):
        account = self.deployment.members[5]
        self.put(account, "beside")
        execution = self.sweep({"batches": [{"accounts": ["not-an-account"]}, {"accounts": [account]}]})
        self.assertEqual(("FAILED", "BatchesFailed"), (execution["status"], execution.get("error")), execution)
        self.assert_replicated(account)
        messages = self.deployment.state_machine_messages()
        self.assertEqual(["failover-replicator: a batch of a sweep failed"], [one["Subject"] for one in messages])
        self.assertIn("not-an-account", messages[0]["Message"])
        self.assertIn("InvalidPayload", messages[0]["Message"])

    def test_accounts_that_remain_after_the_last_round_are_reported(self):
        account = self.deployment.members[6]
        with self.changing(account, self.name, writes=ROUNDS * PASSES):
            execution = self.sweep({"batches": [{"accounts": [account]}]})
        self.assertEqual(("FAILED", "BatchesFailed"), (execution["status"], execution.get("error")), execution)
        messages = self.deployment.state_machine_messages()
        self.assertEqual(1, len(messages))
        _, whole = self.digests(execution["name"])
        self.assertEqual(("incomplete", [account]), (whole["status"], whole["not_swept"]), whole)
        self.assertIn(account, messages[0]["Message"])
        self.assertIn(f"not finished after {ROUNDS} invocations", messages[0]["Message"])

    def test_a_sweep_fails_if_the_accounts_cannot_be_listed(self):
        member = f"arn:aws:iam::{self.deployment.members[0]}:role/failover-replicator-hub-sweep"
        iam = self.emulator.client("iam", self.deployment.members[0])
        root = {"AWS": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:root"}
        trust = {"Statement": [{"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}]}
        iam.create_role(RoleName="failover-replicator-hub-sweep", AssumeRolePolicyDocument=json.dumps(trust))
        hub_table.create(self.emulator.client("dynamodb", self.deployment.members[0], HUB_REGION))
        self.deployment.configure("hub-sweep", REPLICATOR_OPERATOR_ROLE_ARN=member)
        self.addCleanup(self.deployment.configure, "hub-sweep")
        execution = self.sweep({})
        self.assertEqual(("FAILED", "AccountsNotListed"), (execution["status"], execution.get("error")), execution)
        (of_the_list,), whole = self.digests(execution["name"])
        self.assertIn("organizations:ListAccounts", of_the_list["failures"][0]["message"])
        self.assertEqual(("incomplete", 0), (whole["status"], whole["accounts"]), whole)
