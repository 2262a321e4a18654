"""The two emulators that all checks share: one for the organisation's accounts, one for the services of the hub."""

import atexit
import functools
import time
import unittest

from emulator import MANAGEMENT_ACCOUNT, Emulator
from lambda_service import LambdaService

HUB_REGION = "us-west-2"
SOURCE, TARGETS = "us-east-2", ("us-east-1", "us-west-2")
LIFETIME_SECONDS = 900


@functools.cache
def the_service():
    """ministack, for the hub's account: functions, queues, schedules and state machines."""
    service = LambdaService(HUB_REGION, lifetime=LIFETIME_SECONDS)
    atexit.register(service.end)
    return service


@functools.cache
def the_emulator():
    """moto, for the organisation and its accounts."""
    emulator = Emulator(lifetime=LIFETIME_SECONDS)
    atexit.register(emulator.end)
    return emulator


def wait_for(condition, seconds=60):
    """Waits until `condition` returns a true value, and returns the value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} seconds: {condition.__name__}")


class Check(unittest.TestCase):
    maxDiff = None
    hub_account = MANAGEMENT_ACCOUNT
