"""Freezes a route on the day its source Region fails, shows that the hub leaves the route alone, and thaws the route.

The demo prints what hubctl and the function answer, and reads replicas and the hub's table with boto3.
"""

import json
import time

import cloudtrail
import hub_table
from catalogue import HUB_REGION, ROUTES
from live import NOTHING_RETURNED

SOURCE, TARGET = "us-east-2", "us-east-1"
ROUTE = f"{SOURCE}={TARGET}"
# The source's other target: its route stays active.
OTHER_TARGETS = [target for target in ROUTES[SOURCE] if target != TARGET]
# An account without an expected failure, so that exit code 3 shows the frozen route.
ACCOUNT, NAME, VALUE = "billing", "/billing/ledger/db/host", "ledger-2.db.internal"
DONE, NOT_ACTIVE = 0, 3
# After this time no request that began before the freeze can be under way.
FREEZE_SECONDS = 24


class FreezeFailed(Exception):
    """The hub did not obey the state of a route."""


class Freeze:
    """The story of one route. Every method is a step of the demo."""

    def __init__(self, organisation, hub):
        self.organisation = organisation
        self.hub = hub
        self.before = None

    @property
    def account(self):
        return self.organisation.ids[ACCOUNT]

    def items(self, partition):
        return hub_table.items(self.organisation.client("dynamodb", "management", HUB_REGION), partition)

    def run(self, wanted, *arguments, show=True):
        """Runs a hubctl command, which must exit with this code, and returns its output."""
        code, output = self.hub.run(*arguments, show=show)
        if code != wanted:
            raise FreezeFailed(f"hubctl {arguments[0]} exited with {code}; expected {wanted}")
        return output

    def start_every_route(self):
        """The table is new, so the hub only plans until an operator starts each route."""
        for source, targets in ROUTES.items():
            for target in targets:
                # The command shows the plan that the demo has shown already.
                self.thaw(f"{source}={target}", "first deployment", show=False)

    def thaw(self, route=ROUTE, reason="us-east-2 is healthy again", show=True):
        self.run(DONE, "thaw", "--route", route, "--reason", reason, show=show)
        self.check_state(route, "active", reason)

    def freeze(self):
        began = time.monotonic()
        self.run(DONE, "freeze", "--route", ROUTE, "--reason", "us-east-2 is failing")
        seconds = time.monotonic() - began
        if seconds < FREEZE_SECONDS:
            raise FreezeFailed(f"freeze returned after {seconds:.1f} s, so a request may still be under way")
        print(f"    It returned after {seconds:.0f} s: no request that began before the freeze is under way any more.")
        self.check_state(ROUTE, "frozen", "us-east-2 is failing")
        self.before = self.replicas()

    def check_state(self, route, state, reason):
        """The newest record of the route in the table has this state and reason."""
        newest = self.items(f"state#{route}")[-1]
        found = newest["state"]["S"], newest["reason"]["S"]
        if found != (state, reason):
            raise FreezeFailed(f"the table says that {route} is {found}; expected {(state, reason)}")
        print(f"      boto3 found:  {route} is {state} in the table, serial {int(newest['sk']['S'])}")

    def edit(self, function):
        """An owner changes a source of the frozen route, and the event reaches the function."""
        ssm = self.organisation.client("ssm", ACCOUNT, SOURCE)
        put = ssm.put_parameter(Name=NAME, Value=VALUE, Overwrite=True)
        print(f"    the owner changed {NAME} in {SOURCE} of {ACCOUNT}", flush=True)
        event = cloudtrail.put_parameter(self.account, SOURCE, NAME, "String", put["Version"])
        invocation = function.invoke(cloudtrail.batch([event]))
        if invocation.error or invocation.payload != NOTHING_RETURNED:
            raise FreezeFailed(f"the hub answered {invocation.payload}; expected {NOTHING_RETURNED}")
        print(f"      hub answered: {json.dumps(invocation.payload)}: the event is done, because the table holds it")
        self.check_held()
        self.check_left_alone()
        for target in OTHER_TARGETS:
            self.check_equal(target, "its route is active")

    def check_held(self):
        """The event is an item of the table, so `status` and the operator know it."""
        held = {item["sk"]["S"]: item for item in self.items(f"held#{ROUTE}")}
        key = f"{self.account}#parameter#{NAME.removeprefix('/')}"
        if held.get(key, {}).get("why") != {"S": "frozen"}:
            raise FreezeFailed(f"the table does not hold the event of {NAME}; it holds {sorted(held)}")
        if VALUE in str(held):
            raise FreezeFailed("the table contains the value of a parameter")
        print(f"      boto3 found:  the event is held in the table as {key}")

    def sweep(self):
        """A sweep leaves the frozen route alone. Exit code 3 says that a route is not active."""
        self.run(NOT_ACTIVE, "sweep", "--account", self.account)
        self.check_left_alone()

    def status(self):
        output = self.run(NOT_ACTIVE, "status")
        if "frozen" not in output or NAME not in output:
            raise FreezeFailed("status does not name the frozen route and the held parameter")

    def sweep_again(self):
        """After the thaw a sweep brings the change to the target."""
        self.run(DONE, "sweep", "--account", self.account)
        self.check_equal(TARGET, "its route is active again")

    def replicas(self):
        """Version and value of every replica of the account in the target of the frozen route."""
        found = self.organisation.parameters(ACCOUNT, TARGET)
        return {name: (one["Version"], one["Value"], one["Tags"]) for name, one in found.items()}

    def check_left_alone(self):
        now = self.replicas()
        changed = sorted(name for name in now.keys() | self.before.keys() if now.get(name) != self.before.get(name))
        if changed:
            raise FreezeFailed(f"the hub wrote in {TARGET} although the route is frozen: {', '.join(changed)}")
        print(f"      boto3 found:  version, value and tags of {len(now)} replicas in {TARGET} are unchanged")

    def check_equal(self, target, why):
        ssm = self.organisation.client("ssm", ACCOUNT, target)
        replica = ssm.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]
        if replica["Value"] != VALUE:
            raise FreezeFailed(f"{NAME} in {target} does not have the value of its source, although {why}")
        print(f"      boto3 found:  {target} has the change (version {replica['Version']}), because {why}")
