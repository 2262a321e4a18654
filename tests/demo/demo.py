"""Replicates an emulated organisation: two sweeps with hubctl, three events through the Lambda function, and a freeze.

After the second sweep and at the end, boto3 compares every replica with its source. While a route is frozen, boto3
checks that nothing changes in its target.

Run the demo with `make demo`. Exit code 0 means that every check passed; 1 means that one failed.

    DEMO_BREAK_ONE_REPLICA=1   overwrites one replica before the first check, which must then fail: this shows
                                   that the check detects a wrong replica
    DEMO_HUBCTL=PATH           runs this program instead of target/debug/hubctl
"""

import json
import os
import pathlib
import signal
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))

import catalogue
import changes
import compare
import live
from emulator import Emulator
from freeze import ROUTE, Freeze, FreezeFailed
from hub import Hub, HubFailed
from lambda_service import LambdaService
from live import EventFailed, Live
from member_account import SPOKE_ROLE
from organisation import Organisation

LIFETIME_SECONDS = 1200
FAILED = 4  # hubctl's exit code after a failure; the demo expects two failures
DIFFERENCES_SHOWN = 20


class DemoFailed(Exception):
    """A check failed. The message says which."""


class Demo:
    """Numbers the steps and holds the state that they share."""

    def __init__(self, emulator):
        self.organisation = Organisation(emulator)
        self.hub = Hub(emulator.url)
        self.freeze = Freeze(self.organisation, self.hub)
        self.number = 0
        self.last = None

    def step(self, title):
        self.number += 1
        print(f"\n{self.number}. {title}", flush=True)

    def run(self, *arguments, show=True):
        """Runs a hubctl command. The two expected failures make every command exit with 4."""
        code, output = self.hub.run(*arguments, show=show)
        if code != FAILED:
            raise DemoFailed(
                f"hubctl {arguments[0]} exited with {code}; expected {FAILED}, because the demo contains two failures"
            )
        return output

    def check(self):
        """Compares all replicas with boto3 and prints what was compared."""
        comparison = compare.compare(self.organisation, self.last)
        self.last = comparison
        if comparison.differences:
            shown = comparison.differences[:DIFFERENCES_SHOWN]
            if len(comparison.differences) > len(shown):
                shown.append(f"and {len(comparison.differences) - len(shown)} more")
            raise DemoFailed("\n".join(["the replicas differ from their sources:", *shown]))
        print(f"    boto3 compared {comparison.count} attributes and found no difference. It compared:")
        print("      every replica's value, type, tier, description, pattern, data type, key and tags")
        print("      every secret's replication status, value, versions, key and tags")
        print("      the names in each Region: a deleted source has no replica")
        if comparison.unchanged:
            print(f"      the versions of {comparison.unchanged} replicas with unchanged sources: the hub rewrote none")
        print("    Sources, the other team's parameter, the suspended account and sandbox are unchanged.")


def show_organisation(organisation):
    print("    account       name             parameters  secrets  ")
    for plan in catalogue.ACCOUNTS:
        parameters = sum(map(len, plan.parameters.values()))
        secrets = sum(map(len, catalogue.SECRETS.get(plan.name, {}).values()))
        print(f"    {organisation.ids[plan.name]}  {plan.name:16} {parameters:10}  {secrets:7}  {plan.note}")
    print("    routes:")
    for source, targets in catalogue.ROUTES.items():
        print(f"      {source} -> {', '.join(targets)}")
    print("    Two failures are expected:")
    where = f"{catalogue.CONFLICT_REGION} of {catalogue.CONFLICT_ACCOUNT}"
    print(f"      another team owns {catalogue.CONFLICT.name} in {where}")
    print("      the account sandbox has no spoke role")


def break_one_replica(organisation):
    """Simulates an operator's mistake. The next check must report this parameter's value."""
    name, region = "/shop/checkout/db/host", "us-east-1"
    ssm = organisation.client("ssm", "shop-production", region)
    ssm.put_parameter(Name=name, Value="overwritten by hand", Type="String", Overwrite=True)
    print(f"    DEMO_BREAK_ONE_REPLICA=1: overwrote {name} in {region} of shop-production")


def expected_failures(organisation):
    """The only failures that the last plan may list, as (account, kind, error_kind, region, name)."""
    return [
        (organisation.ids["sandbox"], "account", "no_spoke_role", None, None),
        (
            organisation.ids[catalogue.CONFLICT_ACCOUNT],
            "parameter",
            "conflict",
            catalogue.CONFLICT_REGION,
            catalogue.CONFLICT.name,
        ),
    ]


def check_last_plan(organisation, output):
    """Checks that the plan has no steps and lists only the expected failures."""
    try:
        plan = json.loads(output)
    except ValueError as error:
        raise DemoFailed(f"the last plan is not JSON: {output[:200]!r}") from error
    if plan.get("steps"):
        raise DemoFailed(f"the last plan still has steps; expected none: {json.dumps(plan['steps'])}")
    found = []
    for failure in plan["failures"]:
        place = (None, None) if failure["kind"] == "account" else (failure["region"], failure["name"])
        found.append((failure["account"], failure["kind"], failure["error_kind"], *place))
    if sorted(found, key=str) != sorted(expected_failures(organisation), key=str):
        raise DemoFailed(f"the last plan lists other failures than the two expected: {json.dumps(plan['failures'])}")
    print("    The plan has no steps and lists only the two expected failures.")


def run_sweeps(demo):
    organisation = demo.organisation
    demo.step("Create an AWS organisation in an emulator on this machine")
    organisation.build()
    show_organisation(organisation)
    print(f"    Every other account has the role {SPOKE_ROLE}, which trusts the management account.")

    demo.step("Configure the hub")
    demo.hub.show_settings()

    demo.step("Plan: show what the hub would write")
    demo.run("plan")

    demo.step("Start every route: the hub's table is new, and until then the hub only plans")
    demo.freeze.start_every_route()

    demo.step("First sweep: replicate everything")
    demo.run("sweep")

    demo.step("Check the replicas with boto3")
    if os.environ.get("DEMO_BREAK_ONE_REPLICA") == "1":
        break_one_replica(organisation)
    demo.check()

    demo.step("The owners change sources")
    for line in changes.make(organisation):
        print(f"    {line}")

    demo.step("Second sweep: write only what changed")
    demo.run("sweep")

    demo.step("Delete two replicas now: without a deletion event, the hub would wait one day")
    demo.run("sweep", "--account", organisation.ids[changes.DELETED_IN], "--max-deletes", "100%")

    demo.step("Check the replicas again")
    demo.check()

    demo.step("Last plan: only the two expected failures remain")
    demo.run("plan")
    check_last_plan(organisation, demo.run("plan", "--format", "json", show=False))


def run_events(demo):
    organisation = demo.organisation
    demo.step("Deploy the hub as a Lambda function that receives CloudTrail events from a queue")
    with LambdaService(live.HUB_REGION, lifetime=LIFETIME_SECONDS) as service:
        events = Live(organisation, live.deploy(service, organisation, demo.hub))
        print("    target/debug/hub runs as a provided.al2023 function with the same settings and an SNS topic")

        demo.step("An owner creates a parameter")
        events.create()
        demo.step("An owner changes a parameter")
        events.change()
        demo.step("An owner deletes a parameter")
        events.delete()
        run_freeze(demo, events.function)

    demo.step("Check all replicas once more")
    demo.check()


def run_freeze(demo, function):
    freeze = demo.freeze
    demo.step(f"us-east-2 is failing: freeze {ROUTE}. The command waits until no request can be under way, 24 s")
    freeze.freeze()
    demo.step("An owner changes a parameter of the frozen route")
    freeze.edit(function)
    demo.step("A sweep leaves the frozen route alone; exit code 3 says that a route is not active")
    freeze.sweep()
    demo.step("Status: what is frozen, since when, by which operator and why, and what is held")
    freeze.status()
    demo.step("us-east-2 is healthy again: thaw the route. The next sweep brings the change")
    freeze.thaw()
    freeze.sweep_again()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        with Emulator(lifetime=LIFETIME_SECONDS) as emulator:
            demo = Demo(emulator)
            run_sweeps(demo)
            run_events(demo)
    except (DemoFailed, EventFailed, FreezeFailed, HubFailed) as failure:
        print(f"\nThe demo FAILED: {failure}")
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was interrupted. It stopped the emulator and the function.")
        return 130
    print(f"\nThe demo succeeded in {time.monotonic() - started:.0f} s. It stopped the emulator and the function.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
