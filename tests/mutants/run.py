"""Shows that the schedules find what they are there for: each patch beside this file puts one fault into the hub, and
each must make bad ends.

    run.py [PATCH…]

A patch is applied to a copy of the tree, never to the tree itself, and the copy is tested with the tree's own target
folder, so that only the hub is built anew. One that no longer applies, or finds nothing, is an error.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / "target"
COPY = TARGET / "mutants"
TEST = "schedules::exhaustive"
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


def apply(patch, *options):
    """Applies a patch to the copy; where it does not fit to the letter, it is to be made anew."""
    command = ["patch", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch", *options]
    with patch.open() as text:
        done = subprocess.run(command, cwd=COPY, stdin=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{patch.name} does not apply any more:\n{done.stdout}{done.stderr}")


def bad_ends(patch):
    """How many of how many ends are bad with the fault in."""
    copy_tree()
    apply(patch)
    command = ["cargo", "test", "--locked", "--test", "integration", TEST, "--", "--nocapture"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    done = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True)
    apply(patch, "--reverse")
    total = TOTAL.search(done.stdout)
    if not total:
        sys.exit(f"{patch.name}: the schedules did not run to their end:\n{done.stdout}{done.stderr}")
    states, ends, bad = map(int, total.groups())
    if (bad > 0) != (done.returncode != 0):
        sys.exit(f"{patch.name}: {bad} bad ends, and yet the test ended with {done.returncode}")
    return states, ends, bad


def main():
    patches = [pathlib.Path(name) for name in sys.argv[1:]] or sorted(HERE.glob("*.patch"))
    survived = []
    for patch in patches:
        states, ends, bad = bad_ends(patch)
        print(f"{patch.stem}: {bad} bad ends, of {ends} in {states} states", flush=True)
        if bad == 0:
            survived.append(patch.stem)
    if survived or not patches:
        sys.exit(f"not found: {', '.join(survived)}")


if __name__ == "__main__":
    main()
