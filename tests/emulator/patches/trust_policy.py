"""Evaluates the trust policy of a role: the part of IAM's policy language that trust policies use."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """The caller of AssumeRole, with the values for the conditions of a trust policy."""

    account: str
    arn: str
    role_arn: str | None
    external_id: str | None
    organization_id: str | None

    def principals(self):
        """All forms of this caller in a policy's `Principal`."""
        spellings = {"*", self.account, f"arn:aws:iam::{self.account}:root", self.arn}
        return spellings | ({self.role_arn} if self.role_arn else set())

    def context(self):
        """The condition keys of this request, in lower case. For a session, `aws:PrincipalArn` is the role's ARN."""
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
    """`*` matches any run of characters and `?` one character. All other characters match themselves, brackets too."""
    translated = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(translated, text, re.DOTALL) is not None


def arn_like(pattern, text):
    """ArnLike and ArnEquals are the same: a glob for each of the six parts, none of which contains a colon."""
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
    """One key of one operator holds if any of its values matches. A key that the request lacks does not match.

    The negated operators hold if no value matches, and also if the request lacks the key.
    """
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    positive = operator.replace("Not", "")
    if positive not in OPERATORS:
        raise NotImplementedError(f"the emulator does not implement the condition operator {operator}")
    value = context.get(key.lower())
    negated = positive != operator
    if value is None:
        return negated or if_exists
    return any(OPERATORS[positive](pattern, value) for pattern in as_list(wanted)) != negated


def applies(statement, caller):
    """Whether a statement applies to this AssumeRole call: action, principal and every condition."""
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
    """Whether the policy allows the caller: one statement allows and none denies."""
    effects = {statement["Effect"] for statement in as_list(document["Statement"]) if applies(statement, caller)}
    return "Allow" in effects and "Deny" not in effects
