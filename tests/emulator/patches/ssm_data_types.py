"""SSM: the data types, their parameter types and their values (botocore 1.44.8; user guide)."""

import ipaddress
import json
import re

from moto.ssm import models
from moto.ssm.exceptions import ValidationException

from . import patch

TEXT, IMAGE, INTEGRATION = "text", "aws:ec2:image", "aws:ssm:integration"
FIXED = {IMAGE, INTEGRATION}


def _json(text):
    json.loads(text)
    return True


def _jsonc(text):
    return _json("".join(line for line in text.splitlines() if not line.lstrip().startswith("//")))


def _matches(pattern):
    return lambda text: re.fullmatch(pattern, text) is not None


# The guide says that some data types may be lists. This patch assumes: those whose values contain no commas.
LISTABLE = {
    "aws:region": _matches(r"[a-z0-9]+(-[a-z0-9]+){2,}"),
    "aws:account:id": _matches(r"[0-9]{12}"),
    "boolean": {"true", "false"}.__contains__,
    "integer": _matches(r"[+-]?[0-9]+"),
    "float": lambda text: float(text) is not None,
    "hostname": _matches(r"[A-Za-z0-9.-]+"),
    "email": _matches(r"[^@]+@[^@]+"),
    "ipv4-address": ipaddress.IPv4Address,
    "ipv6-address": ipaddress.IPv6Address,
    "url": _matches(r"[^:]+://.+"),
}
OTHERS = {"binary": _matches(r"([A-Za-z0-9+/=]{4})+"), "json": _json, "jsonc": _jsonc}
# An item of a list of text may be empty.
VALUES = {**LISTABLE, **OTHERS, TEXT: lambda _: True, IMAGE: bool, INTEGRATION: bool}


def check(data_type, kind):
    """An image needs a String, an integration a SecureString. Some other data types may be lists."""
    if data_type not in VALUES:
        raise ValidationException(f"The following data type is not supported: {data_type}")
    kinds = {IMAGE: {"String"}, INTEGRATION: {"SecureString"}}.get(data_type)
    if kinds is None and data_type in OTHERS:
        kinds = {"String", "SecureString"}
    if kinds is not None and kind not in kinds:
        raise ValidationException(f"The data type {data_type} needs the type {' or '.join(sorted(kinds))}.")


def check_change(held, wanted):
    """The data types of images and integrations cannot be changed. All others can."""
    if held != wanted and FIXED & {held, wanted}:
        raise ValidationException(f"The data type can't be changed from {held} to {wanted}.")


def check_value(data_type, kind, value):
    """The value must be valid for its data type; of a list, every item must be valid."""
    items = value.split(",") if kind == "StringList" else [value]
    try:
        valid = all(VALUES[data_type](item) for item in items)
    except ValueError:
        valid = False
    if not valid:
        raise ValidationException(f"The value isn't valid for the data type {data_type}.")


@patch(models)
def _valid_parameter_data_type(data_type):
    """moto knows only two data types."""
    return data_type in VALUES
