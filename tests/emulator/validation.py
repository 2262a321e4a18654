"""Refuses requests that violate botocore's service models, as AWS does before it looks at the resources.

moto reads the members that it needs and ignores the others, so it accepts a tag with a forbidden character, a list of
eleven names or a request without a required member. This module validates every request to the services below: required
members, types, lengths, ranges, patterns and enumerations. The error messages have AWS's wording.
"""

import collections
import json
import re
import threading
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.session
import regex

# The service of a request: by the prefix of its target (JSON) or by the service in its signature (query).
JSON_SERVICES = {
    "AmazonSSM": "ssm",
    "secretsmanager": "secretsmanager",
    "TrentService": "kms",
    "AWSOrganizationsV20161128": "organizations",
    "ResourceGroupsTaggingAPI_20170126": "resourcegroupstaggingapi",
    "DynamoDB_20120810": "dynamodb",
}
QUERY_SERVICES = ("sts", "sns")
# The error codes for invalid parameters, from the services' documentation. All other services use ValidationException.
REFUSALS = {"organizations": "InvalidInputException", "resourcegroupstaggingapi": "InvalidParameterException"}

_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]*/([a-z0-9-]+)/aws4_request")
_JSON_TYPES = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "list": list,
    "structure": dict,
    "map": dict,
    "blob": str,
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float, str),
}


class Validator:
    """Validates requests, and counts them."""

    def __init__(self):
        self.counts = collections.Counter()
        self._session = botocore.session.get_session()
        self._models = {}
        self._lock = threading.Lock()

    def refusal(self, environ, body):
        """The answer to an invalid request, `(status, headers, body)`; None for a valid one."""
        requested = self.read(environ, body)
        if requested is None:
            return None
        operation, parameters, is_json = requested
        found = list(faults(operation.input_shape, parameters)) if operation.input_shape else []
        with self._lock:
            self.counts["refused" if found else "validated"] += 1
        return answer(found, is_json, operation.service_model.service_name) if found else None

    def read(self, environ, body):
        """The model of the operation, its parameters, and whether the protocol is JSON; None for other services."""
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            prefix, _, name = target.partition(".")
            if service := JSON_SERVICES.get(prefix):
                return self.operation(service, name), json.loads(body or b"{}"), True
        elif signed := _SIGNED_FOR.search(environ.get("HTTP_AUTHORIZATION", "")):
            if signed[1] in QUERY_SERVICES:
                form = dict(parse_qsl(body.decode(), keep_blank_values=True))
                operation = self.operation(signed[1], form["Action"])
                return operation, from_form(operation.input_shape, form, ""), False
        return None

    def operation(self, service, name):
        with self._lock:
            if service not in self._models:
                self._models[service] = self._session.get_service_model(service)
            return self._models[service].operation_model(name)


def from_form(shape, form, prefix):
    """The parameters of a form in the query protocol, by their shape; None if the form has none of them."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        members = {
            name: from_form(member, form, f"{prefix}{member.serialization.get('name', name)}")
            if member.type_name not in ("structure", "list", "map")
            else from_form(member, form, f"{prefix}{member.serialization.get('name', name)}.")
            for name, member in shape.members.items()
        }
        found = {name: value for name, value in members.items() if value is not None}
        return found or (None if prefix else {})
    if shape.type_name in ("list", "map"):
        return collection_from_form(shape, form, prefix)
    value = form.get(prefix)
    if value is not None and shape.type_name in ("integer", "long"):
        return int(value)
    return value == "true" if value is not None and shape.type_name == "boolean" else value


def collection_from_form(shape, form, prefix):
    """A list (`Tags.member.1.Key`) or a map (`MessageAttributes.entry.1.Name`) in the query protocol."""
    is_list = shape.type_name == "list"
    middle = "" if shape.serialization.get("flattened") else ("member." if is_list else "entry.")
    numbers = {int(key.removeprefix(prefix + middle).split(".")[0]) for key in form if key.startswith(prefix + middle)}

    def read(member, what):
        nested = member.type_name in ("structure", "list", "map")
        return from_form(member, form, what + "." if nested else what)

    if not numbers:
        return None
    if is_list:
        return [read(shape.member, f"{prefix}{middle}{number}") for number in sorted(numbers)]
    names = [shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")]
    return {
        read(shape.key, f"{prefix}{middle}{n}.{names[0]}"): read(shape.value, f"{prefix}{middle}{n}.{names[1]}")
        for n in sorted(numbers)
    }


def faults(shape, value, path=""):
    """AWS's error messages for a value, one for each violation."""
    expected = _JSON_TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        yield f"Value at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
        return
    yield from broken_limits(shape, value, path)
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"Value null at '{below(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in value.items():
            if name in shape.members and member is not None:
                yield from faults(shape.members[name], member, below(path, name))
    elif shape.type_name == "list":
        for number, member in enumerate(value, 1):
            yield from faults(shape.member, member, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from faults(shape.key, key, f"{path}.key")
            yield from faults(shape.value, member, f"{path}.{key}.member")


def below(path, name):
    """The path of a member. AWS writes its first letter in lower case."""
    return f"{path}.{name[0].lower()}{name[1:]}".removeprefix(".")


def broken_limits(shape, value, path):
    """Violations of length, range, pattern and enumeration by one value."""
    metadata = shape.metadata
    start = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must"
    is_number = shape.type_name in ("integer", "long", "double", "float")
    size, word = (value, "value") if is_number else (len(value) if hasattr(value, "__len__") else 0, "length")
    if shape.type_name not in ("boolean", "timestamp", "structure"):
        if size < metadata.get("min", size):
            yield f"{start} have {word} greater than or equal to {metadata['min']}"
        if size > metadata.get("max", size):
            yield f"{start} have {word} less than or equal to {metadata['max']}"
    if shape.type_name == "string":
        if "pattern" in metadata and not regex.fullmatch(metadata["pattern"], value):
            yield f"{start} satisfy regular expression pattern: {metadata['pattern']}"
        if shape.enum and value not in shape.enum:
            yield f"{start} satisfy enum value set: [{', '.join(shape.enum)}]"


def answer(found, is_json, service):
    """The error answer in the request's protocol."""
    errors = "validation error" if len(found) == 1 else "validation errors"
    message = f"{len(found)} {errors} detected: {'; '.join(found)}"
    if is_json:
        code = REFUSALS.get(service, "ValidationException")
        body = json.dumps({"__type": code, "message": message}).encode()
        return "400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")], body
    error = f"<Error><Type>Sender</Type><Code>ValidationError</Code><Message>{escape(message)}</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>validation</RequestId></ErrorResponse>".encode()
    return "400 Bad Request", [("Content-Type", "text/xml")], body
