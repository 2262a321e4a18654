"""Batches of the queue: the hub processes every item once, and returns only the messages to retry."""

import random

import cloudtrail

from .base import SOURCE, TARGETS, Check

RECORDS = 100
OF_A_KIND = 3  # items of each account for each kind of change: created, changed, tagged, deleted
NOTHING_RETURNED = {"batchItemFailures": []}


class BatchesCheck(Check):
    def names(self, kind):
        return [f"{self.name}/{kind}/{number}" for number in range(OF_A_KIND)]

    def replicate_first(self, account, names):
        for name in names:
            self.put(account, name, "old")
        events = [cloudtrail.put_parameter(account, SOURCE, name, "String", 1) for name in names]
        self.assertEqual(NOTHING_RETURNED, self.answer(cloudtrail.batch(events)))

    def change_sources(self, account):
        """Changes an account's sources and returns the events of the changes."""
        for name in self.names("created"):
            version = self.put(account, name, f"new in {account}", "SecureString")
            yield cloudtrail.put_parameter(account, SOURCE, name, "SecureString", version)
        for name in self.names("changed"):
            version = self.put(account, name, f"new in {account}", Overwrite=True)
            yield cloudtrail.put_parameter(account, SOURCE, name, "String", version)
        for name in self.names("tagged"):
            tags = [{"Key": "team", "Value": "shop"}]
            self.ssm(account).add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tags)
            yield cloudtrail.add_tags(account, SOURCE, name, {"team": "shop"})
        for name in self.names("deleted"):
            self.ssm(account).delete_parameter(Name=name)
            yield cloudtrail.delete_parameter(account, SOURCE, name)

    def prepare(self):
        """Replicates the sources, then changes them. Returns the events of the changes, one for each item."""
        self.name = f"{self.name}/next"
        for account in self.world.members:
            self.replicate_first(account, [n for kind in ("changed", "tagged", "deleted") for n in self.names(kind)])
        return [event for account in self.world.members for event in self.change_sources(account)]

    def counted(self, events):
        """Sends a batch, which must succeed, and returns the number of calls by operation."""
        # A day's first deletion in an account takes another call to the table, so each batch has a new table.
        function = self.world.deploy(REPLICATOR_TABLE=self.world.active_table())
        before = self.emulator.calls()
        answer = self.answer(cloudtrail.batch(events), function)
        calls = self.emulator.calls() - before
        self.assertEqual(NOTHING_RETURNED, answer)
        for account in self.world.members:
            for kind, version in (("created", 1), ("changed", 2), ("tagged", 1)):
                for name in self.names(kind):
                    self.assert_replicated(account, name, version)
            for name in self.names("deleted"):
                self.assert_in_no_target(account, name)
        return calls

    def test_a_hundred_records_over_five_accounts(self):
        """A queue may deliver a message twice. Duplicates cost no call, and no item is written twice."""
        once = self.counted(self.prepare())

        events = self.prepare()
        items = len(events)
        self.assertEqual(OF_A_KIND * 4 * len(self.world.members), items)
        shuffled = random.Random(7)
        events += shuffled.choices(events, k=RECORDS - items)
        shuffled.shuffle(events)
        calls = self.counted(events)

        # The state of each route is read once, and again each 5 seconds.
        for counted in (once, calls):
            self.assertGreaterEqual(counted.pop("DynamoDB_20120810.Query"), len(TARGETS))
        self.assertEqual(once, calls)
        replicas = OF_A_KIND * len(self.world.members) * len(TARGETS)  # for each kind of change
        # A create is one PutParameter, an update one PutParameter and one AddTagsToResource (the provenance), and a
        # change of tags one AddTagsToResource.
        self.assertEqual(2 * replicas, calls["AmazonSSM.PutParameter"])
        self.assertEqual(2 * replicas, calls["AmazonSSM.AddTagsToResource"])
        self.assertEqual(len(self.world.members) * len(TARGETS), calls["AmazonSSM.DeleteParameters"])

    def test_only_an_unreadable_record_is_returned(self):
        for body in ("{", "", "null", "[]", '{"detail":{"name":"all","operation":"sync"}}'):
            with self.subTest(body=body):
                name = f"{self.name}/{len(body)}"
                member = self.world.members[len(body) % len(self.world.members)]
                version = self.put(member, name)
                batch = cloudtrail.batch([cloudtrail.put_parameter(member, SOURCE, name, "String", version)])
                unreadable = cloudtrail.record(body)
                batch["Records"].insert(0, unreadable)
                returned = {"batchItemFailures": [{"itemIdentifier": unreadable["messageId"]}]}
                self.assertEqual(returned, self.answer(batch))
                self.assert_replicated(member, name)

    def test_a_batch_without_records_succeeds(self):
        self.assertEqual(NOTHING_RETURNED, self.answer({"Records": []}))
