"""Whether a KMS key can be used: what SSM and Secrets Manager ask KMS before they encrypt or decrypt.

moto's KMS keeps keys, aliases and their states by account and Region as AWS does and needs no patch;
its SSM and Secrets Manager never ask it.
"""

from moto.kms.models import kms_backends


def find_key(account_id, region_name, key_id):
    """The key that an id, an ARN, an alias or an alias ARN names in this account and Region, or None.

    A key ARN may name another account's key, never another Region's.
    """
    if key_id.startswith("arn:"):
        parts = key_id.split(":", 5)
        if len(parts) != 6 or parts[2] != "kms" or parts[3] != region_name:
            return None
        account_id, key_id = parts[4], parts[5].removeprefix("key/")
    backend = kms_backends[account_id][region_name]
    if key_id.startswith("alias/"):
        key_id = backend.get_key_id_from_alias(key_id)
    return backend.keys.get(key_id)


def refusal(account_id, region_name, key_id):
    """Why KMS refuses to use the key (missing, disabled, pending deletion), or None if it does not."""
    key = find_key(account_id, region_name, key_id)
    if key is None:
        return f"Invalid keyId {key_id}"
    if key.key_state != "Enabled":
        state = {"Disabled": "disabled", "PendingDeletion": "pending deletion"}.get(key.key_state, key.key_state)
        return f"{key.arn} is {state}."
    return None
