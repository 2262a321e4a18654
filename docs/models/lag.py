"""Question: what happens when reads of the source lag behind its changes?

Assumptions: as in `crash`. In addition a limited number of reads see the source as it was one change earlier.

Result: a lagging read can leave a replica that differs from its source. With the date and the read-back of rules 2 and
3 every such end is visible: the next sweep finds the difference and writes. Without them, one end is silent, even
without a crash.
"""

from crash import SHORT, explore_variant
from explore import show
from invocation import ABSENT, Rules

READS = ("look", "read source again", "confirm")
LONG = [(1, 2, ABSENT, 3)]
VARIANTS = {
    "all rules, 1 stale read": (Rules(passes=2), 0, 1, READS, LONG),
    "all rules, 2 stale reads and 1 crash, up to two changes": (Rules(passes=2), 1, 2, READS, SHORT),
    "provenance names versions alone, 1 stale read": (Rules(passes=2, proof=False), 0, 1, READS, LONG),
}


def result_of(name):
    """The result of one variant."""
    return explore_variant(*VARIANTS[name])


if __name__ == "__main__":
    for title in VARIANTS:
        show(title, result_of(title))
