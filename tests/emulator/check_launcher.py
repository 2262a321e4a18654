"""Checks that the emulator follows the AWS rules that its patches add to moto. Each test checks one rule.

Run it with `make test`, or alone: `python tests/emulator/check_launcher.py`.
"""

import unittest

MODULES = (
    "test_launch",
    "test_identity",
    "test_ssm_put",
    "test_ssm_reads",
    "test_ssm_versions",
    "test_secretsmanager",
    "test_tagging",
    "test_dynamodb",
    "test_validation",
)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames([f"checks.{module}" for module in MODULES])


if __name__ == "__main__":
    unittest.main()
