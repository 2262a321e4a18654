"""Checks the result of `make package`: the artefact, then the commands and all checks of the function with it.

    check_package.py BUILD SAM        the build directory of `sam build`, and the program of SAM CLI
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import unittest

import stack
import templates
import yaml

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))

from lambda_service import LambdaService  # noqa: E402

# The version of glibc in provided.al2023.
NEWEST_GLIBC = (2, 34)
MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}
BUILD, SAM = pathlib.Path(), pathlib.Path()


def program(name="HubSweep"):
    return BUILD / name / "bootstrap"


def machine(path):
    """The machine type of an ELF program."""
    head = path.read_bytes()[:20]
    assert head[:4] == b"\x7fELF", path
    return MACHINES[int.from_bytes(head[18:20], "little")]


class ArtefactCheck(unittest.TestCase):
    def test_the_artefact_needs_no_newer_glibc_than_the_runtime_has(self):
        versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", program().read_bytes())
        self.assertTrue(versions)
        newest = max((int(major), int(minor)) for major, minor in versions)
        self.assertLessEqual(newest, NEWEST_GLIBC)
        size, packed = program().stat().st_size, len(stack.artefact(program()))
        text = f"{size / 1e6:.1f} MB, zipped {packed / 1e6:.1f} MB, glibc {newest[0]}.{newest[1]} or newer"
        print(f"bootstrap for {machine(program())}: {text}")

    def test_both_functions_use_the_same_artefact(self):
        self.assertEqual(program("HubEvents").read_bytes(), program("HubSweep").read_bytes())


class CommandsCheck(unittest.TestCase):
    """`sam deploy`, `make invoke` and `sam delete` against the emulator's CloudFormation."""

    @classmethod
    def setUpClass(cls):
        cls.service = LambdaService("us-west-2", lifetime=600)
        cls.addClassCleanup(cls.service.end)
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.config = pathlib.Path(cls.scratch.name) / "samconfig.toml"
        example = (templates.ROOT / "samconfig.toml.example").read_text(encoding="utf-8")
        cls.config.write_text(example, encoding="utf-8")

    def run_command(self, *command):
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.service.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "SAM_CLI_TELEMETRY": "0",
        }
        ran = subprocess.run(
            [str(word) for word in command],
            env=environment,
            cwd=templates.ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return ran.returncode, ran.stdout + ran.stderr

    def test_the_stack_is_deployed_invoked_and_removed(self):
        built = yaml.load((BUILD / "template.yaml").read_text(encoding="utf-8"), templates.Loader)
        emulated = BUILD / "emulated.json"
        emulated.write_text(json.dumps(stack.emulated(built)), encoding="utf-8")
        config = ("--config-file", self.config)
        code, output = self.run_command(SAM, "deploy", "--template-file", emulated, *config)
        self.assertEqual(0, code, output)
        cloudformation = self.service.client("cloudformation")
        made = cloudformation.describe_stacks(StackName=stack.STACK)["Stacks"][0]
        self.assertEqual("CREATE_COMPLETE", made["StackStatus"])

        # The hub refuses this payload before any call to AWS. The answer shows that the artefact runs.
        payload = pathlib.Path(self.scratch.name) / "payload.json"
        payload.write_text('{"detail":{"name":"all","operation":"dance"}}', encoding="utf-8")
        python = SAM.with_name("python")
        invoke = templates.FOLDER / "invoke.py"
        code, output = self.run_command(python, invoke, payload, "--config", self.config)
        self.assertEqual(1, code, output)
        self.assertIn("InvalidPayload", output)

        spoke = templates.FOLDER / "spoke.py"
        for what, expected in (
            ("deploy", "spoke in us-east-2: created"),
            ("deploy", "spoke in us-east-2: already up to date"),
            ("remove", "spoke in us-east-2: removed"),
            ("remove", "spoke in us-east-2: skipped; the stack does not exist"),
        ):
            code, output = self.run_command(python, spoke, what, "--config", self.config)
            self.assertEqual((0, expected), (code, output.strip()))

        code, output = self.run_command(SAM, "delete", "--no-prompts", *config)
        self.assertEqual(0, code, output)
        self.assertEqual([], self.service.lambda_client.list_functions()["Functions"])
        self.assertEqual(["failover-replicator"], self.service.client("dynamodb").list_tables()["TableNames"])


def main():
    global BUILD, SAM
    BUILD, SAM = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    artefact = unittest.main(argv=sys.argv[:1], exit=False)
    if not artefact.result.wasSuccessful():
        return 1
    if machine(program()) != platform.machine():
        print(f"skipped: the artefact does not run on this machine ({platform.machine()})")
        return 0
    environment = {**os.environ, "HUB_PROGRAM": str(program())}
    folder = templates.ROOT / "tests"
    for check in (folder / "emulator" / "check_hub.py", folder / "deploy" / "check_deploy.py"):
        code = subprocess.run([sys.executable, str(check)], env=environment).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
