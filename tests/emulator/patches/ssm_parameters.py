"""SSM: the checks of PutParameter, the attributes of a stored version, and the encryption of a SecureString."""

import base64
import hashlib
import json
import os
import re

from moto.core.responses import ActionResult
from moto.ssm.exceptions import ParameterAlreadyExists, SSMException, ValidationException
from moto.ssm.models import Parameter
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.ssm.utils import parameter_arn

from . import kms_keys, patch, ssm_data_types, ssm_tags

DEFAULT_KEY = "alias/aws/ssm"
VALUE_BYTES = {"Standard": 4096, "Advanced": 8192}
HIERARCHY_LEVELS = 15
NAME_AND_ARN_LENGTH = 1011
TEXT_LENGTH = 1024
POLICY_ATTRIBUTES = {
    "Expiration": {"Timestamp"},
    "ExpirationNotification": {"Before", "Unit"},
    "NoChangeNotification": {"After", "Unit"},
}
POLICY_LIMIT = 10

# Attributes that moto's versions lack. Versions that moto creates itself keep this default.
Parameter.encrypted_under = None


def latest(backend, name):
    """The newest version of a parameter, or None. A lookup must not create an empty entry."""
    return backend._parameters[name][-1] if name in backend._parameters else None


def check_name(name, account_id, region_name):
    """Letters, digits and `_ . - /`. A path begins with a slash and has at most 15 levels.

    The limit of 1,011 characters includes the prefix of the ARN, so a name that fits in one Region can be too long in a
    Region with a longer name.
    """
    if not re.fullmatch(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", name):
        raise ValidationException(
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
            "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the "
            "following 3 symbols .-_"
        )
    if "/" in name and not name.startswith("/"):
        raise ValidationException("Parameter name must be a fully qualified name.")
    if len(name.strip("/").split("/")) > HIERARCHY_LEVELS:
        raise SSMException(
            "HierarchyLevelLimitExceededException",
            f"Hierarchies of parameters can have a maximum of {HIERARCHY_LEVELS} levels.",
        )
    if len(parameter_arn(account_id, region_name, name)) > NAME_AND_ARN_LENGTH:
        raise ValidationException(f"Parameter name with its ARN must not exceed {NAME_AND_ARN_LENGTH} characters.")


def resolve_tier(requested, current, value, policies):
    """Intelligent-Tiering is resolved at the write. Advanced never returns to Standard.

    Without a tier in the request, a parameter keeps its tier. The default for a new one is Standard.
    """
    size = len(value.encode())
    advanced = current is not None and current.tier == "Advanced"
    tier = requested or (current.tier if current else None) or "Standard"
    if tier == "Intelligent-Tiering":
        tier = "Advanced" if advanced or policies or size > VALUE_BYTES["Standard"] else "Standard"
    if advanced and tier == "Standard":
        raise ValidationException(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
            "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced "
            "parameter and recreate it as a standard parameter."
        )
    if size > VALUE_BYTES[tier]:
        raise ValidationException(
            f"{tier} tier parameters support a maximum parameter value of {VALUE_BYTES[tier]} characters."
        )
    if tier == "Standard" and policies:
        raise ValidationException("Parameter policies are supported by the advanced-parameter tier only.")
    return tier


def check_policies(text):
    """A string with a JSON array of at most 10 policies of known types. `[{}]` removes all policies."""
    try:
        policies = [policy for policy in json.loads(text) if policy]
    except (TypeError, ValueError) as error:
        raise SSMException("InvalidPolicyAttributeException", f"The policies are not a JSON array: {error}") from error
    if len(policies) > POLICY_LIMIT:
        raise SSMException("PoliciesLimitExceededException", f"At most {POLICY_LIMIT} policies.")
    for policy in policies:
        wanted = POLICY_ATTRIBUTES.get(policy.get("Type"))
        if wanted is None:
            raise SSMException("InvalidPolicyTypeException", f"The policy type {policy.get('Type')} isn't supported.")
        if not wanted <= set(policy.get("Attributes", {})):
            raise SSMException("InvalidPolicyAttributeException", f"{policy['Type']} needs {sorted(wanted)}.")
    return json.dumps(policies) if policies else ""


def check_texts(description, pattern, value):
    """Description and pattern have at most 1,024 characters. The value must match the pattern."""
    for what, text in (("description", description), ("allowedPattern", pattern)):
        if text and len(text) > TEXT_LENGTH:
            raise ValidationException(f"{what}: Member must have length less than or equal to {TEXT_LENGTH}")
    if re.search(r"\{\{.*\}\}", value, re.DOTALL):
        raise ValidationException('Parameter value can\'t nest another parameter. Do not use "{{}}" in your value.')
    if not pattern:
        return
    try:
        matches = re.search(pattern, value)
    except re.error as error:
        raise SSMException("InvalidAllowedPatternException", f"Invalid allowedPattern {pattern}: {error}") from error
    if not matches:
        raise SSMException(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )


def check_form(kind, data_type, current):
    """The type of a parameter cannot be changed, nor can two of the data types."""
    if current is not None and kind != current.parameter_type:
        raise SSMException(
            "HierarchyTypeMismatchException",
            f"The parameter type can't be changed from {current.parameter_type} to {kind}."
            " Delete and recreate the parameter.",
        )
    ssm_data_types.check(data_type, kind)
    if current is not None:
        ssm_data_types.check_change(current.data_type, data_type)


def choose_key(requested, kind, account_id, region_name):
    """The key's name and the key, which must exist and be enabled in this account and Region.

    The default is `alias/aws/ssm`, on overwrite too: the value is then encrypted with that key.
    """
    if kind != "SecureString":
        if requested:
            raise ValidationException("KeyId is required for SecureString type parameter only.")
        return None, None
    name = requested or DEFAULT_KEY
    reason = kms_keys.refusal(account_id, region_name, name)
    if reason:
        raise SSMException("InvalidKeyId", reason)
    return name, kms_keys.find_key(account_id, region_name, name).arn


@patch(SimpleSystemManagerResponse)
def put_parameter(self):
    """Applies every limit above. `Foo` and `/Foo` are the same parameter, and the first spelling stays.

    AWS leaves open, and this patch assumes: an overwrite without Description or AllowedPattern keeps the old one, an
    empty string clears it, and the size of a value is counted in bytes.
    """
    account_id, region_name, backend = self.current_account, self.region, self.ssm_backend
    given = self._get_param
    name, value = given("Name").strip(" "), given("Value") or ""
    overwrite, tags = bool(given("Overwrite", False)), given("Tags")
    check_name(name, account_id, region_name)
    if not value:
        raise ValidationException("1 validation error detected: Value '' at 'value': it must not be empty.")
    current = latest(backend, name)
    if current is not None and not overwrite:
        raise ParameterAlreadyExists
    if tags and not overwrite:
        ssm_tags.check_tags({tag["Key"]: tag["Value"] for tag in tags}, already={})

    kind = given("Type") or (current.parameter_type if current else None)
    data_type = given("DataType") or (current.data_type if current else "text")
    check_form(kind, data_type, current)
    policies = current.policies if current else None
    if given("Policies") is not None:
        policies = check_policies(given("Policies"))
    pattern = given("AllowedPattern", current.allowed_pattern if current else None)
    check_texts(given("Description"), pattern, value)
    ssm_data_types.check_value(data_type, kind, value)
    tier = resolve_tier(given("Tier"), current, value, policies)
    key_name, key_arn = choose_key(given("KeyId"), kind, account_id, region_name)

    version = backend.put_parameter(
        name=current.name if current else name,
        description=given("Description"),
        value=value,
        parameter_type=kind,
        allowed_pattern=pattern,
        keyid=key_name,
        overwrite=overwrite,
        tags=tags,
        data_type=data_type,
        tier=tier,
        policies=policies,
    )
    version.encrypted_under = key_arn
    return ActionResult({"Version": version.version, "Tier": version.tier})


def _keystream(nonce, length):
    return hashlib.shake_256(nonce).digest(length)


@patch(Parameter)
def encrypt(self, value):
    """Without decryption a SecureString's value is opaque and differs for every write. moto returns plain text."""
    nonce, clear = os.urandom(16), value.encode()
    hidden = bytes(map(int.__xor__, clear, _keystream(nonce, len(clear))))
    return "AQICAH" + base64.b64encode(nonce + hidden).decode()


@patch(Parameter)
def decrypt(self, value):
    """KMS decrypts with the key of this version, which must still exist and be enabled."""
    if self.parameter_type != "SecureString":
        return value
    if self.encrypted_under:
        reason = kms_keys.refusal(self.account_id, self.region_name, self.encrypted_under)
        if reason:
            raise SSMException("InvalidKeyId", reason)
    blob = base64.b64decode(value.removeprefix("AQICAH"))
    return bytes(map(int.__xor__, blob[16:], _keystream(blob[:16], len(blob) - 16))).decode()
