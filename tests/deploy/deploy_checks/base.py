"""What the checks of deployed stacks share: one emulated AWS for the accounts, one service for the hub's account."""

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
    """ministack: the hub's account, with functions, queues, schedules and state machines."""
    service = LambdaService(HUB_REGION, lifetime=LIFETIME_SECONDS)
    atexit.register(service.end)
    return service


@functools.cache
def the_emulator():
    """moto: the organisation and what its accounts hold."""
    emulator = Emulator(lifetime=LIFETIME_SECONDS)
    atexit.register(emulator.end)
    return emulator


def wait_for(what, seconds=60):
    """What `what` gives as soon as it gives anything; fails if that takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} seconds: {what.__name__}")


class Check(unittest.TestCase):
    maxDiff = None
    hub_account = MANAGEMENT_ACCOUNT
