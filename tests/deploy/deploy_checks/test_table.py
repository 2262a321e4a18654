"""The table of the hub, and what each role may do with its items."""

import itertools
import unittest

from policies import decision
from templates import HUB, as_list, load, resolved, shared, statements

ACCOUNT = "123456789012"
ARN = f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table"
TABLE, OTHER_TABLE, LONGER_NAME = f"{ARN}/failover-replicator", f"{ARN}/orders", f"{ARN}/failover-replicator-2"
KEY = "dynamodb:LeadingKeys"
READS = ("GetItem", "Query")
PUT, UPDATE, BATCH = "PutItem", "UpdateItem", "BatchWriteItem"
STATE = "state#us-east-2=us-east-1"
# What an event records.
ITEMS = ("held#us-east-2=us-east-1", "deletes#111122223333#us-east-1", "fail#111122223333")
# What only a sweep or a command records.
SWEEPS = ("sweep#sweep-2026-11-28", "last#us-east-2=us-east-1", "labels#111122223333", "accounts")
EVERY_ROLE = ("HubEventsRole", "HubSweepRole", "OperatorRole")
SETS_STATES = ("HubSweepRole", "OperatorRole")


def of_the_table(role):
    """The statements of a role about the table."""
    template = load(HUB)
    found = template["Resources"][role]
    listed = statements(found) + shared(template, found)
    named = [one for one in listed if any(action.startswith("dynamodb:") for action in as_list(one["Action"]))]
    return resolved(named, {"Table.Arn": TABLE})


def decided(role, call, *keys, table=TABLE):
    """The decision on a call with items of these partition keys. A call without a key has no such condition."""
    context = {KEY: list(keys)} if keys else {}
    return decision(of_the_table(role), f"dynamodb:{call}", table, context)


class TableCheck(unittest.TestCase):
    def setUp(self):
        self.table = load(HUB)["Resources"]["Table"]
        self.properties = self.table["Properties"]

    def test_the_keys_are_two_strings(self):
        schema = [(key["AttributeName"], key["KeyType"]) for key in self.properties["KeySchema"]]
        self.assertEqual([("pk", "HASH"), ("sk", "RANGE")], schema)
        types = {one["AttributeName"]: one["AttributeType"] for one in self.properties["AttributeDefinitions"]}
        self.assertEqual({"pk": "S", "sk": "S"}, types)

    def test_it_costs_nothing_while_idle_and_forgets_by_ttl(self):
        self.assertEqual("PAY_PER_REQUEST", self.properties["BillingMode"])
        self.assertNotIn("ProvisionedThroughput", self.properties)
        self.assertEqual({"AttributeName": "ttl", "Enabled": True}, self.properties["TimeToLiveSpecification"])

    def test_it_outlives_the_stack_and_mistakes(self):
        self.assertEqual(("Retain", "Retain"), (self.table["DeletionPolicy"], self.table["UpdateReplacePolicy"]))
        self.assertIs(True, self.properties["DeletionProtectionEnabled"])
        recovery = self.properties["PointInTimeRecoverySpecification"]
        self.assertEqual({"PointInTimeRecoveryEnabled": True}, recovery)

    def test_it_is_encrypted_with_the_key_of_the_stack_if_there_is_one(self):
        condition, with_key, without = self.properties["SSESpecification"]["Fn::If"]
        self.assertEqual("HasKey", condition)
        wanted = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Ref": "EncryptionKeyArn"}}
        self.assertEqual(wanted, with_key)
        self.assertEqual({"Ref": "AWS::NoValue"}, without)
        self.assertIn("dynamodb", load(HUB)["Parameters"]["EncryptionKeyArn"]["Description"])

    def test_the_functions_and_hubctl_get_its_name(self):
        template = load(HUB)
        variables = template["Globals"]["Function"]["Environment"]["Variables"]
        self.assertEqual({"Ref": "Table"}, variables["REPLICATOR_TABLE"])
        self.assertEqual({"Ref": "Table"}, template["Outputs"]["TableName"]["Value"])
        self.assertEqual("failover-replicator", self.properties["TableName"])


class RightsCheck(unittest.TestCase):
    maxDiff = None

    def test_every_role_reads_every_item(self):
        for role, call, key in itertools.product(EVERY_ROLE, READS, (STATE, *ITEMS, *SWEEPS)):
            self.assertEqual("allowed", decided(role, call, key), (role, call, key))

    def test_only_sweeps_and_operators_set_states_and_only_by_adding_an_item(self):
        for role in SETS_STATES:
            self.assertEqual("allowed", decided(role, PUT, STATE), role)
            # An update or a batch could change or delete the history.
            for call in (UPDATE, BATCH):
                self.assertEqual("not allowed", decided(role, call, STATE), (role, call))
        for call in (PUT, UPDATE, BATCH):
            self.assertEqual("not allowed", decided("HubEventsRole", call, STATE), call)

    def test_a_batch_that_contains_a_state_is_refused(self):
        for role, item in itertools.product(EVERY_ROLE, ITEMS):
            self.assertEqual("not allowed", decided(role, BATCH, item, STATE), (role, item))

    def test_events_record_items_and_no_results_of_sweeps(self):
        for call in (PUT, UPDATE, BATCH):
            for key in ITEMS:
                self.assertEqual("allowed", decided("HubEventsRole", call, key), (call, key))
            for key in SWEEPS:
                self.assertEqual("not allowed", decided("HubEventsRole", call, key), (call, key))
            for prefix in ("held", "deletes", "fail", "a-state#", " state#"):
                self.assertEqual("not allowed", decided("HubEventsRole", call, prefix), (call, prefix))

    def test_sweeps_and_operators_record_everything_else(self):
        for role, call in itertools.product(SETS_STATES, (PUT, UPDATE, BATCH)):
            for key in (*ITEMS, *SWEEPS):
                self.assertEqual("allowed", decided(role, call, key), (role, call, key))
        for role in SETS_STATES:
            self.assertEqual("allowed", decided(role, BATCH, *ITEMS, *SWEEPS), role)
            self.assertEqual("not allowed", decided(role, PUT, "accounts#other"), role)

    def test_a_write_without_a_key_in_the_request_is_refused(self):
        """`ForAllValues` holds for a request without the key, so each statement also demands the key."""
        for role, call in itertools.product(EVERY_ROLE, (PUT, UPDATE, BATCH)):
            self.assertEqual("not allowed", decided(role, call), (role, call))

    def test_no_role_touches_another_table_an_index_or_the_table_itself(self):
        for role, call in itertools.product(EVERY_ROLE, (*READS, PUT, UPDATE, BATCH)):
            for table in (OTHER_TABLE, LONGER_NAME, f"{TABLE}/index/any"):
                for key in (STATE, *ITEMS):
                    self.assertEqual("not allowed", decided(role, call, key, table=table), (role, call, table))
        for role in EVERY_ROLE:
            for call in ("DeleteItem", "Scan", "DeleteTable", "UpdateTable", "TransactWriteItems", "PartiQLUpdate"):
                self.assertEqual("not allowed", decided(role, call, ITEMS[0]), (role, call))

    def test_the_roles_of_the_state_machines_have_no_rights_on_the_table(self):
        for role in ("SweepRole", "DailySweepRole", "ScheduleRole"):
            self.assertEqual([], of_the_table(role), role)
