"""Question: which proof of ownership never loses a value that another writer wrote into a replica?

Assumptions: the source changes twice, and each change causes one invocation: look, put, read back, stamp. At any time
another writer may write into the replica once, an invocation may die once, and the SDK may send one put again after a
lost answer. No put depends on the present version. At the end two sweeps run alone. A value is lost if it is not
current and no sweep names it. Where the answered version is not the expected one, the invocation reports that once.

Result: if the last writer alone proves ownership, values of the other writer are lost. If the hub must have written
the version that provenance names and every version after it, none is lost (rule 4). If every unexpected version number
counts as another writer's, without a look at the history, there are false alarms (rule 3).
"""

from typing import NamedTuple

from explore import explore, show

HUB, OTHER = "hub", "other"
VARIANTS = {
    "all rules": ("every later writer", "history"),
    "the last writer alone": ("last writer", "history"),
    "every unexpected version is another writer's": ("every later writer", "number"),
}


class State(NamedTuple):
    """The source's version; the replica's versions as (value, writer); and what may still happen."""

    source: int = 1
    versions: tuple = ((1, HUB),)
    named: tuple = (1, 1)  # what provenance names: the source's version and the replica's
    invocations: tuple = ()  # (step, source as read, version of the replica as read or written)
    changes: int = 2
    other_writes: int = 1
    crashes: int = 1
    repeats: int = 1
    reported: frozenset = frozenset()
    false_alarm: bool = False


def is_owned(versions, named, proof):
    """Whether the replica is the hub's; provenance names `named` among `versions`."""
    if versions[-1][1] != HUB:
        return False
    return proof == "last writer" or all(writer == HUB for _, writer in versions[named[1] :])


def named_by_conflict(versions, named, proof):
    """The values that the report of a conflict names: the present one, and those under a version of the hub's."""
    values = {versions[-1][0]}
    if proof == "every later writer":
        pairs = zip(versions[named[1] :], versions[named[1] + 1 :])
        values |= {value for (value, writer), (_, over) in pairs if (writer, over) == (OTHER, HUB)}
    return values


def explore_variant(proof, check):
    """Every order of steps, for one proof of ownership and one check of the answered version."""

    def moves(state):
        s = state
        if s.changes:
            begun = s.invocations + (("look", 0, 0),)
            yield "the source changes", sort(s._replace(source=s.source + 1, changes=s.changes - 1, invocations=begun))
        if s.other_writes:
            written = s.versions + ((-s.other_writes, OTHER),)
            yield "another writer writes the replica", s._replace(versions=written, other_writes=s.other_writes - 1)
        for place, (step, source, version) in enumerate(s.invocations):
            rest = s.invocations[:place] + s.invocations[place + 1 :]
            ended = s._replace(invocations=rest)

            def goes_on(*invocation, base=ended):
                return sort(base._replace(invocations=rest + (invocation,)))

            if s.crashes:
                yield f"crash before: {step}", ended._replace(crashes=s.crashes - 1)
            if step == "look":
                if not is_owned(s.versions, s.named, proof):
                    found = named_by_conflict(s.versions, s.named, proof)
                    yield "look: a conflict, reported", ended._replace(reported=s.reported | found)
                elif s.named == (s.source, len(s.versions)):
                    yield "look: in sync", ended
                else:
                    yield "look: a put is needed", goes_on("put", s.source, len(s.versions))
            elif step == "put":
                put = s.versions + ((source, HUB),)
                if s.repeats:
                    lost = s._replace(versions=put, repeats=s.repeats - 1)
                    yield "put: the answer is lost, and the put is sent again", lost
                if s.crashes:
                    yield "put: then a crash", ended._replace(versions=put, crashes=s.crashes - 1)
                between = {value for value, writer in s.versions[version:] if writer == OTHER}
                if len(put) != version + 1 and (between or check == "number"):
                    alarm = s.false_alarm or not between
                    ended_so = ended._replace(versions=put, reported=s.reported | between, false_alarm=alarm)
                    yield "put: an unexpected version, reported and not stamped", ended_so
                else:
                    yield "put", goes_on("read back", source, len(put), base=ended._replace(versions=put))
            elif step == "read back":
                moved = len(s.versions) != version
                yield "read back", ended if moved else goes_on("stamp", source, version)
            else:
                yield "stamp", ended._replace(named=(source, version))

    def judge(state, _):
        if state.invocations:
            return None
        versions, named, found = state.versions, state.named, set()
        for _ in range(2):
            if not is_owned(versions, named, proof):
                found = named_by_conflict(versions, named, proof)
                break
            if named != (state.source, len(versions)):
                versions += ((state.source, HUB),)
                named = (state.source, len(versions))
        for value in {value for value, writer in versions if writer == OTHER}:
            if value != versions[-1][0] and value not in found:
                return "lost, reported once" if value in state.reported else "lost, never reported"
        return "false alarm" if state.false_alarm else None

    return explore([State()], moves, judge)


def sort(state):
    """Equal situations are equal states, whatever the order of the invocations."""
    return state._replace(invocations=tuple(sorted(state.invocations)))


def result_of(name):
    """The result of one variant."""
    return explore_variant(*VARIANTS[name])


if __name__ == "__main__":
    for title in VARIANTS:
        show(title, result_of(title))
