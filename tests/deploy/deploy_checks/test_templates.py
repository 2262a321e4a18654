"""The templates by themselves: lint, least privilege, and what they must have in common with the code."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import jsonata
import templates
from templates import HUB, SPOKE, allowed, as_list, load, resources, shared, statements

# The hub's own roles do these; everything else that the code calls is done with the spoke role.
OF_THE_HUB = {"organizations:ListAccounts", "sts:AssumeRole", "sns:Publish", "ssm:GetParameter"}
# AWS lets everybody do it.
WITHOUT_PERMISSION = {"sts:GetCallerIdentity"}
# What Parameter Store and Secrets Manager do with customer keys in the role's name.
THROUGH_THE_SERVICES = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
PATTERN_LIMIT = 2048


def lint(*paths):
    command = [sys.executable, "-c", "from cfnlint.runner import main; main()", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, cwd=templates.ROOT, timeout=120)


def spoke_role():
    return load(SPOKE)["Resources"]["SpokeRole"]


class LintCheck(unittest.TestCase):
    def test_every_template_passes_without_ignored_rules(self):
        found = sorted(templates.FOLDER.glob("*.yaml"))
        self.assertEqual([HUB, SPOKE], found)
        linted = lint(*found)
        self.assertEqual((0, ""), (linted.returncode, linted.stdout))
        self.assertEqual([], list(templates.ROOT.glob(".cfnlintrc*")), "a file that tells the linter what to leave out")
        for path in found:
            text = path.read_text(encoding="utf-8")
            self.assertNotIn("cfn-lint", text, "a template that tells the linter what to leave out")

    def test_a_fault_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder) / "broken.yaml"
            text = SPOKE.read_text(encoding="utf-8")
            broken.write_text(text.replace("!Ref OrganizationId", "!Ref OrganisationId"), encoding="utf-8")
            linted = lint(broken)
        self.assertNotEqual(0, linted.returncode)
        self.assertIn("OrganisationId", linted.stdout)


class PrivilegeCheck(unittest.TestCase):
    maxDiff = None

    def test_the_spoke_role_may_do_what_the_code_calls_and_nothing_else(self):
        wanted = templates.actions_of_the_code() - OF_THE_HUB - WITHOUT_PERMISSION
        self.assertIn("ssm:PutParameter", wanted)
        self.assertEqual(wanted | THROUGH_THE_SERVICES, allowed(load(SPOKE), spoke_role()))

    def test_the_hubs_roles_may_do_what_the_code_calls_and_what_lambda_does_for_them(self):
        self.assertLessEqual(OF_THE_HUB, templates.actions_of_the_code())
        template = load(HUB)
        roles = resources(template, "AWS::IAM::Role")
        key = {"kms:Decrypt", "kms:GenerateDataKey"}
        queue = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
        self.assertEqual(OF_THE_HUB | LOG | key, allowed(template, roles["HubSweepRole"]))
        # Events are never a reason to ask Organizations.
        events = OF_THE_HUB - {"organizations:ListAccounts"}
        self.assertEqual(events | LOG | key | queue, allowed(template, roles["HubEventsRole"]))
        self.assertEqual(OF_THE_HUB | key, allowed(template, roles["OperatorRole"]))

    def test_no_policy_has_a_wildcard_action_or_reads_a_secrets_value(self):
        checked = 0
        for path in (HUB, SPOKE):
            template = load(path)
            for name, role in resources(template, "AWS::IAM::Role").items():
                for statement in statements(role) + shared(template, role):
                    self.assertNotIn("NotAction", statement, name)
                    for action in as_list(statement["Action"]):
                        self.assertRegex(action, r"\A[a-z]+:[A-Za-z]+\Z", name)
                        self.assertFalse(action.endswith("SecretValue"), name)
                        checked += 1
        self.assertGreater(checked, 50)

    def test_writes_are_allowed_in_target_regions_and_replication_in_source_regions_alone(self):
        everywhere = ["SourceRegions", "TargetRegions"]
        regions = {}
        for statement in statements(spoke_role()):
            if statement["Effect"] == "Deny":
                continue
            requested = json.dumps(statement["Condition"]["StringEquals"]["aws:RequestedRegion"])
            named = [name for name in everywhere if name in requested]
            regions.update({action: named for action in as_list(statement["Action"])})
        writes = ("PutParameter", "DeleteParameters", "AddTagsToResource", "RemoveTagsFromResource")
        labels = ("LabelParameterVersion", "UnlabelParameterVersion")
        for action in [f"ssm:{call}" for call in writes + labels]:
            self.assertEqual(["TargetRegions"], regions.pop(action), action)
        for call in ("ReplicateSecretToRegions", "RemoveRegionsFromReplication"):
            self.assertEqual(["SourceRegions"], regions.pop(f"secretsmanager:{call}"), call)
        self.assertTrue(regions)
        self.assertEqual({action: everywhere for action in regions}, regions)

    def test_keys_are_used_through_the_two_services(self):
        uses = [one for one in statements(spoke_role()) if "kms:" in json.dumps(one["Action"])]
        of_keys = [one for one in uses if as_list(one["Action"]) != ["kms:DescribeKey"]]
        self.assertEqual((1, 2), (len(of_keys), len(uses)))
        services = of_keys[0]["Condition"]["StringLike"]["kms:ViaService"]
        self.assertEqual(["ssm.*.amazonaws.com", "secretsmanager.*.amazonaws.com"], services)

    def test_the_replication_of_a_secret_is_ended_by_operators_alone(self):
        ends = "secretsmanager:RemoveRegionsFromReplication"
        (ending,) = [one for one in statements(spoke_role()) if ends in as_list(one["Action"])]
        self.assertEqual([ends], as_list(ending["Action"]))
        session = (templates.ROOT / "src" / "aws" / "credentials.rs").read_text(encoding="utf-8")
        name = re.search(r'OPERATOR_SESSION_NAME: &str = "([a-z-]+)"', session)[1]
        self.assertEqual(f"*:{name}", ending["Condition"]["StringLike"]["aws:userid"])

    def test_the_spoke_role_trusts_roles_by_name_and_no_role_as_a_principal(self):
        trust = spoke_role()["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        self.assertEqual(1, len(trust))
        self.assertTrue(trust[0]["Principal"]["AWS"]["Fn::Sub"].endswith(":root"))
        condition = trust[0]["Condition"]
        self.assertEqual({"aws:PrincipalArn": {"Ref": "TrustedRoleArns"}}, condition["ArnLike"])
        self.assertEqual({"sts:ExternalId", "aws:PrincipalOrgID"}, set(condition["StringEquals"]))

    def test_the_bus_takes_the_organisations_events_of_the_two_services_alone(self):
        policy = load(HUB)["Resources"]["BusPolicy"]["Properties"]["Statement"]
        self.assertEqual("events:PutEvents", policy["Action"])
        self.assertEqual({"Fn::GetAtt": ["Bus", "Arn"]}, policy["Resource"])
        self.assertEqual({"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}, policy["Condition"]["StringEquals"])
        services = policy["Condition"]["ForAllValues:StringEquals"]
        self.assertEqual({"events:source": ["aws.ssm", "aws.secretsmanager"]}, services)

    def test_only_the_hubs_roles_and_its_alarms_may_publish_unless_the_organisation_is_let(self):
        template = load(HUB)
        listed = template["Resources"]["TopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        always = [statement for statement in listed if "Fn::If" not in statement]
        roles = always[0]["Condition"]["ArnEquals"]["aws:PrincipalArn"]
        named = {one["Fn::GetAtt"][0] for one in roles}
        self.assertEqual({"HubEventsRole", "HubSweepRole", "SweepRole", "OperatorRole"}, named)
        self.assertEqual({"Service": "cloudwatch.amazonaws.com"}, always[1]["Principal"])
        self.assertEqual(2, len(always))
        option = [statement["Fn::If"] for statement in listed if "Fn::If" in statement]
        self.assertEqual(["LetsTheOrganizationPublish"], [condition for condition, _, _ in option])
        self.assertEqual("false", template["Parameters"]["OrganizationMayPublish"]["Default"])


class AgreementCheck(unittest.TestCase):
    maxDiff = None

    def test_every_alarm_tells_the_topic_and_measures_what_there_is(self):
        measured = (templates.ROOT / "src" / "report" / "metrics.rs").read_text(encoding="utf-8")
        topic = {"Fn::If": ["MakesTopic", {"Ref": "Topic"}, {"Ref": "TopicArn"}]}
        page = (templates.ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
        alarms = resources(load(HUB), "AWS::CloudWatch::Alarm")
        for name, alarm in alarms.items():
            properties = alarm["Properties"]
            self.assertEqual([topic], properties["AlarmActions"], name)
            if properties["Namespace"] == "FailoverReplicator":
                self.assertIn(f'"{properties["MetricName"]}"', measured, name)
            self.assertIn(f"`{properties['AlarmName'].removeprefix('failover-replicator-')}`", page)
        self.assertIn("NotInSyncAlarm", alarms)

    def test_every_setting_can_be_set_by_the_stack(self):
        variables = set(load(HUB)["Globals"]["Function"]["Environment"]["Variables"])
        # A person's first role is no business of the function's.
        self.assertEqual(templates.settings_of_the_code() - {"REPLICATOR_OPERATOR_ROLE_ARN"}, variables)

    def test_the_settings_of_ownership_reach_the_functions_with_the_codes_defaults(self):
        template = load(HUB)
        variables = template["Globals"]["Function"]["Environment"]["Variables"]
        code = templates.defaults_of_the_code()
        for setting, parameter in (
            ("SPOKE_ROLE_NAME", "SpokeRoleName"),
            ("TRUSTED_WRITERS", "TrustedWriters"),
            ("ON_TARGET_CHANGE", "OnTargetChange"),
            ("FAILOVER_ROLE_NAME", "FailoverRoleName"),
        ):
            self.assertEqual({"Ref": parameter}, variables[f"REPLICATOR_{setting}"])
            # A setting without a default is one that may be empty.
            self.assertEqual(code[setting] or "", template["Parameters"][parameter]["Default"], setting)
        self.assertEqual(["report", "restore"], template["Parameters"]["OnTargetChange"]["AllowedValues"])

    def test_a_person_is_asked_for_every_parameter_once(self):
        for path in (HUB, SPOKE):
            template = load(path)
            groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
            asked = [name for group in groups for name in group["Parameters"]]
            self.assertEqual(sorted(template["Parameters"]), sorted(asked), path.name)

    def test_a_message_is_hidden_for_six_times_as_long_as_the_function_may_work_on_it(self):
        template = load(HUB)["Resources"]
        function = template["HubEvents"]["Properties"]
        self.assertEqual(120, function["Timeout"])
        self.assertEqual(6 * function["Timeout"], template["Events"]["Properties"]["VisibilityTimeout"])
        self.assertEqual(900, template["HubSweep"]["Properties"]["Timeout"])
        queue = function["Events"]["Queue"]["Properties"]
        self.assertEqual(["ReportBatchItemFailures"], queue["FunctionResponseTypes"])
        self.assertEqual({"MaximumConcurrency": {"Ref": "EventConcurrency"}}, queue["ScalingConfig"])

    def test_every_pattern_is_within_eventbridges_limit_even_with_the_longest_names(self):
        names = {"AWS::Partition": "aws-us-gov", "AWS::AccountId": "1" * 12, "SpokeRoleName": "r" * 64}
        patterns = templates.patterns(names)
        self.assertEqual(5, len(patterns))
        for name, pattern in patterns.items():
            self.assertLessEqual(len(json.dumps(pattern)), PATTERN_LIMIT, name)

    def test_a_stackset_can_deploy_the_spoke(self):
        text = SPOKE.read_text(encoding="utf-8")
        template = load(SPOKE)
        self.assertNotIn("Transform", template)
        self.assertLess(len(text.encode()), 1024 * 1024)
        spokes = load(HUB)["Resources"]["Spokes"]
        given = {parameter["ParameterKey"] for parameter in spokes["Properties"]["Parameters"]}
        self.assertEqual(set(template["Parameters"]), given)
        self.assertEqual("BusPolicy", spokes["DependsOn"])
        self.assertIs(True, spokes["Properties"]["AutoDeployment"]["Enabled"])

    def test_the_state_machine_sends_what_a_person_can_send(self):
        states = templates.definition("sweep.asl.json")["States"]
        batch = states["SweepBatches"]["ItemProcessor"]["States"]["SweepBatch"]
        payloads = templates.ROOT / "payloads"
        listed = json.loads((payloads / "list-accounts.json").read_text(encoding="utf-8"))
        sent = states["ListAccounts"]["Arguments"]["Payload"]
        self.assertEqual(listed["detail"], sent["detail"])
        # `page` is null on the first call, which is what a payload without it says.
        self.assertEqual(set(listed), set(sent) - {"page"})
        everything = json.loads((payloads / "sync-all.json").read_text(encoding="utf-8"))
        sent = batch["Arguments"]["Payload"]
        self.assertEqual(everything, {field: sent[field] for field in sent if field != "accounts"})


class StateMachinesCheck(unittest.TestCase):
    """What the local engines do not look at: they take any definition."""

    TRANSIENT = {
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    }

    def machines(self):
        """Every set of states that belong together: the definitions, and the map's own."""
        sweep = templates.definition("sweep.asl.json")
        return [sweep, sweep["States"]["SweepBatches"]["ItemProcessor"], templates.definition("daily-sweep.asl.json")]

    def leads_to(self, state):
        branches = [*state.get("Choices", []), *state.get("Catch", [])]
        return {state.get("Next"), state.get("Default"), *(branch["Next"] for branch in branches)} - {None}

    def test_a_failure_of_the_list_ends_the_sweep_as_failed_beside_batches_that_were_swept(self):
        # The batches' outcomes are put beside the answer of the list, whose failures so are still there.
        states = templates.definition("sweep.asl.json")["States"]
        self.assertEqual(("$.outcomes", "Count"), (states["SweepBatches"]["ResultPath"], states["SweepBatches"]["Next"]))
        count = states["Count"]["Assign"]["failed"].removeprefix("{%").removesuffix("%}")
        swept = {"batches": [{}], "outcomes": [{"swept": True}]}
        unmatched = [{"kind": "hub", "error_kind": "invalid"}]
        nobody = {"batches": [], "outcomes": []}
        for answer, failed in [
            (swept, 0),
            ({**swept, "outcomes": [{}]}, 1),
            ({**swept, "failures": unmatched}, 1),
            ({**nobody, "failures": unmatched * 2}, 2),
            ({**nobody, "notes": [{}]}, 0),
        ]:
            expression = jsonata.Jsonata(count)
            expression.assign("failed", 0)
            expression.assign("states", {"input": answer})
            self.assertEqual(failed, expression.evaluate(None), answer)

    def test_every_state_leads_to_one_that_is_there_and_is_led_to(self):
        for machine in self.machines():
            states = machine["States"]
            led_to = {machine["StartAt"]}.union(*(self.leads_to(state) for state in states.values()))
            self.assertEqual(set(states), led_to)
            for name, state in states.items():
                ends = state.get("End") is True or state["Type"] in ("Succeed", "Fail")
                self.assertNotEqual(ends, bool(self.leads_to(state)), name)

    def test_the_function_is_asked_again_after_its_transient_errors_alone_and_with_jitter(self):
        asked = 0
        for machine in self.machines():
            for name, state in machine["States"].items():
                if state.get("Resource") != "arn:aws:states:::lambda:invoke":
                    continue
                self.assertEqual([self.TRANSIENT], [set(retry["ErrorEquals"]) for retry in state["Retry"]], name)
                self.assertEqual("FULL", state["Retry"][0]["JitterStrategy"], name)
                self.assertEqual(["States.ALL"], state["Catch"][0]["ErrorEquals"], name)
                asked += 1
        self.assertEqual(2, asked)

    def test_a_sweep_is_over_before_the_next_one_of_the_schedule(self):
        sweep = templates.definition("sweep.asl.json")
        self.assertLess(sweep["TimeoutSeconds"], 24 * 60 * 60)
        self.assertEqual(8, sweep["States"]["SweepBatches"]["MaxConcurrency"])
        self.assertEqual(100, sweep["States"]["SweepBatches"]["ToleratedFailurePercentage"])
        # A template's substitutions are text: CloudFormation reads the definition as JSON before it puts them in.
        for path in templates.FOLDER.glob("*.asl.json"):
            json.loads(path.read_text(encoding="utf-8"))
