"""SSM: the answers, pages and errors of reads and deletes."""

import base64
import bisect
import json

from moto.core.responses import ActionResult
from moto.ssm.exceptions import SSMException, ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from . import patch

DESCRIBE_LIMIT = 50
NAMES_LIMIT = 10
DESCRIBE_TOKEN = b"describe after "


@patch(Parameter)
def response_object(self, decrypt=False, region=None):
    """`Policies` is a list whose `PolicyText` is the JSON text of a policy. moto returns objects there.

    A typed client refuses the whole page because of these objects.
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


def token_after(kind, text):
    """A token for the page after the item `text`, in a list of this kind."""
    return base64.urlsafe_b64encode(kind + text.encode()).decode()


def text_before(kind, token):
    """The last item of the previous page. A token of another list is InvalidNextToken."""
    try:
        decoded = base64.b64decode(token, altchars=b"-_", validate=True)
        if not decoded.startswith(kind):
            raise ValueError(token)
        return decoded[len(kind) :].decode()
    except ValueError as error:  # binascii.Error and UnicodeDecodeError are subclasses
        raise SSMException("InvalidNextToken", "The specified token isn't valid.") from error


def matching(backend, filters, page):
    """The matching parameters of a page. moto evaluates all filters except Tier and DataType."""
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
    """A page has 1 to 50 parameters, 50 by default. Filters apply after paging, as AWS's do.

    So a filtered page can be empty and have a NextToken. The public parameters under `/aws/` are not listed. moto uses
    pages of 10 and reads everything for each page.
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
    start = bisect.bisect_right(names, text_before(DESCRIBE_TOKEN, token)) if token else 0
    page = names[start : start + limit]
    parameters = [backend._parameters[name][-1] for name in page]
    filters = self._get_param("ParameterFilters") or []
    # The older `Filters` have the same keys and match names by their beginning.
    filters += [
        {**f, "Option": "BeginsWith" if f["Key"] == "Name" else "Equals"} for f in self._get_param("Filters") or []
    ]
    if filters:
        parameters = matching(backend, filters, parameters)
    answer = {"Parameters": [parameter.describe_response_object(False) for parameter in parameters]}
    if start + limit < len(names):
        answer["NextToken"] = token_after(DESCRIBE_TOKEN, page[-1])
    return ActionResult(answer)


def check_names(names):
    """At most 10 different names for each call."""
    if len(names) > NAMES_LIMIT:
        raise ValidationException(
            f"1 validation error detected: Value '{names}' at 'names' failed to satisfy constraint: "
            f"Member must have length less than or equal to {NAMES_LIMIT}"
        )
    if len(set(names)) != len(names):
        raise ValidationException(f"Duplicated parameter names are not allowed: {sorted(names)}")


@patch(SimpleSystemManagerResponse)
def delete_parameters(self):
    """At most 10 names for each call."""
    names = self._get_param("Names")
    if len(names) > NAMES_LIMIT:
        check_names(names)
    return delete_parameters.stock(self)


def drop_tags(backend, names):
    """Removes a parameter's tags. moto keeps the tags of a root parameter under the other spelling of its name."""
    tags = backend._resource_tags.get("Parameter", {})
    for name in names:
        root = name.removeprefix("/")
        for spelling in (name,) if "/" in root else (root, f"/{root}"):
            tags.pop(spelling, None)


@patch(SimpleSystemManagerBackend)
def delete_parameter(self, name):
    """A deletion also deletes the tags, so that a recreated parameter has none of them."""
    delete_parameter.stock(self, name)
    drop_tags(self, [name])


@patch(SimpleSystemManagerBackend, name="delete_parameters")
def delete_from_store(self, names):
    """Deletes the tags of all names, as `delete_parameter` does."""
    deleted = delete_from_store.stock(self, names)
    drop_tags(self, deleted)
    return deleted
