"""STS: AssumeRole checks the role, its trust policy and the duration. moto checks none of them."""

import json
from xml.sax.saxutils import escape

from moto.iam.models import iam_backends
from moto.sts.exceptions import STSValidationError
from moto.sts.responses import TokenResponse

from . import identity, organizations, patch, trust_policy

SHORTEST_SECONDS = 900
CHAINED_SECONDS = 3600


def access_denied(message):
    """AWS answers HTTP 403. The code is not in the service's model, so the answer is built here."""
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    )
    return body, {"status": 403, "Content-Type": "text/xml"}


def find_role(role_arn, partition):
    """The role in its account; None if the role or account does not exist or the account is closed."""
    parts = role_arn.split(":", 5)
    account_id = parts[4] if len(parts) == 6 else ""
    if account_id not in iam_backends:
        return None
    organization = organizations.organization_of(account_id, partition)
    if organization and any(a.id == account_id and a.status == "SUSPENDED" for a in organization.accounts):
        return None
    roles = iam_backends[account_id][partition].roles.values()
    return next((role for role in roles if role.arn == role_arn), None)


def check_duration(seconds, role, chained):
    """From 900 seconds to the role's maximum; at most one hour if a role assumes a role (role chaining).

    AWS: "if you chain roles, your session is limited to a maximum of one hour", and a larger
    DurationSeconds makes the call fail.
    """
    if seconds < SHORTEST_SECONDS:
        raise STSValidationError(
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value greater than or equal to {SHORTEST_SECONDS}"
        )
    if chained and seconds > CHAINED_SECONDS:
        raise STSValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    if seconds > int(role.max_session_duration or CHAINED_SECONDS):
        raise STSValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


@patch(TokenResponse)
def assume_role(self):
    """The role must exist in the account of its ARN, and its trust policy must allow the caller.

    Otherwise the error is `AccessDenied`, and the message does not say which of the two failed, as in AWS.
    """
    role_arn = self._get_param("RoleArn")
    caller_arn = identity.caller_arn(self)
    chained_from = identity.assumed_role_arn(self)
    organization = organizations.organization_of(self.current_account, self.partition)
    caller = trust_policy.Caller(
        account=self.current_account,
        arn=caller_arn,
        role_arn=chained_from,
        external_id=self._get_param("ExternalId"),
        organization_id=organization.org.id if organization else None,
    )
    role = find_role(role_arn, self.partition)
    document = role.assume_role_policy_document if role else None
    if isinstance(document, str):
        document = json.loads(document)
    if document is None or not trust_policy.allows(document, caller):
        return access_denied(f"User: {caller_arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}")
    check_duration(self._get_int_param("DurationSeconds", CHAINED_SECONDS), role, chained_from is not None)
    return assume_role.stock(self)
