"""The decisions of the spoke role's policy on the hub's requests, by an evaluator of IAM policies."""

import copy
import itertools
import json
import re
import unittest

import templates
from policies import decision, every_statement, misplaced_tag_conditions, tag_context
from templates import HUB, SPOKE, load, resolved, resources, statements

SOURCE, TARGET, ELSEWHERE = "us-east-2", "us-east-1", "eu-west-1"
ACCOUNT = "111122223333"
REFERENCES = {
    "AWS::Partition": "aws",
    "AWS::AccountId": ACCOUNT,
    "SourceRegions": [SOURCE],
    "TargetRegions": [TARGET],
}
PARAMETER = f"arn:aws:ssm:{TARGET}:{ACCOUNT}:parameter/shop/db/url"
MARK = {"ReplicationStatus": "monitored-by-parameter-store-replication-lambda"}
OTHER_MARK = {"ReplicationStatus": "monitored-by-something-else"}
PROVENANCE = {"ReplicationSource": "region=us-east-2 version=12"}
RELEASED = {"failover-replicator": "released"}
OWNERS = {"team": "shop"}
REPLICA = MARK | PROVENANCE | OWNERS

# The IAM requests of one call: action, tags of the parameter (None if it does not exist), tags in the request.
PUT, TAG, UNTAG, DELETE = (
    f"ssm:{call}" for call in ("PutParameter", "AddTagsToResource", "RemoveTagsFromResource", "DeleteParameters")
)
FLOWS = {
    # PutParameter with tags also needs AddTagsToResource.
    "create": [(PUT, None, REPLICA), (TAG, None, REPLICA)],
    "update": [(TAG, REPLICA, OWNERS), (UNTAG, REPLICA, {}), (PUT, REPLICA, {}), (TAG, REPLICA, PROVENANCE)],
    "tags of the hub's own untagged version 1": [(TAG, {}, REPLICA)],
    "tombstone": [(TAG, REPLICA, PROVENANCE)],
    "delete": [(DELETE, REPLICA, {})],
    "adopt": [(PUT, OWNERS, {}), (TAG, OWNERS, MARK | PROVENANCE)],
    "take over a replica of the predecessor's": [(PUT, MARK, {}), (TAG, MARK, MARK | PROVENANCE)],
    "resolve --take source": [
        (TAG, OWNERS, MARK),
        (UNTAG, MARK | OWNERS, {}),
        (TAG, MARK, OWNERS),
        (PUT, MARK | OWNERS, {}),
        (TAG, MARK | OWNERS, PROVENANCE),
    ],
    "resolve --take source, refused": [(TAG, OWNERS, MARK), (UNTAG, MARK | OWNERS, {})],
    "release": [(TAG, REPLICA, RELEASED), (UNTAG, REPLICA | RELEASED, {})],
    # An unmarked parameter gets `released` and the mark in one request, and is untagged while it has the mark.
    "release of an unmarked parameter": [(TAG, PROVENANCE, RELEASED | MARK), (UNTAG, PROVENANCE | RELEASED | MARK, {})],
}


def spoke_statements():
    return resolved(statements(load(SPOKE)["Resources"]["SpokeRole"]), REFERENCES)


def decided(action, resource_tags=None, request_tags=None, region=TARGET, policy=None):
    """The decision on a call with the spoke role that names one parameter."""
    context = tag_context(action, resource_tags, request_tags or {}) | {"aws:RequestedRegion": region}
    resource = "*" if action == "ssm:DescribeParameters" else PARAMETER.replace(TARGET, region)
    return decision(policy or spoke_statements(), action, resource, context)


class DenialsCheck(unittest.TestCase):
    maxDiff = None

    def test_the_mark_is_the_mark_of_the_code(self):
        text = (templates.ROOT / "src" / "domain" / "tags.rs").read_text(encoding="utf-8")
        found = {key: re.search(rf'{key}: &str = "([^"]+)"', text)[1] for key in ("MARK_KEY", "MARK_VALUE")}
        self.assertEqual(MARK, {found["MARK_KEY"]: found["MARK_VALUE"]})

    def test_an_unmarked_parameter_is_tagged_only_by_a_request_that_adds_the_mark(self):
        marked = {"marked": REPLICA}
        unmarked = {"unmarked": OWNERS, "untagged": {}, "marked otherwise": OTHER_MARK, "missing": None}
        with_mark = {"the mark": MARK, "the mark and others": MARK | PROVENANCE | OWNERS}
        without = {"others": OWNERS, "provenance": PROVENANCE, "another mark": OTHER_MARK | OWNERS}
        cases = 0
        for resource, request in itertools.product(marked | unmarked, with_mark | without):
            tags = (marked | unmarked)[resource]
            allowed = resource in marked or request in with_mark
            with self.subTest(resource=resource, request=request):
                wanted = "allowed" if allowed else "denied"
                self.assertEqual(wanted, decided(TAG, tags, (with_mark | without)[request]))
            cases += 1
        self.assertEqual(25, cases)

    def test_an_unmarked_parameter_is_neither_deleted_nor_untagged(self):
        for action in (DELETE, UNTAG):
            self.assertEqual("allowed", decided(action, REPLICA), action)
            self.assertEqual("allowed", decided(action, MARK), action)
            for tags in ({}, OWNERS, PROVENANCE, OTHER_MARK | PROVENANCE):
                self.assertEqual("denied", decided(action, tags), (action, tags))

    def test_every_request_of_the_hub_is_allowed(self):
        for flow, requests in FLOWS.items():
            for step, (action, tags, sent) in enumerate(requests, 1):
                with self.subTest(flow=flow, step=step, action=action):
                    self.assertEqual("allowed", decided(action, tags, sent))

    def test_a_replica_that_an_operator_releases_during_an_update_stays_released(self):
        """The rest of the update, a deletion and a tombstone are denied, because the mark is missing."""
        for released in (PROVENANCE | OWNERS, OWNERS, {}):
            for action, _, sent in FLOWS["update"] + FLOWS["tombstone"] + FLOWS["delete"]:
                if action != PUT:
                    self.assertEqual("denied", decided(action, released, sent), (action, released))

    def test_a_create_without_the_mark_is_denied(self):
        self.assertEqual("denied", decided(TAG, None, OWNERS | PROVENANCE))

    def test_reads_are_allowed_in_sources_and_targets_and_writes_only_in_targets(self):
        reads = ("GetParameters", "GetParameterHistory", "DescribeParameters", "ListTagsForResource")
        for call in reads:
            found = [decided(f"ssm:{call}", {}, region=region) for region in (SOURCE, TARGET, ELSEWHERE)]
            self.assertEqual(["allowed", "allowed", "not allowed"], found, call)
        for action in (PUT, TAG, UNTAG, DELETE, "ssm:LabelParameterVersion", "ssm:UnlabelParameterVersion"):
            found = [decided(action, REPLICA, MARK, region) for region in (SOURCE, TARGET, ELSEWHERE)]
            self.assertEqual(["not allowed", "allowed", "not allowed"], found, action)


class ConditionsCheck(unittest.TestCase):
    """IAM reads a tag condition that AWS does not evaluate for an action as a missing tag, and reports no error."""

    def with_statement(self, statement):
        template = copy.deepcopy(load(SPOKE))
        policy = template["Resources"]["SpokeRole"]["Properties"]["Policies"][0]["PolicyDocument"]
        policy["Statement"].append({"Fn::If": ["Condition", statement, templates.NO_VALUE]})
        return template

    def overwrites_denied(self, key):
        return {
            "Effect": "Deny",
            "Action": [PUT],
            "Resource": "*",
            "Condition": {"StringNotEquals": {f"{key}/ReplicationStatus": MARK["ReplicationStatus"]}},
        }

    def test_aws_evaluates_every_tag_condition_for_its_actions(self):
        conditions = 0
        for path in (HUB, SPOKE):
            template = load(path)
            self.assertEqual(set(), misplaced_tag_conditions(template), path.name)
            conditions += sum("aws:ResourceTag" in json.dumps(one) for one in every_statement(template))
        self.assertEqual(2, conditions)

    def test_a_resource_tag_condition_on_put_parameter_is_found_in_every_spelling(self):
        for key in ("aws:ResourceTag", "ssm:resourceTag", "aws:resourcetag"):
            for actions in ([PUT], [DELETE, PUT], "ssm:Put*", "ssm:*"):
                statement = self.overwrites_denied(key) | {"Action": actions}
                found = misplaced_tag_conditions(self.with_statement(statement))
                self.assertIn((PUT, f"{key}/ReplicationStatus"), found, (key, actions))
        allowed = self.overwrites_denied("aws:RequestTag")
        self.assertEqual(set(), misplaced_tag_conditions(self.with_statement(allowed)))

    def test_a_resource_tag_condition_on_put_parameter_would_deny_updates(self):
        policy = [*spoke_statements(), self.overwrites_denied("aws:ResourceTag")]
        self.assertEqual("denied", decided(PUT, REPLICA, policy=policy))

    def test_each_denial_and_each_of_its_conditions_changes_a_decision(self):
        policy = spoke_statements()
        denials = {templates.as_list(one["Action"])[0]: one for one in policy if one["Effect"] == "Deny"}
        self.assertEqual({DELETE, TAG}, set(denials))
        for action, denial in denials.items():
            others = [one for one in policy if one is not denial]
            self.assertEqual("denied", decided(action, OWNERS, OWNERS), action)
            self.assertEqual("allowed", decided(action, OWNERS, OWNERS, policy=others), action)
        update, takeover = (REPLICA, OWNERS), (OWNERS, MARK)
        for key, refused in (("aws:ResourceTag", update), ("aws:RequestTag", takeover)):
            others = [one for one in policy if one is not denials[TAG]]
            without_key = copy.deepcopy(denials[TAG])
            del without_key["Condition"]["StringNotEquals"][f"{key}/ReplicationStatus"]
            self.assertEqual("allowed", decided(TAG, *refused), key)
            self.assertEqual("denied", decided(TAG, *refused, policy=[*others, without_key]), key)


class EvaluatorCheck(unittest.TestCase):
    def test_unsupported_elements_are_errors(self):
        statement = {"Effect": "Deny", "Action": PUT, "Resource": "*"}
        for change in (
            {"Condition": {"StringNotEqualsIfExists": {"aws:RequestTag/a": "b"}}},
            {"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}},
            {"NotResource": "*"},
        ):
            with self.assertRaisesRegex(ValueError, "does not support"):
                decision([statement | change], PUT, PARAMETER, {})

    def test_a_missing_key_matches_only_negated_operators(self):
        absent = {"StringEquals": "not allowed", "StringLike": "not allowed", "StringNotEquals": "allowed"}
        for operator, wanted in absent.items():
            condition = {"Condition": {operator: {"aws:RequestTag/a": "b"}}}
            statement = {"Effect": "Allow", "Action": PUT, "Resource": "*"} | condition
            self.assertEqual(wanted, decision([statement], PUT, PARAMETER, {}), operator)

    def test_for_all_values_compares_every_value_and_null_demands_one(self):
        like = {"ForAllValues:StringLike": {"aws:TagKeys": ["a*", "b"]}}
        present = {"Null": {"aws:TagKeys": "false"}}
        for values, lenient, strict in (
            (["a1", "b"], "allowed", "allowed"),
            (["a1", "c"], "not allowed", "not allowed"),
            (None, "allowed", "not allowed"),
        ):
            context = {"aws:TagKeys": values} if values else {}
            for condition, wanted in ((like, lenient), (like | present, strict)):
                statement = {"Effect": "Allow", "Action": PUT, "Resource": "*", "Condition": condition}
                self.assertEqual(wanted, decision([statement], PUT, PARAMETER, context), (values, condition))

    def test_keys_are_case_insensitive_and_values_are_not(self):
        condition = {"Condition": {"StringEquals": {"aws:ResourceTag/Team": "shop"}}}
        statement = {"Effect": "Allow", "Action": "ssm:*", "Resource": "arn:aws:ssm:*:parameter/shop/?b/*"} | condition
        for key, value, wanted in (("TEAM", "shop", "allowed"), ("Team", "Shop", "not allowed")):
            self.assertEqual(wanted, decision([statement], UNTAG, PARAMETER, {f"aws:ResourceTag/{key}": value}))
        tags = {"aws:ResourceTag/Team": "shop"}
        self.assertEqual("not allowed", decision([statement], UNTAG, PARAMETER.replace("/db/", "/a/"), tags))


class SizesCheck(unittest.TestCase):
    """The limits of IAM (without white space) and CloudFormation, with the longest names and many Regions."""

    LONGEST = REFERENCES | {
        "AWS::Partition": "aws-us-gov",
        "SourceRegions": ["ap-southeast-1", "ap-southeast-2"],
        "TargetRegions": [f"ap-southeast-{n}" for n in range(3, 9)],
        "HubAccountId": ACCOUNT,
        "ExternalId": "x" * 64,
        "OrganizationId": "o-" + "x" * 32,
        "TrustedRoleArns": [f"arn:aws-us-gov:iam::{ACCOUNT}:role/failover-replicator-{one * 20}" for one in "abc"],
    }

    def size(self, document):
        return len(json.dumps(document, separators=(",", ":")))

    def test_the_spoke_roles_policies_fit_iams_limits(self):
        role = load(SPOKE)["Resources"]["SpokeRole"]["Properties"]
        policies = resolved([policy["PolicyDocument"] for policy in role["Policies"]], self.LONGEST)
        self.assertLess(sum(map(self.size, policies)), 10_240)
        self.assertLess(self.size(resolved(role["AssumeRolePolicyDocument"], self.LONGEST)), 2_048)

    def test_the_templates_fit_cloudformations_limits(self):
        # `make spoke` sends the template in the call, `make deploy` through a bucket.
        self.assertLess(len(SPOKE.read_bytes()), 51_200)
        self.assertLess(len(HUB.read_bytes()), 1024 * 1024)
        for path in (HUB, SPOKE):
            template = load(path)
            self.assertLessEqual(len(template["Parameters"]), 200)
            self.assertLessEqual(len(template["Resources"]), 500)
            for name, parameter in template["Parameters"].items():
                self.assertLessEqual(len(parameter["Description"]), 4_000, name)
        self.assertGreater(len(resources(load(HUB), "AWS::IAM::Role")), 0)
