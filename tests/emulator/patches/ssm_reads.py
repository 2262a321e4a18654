"""SSM: what the reading calls show, in which pages, and what they refuse; deletes."""

import base64
import binascii
import bisect
import json

from moto.core.responses import ActionResult
from moto.ssm.exceptions import SSMException, ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.ssm.utils import parameter_arn

from . import patch

DESCRIBE_LIMIT = 50
NAMES_LIMIT = 10
TOKEN_PREFIX = b"describe after "


@patch(Parameter)
def response_object(self, decrypt=False, region=None):
    """`Policies` are a list whose `PolicyText` is the JSON text of one policy; moto puts objects there.

    A typed client refuses the whole page for that.
    """
    shown = response_object.stock(self, decrypt, region)
    if self.policies:
        shown["Policies"] = [
            {
                "PolicyText": json.dumps(policy, separators=(",", ":")),
                "PolicyType": policy["Type"],
                "PolicyStatus": "Pending",
            }
            for policy in json.loads(self.policies)
        ]
    else:
        shown.pop("Policies", None)
    return shown


@patch(Parameter)
def describe_response_object(self, decrypt=False, include_labels=False):
    """`LastModifiedUser` is the ARN of who wrote that version, and the ARN is shown; moto has `N/A` and none."""
    shown = describe_response_object.stock(self, decrypt, include_labels)
    shown["LastModifiedUser"] = self.last_modified_user
    if self.region_name:
        shown["ARN"] = parameter_arn(self.account_id, self.region_name, self.name)
    return shown


def token_after(name):
    return base64.urlsafe_b64encode(TOKEN_PREFIX + name.encode()).decode()


def name_before(token):
    """The last name of the page before; a token that no page gave is InvalidNextToken."""
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        text = b""
    if not text.startswith(TOKEN_PREFIX):
        raise SSMException("InvalidNextToken", "The specified token isn't valid.")
    return text[len(TOKEN_PREFIX) :].decode()


def matching(backend, filters, page):
    """Those of a page that match. moto evaluates all filters but Tier and DataType, which are added here."""
    late = {"Tier": lambda p: p.tier or "Standard", "DataType": lambda p: p.data_type}
    known = [f for f in filters if f["Key"] not in late]
    backend._validate_parameter_filters(known, by_path=False)
    return [
        parameter
        for parameter in page
        if backend._match_filters(parameter, known)
        and all(late[f["Key"]](parameter) in f["Values"] for f in filters if f["Key"] in late)
    ]


@patch(SimpleSystemManagerResponse)
def describe_parameters(self):
    """1 to 50 a page, 50 by default; filters apply to a page after it was cut, as AWS's do.

    So a filtered page can be empty and still have a NextToken. The public parameters under `/aws/` are
    no account's own. moto always cuts pages of 10 and walks over everything for each of them.
    """
    limit = self._get_int_param("MaxResults", DESCRIBE_LIMIT)
    if not 1 <= limit <= DESCRIBE_LIMIT:
        raise ValidationException(
            f"1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value between 1 and {DESCRIBE_LIMIT}"
        )
    backend = self.ssm_backend
    names = sorted(n for n, versions in backend._parameters.items() if versions and not n.startswith("/aws/"))
    token = self._get_param("NextToken")
    start = bisect.bisect_right(names, name_before(token)) if token else 0
    page = names[start : start + limit]
    parameters = [backend._parameters[name][-1] for name in page]
    filters = self._get_param("ParameterFilters") or []
    # The older `Filters` take the same keys and match names by their beginning.
    filters += [
        {**f, "Option": "BeginsWith" if f["Key"] == "Name" else "Equals"} for f in self._get_param("Filters") or []
    ]
    if filters:
        parameters = matching(backend, filters, parameters)
    answer = {"Parameters": [parameter.describe_response_object(False) for parameter in parameters]}
    if start + limit < len(names):
        answer["NextToken"] = token_after(page[-1])
    return ActionResult(answer)


def check_names(names):
    """At most 10 names a call, none of them twice."""
    if len(names) > NAMES_LIMIT:
        raise ValidationException(
            f"1 validation error detected: Value '{names}' at 'names' failed to satisfy constraint: "
            f"Member must have length less than or equal to {NAMES_LIMIT}"
        )
    if len(set(names)) != len(names):
        raise ValidationException(f"Duplicated parameter names are not allowed: {sorted(names)}")


@patch(SimpleSystemManagerResponse)
def get_parameters(self):
    """At most 10 different names; answers come in alphabetical order.

    With decryption one key that is missing, disabled or pending deletion fails the call as a whole.
    """
    check_names(self._get_param("Names"))
    answer = get_parameters.stock(self)
    answer.result["Parameters"].sort(key=lambda parameter: parameter["Name"])
    return answer


@patch(SimpleSystemManagerResponse)
def delete_parameters(self):
    """At most 10 names a call."""
    names = self._get_param("Names")
    if len(names) > NAMES_LIMIT:
        check_names(names)
    return delete_parameters.stock(self)


def drop_tags(backend, names):
    """A parameter's tags go with it; moto forgets those of a root parameter, under either spelling."""
    tags = backend._resource_tags.get("Parameter", {})
    for name in names:
        root = name.removeprefix("/")
        for spelling in (name,) if "/" in root else (root, f"/{root}"):
            tags.pop(spelling, None)


@patch(SimpleSystemManagerBackend)
def delete_parameter(self, name):
    """A deleted parameter's tags are gone, so that one created anew has none of them."""
    delete_parameter.stock(self, name)
    drop_tags(self, [name])


@patch(SimpleSystemManagerBackend, name="delete_parameters")
def delete_from_store(self, names):
    """As for one parameter."""
    deleted = delete_from_store.stock(self, names)
    drop_tags(self, deleted)
    return deleted
