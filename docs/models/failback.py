"""Question (planned lifecycle): can an owner's value be lost on the way from A to B and back to A?

Assumptions: one parameter, source Region A, failover Region B. The owner writes once in A and twice in B; one sweep,
two failback runs, and one crash or lost answer are possible. A is down from the failover until it returns. After a
lost answer the SDK may send the put again. At the end people run failback and finish until nothing changes. A value of
an owner is lost if it is not current, its owner did not replace it, and no report names it.

Result: with all rules of failover.md no value is lost and no parameter is stuck. Without `drain`, `history`, `lock` or
`answered` values are lost; without `take over` parameters are stuck in a conflict. Without `equal` or `confirm b`
alone, this small model has no bad end: the other rules cover for them here.
"""

from explore import explore, show
from failback_state import HUB, RETURN, State, covered, owned, plan
from failback_steps import moves_of

RULES = {
    "drain": "failover returns only when no request of the hub is under way",
    "history": "who wrote each version decides what changed; a covered version of an owner is a conflict",
    "equal": "equal values are only renewed, whatever changed",
    "take over": "B's value is written once more by the hub before provenance follows",
    "lock": "one failback run at a time",
    "confirm b": "both sides are read again after the put in A; if one moved, the run goes round",
    "answered": "an unexpected answered version is reported and stamps nothing",
}
VARIANTS = {"all rules": RULES.keys(), "no rule": ()}
VARIANTS |= {f"without `{one}`": RULES.keys() - {one} for one in RULES}




def stamped(s):
    """Provenance names the present versions."""
    return s._replace(base=(len(s.a), len(s.b)))


def end_of(s, rules):
    """The state and the last report at the end: failback until nothing changes, finish if possible, two sweeps."""
    for _ in range(4):
        decided = plan(s, rules)
        if s.route != "failed over" or decided not in ("copy", "renew"):
            break
        if decided == "copy":
            s = s._replace(a=s.a + ((s.b[-1][0], RETURN),))
        if "take over" in rules and s.b[-1][1] != HUB:
            s = s._replace(b=s.b + ((s.b[-1][0], HUB),))
        s = stamped(s)
    decided = plan(s, rules)
    if s.route == "failed over" and decided not in ("same", "keep A"):
        return s, decided
    for _ in range(2):
        if not owned(s, rules):
            return s, "conflict"
        if (len(s.a), len(s.b)) != s.base:
            s = stamped(s._replace(b=s.b + ((s.a[-1][0], HUB),)))
    return s, "in sync"


def explore_variant(rules):
    """Every order of steps, for one choice of rules. Without the lock no sweep runs: the model is large enough."""
    start = State() if "lock" in rules or not rules else State().spend(4)

    def judge(s, _):
        if s.route == "active" or s.processes or not s.a_is_up:
            return None
        end, report = end_of(s, rules)
        a, b = end.a[-1][0], end.b[-1][0]
        named = covered(end) if "history" in rules and report == "conflict" else set()
        for value in set(range(1, s.values + 1)) - s.replaced - named - {a, b}:
            return "lost, reported once" if value in s.reported else "lost, never reported"
        if report == "conflict" and a == b and not named:
            return "stuck"
        return "in sync, but different" if report == "in sync" and a != b else None

    return explore([start], moves_of(rules), judge)


def result_of(name):
    """The result of one variant."""
    return explore_variant(frozenset(VARIANTS[name]))


if __name__ == "__main__":
    for title in VARIANTS:
        show(title, result_of(title))
