"""Secrets Manager: managed replication."""

import copy
import json

from moto.secretsmanager.exceptions import InvalidParameterException, ResourceNotFoundException, ValidationException
from moto.secretsmanager.models import (
    FakeSecret,
    ReplicaSecret,
    SecretsManagerBackend,
    secretsmanager_backends,
)
from moto.secretsmanager.responses import SecretsManagerResponse

from . import kms_keys, patch

DEFAULT_KEY = SecretsManagerBackend.DEFAULT_KMS_KEY_ALIAS
LIST_LIMIT = 100
NAME_TAKEN = "Secret with this name already exists in this region"


def new_replica(secret, region, key, failure=None):
    """A replica with its own key. The replica's ARN differs from the primary's only in the Region.

    moto replaces the Region's name everywhere in the ARN, even in the name of the secret.
    """
    replica = ReplicaSecret(secret, region, "Failed" if failure else None, failure)
    head, _, tail = secret.arn.partition(f":{secret.region}:")
    replica.arn = f"{head}:{region}:{tail}"
    replica.config["KmsKeyId"] = key
    return replica


@patch(FakeSecret)
def create_replicas(self, replica_regions, force_overwrite):
    """The replica's key must be usable in its Region and its name must be free; otherwise the status is `Failed`.

    The call itself succeeds in both cases. An unrelated secret of the same name is overwritten only if the caller
    forces it. AWS leaves open, and the patch assumes: a failed replica may be requested again, an existing one may not.
    """
    present = {replica.region: replica for replica in getattr(self, "replicas", [])}
    for wanted in replica_regions:
        if wanted["Region"] == self.region:
            raise InvalidParameterException("Invalid replica region.")
        if wanted["Region"] in present and present[wanted["Region"]].has_replica:
            raise InvalidParameterException(f"The secret is already replicated to region {wanted['Region']}.")
    created = []
    for wanted in replica_regions:
        region, key = wanted["Region"], wanted.get("KmsKeyId") or DEFAULT_KEY
        if region in present:
            self.replicas.remove(present[region])
        store = secretsmanager_backends[self.account_id][region].secrets
        failure = kms_keys.refusal(self.account_id, region, key)
        if failure is None and self.name in store and not force_overwrite:
            failure = NAME_TAKEN
        replica = new_replica(self, region, key, failure)
        if failure is None:
            store.pop(self.name)
            store[replica.arn] = replica
        created.append(replica)
    return created


@patch(FakeSecret, name="to_dict")
def secret_to_dict(self):
    """A primary with replicas shows `PrimaryRegion` too."""
    shown = secret_to_dict.stock(self)
    if self.replicas:
        shown["PrimaryRegion"] = self.region
    return shown


@patch(ReplicaSecret, name="to_dict")
def replica_to_dict(self):
    """A replica shows its own key. The default key is omitted, as for every secret."""
    shown = replica_to_dict.stock(self)
    shown.pop("KmsKeyId", None)
    if self.config["KmsKeyId"] != DEFAULT_KEY:
        shown["KmsKeyId"] = self.config["KmsKeyId"]
    return shown


@patch(SecretsManagerResponse)
def replicate_secret_to_regions(self):
    """Replication is asynchronous: the answer shows a new replica as `InProgress`.

    DescribeSecret shows the result, which exists at once here.
    """
    secret = self.backend.describe_secret(self._get_param("SecretId"))
    requested = {wanted["Region"] for wanted in self._get_param("AddReplicaRegions", [])}
    answer = json.loads(replicate_secret_to_regions.stock(self))
    answer["ARN"] = secret.arn
    for status in answer["ReplicationStatus"]:
        if status["Region"] in requested:
            status["Status"] = "InProgress"
            status.pop("StatusMessage", None)
    return json.dumps(answer)


@patch(SecretsManagerResponse)
def remove_regions_from_replication(self):
    """The answer contains the ARN of the secret."""
    secret = self.backend.describe_secret(self._get_param("SecretId"))
    answer = json.loads(remove_regions_from_replication.stock(self))
    return json.dumps({**answer, "ARN": secret.arn})


@patch(SecretsManagerResponse, adds=True)
def stop_replication_to_replica(self):
    """Called in the replica's Region. The replica becomes standalone and keeps its ARN, key, values and tags."""
    store = self.backend.secrets
    replica = self.backend.describe_secret(self._get_param("SecretId"))
    if not isinstance(replica, ReplicaSecret):
        raise InvalidParameterException("The secret is not a replica.")
    primary = replica.source
    primary.replicas.remove(replica)
    standalone = copy.copy(primary)
    standalone.arn, standalone.region, standalone.replicas = replica.arn, replica.region, []
    standalone.kms_key_id = replica.config["KmsKeyId"]
    standalone.versions, standalone.tags = copy.deepcopy(primary.versions), copy.deepcopy(primary.tags)
    dict.pop(store, replica.arn)
    store[standalone.name] = standalone
    return json.dumps({"ARN": standalone.arn})


@patch(SecretsManagerResponse)
def update_secret(self):
    """Only the key of a replica may be changed, and Secrets Manager checks it with KMS."""
    try:
        held = self.backend.describe_secret(self._get_param("SecretId"))
    except ResourceNotFoundException:
        return update_secret.stock(self)
    if not isinstance(held, ReplicaSecret):
        return update_secret.stock(self)
    key = self._get_param("KmsKeyId")
    others = ("SecretString", "SecretBinary", "Description")
    if not key or any(self._get_param(member) is not None for member in others):
        raise InvalidParameterException(
            "Operation not permitted on a replica secret. Call must be made in primary secret's region."
        )
    refused = kms_keys.refusal(held.source.account_id, self.region, key)
    if refused is not None:
        raise InvalidParameterException(refused)
    held.config["KmsKeyId"] = key
    return json.dumps({"ARN": held.arn, "Name": held.name})


@patch(SecretsManagerResponse)
def list_secrets(self):
    """A page has at most 100 secrets. Only DescribeSecret shows ReplicationStatus."""
    limit = self._get_int_param("MaxResults", LIST_LIMIT)
    if not 1 <= limit <= LIST_LIMIT:
        raise ValidationException(
            f"1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value between 1 and {LIST_LIMIT}"
        )
    answer = json.loads(list_secrets.stock(self))
    for secret in answer["SecretList"]:
        secret.pop("ReplicationStatus", None)
        secret.pop("VersionIdsToStages", None)
    return json.dumps(answer)


@patch(SecretsManagerBackend)
def update_secret_version_stage(self, secret_id, version_stage, remove_from_version_id, move_to_version_id):
    """GetSecretValue returns the version that AWSCURRENT was moved to."""
    if secret_id not in self.secrets:
        raise ResourceNotFoundException("Secrets Manager can't find the specified secret.")
    moved = update_secret_version_stage.stock(
        self, secret_id, version_stage, remove_from_version_id, move_to_version_id
    )
    if version_stage == "AWSCURRENT" and move_to_version_id:
        self.secrets[secret_id].set_default_version_id(move_to_version_id)
    return moved
