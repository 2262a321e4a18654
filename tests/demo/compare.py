"""Compares every attribute of sources and replicas, with boto3 alone.

The comparison reads no report of the hub and uses none of its code.
"""

from catalogue import (
    ACCOUNTS,
    CONFLICT,
    CONFLICT_ACCOUNT,
    CONFLICT_REGION,
    LEDGER_KEY,
    LEDGER_STANDBY_KEY,
    ROUTES,
)
from member_account import SPOKE_ROLE

MARK = ("ReplicationStatus", "monitored-by-parameter-store-replication-lambda")
PROVENANCE = "ReplicationSource"
ATTRIBUTES = ("Type", "Tier", "DataType", "Description", "AllowedPattern")
TARGET_KEY = {LEDGER_KEY: LEDGER_STANDBY_KEY}


class Comparison:
    """The number of compared attributes, and a message for each difference.

    `seen` records the version of every replica and the state of its source. The next comparison uses it.
    """

    def __init__(self, organisation, before=None):
        self.organisation = organisation
        self.before = before.seen if before else {}
        self.seen = {}
        self.count = 0
        self.unchanged = 0
        self.differences = []

    def equal(self, where, attribute, wanted, got, secret=False):
        """Compares one attribute. The message never shows the value of a secret or parameter."""
        self.count += 1
        if wanted != got:
            message = "differs from the source" if secret else f"expected {wanted!r}, found {got!r}"
            self.differences.append(f"{where}: {attribute}: {message}")


def compare(organisation, before=None):
    """Compares every account and route. With an earlier comparison, also checks for needless writes."""
    comparison = Comparison(organisation, before)
    for plan in ACCOUNTS:
        for source, targets in ROUTES.items():
            if plan.spoke_role and not plan.suspended:
                compare_route(comparison, plan.name, source, targets)
            else:
                for target in targets:
                    check_empty(comparison, plan.name, target)
    check_conflict(comparison)
    return comparison


def compare_route(comparison, account, source, targets):
    organisation = comparison.organisation
    parameters, secrets = organisation.parameters(account, source), organisation.secrets(account, source)
    for name, parameter in parameters.items():
        where = f"{account} {source} {name} (source)"
        comparison.equal(where, "written by the hub", False, f"/{SPOKE_ROLE}/" in parameter["LastModifiedUser"])
        comparison.equal(where, "tags of the hub", set(), {MARK[0], PROVENANCE} & set(parameter["Tags"]))
    for target in targets:
        replicas = organisation.parameters(account, target)
        wanted = dict(parameters)
        if (account, target) == (CONFLICT_ACCOUNT, CONFLICT_REGION):
            wanted.pop(CONFLICT.name)
            replicas.pop(CONFLICT.name)
        comparison.equal(f"{account} {target}", "names of the parameters", sorted(wanted), sorted(replicas))
        for name in wanted.keys() & replicas.keys():
            compare_parameter(comparison, account, source, target, wanted[name], replicas[name])
        copies = organisation.secrets(account, target)
        comparison.equal(f"{account} {target}", "names of the secrets", sorted(secrets), sorted(copies))
        for name in secrets.keys() & copies.keys():
            compare_secret(comparison, account, source, target, secrets[name], copies[name])


def compare_parameter(comparison, account, source, target, parameter, replica):
    where = f"{account} {target} {parameter['Name']}"
    comparison.equal(where, "value", parameter["Value"], replica["Value"], secret=True)
    for attribute in ATTRIBUTES:
        comparison.equal(where, attribute, parameter.get(attribute), replica.get(attribute))
    compare_key(comparison, where, account, target, parameter.get("KeyId"), replica.get("KeyId"))
    tags = dict(replica["Tags"])
    provenance = tags.pop(PROVENANCE, "")
    comparison.equal(where, "tags", {**parameter["Tags"], MARK[0]: MARK[1]}, tags)
    comparison.equal(where, f"source in {PROVENANCE}", True, f"region={source}" in provenance.split())
    compare_version(comparison, where, parameter, replica)


def compare_version(comparison, where, parameter, replica):
    """Checks that a replica has its earlier version if its source has not changed."""
    state = (parameter["Version"], parameter["LastModifiedDate"], parameter["Tags"])
    comparison.seen[where] = (state, replica["Version"])
    state_before, version_before = comparison.before.get(where, (None, None))
    if state == state_before:
        comparison.unchanged += 1
        comparison.equal(where, "version (the source has not changed)", version_before, replica["Version"])


def compare_key(comparison, where, account, target, key, replica_key):
    """Checks that the replica's key is the source's key or the key that the hub's settings map it to."""

    def resolved(name):
        return name and comparison.organisation.key_id(account, target, name)

    comparison.equal(where, "KMS key", resolved(TARGET_KEY.get(key, key)), resolved(replica_key))


def compare_secret(comparison, account, source, target, secret, replica):
    where = f"{account} {target} secret {secret['Name']}"
    statuses = {status["Region"]: status["Status"] for status in secret.get("ReplicationStatus", [])}
    comparison.equal(where, "replication status", "InSync", statuses.get(target))
    comparison.equal(where, "PrimaryRegion", source, replica.get("PrimaryRegion"))
    comparison.equal(where, "ARN", secret["ARN"].replace(f":{source}:", f":{target}:"), replica["ARN"])
    comparison.equal(where, "value", secret["Value"], replica["Value"], secret=True)
    comparison.equal(where, "versions", secret["VersionIdsToStages"], replica["VersionIdsToStages"])
    comparison.equal(where, "tags", secret["Tags"], replica["Tags"])
    compare_key(comparison, where, account, target, secret.get("KmsKeyId"), replica.get("KmsKeyId"))


def check_empty(comparison, account, target):
    """Checks that the target Region is empty: the hub cannot or must not replicate this account."""
    organisation = comparison.organisation
    comparison.equal(f"{account} {target}", "parameters", [], sorted(organisation.parameters(account, target)))
    comparison.equal(f"{account} {target}", "secrets", [], sorted(organisation.secrets(account, target)))


def check_conflict(comparison):
    """Checks that the parameter of the other team is unchanged."""
    where = f"{CONFLICT_ACCOUNT} {CONFLICT_REGION} {CONFLICT.name} (conflict)"
    found = comparison.organisation.parameters(CONFLICT_ACCOUNT, CONFLICT_REGION).get(CONFLICT.name, {})
    comparison.equal(where, "version", 1, found.get("Version"))
    comparison.equal(where, "value", CONFLICT.value, found.get("Value"))
    comparison.equal(where, "description", CONFLICT.description, found.get("Description"))
    comparison.equal(where, "tags", CONFLICT.tags, found.get("Tags"))
