"""Question: can a crash leave a replica that differs from its source, while provenance calls it in sync?

Assumptions: as in `confirm`, but invocations may die before any step, a limited number of times. The queue then
delivers the message again, as a new invocation. An invocation makes two passes. At the end one more invocation runs
alone, as the next sweep does. An end is *visibly* different if that sweep makes it equal, *silently* if it does not.

Result: if provenance names versions alone, a delete that restarts the version numbers can make an old put look like
the present one, and no later sweep sees the difference. If provenance also names the date of the write, and is written
only after a read-back of version and value, no such end exists, with one crash or with two.
"""

from confirm import HISTORIES, start
from explore import explore, show
from invocation import ABSENT, Invocation, Rules, advance, sweep_alone, with_small_dates

# Before that a crash loses nothing: the new invocation does what a late one would do.
HAS_WRITTEN = ("read back", "stamp", "confirm")
SHORT = [history for history in HISTORIES if len(history) < 4]
VARIANTS = {
    "all rules, 1 crash": (Rules(passes=2), 1),
    "all rules, 2 crashes, histories of up to two changes": (Rules(passes=2), 2, 0, (), SHORT),
    "provenance names versions alone, 1 crash": (Rules(passes=2, proof=False), 1),
}


def value_of(replica):
    """The value of a replica, or ABSENT."""
    return replica.value if replica else ABSENT


def explore_variant(rules, crashes, stale_reads=0, stale_steps=(), histories=HISTORIES):
    """Every order of steps and crashes. A stale read sees the source as it was one change earlier."""

    def moves(state):
        history, at, replica, invocations, crashes, stale_reads = state

        def next_state(replica, invocations, at=at, crashes=crashes, stale_reads=stale_reads):
            return history, at, *with_small_dates(replica, invocations), crashes, stale_reads

        if at + 1 < len(history):
            label = f"the source changes from {history[at]} to {history[at + 1]}"
            yield label, next_state(replica, (*invocations, Invocation()), at=at + 1)
        for place, one in enumerate(invocations):
            others = invocations[:place] + invocations[place + 1 :]
            label = f"{one.step} (source as read: {one.source})"
            after, written = advance(one, history[at], replica, rules)
            yield label, next_state(written, (*others, after) if after else others)
            if stale_reads and at and one.step in stale_steps:
                after, written = advance(one, history[at - 1], replica, rules)
                remaining = (*others, after) if after else others
                yield f"{label}, a stale read", next_state(written, remaining, stale_reads=stale_reads - 1)
            if crashes and (one.moved or one.step in HAS_WRITTEN):
                yield f"crash before: {label}", next_state(replica, (*others, Invocation()), crashes=crashes - 1)

    def judge(state, is_end):
        if not is_end:
            return None
        history, at, replica, *_ = state
        if value_of(replica) == history[at]:
            return None
        healed = value_of(sweep_alone(history[at], replica, rules)) == history[at]
        return "visibly different" if healed else "silently different"

    return explore([(*start(history), crashes, stale_reads) for history in histories], moves, judge)


def result_of(name):
    """The result of one variant."""
    return explore_variant(*VARIANTS[name])


if __name__ == "__main__":
    for title in VARIANTS:
        show(title, result_of(title))
