"""Figures and samples of the prose in src: python3 tests/prose.py [REV] [--sample 20] [--seed 1]

REV is a git revision; without it, the work tree is read. The figures help a reader to judge, and no test enforces them.
"""

import argparse
import pathlib
import random
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRONOUNS = ("it", "its", "that", "told")
# A literal or a comment, whichever begins first. A lifetime such as 'a has no closing quote and matches nothing.
PIECES = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | \b[bc]?r(?P<hashes>\#*)".*?"(?P=hashes)
      | [bc]?"(?:\\.|[^"\\])*"
      | b?'(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\\n])'""",
    re.VERBOSE | re.DOTALL,
)


def sources(revision):
    """Path and text of each Rust file of src."""
    if not revision:
        for path in sorted((ROOT / "src").rglob("*.rs")):
            yield str(path.relative_to(ROOT)), path.read_text()
        return
    git = ["git", "-C", str(ROOT)]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "--name-only", revision, "src"], check=True, capture_output=True, text=True
    )
    for path in listed.stdout.split("\n"):
        if path.endswith(".rs"):
            shown = subprocess.run([*git, "show", f"{revision}:{path}"], check=True, capture_output=True, text=True)
            yield path, shown.stdout


def comments(text):
    """The comments as paragraphs: lines that follow each other are one."""
    paragraphs, last_line = [], -2
    for piece in PIECES.finditer(text):
        comment = piece["comment"]
        if not comment:
            continue
        line = text.count("\n", 0, piece.start())
        words = re.sub(r"^(///?|//!|/\*+)|\*/$", "", comment, flags=re.MULTILINE).strip(" !")
        if line == last_line + 1 and words and paragraphs:
            paragraphs[-1] += " " + words
        else:
            paragraphs.append(words)
        last_line = line if words else -2
    return [paragraph for paragraph in paragraphs if paragraph]


def sentences(paragraph):
    """The sentences of four words and more."""
    parts = re.split(r"(?<=[.?!])\s+(?=[A-Z`\[*])", paragraph)
    return [part for part in parts if len(part.split()) >= 4]


def functions(text):
    """Name, first line and number of lines of each function with a body."""
    blank = PIECES.sub(lambda piece: re.sub(r"[^\n]", " ", piece[0]), text)
    for start in re.finditer(r"\bfn\s+(\w+)", blank):
        depth, body = 0, None
        for at in range(start.end(), len(blank)):
            char = blank[at]
            if char in "([{":
                body = at if char == "{" and depth == 0 and body is None else body
                depth += 1
            elif char in ")]}":
                depth -= 1
                if depth == 0 and body is not None:
                    first = blank.count("\n", 0, start.start()) + 1
                    yield start[1], first, blank.count("\n", start.start(), at) + 1
                    break
            elif char == ";" and depth == 0:
                break


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("revision", nargs="?", metavar="REV")
    parser.add_argument("--sample", type=int, default=20, help="sentences to show")
    parser.add_argument("--seed", type=int, default=1, help="another seed shows other sentences")
    asked = parser.parse_args()

    paragraphs, lengths, bodies = [], [], []
    for path, text in sources(asked.revision):
        paragraphs += [(path, paragraph) for paragraph in comments(text)]
        lengths.append((text.count("\n"), path))
        bodies += [(lines, f"{path}:{first} {name}") for name, first, lines in functions(text)]
    words = [word for _, paragraph in paragraphs for word in re.findall(r"[a-z']+", paragraph.lower())]
    everything = [(path, sentence) for path, paragraph in paragraphs for sentence in sentences(paragraph)]

    print(f"{asked.revision or 'work tree'}: {len(lengths)} files, {len(words)} words in comments")
    thousand = max(len(words), 1) / 1000
    counts = {pronoun: words.count(pronoun) / thousand for pronoun in PRONOUNS}
    shares = ", ".join(f"{pronoun} {count:.1f}" for pronoun, count in counts.items())
    print(f"per 1,000 comment words: {shares}; together {sum(counts.values()):.1f}")
    for title, found in (("files", lengths), ("functions", bodies)):
        print(f"\nlongest {title}, in lines:")
        for lines, where in sorted(found, key=lambda one: (-one[0], one[1]))[:10]:
            print(f"  {lines:4} {where}")
    many = min(asked.sample, len(everything))
    print(f"\n{many} of {len(everything)} sentences, seed {asked.seed}:")
    for path, sentence in random.Random(asked.seed).sample(everything, many):
        print(f"  {path}: {sentence}")


if __name__ == "__main__":
    main()
