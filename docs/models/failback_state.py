"""The state of the model `failback`, and what the hub and a failback run conclude from it."""

from typing import NamedTuple

OWNER, HUB, RETURN = "owner", "hub", "failover role"


class State(NamedTuple):
    """Versions of A and B as (value, writer), what provenance names, and what may still happen."""

    a: tuple = ((0, OWNER),)
    b: tuple = ((0, HUB),)
    base: tuple = (1, 1)
    route: str = "active"
    a_is_up: bool = True
    processes: tuple = ()  # (kind, step, version of A, version of B)
    budget: tuple = (1, 2, 2, 1, 1)  # writes in A, writes in B, failbacks, crashes, sweeps
    values: int = 0
    replaced: frozenset = frozenset()  # values that their owner replaced
    reported: frozenset = frozenset()

    def spend(self, which, **changes):
        """The state with one less of `budget[which]`, and with these changes."""
        left = tuple(many - (place == which) for place, many in enumerate(self.budget))
        return self._replace(budget=left, **changes)


def covered(s):
    """The values of an owner that lie directly under another writer's version with another value."""
    pairs = [pair for side, base in ((s.a, s.base[0]), (s.b, s.base[1])) for pair in zip(side[base:], side[base + 1 :])]
    return {under[0] for under, over in pairs if under[1] == OWNER != over[1] and under[0] != over[0]}


def owned(s, rules):
    """Whether the hub may overwrite B."""
    since = s.b[s.base[1] - 1 :] if "history" in rules else s.b[-1:]
    return all(writer == HUB for _, writer in since)


def plan(s, rules):
    """What a failback plan says."""
    (a, last_a), (b, _) = s.a[-1], s.b[-1]
    new_a, new_b = s.a[s.base[0] :], s.b[s.base[1] :]
    if "history" in rules and covered(s) - {a, b}:
        return "conflict"
    if not new_a and not new_b:
        return "same" if a == b else "conflict"
    if "equal" in rules and a == b:
        return "renew"
    if "history" in rules:
        new_a, new_b = ([v for v in side if v[1] == OWNER] for side in (new_a, new_b))
        if not new_a and (new_b or last_a == RETURN):
            return "copy"
        return "conflict" if new_a and new_b else "keep A"
    return "copy" if new_b and not new_a else "keep A" if new_a and not new_b else "conflict"


def with_process(s, process):
    """The state with one more process; equal situations are equal states."""
    return s._replace(processes=tuple(sorted((*s.processes, process))))


def write(s, kind, step, version_a, version_b):
    """What a put or a takeover changes."""
    if kind == "failback" and step == "put":
        return {"a": s.a + ((s.b[version_b - 1][0], RETURN),)}
    value = s.a[version_a - 1][0] if kind == "sweep" else s.b[version_b - 1][0]
    return {"b": s.b + ((value, HUB),)}
