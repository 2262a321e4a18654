"""The table of the stack's parameters in docs/settings.md has the contents of the template."""

import json
import unittest

import templates


def rows(heading):
    """The rows of the first table below a heading, as lists of cells."""
    page = (templates.ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def settings_of(template):
    """The settings that each parameter of the stack sets: {"KmsKeys": {"KMS_KEYS"}, ...}."""
    reached = {}
    for variable, value in template["Globals"]["Function"]["Environment"]["Variables"].items():
        # A parameter appears as {"Ref": "Name"}, or in a text as ${Name}.
        text = json.dumps(value)
        for parameter in template["Parameters"]:
            if f'"Ref": "{parameter}"' in text or f"${{{parameter}}}" in text:
                reached.setdefault(parameter, set()).add(variable.removeprefix("REPLICATOR_"))
    return reached


class DocumentsCheck(unittest.TestCase):
    def test_every_parameter_has_a_row_with_its_setting_and_default(self):
        template = templates.load(templates.HUB)
        settings = settings_of(template)
        listed = rows("CloudFormation parameters")
        self.assertEqual(sorted(f"`{name}`" for name in template["Parameters"]), sorted(row[0] for row in listed))
        for name, setting, default, _ in listed:
            name = name.strip("`")
            expected = [f"`{one}`" for one in sorted(settings.get(name, ()))]
            self.assertEqual(", ".join(expected) or "–", setting, name)
            declared = template["Parameters"][name].get("Default")
            shown = "required" if declared is None else "empty" if declared == "" else f"`{declared}`"
            self.assertEqual(shown, default, name)

    def test_every_setting_of_a_function_has_a_parameter(self):
        template = templates.load(templates.HUB)
        variables = template["Globals"]["Function"]["Environment"]["Variables"]
        reached = set().union(*settings_of(template).values())
        # The stack creates the table, so no parameter names it.
        self.assertEqual({name.removeprefix("REPLICATOR_") for name in variables} - {"TABLE"}, reached)


if __name__ == "__main__":
    unittest.main()
