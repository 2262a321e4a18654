"""Question: is it enough that the confirm reads the source's version again, when a step also copied the source's tags?

Assumptions: a change of tags makes no new version, as in AWS. The source is a pair (version, tag) and goes through a
short history; each change causes one invocation. Version and tags are read in two calls. No crash, no lag.

Result: it is not enough. Two changes of tags close together leave old tags on the replica. With a confirm that reads
the tags as well, no such end exists (rule 6).
"""

from typing import NamedTuple

from explore import explore, show

ABSENT = (0, 0)
HISTORIES = [
    ((1, 1), (1, 2)),
    ((1, 1), (1, 2), (1, 1)),
    ((1, 1), (2, 1), (2, 2)),
    ((1, 1), (1, 2), (2, 2)),
    (ABSENT, (1, 1), (1, 2)),
    ((1, 1), ABSENT, (1, 2)),
]
VARIANTS = {"all rules": True, "the confirm reads the version alone": False}


class Replica(NamedTuple):
    """The replica, and the versions that its provenance names."""

    value: int
    version: int
    tag: int
    named_source: int
    named_version: int


class Invocation(NamedTuple):
    """Where an invocation stands: the version and the tag as read, and whether the source moved in the last pass."""

    step: str = "read version"
    version: int = 0
    tag: int = 0
    written: int = 0
    moved: bool = False


def advance(now, source, replica, reads_tags):
    """The next step: the invocation after it (None when it ends) and the replica after it."""
    go = now._replace
    version, tag = source
    if now.step == "read version":
        return go(step="read tags", version=version), replica
    if now.step == "read tags":
        return go(step="decide", tag=tag), replica
    if now.step == "decide":
        if now.version == 0:
            return go(step="read version again" if replica else "confirm version"), replica
        if now.tag == 0:  # deleted between the two reads
            return Invocation(moved=now.moved), replica
        if replica is None:
            return go(step="create"), replica
        proven = (replica.named_source, replica.named_version) == (now.version, replica.version)
        if now.moved or not proven:
            return go(step="put"), replica
        if replica.tag == now.tag:
            return None, replica
        return go(step="write tags", written=replica.version), replica
    if now.step == "read version again":
        return go(step="delete" if version == 0 else "read version"), replica
    if now.step == "delete":
        return go(step="confirm version"), None
    if now.step == "create":
        if replica is not None:
            return Invocation(moved=now.moved), replica
        return go(step="confirm version"), Replica(now.version, 1, now.tag, now.version, 1)
    if now.step == "put":
        old = replica or Replica(0, 0, 0, 0, 0)
        return go(step="write tags", written=old.version + 1), old._replace(value=now.version, version=old.version + 1)
    if now.step == "write tags":  # the tags, and provenance among them
        if replica is None:
            return Invocation(moved=now.moved), replica
        named = {"named_source": now.version, "named_version": now.written}
        return go(step="confirm version"), replica._replace(tag=now.tag, **named)
    if now.step == "confirm version":
        if version != now.version:
            return Invocation(moved=True), replica
        return (go(step="confirm tags") if reads_tags and version else None), replica
    return (None if tag == now.tag else Invocation(moved=True)), replica


def explore_variant(reads_tags):
    """Every order of steps, for one kind of confirm."""

    def moves(state):
        history, at, replica, invocations = state
        if at + 1 < len(history):
            begun = tuple(sorted((*invocations, Invocation())))
            yield f"the source changes from {history[at]} to {history[at + 1]}", (history, at + 1, replica, begun)
        for place, one in enumerate(invocations):
            others = invocations[:place] + invocations[place + 1 :]
            after, written = advance(one, history[at], replica, reads_tags)
            remaining = tuple(sorted((*others, after) if after else others))
            yield f"{one.step} (as read: {one.version}, {one.tag})", (history, at, written, remaining)

    def judge(state, is_end):
        history, at, replica, _ = state
        held = (replica.value, replica.tag) if replica else ABSENT
        return "different" if is_end and held != history[at] else None

    def start(history):
        version, tag = history[0]
        replica = Replica(version, 1, tag, version, 1) if version else None
        return history, 0, replica, ()

    return explore([start(history) for history in HISTORIES], moves, judge)


def result_of(name):
    """The result of one variant."""
    return explore_variant(VARIANTS[name])


if __name__ == "__main__":
    for title in VARIANTS:
        show(title, result_of(title))
