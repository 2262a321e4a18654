"""An evaluator of IAM policies, with the operators that the templates use. It decides one request."""

import re

from templates import as_list

# The tag conditions that AWS evaluates for each action, from the service authorization reference. PutParameter has no
# aws:ResourceTag, so every parameter looks untagged to such a condition.
TAG_CONDITIONS = {
    "ssm:PutParameter": {"aws:RequestTag", "aws:TagKeys"},
    "ssm:AddTagsToResource": {"aws:RequestTag", "aws:ResourceTag", "aws:TagKeys"},
    "ssm:RemoveTagsFromResource": {"aws:ResourceTag", "aws:TagKeys"},
    "ssm:DeleteParameters": {"aws:ResourceTag"},
    "ssm:LabelParameterVersion": {"aws:ResourceTag"},
    "ssm:UnlabelParameterVersion": {"aws:ResourceTag"},
    "ssm:GetParameters": {"aws:ResourceTag"},
    "ssm:GetParameterHistory": {"aws:ResourceTag"},
    "ssm:ListTagsForResource": {"aws:ResourceTag"},
    "ssm:DescribeParameters": set(),
}
# `ssm:resourceTag/KEY` is the older spelling of `aws:ResourceTag/KEY`.
TAG_CONDITION = re.compile(r"(aws:RequestTag|aws:ResourceTag|ssm:resourceTag)/|(aws:TagKeys)\Z", re.IGNORECASE)


def _like(pattern, value):
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, value, re.DOTALL) is not None


def _all_like(values, wanted):
    """`ForAllValues` also holds for a request without the key."""
    return all(any(_like(one, value) for one in wanted) for value in as_list(values or []))


# The comparison of each operator: the value in the request (None if missing) with the values in the policy.
OPERATORS = {
    "StringEquals": lambda value, wanted: value in wanted,
    "StringNotEquals": lambda value, wanted: value not in wanted,
    "StringLike": lambda value, wanted: value is not None and any(_like(one, value) for one in wanted),
    "ForAllValues:StringLike": _all_like,
    "Null": lambda value, wanted: str(value is None).lower() in wanted,
}


def _holds(condition, context):
    """Whether all keys of all operators in a condition match."""
    for operator, keys in condition.items():
        if operator not in OPERATORS:
            raise ValueError(f"this evaluator does not support the operator {operator}")
        for key, wanted in keys.items():
            if not OPERATORS[operator](context.get(key.lower()), as_list(wanted)):
                return False
    return True


def decision(statements, action, resource, context):
    """`denied`, `allowed`, or `not allowed`. The values of `context` are strings, or lists of strings."""
    unknown = {key for one in statements for key in one} - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown:
        raise ValueError(f"this evaluator does not support {sorted(unknown)}")
    lowered = {key.lower(): value for key, value in context.items()}
    found = {
        one["Effect"]
        for one in statements
        if any(_like(listed, action) for listed in as_list(one["Action"]))
        and any(_like(listed, resource) for listed in as_list(one["Resource"]))
        and _holds(one.get("Condition", {}), lowered)
    }
    return "denied" if "Deny" in found else "allowed" if "Allow" in found else "not allowed"


def tag_context(action, resource_tags, request_tags):
    """The tag conditions that AWS evaluates for a request; `resource_tags` is None if the parameter does not exist."""
    known = TAG_CONDITIONS[action]
    context = {}
    if "aws:ResourceTag" in known:
        context |= {f"aws:ResourceTag/{key}": value for key, value in (resource_tags or {}).items()}
    if "aws:RequestTag" in known:
        context |= {f"aws:RequestTag/{key}": value for key, value in request_tags.items()}
    return context


def every_statement(part):
    """Every statement of every policy in a template."""
    if isinstance(part, dict):
        if {"Effect", "Action"} <= set(part):
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from every_statement(one)


def misplaced_tag_conditions(template):
    """Pairs (action, condition) for which AWS ignores the tag condition in the statement of this action."""
    found = set()
    for statement in every_statement(template):
        keys = [key for condition in statement.get("Condition", {}).values() for key in condition]
        for key in keys:
            if match := TAG_CONDITION.match(key):
                family = match[1] or match[2]
                for listed in as_list(statement["Action"]):
                    # A pattern covers every action that it matches.
                    covered = [known for known in TAG_CONDITIONS if _like(listed, known)] or [listed]
                    found |= {(one, key) for one in covered if family not in TAG_CONDITIONS.get(one, set())}
    return found
