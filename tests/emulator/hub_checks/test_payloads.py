"""The hub answers every file in payloads/ as the design says, and executes it."""

import json
import pathlib
import time
import uuid

import hub_table
from emulator import MANAGEMENT_ACCOUNT

from .base import HUB_REGION, SOURCE, TARGETS, Check

PAYLOADS = pathlib.Path(__file__).resolve().parents[3] / "payloads"
SAMPLE_ACCOUNT = "111122223333"
PARAMETER, SECRET = "/shop/db/host", "shop/db"  # the names in the files
ROUTE = "us-east-2=us-east-1"
# A freeze answers when no request that began before can be under way.
FREEZE_SECONDS = 24


class PayloadsCheck(Check):
    """One method for each file: `list_accounts` for `list-accounts.json`."""

    def test_every_file(self):
        # The deletion comes last: AWS asks for 30 s between the deletion and a new creation of a parameter.
        files = sorted(PAYLOADS.glob("*.json"), key=lambda file: ("delete" in file.stem, file.stem))
        self.assertGreaterEqual(len(files), 8)
        for number, file in enumerate(files):
            with self.subTest(file=file.name):
                self.name = f"/check/payloads/{file.stem}"
                self.member = self.world.members[number % len(self.world.members)]
                text = file.read_text(encoding="utf-8").replace(SAMPLE_ACCOUNT, self.member)
                self.payload = json.loads(text)
                getattr(self, file.stem.replace("-", "_"))()

    def sent(self):
        return self.answer(self.payload)

    def assert_changed(self, answer, accounts=1, **counts):
        """The run succeeded and wrote exactly these parameters."""
        self.assertEqual("changed", answer["status"], answer)
        self.assertEqual({"changed": accounts}, self.without(answer["totals"]["accounts"], "in_sync"))
        self.assertEqual(counts, self.without(answer["totals"]["parameters"], "in_sync"))
        self.assertEqual([], answer["failures"])
        self.assertEqual([], answer["remaining"])

    @staticmethod
    def without(counts, *words):
        return {word: count for word, count in counts.items() if word not in words}

    def list_accounts(self):
        answer = self.sent()
        self.assertEqual(["batches"], list(answer))
        (batch,) = answer["batches"]
        self.assertEqual(sorted([MANAGEMENT_ACCOUNT, *self.world.members]), sorted(batch["accounts"]))

    def plan_account(self):
        self.put(self.member)
        answer = self.sent()
        self.assertEqual("drift", answer["status"])
        steps = [step for step in answer["steps"] if step["name"] == self.name]
        self.assertEqual(sorted(TARGETS), sorted(step["region"] for step in steps))
        for step in steps:
            self.assertEqual({"account", "kind", "region", "name", "change", "because"}, set(step))
            self.assertEqual((self.member, "parameter"), (step["account"], step["kind"]))
        self.assert_in_no_target(self.member)

    def sync_account(self):
        self.put(self.member, Tags=[{"Key": "team", "Value": "shop"}])
        self.assert_changed(self.sent(), created=len(TARGETS))
        self.assert_replicated(self.member)

    def sync_all(self):
        self.answer(self.payload)  # replicate what other checks left
        accounts = [MANAGEMENT_ACCOUNT, *self.world.members]
        for account in accounts:
            self.put(account, value=account)
        self.assert_changed(self.sent(), accounts=len(accounts), created=len(TARGETS) * len(accounts))
        for account in accounts:
            self.assert_replicated(account)

    def sync_create(self):
        self.put(self.member, PARAMETER, "first")
        self.assert_changed(self.sent(), created=len(TARGETS))
        self.assert_replicated(self.member, PARAMETER, version=1)

    def sync_update(self):
        self.replicated_already()
        self.put(MANAGEMENT_ACCOUNT, PARAMETER, "second", Overwrite=True)
        self.assert_changed(self.sent(), updated=len(TARGETS))
        self.assert_replicated(MANAGEMENT_ACCOUNT, PARAMETER, version=2)
        self.emptied()

    def sync_delete(self):
        self.replicated_already()
        self.ssm(MANAGEMENT_ACCOUNT).delete_parameter(Name=PARAMETER)
        # A payload does not prove a deletion, so the hub makes tombstones, which last a day.
        self.assert_changed(self.sent(), tombstoned=len(TARGETS))
        for target in TARGETS:
            self.ssm(MANAGEMENT_ACCOUNT, target).delete_parameter(Name=PARAMETER)

    def replicated_already(self):
        self.put(MANAGEMENT_ACCOUNT, PARAMETER, "first")
        self.answer({"detail": {"name": PARAMETER, "operation": "sync"}})
        self.assert_replicated(MANAGEMENT_ACCOUNT, PARAMETER)

    def emptied(self):
        """Removes the parameter before the next file."""
        for region in (SOURCE, *TARGETS):
            self.ssm(MANAGEMENT_ACCOUNT, region).delete_parameter(Name=PARAMETER)

    def sync_secret(self):
        secretsmanager = self.emulator.client("secretsmanager", self.member, SOURCE)
        arn = secretsmanager.create_secret(Name=SECRET, SecretString="s3cret")["ARN"]
        answer = self.sent()
        self.assertEqual("changed", answer["status"], answer)
        self.assertEqual({"replicated": len(TARGETS)}, answer["totals"]["secrets"])
        for target in TARGETS:
            replica = self.emulator.client("secretsmanager", self.member, target).describe_secret(SecretId=SECRET)
            self.assertEqual(arn.replace(f":{SOURCE}:", f":{target}:"), replica["ARN"])
            self.assertEqual(SOURCE, replica["PrimaryRegion"])

    def states_answer(self, state):
        """The answer of a function with its own table, in which the route has this state with the serial 1."""
        table = f"payloads-{uuid.uuid4().hex[:8]}"
        client = self.emulator.client("dynamodb", region=HUB_REGION)
        hub_table.create(client, table)
        hub_table.set_state(client, ROUTE, state, table)
        return self.answer(self.payload, self.world.deploy(REPLICATOR_TABLE=table))

    def assert_state(self, answer, state):
        """The request set this state, and everything that it promises holds."""
        self.assertEqual((ROUTE, state, 2), (answer["route"], answer["state"], answer["serial"]), answer)
        self.assertEqual((True, [], []), (answer["done"], answer["remaining"], answer["failures"]))
        self.assertEqual(self.payload["failover"]["reason"], answer["reason"])

    def freeze(self):
        began = time.monotonic()
        self.assert_state(self.states_answer("active"), "frozen")
        self.assertGreaterEqual(time.monotonic() - began, FREEZE_SECONDS)

    def thaw(self):
        self.assert_state(self.states_answer("frozen"), "active")

    def status(self):
        answer = self.states_answer("frozen")
        self.assertIs(False, answer["clean"])
        states = {route["route"]: route["state"] for route in answer["routes"]}
        self.assertEqual({ROUTE: "frozen", f"{SOURCE}={TARGETS[1]}": "new"}, states)
