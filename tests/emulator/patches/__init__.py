"""What moto does not do as AWS does it, restored: one module a service, one function a rule.

Every patch says in its docstring which rule of AWS it restores, or that the rule is an assumption.
A module installs its patches when it is imported; `install` imports them all.
"""

import importlib
import threading

MODULES = (
    "speed",
    "identity",
    "organizations",
    "sts",
    "ssm_parameters",
    "ssm_reads",
    "ssm_tags",
    "ssm_versions",
    "secretsmanager",
    "tagging",
)

_one_call_at_a_time = threading.RLock()


def patch(owner, name=None, adds=False):
    """Puts the decorated function in the place of `owner`'s method of that name, which it keeps as `.stock`.

    A method that a newer moto no longer has, or has meanwhile got by itself (`adds`), is an error:
    a patch must never turn into dead code in silence.
    """

    def install_one(function):
        method = name or function.__name__
        if hasattr(owner, method) == adds:
            raise RuntimeError(f"{owner.__name__}.{method} is {'already' if adds else 'no longer'} in moto")
        function.stock = getattr(owner, method, None)
        setattr(owner, method, function)
        return function

    return install_one


def one_call_at_a_time(response_class):
    """AWS applies a call as one step; moto's stores are plain dictionaries that threads change under each other.

    Python runs one thread at a time anyway, so the lock costs no throughput.
    """
    stock = response_class.call_action

    def call_action(self):
        with _one_call_at_a_time:
            return stock(self)

    response_class.call_action = call_action


def install(sessions="both"):
    """Installs every patch. `sessions` says which of SSM's answers show a role's session."""
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in MODULES}
    modules["ssm_versions"].show_sessions(sessions)

    from moto.iam.responses import IamResponse
    from moto.kms.responses import KmsResponse
    from moto.organizations.responses import OrganizationsResponse
    from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse
    from moto.secretsmanager.responses import SecretsManagerResponse
    from moto.ssm.responses import SimpleSystemManagerResponse
    from moto.sts.responses import TokenResponse

    for response_class in (
        IamResponse,
        KmsResponse,
        OrganizationsResponse,
        ResourceGroupsTaggingAPIResponse,
        SecretsManagerResponse,
        SimpleSystemManagerResponse,
        TokenResponse,
    ):
        one_call_at_a_time(response_class)
