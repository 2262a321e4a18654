"""Every sample of payloads/events has its intended effect. Only account and names of the samples are replaced."""

import contextlib
import json

import cloudtrail

from .base import SOURCE, TARGETS, Check

SAMPLE_NAME, SAMPLE_ARN_END = "shop/db", "shop/db-a1b2c3"
VERSION = 12  # the version in the sample of PutParameter
IGNORED = ["remove-regions-from-replication.json"]
LEAVES = ("host", "port", "user")  # the parameters in the sample of DeleteParameters


class EventsCheck(Check):
    """Each sample gets its own names: `shop/db` becomes `events/put-parameter`."""

    @contextlib.contextmanager
    def sample(self, file):
        with self.subTest(file=file):
            self.file = file
            self.prefix = f"events/{file.removesuffix('.json')}"
            self.member = self.world.members[len(file) % len(self.world.members)]
            self.secrets = self.emulator.client("secretsmanager", self.member, SOURCE)
            self.arn = None
            yield

    def parameter(self, leaf="host"):
        return f"/{self.prefix}/{leaf}"

    def write_parameters(self, *leaves, **tags):
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        for leaf in leaves:
            self.put(self.member, self.parameter(leaf), "1", Tags=listed)
            for version in range(2, VERSION + 1):
                self.put(self.member, self.parameter(leaf), str(version), Overwrite=True)

    def write_secret(self):
        self.arn = self.secrets.create_secret(Name=self.prefix, SecretString="s3cret")["ARN"]

    def send(self):
        event = json.dumps(cloudtrail.sample(self.file, self.member, SOURCE))
        if self.arn:
            event = event.replace(SAMPLE_ARN_END, self.arn.rpartition(":")[2])
        return self.answer(json.loads(event.replace(SAMPLE_NAME, self.prefix)))

    def assert_secret_replicated(self):
        for target in TARGETS:
            client = self.emulator.client("secretsmanager", self.member, target)
            replica = client.describe_secret(SecretId=self.prefix)
            self.assertEqual(self.arn.replace(f":{SOURCE}:", f":{target}:"), replica["ARN"])

    def secret_regions(self):
        described = self.secrets.describe_secret(SecretId=self.prefix)
        return sorted(status["Region"] for status in described.get("ReplicationStatus", []))

    WRITES = [
        "put-parameter.json",
        "parameter-store-change-create.json",
        "parameter-store-change-update.json",
        "parameter-store-policy-action.json",
        "parameter-store-change-label.json",
        "label-parameter-version.json",
        "unlabel-parameter-version.json",
        "add-tags-to-resource.json",
    ]

    def test_an_event_of_a_parameter_replicates_it(self):
        for file in self.WRITES:
            with self.sample(file):
                self.write_parameters("host", team="shop", stage="live")
                self.send()
                self.assert_replicated(self.member, self.parameter())

    def test_an_event_of_a_tag_removal_removes_the_tags(self):
        with self.sample("remove-tags-from-resource.json"):
            self.write_parameters("host", team="shop")
            self.assertEqual("changed", self.send()["status"])
            self.assert_replicated(self.member, self.parameter())

    DELETIONS = ["delete-parameter.json", "delete-parameters.json", "parameter-store-change-delete.json"]

    def test_an_event_of_a_deletion_deletes_the_replicas(self):
        for file in self.DELETIONS:
            with self.sample(file):
                leaves = LEAVES if self.file == "delete-parameters.json" else LEAVES[:1]
                self.write_parameters(*leaves)
                for leaf in leaves:
                    detail = {"name": self.parameter(leaf), "operation": "sync"}
                    self.answer({"account": self.member, "region": SOURCE, "detail": detail})
                    self.assert_replicated(self.member, self.parameter(leaf))
                    self.ssm(self.member).delete_parameter(Name=self.parameter(leaf))
                answer = self.send()
                self.assertEqual({"deleted": len(leaves) * len(TARGETS)}, answer["totals"]["parameters"])
                for leaf in leaves:
                    self.assert_in_no_target(self.member, self.parameter(leaf))

    SECRETS = [
        "create-secret.json",
        "update-secret.json",
        "restore-secret.json",
        "tag-resource.json",
        "untag-resource.json",
        "replicate-secret-to-regions.json",
        "secret-label-updated.json",
    ]

    def test_an_event_of_a_secret_replicates_it(self):
        for file in self.SECRETS:
            with self.sample(file):
                self.write_secret()
                answer = self.send()
                self.assertEqual("changed", answer["status"], answer)
                self.assertEqual({"replicated": len(TARGETS)}, answer["totals"]["secrets"])
                self.assert_secret_replicated()

    def test_an_event_of_a_deleted_secret_changes_nothing(self):
        with self.sample("delete-secret.json"):
            self.write_secret()
            self.secrets.delete_secret(SecretId=self.prefix, RecoveryWindowInDays=30)
            self.assertEqual("in_sync", self.send()["status"])
            self.assertEqual([], self.secret_regions())

    def test_a_secret_deletion_that_failed_because_of_replicas_is_reported(self):
        with self.sample("delete-secret-refused.json"):
            self.write_secret()
            detail = {"kind": "secret", "name": self.prefix, "operation": "sync"}
            self.answer({"account": self.member, "region": SOURCE, "detail": detail})
            (failure,) = self.send()["failures"]
            self.assertEqual(("secret", self.prefix, SOURCE), tuple(failure[key] for key in ("kind", "name", "region")))
            self.assertTrue(failure["remedy"])
            self.assert_secret_replicated()

    def test_events_without_effect_are_ignored(self):
        for file in IGNORED:
            with self.sample(file):
                self.write_secret()
                self.assertIn("sweep", self.send()["ignored"])
                self.assertEqual([], self.secret_regions())

    def test_the_sample_batch_is_processed(self):
        with self.sample("queue-batch.json"):
            self.write_parameters("host", team="shop", stage="live")
            self.write_secret()
            self.assertEqual({"batchItemFailures": []}, self.send())
            self.assert_replicated(self.member, self.parameter())
            self.assert_secret_replicated()

    def test_every_sample_has_a_test(self):
        here = [*self.WRITES, *self.DELETIONS, *self.SECRETS, *IGNORED]
        here += ["remove-tags-from-resource.json", "queue-batch.json"]
        here += ["delete-secret.json", "delete-secret-refused.json"]
        self.assertEqual(sorted(here), sorted(file.name for file in cloudtrail.SAMPLES.glob("*.json")))
