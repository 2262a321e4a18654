"""The demo: an emulated organisation is replicated, changed, and replicated again, by sweeps of hubctl and then by
events through the function; boto3 checks the result.

Run it by `make demo`. It exits with 0 if everything was as it should be, and with 1 and a sentence if not.

    DEMO_BREAK_ONE_REPLICA=1   overwrites one replica by hand just before the first check, which must then
                               fail: shows that the check looks
    DEMO_HUBCTL=PATH           runs this program in place of target/debug/hubctl
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
from hub import Hub, HubFailed
from lambda_service import LambdaService
from live import EventFailed, Live
from organisation import SPOKE_ROLE, Organisation

LIFETIME_SECONDS = 1200
FAILED = 4  # hubctl's exit code where something failed: here always the two that are planted
DIFFERENCES_SHOWN = 20


class DemoFailed(Exception):
    """Something was not as it should be; the message says what."""


class Story:
    """Numbers the steps and holds what they share."""

    def __init__(self, emulator):
        self.organisation = Organisation(emulator)
        self.hub = Hub(emulator.url)
        self.number = 0
        self.last = None

    def step(self, title):
        self.number += 1
        print(f"\n{self.number}. {title}", flush=True)

    def run(self, *arguments, show=True):
        """A command of hubctl; what is planted makes each of them exit with 4."""
        code, output = self.hub.run(*arguments, show=show)
        if code != FAILED:
            raise DemoFailed(f"hubctl {arguments[0]} should exit with {FAILED}, since two failures are planted: {code}")
        return output

    def check(self):
        """Compares with boto3 and prints how much was compared."""
        comparison = compare.compare(self.organisation, self.last)
        self.last = comparison
        if comparison.differences:
            shown = comparison.differences[:DIFFERENCES_SHOWN]
            if len(comparison.differences) > len(shown):
                shown.append(f"and {len(comparison.differences) - len(shown)} more")
            raise DemoFailed("\n".join(["the replicas are not as they should be:", *shown]))
        print(f"    boto3 made {comparison.count} comparisons, all equal: value, type, tier, description, pattern,")
        print("    data type, key and tags of every replica; status, value, versions, key and tags of every")
        print("    secret; the deleted ones gone; the sources, the conflict, the suspended account and the")
        print("    one without a role untouched")
        if comparison.unmoved:
            print(f"    {comparison.unmoved} replicas whose sources did not change have the version that they had")


def show_organisation(organisation):
    print("    account       name             parameters  secrets  ")
    for plan in catalogue.ACCOUNTS:
        parameters = sum(map(len, plan.parameters.values()))
        secrets = sum(map(len, catalogue.SECRETS.get(plan.name, {}).values()))
        print(f"    {organisation.ids[plan.name]}  {plan.name:16} {parameters:10}  {secrets:7}  {plan.note}")
    print("    routes:")
    for source, targets in catalogue.ROUTES.items():
        print(f"      {source} -> {', '.join(targets)}")
    print(f"    planted: {catalogue.CONFLICT.name} in {catalogue.CONFLICT_REGION} of {catalogue.CONFLICT_ACCOUNT}")
    print("      is held by somebody else; sandbox has no role to enter it by")


def break_one_replica(organisation):
    """What an operator's slip would do: the check that follows must name this parameter and its value."""
    name, region = "/shop/checkout/db/host", "us-east-1"
    ssm = organisation.client("ssm", "shop-production", region)
    ssm.put_parameter(Name=name, Value="broken by hand", Type="String", Overwrite=True)
    print(f"    DEMO_BREAK_ONE_REPLICA is set: overwrote {name} in {region} of shop-production by hand")


def planted_failures(organisation):
    """The failures that the last plan must list, and no others: (account, kind, error_kind, region, name)."""
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
    """The plan has no step left and lists exactly what was planted."""
    try:
        plan = json.loads(output)
    except ValueError as error:
        raise DemoFailed(f"the last plan is no JSON document: {output[:200]!r}") from error
    if plan.get("steps"):
        raise DemoFailed(f"the last plan still has steps: {json.dumps(plan['steps'])}")
    found = []
    for failure in plan["failures"]:
        place = (None, None) if failure["kind"] == "account" else (failure["region"], failure["name"])
        found.append((failure["account"], failure["kind"], failure["error_kind"], *place))
    if sorted(found, key=str) != sorted(planted_failures(organisation), key=str):
        raise DemoFailed(f"the last plan should list just what was planted: {json.dumps(plan['failures'])}")
    print("    no step is left, and the failures are just the two that were planted")


def tell(story):
    organisation = story.organisation
    story.step("An AWS organisation, emulated on this machine")
    organisation.build()
    show_organisation(organisation)
    print(f"    the others have the role {SPOKE_ROLE}, which trusts the management account with an external id")

    story.step("The hub's settings")
    story.hub.show_settings()

    story.step("What would the hub do? Nothing is written yet")
    story.run("plan")

    story.step("The first sweep: everything is replicated")
    story.run("sweep")

    story.step("Are the replicas right? boto3 alone looks")
    if os.environ.get("DEMO_BREAK_ONE_REPLICA") == "1":
        break_one_replica(organisation)
    story.check()

    story.step("The owners change their sources")
    for line in changes.make(organisation):
        print(f"    {line}")

    story.step("The second sweep: only what changed is written")
    story.run("sweep")

    story.step("No event told of the two deletions, so their replicas wait for a day: a person need not")
    story.run("sweep", "--account", organisation.ids[changes.DELETED_IN], "--max-deletes", "100%")

    story.step("Are the replicas right again?")
    story.check()

    story.step("The last plan: nothing is left but what was planted")
    story.run("plan")
    check_last_plan(organisation, story.run("plan", "--format", "json", show=False))


def tell_events(story):
    organisation = story.organisation
    story.step("Between sweeps: the hub as a Lambda function, fed by a queue with the events of CloudTrail")
    with LambdaService(live.HUB_REGION, lifetime=LIFETIME_SECONDS) as service:
        events = Live(organisation, live.deploy(service, organisation, story.hub))
        print("    deployed: target/debug/hub as a provided.al2023 function, with the settings above and a topic")

        story.step("A parameter is created")
        events.create()
        story.step("A parameter is changed")
        events.change()
        story.step("A parameter is deleted")
        events.delete()

    story.step("Is everything right after the events? boto3 looks at all of it once more")
    story.check()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        with Emulator(lifetime=LIFETIME_SECONDS) as emulator:
            story = Story(emulator)
            tell(story)
            tell_events(story)
    except (DemoFailed, EventFailed, HubFailed) as failure:
        print(f"\nThe demo FAILED: {failure}")
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was interrupted; what it started is ended.")
        return 130
    print(f"\nThe demo is done: all as it should be, in {time.monotonic() - started:.0f} s; what it started is ended.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
