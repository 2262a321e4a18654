"""Whether a KMS key can be used. SSM and Secrets Manager check this before they encrypt or decrypt.

moto's KMS handles keys, aliases and states by account and Region as AWS does, so it needs no patch. moto's SSM and
Secrets Manager do not use it.
"""

from moto.kms.models import kms_backends


def find_key(account_id, region_name, key_id):
    """The key of this account and Region that an id, an ARN, an alias or an alias ARN names, or None.

    A key ARN may name a key of another account, but not of another Region.
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
    """The reason why KMS refuses to use the key (missing, disabled, pending deletion), or None for a usable key."""
    key = find_key(account_id, region_name, key_id)
    if key is None:
        return f"Invalid keyId {key_id}"
    if key.key_state != "Enabled":
        state = {"Disabled": "disabled", "PendingDeletion": "pending deletion"}.get(key.key_state, key.key_state)
        return f"{key.arn} is {state}."
    return None
