"""SSM: the versions of a parameter: writers, selectors and history."""

from moto.core.responses import ActionResult
from moto.ssm.exceptions import ParameterNotFound, SSMException, ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.ssm.utils import parameter_arn

from . import identity, patch
from .ssm_reads import check_names, text_before, token_after

HISTORY_LIMIT = 50
HISTORY_TOKEN = b"history after "
ASSUMED_ROLE = ":assumed-role/"

# The versions of AWS's public parameters, which moto creates, keep these defaults.
Parameter.region_name = None
Parameter.last_modified_user = "N/A"

# The operations that show a role's session in `LastModifiedUser`, by the value of the launcher's option `--sessions`.
SESSIONS = {
    "both": {"lists", "histories"},
    "lists": {"lists"},
    "histories": {"histories"},
    "neither": set(),
}
_shown_in = SESSIONS["both"]


def show_sessions(choice):
    """Sets the operations that show a role's session: `both`, `lists`, `histories` or `neither`."""
    global _shown_in
    _shown_in = SESSIONS[choice]


def writer_in(answer, arn):
    """AWS shows a session as `assumed-role/ROLE/SESSION`, and in some answers as `assumed-role/ROLE`."""
    if answer in _shown_in or ASSUMED_ROLE not in arn:
        return arn
    return arn.rsplit("/", 1)[0]


@patch(SimpleSystemManagerBackend, name="put_parameter")
def put_into_store(self, *arguments, **named):
    """The writer of a version is the caller, and for a stack's parameter the creator of the stack (assumed)."""
    version = put_into_store.stock(self, *arguments, **named)
    version.region_name = self.region_name
    version.last_modified_user = identity.current_caller_arn() or Parameter.last_modified_user
    return version


@patch(Parameter)
def describe_response_object(self, decrypt=False, include_labels=False):
    """`LastModifiedUser` is the ARN of the version's writer, and a list shows the parameter's ARN. moto has neither.

    Only histories show labels, and histories show no ARN.
    """
    shown = describe_response_object.stock(self, decrypt, include_labels)
    shown["LastModifiedUser"] = writer_in("histories" if include_labels else "lists", self.last_modified_user)
    if self.region_name and not include_labels:
        shown["ARN"] = parameter_arn(self.account_id, self.region_name, self.name)
    return shown


def with_selector(backend, shown, requested):
    """An answer to `NAME:VERSION` or `NAME:LABEL` contains the selector, `:VERSION` or `:LABEL`."""
    _, colon, selector = backend._strip_parameter_arn(requested).partition(":")
    return {**shown, "Selector": f":{selector}"} if colon else shown


@patch(SimpleSystemManagerResponse)
def get_parameter(self):
    """The answer contains the selector of the request."""
    answer = get_parameter.stock(self)
    shown = answer.result["Parameter"]
    answer.result["Parameter"] = with_selector(self.ssm_backend, shown, self._get_param("Name"))
    return answer


@patch(SimpleSystemManagerResponse)
def get_parameters(self):
    """At most 10 different names, selectors included. The answer is in alphabetical order.

    `InvalidParameters` lists names and versions that do not exist. This patch assumes that the versions of one name are
    sorted by number. With decryption, one key that is missing, disabled or pending deletion fails the whole call.
    Without decryption, no key is used.
    """
    names = self._get_param("Names")
    check_names(names)
    backend, decrypt = self.ssm_backend, self._get_param("WithDecryption")
    held = backend.get_parameters(names)
    shown = [
        with_selector(backend, version.response_object(decrypt, self.region), name) for name, version in held.items()
    ]
    shown.sort(key=lambda one: (one["Name"], one["Version"], one.get("Selector", "")))
    return ActionResult({"Parameters": shown, "InvalidParameters": [name for name in names if name not in held]})


def version_before(token):
    """The last version of the previous page. An unknown token is InvalidNextToken."""
    text = text_before(HISTORY_TOKEN, token)
    if not text.isdigit():
        raise SSMException("InvalidNextToken", "The specified token isn't valid.")
    return int(text)


@patch(SimpleSystemManagerResponse)
def get_parameter_history(self):
    """Accepts a name or an ARN. The oldest version comes first, with 1 to 50 versions a page.

    A page starts after a version number, so it skips no version when the oldest of 100 is dropped between two pages.
    """
    limit = self._get_int_param("MaxResults", HISTORY_LIMIT)
    if not 1 <= limit <= HISTORY_LIMIT:
        raise ValidationException(
            f"1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value between 1 and {HISTORY_LIMIT}"
        )
    backend, requested = self.ssm_backend, self._get_param("Name")
    name = backend._strip_parameter_arn(requested)
    if name not in backend._parameters:
        raise ParameterNotFound(f"Parameter {requested} not found.")
    token = self._get_param("NextToken")
    after = version_before(token) if token else 0
    left = [version for version in backend._parameters[name] if version.version > after]
    page, decrypt = left[:limit], self._get_param("WithDecryption")
    answer = {"Parameters": [version.describe_response_object(decrypt, include_labels=True) for version in page]}
    if len(left) > limit:
        answer["NextToken"] = token_after(HISTORY_TOKEN, str(page[-1].version))
    return ActionResult(answer)


def must_be_there(backend, name):
    """Refuses an unknown name. moto would create an empty entry, and every later read of the name would fail."""
    if name not in backend._parameters:
        raise ParameterNotFound(f"Parameter {name} not found.")


@patch(SimpleSystemManagerBackend)
def label_parameter_version(self, name, version, labels):
    """An unknown name is refused, and stays free."""
    must_be_there(self, name)
    return label_parameter_version.stock(self, name, version, labels)


@patch(SimpleSystemManagerBackend)
def unlabel_parameter_version(self, name, version, labels):
    """An unknown name is refused, and stays free."""
    must_be_there(self, name)
    return unlabel_parameter_version.stock(self, name, version, labels)
