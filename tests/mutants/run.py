"""Checks that the tests of schedules detect faults. Each patch beside this file adds one fault to the hub.

The schedules must end in a wrong state, or a named schedule must fail. If the patch begins with `Found by: TEST`, that
test must fail instead.

    run.py [PATCH…]

The script applies the patch to a copy of the tree. The copy has its own target directory with the compiled dependencies
of the tree, so that only the crates of this project are compiled again. The script fails if a patch does not apply or
if no test detects the fault.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILT = ROOT / "target" / "debug"
COPY = ROOT / "target" / "mutants"
TARGET = COPY / "target"
TESTS = ("schedules::exhaustive", "schedules::counterexamples", "schedules::lost")
FOUND_BY = re.compile(r"^Found by: (\S+)$", re.MULTILINE)
# In the list at the end of the output. Above the list, a test's own output separates its name from its result.
FAILED = re.compile(r"^    schedules::(?:counterexamples::\w+|lost)::(\w+)$", re.MULTILINE)
# The first parts of the file names of this project's build results.
OURS = ("failover", "libfailover", "aws_sim", "aws-sim", "libaws_sim", "integration", "hub", "facts")
TOTAL = re.compile(r"^in all: (\d+) states, (\d+) ends, (\d+) bad ends$", re.MULTILINE)


def copy_tree():
    """Copies the tree with uncommitted changes. Unchanged files keep their modification time."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        source, copy = ROOT / name, COPY / name
        if source.is_file() and not (copy.is_file() and copy.read_bytes() == source.read_bytes()):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def share_builds():
    """Links the Python environment and the compiled dependencies. A new build replaces a link, not the linked file."""
    if not (COPY / ".venv").exists():
        COPY.mkdir(parents=True, exist_ok=True)
        (COPY / ".venv").symlink_to(ROOT / ".venv")
    if TARGET.exists():
        return
    for part in (".fingerprint", "build", "deps"):
        for entry in (BUILT / part).iterdir():
            copy = TARGET / "debug" / part / entry.name
            if entry.name.startswith(OURS):
                continue
            if entry.is_dir():
                shutil.copytree(entry, copy, copy_function=os.link, symlinks=True)
            else:
                copy.parent.mkdir(parents=True, exist_ok=True)
                os.link(entry, copy)


def apply(patch, *options):
    """Applies a patch to the copy. A patch that does not match exactly must be rewritten."""
    command = ["patch", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch", *options]
    with patch.open() as text:
        done = subprocess.run(command, cwd=COPY, stdin=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{patch.name} no longer applies:\n{done.stdout}{done.stderr}")


def run(patch, tests):
    """The output and exit code of the tests with the fault."""
    copy_tree()
    apply(patch)
    command = ["cargo", "test", "--locked", "--test", "integration", "--", "--nocapture", *tests]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), "SCHEDULES": "telling"}
    done = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True)
    apply(patch, "--reverse")
    return done


def is_found(patch, test):
    """Whether the test that a patch names fails with the fault."""
    done = run(patch, [test])
    failed = re.findall(rf"^    {re.escape(test)}$", done.stdout, re.MULTILINE)
    if not failed and done.returncode != 0:
        sys.exit(f"{patch.name}: {test} did not run to its end:\n{done.stdout}{done.stderr}")
    print(f"{patch.stem}: {test} {'fails' if failed else 'passes'}", flush=True)
    return bool(failed)


def tested(patch):
    """The numbers of states, ends and bad ends with the fault, and the failed named schedules."""
    done = run(patch, TESTS)
    total = TOTAL.search(done.stdout)
    if not total:
        sys.exit(f"{patch.name}: the schedules did not run to their end:\n{done.stdout}{done.stderr}")
    failed = list(dict.fromkeys(FAILED.findall(done.stdout)))
    states, ends, bad = map(int, total.groups())
    if (bad > 0 or bool(failed)) != (done.returncode != 0):
        sys.exit(f"{patch.name}: {bad} bad ends, and yet the tests ended with {done.returncode}")
    return states, ends, bad, failed


def main():
    patches = [pathlib.Path(name) for name in sys.argv[1:]] or sorted(HERE.glob("*.patch"))
    share_builds()
    survived = []
    for patch in patches:
        if found_by := FOUND_BY.search(patch.read_text()):
            if not is_found(patch, found_by[1]):
                survived.append(patch.stem)
            continue
        states, ends, bad, failed = tested(patch)
        print(f"{patch.stem}: {bad} bad ends, of {ends} in {states} states; by name {failed}", flush=True)
        if bad == 0 and not failed:
            survived.append(patch.stem)
    if survived or not patches:
        sys.exit(f"not found: {', '.join(survived)}")


if __name__ == "__main__":
    main()
