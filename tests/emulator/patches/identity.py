"""The caller of a request: account and ARN of an access key."""

import threading

import moto.iam.models as iam
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import BaseResponse
from moto.sts.models import STSBackend, sts_backends

from . import patch

_account_of_key = {}
_current = threading.local()


@patch(iam)
def get_account_id_from(access_key):
    """The account of an access key. Keys that no account issued belong to the management account.

    moto has the same rule. This version is faster: moto searches every account and partition for every request, which
    is slow in an organisation of 1,000 accounts.
    """
    known = _account_of_key.get(access_key)
    if known is not None and access_key in known[1].access_keys:
        return known[0]
    for account_id, partitions in list(iam.iam_backends.items()):
        for backend in list(partitions.values()):
            if access_key in backend.access_keys:
                _account_of_key[access_key] = (account_id, backend)
                return account_id
    return DEFAULT_ACCOUNT_ID


@patch(STSBackend)
def get_caller_identity(self, access_key_id, region):
    """The ARN of a user belongs to IAM, `arn:aws:iam::ACCOUNT:user/NAME`. moto returns an STS ARN for unknown keys."""
    user_id, arn, account_id = get_caller_identity.stock(self, access_key_id, region)
    return user_id, arn.replace(":sts:", ":iam:") if ":user/" in arn else arn, account_id


def caller_arn(response):
    """The ARN of a request's caller, in the form of CloudTrail and `LastModifiedUser`."""
    backend = sts_backends[response.current_account][response.partition]
    return backend.get_caller_identity(response.get_access_key(), response.region)[1]


@patch(BaseResponse)
def call_action(self):
    """moto passes no caller to its backends, so `current_caller_arn` provides the caller during the call."""
    outer, _current.response = getattr(_current, "response", None), self
    try:
        return call_action.stock(self)
    finally:
        _current.response = outer


def current_caller_arn():
    """The ARN of the caller of this thread's current request, or None."""
    response = getattr(_current, "response", None)
    return None if response is None else caller_arn(response)


def assumed_role_arn(response):
    """The ARN of the role of the caller's session, or None if the caller has not assumed a role."""
    backend = sts_backends[response.current_account][response.partition]
    session = backend.get_assumed_role_from_access_key(response.get_access_key())
    return session.role_arn if session else None
