"""The templates as data: policies, event patterns, and the values in the code that the templates must match."""

import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "stacksets"
HUB, SPOKE = FOLDER / "hub.yaml", FOLDER / "spoke.yaml"
NO_VALUE = {"Ref": "AWS::NoValue"}


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms: `!Ref x` is `{"Ref": "x"}`, `!GetAtt a.b` is `{"Fn::GetAtt": ["a", "b"]}`."""


def _short_form(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt":
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


Loader.add_multi_constructor("!", _short_form)


def load(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def definition(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def as_list(value):
    return value if isinstance(value, list) else [value]


def branches(value):
    """The values of a list item in all branches of an `Fn::If`."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        return [one for case in value["Fn::If"][1:] if case != NO_VALUE for one in branches(case)]
    return [value]


def statements(role):
    """The statements of a role's inline policies."""
    documents = [policy["PolicyDocument"] for policy in role["Properties"].get("Policies", [])]
    return [one for document in documents for listed in document["Statement"] for one in branches(listed)]


def resources(template, type):
    found = template["Resources"].items()
    return {name: resource for name, resource in found if resource["Type"] == type}


def shared(template, role):
    """The statements of the template's managed policies that are attached to a role."""
    policies = [template["Resources"][one["Ref"]] for one in role["Properties"].get("ManagedPolicyArns", [])]
    documents = [policy["Properties"]["PolicyDocument"] for policy in policies]
    return [one for document in documents for listed in document["Statement"] for one in branches(listed)]


def allowed(template, role):
    """The actions that a role's policies allow."""
    return {
        action
        for statement in statements(role) + shared(template, role)
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }


def actions_of_the_code():
    """The actions in `ACTIONS` of src/aws/throttle/buckets.rs, the list that the rate limits use."""
    text = (ROOT / "src" / "aws" / "throttle" / "buckets.rs").read_text(encoding="utf-8")
    listed = text[text.index("pub const ACTIONS") : text.index("];")]
    return set(re.findall(r'\("([a-z]+:[A-Za-z]+)",', listed))


def defaults_of_the_code():
    """The settings in src/settings/known.rs without prefix, each with its default or None."""
    text = (ROOT / "src" / "settings" / "known.rs").read_text(encoding="utf-8")
    table = text[text.index("settings! {") :]
    found = re.findall(r'^    [A-Z_]+ = "([A-Z_]+)",\s*(?:None|Some\("([^"]*)"\)),', table, re.MULTILINE)
    listed = re.findall(r'^    [A-Z_]+ = "', table, re.MULTILINE)
    assert len(found) == len(listed), "a setting whose default is not a literal"
    return {name: default or None for name, default in found}


def settings_of_the_code():
    """The environment variables of all settings."""
    return {f"REPLICATOR_{name}" for name in defaults_of_the_code()}


def resolved(value, references):
    """A part of a template after the evaluation of `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::Join` and `Fn::Split`."""
    if isinstance(value, list):
        return [resolved(one, references) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return references[value["Ref"]]
    if set(value) == {"Fn::GetAtt"}:
        return references[".".join(value["Fn::GetAtt"])]
    if set(value) == {"Fn::Sub"}:
        return re.sub(r"\$\{([^}]+)\}", lambda found: references[found[1]], value["Fn::Sub"])
    if set(value) == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        return separator.join(resolved(parts, references))
    if set(value) == {"Fn::Split"}:
        separator, text = value["Fn::Split"]
        return resolved(text, references).split(separator)
    return {key: resolved(one, references) for key, one in value.items()}


def patterns(references):
    """The event patterns of the spoke by the logical ids of the rules."""
    rules = resources(load(SPOKE), "AWS::Events::Rule")
    return {name: resolved(rule["Properties"]["EventPattern"], references) for name, rule in rules.items()}
