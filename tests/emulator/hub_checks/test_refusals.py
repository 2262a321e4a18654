"""Payloads and settings that the hub refuses, and events that the hub ignores."""

import cloudtrail

from .base import SOURCE, TARGETS, Check


class RefusalsCheck(Check):
    def assert_refused(self, error_type, words, payload, function=None):
        invocation = (function or self.world.function()).invoke(payload)
        self.assertEqual("Unhandled", invocation.error, invocation.payload)
        self.assertEqual({"errorType", "errorMessage"}, set(invocation.payload))
        self.assertEqual(error_type, invocation.payload["errorType"])
        for word in words:
            self.assertIn(word, invocation.payload["errorMessage"])

    def test_a_payload_with_an_unknown_field_is_refused(self):
        payload = {"detail": {"name": "all", "operation": "sync"}, "acount": self.world.members[0]}
        self.assert_refused("InvalidPayload", ["`acount`", "`account`"], payload)

    def test_a_payload_of_another_shape_is_refused(self):
        for payload in ({}, [], None, 7, "all", {"detail": {"name": "all", "operation": "delete"}}):
            with self.subTest(payload=payload):
                self.assert_refused("InvalidPayload", [], payload)

    def test_a_region_without_a_route_is_refused(self):
        detail = {"name": "/a", "operation": "sync"}
        self.assert_refused("InvalidPayload", ["eu-west-3"], {"region": "eu-west-3", "detail": detail})

    def test_all_invalid_settings_are_reported_at_once(self):
        # A function needs a topic and a table.
        missing = ("REPLICATOR_SNS_TOPIC_ARN", "REPLICATOR_TABLE")
        function = self.world.deploy(
            REPLICATOR_ROUTES=f"{SOURCE}={SOURCE}", REPLICATOR_MAX_DELETE="5", **dict.fromkeys(missing)
        )
        faults = ["REPLICATOR_ROUTES", "REPLICATOR_MAX_DELETE", "REPLICATOR_MAX_DELETES", *missing]
        for _ in range(2):  # the second time in the same process
            self.assert_refused("InvalidSettings", faults, {"detail": {"name": "all", "operation": "sync"}}, function)

    def test_ignored_events_have_a_reason(self):
        member = self.world.members[0]
        self.put(member)
        event = cloudtrail.put_parameter(member, SOURCE, self.name, "String", version=1)
        foreign = {**event, "source": "aws.s3"}
        elsewhere = cloudtrail.put_parameter(member, TARGETS[0], self.name, "String", version=1)
        failed = {**event, "detail": {**event["detail"], "errorCode": "AccessDenied"}}
        forged = {**event, "detail": {**event["detail"], "recipientAccountId": self.world.members[1]}}
        for ignored in (foreign, elsewhere, failed, forged):
            answer = self.answer(ignored)
            self.assertEqual({"status", "ignored"}, set(answer))
            self.assertEqual("in_sync", answer["status"])
            self.assertTrue(answer["ignored"])
        self.assert_in_no_target(member)
        self.assertEqual("changed", self.answer(event)["status"])
        self.assert_replicated(member)
