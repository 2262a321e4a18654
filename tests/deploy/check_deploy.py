"""Checks the deployment: the hosted workflows, the templates, and their stacks in the emulators.

Run it with `make test`, or alone after `cargo build --bin hub --bin hubctl`: `python tests/deploy/check_deploy.py`.
HUB_PROGRAM names another program for the function: `make package` checks its artefact in this way.
"""

import pathlib
import sys
import unittest

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))

MODULES = (
    "test_hosted",
    "test_templates",
    "test_policies",
    "test_table",
    "test_rules",
    "test_refusals",
    "test_spokes",
    "test_machine",
    "test_sweep",
    "test_queue",
    "test_costs",
    "test_documents",
    "test_invoke",
)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames([f"deploy_checks.{module}" for module in MODULES])


if __name__ == "__main__":
    unittest.main()
