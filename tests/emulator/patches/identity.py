"""Who calls: the account and the ARN behind an access key."""

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
    """The account of an access key; keys that no account issued belong to the management account.

    Not a rule of AWS but of moto, kept. Only found faster: moto looks through every account and
    partition at each request, which makes an organisation of 1,000 accounts slow.
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
    """A user's ARN is of IAM, `arn:aws:iam::ACCOUNT:user/NAME`; moto names STS for keys it does not know."""
    user_id, arn, account_id = get_caller_identity.stock(self, access_key_id, region)
    return user_id, arn.replace(":sts:", ":iam:") if ":user/" in arn else arn, account_id


def caller_arn(response):
    """The ARN of the caller of a request, as CloudTrail and `LastModifiedUser` have it."""
    backend = sts_backends[response.current_account][response.partition]
    return backend.get_caller_identity(response.get_access_key(), response.region)[1]


@patch(BaseResponse)
def call_action(self):
    """A store is not handed who calls; it can ask `current_caller_arn` while the call runs."""
    outer, _current.response = getattr(_current, "response", None), self
    try:
        return call_action.stock(self)
    finally:
        _current.response = outer


def current_caller_arn():
    """The ARN of the caller of the request that this thread answers, or None where it answers none."""
    response = getattr(_current, "response", None)
    return None if response is None else caller_arn(response)


def assumed_role_arn(response):
    """The ARN of the role behind the caller's session, or None where the caller is no assumed role."""
    backend = sts_backends[response.current_account][response.partition]
    session = backend.get_assumed_role_from_access_key(response.get_access_key())
    return session.role_arn if session else None
