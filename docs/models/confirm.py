"""Question: does every order of concurrent invocations end with the replica equal to its source?

Assumptions: the source goes through a short history, and each change causes one invocation. Steps of invocations and
changes come in any order. No invocation dies, and every read shows the present. Provenance names versions alone.

Result: with the confirm and the rewrite of rule 6 no order ends unequal. Without the confirm some do. Without the
rewrite one does: the version numbers of the replica restart after a delete, and provenance then matches by accident.
"""

from explore import explore, show
from invocation import ABSENT, Invocation, Replica, Rules, advance, with_small_dates

HISTORIES = [(1, 2), (1, 2, 3), (1, ABSENT), (1, ABSENT, 2), (ABSENT, 1, ABSENT), (1, 2, ABSENT, 3)]
VARIANTS = {
    "all rules": Rules(proof=False),
    "without the confirm": Rules(proof=False, confirm=False),
    "without the rewrite": Rules(proof=False, rewrite=False),
}


def start(history):
    """A replica in sync with the first value of the source, and no invocation."""
    value = history[0]
    return history, 0, None if value == ABSENT else Replica(value, 1, 1, value, 1), ()


def explore_variant(rules):
    """Every order of steps, for one choice of rules."""

    def moves(state):
        history, at, replica, invocations = state
        if at + 1 < len(history):
            label = f"the source changes from {history[at]} to {history[at + 1]}"
            begun = with_small_dates(replica, (*invocations, Invocation()))
            yield label, (history, at + 1, *begun)
        for place, one in enumerate(invocations):
            others = invocations[:place] + invocations[place + 1 :]
            after, written = advance(one, history[at], replica, rules)
            stepped = with_small_dates(written, (*others, after) if after else others)
            yield f"{one.step} (source as read: {one.source})", (history, at, *stepped)

    def judge(state, is_end):
        history, at, replica, _ = state
        return "unequal" if is_end and (replica.value if replica else ABSENT) != history[at] else None

    return explore([start(history) for history in HISTORIES], moves, judge)


def result_of(name):
    """The result of one variant."""
    return explore_variant(VARIANTS[name])


if __name__ == "__main__":
    for title in VARIANTS:
        show(title, result_of(title))
