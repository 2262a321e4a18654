"""Secrets Manager: managed replication."""

from emulator import every

from .base import FAR, HOME, Check

THIRD = "us-west-2"


class ReplicationCheck(Check):
    def setUp(self):
        super().setUp()
        # The name contains the Region's name, which must not change in the replica's ARN.
        self.name = f"db/{HOME}/{self.number}"
        self.here, self.there = self.client("secretsmanager"), self.client("secretsmanager", region=FAR)

    def create(self, **settings):
        return self.here.create_secret(Name=self.name, SecretString="first", **settings)

    def replicate(self, **region):
        return self.here.replicate_secret_to_regions(SecretId=self.name, AddReplicaRegions=[{"Region": FAR, **region}])

    def status(self):
        (status,) = self.here.describe_secret(SecretId=self.name)["ReplicationStatus"]
        return status

    def listed(self, client):
        (found,) = [s for s in every(client, "list_secrets", "SecretList") if s["Name"] == self.name]
        return found

    def key(self, region=FAR):
        kms, alias = self.client("kms", region=region), f"alias/check-{self.number}"
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=alias, TargetKeyId=key)
        return alias, key

    def test_replication_starts_in_progress_and_ends_in_sync(self):
        self.create()
        (status,) = self.replicate()["ReplicationStatus"]
        self.assertEqual("InProgress", status["Status"])
        self.assertEqual("InSync", self.status()["Status"])

    def test_a_replicas_arn_differs_only_in_the_region(self):
        arn = self.create(AddReplicaRegions=[{"Region": FAR}])["ARN"]
        self.assertEqual(arn.replace(f":{HOME}:", f":{FAR}:"), self.there.describe_secret(SecretId=self.name)["ARN"])

    def test_primary_and_replica_name_the_primary_region(self):
        self.create()
        self.assertNotIn("PrimaryRegion", self.listed(self.here))
        self.replicate()
        for client in (self.here, self.there):
            self.assertEqual(HOME, client.describe_secret(SecretId=self.name)["PrimaryRegion"])
            self.assertEqual(HOME, self.listed(client)["PrimaryRegion"])

    def test_versions_values_and_tags_are_replicated(self):
        self.create(Tags=[{"Key": "team", "Value": "shop"}])
        self.replicate()
        for value in ("first", "second"):
            self.here.put_secret_value(SecretId=self.name, SecretString=value)
            one, two = (client.get_secret_value(SecretId=self.name) for client in (self.here, self.there))
            self.assertEqual((value, value), (one["SecretString"], two["SecretString"]))
            self.assertEqual(one["VersionId"], two["VersionId"])
            self.assertEqual(["AWSCURRENT"], self.listed(self.there)["SecretVersionsToStages"][one["VersionId"]])
        self.here.tag_resource(SecretId=self.name, Tags=[{"Key": "stage", "Value": "live"}])
        tags = {tag["Key"]: tag["Value"] for tag in self.listed(self.there)["Tags"]}
        self.assertEqual({"team": "shop", "stage": "live"}, tags)

    def test_moving_awscurrent_moves_the_value(self):
        old = self.create()["VersionId"]
        new = self.here.put_secret_value(SecretId=self.name, SecretString="second")["VersionId"]
        self.here.update_secret_version_stage(
            SecretId=self.name, VersionStage="AWSCURRENT", RemoveFromVersionId=new, MoveToVersionId=old
        )
        self.assertEqual("first", self.here.get_secret_value(SecretId=self.name)["SecretString"])

    def test_a_replica_shows_its_own_key(self):
        alias, _ = self.key()
        self.create()
        self.replicate(KmsKeyId=alias)
        self.assertEqual(alias, self.status()["KmsKeyId"])
        self.assertEqual(alias, self.there.describe_secret(SecretId=self.name)["KmsKeyId"])
        self.assertEqual(alias, self.listed(self.there)["KmsKeyId"])
        self.assertNotIn("KmsKeyId", self.listed(self.here))

    def test_the_primarys_key_is_not_used_for_the_replica(self):
        alias, _ = self.key(HOME)
        self.create(KmsKeyId=alias)
        self.replicate()
        self.assertEqual(alias, self.listed(self.here)["KmsKeyId"])
        self.assertNotIn("KmsKeyId", self.listed(self.there))

    def test_an_unusable_key_fails_only_its_region(self):
        self.create()
        requested = [{"Region": FAR, "KmsKeyId": "alias/absent"}, {"Region": THIRD}]
        self.here.replicate_secret_to_regions(SecretId=self.name, AddReplicaRegions=requested)
        shown = self.here.describe_secret(SecretId=self.name)["ReplicationStatus"]
        statuses = {status["Region"]: status for status in shown}
        self.assertEqual("InSync", statuses[THIRD]["Status"])
        self.assertEqual("Failed", statuses[FAR]["Status"])
        self.assertIn("alias/absent", statuses[FAR]["StatusMessage"])
        with self.refused("ResourceNotFoundException", 404):
            self.there.describe_secret(SecretId=self.name)

    def test_a_disabled_key_fails_and_can_be_retried(self):
        alias, key = self.key()
        kms = self.client("kms", region=FAR)
        kms.disable_key(KeyId=key)
        self.create()
        self.replicate(KmsKeyId=alias)
        self.assertEqual("Failed", self.status()["Status"])
        kms.enable_key(KeyId=key)
        self.replicate(KmsKeyId=alias)
        self.assertEqual("InSync", self.status()["Status"])
        with self.refused("InvalidParameterException"):
            self.replicate(KmsKeyId=alias)

    def test_an_unrelated_secret_of_the_same_name_is_not_overwritten(self):
        self.there.create_secret(Name=self.name, SecretString="unrelated")
        self.create()
        self.replicate()
        status = self.status()
        self.assertEqual("Failed", status["Status"])
        self.assertEqual("Secret with this name already exists in this region", status["StatusMessage"])
        self.assertEqual("unrelated", self.there.get_secret_value(SecretId=self.name)["SecretString"])
        self.assertNotIn("PrimaryRegion", self.listed(self.there))

    def test_stop_replication_makes_the_replica_standalone(self):
        arn = self.create(Tags=[{"Key": "team", "Value": "shop"}], AddReplicaRegions=[{"Region": FAR}])["ARN"]
        with self.refused("InvalidParameterException"):
            self.here.stop_replication_to_replica(SecretId=self.name)
        self.there.stop_replication_to_replica(SecretId=self.name)
        alone = self.listed(self.there)
        self.assertEqual(arn.replace(f":{HOME}:", f":{FAR}:"), alone["ARN"])
        self.assertNotIn("PrimaryRegion", alone)
        self.here.put_secret_value(SecretId=self.name, SecretString="second")
        self.assertEqual("first", self.there.get_secret_value(SecretId=self.name)["SecretString"])
        self.there.put_secret_value(SecretId=self.name, SecretString="its own")
        self.assertEqual("second", self.here.get_secret_value(SecretId=self.name)["SecretString"])
        self.there.delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)

    def test_a_replicas_region_can_change_only_the_replicas_key(self):
        self.create(AddReplicaRegions=[{"Region": FAR}])
        with self.refused("InvalidParameterException"):
            self.there.update_secret(SecretId=self.name, KmsKeyId="alias/absent")
        with self.refused("InvalidParameterException"):
            self.there.update_secret(SecretId=self.name, SecretString="another")
        _, key = self.key()
        self.there.update_secret(SecretId=self.name, KmsKeyId=key)
        self.assertEqual(key, self.there.describe_secret(SecretId=self.name)["KmsKeyId"])
        self.assertEqual(key, self.status()["KmsKeyId"])
        self.assertEqual("InSync", self.status()["Status"])

    def test_a_primary_with_replicas_cannot_be_deleted(self):
        self.create(AddReplicaRegions=[{"Region": FAR}])
        with self.refused("InvalidParameterException"):
            self.here.delete_secret(SecretId=self.name)
        self.here.remove_regions_from_replication(SecretId=self.name, RemoveReplicaRegions=[FAR])
        with self.refused("ResourceNotFoundException", 404):
            self.there.describe_secret(SecretId=self.name)
        self.here.delete_secret(SecretId=self.name)

    def test_a_list_page_has_at_most_100_secrets_and_no_replication_status(self):
        self.create(AddReplicaRegions=[{"Region": FAR}])
        self.assertNotIn("ReplicationStatus", self.listed(self.here))
        with self.refused("ValidationException"):
            self.here.list_secrets(MaxResults=101)
