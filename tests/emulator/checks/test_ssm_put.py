"""SSM: PutParameter and the tag operations: what they refuse and what they keep."""

import json

from .base import FAR, Check

EXPIRATION = {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2035-01-01T00:00:00.000Z"}}


class PutParameterCheck(Check):
    def overwrite(self, value="2", **settings):
        return self.ssm.put_parameter(Name=self.name, Value=value, Overwrite=True, **settings)

    def test_the_tier_limits_the_value(self):
        self.put(value="x" * 4096)
        with self.refused("ValidationException"):
            self.put(self.name + "2", value="x" * 4097)
        self.put(self.name + "3", value="x" * 8192, Tier="Advanced")
        with self.refused("ValidationException"):
            self.put(self.name + "4", value="x" * 8193, Tier="Advanced")

    def test_the_tier_never_returns_to_standard(self):
        self.put(Tier="Advanced")
        with self.refused("ValidationException"):
            self.overwrite(Tier="Standard")
        self.assertEqual("Advanced", self.overwrite()["Tier"])

    def test_intelligent_tiering_is_resolved(self):
        self.assertEqual("Standard", self.put(Tier="Intelligent-Tiering")["Tier"])
        self.assertEqual("Standard", self.described()["Tier"])
        self.assertEqual("Advanced", self.overwrite("x" * 4097, Tier="Intelligent-Tiering")["Tier"])
        self.assertEqual("Advanced", self.described()["Tier"])

    def test_the_type_does_not_change(self):
        self.put()
        with self.refused("HierarchyTypeMismatchException"):
            self.overwrite(Type="SecureString")
        self.assertEqual(2, self.overwrite()["Version"])

    def test_most_data_types_can_be_overwritten(self):
        self.put(DataType="integer", value="1")
        self.overwrite("1.5", DataType="float")
        self.assertEqual("float", self.described()["DataType"])
        with self.refused("ValidationException"):
            self.overwrite("one")
        self.overwrite("one", DataType="text")

    def test_an_integration_is_encrypted_and_keeps_its_data_type(self):
        with self.refused("ValidationException"):
            self.put(DataType="aws:ssm:integration", value="{}")
        self.put(DataType="aws:ssm:integration", value="{}", type="SecureString")
        with self.refused("ValidationException"):
            self.overwrite("{}", DataType="json", Type="SecureString")

    def test_some_data_types_cannot_be_lists(self):
        self.put(DataType="integer", value="1,2", type="StringList")
        with self.refused("ValidationException"):
            self.put("/check/json", DataType="json", value="{}", type="StringList")

    def test_an_image_keeps_its_data_type(self):
        self.put(DataType="aws:ec2:image", value="ami-12345678")
        with self.refused("ValidationException"):
            self.overwrite(DataType="text")
        self.overwrite()
        self.assertEqual("aws:ec2:image", self.described()["DataType"])

    def test_a_name_has_at_most_15_levels(self):
        self.put("/check" + f"/{self.number}" * 14)
        with self.refused("HierarchyLevelLimitExceededException"):
            self.put("/check" + f"/{self.number}" * 15)

    def test_a_name_has_only_allowed_characters(self):
        for name in ("/check/with space", "/check/ümlaut", "/check/a:b", "/check//empty", "/check/end/"):
            with self.refused("ValidationException"):
                self.put(name)

    def test_a_path_starts_with_a_slash(self):
        with self.refused("ValidationException"):
            self.put("check/relative")

    def test_the_length_limit_of_a_name_includes_the_arn(self):
        name = "/check/" + "x" * (1011 - len(f"arn:aws:ssm:us-east-1:{self.member}:parameter/check/"))
        self.put(name)
        with self.refused("ValidationException"):
            self.put(name, client=self.client("ssm", region=FAR))

    def test_the_value_must_match_the_pattern(self):
        with self.refused("ParameterPatternMismatchException"):
            self.put(value="abc", AllowedPattern=r"^\d+$")
        self.put(value="12", AllowedPattern=r"^\d+$")
        with self.refused("ParameterPatternMismatchException"):
            self.overwrite("abc")
        with self.refused("InvalidAllowedPatternException"):
            self.overwrite(AllowedPattern="(")

    def test_a_value_cannot_reference_another_parameter(self):
        with self.refused("ValidationException"):
            self.put(value="{{ssm:other}}")

    def test_policies_need_the_advanced_tier_and_are_shown_in_awss_form(self):
        with self.refused("ValidationException"):
            self.put(Policies=json.dumps([EXPIRATION]), Tier="Standard")
        self.put(Policies=json.dumps([EXPIRATION]), Tier="Intelligent-Tiering")
        (policy,) = self.described()["Policies"]
        self.assertEqual(EXPIRATION, json.loads(policy["PolicyText"]))
        self.assertEqual(("Expiration", "Pending"), (policy["PolicyType"], policy["PolicyStatus"]))
        self.overwrite()
        self.assertEqual(1, len(self.described()["Policies"]), "an overwrite without policies keeps them")
        self.overwrite(Policies="[{}]")
        self.assertEqual([], self.described().get("Policies", []))

    def test_unknown_policies_are_refused(self):
        for policy, code in (
            ({"Type": "Unknown"}, "InvalidPolicyTypeException"),
            ({"Type": "Expiration", "Attributes": {}}, "InvalidPolicyAttributeException"),
        ):
            with self.refused(code):
                self.put(Policies=json.dumps([policy]), Tier="Advanced")
        with self.refused("PoliciesLimitExceededException"):
            self.put(Policies=json.dumps([EXPIRATION] * 11), Tier="Advanced")

    def test_the_key_must_exist_and_be_enabled_in_the_region(self):
        alias, kms = f"alias/check-{self.number}", self.client("kms")
        with self.refused("InvalidKeyId"):
            self.put(type="SecureString", KeyId=alias)
        key = kms.create_key()["KeyMetadata"]
        kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
        for name in (alias, key["KeyId"], key["Arn"], key["Arn"].split("key/")[0] + alias):
            self.ssm.put_parameter(Name=self.name, Value="1", Type="SecureString", KeyId=name, Overwrite=True)
            self.assertEqual(name, self.described()["KeyId"])
        with self.refused("InvalidKeyId"):
            self.put(type="SecureString", KeyId=alias, client=self.client("ssm", region=FAR))
        with self.refused("InvalidKeyId"):
            self.put(type="SecureString", KeyId=alias, client=self.client("ssm", self.world.members[1]))
        kms.disable_key(KeyId=key["KeyId"])
        with self.refused("InvalidKeyId"):
            self.overwrite(KeyId=alias)

    def test_the_default_key_is_used_if_none_is_named_on_overwrite_too(self):
        key = self.client("kms").create_key()["KeyMetadata"]["KeyId"]
        self.put(type="SecureString", KeyId=key)
        self.overwrite()
        self.assertEqual("alias/aws/ssm", self.described()["KeyId"])

    def test_only_a_secure_string_can_have_a_key(self):
        with self.refused("ValidationException"):
            self.put(KeyId="alias/aws/ssm")

    def test_a_root_name_is_the_same_with_and_without_slash(self):
        name = f"Root{self.number}"
        self.put(name)
        with self.refused("ParameterAlreadyExists"):
            self.put("/" + name)
        self.ssm.put_parameter(Name="/" + name, Value="2", Overwrite=True)
        self.assertEqual((name, 2), (self.described(name)["Name"], self.described(name)["Version"]))
        self.assertEqual("2", self.ssm.get_parameter(Name="/" + name)["Parameter"]["Value"])

    def test_an_overwrite_keeps_omitted_description_and_pattern_and_clears_empty_ones(self):
        self.put(Description="the port", AllowedPattern=r"^\d+$")
        self.overwrite()
        self.assertEqual(("the port", r"^\d+$"), (self.described()["Description"], self.described()["AllowedPattern"]))
        self.overwrite("any", Description="", AllowedPattern="")
        self.assertNotIn("Description", self.described())
        self.assertNotIn("AllowedPattern", self.described())


class TagsCheck(Check):
    def add(self, tags):
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=self.name, Tags=pairs)

    def test_aws_tags_are_refused(self):
        with self.refused("ValidationException"):
            self.put(Tags=[{"Key": "aws:cloudformation:stack-name", "Value": "s"}])
        self.put()
        with self.refused("ValidationException"):
            self.add({"team": "shop", "aws:team": "shop"})
        self.assertEqual({}, self.tags())

    def test_tags_and_overwrite_cannot_be_combined(self):
        with self.refused("ValidationException"):
            self.put(Tags=[{"Key": "team", "Value": "shop"}], Overwrite=True)

    def test_a_parameter_has_at_most_50_tags(self):
        with self.refused("TooManyTagsError"):
            self.put(Tags=[{"Key": str(number), "Value": "v"} for number in range(51)])
        self.put(Tags=[{"Key": str(number), "Value": "v"} for number in range(50)])
        self.add({"0": "changed"})
        with self.refused("TooManyTagsError"):
            self.add({"one more": "v"})
        self.assertEqual(50, len(self.tags()))

    def test_a_deletion_removes_the_tags(self):
        for name in (self.name, f"Tagged{self.number}", f"/Slash{self.number}"):
            for delete in (
                lambda name: self.ssm.delete_parameter(Name=name),
                lambda name: self.ssm.delete_parameters(Names=[name]),
            ):
                self.put(name, Tags=[{"Key": "team", "Value": "shop"}])
                self.assertEqual({"team": "shop"}, self.tags(name))
                delete(name)
                self.put(name)
                self.assertEqual({}, self.tags(name), name)
                delete(name)
