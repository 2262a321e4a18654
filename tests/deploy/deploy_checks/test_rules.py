"""The event patterns of the spoke's rules: the events that reach the hub, and the events that do not."""

import copy
import json

import cloudtrail
import templates

from .base import SOURCE, Check, the_service

ACCOUNT = "111122223333"
SPOKE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/failover-replicator-spoke"
NAMES = {"AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "SpokeRoleName": "failover-replicator-spoke"}
# The hub leaves this event to the sweep, because the owner may be about to delete the secret.
NOT_WANTED = {"remove-regions-from-replication"}
CALL = "AWS API Call via CloudTrail"


def samples():
    """Every event in payloads/events/ by name, without the queue's batch."""
    found = {path.stem: cloudtrail.sample(path.name, ACCOUNT, SOURCE) for path in cloudtrail.SAMPLES.glob("*.json")}
    return {name: event for name, event in found.items() if "Records" not in event}


def changed(event, **detail):
    event = copy.deepcopy(event)
    event["detail"].update(detail)
    return event


def called_by(event, identity):
    return changed(event, userIdentity=identity)


def role_session(arn):
    issuer = {"type": "Role", "arn": arn, "accountId": ACCOUNT, "userName": arn.rpartition("/")[2]}
    session = arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/failover-replicator"
    return {"type": "AssumedRole", "arn": session, "sessionContext": {"sessionIssuer": issuer}}


class RulesCheck(Check):
    def forwarded_by(self, event):
        """The rules whose pattern matches."""
        events = the_service().client("events")
        return [
            name
            for name, pattern in templates.patterns(NAMES).items()
            if events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]
        ]

    def test_each_sample_is_forwarded_once(self):
        found = samples()
        self.assertGreater(len(found), 20)
        for name, event in found.items():
            with self.subTest(sample=name):
                self.assertEqual(0 if name in NOT_WANTED else 1, len(self.forwarded_by(event)))

    def calls(self):
        return {name: event for name, event in samples().items() if event["detail-type"] == CALL}

    def test_the_hubs_own_calls_are_not_forwarded_and_calls_of_a_similar_role_are(self):
        for name, event in self.calls().items():
            if "errorCode" in event["detail"] or name in NOT_WANTED:
                continue
            with self.subTest(sample=name):
                self.assertEqual([], self.forwarded_by(called_by(event, role_session(SPOKE_ROLE))))
                other = role_session(SPOKE_ROLE + "-2")
                self.assertEqual(1, len(self.forwarded_by(called_by(event, other))))

    def test_calls_without_a_role_are_forwarded(self):
        """`anything-but` alone does not match a missing field."""
        user = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/someone", "userName": "someone"}
        with_mfa = {**user, "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}
        root = {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
        service = {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}
        for name in ("put-parameter", "add-tags-to-resource", "create-secret"):
            for identity in (user, with_mfa, root, service):
                with self.subTest(sample=name, identity=identity["type"]):
                    self.assertEqual(1, len(self.forwarded_by(called_by(samples()[name], identity))))

    def test_failed_calls_are_not_forwarded_except_a_refused_deletion_of_a_secret(self):
        refused = 0
        for name, event in self.calls().items():
            for code in ("AccessDenied", "ThrottlingException", "InvalidParameterException"):
                with self.subTest(sample=name, code=code):
                    matched = self.forwarded_by(changed(event, errorCode=code))
                    wanted = event["detail"]["eventName"] == "DeleteSecret" and code == "InvalidParameterException"
                    self.assertEqual(["RefusedDeletesRule"] if wanted else [], matched)
                    refused += wanted
        self.assertEqual(2, refused)
        failed = changed(samples()["parameter-store-change-create"], exception="Unable to Describe Resource")
        self.assertEqual([], self.forwarded_by(failed))

    def test_reads_are_not_forwarded(self):
        for sample, calls in (
            ("put-parameter", ("GetParameter", "GetParameters", "GetParametersByPath", "DescribeParameters")),
            ("add-tags-to-resource", ("ListTagsForResource",)),
            ("create-secret", ("GetSecretValue", "DescribeSecret", "ListSecrets", "BatchGetSecretValue")),
        ):
            for call in calls:
                with self.subTest(call=call):
                    event = changed(samples()[sample], eventName=call, readOnly=True)
                    self.assertEqual([], self.forwarded_by(event))

    def test_other_resources_and_other_services_are_not_forwarded(self):
        for name in ("add-tags-to-resource", "remove-tags-from-resource"):
            event = samples()[name]
            for type in ("Document", "ManagedInstance", "MaintenanceWindow", "PatchBaseline", "OpsItem"):
                with self.subTest(sample=name, type=type):
                    request = {**event["detail"]["requestParameters"], "resourceType": type}
                    self.assertEqual([], self.forwarded_by(changed(event, requestParameters=request)))
        self.assertEqual([], self.forwarded_by(changed(samples()["put-parameter"], eventName="CreateDocument")))
        # Many services have TagResource and UntagResource.
        event = changed(samples()["tag-resource"], eventSource="ecs.amazonaws.com")
        self.assertEqual([], self.forwarded_by({**event, "source": "aws.ecs"}))
        notice = changed(samples()["parameter-store-policy-action"], **{"policy-type": "ExpirationNotification"})
        self.assertEqual([], self.forwarded_by(notice))
