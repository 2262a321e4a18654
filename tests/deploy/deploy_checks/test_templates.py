"""The templates: lint, least privilege, and agreement with the code."""

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

# Actions of the hub's own roles. All other actions use the spoke role.
TABLE_READS = {"dynamodb:GetItem", "dynamodb:Query"}
TABLE_WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"}
OF_THE_HUB = {"organizations:ListAccounts", "sts:AssumeRole", "sns:Publish", "ssm:GetParameter"} | TABLE_READS | TABLE_WRITES
# This action needs no permission.
WITHOUT_PERMISSION = {"sts:GetCallerIdentity"}
# Actions that Parameter Store and Secrets Manager perform with customer keys on behalf of the role.
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
        self.assertEqual([], list(templates.ROOT.glob(".cfnlintrc*")), "a linter configuration may disable rules")
        for path in found:
            text = path.read_text(encoding="utf-8")
            self.assertNotIn("cfn-lint", text, "a template may disable rules of the linter")

    def test_the_linter_finds_a_fault(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder) / "broken.yaml"
            text = SPOKE.read_text(encoding="utf-8")
            broken.write_text(text.replace("!Ref OrganizationId", "!Ref OrganisationId"), encoding="utf-8")
            linted = lint(broken)
        self.assertNotEqual(0, linted.returncode)
        self.assertIn("OrganisationId", linted.stdout)


class PrivilegeCheck(unittest.TestCase):
    maxDiff = None

    def test_the_spoke_role_allows_exactly_the_actions_of_the_code(self):
        wanted = templates.actions_of_the_code() - OF_THE_HUB - WITHOUT_PERMISSION
        self.assertIn("ssm:PutParameter", wanted)
        self.assertEqual(wanted | THROUGH_THE_SERVICES, allowed(load(SPOKE), spoke_role()))

    def test_the_hubs_roles_allow_exactly_the_actions_of_the_code_and_of_lambda(self):
        self.assertLessEqual(OF_THE_HUB, templates.actions_of_the_code())
        template = load(HUB)
        roles = resources(template, "AWS::IAM::Role")
        key = {"kms:Decrypt", "kms:GenerateDataKey"}
        queue = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
        self.assertEqual(OF_THE_HUB | LOG | key, allowed(template, roles["HubSweepRole"]))
        # Events never need a call to Organizations.
        events = OF_THE_HUB - {"organizations:ListAccounts"}
        self.assertEqual(events | LOG | key | queue, allowed(template, roles["HubEventsRole"]))
        self.assertEqual(OF_THE_HUB | key, allowed(template, roles["OperatorRole"]))

    def test_no_policy_has_a_wildcard_action_or_allows_reading_a_secrets_value(self):
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

    def test_writes_are_allowed_only_in_targets_and_replication_only_in_sources(self):
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

    def test_keys_are_used_only_through_the_two_services(self):
        uses = [one for one in statements(spoke_role()) if "kms:" in json.dumps(one["Action"])]
        of_keys = [one for one in uses if as_list(one["Action"]) != ["kms:DescribeKey"]]
        self.assertEqual((1, 2), (len(of_keys), len(uses)))
        services = of_keys[0]["Condition"]["StringLike"]["kms:ViaService"]
        self.assertEqual(["ssm.*.amazonaws.com", "secretsmanager.*.amazonaws.com"], services)

    def test_only_operators_can_end_the_replication_of_a_secret(self):
        ends = "secretsmanager:RemoveRegionsFromReplication"
        (ending,) = [one for one in statements(spoke_role()) if ends in as_list(one["Action"])]
        self.assertEqual([ends], as_list(ending["Action"]))
        session = (templates.ROOT / "src" / "aws" / "credentials.rs").read_text(encoding="utf-8")
        name = re.search(r'OPERATOR_SESSION_NAME: &str = "([a-z-]+)"', session)[1]
        self.assertEqual(f"*:{name}", ending["Condition"]["StringLike"]["aws:userid"])

    def test_the_spoke_role_trusts_roles_by_name_and_not_as_principals(self):
        trust = spoke_role()["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        self.assertEqual(1, len(trust))
        self.assertTrue(trust[0]["Principal"]["AWS"]["Fn::Sub"].endswith(":root"))
        condition = trust[0]["Condition"]
        self.assertEqual({"aws:PrincipalArn": {"Ref": "TrustedRoleArns"}}, condition["ArnLike"])
        self.assertEqual({"sts:ExternalId", "aws:PrincipalOrgID"}, set(condition["StringEquals"]))

    def test_the_bus_accepts_only_events_of_the_two_services_from_the_organisation(self):
        policy = load(HUB)["Resources"]["BusPolicy"]["Properties"]["Statement"]
        self.assertEqual("events:PutEvents", policy["Action"])
        self.assertEqual({"Fn::GetAtt": ["Bus", "Arn"]}, policy["Resource"])
        self.assertEqual({"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}, policy["Condition"]["StringEquals"])
        services = policy["Condition"]["ForAllValues:StringEquals"]
        self.assertEqual({"events:source": ["aws.ssm", "aws.secretsmanager"]}, services)

    def test_only_the_hubs_roles_and_alarms_can_publish_unless_the_organisation_is_allowed(self):
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

    def test_every_alarm_notifies_the_topic_and_uses_an_existing_metric(self):
        report = templates.ROOT / "src" / "report"
        measured = "".join((report / name).read_text(encoding="utf-8") for name in ("metrics.rs", "execution.rs"))
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
        # Only hubctl uses the operator's role.
        self.assertEqual(templates.settings_of_the_code() - {"REPLICATOR_OPERATOR_ROLE_ARN"}, variables)

    def test_the_functions_have_the_ownership_settings_with_the_codes_defaults(self):
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
            # A setting without a default may be empty.
            self.assertEqual(code[setting] or "", template["Parameters"][parameter]["Default"], setting)
        self.assertEqual(["report", "restore"], template["Parameters"]["OnTargetChange"]["AllowedValues"])

    def test_the_console_asks_for_every_parameter_once(self):
        for path in (HUB, SPOKE):
            template = load(path)
            groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
            requested = [name for group in groups for name in group["Parameters"]]
            self.assertEqual(sorted(template["Parameters"]), sorted(requested), path.name)

    def test_a_message_is_hidden_for_six_times_the_functions_timeout(self):
        template = load(HUB)["Resources"]
        function = template["HubEvents"]["Properties"]
        self.assertEqual(120, function["Timeout"])
        self.assertEqual(6 * function["Timeout"], template["Events"]["Properties"]["VisibilityTimeout"])
        self.assertEqual(900, template["HubSweep"]["Properties"]["Timeout"])
        queue = function["Events"]["Queue"]["Properties"]
        self.assertEqual(["ReportBatchItemFailures"], queue["FunctionResponseTypes"])
        self.assertEqual({"MaximumConcurrency": {"Ref": "EventConcurrency"}}, queue["ScalingConfig"])

    def test_every_pattern_fits_eventbridges_limit_with_the_longest_names(self):
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

    def test_the_state_machine_sends_valid_payloads(self):
        states = templates.definition("sweep.asl.json")["States"]
        batch = states["SweepBatches"]["ItemProcessor"]["States"]["SweepBatch"]
        payloads = templates.ROOT / "payloads"
        listed = json.loads((payloads / "list-accounts.json").read_text(encoding="utf-8"))
        sent = states["ListAccounts"]["Arguments"]["Payload"]
        self.assertEqual(listed["detail"], sent["detail"])
        # `page` is null in the first call, which means the same as a payload without `page`.
        self.assertEqual(set(listed), set(sent) - {"page", "execution"})
        everything = json.loads((payloads / "sync-all.json").read_text(encoding="utf-8"))
        sent = batch["Arguments"]["Payload"]
        self.assertEqual(everything, {field: sent[field] for field in sent if field not in ("accounts", "execution")})

    def test_every_payload_of_the_state_machine_names_the_whole_execution(self):
        states = templates.definition("sweep.asl.json")["States"]
        whole = "{% $states.context.Execution.Name %}"
        for name in ("ListAccounts", "Finish"):
            self.assertEqual(whole, states[name]["Arguments"]["Payload"]["execution"], name)
        # A batch runs as an execution with its own name, so the name of the whole execution is in its input.
        swept = states["SweepBatches"]
        self.assertEqual("$$.Execution.Name", swept["ItemSelector"]["execution.$"])
        batch = swept["ItemProcessor"]["States"]["SweepBatch"]
        for fields in (batch["Arguments"]["Payload"], batch["Output"]):
            self.assertEqual("{% $states.input.execution %}", fields["execution"])


class StateMachinesCheck(unittest.TestCase):
    """Properties that the local engines do not check."""

    TRANSIENT = {
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    }

    def machines(self):
        """The sets of connected states: the definitions, and the item processor of the map."""
        sweep = templates.definition("sweep.asl.json")
        return [sweep, sweep["States"]["SweepBatches"]["ItemProcessor"], templates.definition("daily-sweep.asl.json")]

    def leads_to(self, state):
        branches = [*state.get("Choices", []), *state.get("Catch", [])]
        return {state.get("Next"), state.get("Default"), *(branch["Next"] for branch in branches)} - {None}

    def test_a_failed_list_fails_the_sweep_although_batches_were_swept(self):
        # The result of the batches is stored beside the answer of the list, so the failures in that answer are kept.
        states = templates.definition("sweep.asl.json")["States"]
        self.assertEqual(("$.outcomes", "CountFailures"), (states["SweepBatches"]["ResultPath"], states["SweepBatches"]["Next"]))
        count = states["CountFailures"]["Assign"]["failed"].removeprefix("{%").removesuffix("%}")
        swept = {"batches": [{}], "outcomes": [{"swept": True}]}
        unmatched = [{"kind": "hub", "error_kind": "invalid"}]
        no_batches = {"batches": [], "outcomes": []}
        for answer, failed in [
            (swept, 0),
            ({**swept, "outcomes": [{}]}, 1),
            ({**swept, "failures": unmatched}, 1),
            ({**no_batches, "failures": unmatched * 2}, 2),
            ({**no_batches, "notes": [{}]}, 0),
        ]:
            expression = jsonata.Jsonata(count)
            expression.assign("failed", 0)
            expression.assign("states", {"input": answer})
            self.assertEqual(failed, expression.evaluate(None), answer)

    def test_every_state_is_reachable_and_has_existing_successors(self):
        for machine in self.machines():
            states = machine["States"]
            led_to = {machine["StartAt"]}.union(*(self.leads_to(state) for state in states.values()))
            self.assertEqual(set(states), led_to)
            for name, state in states.items():
                ends = state.get("End") is True or state["Type"] in ("Succeed", "Fail")
                self.assertNotEqual(ends, bool(self.leads_to(state)), name)

    def test_only_transient_errors_of_the_function_are_retried_with_jitter(self):
        requested = 0
        for machine in self.machines():
            for name, state in machine["States"].items():
                if state.get("Resource") != "arn:aws:states:::lambda:invoke":
                    continue
                self.assertEqual([self.TRANSIENT], [set(retry["ErrorEquals"]) for retry in state["Retry"]], name)
                self.assertEqual("FULL", state["Retry"][0]["JitterStrategy"], name)
                self.assertEqual(["States.ALL"], state["Catch"][0]["ErrorEquals"], name)
                requested += 1
        self.assertEqual(3, requested)

    def test_every_end_of_the_sweep_is_behind_finish(self):
        states = templates.definition("sweep.asl.json")["States"]
        ends = {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")}
        self.assertEqual({"Complete", "Failed"}, ends)
        self.assertEqual(ends, self.leads_to(states["HasFailed"]))
        before = {name for name, state in states.items() if self.leads_to(state) & (ends | {"HasFailed"})}
        self.assertEqual({"Finish", "HasFailed"}, before)
        # A task or a map without a catch would end the execution without `finish`.
        for name, state in states.items():
            if state["Type"] in ("Task", "Map"):
                self.assertEqual(["States.ALL"], state["Catch"][0]["ErrorEquals"], name)

    def test_a_sweep_ends_before_the_next_scheduled_one(self):
        sweep = templates.definition("sweep.asl.json")
        self.assertLess(sweep["TimeoutSeconds"], 24 * 60 * 60)
        self.assertEqual(8, sweep["States"]["SweepBatches"]["MaxConcurrency"])
        self.assertEqual(100, sweep["States"]["SweepBatches"]["ToleratedFailurePercentage"])
        # Substitutions in a definition are strings: CloudFormation parses the JSON before the substitution.
        for path in templates.FOLDER.glob("*.asl.json"):
            json.loads(path.read_text(encoding="utf-8"))
