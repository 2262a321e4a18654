"""The operations on the hub's table: Query, GetItem, PutItem, UpdateItem and BatchWriteItem."""

from concurrent.futures import ThreadPoolExecutor

import hub_table
from botocore.exceptions import ClientError
from emulator import MANAGEMENT_ACCOUNT

from .base import FAR, HOME, Check

MANY = 32


class TableCheck(Check):
    """Every check has its own partitions of one table in the management account."""

    def setUp(self):
        super().setUp()
        self.db = self.client("dynamodb", MANAGEMENT_ACCOUNT)
        self.table = hub_table.create(self.db)
        self.partition = f"state#{self.number}"

    def key(self, sk="0000000001", pk=None):
        return {"pk": {"S": pk or self.partition}, "sk": {"S": sk}}

    def put(self, sk="0000000001", condition="attribute_not_exists(pk)", **attributes):
        self.db.put_item(TableName=self.table, Item=self.key(sk) | attributes, ConditionExpression=condition)

    def query(self, condition="pk = :pk", values=None, **options):
        values = {":pk": {"S": self.partition}} | (values or {})
        return self.db.query(
            TableName=self.table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            **options,
        )

    def sort_keys(self, *arguments, **options):
        return [item["sk"]["S"] for item in self.query(*arguments, **options)["Items"]]

    def put_three(self):
        for serial in range(1, 4):
            self.put(f"{serial:010}", state={"S": "frozen"}, serial={"N": str(serial)})


class ReadsCheck(TableCheck):
    def test_a_descending_query_of_one_item_finds_the_highest_serial(self):
        self.put_three()
        found = self.query(ScanIndexForward=False, Limit=1)
        self.assertEqual([{**self.key("0000000003"), "state": {"S": "frozen"}, "serial": {"N": "3"}}], found["Items"])
        self.assertEqual(self.key("0000000003"), found["LastEvaluatedKey"])
        self.assertEqual([f"{serial:010}" for serial in (1, 2, 3)], self.sort_keys())

    def test_an_empty_partition_has_no_items_and_no_next_page(self):
        found = self.query(ScanIndexForward=False, Limit=1)
        self.assertEqual(([], 0), (found["Items"], found["Count"]))
        self.assertNotIn("LastEvaluatedKey", found)
        self.assertNotIn("Item", self.db.get_item(TableName=self.table, Key=self.key(), ConsistentRead=True))

    def test_a_query_continues_after_the_last_key(self):
        self.put_three()
        first = self.query(Limit=2)
        self.assertEqual(2, first["Count"])
        rest = self.sort_keys(ExclusiveStartKey=first["LastEvaluatedKey"])
        self.assertEqual(["0000000003"], rest)

    def test_a_page_ends_at_a_megabyte(self):
        for number in range(12):
            self.put(f"{number:010}", text={"S": "x" * 100_000})
        pages = self.db.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": self.partition}},
        )
        sizes = [page["Count"] for page in pages]
        self.assertEqual((12, 2), (sum(sizes), len(sizes)), sizes)

    def test_begins_with_selects_by_the_sort_key(self):
        for sk in ("111122223333#parameter#/a", "111122223333#secret#b", "444455556666#parameter#/a"):
            self.put(sk)
        values = {":start": {"S": "111122223333#"}}
        found = self.sort_keys("pk = :pk AND begins_with(sk, :start)", values)
        self.assertEqual(["111122223333#parameter#/a", "111122223333#secret#b"], found)

    def test_the_tables_of_accounts_and_regions_are_separate(self):
        self.put()
        far = self.client("dynamodb", MANAGEMENT_ACCOUNT, FAR)
        for client in (far, self.client("dynamodb")):
            with self.refused("ResourceNotFoundException"):
                client.get_item(TableName=self.table, Key=self.key())
        hub_table.create(far)
        self.assertNotIn("Item", far.get_item(TableName=self.table, Key=self.key()))
        self.assertEqual(HOME, self.db.meta.region_name)


class WritesCheck(TableCheck):
    def test_a_put_with_a_condition_writes_an_item_once(self):
        self.put(request={"S": "first"})
        with self.assertRaises(self.db.exceptions.ConditionalCheckFailedException):
            self.put(request={"S": "second"})
        found = self.db.get_item(TableName=self.table, Key=self.key(), ConsistentRead=True)["Item"]
        self.assertEqual({"S": "first"}, found["request"])

    def test_a_refused_put_returns_the_old_item_if_asked(self):
        self.put(request={"S": "first"})
        with self.assertRaises(ClientError) as refused:
            self.db.put_item(
                TableName=self.table,
                Item=self.key(),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        self.assertEqual({"S": "first"}, refused.exception.response["Item"]["request"])

    def test_one_of_many_simultaneous_puts_wins(self):
        def won(number):
            try:
                self.put(request={"S": str(number)})
            except self.db.exceptions.ConditionalCheckFailedException:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(won, range(MANY)))
        self.assertEqual(1, sum(results))
        (item,) = self.query()["Items"]
        self.assertEqual(str(results.index(True)), item["request"]["S"])

    def test_nested_attributes_and_empty_strings_are_kept(self):
        accounts = {"M": {"111122223333": {"M": {"state": {"S": "active"}, "serial": {"N": "7"}}}}}
        self.put(accounts=accounts, none={"M": {}}, reason={"S": ""}, names={"L": [{"S": "é"}]})
        (item,) = self.query()["Items"]
        self.assertEqual((accounts, {"M": {}}, {"S": ""}), (item["accounts"], item["none"], item["reason"]))
        self.assertEqual({"L": [{"S": "é"}]}, item["names"])

    def reserve(self, wanted, allowance):
        """Reserves deletions as long as the sum stays within the allowance, and returns the sum."""
        updated = self.db.update_item(
            TableName=self.table,
            Key=self.key("2026-11-28"),
            UpdateExpression="SET #used = if_not_exists(#used, :zero) + :wanted, allowance = :allowance, #ttl = :ttl",
            ConditionExpression="attribute_not_exists(#used) OR #used <= :most",
            ExpressionAttributeNames={"#used": "used", "#ttl": "ttl"},
            ExpressionAttributeValues={
                ":zero": {"N": "0"},
                ":wanted": {"N": str(wanted)},
                ":allowance": {"N": str(allowance)},
                ":most": {"N": str(allowance - wanted)},
                ":ttl": {"N": "1795900000"},
            },
            ReturnValues="ALL_NEW",
        )
        return int(updated["Attributes"]["used"]["N"])

    def test_an_update_with_a_condition_stays_within_a_limit(self):
        self.assertEqual([3, 6, 9], [self.reserve(3, 10) for _ in range(3)])
        with self.assertRaises(self.db.exceptions.ConditionalCheckFailedException):
            self.reserve(3, 10)
        self.assertEqual(10, self.reserve(1, 10))

    def test_simultaneous_updates_exceed_no_limit(self):
        def reserved(_):
            try:
                self.reserve(1, 10)
            except self.db.exceptions.ConditionalCheckFailedException:
                return 0
            return 1

        with ThreadPoolExecutor(16) as pool:
            self.assertEqual(10, sum(pool.map(reserved, range(MANY))))
        (item,) = self.query()["Items"]
        self.assertEqual({"N": "10"}, item["used"])

    def test_add_gives_back_what_was_reserved(self):
        self.reserve(4, 10)
        self.db.update_item(
            TableName=self.table,
            Key=self.key("2026-11-28"),
            UpdateExpression="ADD #used :back",
            ExpressionAttributeNames={"#used": "used"},
            ExpressionAttributeValues={":back": {"N": "-3"}},
        )
        (item,) = self.query()["Items"]
        self.assertEqual({"N": "1"}, item["used"])

    def batch(self, *requests):
        return self.db.batch_write_item(RequestItems={self.table: list(requests)})

    def test_a_batch_puts_and_deletes_up_to_25_items(self):
        def a_put(number):
            return {"PutRequest": {"Item": self.key(f"{number:010}")}}

        self.assertEqual({}, self.batch(*map(a_put, range(25)))["UnprocessedItems"])
        self.assertEqual(25, self.query(Select="COUNT")["Count"])
        with self.refused("ValidationException"):
            self.batch(*map(a_put, range(26)))
        self.batch({"DeleteRequest": {"Key": self.key(f"{0:010}")}}, a_put(30))
        self.assertEqual([f"{n:010}" for n in (*range(1, 25), 30)], self.sort_keys())

    def test_a_batch_that_names_an_item_twice_is_refused(self):
        item = self.key() | {"text": {"S": "one"}}
        other = self.key() | {"text": {"S": "two"}}
        for second in ({"PutRequest": {"Item": other}}, {"DeleteRequest": {"Key": self.key()}}):
            with self.refused("ValidationException"):
                self.batch({"PutRequest": {"Item": item}}, second)
        self.assertEqual([], self.sort_keys())

    def test_an_item_needs_both_keys_and_fits_400_kilobytes(self):
        for item in (
            {"pk": {"S": self.partition}},
            {"pk": {"S": self.partition}, "sk": {"S": ""}},
            {"pk": {"S": self.partition}, "sk": {"N": "1"}},
            self.key() | {"text": {"S": "x" * 410_000}},
        ):
            with self.refused("ValidationException"):
                self.db.put_item(TableName=self.table, Item=item)

    def test_a_reserved_word_needs_a_placeholder(self):
        """`state`, `ttl` and `by` are reserved, `pk`, `sk` and `used` are not."""
        for word in ("state", "ttl", "by"):
            with self.refused("ValidationException"):
                self.put(condition=f"attribute_not_exists({word})")
        for word in ("pk", "sk", "used"):
            self.put(word, condition=f"attribute_not_exists({word})")


class StatesCheck(TableCheck):
    """The states that `hub_table` sets for checks and demo."""

    def test_each_state_is_an_item_with_the_next_serial(self):
        route = f"us-east-2=us-east-{self.number}"
        serials = [hub_table.set_state(self.db, route, state) for state in ("active", "frozen")]
        self.assertEqual([1, 2], serials)
        first, second = hub_table.items(self.db, f"state#{route}")
        self.assertEqual(("0000000001", "0000000002"), (first["sk"]["S"], second["sk"]["S"]))
        self.assertEqual(("active", "frozen"), (first["state"]["S"], second["state"]["S"]))
        self.assertEqual(f"{HOME}/failover-replicator failover-replicator-spoke", second["home"]["S"])
        self.assertNotEqual(first["request"], second["request"])
        described = self.db.describe_table(TableName=self.table)["Table"]
        self.assertEqual(f"arn:aws:dynamodb:{HOME}:{MANAGEMENT_ACCOUNT}:table/{self.table}", described["TableArn"])
