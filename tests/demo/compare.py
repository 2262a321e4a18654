"""Compares sources with replicas, attribute by attribute, with boto3 alone.

Nothing here reads what the hub says of itself, or uses any of its code.
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
from organisation import SPOKE_ROLE

MARK = ("ReplicationStatus", "monitored-by-parameter-store-replication-lambda")
PROVENANCE = "ReplicationSource"
ATTRIBUTES = ("Type", "Tier", "DataType", "Description", "AllowedPattern")
TARGET_KEY = {LEDGER_KEY: LEDGER_STANDBY_KEY}


class Comparison:
    """Counts what was compared and keeps a sentence for whatever differs.

    `seen` has the version of every replica and the state of its source, for the comparison after it.
    """

    def __init__(self, organisation, before=None):
        self.organisation = organisation
        self.before = before.seen if before else {}
        self.seen = {}
        self.count = 0
        self.unmoved = 0
        self.differences = []

    def equal(self, where, attribute, wanted, got, secret=False):
        """One attribute of one thing. A value is never shown: it may be a secret."""
        self.count += 1
        if wanted != got:
            said = "it differs from the source's" if secret else f"it should be {wanted!r} and is {got!r}"
            self.differences.append(f"{where}: {attribute}: {said}")


def compare(organisation, before=None):
    """Every account, route and target; with the comparison before, also that nothing was written needlessly."""
    comparison = Comparison(organisation, before)
    for plan in ACCOUNTS:
        for source, targets in ROUTES.items():
            if plan.spoke_role and not plan.suspended:
                compare_route(comparison, plan.name, source, targets)
            else:
                for target in targets:
                    left_alone(comparison, plan.name, target)
    conflict_untouched(comparison)
    return comparison


def compare_route(comparison, account, source, targets):
    organisation = comparison.organisation
    parameters, secrets = organisation.parameters(account, source), organisation.secrets(account, source)
    for name, parameter in parameters.items():
        where = f"{account} {source} {name} (a source)"
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
    """A replica whose source did not change since the comparison before was not written since."""
    state = (parameter["Version"], parameter["LastModifiedDate"], parameter["Tags"])
    comparison.seen[where] = (state, replica["Version"])
    state_before, version_before = comparison.before.get(where, (None, None))
    if state == state_before:
        comparison.unmoved += 1
        comparison.equal(where, "version, with its source unchanged", version_before, replica["Version"])


def compare_key(comparison, where, account, target, key, replica_key):
    """The replica's key is the one that the source's name means in the target Region."""

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


def left_alone(comparison, account, target):
    """An account that the hub cannot or must not enter has nothing in its failover Regions."""
    organisation = comparison.organisation
    comparison.equal(f"{account} {target}", "parameters", [], sorted(organisation.parameters(account, target)))
    comparison.equal(f"{account} {target}", "secrets", [], sorted(organisation.secrets(account, target)))


def conflict_untouched(comparison):
    """The parameter that somebody else holds is as they wrote it."""
    where = f"{CONFLICT_ACCOUNT} {CONFLICT_REGION} {CONFLICT.name} (the conflict)"
    found = comparison.organisation.parameters(CONFLICT_ACCOUNT, CONFLICT_REGION).get(CONFLICT.name, {})
    comparison.equal(where, "version", 1, found.get("Version"))
    comparison.equal(where, "value", CONFLICT.value, found.get("Value"))
    comparison.equal(where, "description", CONFLICT.description, found.get("Description"))
    comparison.equal(where, "tags", CONFLICT.tags, found.get("Tags"))
