"""Forty random parameters and their replicas in two Regions, read by boto3 as an application does."""

import json
import random
import string

from .base import MARK, PROVENANCE, SOURCE, TARGETS, Check

SEED = 20261124
PARAMETERS = 40
ATTRIBUTES = ("Type", "Tier", "DataType", "Description", "AllowedPattern", "KeyId")
OVERRIDDEN = "/fidelity/overridden"


class FidelityCheck(Check):
    def setUp(self):
        super().setUp()
        self.member = self.world.members[3]
        self.random = random.Random(SEED)

    def text(self, characters, most):
        return "".join(self.random.choices(characters, k=self.random.randint(1, most)))

    def write(self, name):
        """Creates a parameter with random attributes, one to four versions, and labels on some of them."""
        ssm, choose = self.ssm(self.member), self.random.choice
        kind = choose(["String", "StringList", "SecureString"])
        form = {"Name": name, "Type": kind, "Tier": choose(["Standard", "Advanced"])}
        if choose([True, False]):
            form["Description"] = self.text(string.ascii_letters + " .", 60).strip() or "words"
        if choose([True, False]):
            form["AllowedPattern"] = "^.+$"
        if form["Tier"] == "Advanced" and choose([True, False]):
            attributes = {"Timestamp": "2099-01-01T00:00:00.000Z"}
            form["Policies"] = json.dumps([{"Type": "Expiration", "Version": "1.0", "Attributes": attributes}])
        keys = {self.text(string.ascii_letters + "_.:/=+-@", 20) for _ in range(self.random.randint(0, 6))}
        tags = [{"Key": f"k{key}", "Value": self.text(string.ascii_letters + " _.:/=+-@", 20)} for key in keys]
        versions = self.random.randint(1, 4)
        for version in range(1, versions + 1):
            value = f"{version}-{self.text(string.ascii_letters + ',', 40)}"
            ssm.put_parameter(**form, Value=value, **({"Tags": tags} if version == 1 else {"Overwrite": True}))
        for label in ("blue", "green", "canary")[: self.random.randint(0, 3)]:
            version = self.random.randint(1, versions)
            ssm.label_parameter_version(Name=name, ParameterVersion=version, Labels=[label])

    def attributes(self, region):
        """The parameters by name with all listed attributes, policies included."""
        pages = self.ssm(self.member, region).get_paginator("describe_parameters").paginate()
        return {listed["Name"]: listed for page in pages for listed in page["Parameters"]}

    def labels(self, name, region):
        """The value of each label."""
        ssm = self.ssm(self.member, region)
        history = ssm.get_parameter_history(Name=name, MaxResults=50)["Parameters"]
        given = {}
        for label in [label for version in history for label in version.get("Labels", [])]:
            got = ssm.get_parameter(Name=f"{name}:{label}", WithDecryption=True)["Parameter"]
            given[label] = got["Value"]
        return given

    def tree(self, region):
        """The parameters that an application reads by path."""
        pages = self.ssm(self.member, region).get_paginator("get_parameters_by_path")
        pages = pages.paginate(Path="/fidelity", Recursive=True, WithDecryption=True)
        return {read["Name"]: (read["Type"], read["Value"]) for page in pages for read in page["Parameters"]}

    def sweep(self):
        answer = self.answer({"account": self.member, "detail": {"name": "all", "operation": "sync"}})
        self.assertEqual([], [one for one in answer["failures"] if one["name"].startswith("/fidelity")])
        return answer

    def test_attributes_labels_and_reads_by_path_are_equal(self):
        names = [f"/fidelity/{number % 5}/{number:02}" for number in range(PARAMETERS)]
        for name in names:
            self.write(name)
        tags = [{"Key": f"failover-replicator:value/{TARGETS[0]}", "Value": "of this Region"}]
        self.ssm(self.member).put_parameter(Name=OVERRIDDEN, Value="of the source", Type="String", Tags=tags)
        self.sweep()
        source, compared = self.attributes(SOURCE), 0
        for target in TARGETS:
            replicas = self.attributes(target)
            for name in names:
                where = f"{name} in {target}"
                for attribute in ATTRIBUTES:
                    self.assertEqual(source[name].get(attribute), replicas[name].get(attribute), f"{attribute} of {where}")
                texts = [
                    sorted(policy["PolicyText"] for policy in listed[name].get("Policies", []))
                    for listed in (source, replicas)
                ]
                self.assertEqual(*texts, f"policies of {where}")
                original, replica = self.found(self.member, name, SOURCE), self.found(self.member, name, target)
                self.assertEqual(original["Value"], replica["Value"], f"value of {where}")
                self.assertIn(f"region={SOURCE}", replica["Tags"].pop(PROVENANCE).split(), where)
                self.assertEqual({**original["Tags"], **MARK}, replica["Tags"], f"tags of {where}")
                self.assertEqual(self.labels(name, SOURCE), self.labels(name, target), f"labels of {where}")
                compared += 1
        self.assertEqual(PARAMETERS * len(TARGETS), compared)
        wanted = self.tree(SOURCE)
        self.assertEqual(PARAMETERS + 1, len(wanted))
        self.assertEqual(wanted, self.tree(TARGETS[1]))
        self.assertEqual({**wanted, OVERRIDDEN: ("String", "of this Region")}, self.tree(TARGETS[0]))
        again = self.sweep()
        self.assertEqual({}, {kind: count for kind, count in again["totals"]["parameters"].items() if kind in ("created", "updated", "retagged")})
