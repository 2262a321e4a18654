"""Evaluates a role's trust policy: the part of IAM's policy language that such policies use."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """Who asks for a role, with the values that a trust policy's conditions can name."""

    account: str
    arn: str
    role_arn: str | None
    external_id: str | None
    organization_id: str | None

    def principals(self):
        """Every spelling of this caller in a policy's `Principal`."""
        spellings = {"*", self.account, f"arn:aws:iam::{self.account}:root", self.arn}
        return spellings | ({self.role_arn} if self.role_arn else set())

    def context(self):
        """The condition keys of this request, lower case; of a session, `aws:PrincipalArn` is the role's ARN."""
        values = {
            "sts:externalid": self.external_id,
            "aws:principalorgid": self.organization_id,
            "aws:principalarn": self.role_arn or self.arn,
            "aws:principalaccount": self.account,
        }
        return {key: value for key, value in values.items() if value is not None}


def as_list(value):
    return value if isinstance(value, list) else [value]


def glob(pattern, text):
    """`*` is any run of characters and `?` any one; everything else, brackets too, is itself."""
    translated = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(translated, text, re.DOTALL) is not None


def arn_like(pattern, text):
    """ArnLike and ArnEquals behave alike: a glob in each of the six parts, none of which spans a colon."""
    patterns, parts = pattern.split(":", 5), text.split(":", 5)
    return len(patterns) == len(parts) and all(map(glob, patterns, parts))


OPERATORS = {
    "StringEquals": lambda pattern, text: pattern == text,
    "StringEqualsIgnoreCase": lambda pattern, text: pattern.lower() == text.lower(),
    "StringLike": glob,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
}


def condition_holds(operator, key, wanted, context):
    """One key of one operator: any of its values must match; a key that the request lacks does not match.

    The negated operators match where no value does, and also where the key is missing.
    """
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    positive = operator.replace("Not", "")
    if positive not in OPERATORS:
        raise NotImplementedError(f"the emulator evaluates no condition operator {operator}")
    value = context.get(key.lower())
    negated = positive != operator
    if value is None:
        return negated or if_exists
    return any(OPERATORS[positive](pattern, value) for pattern in as_list(wanted)) != negated


def applies(statement, caller):
    """Whether a statement speaks of this caller's AssumeRole: action, principal and every condition."""
    actions = [action.lower() for action in as_list(statement.get("Action", []))]
    if not any(glob(action, "sts:assumerole") for action in actions):
        return False
    principal = statement.get("Principal", {})
    named = ["*"] if principal == "*" else as_list(principal.get("AWS", []))
    if not caller.principals() & set(named):
        return False
    context = caller.context()
    return all(
        condition_holds(operator, key, wanted, context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def allows(document, caller):
    """Whether the policy lets the caller in: some statement allows it, none denies it."""
    effects = {statement["Effect"] for statement in as_list(document["Statement"]) if applies(statement, caller)}
    return "Allow" in effects and "Deny" not in effects
