"""Rules of AWS that moto lacks: one module for each service, one function for each rule.

The docstring of a patch names the rule, and says where the rule is an assumption. A module installs its patches on
import; `install` imports all modules.
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
    "dynamodb",
)

_one_call_at_a_time = threading.RLock()


def patch(owner, name=None, adds=False):
    """Replaces the method of `owner` that has this name. The new function keeps the old one as `.stock`.

    Fails if a newer moto no longer has the method, or already has a method that the patch adds (`adds`). Otherwise a
    patch could become dead code unnoticed.
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
    """Serialises calls: AWS applies a call atomically, while moto's threads change shared dictionaries.

    Python runs one thread at a time, so the lock costs no throughput.
    """
    stock = response_class.call_action

    def call_action(self):
        with _one_call_at_a_time:
            return stock(self)

    response_class.call_action = call_action


def install(sessions="both"):
    """Installs all patches. `sessions` selects the SSM operations that show a role's session."""
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in MODULES}
    modules["ssm_versions"].show_sessions(sessions)

    from moto.dynamodb.responses import DynamoHandler
    from moto.iam.responses import IamResponse
    from moto.kms.responses import KmsResponse
    from moto.organizations.responses import OrganizationsResponse
    from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse
    from moto.secretsmanager.responses import SecretsManagerResponse
    from moto.ssm.responses import SimpleSystemManagerResponse
    from moto.sts.responses import TokenResponse

    for response_class in (
        DynamoHandler,
        IamResponse,
        KmsResponse,
        OrganizationsResponse,
        ResourceGroupsTaggingAPIResponse,
        SecretsManagerResponse,
        SimpleSystemManagerResponse,
        TokenResponse,
    ):
        one_call_at_a_time(response_class)
