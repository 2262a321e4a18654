"""Organizations: the callers that may list accounts, the pages, and the members of an account."""

import json

from moto.organizations.exceptions import (
    AWSOrganizationsNotInUseException,
    InvalidInputException,
    OrganizationsClientError,
)
from moto.organizations.models import organizations_backends
from moto.organizations.responses import OrganizationsResponse

from . import patch

PAGE_LIMIT = 20


def organization_of(account_id, partition):
    """The backend of an account's organisation, or None."""
    if account_id in organizations_backends.master_accounts:
        account_id, partition = organizations_backends.master_accounts[account_id]
    backend = organizations_backends[account_id][partition]
    return backend if backend.org else None


def path_of(backend, account):
    """`Paths`: `o-…/r-…/ou-…/ACCOUNT/`, from the root, as in `aws:PrincipalOrgPaths`."""
    units = {unit.id: unit for unit in backend.ou}
    path, parent = [account.id], account.parent_id
    while parent in units:
        path.append(parent)
        parent = getattr(units[parent], "parent_id", None)
    return "/".join([backend.org.id, *reversed(path), ""])


def described(backend, account):
    return {**account.describe(), "Paths": [path_of(backend, account)]}


def reader(response):
    """The organisation that the caller may read, as its management account or delegated administrator.

    AWS: "This operation can be called only from the organization's management account or by a member
    account that is a delegated administrator"; outside an organisation AWSOrganizationsNotInUseException.
    """
    backend = organization_of(response.current_account, response.partition)
    if backend is None:
        raise AWSOrganizationsNotInUseException
    administrators = {administrator.account.id for administrator in backend.admins}
    if response.current_account not in administrators | {backend.org.master_account_id}:
        raise OrganizationsClientError("AccessDeniedException", "You don't have permissions to access this resource.")
    return backend


@patch(OrganizationsResponse)
def list_accounts(self):
    """A page has at most 20 accounts, which is also the default. Each account has its `Paths`.

    moto has no limit, a default of 100, and also answers member accounts.
    """
    backend = reader(self)
    limit = self._get_int_param("MaxResults", PAGE_LIMIT)
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidInputException(f"You specified an invalid value for MaxResults: {limit}; it is 1 to {PAGE_LIMIT}.")
    token = self._get_param("NextToken") or "after-0"
    if not token.removeprefix("after-").isdigit():
        raise InvalidInputException("You specified an invalid value for NextToken.")
    start = int(token.removeprefix("after-"))
    page = backend.accounts[start : start + limit]
    answer = {"Accounts": [described(backend, account) for account in page]}
    if start + limit < len(backend.accounts):
        answer["NextToken"] = f"after-{start + limit}"
    return json.dumps(answer)


@patch(OrganizationsResponse)
def describe_account(self):
    """Returns the same members as ListAccounts, `Paths` included."""
    backend = reader(self)
    account = backend.get_account_by_id(self._get_param("AccountId"))
    return json.dumps({"Account": described(backend, account)})
