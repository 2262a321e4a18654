"""The spokes of a service-managed StackSet reach every account of the units, and only the hub's roles can use them."""

import json
import os
import subprocess

import templates
from botocore.exceptions import ClientError
from emulator import MANAGEMENT_ACCOUNT

from .base import SOURCE, Check
from .deployed import ACCOUNTS, TARGET, the_deployment

ROLE = "failover-replicator-spoke"


class SpokesCheck(Check):
    def setUp(self):
        self.deployment = the_deployment()
        self.emulator = self.deployment.emulator

    def role_keys(self, name, account=MANAGEMENT_ACCOUNT):
        """Credentials of a role of the hub's account, like those of a function."""
        return self.emulator.assume(f"arn:aws:iam::{account}:role/{name}", "a-session")

    def assume_spoke(self, keys, account, external_id="failover-replicator"):
        given = {"ExternalId": external_id} if external_id else {}
        return self.emulator.assume(f"arn:aws:iam::{account}:role/{ROLE}", "failover-replicator", keys, **given)

    def assert_refused(self, *arguments, **named):
        with self.assertRaises(ClientError) as refused:
            self.assume_spoke(*arguments, **named)
        self.assertEqual("AccessDenied", refused.exception.response["Error"]["Code"])

    def test_only_the_accounts_of_the_units_have_the_spoke(self):
        instances = self.deployment.spokes_in_members
        self.assertEqual(ACCOUNTS, len(instances))
        self.assertEqual(set(self.deployment.members), {instance["Account"] for instance in instances})
        self.assertEqual({SOURCE}, {instance["Region"] for instance in instances})
        for account in (*self.deployment.members, MANAGEMENT_ACCOUNT):
            roles = {role["RoleName"] for role in self.emulator.client("iam", account).list_roles()["Roles"]}
            self.assertLessEqual({ROLE, "failover-replicator-forward"}, roles, account)
        outside = self.emulator.client("iam", self.deployment.outside).list_roles()["Roles"]
        self.assertNotIn(ROLE, {role["RoleName"] for role in outside})

    def test_only_the_source_region_forwards_events(self):
        account = self.deployment.members[0]
        names = set(templates.resources(templates.load(templates.SPOKE), "AWS::Events::Rule"))
        events = self.emulator.client("events", account, SOURCE)
        rules = events.list_rules()["Rules"]
        self.assertEqual(len(names), len(rules))
        for rule in rules:
            target = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            self.assertEqual([self.deployment.spoke_parameters["HubBusArn"]], [one["Arn"] for one in target])
            self.assertEqual(f"arn:aws:iam::{account}:role/failover-replicator-forward", target[0]["RoleArn"])
            dead = f"arn:aws:sqs:{SOURCE}:{account}:failover-replicator-forward-dead-letters"
            self.assertEqual(dead, target[0]["DeadLetterConfig"]["Arn"])
        self.assertEqual([], self.emulator.client("events", account, TARGET).list_rules()["Rules"])

    def test_the_hubs_role_and_the_operators_role_can_assume_the_spoke(self):
        for role in ("failover-replicator-hub-events", "failover-replicator-hub-sweep", "failover-replicator-operator"):
            keys = self.assume_spoke(self.role_keys(role), self.deployment.members[0])
            sts = self.emulator.client_with(keys, "sts", SOURCE)
            self.assertEqual(self.deployment.members[0], sts.get_caller_identity()["Account"])

    def test_a_recreated_role_can_assume_the_spoke_again(self):
        """The new role has a new unique id. A trust policy with the role as principal would keep the old id."""
        iam = self.emulator.client("iam")
        name = "failover-replicator-operator"
        document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        iam.delete_role(RoleName=name)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
        self.assume_spoke(self.role_keys(name), self.deployment.members[0])

    def test_a_wrong_external_id_is_refused(self):
        keys = self.role_keys("failover-replicator-hub-sweep")
        for external_id in ("failover-replicator-2", "FAILOVER-REPLICATOR", None):
            self.assert_refused(keys, self.deployment.members[0], external_id)

    def test_a_foreign_caller_is_refused(self):
        account = self.deployment.members[0]
        iam = self.emulator.client("iam")
        document = iam.get_role(RoleName="failover-replicator-hub-sweep")["Role"]["AssumeRolePolicyDocument"]
        iam.create_role(RoleName="failover-replicator-hub-sweep-2", AssumeRolePolicyDocument=json.dumps(document))
        self.assert_refused(self.role_keys("failover-replicator-hub-sweep-2"), account)
        self.assert_refused(self.emulator.keys_of(MANAGEMENT_ACCOUNT), account)
        # An administrator of another account of the organisation.
        other = self.emulator.keys_of(self.deployment.members[1])
        self.assert_refused(other, account)

    def test_hubctl_sweeps_through_the_roles(self):
        accounts = self.deployment.members[:3]
        for account in accounts:
            ssm = self.emulator.client("ssm", account, SOURCE)
            ssm.put_parameter(Name="/spokes/hubctl", Value=f"of {account}", Type="String")
        swept = self.hubctl("sweep", *[word for account in accounts for word in ("--account", account)])
        self.assertEqual("changed", swept["status"], swept)
        self.assertEqual({"changed": 3}, swept["totals"]["accounts"])
        for account in accounts:
            ssm = self.emulator.client("ssm", account, TARGET)
            self.assertEqual(f"of {account}", ssm.get_parameter(Name="/spokes/hubctl")["Parameter"]["Value"])
        refused = self.hubctl("sweep", "--account", accounts[0], REPLICATOR_SPOKE_EXTERNAL_ID="wrong-external-id")
        self.assertEqual(["no_spoke_role"], [failure["error_kind"] for failure in refused["failures"]])

    def hubctl(self, *arguments, **variables):
        """Runs hubctl as an operator and returns its answer."""
        keys = self.emulator.keys_of(MANAGEMENT_ACCOUNT)
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_REGION": "us-west-2",
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
            "REPLICATOR_ROUTES": f"{SOURCE}={TARGET}",
            "REPLICATOR_OPERATOR_ROLE_ARN": self.deployment.outputs["OperatorRoleArn"],
            "REPLICATOR_SPOKE_EXTERNAL_ID": self.deployment.spoke_parameters["ExternalId"],
            "REPLICATOR_TABLE": self.deployment.outputs["TableName"],
            **variables,
        }
        command = [templates.ROOT / "target" / "debug" / "hubctl", *arguments, "--format", "json"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        self.assertIn(ran.returncode, (0, 4), ran.stderr)
        return json.loads(ran.stdout)
