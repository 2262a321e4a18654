"""SSM: pages, returned attributes, and refused reads."""

from .base import HOME, Check


class ReadsCheck(Check):
    def fresh_account(self, parameters):
        """A client of a new account with this many parameters."""
        client = self.client("ssm", self.world.create_account(f"reads-{self.number}"))
        for number in range(parameters):
            self.put(f"/page/{number:03}", client=client)
        return client

    def test_a_page_of_describe_has_at_most_50_parameters(self):
        ssm = self.fresh_account(101)
        sizes, token = [], {}
        while True:
            page = ssm.describe_parameters(**token)
            sizes.append(len(page["Parameters"]))
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
        self.assertEqual([50, 50, 1], sizes)
        self.assertEqual(7, len(ssm.describe_parameters(MaxResults=7)["Parameters"]))
        with self.refused("ValidationException"):
            ssm.describe_parameters(MaxResults=51)

    def test_describe_skips_nothing_if_a_parameter_is_deleted_between_pages(self):
        ssm = self.fresh_account(4)
        first = ssm.describe_parameters(MaxResults=2)
        ssm.delete_parameter(Name="/page/001")
        second = ssm.describe_parameters(MaxResults=2, NextToken=first["NextToken"])
        self.assertEqual(["/page/002", "/page/003"], [p["Name"] for p in second["Parameters"]])

    def test_describe_filters_each_page_after_paging(self):
        ssm = self.fresh_account(4)
        filters = [{"Key": "Name", "Values": ["/page/003"]}]
        first = ssm.describe_parameters(MaxResults=2, ParameterFilters=filters)
        self.assertEqual([], first["Parameters"])
        second = ssm.describe_parameters(MaxResults=2, ParameterFilters=filters, NextToken=first["NextToken"])
        self.assertEqual(["/page/003"], [p["Name"] for p in second["Parameters"]])

    def test_describe_filters_by_tier_and_data_type(self):
        ssm = self.fresh_account(1)
        self.put("/page/big", client=ssm, Tier="Advanced")
        self.put("/page/image", value="ami-12345678", client=ssm, DataType="aws:ec2:image")
        for key, value, name in (("Tier", "Advanced", "/page/big"), ("DataType", "aws:ec2:image", "/page/image")):
            found = ssm.describe_parameters(ParameterFilters=[{"Key": key, "Values": [value]}])["Parameters"]
            self.assertEqual([name], [p["Name"] for p in found])

    def test_describe_refuses_an_unknown_token(self):
        for token in ("10", "abc", "%"):
            with self.refused("InvalidNextToken"):
                self.ssm.describe_parameters(NextToken=token)

    def test_describe_shows_the_attributes_that_the_replicator_compares(self):
        self.put(Description="d", AllowedPattern="^1$", Tier="Advanced")
        shown = self.described()
        wanted = {
            "ARN": f"arn:aws:ssm:{HOME}:{self.member}:parameter{self.name}",
            "Type": "String",
            "Tier": "Advanced",
            "DataType": "text",
            "Version": 1,
            "Description": "d",
            "AllowedPattern": "^1$",
        }
        self.assertEqual(wanted, {key: shown.get(key) for key in wanted})

    def test_describe_and_get_show_the_same_date_of_a_version(self):
        for _ in range(5):
            self.ssm.put_parameter(Name=self.name, Value="1", Type="String", Overwrite=True)
            dates = {
                self.described()["LastModifiedDate"],
                self.ssm.get_parameter(Name=self.name)["Parameter"]["LastModifiedDate"],
                self.ssm.get_parameters(Names=[self.name])["Parameters"][0]["LastModifiedDate"],
            }
            self.assertEqual(1, len(dates), dates)

    def test_a_secure_string_is_encrypted_without_decryption(self):
        self.put(value="correct horse", type="SecureString")
        opaque = self.ssm.get_parameter(Name=self.name)["Parameter"]["Value"]
        self.assertNotIn("correct", opaque)
        self.ssm.put_parameter(Name=self.name, Value="correct horse", Overwrite=True)
        self.assertNotEqual(opaque, self.ssm.get_parameter(Name=self.name)["Parameter"]["Value"])
        clear = self.ssm.get_parameter(Name=self.name, WithDecryption=True)["Parameter"]
        self.assertEqual(("correct horse", 2), (clear["Value"], clear["Version"]))

    def test_one_bad_key_fails_a_whole_batch_with_decryption(self):
        kms = self.client("kms")
        names = [self.name, self.name + "2"]
        for end in (
            lambda key: kms.disable_key(KeyId=key),
            lambda key: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7),
        ):
            key = kms.create_key()["KeyMetadata"]["KeyId"]
            for name, chosen in zip(names, (key, "alias/aws/ssm")):
                self.ssm.put_parameter(Name=name, Value="1", Type="SecureString", KeyId=chosen, Overwrite=True)
            self.assertEqual(2, len(self.ssm.get_parameters(Names=names, WithDecryption=True)["Parameters"]))
            end(key)
            with self.refused("InvalidKeyId"):
                self.ssm.get_parameters(Names=names, WithDecryption=True)
            with self.refused("InvalidKeyId"):
                self.ssm.get_parameter(Name=names[0], WithDecryption=True)
            self.assertEqual(2, len(self.ssm.get_parameters(Names=names)["Parameters"]))

    def test_a_version_keeps_the_key_that_the_alias_named_at_the_write(self):
        kms, alias = self.client("kms"), f"alias/check-{self.number}"
        old, new = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
        kms.create_alias(AliasName=alias, TargetKeyId=old)
        self.put(type="SecureString", KeyId=alias)
        kms.update_alias(AliasName=alias, TargetKeyId=new)
        kms.disable_key(KeyId=old)
        with self.refused("InvalidKeyId"):
            self.ssm.get_parameter(Name=self.name, WithDecryption=True)

    def test_a_call_reads_at_most_ten_different_names(self):
        names = [f"{self.name}{number}" for number in range(11)]
        self.assertEqual(10, len(self.ssm.get_parameters(Names=names[:10])["InvalidParameters"]))
        for bad in (names, [self.name, self.name]):
            with self.refused("ValidationException"):
                self.ssm.get_parameters(Names=bad)
        with self.refused("ValidationException"):
            self.ssm.delete_parameters(Names=names)
        self.assertCountEqual(names[:10], self.ssm.delete_parameters(Names=names[:10])["InvalidParameters"])
