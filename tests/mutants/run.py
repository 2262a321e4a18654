"""Shows that the schedules find what they are there for: each patch beside this file puts one fault into the hub, and
each must make bad ends, or let a schedule fail that is kept by name. A patch that begins with `Found by: TEST` is found by
that test instead.

    run.py [PATCH…]

A patch is applied to a copy of the tree, never to the tree itself. The copy has a target folder of its own, which begins
with what the tree has built of other projects' crates, so that only this project's are built anew. A patch that no
longer applies, or finds nothing, is an error.
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
# In the list at the end: what a test prints stands between its name and how it ended.
FAILED = re.compile(r"^    schedules::(?:counterexamples::\w+|lost)::(\w+)$", re.MULTILINE)
# What is made of this project's own crates, by its beginning.
OURS = ("failover", "libfailover", "aws_sim", "aws-sim", "libaws_sim", "integration", "hub", "facts")
TOTAL = re.compile(r"^in all: (\d+) states, (\d+) ends, (\d+) bad ends$", re.MULTILINE)


def copy_tree():
    """The tree as it is, with what is not committed yet; files that did not change keep their time."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        source, copy = ROOT / name, COPY / name
        if source.is_file() and not (copy.is_file() and copy.read_bytes() == source.read_bytes()):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def share_builds():
    """The tests' Python, as a link, and other projects' crates, as links; what is built anew replaces a link and not what it leads to."""
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
    """Applies a patch to the copy; where it does not fit to the letter, it is to be made anew."""
    command = ["patch", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch", *options]
    with patch.open() as text:
        done = subprocess.run(command, cwd=COPY, stdin=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{patch.name} does not apply any more:\n{done.stdout}{done.stderr}")


def run(patch, tests):
    """What the tests print with the fault in, and how they end."""
    copy_tree()
    apply(patch)
    command = ["cargo", "test", "--locked", "--test", "integration", "--", "--nocapture", *tests]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), "SCHEDULES": "telling"}
    done = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True)
    apply(patch, "--reverse")
    return done


def is_found(patch, test):
    """Whether the one test that a patch names runs and fails with the fault in."""
    done = run(patch, [test])
    failed = re.findall(rf"^    {re.escape(test)}$", done.stdout, re.MULTILINE)
    if not failed and done.returncode != 0:
        sys.exit(f"{patch.name}: {test} did not run to its end:\n{done.stdout}{done.stderr}")
    print(f"{patch.stem}: {test} {'fails' if failed else 'passes'}", flush=True)
    return bool(failed)


def tested(patch):
    """States, ends and bad ends with the fault in, and the schedules by name that fail."""
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
