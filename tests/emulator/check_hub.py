"""Checks the program `hub` as a Lambda function, behind a real Runtime API and with an emulated organisation.

Run it with `make test`, or alone after `cargo build --bin hub`: `python tests/emulator/check_hub.py`.
"""

import unittest

MODULES = (
    "test_payloads",
    "test_events",
    "test_refusals",
    "test_batches",
    "test_fidelity",
    "test_process",
    "test_states",
)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames([f"hub_checks.{module}" for module in MODULES])


if __name__ == "__main__":
    unittest.main()
