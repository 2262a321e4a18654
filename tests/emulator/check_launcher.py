"""Checks that the emulator keeps the rules of AWS that its patches restore: one test a rule.

Run it by itself, `python tests/emulator/check_launcher.py`, or by `make test`.
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
    "test_validation",
)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames([f"checks.{module}" for module in MODULES])


if __name__ == "__main__":
    unittest.main()
