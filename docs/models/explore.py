"""Visits every reachable state of a model once.

A model gives the start states, a function `moves(state)` that yields pairs of a label and a next state, and a function
`judge(state, is_end)` that returns the name of a bad end, or None. The search is breadth-first, so the first path to
a bad end is a shortest one.
"""

import gc
from collections import Counter, deque
from typing import NamedTuple


class Result(NamedTuple):
    """How many states exist, how many bad ends of each kind, and a shortest path to each kind."""

    states: int
    bad: dict
    paths: dict


def explore(starts, moves, judge):
    """Visits every state that the moves reach from the start states."""
    gc.disable()  # a state holds no cycle, and a collection among so many objects takes long
    came_from = {start: None for start in starts}
    waiting = deque(came_from)
    bad, first = Counter(), {}
    while waiting:
        state = waiting.popleft()
        successors = list(moves(state))
        kind = judge(state, not successors)
        if kind is not None:
            bad[kind] += 1
            first.setdefault(kind, state)
        for label, successor in successors:
            if successor not in came_from:
                came_from[successor] = (label, state)
                waiting.append(successor)
    return Result(len(came_from), dict(bad), {kind: path(came_from, end) for kind, end in first.items()})


def path(came_from, state):
    """The labels on the way from a start state to this state."""
    labels = []
    while came_from[state] is not None:
        label, state = came_from[state]
        labels.append(label)
    return labels[::-1]


def show(title, result):
    """Prints one result, with a shortest path to each kind of bad end."""
    print(f"{title}: {result.states} states, bad ends: {result.bad or 'none'}")
    for kind, labels in result.paths.items():
        print(f"  a shortest path to `{kind}`:")
        for label in labels:
            print(f"    {label}")
