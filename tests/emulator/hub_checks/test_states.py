"""The function obeys the states of the routes in the hub's table."""

import uuid

import cloudtrail
import hub_table

from .base import HUB_REGION, SOURCE, TARGETS, Check

NEAR, FAR = TARGETS
FROZEN = f"{SOURCE}={NEAR}"


class StatesCheck(Check):
    def setUp(self):
        super().setUp()
        self.member = self.world.members[2]
        self.db = self.emulator.client("dynamodb", region=HUB_REGION)
        self.table = f"states-{uuid.uuid4().hex[:8]}"

    def function(self, routes=True):
        """A function with its own table, in which every route is active if `routes`."""
        if routes:
            self.world.active_table(self.table)
        else:
            hub_table.create(self.db, self.table)
        return self.world.deploy(REPLICATOR_TABLE=self.table)

    def event(self, version):
        return cloudtrail.batch([cloudtrail.put_parameter(self.member, SOURCE, self.name, "String", version)])

    def sweep(self):
        return {"account": self.member, "detail": {"name": "all", "operation": "sync"}}

    def values(self):
        """The value of the parameter in each target, or None."""
        found = [self.found(self.member, self.name, target) for target in TARGETS]
        return [replica and replica["Value"] for replica in found]

    def test_events_and_sweeps_leave_a_frozen_route_alone(self):
        function = self.function()
        version = self.put(self.member, value="before")
        self.assertEqual({"batchItemFailures": []}, self.answer(self.event(version), function))
        self.assertEqual(["before", "before"], self.values())
        hub_table.set_state(self.db, FROZEN, "frozen", self.table)
        version = self.put(self.member, value="after", Overwrite=True)
        # The event is done for both routes: of the frozen one the table holds it.
        self.assertEqual({"batchItemFailures": []}, self.answer(self.event(version), function))
        self.assertEqual(["before", "after"], self.values())
        answer = self.answer(self.sweep(), function)
        self.assertEqual("frozen", answer["status"], answer)
        self.assertEqual(["before", "after"], self.values())
        hub_table.set_state(self.db, FROZEN, "active", self.table)
        answer = self.answer(self.sweep(), function)
        self.assertEqual("changed", answer["status"], answer)
        self.assertEqual(["after", "after"], self.values())

    def test_the_event_of_a_frozen_route_is_held_in_the_table(self):
        function = self.function()
        hub_table.set_state(self.db, FROZEN, "frozen", self.table)
        version = self.put(self.member, value="a value that the table must not hold")
        self.answer(self.event(version), function)
        (held,) = hub_table.items(self.db, f"held#{FROZEN}", self.table)
        # `/a` and `a` are one parameter, so the key has the name without its slash.
        self.assertEqual(f"{self.member}#parameter#{self.name.removeprefix('/')}", held["sk"]["S"])
        self.assertEqual(self.name, held["name"]["S"])
        self.assertEqual("frozen", held["why"]["S"])
        self.assertGreater(int(held["ttl"]["N"]), 0)
        self.assertNotIn("a value", str(held))
        self.assertEqual([], hub_table.items(self.db, f"held#{SOURCE}={FAR}", self.table))

    def test_one_account_can_be_active_while_its_route_is_frozen(self):
        function = self.function()
        hub_table.set_state(self.db, FROZEN, "frozen", self.table, active_accounts=[self.member])
        version = self.put(self.member, value="of the account")
        self.answer(self.event(version), function)
        self.assertEqual(["of the account"] * 2, self.values())
        self.member = self.world.members[3]
        version = self.put(self.member, value="of another account")
        self.answer(self.event(version), function)
        self.assertEqual([None, "of another account"], self.values())

    def test_a_new_table_only_plans(self):
        function = self.function(routes=False)
        version = self.put(self.member, value="planned")
        self.answer(self.event(version), function)
        answer = self.answer(self.sweep(), function)
        self.assertEqual("frozen", answer["status"], answer)
        self.assertTrue([step for step in answer["steps"] if step["name"] == self.name], answer)
        self.assertEqual([None, None], self.values())
        self.world.active_table(self.table)
        self.answer(self.sweep(), function)
        self.assertEqual(["planned"] * 2, self.values())

    def test_a_missing_table_stops_every_write_and_keeps_the_event(self):
        function = self.world.deploy(REPLICATOR_TABLE=self.table)
        version = self.put(self.member, value="kept in the queue")
        batch = self.event(version)
        returned = [{"itemIdentifier": batch["Records"][0]["messageId"]}]
        self.assertEqual({"batchItemFailures": returned}, self.answer(batch, function))
        answer = self.answer(self.sweep(), function)
        self.assertEqual("frozen", answer["status"], answer)
        self.assertIn(self.table, str(answer["failures"]))
        self.assertEqual([None, None], self.values())

    def test_the_states_of_another_table_are_not_believed(self):
        """The items of a table that was restored or copied name the table that they were written for."""
        function = self.function(routes=False)
        for target in TARGETS:
            partition = f"state#{SOURCE}={target}"
            (item,) = hub_table.items(self.db, partition)[:1]
            self.db.put_item(TableName=self.table, Item=item)
        self.put(self.member, value="not replicated")
        answer = self.answer(self.sweep(), function)
        self.assertEqual("frozen", answer["status"], answer)
        self.assertEqual([None, None], self.values())

    def test_an_operator_freezes_and_thaws_by_payload(self):
        function = self.function()
        route = {"route": FROZEN}
        freeze = {"failover": {**route, "action": "freeze", "reason": "a check", "wait": False}}
        answer = self.answer(freeze, function)
        self.assertEqual(("frozen", 2), (answer["state"], answer["serial"]), answer)
        version = self.put(self.member, value="after the freeze")
        self.answer(self.event(version), function)
        self.assertEqual([None, "after the freeze"], self.values())
        # A repeated freeze changes nothing, so the serial stays.
        self.assertEqual(2, self.answer(freeze, function)["serial"])
        thaw = {"failover": {**route, "action": "thaw", "reason": "a check", "serial": 2}}
        answer = self.answer(thaw, function)
        self.assertEqual(("active", 3, True), (answer["state"], answer["serial"], answer["done"]), answer)
        self.answer(self.sweep(), function)
        self.assertEqual(["after the freeze"] * 2, self.values())
        # A late repetition of the thaw names a serial that no longer holds.
        self.assertEqual(4, self.answer(freeze, function)["serial"])
        late = function.invoke(thaw)
        self.assertIsNotNone(late.error)
        self.assertIn("serial", late.payload["errorMessage"])
        states = [item["state"]["S"] for item in hub_table.items(self.db, f"state#{FROZEN}", self.table)]
        self.assertEqual(["active", "frozen", "active", "frozen"], states)
