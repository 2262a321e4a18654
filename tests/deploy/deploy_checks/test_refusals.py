"""CloudFormation refuses invalid parameters of the hub's stack with a message that names the problem."""

import uuid

import stack
import templates
from lambda_service import LambdaService, hub_program

from .base import HUB_REGION, LIFETIME_SECONDS, Check


class RefusalsCheck(Check):
    @classmethod
    def setUpClass(cls):
        # Its own service, because this class creates and removes whole stacks.
        cls.service = LambdaService(HUB_REGION, lifetime=LIFETIME_SECONDS)
        cls.addClassCleanup(cls.service.end)
        cls.whole = stack.packaged(cls.service, hub_program())
        cls.template = stack.emulated(cls.whole)

    def refused(self, changed, template=None, usual=None):
        """The message for the usual parameters with these changes. The value None removes a parameter."""
        given = {**(stack.USUAL if usual is None else usual), **changed}
        parameters = {key: value for key, value in given.items() if value is not None}
        with self.assertRaises(stack.NotDeployed) as refused:
            stack.create(self.service, f"refused-{uuid.uuid4().hex}", template or self.template, parameters)
        return str(refused.exception)

    def test_a_source_region_among_its_targets(self):
        message = self.refused({"TargetRegions": "us-east-1,us-east-2"})
        self.assertIn("TargetRegions must not contain SourceRegion", message)
        second = {"SecondSourceRegion": "eu-west-1", "SecondTargetRegions": "eu-west-1"}
        self.assertIn("SecondTargetRegions must not contain SecondSourceRegion", self.refused(second))

    def test_an_incomplete_second_route(self):
        message = self.refused({"SecondSourceRegion": "eu-west-1"})
        self.assertIn("SecondSourceRegion needs SecondTargetRegions", message)
        same = {"SecondSourceRegion": "us-east-2", "SecondTargetRegions": "eu-west-1"}
        self.assertIn("must differ from SourceRegion", self.refused(same))

    def test_the_same_role_for_the_hub_and_for_a_failover(self):
        message = self.refused({"FailoverRoleName": "failover-replicator-spoke"})
        self.assertIn("FailoverRoleName must differ from SpokeRoleName", message)

    def test_a_malformed_unit(self):
        for units in ("ou-1", "f6g7-h8i9j0k1", "ou-f6g7-h8i9j0k1,r_f6g7", "o-a1b2c3d4e5/r-f6g7/ou-f6g7-h8i9j0k1"):
            with self.subTest(units=units):
                self.assertIn("must be ids such as ou-f6g7-h8i9j0k1", self.refused({"OrganizationalUnitIds": units}))

    def test_a_missing_or_malformed_topic(self):
        self.assertIn("TopicArn", self.refused({"TopicArn": None}))
        fifo = "arn:aws:sns:us-west-2:123456789012:failures.fifo"
        for topic in ("", "failures", "arn:aws:sqs:us-west-2:123456789012:failures", fifo):
            with self.subTest(topic=topic):
                self.assertIn("must be the ARN of a standard topic", self.refused({"TopicArn": topic}))

    def test_other_invalid_parameters(self):
        for parameter, value, message in (
            ("SourceRegion", "Ohio", "must be a Region such as us-east-2"),
            ("TargetRegions", "us-east-1,", "must be Regions such as us-east-1"),
            ("OrganizationId", "a1b2c3d4e5", "must be the id of an organisation"),
            ("ExternalId", "x", "must be 2 to 1,224 letters"),
            ("MaxDeletes", "101%", "must be a whole number, or a percentage"),
            ("SourceQuotaShare", "0.0", "must be a number over 0"),
            ("TargetQuotaShare", "1.5", "must be a number over 0"),
            ("ScheduleExpression", "rate(1 hour)", "must be cron(MINUTE HOUR ...)"),
            ("ScheduleExpression", "cron(0 */2 * * ? *)", "must be cron(MINUTE HOUR ...)"),
            ("EncryptionKeyArn", "alias/hub", "must be the ARN of a key"),
            ("OperatorPrincipalArns", "someone", "must be ARNs of users and roles"),
            ("TrustedWriters", "*", "must be exact names of roles"),
            ("TrustedWriters", "old-spoke,role/predecessor", "must be exact names of roles"),
            ("FailoverRoleName", "", "must be the name of a role without its path"),
        ):
            with self.subTest(parameter=parameter, value=value):
                self.assertIn(message, self.refused({parameter: value}))
        for parameter, value in (
            ("EventConcurrency", "1"),
            ("Architecture", "riscv"),
            ("LogRetentionDays", "2"),
            ("OnTargetChange", "overwrite"),
        ):
            with self.subTest(parameter=parameter, value=value):
                self.assertIn(parameter, self.refused({parameter: value}))

    def test_a_role_region_outside_of_the_source_regions(self):
        usual = {
            "HubAccountId": self.hub_account,
            "TrustedRoleArns": f"arn:aws:iam::{self.hub_account}:role/failover-replicator-hub-sweep",
            "ExternalId": "an-external-id",
            "OrganizationId": stack.ORGANIZATION,
            "HubBusArn": f"arn:aws:events:us-west-2:{self.hub_account}:event-bus/failover-replicator",
            "SourceRegions": "us-east-2",
            "TargetRegions": "us-east-1",
        }
        spoke = templates.load(templates.SPOKE)
        message = self.refused({"RoleRegion": "us-east-1"}, spoke, usual)
        self.assertIn("RoleRegion must be one of SourceRegions", message)
        nameless = {"RoleRegion": "us-east-2", "TrustedRoleArns": "failover-replicator-hub-sweep"}
        message = self.refused(nameless, spoke, usual)
        self.assertIn("must be ARNs of roles", message)

    def test_the_other_checks_leave_out_only_resources_that_the_service_cannot_create(self):
        message = self.refused({}, self.whole)
        for type in stack.NOT_CREATED:
            self.assertIn(type, message)
        parameters = {**stack.USUAL, "SecondSourceRegion": "us-east-1", "SecondTargetRegions": "us-east-2"}
        outputs = stack.create(self.service, "both-ways", self.template, parameters)
        self.assertEqual("us-east-2,us-east-1", outputs["SpokeRegions"])
        function = self.service.lambda_client.get_function_configuration(FunctionName=outputs["HubSweepName"])
        routes = function["Environment"]["Variables"]["REPLICATOR_ROUTES"]
        self.assertEqual("us-east-2=us-east-1,us-west-2;us-east-1=us-east-2", routes)

        stack.remove(self.service, "both-ways")
        self.assertEqual([], self.service.lambda_client.list_functions()["Functions"])
        self.assertEqual([], self.service.client("sqs").list_queues().get("QueueUrls", []))
        # The states of the routes outlive the stack.
        self.assertEqual(["failover-replicator"], self.service.client("dynamodb").list_tables()["TableNames"])
