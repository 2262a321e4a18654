"""The hosted workflows, the issue templates, deny.toml and CONTRIBUTING.md agree with the files that they mention."""

import pathlib
import re
import subprocess
import tomllib
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
GITHUB = ROOT / ".github"
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted((GITHUB / "workflows").glob("*.yml"))}
JOBS = [(f"{name} {key}", job) for name, workflow in WORKFLOWS.items() for key, job in workflow["jobs"].items()]
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}\Z")
VERSION = re.compile(r"version-of-(\w+)")


def made(target):
    """The output of a target of the Makefile."""
    make = subprocess.run(["make", "-s", target], cwd=ROOT, check=True, capture_output=True, text=True)
    return make.stdout.strip()


def quoted(text, constant):
    """The strings in a constant of tests/integration/dependencies.rs."""
    return re.findall(r'"([^"]+)"', re.search(rf"const {constant}\b[^=]*=\s*(\[.*?\]);", text, re.DOTALL)[1])


class Workflows(unittest.TestCase):
    def test_the_hosted_workflows_run_the_same_script(self):
        self.assertEqual(sorted(WORKFLOWS), ["ci.yml", "nightly.yml"])
        steps = [step.get("run", "") for step in WORKFLOWS["ci.yml"]["jobs"]["test"]["steps"]]
        self.assertIn("bash .ci/run", steps)
        nightly = WORKFLOWS["nightly.yml"]["jobs"]["check"]["strategy"]["matrix"]["command"]
        self.assertEqual(sorted(nightly), ["deny", "fuzz", "mutants", "verify"])
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        self.assertLessEqual(set(nightly), targets)

    def test_each_job_has_only_read_permission_and_a_time_limit(self):
        for name, workflow in WORKFLOWS.items():
            self.assertEqual(workflow["permissions"], {"contents": "read"}, name)
            self.assertIn("group", workflow["concurrency"], name)
        for name, job in JOBS:
            self.assertNotIn("permissions", job, name)
            self.assertLessEqual(job["timeout-minutes"], 330, name)

    def test_actions_are_pinned_by_commit_and_keep_no_credentials(self):
        for name, job in JOBS:
            for step in filter(lambda step: "uses" in step, job["steps"]):
                self.assertRegex(step["uses"], PINNED, name)
                if step["uses"].startswith("actions/checkout@"):
                    self.assertIs(step["with"]["persist-credentials"], False, name)

    def test_only_the_makefile_contains_versions(self):
        for name, job in JOBS:
            commands = "\n".join(step.get("run", "") for step in job["steps"])
            self.assertIn("version-of-TOOLCHAIN", commands, name)
            self.assertNotRegex(commands, r"\d+\.\d+\.\d+", name)
            for variable in VERSION.findall(commands):
                self.assertRegex(made(f"version-of-{variable}"), r"\A\d+\.\d+\.\d+\Z", variable)

    def test_the_pinned_compiler_is_not_older_than_the_minimum(self):
        oldest = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["rust-version"]
        pinned, oldest = ([int(part) for part in version.split(".")] for version in (made("version-of-TOOLCHAIN"), oldest))
        self.assertGreaterEqual(pinned, oldest)
        # This file would make every machine with another compiler download the pinned one.
        self.assertFalse((ROOT / "rust-toolchain.toml").exists() or (ROOT / "rust-toolchain").exists())

    def test_warnings_fail_only_with_the_pinned_compiler(self):
        for compiler, fails in ((made("version-of-TOOLCHAIN"), True), ("1.999.0", False), ("", False)):
            shown = subprocess.run(
                ["make", "-n", "test", f"COMPILER={compiler}"], cwd=ROOT, check=True, capture_output=True, text=True
            )
            clippy = [line for line in shown.stdout.split("\n") if line.startswith("cargo clippy")]
            self.assertEqual([line.endswith("-- -D warnings") for line in clippy], [fails], compiler)


class IssueTemplates(unittest.TestCase):
    def test_each_form_asks_for_the_plan_and_describes_its_contents(self):
        forms = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
        self.assertEqual([form.stem for form in forms], ["bug", "config", "conflict-or-drift", "feature"])
        for form in forms:
            text = yaml.safe_load(form.read_text())
            if form.stem == "config":
                self.assertIs(text["blank_issues_enabled"], False)
                self.assertIn("SECURITY.md", text["contact_links"][0]["about"])
                continue
            self.assertTrue(text["name"] and text["description"])
            [plan] = [field for field in text["body"] if field.get("id") == "plan"]
            self.assertEqual(plan["attributes"]["label"], "hubctl plan --format json")
            description = " ".join(plan["attributes"]["description"].split())
            self.assertIn("names of parameters and secrets", description)
            self.assertIn("never a value", description)


class Deny(unittest.TestCase):
    def test_deny_toml_has_the_same_rules_as_the_test_of_the_dependencies(self):
        deny = tomllib.loads((ROOT / "deny.toml").read_text())
        self.assertEqual(sorted(deny), ["advisories", "bans", "graph", "licenses", "sources"])
        text = (ROOT / "tests" / "integration" / "dependencies.rs").read_text()
        self.assertEqual(sorted(deny["licenses"]["allow"]), sorted(quoted(text, "LICENCES")))
        banned = [entry["crate"].split(":")[0] for entry in deny["bans"]["deny"]]
        self.assertEqual(banned, quoted(text, "BANNED")[::2])
        self.assertEqual((deny["sources"]["unknown-registry"], deny["sources"]["unknown-git"]), ("deny", "deny"))


class Contributing(unittest.TestCase):
    FILES = ("CONTRIBUTING.md", "RELEASING.md")

    def quoted(self):
        """The texts in back quotes outside of code blocks."""
        texts = [re.sub(r"^```.*?^```", "", (ROOT / name).read_text(), flags=re.DOTALL | re.MULTILINE) for name in self.FILES]
        return re.findall(r"`([^`\n]+)`", "\n".join(texts))

    def test_every_path_exists(self):
        # Build results are not in the repository.
        paths = [text for text in self.quoted() if re.match(r"(src|tests|stacksets|docs|payloads|\.github)/", text)]
        self.assertGreater(len(paths), 40)
        self.assertEqual([], [path for path in paths if not (ROOT / path).exists()])

    def test_every_test_exists(self):
        names = re.findall(r"\bTests?: `(\w+)`", "\n".join((ROOT / name).read_text() for name in self.FILES))
        self.assertGreater(len(names), 4)
        folders = [ROOT / "src", ROOT / "tests"]
        sources = [path for folder in folders for kind in ("rs", "py") for path in folder.rglob(f"*.{kind}")]
        text = "\n".join(path.read_text() for path in sources)
        missing = [name for name in names if not re.search(rf"\b(fn|def) {name}\(", text)]
        self.assertEqual([], missing)

    def test_every_command_of_make_exists(self):
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        named = {word for text in self.quoted() for word in re.findall(r"\bmake ([a-z]+)", text)}
        self.assertGreater(len(named), 5)
        self.assertLessEqual(named, targets)
