"""Checks the deployment: the hosted workflows, the templates, and the stacks that they make, in the emulators.

Run it by `make test`, or by itself after `cargo build --bin hub --bin hubctl`: `python tests/deploy/check_deploy.py`.
HUB_PROGRAM names another program to run as the function: `make package` has its artefact checked so.
"""

import pathlib
import sys
import unittest

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))

MODULES = (
    "test_hosted",
    "test_templates",
    "test_policies",
    "test_rules",
    "test_refusals",
    "test_spokes",
    "test_sweep",
    "test_queue",
    "test_costs",
    "test_documents",
)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames([f"deploy_checks.{module}" for module in MODULES])


if __name__ == "__main__":
    unittest.main()
