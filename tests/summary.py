"""Runs test commands one after the other and prints the sum of their results in the last line.

    summary.py -- COMMAND ARGUMENT… -- COMMAND ARGUMENT…

A failed command does not stop the others. The script parses the results of `cargo test` and of unittest. It exits with
1 if a command failed, if a test failed, or if a command ran no test.
"""

import re
import subprocess
import sys

CARGO = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ")
UNITTEST_END = re.compile(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$")
VALIDATED = re.compile(r"^(\d+) requests validated, \d+ refused$")
UNITTEST_FAILED = ("failures", "errors", "unexpected successes")


def split_commands(arguments):
    """The commands, which are separated by double dashes."""
    commands = []
    for argument in arguments:
        if argument == "--":
            commands.append([])
        elif commands:
            commands[-1].append(argument)
        else:
            sys.exit(__doc__)
    if not commands or not all(commands):
        sys.exit(__doc__)
    return commands


def count(lines):
    """The numbers of passed, failed and skipped tests in a command's output."""
    passed = failed = skipped = 0
    for line in lines:
        if found := CARGO.match(line):
            passed, failed, skipped = (a + int(b) for a, b in zip((passed, failed, skipped), found.groups()))
        elif found := UNITTEST_RAN.match(line):
            passed += int(found[1])
        elif found := UNITTEST_END.match(line):
            parts = dict(part.split("=") for part in (found[1] or "").split(", ") if "=" in part)
            bad = sum(int(parts.get(what, 0)) for what in UNITTEST_FAILED)
            left_out = int(parts.get("skipped", 0))
            passed, failed, skipped = passed - bad - left_out, failed + bad, skipped + left_out
    return passed, failed, skipped


def count_validated(lines):
    """The number of requests that the emulator validated."""
    return sum(int(found[1]) for line in lines if (found := VALIDATED.match(line)))


def run(command):
    """Runs a command, prints its output, and returns the lines and the exit code."""
    lines = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip("\n"))
    return lines, process.returncode


def main():
    total, broken, validated = (0, 0, 0), [], 0
    for command in split_commands(sys.argv[1:]):
        lines, code = run(command)
        counted = count(lines)
        validated += count_validated(lines)
        total = tuple(map(sum, zip(total, counted)))
        if code != 0:
            broken.append(f"{command} ended with {code}")
        elif counted[0] == 0:
            broken.append(f"{command} ran no test")
    passed, failed, skipped = total
    failed = max(failed, len(broken))  # a command can fail without a failed test, for example when it does not compile
    for reason in broken:
        print(f"FAILED: {reason}")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "") + f"; {validated} requests validated")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
