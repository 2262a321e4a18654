"""The exit code of stacksets/invoke.py for the answers of the function."""

import sys
import unittest

import templates

sys.path.append(str(templates.FOLDER))

import invoke  # noqa: E402

SWEEP = {"detail": {"name": "all", "operation": "sync"}}
FREEZE = {"failover": {"route": "us-east-2=us-east-1", "action": "freeze", "reason": "a check"}}
FREEZE_AT_ONCE = {"failover": {**FREEZE["failover"], "wait": False}}
STATUS = {"failover": {"action": "status"}}


class InvokeCheck(unittest.TestCase):
    def test_the_exit_code_says_what_an_operator_has_to_do(self):
        for payload, answer, wanted in (
            (SWEEP, {"status": "in_sync"}, 0),
            (SWEEP, {"status": "changed"}, 0),
            (SWEEP, {"status": "drift"}, 0),
            (SWEEP, {"status": "incomplete"}, 1),
            (SWEEP, {"status": "failed"}, 1),
            (SWEEP, {"status": "frozen"}, 3),
            (FREEZE, {"state": "frozen", "done": True}, 0),
            (FREEZE, {"state": "frozen", "done": False}, 1),
            (FREEZE_AT_ONCE, {"state": "frozen", "done": False}, 0),
            (STATUS, {"clean": True}, 0),
            (STATUS, {"clean": False}, 3),
            ({"Records": []}, {"batchItemFailures": []}, 0),
        ):
            with self.subTest(payload=payload, answer=answer):
                self.assertEqual(wanted, invoke.code_of(payload, None, answer))

    def test_a_function_error_is_a_failure(self):
        for answer in ({"errorType": "InvalidPayload"}, {"status": "in_sync"}):
            self.assertEqual(1, invoke.code_of(SWEEP, "Unhandled", answer))
