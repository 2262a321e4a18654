"""SSM: the versions of a parameter: writers, selectors, histories and labels."""

import json
import subprocess
import sys

from emulator import LAUNCHER, MANAGEMENT_ACCOUNT, Emulator

from .base import HOME, Check, trust


class VersionsCheck(Check):
    def setUp(self):
        super().setUp()
        self.owner = self.client("sts").get_caller_identity()["Arn"]

    def overwrite(self, value="2", client=None, **settings):
        (client or self.ssm).put_parameter(Name=self.name, Value=value, Overwrite=True, **settings)

    def another(self, session="session-1"):
        """A second caller, with a role of the first member: its client and its ARN."""
        role = self.role(trust({"AWS": MANAGEMENT_ACCOUNT}))
        keys = self.world.emulator.assume(role, session)
        arn = f"arn:aws:sts::{self.member}:assumed-role/{role.rsplit('/', 1)[1]}/{session}"
        return self.world.emulator.client_with(keys, "ssm", HOME), arn

    def history(self, **arguments):
        return self.ssm.get_parameter_history(Name=self.name, **arguments)["Parameters"]

    def writers(self):
        return [(row["Version"], row["LastModifiedUser"]) for row in self.history()]


class WritersCheck(VersionsCheck):
    def test_a_list_shows_the_last_writer_and_a_history_the_writer_of_each_version(self):
        other, writer = self.another()
        self.put(client=other)
        self.assertEqual(writer, self.described()["LastModifiedUser"])
        self.overwrite()
        self.assertEqual(self.owner, self.described()["LastModifiedUser"])
        self.overwrite("3", client=other)
        self.assertEqual((3, writer), (self.described()["Version"], self.described()["LastModifiedUser"]))
        self.assertEqual([(1, writer), (2, self.owner), (3, writer)], self.writers())

    def test_a_recreated_parameter_starts_at_version_1_with_its_new_writer(self):
        other, writer = self.another()
        for delete in (
            lambda: self.ssm.delete_parameter(Name=self.name),
            lambda: self.ssm.delete_parameters(Names=[self.name]),
        ):
            self.put(client=other)
            self.overwrite(client=other)
            delete()
            with self.refused("ParameterNotFound"):
                self.history()
            self.put()
            self.assertEqual([(1, self.owner)], self.writers())
            self.assertEqual(self.owner, self.described()["LastModifiedUser"])
            delete()

    def test_tags_and_labels_change_neither_writer_nor_version_nor_date(self):
        self.put()
        self.overwrite()
        before, history = self.described(), self.history()
        other, _ = self.another()
        where = {"ResourceType": "Parameter", "ResourceId": self.name}
        other.add_tags_to_resource(**where, Tags=[{"Key": "team", "Value": "shop"}])
        other.remove_tags_from_resource(**where, TagKeys=["team"])
        other.label_parameter_version(Name=self.name, ParameterVersion=1, Labels=["old"])
        self.assertEqual(before, self.described())
        self.assertEqual(["old"], self.history()[0]["Labels"])
        other.unlabel_parameter_version(Name=self.name, ParameterVersion=1, Labels=["old"])
        self.assertEqual(history, self.history())

    def test_a_refused_call_with_tags_and_overwrite_changes_nothing(self):
        self.put(Tags=[{"Key": "team", "Value": "shop"}])
        before = self.described()
        other, _ = self.another()
        with self.refused("ValidationException"):
            self.overwrite(client=other, Tags=[{"Key": "team", "Value": "other"}])
        self.assertEqual((before, {"team": "shop"}), (self.described(), self.tags()))

    def test_the_writer_of_a_stacks_parameter_is_the_creator_of_the_stack(self):
        properties = {"Name": self.name, "Type": "String", "Value": "1"}
        template = {"Resources": {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": properties}}}
        stacks = self.client("cloudformation")
        stacks.create_stack(StackName=f"check-{self.number}", TemplateBody=json.dumps(template))
        self.assertEqual(self.owner, self.described()["LastModifiedUser"])
        self.assertTrue(self.described()["ARN"].endswith(f":parameter{self.name}"))


class SelectorsCheck(VersionsCheck):
    def requested(self, *names, **arguments):
        answer = self.ssm.get_parameters(Names=list(names), **arguments)
        shown = [(one["Name"], one["Version"], one["Value"], one.get("Selector")) for one in answer["Parameters"]]
        return shown, answer["InvalidParameters"]

    def test_a_version_can_be_read_by_its_number(self):
        self.put()
        self.overwrite()
        one = (self.name, 1, "1", ":1")
        self.assertEqual(([one], []), self.requested(f"{self.name}:1"))
        arn = self.described()["ARN"]
        self.assertEqual(([one], []), self.requested(f"{arn}:1"))
        self.assertEqual(":1", self.ssm.get_parameter(Name=f"{arn}:1")["Parameter"]["Selector"])
        self.assertNotIn("Selector", self.ssm.get_parameter(Name=self.name)["Parameter"])

    def test_several_versions_of_one_name_are_sorted_by_number(self):
        values = [str(number) for number in range(1, 12)]
        self.put(value=values[0])
        for value in values[1:]:
            self.overwrite(value)
        wanted = [(self.name, number, str(number), f":{number}") for number in (2, 9, 10)]
        wanted.append((self.name, 11, "11", None))
        names = (f"{self.name}:10", self.name, f"{self.name}:2", f"{self.name}:9")
        self.assertEqual((wanted, []), self.requested(*names))

    def test_a_missing_version_is_listed_as_invalid(self):
        self.put()
        gone = [f"{self.name}:2", f"{self.name}:live", f"{self.name}0:1", f"{self.name}0"]
        self.assertEqual(([(self.name, 1, "1", None)], gone), self.requested(self.name, *gone))
        with self.refused("ParameterVersionNotFound"):
            self.ssm.get_parameter(Name=f"{self.name}:2")

    def test_a_read_without_decryption_needs_no_key(self):
        kms = self.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        self.put(type="SecureString", KeyId=key)
        self.overwrite()
        kms.disable_key(KeyId=key)
        names = (self.name, f"{self.name}:1")
        shown, invalid = self.requested(*names)
        self.assertEqual(([(1, ":1"), (2, None)], []), ([(one[1], one[3]) for one in shown], invalid))
        with self.refused("InvalidKeyId"):
            self.requested(*names, WithDecryption=True)
        self.assertEqual("2", self.requested(self.name, WithDecryption=True)[0][0][2], "the current version has its own key")

    def test_tag_operations_accept_no_selector(self):
        self.put()
        for name in (f"{self.name}:1", self.described()["ARN"]):
            with self.refused("InvalidResourceId"):
                self.tags(name)


class HistoryCheck(VersionsCheck):
    def test_a_page_starts_after_the_last_version_even_if_versions_are_dropped(self):
        for number in range(100):
            self.ssm.put_parameter(Name=self.name, Value=str(number), Type="String", Overwrite=True)
        pages = [self.ssm.get_parameter_history(Name=self.name)]
        self.overwrite()
        while token := pages[-1].get("NextToken"):
            pages.append(self.ssm.get_parameter_history(Name=self.name, NextToken=token))
        self.assertEqual([50, 50, 1], [len(page["Parameters"]) for page in pages])
        versions = [row["Version"] for page in pages for row in page["Parameters"]]
        self.assertEqual(list(range(1, 102)), versions)
        with self.refused("ValidationException"):
            self.history(MaxResults=51)
        with self.refused("InvalidNextToken"):
            self.history(NextToken="1")

    def test_a_history_can_be_read_by_arn(self):
        self.put()
        arn = self.described()["ARN"]
        self.assertEqual(self.history(), self.ssm.get_parameter_history(Name=arn)["Parameters"])

    def test_labels_need_an_existing_parameter(self):
        for call in (self.ssm.label_parameter_version, self.ssm.unlabel_parameter_version):
            with self.refused("ParameterNotFound"):
                call(Name=self.name, ParameterVersion=1, Labels=["live"])
            for read in (self.ssm.get_parameter, self.ssm.get_parameter_history):
                with self.refused("ParameterNotFound"):
                    read(Name=self.name)


class SessionsCheck(Check):
    def shown(self, emulator):
        """Creates a parameter with a role's session, overwrites it as the owner, deletes it, and recreates it.

        Returns the writers in the first history, and the writer in the final list.
        """
        ssm, iam = emulator.client("ssm"), emulator.client("iam")
        document = trust({"AWS": MANAGEMENT_ACCOUNT})
        role = iam.create_role(RoleName="writer", Path="/a/b/", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        other = emulator.client_with(emulator.assume(role, "session-1"), "ssm", HOME)
        self.put("/a", client=other)
        self.put("/a", client=ssm, Overwrite=True)
        history = [row["LastModifiedUser"] for row in ssm.get_parameter_history(Name="/a")["Parameters"]]
        ssm.delete_parameter(Name="/a")
        self.put("/a", client=other)
        return history, self.described("/a", client=ssm)["LastModifiedUser"]

    def test_an_option_selects_the_operations_that_show_a_session(self):
        for choice, listed, kept in (
            ("both", True, True),
            ("lists", True, False),
            ("histories", False, True),
            ("neither", False, False),
        ):
            with Emulator(lifetime=60, sessions=choice) as emulator:
                owner = emulator.client("sts").get_caller_identity()["Arn"]
                history, last = self.shown(emulator)
            bare = f"arn:aws:sts::{MANAGEMENT_ACCOUNT}:assumed-role/writer"
            self.assertEqual([bare + "/session-1" * kept, owner], history, choice)
            self.assertEqual(bare + "/session-1" * listed, last, choice)

    def test_the_option_sessions_needs_the_patches(self):
        command = [sys.executable, str(LAUNCHER), "--stock", "--sessions", "lists"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual((2, ""), (ran.returncode, ran.stdout))
        self.assertIn("--sessions needs the patches", ran.stderr)
